"""What a look at a batch is worth, given how likely it is that the batch finished since the last one, and when it will be worth
so much.

Source: polling.md, "The question"; the index is the greedy one for the inspection problem (Barlow, Hunter, Proschan 1963).
"""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from watcher.core.hazard import Floats

TINY: Final = 1e-7
"""Below this hazard the exact term would be made of rounding errors; H/2 is then right to better than one in ten million."""
PRECISION: Final = 0.002
"""Seconds by which `waiting_until` may be late."""
SHARE: Final = 0.001
"""Of the waiting, by which it may be late besides."""
LONG: Final = 86_400.0
"""Seconds beyond which new batches of a followed broadcast do not make a page worth more."""
GRID: Final = np.array([0.0, 1e-4, 1e-3, 4e-3, 0.015, 0.05, 0.15, 0.4, 1.0])
"""Shares of the longest wait that are tried first."""
NEAR: Final = np.array([0.85, 0.98, 1.0, 1.0, 1.02, 1.15])
ASIDE: Final = np.array([0.0, 0.0, -0.4, 0.4, 0.0, 0.0])
"""What is tried around a guess: these multiples of it, and that many times the precision more."""

Places = NDArray[np.intp]
WorthAt = Callable[[Floats, Places], Floats]
"""What some are worth after having waited so many seconds: gets waits, a row for each of them, and which ones these are; gives
the same shape."""


def worth(waited: Floats, hazard: Floats) -> Floats:
    """Expected unseen waiting, in seconds, that a look would end: `waited` seconds since the last look, at that hazard.

    tau * (1 - (1 - exp(-H)) / H); about tau*H/2 while H is small, at most `waited`, never negative, nor NaN for finite input.
    """
    safe = np.maximum(hazard, TINY)
    value: Floats = waited * np.where(hazard > TINY, 1.0 + np.expm1(-safe) / safe, 0.5 * hazard)
    return value


def worth_of_new(rate: Floats, asked: Floats, now: float | Floats) -> Floats:
    """Expected unseen waiting of batches that nobody knows yet, arriving at that rate since the page was last asked for."""
    waited = np.minimum(np.maximum(now - asked, 0.0), LONG)
    expected: Floats = 0.5 * rate * waited * waited
    return expected


def waiting_until(worth_at: WorthAt, count: int, target: float, most: float) -> Floats:
    """After how many seconds each of `count` is worth `target`; `most`, where it is not by then. Never too early, and late by no
    more than PRECISION and SHARE, as long as the worth only ever grows with waiting.

    Between two waits the worth is taken for a power of the waiting, which it nearly is. Several waits around that guess are tried
    at once, and one in the middle, so that every round narrows the bracket by half at least.
    """
    at = np.arange(count)
    tried = np.repeat((GRID * most)[None, :], count, axis=0)
    values = worth_at(tried, at)
    result: Floats = np.where(values[:, 0] >= target, 0.0, most)
    at = np.flatnonzero((values[:, 0] < target) & (values[:, -1] >= target))
    low, below, high, above = _bracket(tried[at], values[at], target)
    result[at] = high
    while (wide := high - low > PRECISION + SHARE * high).any():
        at = at[wide]
        low, below, high, above = low[wide], below[wide], high[wide], above[wide]
        slack = PRECISION + SHARE * high
        guess = _guess(low, below, high, above, target)[:, None] * NEAR + slack[:, None] * ASIDE
        middle = np.where(low > 0.0, np.sqrt(low * high), 0.1 * high)
        margin = 0.1 * slack
        guess = np.clip(guess, (low + margin)[:, None], (high - margin)[:, None])
        tried = np.sort(np.concatenate([guess, middle[:, None], low[:, None], high[:, None]], axis=1), axis=1)
        values = np.empty(tried.shape)
        values[:, 0], values[:, -1] = below, above
        values[:, 1:-1] = worth_at(tried[:, 1:-1], at)
        low, below, high, above = _bracket(tried, values, target)
        result[at] = high
    return result


def _bracket(waits: Floats, values: Floats, target: float) -> tuple[Floats, Floats, Floats, Floats]:
    """The last wait that is not long enough and the first that is, each with what it is worth."""
    rows = np.arange(len(waits))
    upper = np.argmax(values >= target, axis=1)
    lower = np.maximum(upper - 1, 0)
    return waits[rows, lower], values[rows, lower], waits[rows, upper], values[rows, upper]


def _guess(low: Floats, below: Floats, high: Floats, above: Floats, target: float) -> Floats:
    """Where a power law through both ends is `target`; of the second degree, where the lower end is 0 or worth nothing."""
    known = (low > 0.0) & (below > 0.0) & (below < above)
    one = np.where(known, low, 0.5 * high)
    degree = np.where(known, np.log(above / np.where(known, below, 0.25 * above)) / np.log(high / one), 2.0)
    guess: Floats = high * (target / above) ** (1.0 / degree)
    return guess
