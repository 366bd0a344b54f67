"""`watcher wait` without a daemon: the same poller, within the same budget, around a store that is forgotten afterwards."""

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Final, Literal

from watcher.app.assembly import Town, make_polling, open_parts
from watcher.clock import SystemClock
from watcher.core.model import Key, State, Watch
from watcher.core.news import AccountTold, Changed, ConditionChanged, News
from watcher.ports import EventQuery, Store, Wish
from watcher.settings.model import Settings
from watcher.store.sqlite import open_store
from watcher.workers import Crew

GRACE: Final = 0.5

Waited = Mapping[tuple[str, int], str]
"""By (account, batch id): the status a batch ended with (ACTIVE, ERRORS, SOURCE_ERROR), or gone, refused, or timeout."""

Progress = Callable[[Mapping[str, object]], None]
"""Gets the body of each event, as a webhook would."""


async def wait_alone(
    settings: Settings,
    batches: Sequence[tuple[str, int]],
    *,
    timeout: float | None,
    progress: Progress,
    until: Literal["all", "any"] = "all",
) -> Waited:
    """Follows the batches until all (or any) have ended, or `timeout` seconds are over, and says how each ended.

    An account that refuses our login ends the wait for its batches at once.
    """
    keys = [Key(account, batch_id) for account, batch_id in batches]
    clock, town, turned = SystemClock(), Town(), asyncio.Event()
    town.listen(lambda news: _notice(news, turned))
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(None, tell=town.tell, clock=clock))
        parts = await stack.enter_async_context(open_parts(settings, store, clock=clock, tell=town.tell))
        crew = await stack.enter_async_context(Crew(clock=clock, tell=town.tell, grace=GRACE))
        polling = await make_polling(settings, parts, crew.errand)
        await polling.follow([Wish(key=key) for key in keys])
        for name in {key.account for key in keys}:
            crew.hire(polling.pollers[name])
        refused = dict.fromkeys(polling.pollers, False)
        ended: dict[tuple[str, int], str] = {}
        position = 0
        try:
            async with asyncio.timeout(timeout):
                while len(ended) < (len(keys) if until == "all" else 1):
                    await turned.wait()
                    turned.clear()
                    for name in polling.pollers:
                        # Of the store, and before the events are shown: a refusal is in it together with its event.
                        record = await store.account(name)
                        refused[name] = record is not None and record.refused
                    position = await _show(store, position, progress)
                    ended = await _ended(store, keys, refused)
        except TimeoutError:
            ended = await _ended(store, keys, refused)
        return {key: ended.get(key, "timeout") for key in keys}


def _notice(news: News, turned: asyncio.Event) -> None:
    if isinstance(news, Changed | AccountTold | ConditionChanged):
        turned.set()


async def _show(store: Store, after: int, progress: Progress) -> int:
    """Hands on the events since a position; gives the last one's."""
    for recorded in await store.events(EventQuery(after=after, limit=1000)):
        progress(json.loads(recorded.body))
        after = recorded.position
    return after


async def _ended(store: Store, keys: Sequence[Key], refused: Mapping[str, bool]) -> dict[tuple[str, int], str]:
    ended: dict[tuple[str, int], str] = {}
    for key in keys:
        watch = await store.watch(key)
        how = _how(watch) if watch is not None else None
        if how is None and refused[key.account]:
            how = "refused"
        if how is not None:
            ended[key] = how
    return ended


def _how(watch: Watch) -> str | None:
    if watch.state is State.SETTLED:
        return watch.status
    return "gone" if watch.state in (State.MISSING, State.EXPIRED, State.STOPPED) else None
