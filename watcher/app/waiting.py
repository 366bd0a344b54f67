"""`watcher wait` without a daemon: the same poller, within the same budget, around a store that is forgotten afterwards.

Only what is kept of accounts is not: it stands in the database, which also lets one process at a time spend an account's budget.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Container, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Final, Literal, NamedTuple

from watcher.app.assembly import (
    CannotStart,
    Parts,
    Town,
    make_poller,
    make_polling,
    open_kept_store,
    open_parts,
    shares_of,
)
from watcher.app.turns import TRY, Turn, in_turn
from watcher.clock import SystemClock
from watcher.core.account import Account, AccountRecord, Condition
from watcher.core.model import Key, State, Watch
from watcher.core.news import AccountTold, Changed, ConditionChanged, News
from watcher.core.parts import part_named
from watcher.ports import AccountChange, Clock, Committed, EventQuery, Lease, Store, StoreInUse, UnusableStore, Wish
from watcher.settings.model import Settings
from watcher.store.sqlite import open_store
from watcher.workers import Crew

GRACE: Final = 0.5

Waited = Mapping[tuple[str, int], str]
"""By (account, batch id): the status a batch ended with (ACTIVE, ERRORS, SOURCE_ERROR), or gone, refused, or timeout."""

Progress = Callable[[Mapping[str, object]], None]
"""Gets the body of each event, as a webhook would."""


class Ended(NamedTuple):
    """How each batch ended, and by account why CallFire refuses it, where it does."""

    waited: Waited
    refusals: Mapping[str, str]


async def wait_alone(
    settings: Settings,
    batches: Sequence[tuple[str, int]],
    *,
    timeout: float | None,
    progress: Progress,
    in_use: Callable[[str], None],
    until: Literal["all", "any"] = "all",
) -> Ended:
    """Follows the batches until all (or any) have ended, or `timeout` seconds are over, and says how each ended.

    An account that refuses our login ends the wait for its batches at once. Where another process has the database (SQLite),
    or polls one of the accounts, it has the budget too: `in_use` is told who, once, and our turn comes when that one has
    ended. Raises CannotStart where the database cannot be used.
    """
    keys = [Key(account, batch_id) for account, batch_id in batches]
    deadline = None if timeout is None else asyncio.get_running_loop().time() + timeout
    clock, town = SystemClock(), Town()
    ended: dict[tuple[str, int], str] = {}
    refusals: dict[str, str] = {}
    try:
        async with AsyncExitStack() as stack:
            async with asyncio.timeout_at(deadline):
                kept = await stack.enter_async_context(_in_time(settings, clock, town, in_use))
            shown = await stack.enter_async_context(open_store(None, tell=town.tell, clock=clock))
            parts = await stack.enter_async_context(open_parts(settings, shown, clock=clock, tell=town.tell))
            parts = replace(parts, accounts=_Both(kept, shown), leases=kept)
            named = {key.account for key in keys}
            shares = [share for share in shares_of(settings) if part_named(share).account in named]
            wanted = len(keys) if until == "all" else 1
            async with asyncio.timeout_at(deadline):
                turn = await stack.enter_async_context(in_turn(kept, shares, settings.database.lease, clock, in_use))
                await _follow(settings, parts, town, turn, keys, wanted, progress, ended, refusals)
    except TimeoutError:
        pass
    except UnusableStore as error:
        raise CannotStart(str(error)) from error
    return Ended({key: ended.get(key, "timeout") for key in keys}, refusals)


async def _follow(
    settings: Settings,
    parts: Parts,
    town: Town,
    turn: Turn,
    keys: Sequence[Key],
    wanted: int,
    progress: Progress,
    ended: dict[tuple[str, int], str],
    refusals: dict[str, str],
) -> None:
    """Until so many have ended; `ended` and `refusals` are kept up to date."""
    turned = asyncio.Event()
    town.listen(lambda news: _notice(news, turned))
    async with Crew(clock=parts.clock, tell=town.tell, grace=GRACE) as crew:
        polling = make_polling(settings, parts)
        for lease in turn.leases:
            poller = await make_poller(settings, parts, polling.moved, lease, turn.is_sure, crew.errand)
            await polling.admit(lease.share, poller, parts.store)
            await poller.load()
        await polling.follow([Wish(key=key) for key in keys])
        asked = [poller for _, poller in polling.here()]
        town.listen(polling.hear)
        crew.hire(turn)
        for poller in asked:
            crew.hire(poller)
        position = 0
        while len(ended) < wanted:
            await turned.wait()
            turned.clear()
            for poller in asked:
                name = poller.account.name
                # Of the store too, and before the events are shown: a refusal is in it together with its event.
                record = await parts.accounts.account(name)
                if record is not None and record.refused and _is_refused(poller.account, parts.clock.now()):
                    refusals[name] = record.reason
            position = await _show(parts.store, position, progress)
            ended |= await _ended(parts.store, keys, refusals)


def _is_refused(account: Account, now: datetime) -> bool:
    """Whether CallFire refuses it and may not be asked again yet: after a pause, or with another password, it may."""
    return account.condition is Condition.REFUSED and account.until is not None and account.until > now


@asynccontextmanager
async def _in_time(settings: Settings, clock: Clock, town: Town, in_use: Callable[[str], None]) -> AsyncIterator[Store]:
    """The database that the daemon would use, for as long as the context lasts: there stands what must outlive us, such as that
    CallFire refused the login. Who has it on SQLite is waited for."""
    told = False
    while True:
        async with AsyncExitStack() as stack:
            try:
                store = await stack.enter_async_context(open_kept_store(settings, tell=town.tell, clock=clock))
            except StoreInUse as error:
                if not told:
                    in_use(str(error))
                told = True
            else:
                yield store
                return
        await clock.sleep(TRY)


class _Both:
    """What is kept of accounts stays in the one store, and is told by the other as well."""

    def __init__(self, kept: Store, shown: Store) -> None:
        self._kept = kept
        self._shown = shown

    def held(self, lease: Lease) -> "_Both":
        return _Both(self._kept.held(lease), self._shown)

    async def account(self, name: str) -> AccountRecord | None:
        return await self._kept.account(name)

    async def save_account(self, change: AccountChange) -> Committed | None:
        if await self._kept.save_account(change) is None:
            return None
        return await self._shown.save_account(change)


def _notice(news: News, turned: asyncio.Event) -> None:
    if isinstance(news, Changed | AccountTold | ConditionChanged):
        turned.set()


async def _show(store: Store, after: int, progress: Progress) -> int:
    """Hands on the events since a position; gives the last one's."""
    for recorded in await store.events(EventQuery(after=after, limit=1000)):
        progress(json.loads(recorded.body))
        after = recorded.position
    return after


async def _ended(store: Store, keys: Sequence[Key], refused: Container[str]) -> dict[tuple[str, int], str]:
    ended: dict[tuple[str, int], str] = {}
    for key in keys:
        watch = await store.watch(key)
        how = _how(watch) if watch is not None else None
        if how is None and key.account in refused:
            how = "refused"
        if how is not None:
            ended[key] = how
    return ended


def _how(watch: Watch) -> str | None:
    if watch.state is State.SETTLED:
        return watch.status
    return "gone" if watch.state in (State.MISSING, State.EXPIRED, State.STOPPED) else None
