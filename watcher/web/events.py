"""`/v1/events`: the log of events, from a position on; and `/v1/accounts`."""

from collections.abc import Sequence

from aiohttp import web

from watcher.core.endpoint import covers
from watcher.core.model import EVENT_TYPES
from watcher.ports import EventQuery, Following, Store
from watcher.web.accounts import require_account, require_kept
from watcher.web.bodies import read_query
from watcher.web.models import AccountDetails, AccountPage, EventPage, EventsParams
from watcher.web.operations import Operation, gives
from watcher.web.problems import Problem, cut
from watcher.web.shown import account_details, account_shown, answer, event_shown


class Log:
    """The handlers that have to do with events and accounts: they only read."""

    def __init__(self, *, store: Store, following: Following) -> None:
        self._store = store
        self._following = following

    def operations(self) -> list[Operation]:
        return [
            Operation(
                method="GET",
                path="/v1/events",
                handler=self.events,
                scope="read",
                tag="events",
                query=EventsParams,
                gives=gives(EventPage),
                problems=("unknown-account",),
            ),
            Operation(
                method="GET",
                path="/v1/accounts",
                handler=self.accounts,
                scope="read",
                tag="accounts",
                gives=gives(AccountPage),
            ),
            Operation(
                method="GET",
                path="/v1/accounts/{account}",
                handler=self.account,
                scope="read",
                tag="accounts",
                gives=gives(AccountDetails),
                problems=("unknown-account",),
            ),
        ]

    async def events(self, request: web.Request) -> web.Response:
        """Events after a position, in the order of positions."""
        params = read_query(request, EventsParams, repeatable=("type",))
        if params.account is not None:
            await require_kept(params.account, self._following, self._store)
        found = await self._store.events(
            EventQuery(
                after=params.after,
                limit=params.limit,
                types=_types(params.type),
                account=params.account,
                batch_id=params.batch_id,
            )
        )
        following = found[-1].position if found else params.after
        return answer(EventPage(items=[event_shown(each) for each in found], next=following))

    async def accounts(self, _: web.Request) -> web.Response:
        """All accounts."""
        views = (self._following.view(name) for name in self._following.accounts)
        return answer(AccountPage(items=[account_shown(view) for view in views]))

    async def account(self, request: web.Request) -> web.Response:
        """One account, with what it has learnt."""
        name = request.match_info["account"]
        require_account(name, self._following.accounts)
        return answer(account_details(self._following.view(name), self._following.lengths(name)))


def _types(patterns: Sequence[str]) -> tuple[str, ...]:
    """The types that the patterns name, `batch.*` being all that begin so. None: all there are."""
    wanted: set[str] = set()
    for pattern in patterns:
        matching = {kind for kind in EVENT_TYPES if covers(pattern, kind)}
        if not matching:
            raise Problem(
                422,
                "bad-query",
                f"There is no event type {cut(pattern)!r}. There are: {', '.join(EVENT_TYPES)}.",
                errors=[{"parameter": "type", "message": f"There is no event type {cut(pattern)!r}"}],
            )
        wanted |= matching
    return tuple(kind for kind in EVENT_TYPES if kind in wanted) if len(wanted) < len(EVENT_TYPES) else ()
