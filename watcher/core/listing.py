"""One broadcast's listing: how many pages it has, which a sweep has still to come to, and what is amiss with it.

polling.md, "Pages". What is believed of the figures that CallFire gives is decided here: a listing never ends on a total alone.
Times are seconds since 1970.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from math import ceil
from typing import Final

from watcher.core.model import BroadcastKind, Page

MOST_PAGES: Final = 10_000
"""No listing is believed to be longer, whatever it says."""
RESWEEP: Final = 300.0
"""Seconds after which a followed broadcast is listed from end to end again, where CallFire does not say how many there are,
or says that there are more."""
RESWEEP_COUNTED: Final = 3600.0
"""Where it does: a batch that came while another was deleted does not show in the count."""
TRUST: Final = 0.2
"""Weight of the newest page in how much of what is expected of a listing's pages they show."""
DISTRUST: Final = 0.05
"""Trust does not fall below."""
REPEATS: Final = 2
"""So many pages in a row that show what the first page does, and the listing is taken to have one page only."""
NEITHER: Final[frozenset[BroadcastKind]] = frozenset()
"""Neither kind was tried in vain. One for all listings: an empty set takes 232 bytes."""


@dataclass(slots=True, kw_only=True)
class Listing:
    """`pages` are places in the columns, in the order of the pages, of which the first `length` are in use.

    `kind` None is not known; it is `proven` by a page. `denied` are the kinds that were tried in vain. `counts` says whether
    totals can be believed; None: not known yet. `one_page`: CallFire gives the same page whatever offset is asked for; `front`,
    `front_again`, `repeats` and `repeated` find that out. `newest_first` says at which end new batches appear. `missed` holds
    the batches that are looked for, with the moment when they were missed.

    `followed` says since when the broadcast is followed as a whole, None where it is not; `known` then holds the ids of its
    batches that are followed, or were; `arrivals` is how many came since then (but for the `old` ones that the first sweep
    found at its end), `found` how many since the last sweep. `sweep` are the numbers of the pages that a sweep has still to
    come to, the next one last; None where none goes on. `swept` is when the last one ended.
    """

    place: int
    broadcast_id: int
    limit: int
    pages: list[int]
    length: int = 1
    kind: BroadcastKind | None = None
    proven: bool = False
    denied: frozenset[BroadcastKind] = NEITHER
    total: int | None = None
    counts: bool | None = None
    one_page: bool = False
    repeats: int = 0
    front: int | None = None
    front_again: bool = False
    repeated: frozenset[int] = frozenset()
    newest_first: bool = False
    trust: float = 1.0
    offs: int = 0
    failures: int = 0
    missed: dict[int, float] = field(default_factory=dict)
    followed: float | None = None
    known: set[int] = field(default_factory=set)
    arrivals: int = 0
    old: frozenset[int] = frozenset()
    found: int = 0
    sweep: list[int] | None = None
    swept: float | None = None
    swept_total: int | None = None
    note: str = ""

    def in_use(self) -> list[int]:
        """The places of its pages."""
        return self.pages[: self.length]

    def growing(self) -> int:
        """The page on which new batches are expected."""
        return self.pages[0 if self.newest_first else self.length - 1]

    def met_in_order(self, answer: Page) -> None:
        """The page's own order, where it is one, says at which end new batches appear: later ones have greater ids."""
        ids = [item.id for item in answer.items]
        if len(ids) > 1:
            rising = all(one < two for one, two in pairwise(ids))
            if rising or all(one > two for one, two in pairwise(ids)):
                self.newest_first = not rising

    def shortened_to(self, answer: Page) -> int | None:
        """The limit that CallFire keeps to, where that is less than what it was asked for: as it says, or as it shows by giving
        few rows where there must be more."""
        rows = len(answer.items) + answer.spoilt
        if 0 < answer.limit < self.limit:
            return answer.limit
        more = answer.total is not None and self.counts is True and answer.total > answer.offset + rows
        return rows if more and 0 < 2 * rows <= self.limit else None

    def ignores_offset(self, number: int, answer: Page, offset: int) -> bool:
        """Whether CallFire is found to give the same page whatever offset is asked for."""
        if answer.offset != offset:
            self.one_page = True
        full = len(answer.items) + answer.spoilt >= self.limit
        shown = hash(frozenset(item.id for item in answer.items)) if full else None
        if number == 0:
            self.front, self.front_again = shown, True
        elif shown is not None and shown != self.front:
            self.repeats, self.repeated = 0, frozenset()
        elif shown is not None and (self.front_again or number not in self.repeated):
            # One page alone proves nothing before the front is shown anew: as many new rows as a page has move the front to it.
            self.repeats, self.front_again = self.repeats + 1, False
            self.repeated |= {number}
            self.one_page = self.one_page or self.repeats >= REPEATS
        return self.one_page

    def length_after(self, number: int, answer: Page) -> int:
        """How many pages there are, as far as page `number` tells. A full page is taken for the last one only where totals have
        proved to be right."""
        rows = len(answer.items) + answer.spoilt
        begin, end = number * self.limit, number * self.limit + rows
        self.total = answer.total
        if self.one_page:
            return 1
        if answer.total is not None:
            if answer.total < end or (answer.total > begin and not rows):
                self.counts = False
            elif self.counts is None and (answer.total > end or number):
                self.counts = True
        full = rows >= self.limit
        least = max(number + 1 if rows else number, 1)
        if answer.total is None or self.counts is False:
            return min(max(self.length, number + 2) if full else least, MOST_PAGES)
        told = ceil(answer.total / self.limit)
        if full and told <= number + 1 and (self.counts is None or self.length > number + 1):
            told = number + 2  # it may be the page's own count
        return min(max(told, least), MOST_PAGES)

    def begin_sweep(self) -> None:
        """From the end where new batches appear."""
        numbers = list(range(self.length))
        self.sweep = numbers[::-1] if self.newest_first or self.swept is None else numbers

    def owes_sweep(self, now: float) -> bool:
        """Whether it is time for another one; also after the clock was set back."""
        if self.followed is None or self.sweep is not None or self.swept is None:
            return False
        sure = self.total is not None and self.counts is not False and not self._lacks(0)
        most = RESWEEP_COUNTED if sure else RESWEEP
        return not 0.0 <= now - self.swept < most

    def swept_page(self, number: int, new: Collection[int], now: float) -> None:
        """Page `number` was shown, with `new` batches that nobody knew: begins a sweep where there must be more of them
        elsewhere, and ends it where all pages were shown since it began."""
        if self.sweep is None and self.counts and self.total is not None and self.swept_total is not None:
            more = self.total - self.swept_total - self.found - len(new)
            if more > 0:
                self.begin_sweep()
            self.swept_total += min(more, 0)
        if self.sweep is not None:
            self.sweep = [each for each in self.sweep if each != number and each < self.length]
            if not self.sweep:
                self._end_sweep(new, now)

    def _end_sweep(self, new: Collection[int], now: float) -> None:
        """All pages were shown. Where batches must have come to pages that had been shown already, and it was not in vain so far,
        the next one follows at once."""
        self.old = frozenset(new) if self.swept is None else frozenset()
        again = self.found > 0 and self._lacks(len(new))
        self.sweep, self.swept, self.swept_total, self.found = None, now, self.total, 0
        if again:
            self.begin_sweep()

    def _lacks(self, new: int) -> bool:
        """Whether there must be batches that nobody knows, besides those new ones."""
        return bool(self.counts) and self.total is not None and self.total > len(self.known) + new

    def knows(self, batch_ids: Collection[int]) -> None:
        """New batches of it are followed now."""
        self.known.update(batch_ids)
        if self.swept is not None:
            self.arrivals += len(set(batch_ids) - self.old)
            self.found += len(batch_ids)

    def showed(self, expected: int, shown: int) -> None:
        """A page that has room for so many of the batches that were expected on it showed so many: those, or others that were
        thought to be elsewhere."""
        if expected:
            self.trust = max(self.trust + TRUST * (min(shown / expected, 1.0) - self.trust), DISTRUST)

    def still_to_ask(self, listed: Sequence[float], since: float, number: int) -> int | None:
        """The next page, from page `number` on and round, that was not shown since then, given when each was, if any."""
        for step in range(1, self.length + 1):
            each = (number + step) % self.length
            if listed[each] < since:
                return each
        return None
