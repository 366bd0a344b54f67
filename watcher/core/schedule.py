"""What to look at next: the watch whose look ends the most expected waiting, chosen when the token is there and not before.

polling.md, "The question" and "How to choose fast".
"""

from collections import deque
from dataclasses import dataclass
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
"""Seconds a wait is made longer, so that rounding does not end it just too early."""


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

    A chosen watch is in flight, and not chosen again, until `land`. Scores are kept for a moment that grows with the
    number of watches (10 ms, and 260 ms for 100,000), so that choosing stays cheap however fast tokens come.
    """

    def __init__(self, roster: Roster, pace: Pace) -> None:
        self.pace = pace
        self._roster = roster
        self._first: deque[tuple[int, By]] = deque()
        self._asked_for: set[int] = set()  # what stands in _first
        self._flying: set[int] = set()
        self._shortlist: list[int] = []  # batch ids, the best last
        self._scored_at = NEVER
        self._idle_until: float | None = None
        self._idle_known = False

    def first(self, batch_id: int, by: By = "single") -> None:
        """A new watch, or somebody asks: it goes before all that only time makes worth a look."""
        self._idle_known = False
        if batch_id not in self._asked_for:
            self._asked_for.add(batch_id)
            self._first.append((batch_id, by))

    def changed(self) -> None:
        """The roster changed: what was known about waiting no longer holds."""
        self._idle_known = False

    def land(self, choice: Choice, *, again: bool = False) -> None:
        """The look that was chosen is over. `again`: nothing came of it, and one that went before others does so still."""
        self._flying.discard(choice.batch_id)
        self._idle_known = False
        if again and choice.asked_for and choice.batch_id not in self._asked_for:
            self._asked_for.add(choice.batch_id)
            self._first.appendleft((choice.batch_id, choice.by))

    def wait_until(self, now: float) -> float | None:
        """When there will be something worth a request: `now` where there is already, None where only news can bring it."""
        if self._next_first() is not None or self._best(now) is not None:
            return now
        if not self._idle_known:
            self._idle_until = self._next_worthy(now)
            self._idle_known = True
        return self._idle_until

    def choose(self, now: float) -> Choice | None:
        """The best request at this moment, from now on in flight; None where none is worth it."""
        wanted = self._next_first()
        if wanted is not None:
            self._first.popleft()
            self._asked_for.discard(wanted.batch_id)
            self._flying.add(wanted.batch_id)
            if wanted.batch_id in self._shortlist:
                self._shortlist.remove(wanted.batch_id)
            return wanted
        best = self._best(now)
        if best is None:
            return None
        self._shortlist.pop()
        self._flying.add(best)
        return Choice(batch_id=best)

    def expected_wait(self, now: float) -> float:
        """The sum over all watches of the expected waiting that nobody has seen yet, in seconds."""
        rows = np.flatnonzero(self._roster.live)
        return float(self._worth(rows, now).sum())

    def overdue(self, now: float) -> int:
        """How many watches were not asked about for longer than `max_interval`."""
        tried = self._tried(np.flatnonzero(self._roster.live))
        return int((now - tried > self.pace.max_interval).sum())

    def oldest_look_age(self, now: float) -> float:
        """Seconds since the watch that waits longest was asked about (or was born); 0 without watches."""
        rows = np.flatnonzero(self._roster.live)
        return float(max(now - self._tried(rows).min(), 0.0)) if len(rows) else 0.0

    def next_look(self, batch_id: int, now: float) -> float | None:
        """Roughly when the watch will be worth a look, budget permitting; None where it is not open."""
        row = self._roster.row(batch_id)
        if row is None:
            return None
        if batch_id in self._asked_for or batch_id in self._flying:
            return now
        return max(float(self._due(np.array([row]))[0]), now)

    def _next_first(self) -> Choice | None:
        """The watch that was asked for longest ago and can be looked at; forgets those that no longer can."""
        while self._first:
            batch_id, by = self._first[0]
            if batch_id in self._roster and batch_id not in self._flying:
                return Choice(batch_id=batch_id, by=by, asked_for=True)
            self._first.popleft()
            self._asked_for.discard(batch_id)
        return None

    def _best(self, now: float) -> int | None:
        """The best of those that only time makes worth a look; it is the last of the shortlist."""
        lifetime = 0.01 + 2.5e-6 * len(self._roster)
        if not self._shortlist or not 0.0 <= now - self._scored_at <= lifetime:
            self._score(now)
        while self._shortlist:
            batch_id = self._shortlist[-1]
            if batch_id in self._roster:
                return batch_id
            self._shortlist.pop()
        return None

    def _score(self, now: float) -> None:
        roster, pace = self._roster, self.pace
        self._scored_at = now
        self._shortlist = []
        rows = self._grounded()
        rows = rows[roster.aside[rows] <= now]
        rows = rows[now - self._tried(rows) >= pace.min_interval]
        if not len(rows):
            return
        waited = now - self._tried(rows)
        scores = np.where(waited >= pace.max_interval, OVERDUE + waited, self._worth(rows, now))
        enough = scores >= pace.worth
        rows, scores = rows[enough], scores[enough]
        if len(rows) > SHORTLIST:
            best = np.argpartition(scores, -SHORTLIST)[-SHORTLIST:]
            rows, scores = rows[best], scores[best]
        order = np.argsort(scores, kind="stable")
        self._shortlist = roster.batch_id[rows[order]].tolist()

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

    def _due(self, rows: Rows) -> Floats:
        """When each will be worth a look: worked out once after each look, and kept."""
        due = self._roster.due
        stale = rows[np.isnan(due[rows])]
        if len(stale):
            wait = waiting_until_worth(self._age(stale), self.pace.worth, self.pace.max_interval)
            due[stale] = self._tried(stale) + np.maximum(wait, self.pace.min_interval)
        return np.maximum(due[rows], self._roster.aside[rows])

    def _grounded(self) -> Rows:
        """The rows of all watches that are not in flight."""
        live = self._roster.live
        if self._flying:
            live = live.copy()
            live[[row for batch_id in self._flying if (row := self._roster.row(batch_id)) is not None]] = False
        return np.flatnonzero(live)

    def _next_worthy(self, now: float) -> float | None:
        rows = self._grounded()
        if not len(rows):
            return None
        return max(float(self._due(rows).min()), now) + SLACK
