"""What to look at next: the watch whose look ends the most expected waiting, chosen when the token is there and not before.

polling.md, "The question" and "How to choose fast".
"""

from collections import OrderedDict
from dataclasses import dataclass
from math import inf
from typing import Final

import numpy as np
from numpy.typing import NDArray

from watcher.core.durations import Floats, scale_free_hazard, waiting_until_worth, worth
from watcher.core.news import By
from watcher.core.roster import NEVER, Roster

Rows = NDArray[np.intp]
Lane = OrderedDict[int, By]
"""Batch ids in the order in which they were asked for."""

SHORTLIST: Final = 256
"""How many of the best are kept from one scoring."""
OVERDUE: Final = 1e12
"""Added to an overdue watch's score: it goes before every other, the longest overdue first."""
SPREE: Final = 16
"""How many new watches in a row go before all others. A first look says little more than that the batch is there: where
many come and the budget is scarce, looks at those that may have ended would starve (30 s instead of 6 at 100, 2/s)."""
SHARE: Final = 10
"""After a spree, and while others are due, only every tenth request is for a new watch that is not worth it anyway."""
SLACK: Final = 0.002
"""Seconds a wait is made longer: timers are rounded to milliseconds, and one that ends just too early helps nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How polite, how patient: all in seconds. No look below `worth` expected seconds of waiting, none of a batch within
    `min_interval` of the last, all of them within `max_interval` while there is budget."""

    worth: float = 0.1
    min_interval: float = 1.0
    max_interval: float = 300.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One batch to ask about now; `asked_for` where it goes before others because it is new or a person asked."""

    batch_id: int
    by: By = "single"
    asked_for: bool = False


class Schedule:
    """Chooses among the open watches of one account. Times are seconds since 1970.

    A chosen watch is in flight, and not chosen again, until `land`. When each watch is due is kept in the roster, so that
    only those that are due are ever compared; the best of them are kept for a moment that grows with the number of
    watches (10 ms, and 260 ms for 100,000), so that choosing stays cheap however fast tokens come.
    """

    def __init__(self, roster: Roster, pace: Pace) -> None:
        self._roster = roster
        self._pace = pace
        self._refreshes: Lane = OrderedDict()
        self._new: Lane = OrderedDict()
        self._credit = SPREE * (SHARE - 1)  # a new watch costs SHARE - 1, every other choice brings 1
        self._flying: set[int] = set()
        self._shortlist: list[int] = []  # batch ids, the best last
        self._scored_at = NEVER
        self._quiet_until = NEVER  # nothing is due before then, as far as is known

    def first(self, batch_id: int, by: By = "single") -> None:
        """A person asks ("refresh"): it goes before all others. A new watch: it goes before all that only time makes worth
        a look, within SPREE and SHARE. One in flight is not asked about twice, unless that look comes to nothing."""
        if by == "refresh":
            self._new.pop(batch_id, None)
            self._refreshes.setdefault(batch_id, by)
        elif batch_id not in self._refreshes:
            self._new.setdefault(batch_id, by)

    def changed(self) -> None:
        """The roster changed: what was known about waiting no longer holds."""
        self._quiet_until = NEVER

    def land(self, choice: Choice, *, again: bool = False) -> None:
        """The look that was chosen is over. `again`: nothing came of it, and one that went before others does so still."""
        self._flying.discard(choice.batch_id)
        self.changed()
        if not again:
            self._take_off(choice.batch_id)
        elif choice.asked_for:
            self.first(choice.batch_id, choice.by)
            lane = self._refreshes if choice.batch_id in self._refreshes else self._new
            lane.move_to_end(choice.batch_id, last=False)

    def wait_until(self, now: float) -> float | None:
        """When there will be something worth a request: `now` where there is already, None where only news can bring it.
        A time to come is exact but for SLACK, by which it is late."""
        refresh, rested = self._head(self._refreshes, now)
        new, ready = self._head(self._new, now)
        if refresh is not None or new is not None or self._best(now) is not None:
            return now
        until = min(rested, ready, self._quiet_until)
        return None if until == inf else until + SLACK

    def choose(self, now: float) -> Choice | None:
        """The best request at this moment, from now on in flight; None where none is worth it."""
        batch_id, _ = self._head(self._refreshes, now)
        if batch_id is None:
            batch_id = self._new_or_best(now)
        if batch_id is None:
            return None
        by = self._take_off(batch_id)
        if self._shortlist and self._shortlist[-1] == batch_id:
            self._shortlist.pop()
        elif batch_id in self._shortlist:
            self._shortlist.remove(batch_id)
        self._flying.add(batch_id)
        return Choice(batch_id=batch_id) if by is None else Choice(batch_id=batch_id, by=by, asked_for=True)

    def expected_wait(self, now: float) -> float:
        """The sum over all watches of the expected waiting that nobody has seen yet, in seconds."""
        rows = np.flatnonzero(self._roster.live)
        return float(self._worth(rows, now).sum())

    def overdue(self, now: float) -> int:
        """How many watches were not asked about for longer than `max_interval`, but for those set aside on purpose."""
        return int((now - self._tried(self._active(now)) > self._pace.max_interval).sum())

    def oldest_look_age(self, now: float) -> float:
        """Seconds since the watch that waits longest was asked about (or was born), but for those set aside on purpose;
        0 without watches."""
        rows = self._active(now)
        return float(max(now - self._tried(rows).min(), 0.0)) if len(rows) else 0.0

    def next_look(self, batch_id: int, now: float) -> float | None:
        """Roughly when the watch will be worth a look, budget permitting; None where it is not open."""
        row = self._roster.row(batch_id)
        if row is None:
            return None
        if batch_id in self._flying:
            return now
        if batch_id in self._refreshes or batch_id in self._new:
            return max(self._rested(row), now)
        self._work_out_due(np.array([row]))
        return max(float(self._roster.due[row]), now)

    def _head(self, lane: Lane, now: float) -> tuple[int | None, float]:
        """The watch that stands in the lane for longest and may be looked at now; where there is none, when there will be.
        Watches that are no longer open are forgotten."""
        if not lane:
            return None, inf
        found, ready = None, inf
        gone = []
        for batch_id in lane:
            row = self._roster.row(batch_id)
            if row is None:
                gone.append(batch_id)
            elif batch_id not in self._flying:
                rested = self._rested(row)
                if rested <= now:
                    found = batch_id
                    break
                ready = min(ready, rested)
        for batch_id in gone:
            del lane[batch_id]
        return found, ready

    def _take_off(self, batch_id: int) -> By | None:
        """Takes it from the lane where it stands; None where it stands in none."""
        return self._refreshes.pop(batch_id, None) or self._new.pop(batch_id, None)

    def _new_or_best(self, now: float) -> int | None:
        """A new watch while its lane has credit, or where nothing else is due."""
        new, _ = self._head(self._new, now)
        best = self._best(now) if new is None or self._credit < SHARE - 1 else None
        if best is not None:
            self._credit = min(self._credit + 1, SPREE * (SHARE - 1))
            return best
        if new is not None:
            self._credit = max(self._credit - (SHARE - 1), 0)
        return new

    def _best(self, now: float) -> int | None:
        """The best of those that only time makes worth a look; it is the last of the shortlist."""
        if not self._shortlist and now < self._quiet_until:
            return None
        lifetime = 0.01 + 2.5e-6 * len(self._roster)
        if not 0.0 <= now - self._scored_at <= lifetime:
            self._shortlist.clear()
        due = self._roster.due
        while self._shortlist:
            row = self._roster.row(self._shortlist[-1])
            if row is not None and due[row] <= now:  # NaN is not: it changed since it was scored
                return self._shortlist[-1]
            self._shortlist.pop()
        self._score(now)
        return self._shortlist[-1] if self._shortlist else None

    def _score(self, now: float) -> None:
        """Makes the shortlist; where nothing is due, finds out until when."""
        grounded = self._grounded()
        due = self._roster.due
        self._work_out_due(np.flatnonzero(grounded & np.isnan(due)))
        rows = np.flatnonzero(grounded & (due <= now))
        if not len(rows):
            self._quiet_until = float(due[grounded].min(initial=inf))
            return
        waited = now - self._tried(rows)
        scores = np.where(waited >= self._pace.max_interval, OVERDUE + waited, self._worth(rows, now))
        if len(rows) > SHORTLIST:
            best = np.argpartition(scores, -SHORTLIST)[-SHORTLIST:]
            rows, scores = rows[best], scores[best]
        order = np.argsort(scores, kind="stable")
        self._shortlist = self._roster.batch_id[rows[order]].tolist()
        self._scored_at = now

    def _work_out_due(self, rows: Rows) -> None:
        """When each will be due: worth a look, rested, and no longer set aside. Worked out once after each look, and kept."""
        if len(rows):
            wait = waiting_until_worth(self._age(rows), self._pace.worth, self._pace.max_interval)
            due = self._tried(rows) + np.maximum(wait, self._pace.min_interval)
            self._roster.due[rows] = np.maximum(due, self._roster.aside[rows])

    def _rested(self, row: int) -> float:
        """When `min_interval` is over, which holds also for those that were asked for."""
        return float(self._roster.tried[row]) + self._pace.min_interval

    def _worth(self, rows: Rows, now: float) -> Floats:
        waited = np.maximum(now - self._tried(rows), 0.0)
        age = self._age(rows)
        return worth(waited, scale_free_hazard(age, age + waited))

    def _tried(self, rows: Rows) -> Floats:
        """When each was last asked about; one never asked about counts as asked when it was born."""
        return np.maximum(self._roster.tried[rows], self._roster.born[rows])

    def _age(self, rows: Rows) -> Floats:
        """How old each batch was when it was last asked about, in seconds."""
        return np.maximum(self._tried(rows) - self._roster.born[rows], 0.0)

    def _active(self, now: float) -> Rows:
        """The rows of all watches that are not set aside."""
        return np.flatnonzero(self._roster.live & (self._roster.aside <= now))

    def _grounded(self) -> NDArray[np.bool_]:
        """Which rows belong to watches that are not in flight."""
        live = self._roster.live
        if self._flying:
            live = live.copy()
            live[[row for batch_id in self._flying if (row := self._roster.row(batch_id)) is not None]] = False
        return live
