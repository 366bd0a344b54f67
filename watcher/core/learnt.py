"""What an account's looks have told of how long validation takes, and the hazard that follows from it.

polling.md, "The question". An end is known to lie between two looks only; it is counted where it most probably was, given
the hazard known so far (the E-step of Dempster, Laird, Rubin 1977 for interval-censored durations).
"""

import json
from collections.abc import Sequence
from datetime import timedelta
from math import isfinite
from typing import Final

import numpy as np

from watcher.core.hazard import AGES, SHAPE, SIZES, STEP, UNKNOWN, Floats, Hazard, Sight, scale_free, size_bin
from watcher.core.model import Seen, Watch

PRIOR: Final = 0.1
"""Ends that the prior of each bin is worth. A whole one, with nothing lent between ages, costs 4 % of delay."""
LENT: Final = 1 / 3
"""Of each neighbouring size that is lent."""
LENT_AGES: Final = 1 / 2
"""Of each neighbouring age that is lent."""
HALF_LIFE: Final = 7 * 86_400.0
"""Seconds after which what was learnt counts half."""
MEMORY: Final = 700.0
"""Ends after which what was learnt counts half, however soon they come: a law of durations that changes must be followed."""
AT_ONCE: Final = timedelta(seconds=5)
"""A batch followed that soon after it was made counts as followed from its beginning."""
BUFFER: Final = 256
"""Sights that are gathered before they are counted."""
TRACE: Final = 1e-6
"""What has faded below this is not recorded any more."""
ABSURD: Final = 1e15
"""No figure of a record is as large."""
RECORD: Final = 1
"""The version of the record. One that bins otherwise, or weighs what is in the bins, is another."""


class LearntHazard:
    """Ends and exposure by bin of size and of age, fading. Times are seconds since 1970."""

    def __init__(self, *, now: float | None = None) -> None:
        self.ends: Floats = np.zeros((SIZES + 1, AGES))
        self.exposure: Floats = np.zeros((SIZES + 1, AGES))
        self.seen_ends = 0.0  # ever, fading not counted
        self.hazard: Hazard = scale_free()
        self._faded = now  # None: nothing was counted yet that could have faded
        self._sights: list[Sight] = []
        self._news = False  # something was seen that `hazard` does not show yet

    @classmethod
    def from_record(cls, record: bytes, now: float) -> "LearntHazard":
        """What `to_record` gave, faded since then. A record that is damaged, or of another version, tells nothing: then it is
        as on the first day."""
        learnt = cls(now=now)
        try:
            told = json.loads(record)
            if told["version"] != RECORD:
                return learnt
            bins = np.array(told["bins"], np.float64).reshape(-1, 4)
            at, seen_ends = float(told["at"]), float(told["seen_ends"])
            if not (((bins >= 0) & (bins < ABSURD)).all() and isfinite(at) and 0 <= seen_ends < ABSURD):
                return learnt
            sizes, ages = bins[:, 0].astype(np.intp), bins[:, 1].astype(np.intp)
            ends, exposure = learnt.ends.copy(), learnt.exposure.copy()
            ends[sizes, ages], exposure[sizes, ages] = bins[:, 2], bins[:, 3]
        except (ValueError, TypeError, LookupError, OverflowError, RecursionError):
            return learnt
        learnt.ends, learnt.exposure, learnt.seen_ends = ends, exposure, seen_ends
        learnt._faded = min(at, now)
        learnt._work_out(now)
        return learnt

    def to_record(self) -> bytes:
        """All that was learnt, as JSON to be kept: [bin of size, bin of age, ends, exposure] for each pair of bins of which
        anything is known, to four digits."""
        self._count()
        known = np.argwhere((self.ends > TRACE) | (self.exposure > TRACE)).tolist()
        bins = [[size, age, _short(self.ends[size, age]), _short(self.exposure[size, age])] for size, age in known]
        record = {"version": RECORD, "at": self._faded or 0.0, "seen_ends": round(self.seen_ends), "bins": bins}
        return json.dumps(record, separators=(",", ":")).encode()

    def saw(self, sight: Sight) -> None:
        """Takes in what one look told. It shows in `hazard` after `settle`."""
        if sight.now > sight.then >= 0.0:
            self._sights.append(sight)
            self._news = True
            if len(self._sights) >= BUFFER:
                self._count()

    def settle(self, now: float) -> bool:
        """Counts what was seen, fades what is old, and works the hazard out anew; whether anything was seen since the last
        time."""
        if not self._news:
            return False
        self._count()
        self._work_out(now)
        self._news = False
        return True

    def known(self, size: int) -> float:
        """How many ends were seen of that bin of size, faded, and with what its neighbours lend. As of the last `settle`."""
        return self.hazard.known_of(size)

    def _work_out(self, now: float) -> None:
        """Fades, and makes the hazard of what is left. Where the clock was set back, time counts from there on."""
        if self._faded is not None and now > self._faded:
            self._shrink(0.5 ** ((now - self._faded) / HALF_LIFE))
        self._faded = now
        known = tuple(_with_neighbours(self.ends, ages=0.0).sum(axis=1).tolist())
        self.hazard = Hazard(_rates(self.ends, self.exposure), known=known)

    def _count(self) -> None:
        if not self._sights:
            return
        sizes = np.array([each.size for each in self._sights], np.int64)
        ended = np.array([each.ended for each in self._sights], np.bool_)
        count = float(sum(each.ended and not each.again for each in self._sights))
        then = np.log1p(np.array([each.then for each in self._sights]))
        now = np.log1p(np.array([each.now for each in self._sights]))
        self._sights.clear()
        edges = np.arange(AGES) * STEP
        # How much of each bin of age lies between the two looks: one row a sight.
        upper = np.append(edges[1:], np.inf)
        spans = np.clip(np.minimum(now[:, None], upper) - np.maximum(then[:, None], edges), 0.0, None)
        exposure = spans.copy()
        if ended.any():
            ends, at_risk = _placed(self.hazard.rates[sizes[ended]], spans[ended])
            exposure[ended] = at_risk
            np.add.at(self.ends, sizes[ended], ends)
            self.seen_ends += count
            self._shrink(0.5 ** (count / MEMORY))
        np.add.at(self.exposure, sizes, exposure)

    def _shrink(self, factor: float) -> None:
        self.ends *= factor
        self.exposure *= factor


