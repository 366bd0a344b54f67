"""One who knows the true law of durations: its hazard, finely binned by size and age. What no learning can beat."""

from collections.abc import Callable
from math import erf, sqrt
from typing import Final

import numpy as np

from watcher.core.hazard import Hazard
from watcher.planning.workload import LARGEST, SMALLEST, STUCK, USUAL, Figures, sizes_of

SIZES: Final = 300
AGES: Final = 1_000
STEP: Final = 0.016
"""Width of a bin of age, in ln(age + 1)."""
UNKNOWN: Final = SIZES
"""The bin of batches whose size is not known: of all sizes together."""
SPAN: Final = np.log(LARGEST / SMALLEST)

Law = Callable[[Figures, Figures], Figures]
"""The chance that a batch has ended, of sizes and ages (in seconds) that are broadcast together."""


def oracle(law: Law) -> Hazard:
    """Has a row for each bin of size that `bin_of` gives, and one for those not known."""
    ages = np.expm1(np.arange(AGES + 1) * STEP)[None, :]
    centres = SMALLEST * np.exp(np.arange(SIZES) / (SIZES - 1) * SPAN)
    ended = law(centres[:, None], ages)
    some = sizes_of(np.random.default_rng(0), 500, USUAL.median, USUAL.sigma)
    ended = np.concatenate([ended, law(some[:, None], ages).mean(axis=0, keepdims=True)])
    met = -np.log(np.maximum(1.0 - ended, 1e-12))
    return Hazard(np.maximum(np.diff(met, axis=1), 1e-9) / STEP, STEP)


def bin_of(size: int | None) -> int:
    """The bin of a size, for the roster."""
    if not size:
        return UNKNOWN
    return round(float(np.log(min(max(size, SMALLEST), LARGEST) / SMALLEST) / SPAN) * (SIZES - 1))


def usual(stuck: float = STUCK, times: float = 1.0) -> Law:
    """polling.md's law: (2 + size / 2000) s times a lognormal(0, 1), that share stuck for 30 to 120 min; all of it so many
    times as long."""

    def ended(sizes: Figures, ages: Figures) -> Figures:
        ages = ages / times
        return (1 - stuck) * lognormal(ages, 2 + sizes / 2000, 1.0) + stuck * np.clip((ages - 1800) / 5400, 0, 1)

    return ended


def lognormal(ages: Figures, median: Figures | float, sigma: float) -> Figures:
    """The chance that a lognormal duration is over."""
    chance: Figures = _normal(np.log(np.maximum(ages, 1e-9) / median) / sigma)
    return chance


_normal = np.vectorize(lambda z: 0.5 * (1 + erf(z / sqrt(2))), otypes=[np.float64])
