"""Batches as CallFire would have them: when they are made, how large they are, how long their validation takes.

The usual law is that of polling.md, "What it buys"; another is what an account has learnt. Times are seconds since the start
of the play.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from watcher.core.hazard import SIZES, UNKNOWN, Hazard, size_bin
from watcher.core.learnt import LearntHazard
from watcher.core.lengths import contacts

Figures = NDArray[np.float64]
Dice = np.random.Generator
Sizes = Literal["known", "late", "unknown"]
"""When CallFire shows the size of a batch: at once, after half of the validation, or at its end."""

MEDIAN_SIZE: Final = 3_000.0
SIGMA_SIZE: Final = 1.8
PER_BROADCAST: Final = 20
STUCK: Final = 0.02
SMALLEST: Final = 10.0
LARGEST: Final = 1e6
COUNTED: Final = 77.5 * 60.0
"""Seconds of which at most a batch counts in how many are in flight: with as many arrivals as follow from that, scripts come to
the figures in polling.md's table. Most of those that take longer are stuck, and a play sees little of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """One batch: when it is made (and registered), and when CallFire is done with it."""

    batch_id: int
    broadcast_id: int
    begins: float
    ends: float
    size: int


def sizes_of(dice: Dice, count: int, median: float, sigma: float) -> Figures:
    """Contacts in a batch: lognormal, 10 to a million."""
    return np.floor(np.clip(median * dice.lognormal(0, sigma, count), SMALLEST, LARGEST))


def usual_durations(dice: Dice, sizes: Figures, stuck: float = STUCK) -> Figures:
    """Seconds that batches of those sizes take: (2 + size / 2000) times a lognormal(0, 1); that share is stuck for 30 to 120
    minutes instead."""
    usual = (2 + sizes / 2000) * dice.lognormal(0, 1, len(sizes))
    return np.where(dice.random(len(sizes)) < stuck, dice.uniform(30 * 60, 120 * 60, len(sizes)), usual)


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """How large batches are and how long they take.

    Sizes are lognormal with `median` and `sigma`, or what `sizes` draws that many of. Durations are the usual ones, with the
    share `stuck` that takes 30 to 120 minutes, or what `takes` draws for batches of those sizes that begin at those moments.
    So many after one another are in one broadcast.
    """

    median: float = MEDIAN_SIZE
    sigma: float = SIGMA_SIZE
    stuck: float = STUCK
    per_broadcast: int = PER_BROADCAST
    sizes: Callable[[Dice, int], Figures] | None = None
    takes: Callable[[Dice, Figures, Figures], Figures] | None = None

    def draw(self, dice: Dice, begins: Figures) -> Sequence[Validation]:
        """Batches that begin at those moments."""
        sizes, takes = self._drawn(dice, begins)
        return [
            Validation(
                batch_id=number + 1,
                broadcast_id=1 + number // self.per_broadcast,
                begins=float(begin),
                ends=float(begin + took),
                size=int(size),
            )
            for number, (begin, took, size) in enumerate(zip(begins, takes, sizes, strict=True))
        ]

    def mean_duration(self) -> float:
        """Seconds that a batch is in flight, of which no more than COUNTED are counted."""
        return _mean_duration(self)

    def _drawn(self, dice: Dice, begins: Figures) -> tuple[Figures, Figures]:
        count = len(begins)
        sizes = sizes_of(dice, count, self.median, self.sigma) if self.sizes is None else self.sizes(dice, count)
        if self.takes is None:
            return sizes, usual_durations(dice, sizes, self.stuck)
        return sizes, self.takes(dice, sizes, begins)


USUAL: Final = Law()


@cache
def _mean_duration(law: Law) -> float:
    _, takes = law._drawn(np.random.default_rng(0), np.zeros(200_000))  # noqa: SLF001 -- this is its other half, cached
    return float(np.minimum(takes, COUNTED).mean())


def steady(seed: int, *, in_flight: float, seconds: float, law: Law = USUAL) -> Sequence[Validation]:
    """Poisson arrivals, about as many as keep that many in flight in the long run (Little's law)."""
    dice = np.random.default_rng(seed)
    count = int(dice.poisson(in_flight / law.mean_duration() * seconds))
    return law.draw(dice, np.sort(dice.uniform(0, seconds, count)))


def at_once(seed: int, *, count: int, seconds: float = 0.0, law: Law = USUAL) -> Sequence[Validation]:
    """So many, all at the start or spread evenly over so many seconds."""
    dice = np.random.default_rng(seed)
    return law.draw(dice, np.linspace(0.0, seconds, count, endpoint=False) if seconds else np.zeros(count))


def learnt_durations(hazard: Hazard) -> Callable[[Dice, Figures, Figures], Figures]:
    """Durations as that hazard has them, for `Law.takes`: by the inverse of the cumulative hazard, of a unit exponential."""
    edges = np.expm1(np.arange(hazard.ages + 1) * hazard.step)

    def takes(dice: Dice, sizes: Figures, _: Figures) -> Figures:
        bins = np.array([size_bin(int(size)) for size in sizes], np.int16)
        met = dice.exponential(1.0, len(sizes))
        took: Figures = np.zeros(len(sizes))
        for each in np.unique(bins):
            mine = bins == each
            until = hazard.until(np.full(len(edges), each, np.int16), edges)
            took[mine] = np.expm1(np.interp(met[mine], until, np.log1p(edges)))
        return took

    return takes


def learnt_sizes(learnt: LearntHazard) -> Callable[[Dice, int], Figures] | None:
    """Sizes as often as ends of them were seen, for `Law.sizes`; 0 is one that CallFire never shows. None where no end was
    seen."""
    ends = learnt.ends.sum(axis=1)
    if ends[:SIZES].sum() > 0:
        ends[UNKNOWN] = 0.0  # the first look at a batch is counted there too, whatever its size
    if ends.sum() <= 0:
        return None
    share = ends / ends.sum()
    lowest, highest = zip(*(_bounds(each) for each in range(SIZES + 1)), strict=True)

    def sizes(dice: Dice, count: int) -> Figures:
        bins = dice.choice(SIZES + 1, count, p=share)
        low, high = np.take(lowest, bins), np.take(highest, bins)
        drawn = np.floor(np.exp(dice.uniform(np.log(np.maximum(low, 1)), np.log(high + 1))))
        return np.where(high > 0, drawn, 0.0)

    return sizes


def _bounds(size: int) -> tuple[int, int]:
    """Within which sizes of a bin are drawn."""
    smallest, largest = contacts(size)
    if smallest is None:
        return 0, 0
    return smallest, 10 * smallest if largest is None else largest
