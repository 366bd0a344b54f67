"""The way to an open database, and how a method of the store gets its work done: in a lane that writes, or one that reads."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, TypeVar

from watcher.core.news import Tell
from watcher.ports import Clock
from watcher.store.remembered import Remembered
from watcher.store.rows import millis
from watcher.store.work import Connection, Statements

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")

PING: Final = "ping"
"""The operation that only asks whether the store is well."""


class Lanes(ABC):
    """What the rooms of the store are built on, each with its own methods."""

    place: Path | str
    """Where the database is, without its secrets."""

    def __init__(self, *, remembered: Remembered, tell: Tell, clock: Clock) -> None:
        self._remembered = remembered
        self._tell = tell
        self._clock = clock

    @property
    @abstractmethod
    def alive(self) -> bool:
        """Whether anything can be done still."""

    @abstractmethod
    async def close(self) -> None:
        """Waits for what is under way, then closes. After it every method raises StoreError."""

    @abstractmethod
    async def _write(
        self,
        operation: str,
        work: Callable[Concatenate[Connection, Statements, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """What the work gave, after its transaction was committed. It may run again where that was rolled back."""

    @abstractmethod
    async def _read(
        self,
        operation: str,
        work: Callable[Concatenate[Connection, Statements, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """What the work gave, all of it as the database was at one moment."""

    def _now(self) -> int:
        return millis(self._clock.now())


class GroupLanes(Lanes):
    """Where each question to the database is a round trip: what waits for the same work is done with the same statements."""

    @abstractmethod
    async def _write_together(
        self,
        operation: str,
        work: Callable[[Connection, Statements, Sequence[Item]], Sequence[T]],
        item: Item,
    ) -> T:
        """As `_write`, for the item; the work may be given others that wait for the same, and has a result for each."""
