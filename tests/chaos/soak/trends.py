"""Whether a figure grows: the slope of its blocks by Theil and Sen, with Sen's interval of confidence.

The slope is the median of the slopes between all pairs of blocks, so that a few that are off, however far, do not move it. Its
interval comes from the distribution of Kendall's S: Sen, "Estimates of the regression coefficient based on Kendall's tau",
Journal of the American Statistical Association 63 (1968). It takes what is left beside the slope as independent from block to
block: that is what blocks are for, each longer than whatever goes up and down by itself.
"""

import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

Point = tuple[float, float]
"""When, in seconds, and how much."""
SURE: Final = 0.999
"""How sure the interval is: there are a dozen figures in a campaign, and each may cry once in a thousand times."""
LEAST: Final = 6
"""Blocks below which nothing can be said: no order of four is so rare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """`level` is the median. `slope` is per second, and lies between `low` and `high` (unbounded where there are too few blocks
    to say)."""

    level: float
    slope: float
    low: float
    high: float
    seconds: float
    """From the first block to the last."""

    @property
    def surely(self) -> float:
        """By how much it grew over all blocks, at least; 0 where it may not have."""
        return max(self.low, 0.0) * self.seconds


def blocks(
    points: Iterable[Point], began: float, ended: float, count: int, of: Callable[[Sequence[float]], float]
) -> list[Point]:
    """So many spans of equal length, each with what `of` makes of its values, in the middle of it; those without any left out."""
    length = (ended - began) / count
    values: dict[int, list[float]] = {}
    for at, value in points:
        if began <= at < ended:
            values.setdefault(min(int((at - began) / length), count - 1), []).append(value)
    return [(began + (number + 0.5) * length, of(values[number])) for number in sorted(values)]


def trend(points: Sequence[Point], sure: float = SURE) -> Trend:
    """Of blocks in order, of which there is one at least."""
    level = statistics.median(value for _, value in points)
    slopes = sorted((later[1] - former[1]) / (later[0] - former[0]) for former, later in combinations(points, 2))
    seconds = points[-1][0] - points[0][0]
    if len(points) < LEAST:
        slope = statistics.median(slopes) if slopes else 0.0
        return Trend(level=level, slope=slope, low=-math.inf, high=math.inf, seconds=seconds)
    reach = statistics.NormalDist().inv_cdf(0.5 + sure / 2) * _deviation([value for _, value in points])
    low, high = math.floor((len(slopes) - reach) / 2), math.ceil((len(slopes) + reach) / 2)
    return Trend(
        level=level,
        slope=statistics.median(slopes),
        low=slopes[low] if low >= 0 else -math.inf,
        high=slopes[high] if high < len(slopes) else math.inf,
        seconds=seconds,
    )


def _deviation(values: Sequence[float]) -> float:
    """The standard deviation of Kendall's S where there is no trend, with its correction for values that are the same."""
    ties = sum(count * (count - 1) * (2 * count + 5) for count in Counter(values).values())
    count = len(values)
    return math.sqrt(max(count * (count - 1) * (2 * count + 5) - ties, 0) / 18)
