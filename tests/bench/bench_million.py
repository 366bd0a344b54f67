"""A million watches in a thousand accounts, over two replicas on PostgreSQL: how soon they look, what one takes, what is kept up.

The database is filled beforehand; then both replicas are started at once, as users start them, each account with a budget of one
request a second. A batch in eight has changed since it was looked at last, so over a hundred changes a second are to be kept,
each with its event. The other side answers from a process of its own; the database commits durably; all share the cores. What a
watch takes is what two replicas take more than two that have the same accounts and no watches, divided by how many there are. On
its way is what was shown and is not in the log: where that grows, the store falls behind.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psutil

from tests.bench.noting import Side, filled_postgres, serve, settings
from tests.bench.opponent import apart
from tests.store.postgres_server import DURABLE, Server, running

ACCOUNTS: Final = 1000
PER_ACCOUNT: Final = 1000
REPLICAS: Final = 2
WARM: Final = 10.0
SECONDS: Final = 60.0
"""How long the changes are counted, after all accounts were looked at and some seconds more."""
PATIENCE: Final = 120.0


def run() -> dict[str, float]:
    """About three minutes, the greater part of them for filling the database."""
    with running(DURABLE) as server, apart(serve) as ours, tempfile.TemporaryDirectory() as folder:
        side = Side(f"http://127.0.0.1:{ours.recv()}", ours)
        config = Path(folder) / "watcher.toml"
        config.write_text(settings(side.url, ACCOUNTS, rate=1), encoding="utf-8")
        empty = _resting(server, config)
        database = filled_postgres(server, ACCOUNTS, PER_ACCOUNT)
        with _replicas(server.url(database), config) as processes:
            started = time.monotonic()
            first = _all_looked_at(side)
            time.sleep(WARM)
            memory = _memory(processes)
            shown_before, before = side.noted()[1], _log(server, database)
            begun = time.monotonic()
            time.sleep(SECONDS)
            shown, log = side.noted()[1], _log(server, database)
            took = time.monotonic() - begun
        looks = [at - started for at in first.values()]
    count = ACCOUNTS * PER_ACCOUNT
    return {
        "watches": count,
        "seconds from the start to the first look": min(looks),
        "seconds from the start to a look of every account": max(looks),
        "bytes a watch": (memory - empty) / count,
        "changes committed a second": (log - before) / took,
        "changes on their way at the beginning of the slice": shown_before - before,
        "changes on their way at the end": shown - log,
    }


def _resting(server: Server, config: Path) -> int:
    """Bytes that replicas take that have nothing to do."""
    database = filled_postgres(server, ACCOUNTS, 0)
    with _replicas(server.url(database), config) as processes:
        time.sleep(WARM)
        memory = _memory(processes)
    server.drop(database)
    return memory


@contextmanager
def _replicas(url: str, config: Path) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """They are up, or will be soon."""
    environment = {**os.environ, "WATCHER_DATABASE_URL": url, "WATCHER_LISTEN": "127.0.0.1:0"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "watcher", "run", "--config", str(config)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(REPLICAS)
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(60)


def _all_looked_at(side: Side) -> dict[int, float]:
    """When each account was first asked about."""
    until = time.monotonic() + PATIENCE
    while len(first := side.noted()[0]) < ACCOUNTS:
        assert time.monotonic() < until, f"{len(first)} of {ACCOUNTS} accounts were looked at"
        time.sleep(0.2)
    return first


def _memory(processes: list["subprocess.Popen[bytes]"]) -> int:
    return sum(psutil.Process(process.pid).memory_info().rss for process in processes)


def _log(server: Server, database: str) -> int:
    """How many events there are."""
    return int(server.say("SELECT count(*) FROM events", database))


if __name__ == "__main__":
    for figure, value in run().items():
        print(f"{figure:<60} {value:,.3f}")
