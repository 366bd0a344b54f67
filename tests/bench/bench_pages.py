"""What open pages cost the daemon: 20, in the order of what needs a person, with 100,000 watches and 200 changes a second.

Poller, store (SQLite, FULL), streams and server are those of the daemon; CallFire alone is left out: looks that show another
status are handed to the poller 200 times a second. Half of them are first looks at new batches, half are ends, and half of the
ends are of batches that are expected to end next. A page shows those under the few that need a person, so that its rows change
all the time. The pages are read by a process of their own. The share of a core is that of the daemon's process: without pages,
with them, and without them again; then with pages that look elsewhere, and with some of which no two show the same, and so share
nothing: each at another part of the list, each with a search of its own.
"""

import asyncio
import random
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import psutil
import uvloop

from tests.bench.crowd import Crowd, Wanted, crowd
from tests.bench.serving import streaming
from watcher.app.assembly import Town
from watcher.app.process import tune_the_interpreter
from watcher.clock import SystemClock
from watcher.core.account import Account
from watcher.core.hazard import Sight
from watcher.core.learnt import LearntHazard
from watcher.core.model import Batch, Key, Seen, Watch
from watcher.core.schedule import Pace
from watcher.core.transitions import Rules, learn
from watcher.polling.following import Polling
from watcher.polling.poller import Poller
from watcher.polling.standing import Rates
from watcher.ports import Change, Wish
from watcher.store.sqlite import SqliteStore, open_store
from watcher.workers import Crew

WATCHES: Final = 100_000
PAGES: Final = 20
ROWS: Final = 50
CHANGES: Final = 200
NEEDING: Final = 20
"""Watches that need a person at the beginning: fewer than a page has rows, else it would show nothing that changes."""
SECONDS: Final = 30.0
AT_ONCE: Final = 500


class NoCallFire:
    """The port Upstream, which nobody asks."""

    effective_rate = 200.0

    def limit(self, rate: float) -> None:
        """There is nothing to limit."""


@dataclass(slots=True, kw_only=True)
class Served:
    """The daemon's parts, and what is still to happen: the batches that are open, and the next one that is new."""

    url: str
    store: SqliteStore
    poller: Poller
    polling: Polling
    clock: SystemClock
    open: list[int]
    next: int
    soon: list[int] = field(default_factory=list)

    async def change(self, number: int) -> None:
        """A look that shows another status."""
        if number % 2:
            batch_id, self.next = self.next, self.next + 1
            await self.polling.follow([Wish(key=Key("default", batch_id), labels={"team": "north"})])
            await self._look(batch_id, "VALIDATING")
            self.open.append(batch_id)
            return
        batch_id = self.soon.pop() if number % 4 and self.soon else self.open[random.randrange(len(self.open))]
        await self._look(batch_id, "ERRORS" if number % 2000 == 0 else "ACTIVE")

    async def _look(self, batch_id: int, status: str) -> None:
        now = self.clock.now()
        await self.poller.learner.take_in(
            batch_id, Seen(asked=now, answered=now, batch=_batch(batch_id, status, self.clock)), "single"
        )

    async def busy(self, seconds: float) -> float:
        """Changes for so long, as many a second as there should be; the share of a core that this took. A machine that has other
        things to do as well makes it longer, and not cheaper."""
        process = psutil.Process()
        # All at once, and now: what is worked out for the pages is not to be there already because we asked for it.
        self.soon = [batch_id for _, batch_id in reversed(self.poller.soonest(round(seconds * CHANGES)).first)]
        used, begun = sum(process.cpu_times()[:2]), time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number in range(round(seconds * CHANGES)):
                await asyncio.sleep(begun + number / CHANGES - time.monotonic())
                group.create_task(self.change(number), name=f"change {number}")
        return (sum(process.cpu_times()[:2]) - used) / seconds


def _batch(batch_id: int, status: str, clock: SystemClock) -> Batch:
    made = clock.now() - timedelta(seconds=batch_id % 3000)
    name = f"Autumn, north {batch_id}"
    return Batch(id=batch_id, status=status, name=name, broadcast_id=batch_id % 97 + 1, created=made, size=2000)


