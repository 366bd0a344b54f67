"""Pages of listings, and the broadcasts that they belong to, as columns: what choosing needs of them, and nothing else."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from watcher.core.hazard import Floats
from watcher.core.roster import NEVER


class Pages:
    """Pages by their places, which are given out, and taken back to be given out again.

    `owner` is the place of the broadcast; `number` counts from 0. `asked` is when the page was last asked for, `listed` when it
    was last shown (NEVER before the first time), `due` as in the roster: when it is worth a request (NaN where that must be
    worked out anew). `quest`: new batches expected in a second. `gone`: beyond the end of its listing, for now.
    """

    def __init__(self) -> None:
        self._used = 0
        self._free: list[int] = []
        self.owner: NDArray[np.int32] = np.zeros(0, np.int32)
        self.number: NDArray[np.int32] = np.zeros(0, np.int32)
        self.asked: Floats = np.zeros(0)
        self.listed: Floats = np.zeros(0)
        self.due: Floats = np.zeros(0)
        self.quest: Floats = np.zeros(0)
        self.flying: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self.gone: NDArray[np.bool_] = np.zeros(0, np.bool_)

    def __len__(self) -> int:
        """Places that were ever given out: all lie below this."""
        return self._used

    def add(self, owners: Sequence[int], number: int) -> list[int]:
        """The places of pages with that number that were never asked for, one for each owner."""
        free = self._free[len(self._free) - min(len(owners), len(self._free)) :]
        del self._free[len(self._free) - len(free) :]
        begin, self._used = self._used, self._used + len(owners) - len(free)
        _lengthen(self, self._used)
        pages = [*free, *range(begin, self._used)]
        self.owner[pages], self.number[pages] = owners, number
        self.asked[pages] = self.listed[pages] = NEVER
        self.due[pages], self.quest[pages] = np.nan, 0.0
        self.flying[pages] = self.gone[pages] = False
        return pages

    def give_back(self, pages: Sequence[int]) -> None:
        """These are not needed any more."""
        self.gone[pages] = True
        self.quest[pages] = 0.0
        self._free.extend(pages)


class Broadcasts:
    """Broadcasts by the places that they have in the roster.

    `off`: until when the listing is not to be asked for. `trust`: how much of what is expected of its pages they show; `hit`: the
    chance that a batch which is looked for is on the page that comes next. `first` is its first page, `growing` the one on which
    new batches are expected.
    """

    def __init__(self) -> None:
        self.off: Floats = np.zeros(0)
        self.trust: Floats = np.zeros(0)
        self.hit: Floats = np.zeros(0)
        self.first: NDArray[np.int32] = np.zeros(0, np.int32)
        self.growing: NDArray[np.int32] = np.zeros(0, np.int32)

    def add(self, places: Sequence[int], first: Sequence[int]) -> None:
        """Broadcasts of which nothing is known, with one page each."""
        _lengthen(self, max(places) + 1)
        self.off[places], self.trust[places], self.hit[places] = NEVER, 1.0, 1.0
        self.first[places] = self.growing[places] = first


def _lengthen(columns: Pages | Broadcasts, least: int) -> None:
    """Makes all columns that long at least, by half at a time."""
    for name, column in vars(columns).items():
        if isinstance(column, np.ndarray) and len(column) < least:
            more = max(len(column) // 2, least - len(column), 16)
            setattr(columns, name, np.concatenate([column, np.zeros(more, column.dtype)]))
