"""What a daemon costs that has little to do: resident memory and CPU with 10,000 open watches at 5 requests a second.

Quiet: every batch was looked at a moment ago and is old, so nothing is worth a request. Polling: nothing was looked at yet, so
the whole budget is spent. The daemon is a process of its own, as users run it; both figures over ten seconds.
"""

import asyncio
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import psutil

from tests.bench.daemons import daemon
from tests.bench.opponent import opponent
from watcher.clock import SystemClock
from watcher.core.model import Batch, Key, Seen
from watcher.core.transitions import Rules, learn
from watcher.ports import Change, Wish
from watcher.store.sqlite import open_store

WATCHES = 10_000
SECONDS = 10.0


async def _fill(path: Path, *, seen: bool) -> None:
    clock = SystemClock()
    async with open_store(path, tell=lambda _: None, clock=clock) as store:
        now = clock.now()
        followed = await store.follow([Wish(key=Key("default", n + 1)) for n in range(WATCHES)], now)
        if not seen:
            return

        async def see(number: int) -> None:
            watch = followed[number].watch
            batch = Batch(id=watch.batch_id, status="VALIDATING", name="API 14", created=now - timedelta(days=2))
            learnt = learn(watch, Seen(asked=now, answered=now, batch=batch), Rules())
            await store.commit(Change(watch=learnt.watch, version=watch.version, events=learnt.events))

        await asyncio.gather(*(see(number) for number in range(WATCHES)))


def measured(url: str, path: Path) -> tuple[float, float]:
    """Megabytes resident, and the share of a core."""
    with daemon(url, path) as there:
        time.sleep(5)
        process = psutil.Process(there.pid)
        before = sum(process.cpu_times()[:2])
        began = time.monotonic()
        time.sleep(SECONDS)
        cpu = (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - began)
        return process.memory_info().rss / 2**20, cpu


def run() -> dict[str, float]:
    """About 35 seconds."""
    figures: dict[str, float] = {}
    with opponent() as other, tempfile.TemporaryDirectory() as folder:
        for name, seen in (("quiet", True), ("polling 5/s", False)):
            path = Path(folder) / f"{seen}.db"
            asyncio.run(_fill(path, seen=seen))
            memory, cpu = measured(other.url, path)
            figures[f"{name}: resident, MB"] = memory
            figures[f"{name}: CPU, % of a core"] = cpu * 100
    return figures


if __name__ == "__main__":
    print(run())
