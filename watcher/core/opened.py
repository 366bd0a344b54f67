"""Open watches as columns, as a store hands them over to whoever begins to poll them: many at once, and no object for each.

What they come to is what `Watch`, `next_occurrence` and `not_from_the_future` make of each, in whole columns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from watcher.core.hazard import Floats
from watcher.core.model import FINAL_STATUSES, NEW, Watch
from watcher.core.transitions import Rules

Integers = NDArray[np.int64]

NONE: Final = -(2**53)
"""In a column, instead of what is not known: no moment, no size and no broadcast is so small."""
TIMES: Final = ("opened", "created", "since", "asked", "answered", "aside_until", "expires", "stuck_last")
COUNTS: Final = ("size", "remaining", "broadcast_id", "enabled", "looks", "stuck_told")
COLUMNS: Final = ("batch_id", *TIMES, *COUNTS, "doubted", "nameless")
"""What a store gives of each watch, in this order: moments in Unix milliseconds, NONE for what is not known. `doubted` says
that the next sight of it must be recorded, `nameless` that no answer has told its name."""
ASIDE_MOST: Final = timedelta(hours=1)
"""No watch is set aside for longer; more than that is a clock that was set back."""
UNSEEN_KIND, NEW_KIND, OTHER_KIND, FINAL_KIND = range(4)
KINDS: Final[Mapping[str | None, int]] = {
    None: UNSEEN_KIND,
    NEW: NEW_KIND,
    **dict.fromkeys(FINAL_STATUSES, FINAL_KIND),
}
"""Statuses by what time alone makes of them; all others are of OTHER_KIND."""
LATEST: Final = 2**62
"""Microseconds since 1970, of what never comes."""


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """Some open watches of an account: a row of `table` for each, with COLUMNS, and its status."""

    table: Integers
    statuses: Sequence[str | None]

    def __len__(self) -> int:
        return len(self.statuses)

    def column(self, name: str) -> Integers:
        """One of COLUMNS."""
        column: Integers = self.table[:, COLUMNS.index(name)]
        return column

    def number(self, name: str) -> Integers:
        """One of COLUMNS as the roster has it: -1 for what is not known."""
        column = self.column(name)
        return np.where(column == NONE, -1, column)


def columns_of(watches: Sequence[Watch]) -> Opened:
    """The watches as columns."""
    rows = [
        (
            watch.batch_id,
            *(NONE if (at := getattr(watch, name)) is None else _millis(at) for name in TIMES),
            *(NONE if (count := getattr(watch, name)) is None else int(count) for name in COUNTS),
            bool(watch.missing_count or watch.refused_count or watch.aside_until or watch.final),
            watch.name is None,
        )
        for watch in watches
    ]
    table = np.array(rows, np.int64).reshape(len(rows), len(COLUMNS))
    return Opened(table, [watch.status for watch in watches])


def roster_columns(of: Opened, rules: Rules, now: datetime, never: float) -> dict[str, NDArray[Any]]:
    """What the roster's columns have of the watches, by their names; `never` stands for a look that there was not."""
    unknown = {name: of.column(name) == NONE for name in ("broadcast_id", "created")}
    return {
        **_moments(of, rules, now, never),
        **{name: of.number(name) for name in ("size", "remaining", "enabled", "looks")},
        "doubted": of.column("doubted") != 0,
        "lacks": of.column("nameless") | unknown["broadcast_id"] << 1 | unknown["created"] << 2,
        "stuck": of.column("stuck_told") > 0,
    }


def _moments(of: Opened, rules: Rules, now: datetime, never: float) -> dict[str, Floats]:
    """In seconds. Nothing is from the future: what was asked, or opened, later than now would keep every look to come from
    counting, or from being worth one."""
    at = _micros(now)
    opened, created, since, asked, answered, aside, expires, stuck_last = (
        _micros_of(of.column(name)) for name in TIMES
    )
    opened = np.minimum(opened, at)
    unasked = asked == LATEST
    answered = np.where(~unasked & (asked > at), at, answered)
    kinds = np.fromiter((KINDS.get(status, OTHER_KIND) for status in of.statuses), np.int8, len(of))
    stuck = _stuck_at(of, kinds, created, since, stuck_last, rules)
    return {
        "born": np.minimum(opened, created) / 1e6,
        "asked": np.where(unasked, never, np.minimum(asked, at) / 1e6),
        "answered": np.where(answered == LATEST, never, answered / 1e6),
        "mind": np.minimum(_expiry(opened, expires, rules), stuck) / 1e6,
        "aside": np.where(aside == LATEST, 0.0, np.minimum(aside, at + _length(ASIDE_MOST)) / 1e6),
    }


def _expiry(opened: Integers, expires: Integers, rules: Rules) -> Integers:
    """As `expiry_of`."""
    return np.where(expires == LATEST, opened + _length(rules.max_age), expires)


def _stuck_at(
    of: Opened, kinds: NDArray[np.int8], created: Integers, since: Integers, stuck_last: Integers, rules: Rules
) -> Integers:
    """When each is next told to be stuck; LATEST where it never is."""
    again = np.where(of.column("stuck_told") > rules.stuck_most, LATEST, stuck_last + _length(rules.stuck_repeat))
    first = np.where(
        kinds == NEW_KIND,
        np.minimum(created, since) + _length(rules.stuck_new),
        since + _length(rules.stuck_validating),
    )
    never = (kinds == UNSEEN_KIND) | (kinds == FINAL_KIND) | (since == LATEST)
    return np.where(never, LATEST, np.where(stuck_last == LATEST, first, again))


def _micros_of(column: Integers) -> Integers:
    """From milliseconds; LATEST for NONE."""
    return np.where(column == NONE, LATEST, column * 1000)


def _micros(at: datetime) -> int:
    return round(at.timestamp() * 1e6)


def _millis(at: datetime) -> int:
    return int(at.timestamp() * 1e3)


def _length(of: timedelta) -> int:
    return of // timedelta(microseconds=1)
