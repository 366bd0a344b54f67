"""Time that is turned by hand: a loop whose timers are due as soon as nothing else is left to do, and a wall clock that is set
forward, back, or goes at another speed."""

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

import pytest

from tests.fakes import NOON

P = ParamSpec("P")
T = TypeVar("T")

PATIENCE: Final = 1.0
"""Seconds of real time after which what is done elsewhere may itself be waiting for time to pass."""


class VirtualLoop(asyncio.SelectorEventLoop):
    """Where nothing can run until a timer is due, that one is due now. Time stands still while `elsewhere` something is done for
    us in real time (in a thread, or in a database)."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.leaps = 0  # how often time passed so far
        self.busy = 0
        super().__init__(_Waiting(self))

    def time(self) -> float:
        return self.passed

    @contextmanager
    def elsewhere(self) -> Iterator[None]:
        self.busy += 1
        try:
            yield
        finally:
            self.busy -= 1


class _Waiting(selectors.DefaultSelector):
    """Waits for files as long as something is done elsewhere, and otherwise lets time pass instead."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            return super().select(None)
        if timeout > 0 and self._loop.busy and (ready := super().select(PATIENCE)):
            return ready
        ready = super().select(0)
        if not ready and timeout > 0:
            self._loop.passed += timeout
            self._loop.leaps += 1
        return ready


def played(story: Coroutine[Any, Any, T], loop: VirtualLoop) -> T:
    """All of it; what the machine's monotonic clock says is the loop's time meanwhile."""
    with pytest.MonkeyPatch.context() as turned, asyncio.Runner(loop_factory=lambda: loop) as runner:
        turned.setattr(time, "monotonic", loop.time)
        return runner.run(story)


def in_turned_time(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """The test, in which time passes where it waits, and nowhere else."""

    @wraps(test)
    def turned(*arguments: P.args, **named: P.kwargs) -> None:
        played(test(*arguments, **named), VirtualLoop())

    return turned


class Wall:
    """The machine's clock, as somebody sets it. `speed` is how fast it goes beside the loop's."""

    def __init__(self, loop: VirtualLoop, start: datetime = NOON) -> None:
        self._loop = loop
        self._from = start.timestamp()
        self._since = loop.time()
        self._speed = 1.0

    def time(self) -> float:
        return self._from + (self._loop.time() - self._since) * self._speed

    def set(self, *, by: float = 0.0, speed: float = 1.0) -> None:
        """Sets it forward (or back) by so many seconds; from now on it goes at that speed."""
        self._from, self._since = self.time() + by, self._loop.time()
        self._speed = speed
