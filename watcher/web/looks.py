"""`/v1/accounts/{account}/batches/{batch_id}/looks`: the single looks at a batch, as far as they are remembered."""

from aiohttp import web

from watcher.core.model import Watch, overlaid
from watcher.core.news import By, Result
from watcher.ports import Following, PastLooks, Store
from watcher.web.models import Given, Instant
from watcher.web.operations import Operation, gives
from watcher.web.paths import key_of
from watcher.web.shown import answer
from watcher.web.visible import accounts_of
from watcher.web.watch_shown import kept_watch


class PastLookShown(Given):
    """One look: when it asked and was answered, whether by a request for this batch (`single`, or `refresh` where somebody asked
    for it) or by a page, and what came of it."""

    asked: Instant
    answered: Instant
    by: By
    result: Result


class LooksShown(Given):
    """The looks at a batch that are remembered, the newest 2,000 at most, in the order in which they were asked for. All are here
    that were answered after `since`, null: all since it is followed. `total` is in how many CallFire showed it, ever since."""

    account: str
    batch_id: int
    items: list[PastLookShown]
    total: int
    since: Instant | None


class Looks:
    """The handler that has to do with looks."""

    def __init__(self, *, store: Store, following: Following) -> None:
        self._store = store
        self._following = following

    def operations(self) -> list[Operation]:
        return [
            Operation(
                method="GET",
                path="/v1/accounts/{account}/batches/{batch_id}/looks",
                handler=self.read,
                scope="read",
                tag="watches",
                gives=gives(LooksShown),
                problems=("unknown-account", "bad-batch-id", "not-followed", "poller-silent"),
            )
        ]

    async def read(self, request: web.Request) -> web.Response:
        """The looks at the batch that the daemon remembers since it was started: of each account the last 65,536, or where there
        are more than 32 accounts its part of two million. Of an account that another replica polls, the newest 500 that it
        remembers. A page that CallFire did not give, or not with sense, shows nothing of any batch and is not among them."""
        key = key_of(request, accounts_of(request, self._following))
        watch = overlaid(await kept_watch(self._store, key), self._following.last_look(key))
        return answer(looks_shown(watch, await self._following.past_looks(key)))


def looks_shown(watch: Watch, past: PastLooks) -> LooksShown:
    """The looks as they are shown."""
    return LooksShown(
        account=watch.account,
        batch_id=watch.batch_id,
        items=[
            PastLookShown(asked=look.asked, answered=look.answered, by=look.by, result=look.result)
            for look in past.looks
        ],
        total=watch.looks,
        since=past.since if past.since > watch.opened else None,
    )
