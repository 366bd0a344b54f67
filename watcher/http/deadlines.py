"""Deadlines of many short things with one timer for all of them.

`asyncio.timeout` sets a timer and takes it back each time, which costs a tenth of a webhook. Here the timer that is set stays
until it is due, and is set anew only where something is under way that would end sooner, or still is when it rings.
"""

import asyncio
from math import inf
from types import TracebackType
from typing import Self


class Deadlines:
    """For one event loop."""

    def __init__(self) -> None:
        self._under_way: set[Deadline] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._rings = inf

    def within(self, seconds: float) -> "Deadline":
        """As `asyncio.timeout`: what is awaited in its context is cancelled once so many seconds have passed, and TimeoutError is
        raised at its end."""
        return Deadline(self, seconds)

    def begin(self, deadline: "Deadline", loop: asyncio.AbstractEventLoop) -> None:
        """It counts from now on."""
        self._under_way.add(deadline)
        if deadline.at < self._rings:
            self._set(loop, deadline.at)

    def end(self, deadline: "Deadline") -> None:
        """It counts no more."""
        self._under_way.discard(deadline)

    def _set(self, loop: asyncio.AbstractEventLoop, at: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._rings = at
        self._timer = loop.call_at(at, self._ring, loop)

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        over = [each for each in self._under_way if each.at <= self._rings]
        self._timer, self._rings = None, inf
        for deadline in over:
            self._under_way.discard(deadline)
            deadline.pass_by()
        if self._under_way:
            self._set(loop, min(each.at for each in self._under_way))


class Deadline:
    """One of them, as a context."""

    __slots__ = ("_all", "_cancelling", "_passed", "_seconds", "_task", "at")

    def __init__(self, all_of_them: Deadlines, seconds: float) -> None:
        self._all = all_of_them
        self._seconds = seconds
        self._passed = False

    def __enter__(self) -> Self:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None  # noqa: S101 # whoever awaits has one
        self._task = task
        self._cancelling = task.cancelling()
        self.at = loop.time() + self._seconds
        self._all.begin(self, loop)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._passed:
            self._all.end(self)
        elif self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error

    def pass_by(self) -> None:
        """It is over: whoever waits is to hear of it."""
        self._passed = True
        self._task.cancel()
