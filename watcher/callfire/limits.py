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


class NotOurs(OSError):
    """The request was not sent: the budget may be another process's by now."""


class Budget:
    """Hands out tokens, at most one a period of 1/rate seconds.

    For one waiter at a time, but for those that connecting made late. With more, the spacing holds all the same, but not the
    order, and each waiter polls.
    A new owner's first token comes one period after it was first asked for: what the last owner spent is not known.
    """

    def __init__(self, rate: float) -> None:
        self._rate = _checked(rate)
        self._throttler = Throttler(rate_limit=1, period=1 / rate, retry_interval=_retry_interval(rate))
        self._last: float | None = None
        self._sure: Callable[[], bool] = lambda: True

    def own(self, sure: Callable[[], bool]) -> None:
        """It has a new owner from now on, whose requests go out only where `sure` says that it still is that."""
        self._last = None
        self._sure = sure

    @property
    def rate(self) -> float:
        """Requests a second. A new value counts from the next token on; a wait that has begun becomes longer, not shorter."""
        return self._rate

    @rate.setter
    def rate(self, rate: float) -> None:
        self._rate = _checked(rate)
        self._throttler.period = 1 / rate
        self._throttler.retry_interval = _retry_interval(rate)

    async def token(self, within: float = math.inf) -> bool:
        """Returns when one request may be sent, or False after `within` seconds in which none may. Neither that nor a
        cancelled wait costs a token."""
        if self._last is None:
            await self._acquire()  # stands for what the last owner may have spent just now
        if not await self._rest(within):
            return False
        await self._acquire()
        return True

    async def on_time(self, since: float) -> None:
        """Returns when a request may go out whose token was given, or which set out with it, at that moment of
        `time.monotonic()`.

        A token is good for one period. What is sent later, because connecting took its time, waits for another one:
        requests that piled up behind a slow connection would otherwise go out together. Raises NotOurs where none may go out.
        """
        if self._rate < SPINNING_RATE and time.monotonic() - since > 1 / self._rate:
            await self.token()
        if not self._sure():
            raise NotOurs("the account may be another process's by now")

    async def _rest(self, within: float) -> bool:
        """Sleeps through what is left of the period, so that the throttle, which polls, has next to nothing left to wait.
        False where more than `within` seconds are left, after as many. The period may become another one meanwhile."""
        end = time.monotonic() + within
        while self._rate < SPINNING_RATE and self._last is not None:
            # The throttle reads this very clock; a clock of ours could disagree with it.
            now = time.monotonic()
            left = self._last + 1 / self._rate - now
            if left <= 0:
                break
            if now >= end:
                return False
            await asyncio.sleep(min(left, end - now))
        return True

    async def _acquire(self) -> None:
        await self._throttler.acquire()  # type: ignore[no-untyped-call]  # it has no annotations
        self._last = time.monotonic()


def _checked(rate: float) -> float:
    if not (math.isfinite(rate) and rate > 0):
        raise ValueError(f"a rate is a number of requests a second above 0, not {rate}")
    return rate


def _retry_interval(rate: float) -> float:
    return 0.0 if rate >= SPINNING_RATE else RETRY_INTERVAL
