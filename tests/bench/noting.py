"""The other side of a start: it answers looks, and notes when it was first asked about each account. Watches to start with."""

import asyncio
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Final

import uvloop

from tests.bench.opponent import HEAD, Answers
from tests.store.postgres_server import Server
from watcher.clock import SystemClock
from watcher.store.postgres import open_postgres

OF_AN_ACCOUNT: Final = 10_000_000
"""The batches of account number n have numbers from n times this on."""
ONE_IN: Final = 8
"""Of so many batches one is shown as changed."""
FILL: Final = """
INSERT INTO watches (
    account, batch_id, opened, version, number, state, status, final, since, name, created, size, remaining, enabled, asked,
    answered, looks, missing_count, refused_count, stuck_told, labels
)
SELECT
    'a' || account, CAST(account AS BIGINT) * {first} + batch,
    at, 2, 1, 'open', 'NEW', 0, at, 'API 14', at, 6198, 6198, 1, at, at, 1, 0, 0, 0,
    '{{}}'
FROM {accounts}, {batches}, {lately}
"""
SERIES: Final = {
    "postgres": "generate_series(1, {most}) AS {name}",
    "sqlite": (
        "(WITH RECURSIVE series(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM series WHERE number < {most})"
        " SELECT number AS {name} FROM series WHERE number <= {most}) AS {name}s"
    ),
}
LATELY: Final = {
    "postgres": "(SELECT clock_ms() - 10000 AS at) AS lately",
    "sqlite": "(SELECT CAST(strftime('%s') AS INTEGER) * 1000 - 10000 AS at) AS lately",
}


def filling(dialect: str, accounts: int, watches: int) -> str:
    """A statement that makes so many watches for each of so many accounts, all of them looked at lately."""
    series = SERIES[dialect]
    return FILL.format(
        first=OF_AN_ACCOUNT,
        accounts=series.format(name="account", most=accounts),
        batches=series.format(name="batch", most=watches),
        lately=LATELY[dialect],
    )


def filled_postgres(server: Server, accounts: int, watches: int) -> str:
    """The name of a database with so many watches in each of so many accounts."""

    async def make() -> None:
        async with open_postgres(server.url(name), tell=lambda news: None, clock=SystemClock()):
            pass

    name = server.make()
    asyncio.run(make())
    for statement in (
        "ALTER TABLE watches DISABLE TRIGGER USER",
        filling("postgres", accounts, watches),
        "ALTER TABLE watches ENABLE TRIGGER USER",
        "VACUUM ANALYZE watches",
    ):
        server.say(statement, name)
    return name


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
            self._first.setdefault(batch // OF_AN_ACCOUNT, time.monotonic())
            status = b"NEW"
            if batch % ONE_IN == 0:
                status = b"VALIDATING"
                self._changed.add(batch)
            body = b'{"id":%s,"name":"API 14","status":"%s","size":6198,"remaining":6198,"enabled":true}' % (
                number,
                status,
            )
        self.transport.write(HEAD % (len(body), body))


@dataclass(frozen=True, slots=True)
class Side:
    """The other side: where it is, when it was first asked about each account, and how many batches it has shown as changed."""

    url: str
    _told: Connection

    def noted(self) -> tuple[dict[int, float], int]:
        self._told.send("noted")
        noted: tuple[dict[int, float], int] = self._told.recv()
        return noted

    def anew(self) -> None:
        """Forgets what it noted."""
        self._told.send("anew")
        self._told.recv()


def serve(told: Connection) -> None:
    """In a process of its own, until the other end of the pipe is closed."""

    async def forever() -> None:
        first: dict[int, float] = {}
        changed: set[int] = set()
        server = await asyncio.get_running_loop().create_server(
            lambda: Noted(first, changed), "127.0.0.1", 0, backlog=1024
        )
        told.send(server.sockets[0].getsockname()[1])
        while True:
            if await asyncio.to_thread(told.recv) == "anew":
                first.clear()
                changed.clear()
            told.send((first, len(changed)))

    try:
        uvloop.run(forever())
    except EOFError:
        return


def settings(url: str, accounts: int, rate: float) -> str:
    """A settings file with so many accounts, a1, a2 and so on."""
    head = '[webhooks]\n[log]\nformat = "json"\n[polling]\nmin_interval = "100ms"\n'
    sections = (
        f'[accounts.a{number}]\nlogin = "login{number}"\npassword = "password"\nbase_url = "{url}"\nrate = {rate}\n'
        for number in range(1, accounts + 1)
    )
    return head + "".join(sections)
