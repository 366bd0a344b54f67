"""A million watches in a thousand accounts, over two replicas on PostgreSQL: how soon they look, what one takes, what is kept up.

The database is filled beforehand; then both replicas are started at once, as users start them, each account with a budget of one
request a second. A batch in eight has changed since it was looked at last, so over a hundred changes a second are to be kept,
each with its event. The other side answers from a process of its own; the database commits durably; all share the cores. What a
watch takes is what two replicas take more than two that have the same accounts and no watches, divided by how many there are. On
its way is what was shown and is not in the log: where that grows, the store falls behind.

Of more starts after that: the median, and in brackets the least and the greatest. What is in the way of the first look is the
CPU time that was spent until then, by whose it was, and what of the cores was left; beside it the same of one replica alone, in
the same turns.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from tests.bench.noting import Side, filled_postgres, serve, settings
from tests.bench.opponent import apart
from tests.bench.processors import Groups
from tests.bench.results import number, spread
from tests.store.postgres_server import DURABLE, Server, running

ACCOUNTS: Final = 1000
PER_ACCOUNT: Final = 1000
REPLICAS: Final = 2
STARTS: Final = 3
OURS: Final = "the replicas"
CORES: Final = os.cpu_count() or 1
WARM: Final = 10.0
SECONDS: Final = 60.0
"""How long the changes are counted, after all accounts were looked at and some seconds more."""
PATIENCE: Final = 120.0


Table = tuple[Sequence[str], Sequence[Sequence[str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Seconds from the start until the first look, and the CPU seconds until then by whose they were."""

    first: float
    spent: dict[str, float]


def tables() -> dict[str, Table]:
    """About four minutes, a good part of them for filling the database."""
    groups = Groups()
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        with groups.begun("the database"):
            server = stack.enter_context(running(DURABLE))
        with groups.begun("the other side"):
            ours = stack.enter_context(apart(serve))
        side = Side(f"http://127.0.0.1:{ours.recv()}", ours)
        config = Path(folder) / "watcher.toml"
        config.write_text(settings(side.url, ACCOUNTS, rate=1), encoding="utf-8")
        empty = _resting(server, config)
        database = filled_postgres(server, ACCOUNTS, PER_ACCOUNT)
        url = server.url(database)
        with _replicas(url, config) as processes:
            figures = _kept_up(side, server, database, processes, empty)
        starts: dict[int, list[Start]] = {1: [], REPLICAS: []}
        for _ in range(STARTS):
            for count, some in starts.items():
                some.append(_start(side, url, config, count, groups))
    return {
        "A million watches": (("figure", "value"), [(name, number(value)) for name, value in figures.items()]),
        "From the start to the first look": _first_looks(starts),
    }


def _kept_up(
    side: Side, server: Server, database: str, processes: list["subprocess.Popen[bytes]"], empty: int
) -> dict[str, float]:
    """From the start on, which is now."""
    started = time.monotonic()
    first = _all_looked_at(side)
    time.sleep(WARM)
    memory = _memory(processes)
    shown_before, before = side.noted()[1], _log(server, database)
    begun = time.monotonic()
    time.sleep(SECONDS)
    shown, log = side.noted()[1], _log(server, database)
    took = time.monotonic() - begun
    count = ACCOUNTS * PER_ACCOUNT
    return {
        "watches": count,
        "seconds from the start to a look of every account": max(first.values()) - started,
        "bytes a watch": (memory - empty) / count,
        "changes committed a second": (log - before) / took,
        "changes on their way at the beginning of the slice": shown_before - before,
        "changes on their way at the end": shown - log,
    }


def _start(side: Side, url: str, config: Path, count: int, groups: Groups) -> Start:
    """One of so many replicas, to the first look; what was changed meanwhile does no harm to the next one."""
    groups.members.pop(OURS, None)  # the last ones, which have ended
    side.anew()
    began, before = time.monotonic(), groups.spent()
    with ExitStack() as stack:
        with groups.begun(OURS):
            stack.enter_context(_replicas(url, config, count))
        while not (first := side.noted()[0]):
            assert time.monotonic() < began + PATIENCE, "nothing was looked at"
            time.sleep(0.02)
        spent = {group: seconds - before.get(group, 0) for group, seconds in groups.spent().items()}
    return Start(first=min(first.values()) - began, spent=spent)


def _first_looks(starts: dict[int, list[Start]]) -> Table:
    columns = ("replicas", "first look, s", *starts[1][0].spent, "CPU in all, s", "of the cores, %")
    return columns, [
        (
            str(replicas),
            spread([each.first for each in some], "{:.2f}".format),
            *(spread([each.spent[group] for each in some], "{:.2f}".format) for group in some[0].spent),
            spread([sum(each.spent.values()) for each in some], "{:.2f}".format),
            spread([100 * sum(each.spent.values()) / each.first / CORES for each in some], "{:.0f}".format),
        )
        for replicas, some in starts.items()
    ]


def _resting(server: Server, config: Path) -> int:
    """Bytes that replicas take that have nothing to do."""
    database = filled_postgres(server, ACCOUNTS, 0)
    with _replicas(server.url(database), config) as processes:
        time.sleep(WARM)
        memory = _memory(processes)
    server.drop(database)
    return memory


@contextmanager
def _replicas(url: str, config: Path, count: int = REPLICAS) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """They are up, or will be soon."""
    environment = {**os.environ, "WATCHER_DATABASE_URL": url, "WATCHER_LISTEN": "127.0.0.1:0"}
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "watcher", "run", "--config", str(config)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(count)
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
    print(tables())
