"""How often an account may be asked: one token a request, evenly spaced, never more than the rate over any window."""

import asyncio
import math
import time
from collections.abc import Callable
from typing import Final

from asyncio_throttle.throttler import Throttler

SPINNING_RATE: Final = 500.0
"""Requests a second from which on a wait is shorter than what a timer can be trusted with: the loop is turned instead."""

RETRY_INTERVAL: Final = 0.001
"""Seconds between two looks at the throttle when a timer fired early; the wait itself is one timer."""

LATENESS: Final = 0.5
"""Of a period: how late a request may leave without the next one having to wait. No window then has more than half a request
over what is evenly spaced; the other half of the one that CallFire may count too many is left to the way there."""


class NotOurs(OSError):
    """The request was not sent: the budget may be another process's by now."""


class Budget:
    """Hands out tokens, at most one a period of 1/rate seconds, and lets requests out that are no closer than that.

    Tokens are for one waiter at a time. With more, the spacing holds all the same, but not the order, and each waiter polls.
    A new owner's first token comes one period after it became that, for what the last owner spent is not known; where nobody said
    that there is a new one, one period after it was first asked for.
    """

    def __init__(self, rate: float) -> None:
        self._rate = _checked(rate)
        self._throttler = Throttler(rate_limit=1, period=1 / self._rate, retry_interval=_retry_interval(rate))
        self._last: float | None = None
        self._begins = True
        self._out = -math.inf
        self._sure: Callable[[], bool] = lambda: True

    def own(self, sure: Callable[[], bool]) -> None:
        """It has a new owner from now on, whose requests go out only where `sure` says that it still is that."""
        self._last, self._begins = time.monotonic(), True  # the last owner may have spent a token just now
        self._sure = sure

    @property
    def rate(self) -> float:
        """Requests a second. A new value counts from the next token on; a wait that has begun becomes longer, not shorter."""
        return self._rate

    @rate.setter
    def rate(self, rate: float) -> None:
        self._rate = _checked(rate)
        self._throttler.period = 1 / self._rate
        self._throttler.retry_interval = _retry_interval(rate)

    async def token(self, within: float = math.inf) -> bool:
        """Returns when one request may be sent, or False after `within` seconds in which none may. Neither that nor a
        cancelled wait costs a token."""
        if self._last is None:
            await self._acquire()  # stands for what somebody else may have spent just now
        if self._rests and not await self._rest(within):
            return False
        await self._acquire()
        return True

    async def on_time(self) -> None:
        """Returns when a request may be written, however long connecting, or a loop that stood still, has held it up since its
        token. Raises NotOurs where none may go out.

        Requests that are all as late keep their distance, and do not wait. Those that piled up go out one by one, and the next
        token comes a period after them. From SPINNING_RATE on tokens alone are held apart: those that piled up go out together.
        """
        if self._rate < SPINNING_RATE:
            await self._turn()
        if not self._sure():
            raise NotOurs("the account may be another process's by now")

    async def _turn(self) -> None:
        """Waits for what is left of the distance to the last request that went out, which counts as no sooner than a period
        after the one before: so nothing is gained by being late."""
        waited = False
        while (left := self._out + (1 - LATENESS) / self._rate - time.monotonic()) > 0:
            waited = True
            await asyncio.sleep(left)
        self._out = max(self._out + 1 / self._rate, time.monotonic())
        if waited:
            self._last = self._out  # else they would never become fewer

    async def _rest(self, within: float) -> bool:
        """Sleeps through what is left of the period, so that the throttle, which polls, has next to nothing left to wait.
        False where more than `within` seconds are left, after as many. The period may become another one meanwhile."""
        end = time.monotonic() + within
        while self._last is not None and self._rests:
            # The throttle reads this very clock; a clock of ours could disagree with it.
            now = time.monotonic()
            left = self._last + 1 / self._rate - now
            if left <= 0:
                break
            if now >= end:
                return False
            await asyncio.sleep(min(left, end - now))
        return True

    @property
    def _rests(self) -> bool:
        """Whether the way to the next token is slept through; the throttle alone keeps it otherwise."""
        return self._begins or self._rate < SPINNING_RATE

    async def _acquire(self) -> None:
        await self._throttler.acquire()  # type: ignore[no-untyped-call]  # it has no annotations
        self._last, self._begins = time.monotonic(), False


def _checked(rate: float) -> float:
    if not (math.isfinite(rate) and rate > 0):
        raise ValueError(f"a rate is a number of requests a second above 0, not {rate}")
    return rate


def _retry_interval(rate: float) -> float:
    return 0.0 if rate >= SPINNING_RATE else RETRY_INTERVAL
