"""From the commit of an event to its arrival at the receiver, at a steady 50 events a second, beside a bare loop.

The bare loop signs the same body and POSTs it at the same pace; both on uvloop, to the same receiver, in turns in the same run.
Ours begins when the commit has returned, and has the deliverer wake, claim, sign and send; SQLite with synchronous FULL.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import uvloop

from tests.bench.opponent import Opponent, opponent
from watcher.app.assembly import Town
from watcher.clock import SystemClock
from watcher.core.message import body_of
from watcher.core.model import Batch, Endpoint, Key, Seen, Watch
from watcher.core.transitions import Rules, learn
from watcher.delivery import Deliverer, Limits
from watcher.ports import Change, Wish
from watcher.store.sqlite import open_store
from watcher.webhooks.sender import WebhookSender, open_session
from watcher.webhooks.signing import sign
from watcher.workers import Crew

A_SECOND = 50
EVENTS = 250
ROUNDS = 3
SECRET = b"0123456789abcdef0123456789abcdef"


async def bare(other: Opponent) -> list[float]:
    """Seconds from the decision to send to the arrival, of a loop that signs and POSTs and does nothing else."""
    began: dict[str, float] = {}
    clock = SystemClock()
    async with open_session(user_agent="bench") as session:
        for number in range(EVENTS):
            await asyncio.sleep(1 / A_SECOND)
            watch = Watch(account="default", batch_id=number + 1, opened=clock.now())
            (event,) = learn(watch, _seen(watch, clock), Rules()).events
            name = f"bare-{time.monotonic_ns()}"
            began[name] = time.monotonic()
            body, timestamp = body_of(event), int(time.time())
            headers = {
                "webhook-id": name,
                "webhook-timestamp": str(timestamp),
                "webhook-signature": sign(name, timestamp, body, [SECRET]),
            }
            async with session.post(other.url, data=body, headers=headers) as response:
                await response.read()
    arrived = other.arrivals()
    return [arrived[name] - at for name, at in began.items()]


async def ours(other: Opponent, path: Path) -> list[float]:
    """Seconds from the return of the commit to the arrival."""
    clock, town = SystemClock(), Town()
    committed: dict[str, float] = {}
    endpoint = Endpoint(id="default", url=other.url, timeout=timedelta(seconds=15), secrets=(SECRET,))
    async with (
        open_store(path, tell=town.tell, clock=clock) as store,
        open_session(user_agent="bench") as session,
        Crew(clock=clock, tell=town.tell) as crew,
    ):
        await store.settle_endpoints([endpoint])
        deliverer = Deliverer(
            {"default": endpoint},
            limits=Limits(),
            token="bench",
            sender=WebhookSender(session=session, clock=clock),
            store=store,
            clock=clock,
            tell=town.tell,
            errand=crew.errand,
        )
        crew.hire(deliverer)
        followed = await store.follow([Wish(key=Key("default", n + 1)) for n in range(EVENTS)], clock.now())
        for each in followed:
            await asyncio.sleep(1 / A_SECOND)
            result = learn(each.watch, _seen(each.watch, clock), Rules())
            done = await store.commit(Change(watch=result.watch, version=each.watch.version, events=result.events))
            assert done is not None
            committed[done.events[0].id] = time.monotonic()
            deliverer.wake()
        await asyncio.sleep(0.2)
    arrived = other.arrivals()
    return [arrived[name] - at for name, at in committed.items()]


def _seen(watch: Watch, clock: SystemClock) -> Seen:
    now = clock.now()
    batch = Batch(id=watch.batch_id, status="ACTIVE", name="API 14", size=6198)
    return Seen(asked=now, answered=now, batch=batch)


def percentile(values: Sequence[float], share: float) -> float:
    """In milliseconds."""
    return sorted(values)[int(len(values) * share)] * 1000


async def _run() -> dict[str, float]:
    theirs: list[float] = []
    mine: list[float] = []
    with opponent() as other, tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS):
            theirs += await bare(other)
            mine += await ours(other, Path(folder) / f"{number}.db")
    return {
        "bare: p50, ms": statistics.median(theirs) * 1000,
        "bare: p95, ms": percentile(theirs, 0.95),
        "commit to arrival: p50, ms": statistics.median(mine) * 1000,
        "commit to arrival: p95, ms": percentile(mine, 0.95),
        "commit to arrival: p99, ms": percentile(mine, 0.99),
        "p95 beyond the bare loop's, ms": percentile(mine, 0.95) - percentile(theirs, 0.95),
    }


def run() -> dict[str, float]:
    """About 30 seconds."""
    return uvloop.run(_run())


if __name__ == "__main__":
    print(run())
