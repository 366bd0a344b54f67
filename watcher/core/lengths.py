"""How long validation takes on an account, by size, in figures for people: what its learnt hazard comes to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import floor, log
from typing import Final

from watcher.core.hazard import SIZES, UNKNOWN
from watcher.core.learnt import LearntHazard

ENOUGH: Final = 10.0
"""Ends of a bin of size below which its figures would be a guess, and are left out."""
TRACE: Final = 0.05
"""Ends below which a bin is left out as a whole: nothing is remembered of it any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """How long batches of `smallest` to `largest` contacts (both included; without a `largest` where it is all above) take
    from creation to the end of validation, in seconds. Without either it is of those whose size is not known.

    `ends` is how many ends that rests on, faded ones counting less. `p50` and `p90`, within which half of them and nine in ten
    have ended, are None below ENOUGH ends.
    """

    smallest: int | None
    largest: int | None
    ends: float
    p50: float | None
    p90: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """All that an account has learnt of it: how many `ends` were seen, ever, and what is remembered by size, from small to
    large, the unknown size last."""

    ends: int
    sizes: Sequence[Length] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Eta:
    """When a batch will have ended with a chance of 50 and of 90 %."""

    p50: datetime
    p90: datetime


def lengths(learnt: LearntHazard) -> Lengths:
    """What was learnt, as of the last `settle`; `ends` may be newer. Sizes of which no end is remembered are left out."""
    counts = [float(each) for each in learnt.ends.sum(axis=1)]
    sizes = tuple(_length(learnt, size, ends) for size, ends in enumerate(counts) if ends >= TRACE)
    return Lengths(ends=round(learnt.seen_ends), sizes=sizes)


def contacts(size: int) -> tuple[int | None, int | None]:
    """The smallest and the largest number of contacts in a bin of size; as in Length where there is none."""
    if size == UNKNOWN:
        return None, None
    return floor(10 ** (size / 2)) + (size > 0), floor(10 ** ((size + 1) / 2)) if size < SIZES - 1 else None


def _length(learnt: LearntHazard, size: int, ends: float) -> Length:
    smallest, largest = contacts(size)
    p50 = p90 = None
    if ends >= ENOUGH:
        p50, p90 = (learnt.hazard.age_when(size, 0.0, log(of)) for of in (2, 10))
    return Length(smallest=smallest, largest=largest, ends=ends, p50=p50, p90=p90)
