"""How likely a batch is to have finished between two ages, by its size: before anything is known, and as learnt from looks.

polling.md, "The question". The hazard is kept per bin of size and bin of age, with age measured as ln(age + 1): there the
scale-free form is a constant, so that what is learnt takes over from it smoothly, bin by bin.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import expm1, log, log1p
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bins = NDArray[np.int16]

SHAPE: Final = 0.7
"""Of the scale-free hazard: H grows by this per e-fold of age."""
AGES_PER_DOUBLING: Final = 2.5
AGES: Final = 64
"""Bins of age; the last begins after a year and a half and never ends."""
STEP: Final = log(2) / AGES_PER_DOUBLING
"""Width of a bin of age, in ln(age + 1)."""
SIZES: Final = 14
"""Bins of known sizes, half a decade each: 1 to 3, 4 to 10, 11 to 31, … up to 3.2 million and all above."""
UNKNOWN: Final = SIZES
"""The bin of batches whose size is not known."""
LONGEST: Final = 60.0
"""The greatest ln(age + 1) that `age_when` gives; that is far beyond the age of the universe."""
_UPPER: Final = np.floor(10 ** (np.arange(1, SIZES) / 2)).astype(np.int64)


def size_bin(size: int | None) -> int:
    """The bin of a size in contacts; UNKNOWN for None and for 0, which CallFire may show before it has counted."""
    if size is None or size <= 0:
        return UNKNOWN
    return int(np.searchsorted(_UPPER, size))


@dataclass(frozen=True, slots=True, eq=False)
class Hazard:
    """Cumulative hazard by bin of size, linear in ln(age + 1) between the edges of the bins of age.

    `rates` has one row a bin of size and one column a bin of age: hazard per unit of ln(age + 1), above 0. `step` is the
    width of the latter. `known` says on how many ends each bin of size rests, where it was learnt.
    """

    rates: Floats
    step: float = STEP
    known: Sequence[float] | None = None
    _edges: Floats = field(init=False, repr=False)
    _steps: Floats = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # What is met within each bin, and up to the lower edge of it: in the same places, so that one index finds both.
        steps = self.rates * self.step
        edges = np.cumsum(steps, axis=1) - steps
        object.__setattr__(self, "_steps", steps.reshape(-1))
        object.__setattr__(self, "_edges", edges.reshape(-1))

    @property
    def ages(self) -> int:
        """How many bins of age there are."""
        return int(self.rates.shape[1])

    def until(self, bins: Bins, ages: Floats) -> Floats:
        """Cumulative hazard from creation to an age (seconds, at least 0), for batches in those bins of size."""
        place = np.log1p(ages)
        place *= 1.0 / self.step
        age_bin = np.minimum(place.astype(np.intp), self.ages - 1)
        place -= age_bin
        age_bin += bins * np.intp(self.ages)
        place *= self._steps[age_bin]
        place += self._edges[age_bin]
        return place

    def between(self, bins: Bins, then: Floats, now: Floats) -> Floats:
        """Cumulative hazard between two ages, the second not below the first; at least 0."""
        return np.maximum(self.until(bins, now) - self.until(bins, then), 0.0)

    def age_when(self, size: int, then: float, more: float) -> float:
        """The age, in seconds, at which a batch in that bin of size, unfinished at age `then`, has met `more` hazard."""
        position, left = log1p(then), more
        age_bin = min(int(position / self.step), self.ages - 1)
        while age_bin < self.ages - 1:
            upper = max((age_bin + 1) * self.step, position)
            step = (upper - position) * float(self.rates[size, age_bin])
            if left <= step:
                break
            position, left, age_bin = upper, left - step, age_bin + 1
        return expm1(min(position + left / float(self.rates[size, age_bin]), LONGEST))

    def ages_when(self, bins: Bins, then: Floats, more: float) -> Floats:
        """As `age_when`, of many batches at once."""
        ages = np.empty(len(bins))
        met = self.until(bins, then) + more
        steps, edges = self._steps.reshape(self.rates.shape), self._edges.reshape(self.rates.shape)
        for size in np.unique(bins):
            of_size = bins == size
            age_bin = np.searchsorted(edges[size], met[of_size], side="right") - 1
            beyond = (met[of_size] - edges[size][age_bin]) / steps[size][age_bin]
            ages[of_size] = np.expm1(np.minimum((age_bin + beyond) * self.step, LONGEST))
        return ages

    @property
    def sizes(self) -> int:
        """How many bins of size there are."""
        return int(self.rates.shape[0])

    def known_of(self, size: int) -> float:
        """On how many ends what is told of that bin of size rests; 0 where nothing was learnt."""
        return 0.0 if self.known is None else self.known[size]


def scale_free() -> Hazard:
    """What is assumed before anything is known: H = 0.7 ln((a + 1) / (a0 + 1)), whatever the size."""
    return Hazard(np.full((SIZES + 1, AGES), SHAPE))


class Sight(NamedTuple):
    """What a look told of a duration: a batch in that bin of size was unfinished at age `then`, and at age `now` it was so
    still, or had `ended` in between. Ages in seconds. `again`: the same look told of another bin, and counts once."""

    size: int
    then: float
    now: float
    ended: bool
    again: bool = False
