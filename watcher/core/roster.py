"""The hot state of an account's open watches, as columns: what choosing and unchanged looks need, and nothing else.

One row a watch, about 100 bytes and as many for its place in the index. Watches are made from it only at the edge, with the
store's row.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from watcher.core.hazard import Floats, Sight, size_bin
from watcher.core.model import FINAL_STATUSES, KNOWN_STATUSES, Batch, LastLook, Seen, Watch, overlaid
from watcher.core.opened import NONE, Opened, roster_columns
from watcher.core.transitions import Rules, next_occurrence

UNSEEN: Final = 0
UNKNOWN: Final = len(KNOWN_STATUSES) + 1
CODES: Final = {None: UNSEEN} | {status: code for code, status in enumerate(KNOWN_STATUSES, start=1)}
FINAL_NAMES: Final = frozenset(status.lower() for status in FINAL_STATUSES)
NEVER: Final = -1e18
"""Asked or seen at this time, in epoch seconds: not yet."""
NOWHERE: Final = -1
"""Instead of a broadcast: not known yet. Instead of a page: not looked for yet."""
ABSENT: Final = -2
"""Instead of a page: all pages were listed and none showed it. It is asked for by itself."""
LARGE: Final = 65_536
"""Rows from which on the columns grow by half, and no longer to the double."""


class Roster:
    """Open watches by batch id. Times in the columns are seconds since 1970, as floats.

    `tried` is when the watch was last asked about, whatever came of it (NEVER before the first time); `asked` and
    `answered` belong to the last look that saw it. `mind` is when time alone will make something of it (stuck, expired).

    `broadcast` is a place in `broadcasts`, the ids of those that watches belong to, or NOWHERE.
    `due`, `page` and `first` belong to the schedule: when a look is worth its while (NaN where that must be worked out anew,
    which is so after every change here), on which page of its broadcast the batch was seen last (NOWHERE, ABSENT, or, where it
    was missed, the page on which it is looked for, as `looked_for_on` has it), and whether it goes first.
    """

    def __init__(self, rules: Rules, capacity: int = 64, bin_of: Callable[[int | None], int] = size_bin) -> None:
        self._rules = rules
        self._bin_of = bin_of
        self._rows: dict[int, int] = {}
        self._free: list[int] = []
        self._used = 0  # rows that were ever taken: those above have never been
        self._words: dict[int, str] = {}  # row -> a status nobody knows
        self._unsaved: set[int] = set()
        self.broadcasts: list[int] = []
        self._broadcasts: dict[int, int] = {}
        self._free_places: list[int] = []
        self._new_places: list[int] = []
        # What a row holds that was never taken counts for nothing.
        self.batch_id: NDArray[np.int64] = np.zeros(capacity, np.int64)
        self.born: Floats = np.zeros(capacity)
        self.tried: Floats = np.zeros(capacity)
        self.asked: Floats = np.zeros(capacity)
        self.answered: Floats = np.zeros(capacity)
        self.mind: Floats = np.zeros(capacity)
        self.due: Floats = np.zeros(capacity)
        self.aside: Floats = np.zeros(capacity)
        self.size: NDArray[np.int64] = np.zeros(capacity, np.int64)
        self.remaining: NDArray[np.int64] = np.zeros(capacity, np.int64)
        self.looks: NDArray[np.int32] = np.zeros(capacity, np.int32)
        self.status: NDArray[np.uint8] = np.zeros(capacity, np.uint8)
        self.enabled: NDArray[np.int8] = np.zeros(capacity, np.int8)
        self.doubted: NDArray[np.bool_] = np.zeros(capacity, np.bool_)
        self.lacks: NDArray[np.uint8] = np.zeros(capacity, np.uint8)
        self.stuck: NDArray[np.bool_] = np.zeros(capacity, np.bool_)
        self.live: NDArray[np.bool_] = np.zeros(capacity, np.bool_)
        self.size_bin: NDArray[np.int16] = np.zeros(capacity, np.int16)
        self.broadcast: NDArray[np.int32] = np.zeros(capacity, np.int32)
        self.page: NDArray[np.int32] = np.zeros(capacity, np.int32)
        self.first: NDArray[np.uint8] = np.zeros(capacity, np.uint8)

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, batch_id: int) -> bool:
        return batch_id in self._rows

    @property
    def used(self) -> int:
        """Rows below this one may hold a watch, those from it on do not."""
        return self._used

    def row(self, batch_id: int) -> int | None:
        """The row of a watch, None where it is not open."""
        return self._rows.get(batch_id)

    def place_of(self, broadcast_id: int) -> int:
        """The place of a broadcast in `broadcasts`, made where there was none."""
        place = self._broadcasts.get(broadcast_id)
        if place is None:
            if self._free_places:
                place = self._free_places.pop()
                self.broadcasts[place] = broadcast_id
            else:
                place = len(self.broadcasts)
                self.broadcasts.append(broadcast_id)
            self._broadcasts[broadcast_id] = place
            self._new_places.append(place)
        return place

    def take_new_places(self) -> list[int]:
        """The places that were made since the last time."""
        places, self._new_places = self._new_places, []
        return places

    def forget_broadcast(self, place: int) -> bool:
        """No open watch is in the broadcast: its place is given to another one. False where nobody had that place."""
        broadcast_id = self.broadcasts[place]
        if self._broadcasts.get(broadcast_id) != place:
            return False
        del self._broadcasts[broadcast_id]
        self._free_places.append(place)
        return True

    def broadcasts_in_use(self) -> int:
        """How many broadcasts have a place."""
        return len(self._broadcasts)

    def count_of(self, broadcast_id: int) -> int:
        """How many open watches are known to be in the broadcast."""
        place = self._broadcasts.get(broadcast_id)
        return 0 if place is None else int((self.live & (self.broadcast == place)).sum())

    def put(self, watch: Watch, tried: datetime | None = None) -> int:
        """Takes in an open watch as it is now, new or known; gives its row. `tried` is when it was last asked about,
        where that is later than the last time it was seen."""
        row = self._rows.get(watch.batch_id)
        if row is None:
            row = self._rows[watch.batch_id] = self._take_row()
            self._begin(row, watch.batch_id)
        self.born[row] = min(_seconds(watch.created or watch.opened), _seconds(watch.opened))
        self.asked[row] = NEVER if watch.asked is None else _seconds(watch.asked)
        self.answered[row] = NEVER if watch.answered is None else _seconds(watch.answered)
        self.tried[row] = max(self.tried[row], self.asked[row], NEVER if tried is None else _seconds(tried))
        self.due[row] = np.nan
        self.mind[row] = _seconds(next_occurrence(watch, self._rules))
        self.aside[row] = 0.0 if watch.aside_until is None else _seconds(watch.aside_until)
        self.size[row] = -1 if watch.size is None else watch.size
        self.size_bin[row] = self._bin_of(watch.size)
        if watch.broadcast_id is not None:  # where no answer says so, a listing may have told
            place = self.place_of(watch.broadcast_id)
            if place != self.broadcast[row]:
                self.broadcast[row] = place
                self.page[row] = NOWHERE
        self.remaining[row] = -1 if watch.remaining is None else watch.remaining
        self.looks[row] = watch.looks
        self.enabled[row] = -1 if watch.enabled is None else watch.enabled
        # The next sight of these must be recorded: strikes are forgiven, and one followed again after it ended is settled.
        self.doubted[row] = bool(watch.missing_count or watch.refused_count or watch.aside_until or watch.final)
        self.lacks[row] = _lacks(watch)
        self.stuck[row] = watch.stuck_told > 0
        self._words.pop(row, None)
        code = CODES.get(watch.status)
        if code is None and watch.status is not None:
            self._words[row] = watch.status
        self.status[row] = UNKNOWN if code is None else code
        self._unsaved.discard(watch.batch_id)
        return row

    def take_in(self, opened: Opened, now: datetime) -> list[int]:
        """Takes in many watches at once, new or known, each as `put` would; those that were never seen. Nothing of them is from
        the future."""
        ids = opened.column("batch_id").tolist()
        new = [batch_id for batch_id in ids if batch_id not in self._rows]
        taken = [self._take_row() for _ in new]
        self._rows.update(zip(new, taken, strict=True))
        self._begin(taken, new)
        rows = np.fromiter((self._rows[batch_id] for batch_id in ids), np.int64, len(ids))
        for name, column in roster_columns(opened, self._rules, now, NEVER).items():
            getattr(self, name)[rows] = column
        self.tried[rows] = np.maximum(self.tried[rows], self.asked[rows])
        self.due[rows] = np.nan
        sizes, each = np.unique(opened.number("size"), return_inverse=True)
        bins = [self._bin_of(None if size < 0 else size) for size in sizes.tolist()]
        self.size_bin[rows] = np.array(bins, np.int16)[each]
        self._belong(rows, opened.column("broadcast_id"))
        self.status[rows] = [CODES.get(status, UNKNOWN) for status in opened.statuses]
        words = {row: word for row, word in zip(rows.tolist(), opened.statuses, strict=True) if word not in CODES}
        for row in rows.tolist() if self._words else ():
            self._words.pop(row, None)
        self._words |= words
        self._unsaved.difference_update(ids)
        return [batch_id for batch_id, asked in zip(ids, self.asked[rows].tolist(), strict=True) if asked == NEVER]

    def _belong(self, rows: NDArray[np.int64], broadcasts: NDArray[np.int64]) -> None:
        """The watches in these rows are in these broadcasts; of those that belong to none that is known (NONE) it stays open."""
        ids, each = np.unique(broadcasts, return_inverse=True)
        places = np.array([NOWHERE if one == NONE else self.place_of(one) for one in ids.tolist()], np.int32)[each]
        moved = (places != NOWHERE) & (places != self.broadcast[rows])
        self.broadcast[rows[moved]] = places[moved]
        self.page[rows[moved]] = NOWHERE

    def remind(self, watch: Watch) -> None:
        """It is told when time alone will make something of the watch. Nothing happens where it is not open."""
        row = self._rows.get(watch.batch_id)
        if row is not None:
            self.mind[row] = _seconds(next_occurrence(watch, self._rules))

    def drop(self, batch_id: int) -> None:
        """The watch is not open any more. Nothing happens where it was not."""
        row = self._rows.pop(batch_id, None)
        if row is None:
            return
        self.live[row] = False
        self._free.append(row)

    def attempt(self, batch_id: int, asked: datetime) -> None:
        """The batch was asked about, and nothing was learnt that is worth a record."""
        row = self._rows.get(batch_id)
        if row is not None:
            self.tried[row] = max(self.tried[row], _seconds(asked))
            self.due[row] = np.nan

    def minds(self, batch_id: int, at: datetime) -> bool:
        """Whether time alone makes something of the watch by then."""
        row = self._rows.get(batch_id)
        return row is not None and _seconds(at) >= self.mind[row]

    def note(self, look: Seen) -> Sight | None:
        """Takes in a look that shows nothing new, and says what that tells of durations. None, and nothing done, where
        `learn` must decide."""
        batch = look.batch
        row = self._rows.get(batch.id)
        if row is None:
            return None
        asked, answered = _seconds(look.asked), _seconds(look.answered)
        code, lacks = CODES.get(batch.status, UNKNOWN), _lacks(batch)
        if (
            code != self.status[row]
            or (code == UNKNOWN and self._words[row] != batch.status)
            or asked < self.asked[row]
            or answered >= self.mind[row]
            or self.doubted[row]
            or self.lacks[row] | lacks != lacks  # it shows what no look before it did
            or (batch.enabled is not None and batch.enabled != self.enabled[row])
        ):
            return None
        born = self.born[row]
        then = max(float(self.asked[row] - born), 0.0)
        sight = Sight(size=int(self.size_bin[row]), then=then, now=float(asked - born), ended=False)
        self.asked[row] = asked
        self.tried[row] = max(self.tried[row], asked)
        self.due[row] = np.nan
        self.answered[row] = answered
        self.looks[row] += 1
        if batch.size is not None and batch.size != self.size[row]:
            self.size[row] = batch.size
            self.size_bin[row] = self._bin_of(batch.size)
        if batch.remaining is not None:
            self.remaining[row] = batch.remaining
        self._unsaved.add(batch.id)
        return sight

    def overlay(self, watch: Watch) -> Watch:
        """The stored watch with what unchanged looks have shown since it was stored."""
        return overlaid(watch, self.last_look(watch.batch_id))

    def last_look(self, batch_id: int) -> LastLook | None:
        """The last look that saw the batch; None where there was none or the watch is not open."""
        row = self._rows.get(batch_id)
        if row is None or self.asked[row] == NEVER:
            return None
        size, remaining = int(self.size[row]), int(self.remaining[row])
        return LastLook(
            batch_id=batch_id,
            asked=_instant(self.asked[row]),
            answered=_instant(self.answered[row]),
            looks=int(self.looks[row]),
            size=None if size < 0 else size,
            remaining=None if remaining < 0 else remaining,
        )

    def take_unsaved(self) -> list[LastLook]:
        """The last looks that the store does not have yet; from here on they count as saved."""
        unsaved = [seen for batch_id in self._unsaved if (seen := self.last_look(batch_id)) is not None]
        self._unsaved.clear()
        return unsaved

    def give_back_unsaved(self, looks: list[LastLook]) -> None:
        """Saving failed: they are to be saved again."""
        self._unsaved.update(look.batch_id for look in looks if look.batch_id in self._rows)

    def by_status(self) -> dict[str, int]:
        """How many open watches there are by status: unseen, new, validating, unknown."""
        counts = np.bincount(self.status[self.live], minlength=UNKNOWN + 1)
        names = ("unseen", *(status.lower() for status in KNOWN_STATUSES), "unknown")
        return {name: int(count) for name, count in zip(names, counts, strict=True) if name not in FINAL_NAMES}

    def stuck_count(self) -> int:
        """How many open watches were told to be stuck and have not moved since."""
        return int((self.stuck & self.live).sum())

    def _take_row(self) -> int:
        if self._free:
            return self._free.pop()
        if self._used == len(self.batch_id):
            self._grow()
        self._used += 1
        return self._used - 1

    def _begin(self, rows: int | list[int], batch_ids: int | list[int]) -> None:
        """The row, or rows, are those of the batches from now on."""
        self.batch_id[rows] = batch_ids
        self.tried[rows] = NEVER
        self.live[rows] = True
        self.broadcast[rows] = self.page[rows] = NOWHERE
        self.first[rows] = 0

    def _grow(self) -> None:
        """Makes every column longer."""
        more = self._used if self._used < LARGE else self._used // 2
        for name, column in vars(self).items():
            if isinstance(column, np.ndarray):
                setattr(self, name, np.concatenate([column, np.zeros(more, column.dtype)]))


def looked_for_on(page: int) -> int:
    """What stands in the column `page` of a watch that is looked for on that page; and back again."""
    return -3 - page


def pages_of(page: NDArray[np.int32]) -> NDArray[np.int32]:
    """From the column `page`: the pages on which watches are expected or looked for, NOWHERE for all others."""
    searched = page <= looked_for_on(0)
    known = np.where(searched, -3 - page, page) if searched.any() else page
    return np.maximum(known, np.int32(NOWHERE))


def _lacks(what: Watch | Batch) -> int:
    """Which of the things that never change are not known: a bit for each."""
    return (what.name is None) | (what.broadcast_id is None) << 1 | (what.created is None) << 2


def _seconds(at: datetime) -> float:
    return at.timestamp()


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)
