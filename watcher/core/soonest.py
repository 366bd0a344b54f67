"""Which open watches are expected to end next, of very many: worked out for all at once, and again only after a while."""

from collections.abc import Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from math import inf, log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from watcher.core.attention import CALM
from watcher.core.hazard import Floats, Hazard
from watcher.core.lengths import ENOUGH
from watcher.core.model import FINAL_STATUSES
from watcher.core.roster import CODES, Roster

KEPT: Final = 4.0
"""Seconds for which what was worked out for all is good enough: it is less than pages take to show it anew."""
EVEN: Final = log(2)
"""The hazard that is met with even chances."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Soonest:
    """How many there are in `total`, and the first of them: when each will have ended with even chances (seconds since 1970,
    infinite where too little is known), and its batch."""

    total: int
    first: tuple[tuple[float, int], ...] = ()


NONE: Final = Soonest(total=0)
"""Of an account that nobody polls."""


def merged(parts: Sequence[Soonest], most: int) -> Soonest:
    """Those of the parts of an account together: `most` of them."""
    if len(parts) == 1:
        return parts[0]
    first = merge(*(part.first for part in parts))
    return Soonest(total=sum(part.total for part in parts), first=tuple(islice(first, most)))


class Expected:
    """What is expected of an account's open watches. Times are seconds since 1970."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._ends: Floats = np.zeros(0)
        self._whose: NDArray[np.int64] = np.zeros(0, np.int64)
        self._worked_out = -inf

    def soonest(
        self,
        hazard: Hazard,
        now: float,
        most: int,
        *,
        status: str | None = None,
        final: bool | None = None,
        among: Sequence[int] | None = None,
    ) -> Soonest:
        """The open watches that need nobody, in the order in which they are expected to end, equal ones by batch: `most` of
        them. `among` names the only ones that count. How they are compared may be KEPT seconds old."""
        codes = _codes(status, final)
        rows = self._rows(codes, among)
        if not most:
            return Soonest(total=len(rows))
        ends = self._ends_of(rows, hazard, now)
        batches = self._roster.batch_id[rows]
        first = _first(ends, batches, most)
        return Soonest(total=len(rows), first=tuple(zip(ends[first].tolist(), batches[first].tolist(), strict=True)))

    def _rows(self, codes: Sequence[int], among: Sequence[int] | None) -> NDArray[np.intp]:
        roster = self._roster
        if among is not None:
            named = [row for batch_id in among if (row := roster.row(batch_id)) is not None]
            rows = np.array(named, np.intp)
            return rows[~roster.stuck[rows] & np.isin(roster.status[rows], codes)]
        used = roster.used
        wanted = np.zeros(256, np.bool_)
        wanted[codes] = True
        return np.flatnonzero(roster.live[:used] & ~roster.stuck[:used] & wanted[roster.status[:used]])

    def _ends_of(self, rows: NDArray[np.intp], hazard: Hazard, now: float) -> Floats:
        """When they will have ended. One that is new since it was worked out for all is taken as nothing were known of it, also
        where it has the row of another that has ended."""
        roster = self._roster
        if not 0.0 <= now - self._worked_out < KEPT:
            self._ends, self._worked_out = self._all(hazard, now), now
            self._whose = roster.batch_id[: roster.used].copy()
        self._ends[self._whose != roster.batch_id[: len(self._whose)]] = inf
        ends = np.full(len(rows), inf)
        known = rows < len(self._ends)
        ends[known] = self._ends[rows[known]]
        return ends

    def _all(self, hazard: Hazard, now: float) -> Floats:
        roster, used = self._roster, self._roster.used
        ends = np.full(used, inf)
        sizes = [size for size in range(hazard.sizes) if hazard.known_of(size) >= ENOUGH]
        rows = np.flatnonzero(roster.live[:used] & np.isin(roster.size_bin[:used], sizes))
        born = roster.born[rows]
        ages = np.maximum(np.minimum(roster.asked[rows], now) - born, 0.0)
        ends[rows] = born + hazard.ages_when(roster.size_bin[rows], ages, EVEN)
        return ends


def _codes(status: str | None, final: bool | None) -> list[int]:
    """The statuses that are asked for, of those that need nobody, as the roster has them."""
    return [
        CODES[each]
        for each in CALM
        if (status is None or each == status) and (final is None or (each in FINAL_STATUSES) is final)
    ]


def _first(ends: Floats, batches: NDArray[np.int64], most: int) -> NDArray[np.intp]:
    """The places of the first so many, in their order. Of very many only those are sorted."""
    places = np.arange(len(ends))
    if most < len(ends):
        last = np.partition(ends, most - 1)[most - 1]
        before = places[ends < last]
        equal = places[ends == last]
        left = most - len(before)
        if left < len(equal):
            equal = equal[np.argpartition(batches[equal], left - 1)[:left]]
        places = np.concatenate([before, equal])
    return places[np.lexsort((batches[places], ends[places]))][:most]
