"""What a daemon costs that has little to do: memory, and CPU as a share of a core, without watches and with 10,000 open ones.

Without watches there is nothing to ask. Quiet: every batch was looked at a moment ago and is old, so nothing is worth a
request. Polling: nothing was looked at yet, so the whole budget of 5 requests a second is spent. The daemon is a process of its
own on SQLite, as users run it; CPU over five slices of ten seconds: the median, and in brackets the least and the greatest (of
a slice, 0.1 % is the least that the system counts). Memory is that after the last. Resident memory (RSS) counts pages of
libraries' files whole that all processes share; of the proportional memory (PSS) each of them has its part; private memory
(USS) is what would be free without the process. Then what the memory consists of: a process that loads one thing after another,
and nothing else.
"""

import asyncio
import itertools
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

import psutil

from tests.bench.daemons import daemon
from tests.bench.opponent import opponent
from tests.bench.results import spread
from watcher.clock import SystemClock
from watcher.core.model import Batch, Key, Seen
from watcher.core.transitions import Rules, learn
from watcher.ports import Change, Wish
from watcher.store.sqlite import open_store

WATCHES: Final = 10_000
SETTLING: Final = 5.0
SECONDS: Final = 10.0
SLICES: Final = 5
MB: Final = 2**20
LOADED: Final = {
    "asyncio, with ssl": ("asyncio",),
    "uvloop": ("uvloop",),
    "numpy": ("numpy",),
    "pydantic": ("pydantic",),
    "aiohttp, client and server": ("aiohttp", "aiohttp.web"),
    "prometheus-client": ("prometheus_client",),
    "sqlite3": ("sqlite3",),
    "the commands, with typer": ("watcher.cli.program",),
    "the settings": ("watcher.settings",),
    "the interface": ("watcher.web.server",),
    "all else": ("watcher.app.daemon", "watcher.store.sqlite"),
}
"""In this order, each with what it brings along that was not there before."""
LOADING: Final = """
import importlib, json, sys
sizes = []
def weigh():
    pairs = [line.split()[:2] for line in open("/proc/self/smaps_rollup") if line.endswith("kB\\n")]
    size = {name.rstrip(":"): int(number) * 1024 for name, number in pairs}
    sizes.append((size["Rss"], size["Private_Clean"] + size["Private_Dirty"]))
weigh()
for names in json.loads(sys.argv[1]):
    for name in names:
        importlib.import_module(name)
    weigh()
print(json.dumps(sizes))
"""


async def _fill(path: Path, *, watches: int, seen: bool) -> None:
    clock = SystemClock()
    async with open_store(path, tell=lambda _: None, clock=clock) as store:
        now = clock.now()
        followed = await store.follow([Wish(key=Key("default", n + 1)) for n in range(watches)], now)
        if not seen:
            return

        async def see(number: int) -> None:
            watch = followed[number].watch
            batch = Batch(id=watch.batch_id, status="VALIDATING", name="API 14", created=now - timedelta(days=2))
            learnt = learn(watch, Seen(asked=now, answered=now, batch=batch), Rules())
            await store.commit(Change(watch=learnt.watch, version=watch.version, events=learnt.events))

        await asyncio.gather(*(see(number) for number in range(watches)))


def measured(url: str, path: Path) -> tuple[list[float], list[float]]:
    """Megabytes resident, in proportion and private, and the percentages of a core that the slices took."""
    with daemon(url, path) as there:
        time.sleep(SETTLING)
        process = psutil.Process(there.pid)
        spent = [_share(process) for _ in range(SLICES)]
        memory = process.memory_full_info()
        return [each / MB for each in (memory.rss, memory.pss, memory.uss)], spent


def _share(process: psutil.Process) -> float:
    before, began = sum(process.cpu_times()[:2]), time.monotonic()
    time.sleep(SECONDS)
    return 100 * (sum(process.cpu_times()[:2]) - before) / (time.monotonic() - began)


def tables() -> dict[str, tuple[Sequence[str], Sequence[Sequence[str]]]]:
    """About three minutes."""
    rows = []
    with opponent() as other, tempfile.TemporaryDirectory() as folder:
        for name, watches, seen in (
            ("no watches", 0, False),
            (f"{WATCHES:,} quiet", WATCHES, True),
            (f"{WATCHES:,}, polling 5/s", WATCHES, False),
        ):
            path = Path(folder) / f"{watches}{seen}.db"
            asyncio.run(_fill(path, watches=watches, seen=seen))
            memory, spent = measured(other.url, path)
            rows.append((name, *(f"{each:.1f}" for each in memory), spread(spent, "{:.2f}".format)))
    return {
        "A daemon": (("watches", "resident, MB", "proportional, MB", "private, MB", "CPU, % of a core"), rows),
        "What is loaded": (("loaded, one after another", "more resident, MB", "more private, MB"), _loaded()),
    }


def _loaded() -> list[tuple[str, str, str]]:
    arguments = [sys.executable, "-c", LOADING, json.dumps(list(LOADED.values()))]
    sizes = json.loads(subprocess.run(arguments, capture_output=True, text=True, check=True).stdout)
    steps = [(after[0] - before[0], after[1] - before[1]) for before, after in itertools.pairwise(sizes)]
    named = [("the interpreter", sizes[0]), *zip(LOADED, steps, strict=True), ("in all", sizes[-1])]
    return [(name, f"{resident / MB:.1f}", f"{private / MB:.1f}") for name, (resident, private) in named]


if __name__ == "__main__":
    print(tables())