def sights_of(before: Watch, look: Seen, *, ended: bool) -> Sequence[Sight]:
    """What a look that changed something tells of durations; `before` is the watch as it was.

    The first look at a watch tells of those whose size is not known, which it was, and of those of the size that it shows. One
    that had ended before anybody followed it tells nothing: had it been unfinished, nobody might have followed it.
    """
    born = before.opened if before.created is None else min(before.created, before.opened)
    if before.asked is not None:
        now = look.answered if ended else look.asked
        then = (before.asked - born).total_seconds()
        return (Sight(size_bin(before.size), max(then, 0.0), (now - born).total_seconds(), ended),)
    created = look.batch.created
    if ended and (created is None or before.opened - created > AT_ONCE):
        return ()
    born = before.opened if created is None else min(created, before.opened)
    now = look.answered if ended else look.asked
    then, age = (before.opened - born).total_seconds(), (now - born).total_seconds()
    of_unknown, size = Sight(UNKNOWN, then, age, ended), size_bin(look.batch.size)
    return (of_unknown,) if size == UNKNOWN else (Sight(size, then, age, ended), of_unknown._replace(again=True))


def _placed(rates: Floats, spans: Floats) -> tuple[Floats, Floats]:
    """Where ends fell that are known to lie in those spans: the chance of each bin, and the exposure in it before the end."""
    steps = rates * spans
    before = np.cumsum(steps, axis=1) - steps
    chance = np.exp(-before) * -np.expm1(-steps)
    total = np.maximum(chance.sum(axis=1, keepdims=True), 1e-300)
    chance = chance / total
    later = np.clip(1.0 - np.cumsum(chance, axis=1), 0.0, None)
    # The mean of an exponential cut off at `steps`, in units of its rate; half of the span while that is short.
    small = steps < 1e-4
    safe = np.where(small, 1.0, steps)
    share = np.where(small, 0.5, 1.0 / safe - np.exp(-safe) / -np.expm1(-safe))
    return chance, spans * (later + chance * share)


def _rates(ends: Floats, exposure: Floats) -> Floats:
    """Hazard by bin, with what neighbours lend, and a prior."""
    rates: Floats = (_with_neighbours(ends) + PRIOR) / (_with_neighbours(exposure) + PRIOR / SHAPE)
    return rates


def _with_neighbours(counted: Floats, *, ages: float = LENT_AGES) -> Floats:
    """With what neighbouring sizes lend, and that share of neighbouring ages; the unknown size has no neighbours."""
    sizes = counted.copy()
    sizes[1:SIZES] += LENT * counted[: SIZES - 1]
    sizes[: SIZES - 1] += LENT * counted[1:SIZES]
    both = sizes.copy()
    both[:, 1:] += ages * sizes[:, :-1]
    both[:, :-1] += ages * sizes[:, 1:]
    return both


def _short(value: float) -> float:
    """To four digits."""
    return float(f"{value:.4g}")
