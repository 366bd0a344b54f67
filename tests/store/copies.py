"""Copies of databases that have everything, made in small portions by processes that may be killed."""

import base64
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any

from tests.fakes import Ear, FakeClock
from tests.store.full import fill, shown
from watcher.app.copying import Copied, copy
from watcher.ports import Store
from watcher.settings import Database
from watcher.store.postgres import open_postgres
from watcher.store.sealing import NOT_SEALED, Seal
from watcher.store.sqlite import open_store

New = Callable[[str], str]
"""Makes a place without tables for a database of a kind, and gives its URL."""


class Killed(BaseException):
    """The process ended here."""


def opened(url: str, seal: Seal = NOT_SEALED) -> AbstractAsyncContextManager[Store]:
    if url.startswith("sqlite"):
        return open_store(Path(url.removeprefix("sqlite:///")), tell=Ear(), clock=FakeClock(), seal=seal)
    return open_postgres(url, tell=Ear(), clock=FakeClock(), seal=seal)


async def full(url: str, seal: Seal = NOT_SEALED) -> Mapping[str, Any]:
    """A database that has everything; what it shows."""
    async with opened(url, seal) as store:
        await fill(store)
    async with opened(url, seal) as store:
        return await shown(store)


async def copied(
    source: str, target: str, *, size: int = 2, steps: int | None = None, key: bytes | None = None
) -> Copied:
    """Copies it in small portions, as a process that is killed after so many steps."""
    left = iter(range(10**9 if steps is None else steps))

    @contextmanager
    def counting(what: str, total: int) -> Iterator[Callable[[int], None]]:
        def advance(rows: int) -> None:
            if rows and next(left, None) is None:
                raise Killed

        yield advance

    encrypted = {} if key is None else {"encryption_key": base64.b64encode(key).decode()}
    one, other = (Database.model_validate({"url": url, **encrypted}) for url in (source, target))
    return await copy(one, other, counting, size=size)


async def finished(source: str, target: str, *, steps: int | None = None) -> bool:
    """Whether the copy came to its end in so many steps."""
    try:
        await copied(source, target, size=7, steps=steps)
    except Killed:
        return False
    return True


def meddle(url: str, statement: str) -> None:
    """Changes a SQLite database, as nobody does who uses this program."""
    connection = sqlite3.connect(path_of(url))
    connection.create_function("lower", 1, str.lower, deterministic=True)
    connection.execute(statement)
    connection.commit()
    connection.close()


def path_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))
