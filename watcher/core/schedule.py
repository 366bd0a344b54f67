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

SHORTLIST: Final = 64
"""How many of the best are kept from one scoring."""
OVERDUE: Final = 1e12
"""Added to an overdue watch's score: it goes before every other, the longest overdue first."""
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
    """One batch to ask about now; `asked_for` where it goes before others because it is new or somebody asked."""

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
        self._first: OrderedDict[int, By] = OrderedDict()  # what was asked for, the longest ago first
        self._flying: set[int] = set()
        self._shortlist: list[int] = []  # batch ids, the best last
        self._scored_at = NEVER
        self._quiet_until = NEVER  # nothing is due before then, as far as is known

    def first(self, batch_id: int, by: By = "single") -> None:
        """A new watch, or somebody asks: it goes before all that only time makes worth a look. One that is in flight is
        not looked at twice for it, but where nothing comes of that look it goes first then."""
        self._first.setdefault(batch_id, by)

    def changed(self) -> None:
        """The roster changed: what was known about waiting no longer holds."""
        self._quiet_until = NEVER

    def land(self, choice: Choice, *, again: bool = False) -> None:
        """The look that was chosen is over. `again`: nothing came of it, and one that went before others does so still."""
        self._flying.discard(choice.batch_id)
        self.changed()
        if not again:
            self._first.pop(choice.batch_id, None)
        elif choice.asked_for:
            self._first.setdefault(choice.batch_id, choice.by)
            self._first.move_to_end(choice.batch_id, last=False)

    def wait_until(self, now: float) -> float | None:
        """When there will be something worth a request: `now` where there is already, None where only news can bring it.
        A time to come is exact but for SLACK, by which it is late."""
        wanted, ready = self._wanted(now)
        if wanted is not None or self._best(now) is not None:
            return now
        until = min(ready, self._quiet_until)
        return None if until == inf else until + SLACK

    def choose(self, now: float) -> Choice | None:
        """The best request at this moment, from now on in flight; None where none is worth it."""
        choice, _ = self._wanted(now)
        if choice is not None:
            del self._first[choice.batch_id]
            if choice.batch_id in self._shortlist:
                self._shortlist.remove(choice.batch_id)
        else:
            best = self._best(now)
            if best is None:
                return None
            self._shortlist.pop()
            choice = Choice(batch_id=best)
        self._flying.add(choice.batch_id)
        return choice

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
        if batch_id in self._first:
            return max(self._rested(row), now)
        self._work_out_due(np.array([row]))
        return max(float(self._roster.due[row]), now)

    def _wanted(self, now: float) -> tuple[Choice | None, float]:
        """The watch that was asked for longest ago and may be looked at now; where there is none, when there will be.
        Watches that are no longer open are forgotten."""
        ready, gone = inf, []
        found: Choice | None = None
        for batch_id, by in self._first.items():
            row = self._roster.row(batch_id)
            if row is None:
                gone.append(batch_id)
            elif batch_id not in self._flying:
                rested = self._rested(row)
                if rested <= now:
                    found = Choice(batch_id=batch_id, by=by, asked_for=True)
                    break
                ready = min(ready, rested)
        for batch_id in gone:
            del self._first[batch_id]
        return found, ready

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
