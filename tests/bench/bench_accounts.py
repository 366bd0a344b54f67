"""Fifty accounts in one daemon, and one of them hangs: what the other 49 feel of it.

Each polls at 5 requests a second over sockets, with more to ask than it may. A round with the fiftieth account answered like the
others, a round in which its answers never come, in turns in the same run; a look is given up after two seconds, answers take
40 ms, as a believable CallFire's do. Late is a request's start beyond the period since the one before; both together is what an
account can feel.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from math import inf
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import uvloop

from tests.bench.opponent import Answers, apart
from watcher.app.assembly import Town
from watcher.app.process import tune_the_interpreter
from watcher.callfire.client import CallFire, Session, open_session
from watcher.callfire.limits import Budget
from watcher.callfire.wire import access
from watcher.clock import SystemClock
from watcher.core.account import Account
from watcher.core.answers import Answer, PageAnswer, SubmitAnswer, SwitchAnswer
from watcher.core.model import Key, PageRef
from watcher.core.schedule import Pace
from watcher.core.submissions import Order
from watcher.core.transitions import Rules
from watcher.polling.following import Polling
from watcher.polling.keeping import Keeper
from watcher.polling.poller import Poller
from watcher.polling.standing import Rates
from watcher.ports import Wish
from watcher.store.sqlite import open_store
from watcher.telemetry.logs import Logs
from watcher.telemetry.metrics import Metrics
from watcher.workers import Crew

ACCOUNTS: Final = 50
WATCHES: Final = 40
RATE: Final = 5.0
WHOLE: Final = timedelta(seconds=2)
WARM: Final = 1.5
"""Seconds at the beginning of a round that are not counted."""
SECONDS: Final = 3.0
ROUNDS: Final = 6
HANGS: Final = b"/hangs/"
LATENCY: Final = 0.04


class Moody(Answers):
    """Answers all but what is asked below HANGS."""

    def answer(self, head: bytes) -> None:
        if HANGS not in head.split(b" ", 2)[1]:
            asyncio.get_running_loop().call_later(LATENCY, self._late, head)

    def _late(self, head: bytes) -> None:
        if not self.transport.is_closing():
            super().answer(head)


def _serve(told: Connection) -> None:
    async def forever() -> None:
        server = await asyncio.get_running_loop().create_server(lambda: Moody({}, []), "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await asyncio.to_thread(told.recv)

    try:
        uvloop.run(forever())
    except EOFError:
        return


@contextmanager
def moody() -> Iterator[str]:
    """Its address, while it runs in a process of its own."""
    with apart(_serve) as ours:
        yield f"http://127.0.0.1:{ours.recv()}"


@dataclass(slots=True)
class Felt:
    """Seconds, request by request: how late it started, and how long its answer took."""

    late: list[float] = field(default_factory=list)
    took: list[float] = field(default_factory=list)
    both: list[float] = field(default_factory=list)


class Timed:
    """An account's CallFire, with a watch at it. Implements the port `Upstream`."""

    def __init__(self, upstream: CallFire, felt: Felt, since: float) -> None:
        self._upstream = upstream
        self._felt = felt
        self._since = since
        self._last: float | None = None

    @property
    def effective_rate(self) -> float:
        return self._upstream.effective_rate

    def limit(self, rate: float) -> None:
        self._upstream.limit(rate)

    def own(self, sure: Callable[[], bool]) -> None:
        self._upstream.own(sure)

    async def token(self, within: float = inf) -> bool:
        return await self._upstream.token(within)

    async def look(self, batch_id: int) -> Answer:
        began = time.perf_counter()
        answer = await self._upstream.look(batch_id)
        self._note(began)
        return answer

    async def page(self, ref: PageRef) -> PageAnswer:
        began = time.perf_counter()
        answer = await self._upstream.page(ref)
        self._note(began)
        return answer

    async def submit(self, order: Order, leave: Callable[[], Awaitable[None]]) -> SubmitAnswer:
        return await self._upstream.submit(order, leave)

    async def switch(self, batch_id: int, enabled: bool) -> SwitchAnswer:
        return await self._upstream.switch(batch_id, enabled)

    def _note(self, began: float) -> None:
        last, self._last = self._last, began
        if last is None or not self._since <= began < self._since + SECONDS:
            return
        late, took = max(began - last - 1 / RATE, 0.0), time.perf_counter() - began
        self._felt.late.append(late)
        self._felt.took.append(took)
        self._felt.both.append(late + took)


