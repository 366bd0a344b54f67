"""An endpoint with 100,000 pending deliveries comes back: how fast it is drained, what that costs, what others feel of it.

It was disabled, and has a rate of 1,000 a second, which nothing may exceed. Ten others get ten events a second each, before and
meanwhile; measured is from commit to acceptance. Memory is the process's resident set, from before it is enabled to its greatest.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil
import uvloop

from tests.bench.bench_latency import percentile
from tests.bench.opponent import opponent
from tests.bench.post import SECRETS, Delivery, delivery
from watcher.app.process import tune_the_interpreter
from watcher.core.endpoint import Endpoint
from watcher.core.model import Watch
from watcher.delivery import Limits

BACKLOG = 100_000
RATE = 1000.0
OTHERS = 10
A_SECOND = 100
SECONDS = 20


def endpoints(url: str) -> list[Endpoint]:
    late = Endpoint(
        id="late", url=f"{url}/late", kept_by="settings", accounts=("late",), rate=RATE, concurrency=8, secrets=SECRETS
    )
    others = [
        Endpoint(
            id=f"hook{number}",
            url=f"{url}/hook{number}",
            kept_by="settings",
            accounts=(f"hook{number}",),
            secrets=SECRETS,
        )
        for number in range(OTHERS)
    ]
    return [late, *others]


async def steadily(at_work: Delivery, watches: Sequence[Watch]) -> list[float]:
    """Seconds from commit to acceptance, of events at a steady pace."""
    begun, names = time.monotonic(), list[tuple[str, str]]()
    for number, watch in enumerate(watches):
        await asyncio.sleep(max(begun + number / A_SECOND - time.monotonic(), 0))
        await at_work.happen(watch)
        names.append((watch.account, list(at_work.committed)[-1]))
    await asyncio.sleep(0.2)
    return [at_work.accepted[key] - at_work.committed[key[1]] for key in names]


async def owe(at_work: Delivery) -> None:
    """The backlog, committed many at once; none of it is sent yet."""
    watches = await at_work.watches("late", BACKLOG)
    rest = iter(watches)

    async def commit() -> None:
        for watch in rest:
            await at_work.happen(watch)

    async with asyncio.TaskGroup() as group:
        for task in range(256):
            group.create_task(commit(), name=f"commit {task}")


async def _run() -> dict[str, float]:
    with opponent() as other, tempfile.TemporaryDirectory() as folder:
        async with delivery(Path(folder) / "backlog.db", endpoints(other.url), Limits()) as at_work:
            await at_work.store.disable_endpoint("late", "it was away")
            await owe(at_work)
            quiet, busy = [], []
            for number in range(OTHERS):
                made = await at_work.watches(f"hook{number}", 2 * SECONDS * A_SECOND // OTHERS)
                quiet += made[: len(made) // 2]
                busy += made[len(made) // 2 :]
            at_work.committed.clear()
            tune_the_interpreter()
            await at_work.deliverer.report()
            at_work.begin()
            before = await steadily(at_work, sorted(quiet, key=lambda watch: watch.batch_id))
            process = psutil.Process()
            memory, greatest = process.memory_info().rss, 0
            await at_work.store.enable_endpoint("late", send_held=True, now=at_work.clock.now())
            await at_work.deliverer.report()
            begun, done = time.monotonic(), at_work.done
            at_work.deliverer.wake()
            meanwhile = asyncio.create_task(
                steadily(at_work, sorted(busy, key=lambda watch: watch.batch_id)), name="others"
            )
            while at_work.done < done + BACKLOG + len(busy):
                await asyncio.sleep(0.25)
                at_work.accepted = {key: at for key, at in at_work.accepted.items() if key[0] != "late"}
                greatest = max(greatest, process.memory_info().rss)
                if time.monotonic() - begun > 300:
                    raise AssertionError(f"only {at_work.done - done} were accepted")
            took = time.monotonic() - begun
            after = await meanwhile
    return {
        "drained in, s": took,
        "deliveries a second": BACKLOG / took,
        "its own limit, deliveries a second": RATE,
        "more memory, MB": (greatest - memory) / 1e6,
        "others before: p50, ms": statistics.median(before) * 1000,
        "others before: p99, ms": percentile(before, 0.99),
        "others meanwhile: p50, ms": statistics.median(after) * 1000,
        "others meanwhile: p99, ms": percentile(after, 0.99),
    }


def run() -> dict[str, float]:
    """About three minutes."""
    return uvloop.run(_run())


if __name__ == "__main__":
    for figure, value in run().items():
        print(f"{figure:<60} {value:,.3f}")
