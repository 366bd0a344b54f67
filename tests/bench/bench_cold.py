"""How soon the first look is out after a start with a million watches: SQLite and PostgreSQL, a thousand accounts and one.

One process, as users start it, from the start of the interpreter; its code is compiled before. The database is filled
beforehand, every batch was looked at ten seconds ago. An account of the thousand has a budget of one request a second, of which a
new owner lets the first period pass, for what the last one spent is not known; the one account has 100 a second. Of some starts
in turns: the median, and in brackets the least and the greatest. An account is polled when all of its watches are loaded: of a
thousand, that is while the first ones are polled already. In the way of the one account is that its million rows are read and
taken in before: all of the CPU time until its first look beyond that of the thousand. Then what a start consists of: the CPU time
of the interpreter alone, of the imports, and of reading a thousand accounts from the settings file.
"""

import asyncio
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from tests.bench.noting import Side, filled_postgres, filling, serve, settings
from tests.bench.opponent import apart
from tests.store.postgres_server import DURABLE, running
from watcher.clock import SystemClock
from watcher.store.sqlite import open_store

WATCHES: Final = 1_000_000
ACCOUNTS: Final = (1000, 1)
RATES: Final = {1000: 1.0, 1: 100.0}
STARTS: Final = 5
PATIENCE: Final = 120.0
STEPS: Final = {
    "the interpreter alone": "pass",
    "the imports of the daemon": "import watcher.cli.program, watcher.app.daemon, watcher.store.{store}",
    "all that, and reading a thousand accounts": (
        "import watcher.cli.program, watcher.app.daemon, watcher.store.{store}, os, pathlib\n"
        "from watcher.settings import load\n"
        "load(pathlib.Path({config!r}), os.environ)"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Seconds from the start until the address is said, until the first look, and until each account was looked at; and of CPU
    time that the process had taken at the first look."""

    serves: float
    first: float
    cpu: float
    every: float


def tables() -> dict[str, tuple[Sequence[str], Sequence[Sequence[str]]]]:
    """About four minutes, half of them for filling the databases."""
    rows, steps = [], []
    with running(DURABLE) as server, apart(serve) as ours, tempfile.TemporaryDirectory() as name:
        side, folder = Side(f"http://127.0.0.1:{ours.recv()}", ours), Path(name)
        for count in ACCOUNTS:
            config = folder / f"{count}.toml"
            config.write_text(settings(side.url, count, RATES[count]), encoding="utf-8")
            config.chmod(0o600)
            places = {
                "SQLite": filled(folder / f"{count}.db", count),
                "PostgreSQL": server.url(filled_postgres(server, count, WATCHES // count)),
            }
            starts: dict[str, list[Start]] = {each: [] for each in places}
            for _ in range(STARTS):
                for each, url in places.items():
                    starts[each].append(_start(side, config, url, count))
            rows += [(each, f"{count:,}", *_shown(of)) for each, of in starts.items()]
        for store in ("sqlite", "postgres"):
            for what, script in STEPS.items():
                text = script.format(store=store, config=str(folder / f"{max(ACCOUNTS)}.toml"))
                steps.append((what, store, *_spread([_cpu(text) for _ in range(STARTS)])))
    return {
        "From the start, in seconds": (
            ("database", "accounts", "serves", "first look", "CPU until then", "every account looked at"),
            rows,
        ),
        "CPU time of a start, in seconds": (("what", "store", "s"), steps),
    }


def filled(path: Path, accounts: int) -> str:
    async def make() -> None:
        async with open_store(path, tell=lambda news: None, clock=SystemClock()):
            pass

    asyncio.run(make())
    with sqlite3.connect(path) as connection:
        triggers = connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'watches'"
        )
        texts = dict(triggers.fetchall())
        for name in texts:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(filling("sqlite", accounts, WATCHES // accounts))
        for text in texts.values():
            connection.execute(text)
    connection.execute("ANALYZE")
    connection.close()
    return f"sqlite:///{path}"


def _start(side: Side, config: Path, url: str, accounts: int) -> Start:
    """One start, until each account was looked at; what was changed meanwhile does no harm to the next one."""
    side.anew()
    began = time.monotonic()
    with _daemon(config, url) as (process, read):
        read()
        serves = time.monotonic() - began
        _wait(side, 1, until=began + PATIENCE)
        cpu = sum(process.cpu_times()[:2])
        looks = [at - began for at in _wait(side, accounts, until=began + PATIENCE).values()]
    return Start(serves=serves, first=min(looks), cpu=cpu, every=max(looks))


def _wait(side: Side, accounts: int, *, until: float) -> dict[int, float]:
    """When so many accounts were first asked about, as soon as they were."""
    while len(first := side.noted()[0]) < accounts:
        assert time.monotonic() < until, f"{len(first)} of {accounts} accounts were looked at"
        time.sleep(0.02)
    return first


@contextmanager
def _daemon(config: Path, url: str) -> Iterator[tuple[psutil.Process, Callable[[], str]]]:
    """The process, and what reads the line that says where it serves."""
    with subprocess.Popen(
        [sys.executable, "-m", "watcher", "run", "--config", str(config)],
        env={**os.environ, "WATCHER_DATABASE_URL": url, "WATCHER_LISTEN": "127.0.0.1:0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield psutil.Process(process.pid), process.stdout.readline
        finally:
            process.terminate()
            process.wait(60)


def _cpu(script: str) -> float:
    """Of a process of its own."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", script], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _shown(starts: Sequence[Start]) -> list[str]:
    columns = zip(*((start.serves, start.first, start.cpu, start.every) for start in starts), strict=True)
    return [cell for column in columns for cell in _spread(column)]


def _spread(values: Sequence[float]) -> list[str]:
    return [f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"]
