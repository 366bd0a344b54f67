"""What reading costs with 100,000 watches kept and the poller busy: GET /v1/watches?limit=100 at 50 a second, page after page.

A daemon of its own, which asks a lean other side 50 times a second all the while. A read's time is counted from the moment when
it was due, whether or not the one before it had ended. Looks are counted where they arrive: for as long without the reads, with
them, and without them again. Also with the reads answered in gzip, and with filters, each of which goes by an index.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import aiohttp
import numpy as np

from tests.bench.daemons import daemon
from tests.bench.opponent import Opponent, opponent
from watcher.clock import SystemClock
from watcher.core.model import Key
from watcher.ports import Wish
from watcher.store.sqlite import open_store

WATCHES: Final = 100_000
READS: Final = 50.0
RATE: Final = 50.0
SECONDS: Final = 30.0
FILTERS: Final = ("label=team:blue", "broadcast=70", "final=false", "overdue=true")


async def fill(path: Path, watches: int) -> None:
    """A tenth of them with a label, a hundredth in one broadcast."""
    clock = SystemClock()
    async with open_store(path, tell=lambda _: None, clock=clock) as store:
        for begin in range(1, watches + 1, 10_000):
            wishes = [
                Wish(
                    key=Key("default", number),
                    labels={"team": "blue"} if number % 10 == 0 else None,
                    broadcast_id=70 if number % 100 == 0 else None,
                )
                for number in range(begin, min(begin + 10_000, watches + 1))
            ]
            await store.follow(wishes, clock.now())


async def _read(session: aiohttp.ClientSession, url: str, seconds: float, query: str = "") -> list[float]:
    """The time of each read in seconds, from when it was due."""
    took: list[float] = []
    began = time.monotonic()
    pages: list[str] = [""]  # where the next read goes on: the newest page that came

    async def read(due: float) -> None:
        async with session.get(f"{url}/v1/watches?limit=100{query}{pages[-1]}") as response:
            body = await response.read()
            assert response.status == 200, body
        took.append(time.monotonic() - due)
        cursor = json.loads(body)["next"]
        pages.append("" if cursor is None else f"&cursor={cursor}")

    async with asyncio.TaskGroup() as group:
        for number in range(int(seconds * READS)):
            due = began + number / READS
            await asyncio.sleep(due - time.monotonic())
            group.create_task(read(due))
    return took


def _looks(asked: Sequence[float], begin: float, end: float) -> float:
    """Looks a second between two moments."""
    return sum(begin <= at < end for at in asked) / (end - begin)


def _late(took: Sequence[float]) -> tuple[float, float]:
    """Half of them, and 99 of 100, in milliseconds."""
    half, most = np.percentile(took, [50, 99])
    return float(half) * 1000, float(most) * 1000


async def _measured(url: str, other: Opponent, seconds: float) -> dict[str, float]:
    await asyncio.sleep(3)
    spans: list[tuple[float, float]] = []
    figures: dict[str, float] = {}
    async with aiohttp.ClientSession(headers={"Accept-Encoding": "identity"}) as session:
        for reads in (False, True, False):
            begin = time.monotonic()
            if reads:
                half, most = _late(await _read(session, url, seconds))
                figures |= {"read, p50, ms": half, "read, p99, ms": most}
            else:
                await asyncio.sleep(seconds)
            spans.append((begin, time.monotonic()))
        for query in FILTERS:
            _, figures[f"read with {query}, p99, ms"] = _late(await _read(session, url, seconds / 6, f"&{query}"))
    async with aiohttp.ClientSession() as session:
        _, figures["read in gzip, p99, ms"] = _late(await _read(session, url, seconds / 6))
    asked = await asyncio.to_thread(other.asked)
    before, among, after = (_looks(asked, *span) for span in spans)
    quiet = (before + after) / 2
    return figures | {
        "looks a second without reads": quiet,
        "looks a second with reads": among,
        "looks lost to reads, %": 100 * (1 - among / quiet),
    }


def run(watches: int = WATCHES, seconds: float = SECONDS) -> dict[str, float]:
    """About two and a half minutes."""
    with opponent() as other, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "watcher.db"
        asyncio.run(fill(path, watches))
        with daemon(other.url, path, rate=RATE) as there:
            return asyncio.run(_measured(there.url, other, seconds))


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
