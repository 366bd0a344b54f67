"""Loops for tests on a machine that has other things to do: what it does not get to in time is not held against anybody.

Their time is that of the machine without the stretches in which the process did not run, or waited for a processor: a timer is
due after so long a wait in which nothing came, never because the machine stood still meanwhile.
"""

import asyncio
import selectors
from collections.abc import Callable
from contextvars import Context
from heapq import heappop, heappush
from time import monotonic  # the machine's own, also where a test turns `time.monotonic`
from typing import Final, TypeVarTuple

import uvloop

Given = TypeVarTuple("Given")

TICK: Final = 0.02
"""Seconds that a moment counts for at most."""
MOMENT: Final = TICK / 2
"""Seconds for which a loop waits before it looks what time it is."""


class Passing:
    """Time that passes in moments, none of which counts for more than a tick."""

    def __init__(self) -> None:
        self._passed = self._since = monotonic()

    def __call__(self) -> float:
        return self._passed + min(monotonic() - self._since, TICK)

    def tick(self) -> float:
        """A moment is over, the next one begins: when that is."""
        self._passed, self._since = self(), monotonic()
        return self._passed


class UnhurriedLoop(asyncio.SelectorEventLoop):
    """Asyncio's own. A turn of it is a moment, and so is a part of each wait."""

    def __init__(self) -> None:
        self._passing = Passing()
        super().__init__(_InMoments(self._passing))

    def time(self) -> float:
        return self._passing()


class _InMoments(selectors.DefaultSelector):
    def __init__(self, passing: Passing) -> None:
        super().__init__()
        self._passing = passing

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        now = self._passing.tick()
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        until = now + timeout
        while now < until:
            if ready := super().select(min(until - now, MOMENT)):
                return ready
            now = self._passing.tick()
        return super().select(0)


class UnhurriedUvloop(uvloop.Loop):
    """Uvloop, whose timers are kept here: it would have those fire that are due by the machine's time before it looks whether
    anything came."""

    def __init__(self) -> None:
        super().__init__()
        self._passing = Passing()
        self._timers: list[asyncio.TimerHandle] = []
        self._ticks = False

    def time(self) -> float:
        return self._passing()

    def call_later(
        self, delay: float, callback: Callable[[*Given], object], *args: *Given, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[[*Given], object], *args: *Given, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = asyncio.TimerHandle(when, callback, args, self, context)
        heappush(self._timers, timer)
        if not self._ticks:
            self._passing.tick()
            self._go_on()
        return timer

    def _timer_handle_cancelled(self, _: asyncio.TimerHandle) -> None:
        """It is left where it is until it would be due."""

    def _go_on(self) -> None:
        while self._timers and self._timers[0].cancelled():
            heappop(self._timers)
        self._ticks = bool(self._timers)
        if self._ticks:
            super().call_later(MOMENT, self._tick)

    def _tick(self) -> None:
        now = self._passing.tick()
        while self._timers and self._timers[0].when() <= now:
            timer = heappop(self._timers)
            if not timer.cancelled():
                timer._run()
        self._go_on()
