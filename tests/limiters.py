"""Ways in which an upstream may count requests and refuse those that are too many.

`ask` is told of each request, with its time in seconds; what it gives is None where the request is accepted, else the
Retry-After in seconds, or UNTOLD.
"""

from collections import deque
from math import floor
from typing import Protocol

UNTOLD = -1.0
"""It refuses and does not say for how long."""


class Limiter(Protocol):
    def limit(self, rate: float) -> None:
        """From now on it allows so many requests a second."""

    def ask(self, at: float) -> float | None:
        """One request comes in."""


class TokenBucket:
    """Fills at the rate; `burst` requests may come at once."""

    def __init__(self, rate: float, *, burst: float = 1.0, retry_after: float = 1.0) -> None:
        self._rate = rate
        self._burst = self._full = burst
        self._at = 0.0
        self._retry_after = retry_after

    def limit(self, rate: float) -> None:
        self._rate = rate

    def ask(self, at: float) -> float | None:
        self._full = min(self._burst, self._full + (at - self._at) * self._rate)
        self._at = at
        if self._full < 1 - 1e-9:
            return self._retry_after
        self._full -= 1
        return None


class FixedWindow:
    """So many from one full `seconds` to the next. `honest` says how long that will be."""

    def __init__(self, rate: float, *, seconds: float, retry_after: float = 1.0, honest: bool = False) -> None:
        self._seconds = seconds
        self._window = -1
        self._used = 0
        self._retry_after = retry_after
        self._honest = honest
        self.limit(rate)

    def limit(self, rate: float) -> None:
        self._most = max(round(rate * self._seconds), 1)

    def ask(self, at: float) -> float | None:
        window = floor(at / self._seconds)
        if window != self._window:
            self._window, self._used = window, 0
        if self._used >= self._most:
            return (window + 1) * self._seconds - at if self._honest else self._retry_after
        self._used += 1
        return None


class SlidingWindow:
    """So many in any `seconds`. As in the simulator, what is refused counts too, unless it is `lenient`."""

    def __init__(self, rate: float, *, seconds: float, retry_after: float = 1.0, lenient: bool = False) -> None:
        self._seconds = seconds
        self._counted: deque[float] = deque()
        self._retry_after = retry_after
        self._lenient = lenient
        self.limit(rate)

    def limit(self, rate: float) -> None:
        self._most = max(round(rate * self._seconds), 1)

    def ask(self, at: float) -> float | None:
        while self._counted and at - self._counted[0] >= self._seconds - 1e-6:  # a clock of microseconds rounds
            self._counted.popleft()
        refused = len(self._counted) >= self._most
        if not refused or not self._lenient:
            self._counted.append(at)
        return self._retry_after if refused else None
