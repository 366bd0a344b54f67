"""The last looks of one account's poller: when each was asked and answered, by what request, and what came of it.

In memory, and bounded: a row is 21 bytes in columns that grow with the looks, so that an account without any costs nothing.
"""

from array import array
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, get_args

import numpy as np

from watcher.core.news import By, Result

ALL: Final = 2_097_152
"""Looks that are remembered of all accounts together: 44 MB. Each has an equal part of them."""
MOST: Final = 65_536
"""Of one account, however few there are: those of hours at the usual rate, of minutes where pages show many batches at once."""
GIVEN_MOST: Final = 2_000
"""Looks at one batch that are given at once: the newest."""
KINDS: Final[tuple[tuple[By, Result], ...]] = tuple((by, result) for by in get_args(By) for result in get_args(Result))
CODES: Final = {kind: code for code, kind in enumerate(KINDS)}
"""What a look was made by and what came of it, as a number that one byte holds; and back."""
MICROSECOND: Final = timedelta(microseconds=1)
MICROSECONDS: Final = 1e6
TOOK_MOST: Final = 2**32 - 1


def room_of_each(accounts: int) -> int:
    """Looks that are remembered of each of so many accounts; of more, the oldest are forgotten."""
    return min(max(ALL // max(accounts, 1), 1), MOST)


@dataclass(frozen=True, slots=True, kw_only=True)
class PastLook:
    """One look at a batch."""

    asked: datetime
    answered: datetime
    by: By
    result: Result


@dataclass(frozen=True, slots=True, kw_only=True)
class PastLooks:
    """Looks at one batch in the order in which they were asked for; all that were answered after `since`."""

    looks: tuple[PastLook, ...]
    since: datetime


class Looks:
    """The memory of one account. `now` is in epoch seconds."""

    __slots__ = ("_asked", "_batches", "_kinds", "_most", "_next", "_since", "_took")

    def __init__(self, now: float, most: int = MOST) -> None:
        self._most = most
        self._since = now
        self._next = 0  # the oldest row, once there are so many
        self._batches = array("q")
        self._asked = array("d")
        self._took = array("I")  # microseconds
        self._kinds = array("B")

    def __len__(self) -> int:
        return len(self._batches)

    def note(self, batch_id: int, asked: datetime, answered: datetime, by: By, result: Result) -> None:
        """Remembers one look, which is over now."""
        row, code = self._next, CODES[by, result]
        micros = min(max((answered - asked) // MICROSECOND, 0), TOOK_MOST)  # the clock may have been set meanwhile
        if len(self._batches) < self._most:
            self._batches.append(batch_id)
            self._asked.append(asked.timestamp())
            self._took.append(micros)
            self._kinds.append(code)
            return
        self._next = (row + 1) % self._most
        self._since = max(self._since, self._answered(row))
        self._batches[row], self._asked[row] = batch_id, asked.timestamp()
        self._took[row], self._kinds[row] = micros, code

    def of(self, batch_id: int, most: int = GIVEN_MOST) -> PastLooks:
        """Those at one batch, the newest `most` of them."""
        rows = (
            np.flatnonzero(np.frombuffer(self._batches, np.int64) == batch_id)
            if self._batches
            else np.zeros(0, np.int64)
        )
        from_oldest = np.concatenate((rows[rows >= self._next], rows[rows < self._next])).tolist()
        older, newer = from_oldest[:-most], from_oldest[-most:]
        looks = sorted((self._look(row) for row in newer), key=lambda look: (look.asked, look.answered))
        since = max(map(self._answered, older), default=self._since)
        return PastLooks(looks=tuple(looks), since=_instant(since))

    def _answered(self, row: int) -> float:
        return self._asked[row] + self._took[row] / MICROSECONDS

    def _look(self, row: int) -> PastLook:
        asked = _instant(self._asked[row])
        by, result = KINDS[self._kinds[row]]
        return PastLook(asked=asked, answered=asked + timedelta(microseconds=self._took[row]), by=by, result=result)


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
