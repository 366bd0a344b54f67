"""A million watches in a thousand accounts, over two replicas on PostgreSQL: how soon they look, what one takes, what is kept up.

The database is filled beforehand; then both replicas are started at once, as users start them, each account with a budget of one
request a second. A batch in eight has changed since it was looked at last, so over a hundred changes a second are to be kept,
each with its event. The other side answers from a process of its own; the database commits durably; all share the cores. What a
watch takes is what two replicas take more than two that have the same accounts and no watches, divided by how many there are. On
its way is what was shown and is not in the log: where that grows, the store falls behind.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Final

import psutil
import uvloop

from tests.bench.opponent import HEAD, Answers, apart
from tests.store.postgres_server import DURABLE, Server, running
from watcher.clock import SystemClock
from watcher.store.postgres import open_postgres

ACCOUNTS: Final = 1000
PER_ACCOUNT: Final = 1000
REPLICAS: Final = 2
WARM: Final = 10.0
SECONDS: Final = 60.0
"""How long the changes are counted, after all accounts were looked at and some seconds more."""
PATIENCE: Final = 120.0
ONE_IN: Final = 8
"""Of so many batches one is shown as changed."""
FILL: Final = """
ALTER TABLE watches DISABLE TRIGGER USER;
INSERT INTO watches (
    account, batch_id, opened, version, number, state, status, final, since, name, created, size, remaining, enabled, asked,
    answered, looks, missing_count, refused_count, stuck_told, labels
)
SELECT
    'a' || account, account * 1000000 + batch, at, 2, 1, 'open', 'NEW', 0, at, 'API 14', at, 6198, 6198, 1, at, at, 1, 0, 0, 0,
    '{{}}'
FROM generate_series(1, {accounts}) AS account, generate_series(1, {watches}) AS batch,
    (SELECT clock_ms() - 10000 AS at) AS lately;
ALTER TABLE watches ENABLE TRIGGER USER;
VACUUM ANALYZE watches;
"""


class Noted(Answers):
    """Answers looks, and notes when each account was first asked about, and what was shown as changed."""

    def __init__(self, first: dict[int, float], changed: set[int]) -> None:
        super().__init__({}, [])
        self._first = first
        self._changed = changed

    def answer(self, head: bytes) -> None:
        number = head.split(b" ", 2)[1].split(b"?")[0].rsplit(b"/", 1)[1]
        body = b""
        if number.isdigit():
            batch = int(number)
            self._first.setdefault(batch // 1_000_000, time.monotonic())
            status = b"NEW"
            if batch % ONE_IN == 0:
                status = b"VALIDATING"
                self._changed.add(batch)
            body = b'{"id":%s,"name":"API 14","status":"%s","size":6198,"remaining":6198,"enabled":true}' % (
                number,
                status,
            )
        self.transport.write(HEAD % (len(body), body))


def _serve(told: Connection) -> None:
    async def forever() -> None:
        first: dict[int, float] = {}
        changed: set[int] = set()
        server = await asyncio.get_running_loop().create_server(
            lambda: Noted(first, changed), "127.0.0.1", 0, backlog=1024
        )
        told.send(server.sockets[0].getsockname()[1])
        while True:  # until the other end is done, which raises
            await asyncio.to_thread(told.recv)
            told.send((first, len(changed)))

    try:
        uvloop.run(forever())
    except EOFError:
        return


@dataclass(frozen=True, slots=True)
class Side:
    """The other side: where it is, when it was first asked about each account, and how many batches it has shown as changed."""

    url: str
    _told: Connection

    def noted(self) -> tuple[dict[int, float], int]:
        self._told.send("noted")
        noted: tuple[dict[int, float], int] = self._told.recv()
        return noted


def run() -> dict[str, float]:
    """About three minutes, the greater part of them for filling the database."""
    with running(DURABLE) as server, apart(_serve) as ours, tempfile.TemporaryDirectory() as folder:
        side = Side(f"http://127.0.0.1:{ours.recv()}", ours)
        config = Path(folder) / "watcher.toml"
        config.write_text(_settings(side.url), encoding="utf-8")
        empty = _resting(server, config)
        database = _database(server, PER_ACCOUNT)
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
    database = _database(server, 0)
    with _replicas(server.url(database), config) as processes:
        time.sleep(WARM)
        memory = _memory(processes)
    server.drop(database)
    return memory


def _database(server: Server, watches: int) -> str:
    async def make() -> None:
        async with open_postgres(server.url(name), tell=lambda news: None, clock=SystemClock()):
            pass

    name = server.make()
    asyncio.run(make())
    for statement in FILL.format(accounts=ACCOUNTS, watches=watches).split(";\n"):
        if statement.strip():
            server.say(statement, name)
    return name


def _settings(url: str) -> str:
    head = '[webhooks]\n[log]\nformat = "json"\n[polling]\nmin_interval = "100ms"\n'
    accounts = (
        f'[accounts.a{number}]\nlogin = "login{number}"\npassword = "password"\nbase_url = "{url}"\nrate = 1\n'
        for number in range(1, ACCOUNTS + 1)
    )
    return head + "".join(accounts)


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