async def round_of(session: Session, url: str, path: Path, *, hangs: bool) -> Felt:
    """What the first 49 accounts felt."""
    clock, town, felt = SystemClock(), Town(), Felt()
    town.listen(Metrics(version="bench", loaded=clock.now()))
    town.listen(Logs(clock=clock))
    since = time.perf_counter() + WARM
    async with (
        open_store(path, tell=town.tell, clock=clock) as store,
        Crew(clock=clock, tell=town.tell, grace=0) as crew,
    ):
        pollers: dict[str, Poller] = {}
        for number in range(1, ACCOUNTS + 1):
            name, last = f"account-{number}", number == ACCOUNTS
            upstream = CallFire(
                name,
                access=access(url + ("/hangs" if last and hangs else ""), "login", "password"),
                session=session,
                budget=Budget(RATE),
                clock=clock,
                tell=town.tell,
                whole=WHOLE,
            )
            pollers[name] = Poller(
                Account(name=name, proven=True),
                rates=Rates(rate=RATE, concurrency=64),
                pace=Pace(worth=0.0, min_interval=0.0),
                rules=Rules(),
                upstream=upstream if last else Timed(upstream, felt, since),
                store=store,
                accounts=store,
                clock=clock,
                tell=town.tell,
                errand=crew.errand,
            )
        polling = Polling(pollers, store=store, clock=clock, tell=town.tell)
        await polling.follow([Wish(key=Key(name, n)) for name in pollers for n in range(1, WATCHES + 1)])
        for poller in pollers.values():
            crew.hire(poller)
            await asyncio.sleep(1 / RATE / ACCOUNTS)  # as accounts do, they go out of step
        crew.hire(Keeper(polling, reports=[each.report for each in pollers.values()], clock=clock, every=2.0))
        await asyncio.sleep(WARM + SECONDS)
    return felt


def percentile(values: Sequence[float], share: float) -> float:
    """In milliseconds."""
    return sorted(values)[int(len(values) * share)] * 1000


async def _run() -> dict[str, float]:
    calm: list[Felt] = []
    with_one: list[Felt] = []
    tune_the_interpreter()
    with moody() as url, tempfile.TemporaryDirectory() as folder:
        async with open_session(user_agent="bench") as session:
            for number in range(ROUNDS):
                for hangs in (False, True) if number % 2 else (True, False):
                    felt = await round_of(session, url, Path(folder) / f"{number}-{hangs}.db", hangs=hangs)
                    (with_one if hangs else calm).append(felt)
    figures: dict[str, float] = {}
    for what in ("took", "late", "both"):
        before = _pooled(calm, what)
        after = _pooled(with_one, what)
        figures[f"{what}: p95 where all answer, ms"] = percentile(before, 0.95)
        figures[f"{what}: p95 where one hangs, ms"] = percentile(after, 0.95)
        figures[f"{what}: more where one hangs, ms"] = percentile(after, 0.95) - percentile(before, 0.95)
        figures[f"{what}: ratio of all"] = percentile(after, 0.95) / percentile(before, 0.95)
        figures[f"{what}: ratio (median of the rounds)"] = statistics.median(
            percentile(getattr(b, what), 0.95) / percentile(getattr(a, what), 0.95)
            for a, b in zip(calm, with_one, strict=True)
        )
    figures["requests of the 49, per second and account"] = len(_pooled(with_one, "both")) / 49 / SECONDS / ROUNDS
    return figures


def _pooled(rounds: Sequence[Felt], what: str) -> list[float]:
    return [value for each in rounds for value in getattr(each, what)]


def run() -> Mapping[str, float]:
    """About 60 seconds."""
    return uvloop.run(_run())


if __name__ == "__main__":
    for figure, value in run().items():
        print(f"{figure:<60} {value:.3g}")
