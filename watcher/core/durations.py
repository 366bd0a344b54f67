"""How likely a batch is to have finished validating between two ages, and what a look at it is therefore worth.

Sources: polling.md, "The question"; the index is the greedy one for the inspection problem (Barlow, Hunter, Proschan 1963).
Everything here works on NumPy arrays and on plain floats alike.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SHAPE: Final = 0.7
"""Of the scale-free hazard: H grows by this per e-fold of age."""
TINY: Final = 1e-7
"""Below this hazard the exact term would be made of rounding errors; H/2 is then right to better than one in ten million."""
PRECISION: Final = 0.0005
"""Seconds to which `waiting_until_worth` is exact."""


def scale_free_hazard(age_then: Floats, age_now: Floats) -> Floats:
    """Cumulative hazard between two ages (seconds since creation), before anything is known of an account's batches.

    Both ages are at least 0, the second not below the first; so is the answer, without a unit.
    """
    hazard: Floats = SHAPE * np.log1p((age_now - age_then) / (age_then + 1.0))
    return hazard


def worth(waited: Floats, hazard: Floats) -> Floats:
    """Expected unseen waiting, in seconds, that a look would end: `waited` seconds since the last look, at that hazard.

    tau * (1 - (1 - exp(-H)) / H); about tau*H/2 while H is small, at most `waited`, never negative, nor NaN for finite input.
    """
    safe = np.maximum(hazard, TINY)
    value: Floats = waited * np.where(hazard > TINY, 1.0 + np.expm1(-safe) / safe, 0.5 * hazard)
    return value


def waiting_until_worth(age: Floats, target: float, most: float) -> Floats:
    """After how many seconds a look is worth `target` seconds, for batches last looked at when `age` seconds old.

    At most `most` (that is the answer where it never gets there), never too early, and late by at most PRECISION:
    bisection, as the worth only ever grows with waiting.
    """
    low: Floats = np.zeros_like(age)
    high: Floats = np.full_like(age, most)
    for _ in range(int(most / PRECISION).bit_length()):
        middle = 0.5 * (low + high)
        enough = worth(middle, scale_free_hazard(age, age + middle)) >= target
        high = np.where(enough, middle, high)
        low = np.where(enough, low, middle)
    return high
