"""From the commit of an event to its acceptance by the receiver, at a steady 50 and 200 events a second, beside a bare loop.

The bare loop signs the same body and POSTs it at the same pace, from a task of its own; both on uvloop, to the same receiver, in
turns in the same run. Ours begins when the commit has returned, and has the deliverer wake, claim, sign, send and settle; SQLite
with synchronous FULL. Accepted is when the answer's last byte was read.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import uvloop

from tests.bench.opponent import opponent
from tests.bench.post import SECRETS, bare_session, delivery, event, post
from watcher.app.process import tune_the_interpreter
from watcher.clock import SystemClock
from watcher.core.endpoint import Endpoint
from watcher.core.message import body_of
from watcher.delivery import Limits

PACES = (50, 200)
SECONDS = 5
ROUNDS = 3


async def bare(url: str, pace: int) -> list[float]:
    """Seconds from the decision to send to the acceptance, of a loop that signs and POSTs and does nothing else."""
    took: list[float] = []
    clock = SystemClock()

    async def one(number: int) -> None:
        begun = time.monotonic()
        await post(session, url, f"bare_{begun}_{number}", body_of(event(clock)), clock)
        took.append(time.monotonic() - begun)

    async with bare_session() as session, asyncio.TaskGroup() as group:
        for number in range(pace * SECONDS):
            await asyncio.sleep(1 / pace)
            group.create_task(one(number), name=f"bare {number}")
    return took


async def ours(url: str, path: Path, pace: int) -> list[float]:
    """Seconds from the return of the commit to the acceptance."""
    endpoint = Endpoint(id="default", url=url, kept_by="settings", secrets=SECRETS)
    async with delivery(path, [endpoint], Limits()) as at_work:
        watches = await at_work.watches("default", pace * SECONDS)
        at_work.begin()
        for watch in watches:
            await asyncio.sleep(1 / pace)
            await at_work.happen(watch)
        await at_work.until(len(watches), within=10)
        return [at_work.accepted["default", name] - at for name, at in at_work.committed.items()]


def percentile(values: Sequence[float], share: float) -> float:
    """In milliseconds."""
    return sorted(values)[int(len(values) * share)] * 1000


async def _run() -> dict[str, float]:
    figures: dict[str, float] = {}
    with opponent() as other, tempfile.TemporaryDirectory() as folder:
        tune_the_interpreter()
        for pace in PACES:
            theirs: list[float] = []
            mine: list[float] = []
            for number in range(ROUNDS):
                theirs += await bare(other.url, pace)
                mine += await ours(other.url, Path(folder) / f"{pace}-{number}.db", pace)
            figures |= {
                f"{pace}/s, bare: p50, ms": statistics.median(theirs) * 1000,
                f"{pace}/s, bare: p95, ms": percentile(theirs, 0.95),
                f"{pace}/s, commit to accepted: p50, ms": statistics.median(mine) * 1000,
                f"{pace}/s, commit to accepted: p95, ms": percentile(mine, 0.95),
                f"{pace}/s, commit to accepted: p99, ms": percentile(mine, 0.99),
                f"{pace}/s, p95 / the bare loop's": percentile(mine, 0.95) / percentile(theirs, 0.95),
            }
    return figures


def run() -> dict[str, float]:
    """About a minute."""
    return uvloop.run(_run())


if __name__ == "__main__":
    for figure, value in run().items():
        print(f"{figure:<60} {value:,.3f}")