async def fill(store: SqliteStore, clock: SystemClock, watches: int) -> list[int]:
    """Half of them are open, a few need a person; the open ones."""
    for start in range(1, watches + 1, AT_ONCE):
        ids = range(start, min(start + AT_ONCE, watches + 1))
        wishes = [Wish(key=Key("default", each), labels={"team": "north"}) for each in ids]
        made = await store.follow(wishes, clock.now())
        await asyncio.gather(*(_seen(store, clock, each.watch) for each in made))
    return [each for each in range(1, watches + 1) if each % 2]


async def _seen(store: SqliteStore, clock: SystemClock, watch: Watch) -> None:
    number = watch.batch_id
    status = "VALIDATING" if number % 2 else "ERRORS" if number <= 2 * NEEDING else "ACTIVE"
    now = clock.now()
    look = Seen(asked=now, answered=now, batch=_batch(number, status, clock))
    learnt = learn(watch, look, Rules())
    assert await store.commit(Change(watch=learnt.watch, version=watch.version, events=learnt.events))


@asynccontextmanager
async def served(path: Path, watches: int) -> AsyncIterator[Served]:
    """While it runs."""
    clock, town = SystemClock(), Town()
    upstream: Any = NoCallFire()
    learnt = LearntHazard(now=clock.now().timestamp())
    for number in range(1000):
        learnt.saw(Sight(size=6, then=number * 1.0, now=number * 1.0 + 30, ended=True))
    learnt.settle(clock.now().timestamp())
    async with (
        open_store(path, tell=town.tell, clock=clock) as store,
        Crew(clock=clock, tell=town.tell, grace=0.5) as crew,
    ):
        opened = await fill(store, clock, watches)
        poller = Poller(
            Account(name="default", credentials="mine"),
            rates=Rates(rate=200.0, concurrency=4),
            pace=Pace(),
            rules=Rules(),
            upstream=upstream,
            store=store,
            accounts=store,
            clock=clock,
            tell=town.tell,
            errand=crew.errand,
            learnt=learnt,
        )
        await poller.load()
        polling = Polling({"default": poller}, store=store, clock=clock, tell=town.tell)
        async with streaming(store, polling, town=town, clock=clock, crew=crew, most=2 * PAGES) as url:
            yield Served(
                url=url, store=store, poller=poller, polling=polling, clock=clock, open=opened, next=watches + 1
            )


async def watched(here: Served, people: Crowd, query: str, pages: int, seconds: float) -> tuple[float, float]:
    """The share of a core while pages are open that ask for that, each with its number where {} stands; and the patches that each
    of them got in a second."""
    port = int(here.url.rpartition(":")[2])
    path = f"/v1/stream?order=attention&limit={ROWS}{query}"
    await asyncio.to_thread(people.gather, Wanted(port=port, path=path, clients=pages, noting=False))
    await asyncio.sleep(2)  # all have got the whole
    before = await asyncio.to_thread(people.events)
    share = await here.busy(seconds)
    patches = (await asyncio.to_thread(people.events) - before) / pages / seconds
    broken = await asyncio.to_thread(people.leave)
    assert broken == 0, f"{broken} pages were let go"
    return share, patches


async def _run(watches: int, seconds: float) -> dict[str, float]:
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as name, crowd() as people:
        tune_the_interpreter()
        async with served(Path(name) / "pages.db", watches) as here:
            bare = await here.busy(seconds)
            share, patches = await watched(here, people, "", PAGES, seconds)
            bare = (bare + await here.busy(seconds)) / 2
            figures |= {
                "without pages: share of a core": bare,
                f"{PAGES} pages: share of a core": share,
                f"{PAGES} pages: what they cost, share of a core": share - bare,
                f"{PAGES} pages: patches a second, each": patches,
            }
            for what, query in {
                "at the end of the list": f"&offset={watches - 2 * ROWS}",
                "of a search": "&q=north+99",
                "each at another part of the list": "&offset={}00",
                "each with another search": "&q=north+9{}",
            }.items():
                share, _ = await watched(here, people, query, PAGES, seconds)
                figures[f"{PAGES} pages {what}: what they cost, share of a core"] = share - bare
    return figures


def run(watches: int = WATCHES, seconds: float = SECONDS) -> dict[str, float]:
    """About four minutes."""
    return uvloop.run(_run(watches, seconds))


if __name__ == "__main__":
    for figure, value in run().items():
        print(f"{figure:<80} {value:,.3f}")
