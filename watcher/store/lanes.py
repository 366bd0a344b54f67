"""The two lanes of an open database, and how a method of the store gets its work done in one of them."""

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from watcher.core.news import Tell
from watcher.ports import Clock
from watcher.store.lane import Lane
from watcher.store.remembered import Remembered
from watcher.store.rows import millis
from watcher.store.statements import load

P = ParamSpec("P")
T = TypeVar("T")


class Lanes:
    """One thread that writes, one that reads. The rooms of the store are built on it, each with its own methods."""

    def __init__(
        self,
        path: Path,
        *,
        writer: sqlite3.Connection,
        reader: sqlite3.Connection,
        remembered: Remembered,
        tell: Tell,
        clock: Clock,
    ) -> None:
        self.place = path
        self._sql = load("sqlite")
        self._remembered = remembered
        self._tell = tell
        self._clock = clock
        place = str(path)
        self._writer = Lane(
            writer,
            place=place,
            writes=True,
            tell=tell,
            clock=clock,
            committed=remembered.committed,
            spoiled=remembered.rolled_back,
        )
        self._reader = Lane(reader, place=place, writes=False, tell=tell, clock=clock)

    @property
    def alive(self) -> bool:
        return self._writer.alive and self._reader.alive

    async def close(self) -> None:
        """Waits for what is under way, then closes. After it every method raises StoreError."""
        await self._reader.close()
        await self._writer.close()

    def _now(self) -> int:
        return millis(self._clock.now())

    async def _write(
        self,
        operation: str,
        work: Callable[Concatenate[sqlite3.Connection, Mapping[str, str], P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        return await self._writer.run(operation, lambda connection: work(connection, self._sql, *args, **kwargs))

    async def _read(
        self,
        operation: str,
        work: Callable[Concatenate[sqlite3.Connection, Mapping[str, str], P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        return await self._reader.run(operation, lambda connection: work(connection, self._sql, *args, **kwargs))
