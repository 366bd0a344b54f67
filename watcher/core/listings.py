"""What is known of the listings of an account's broadcasts: their pages, what stands on which, and whether they can be had.

polling.md, "Pages". Nothing is concluded from a listing about a batch that it does not show: such a batch is asked for by
itself. Times are seconds since 1970.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from watcher.core.columns import Broadcasts, Pages
from watcher.core.listing import NEITHER, TRUST, Listing
from watcher.core.model import BroadcastKind, Page, PageRef
from watcher.core.roster import NEVER, NOWHERE, Roster
from watcher.core.sweeps import Sweeps
from watcher.core.whereabouts import Whereabouts

LIMIT: Final = 100
"""Rows of a page: what CallFire gives unasked."""
OFF_FIRST: Final = 15 * 60.0
OFF_MOST: Final = 6 * 3600.0
"""Seconds until a listing that was refused, or not there, is tried again: the first time, and at most, by four each time."""
KNOWN_FIRST: Final = 60.0
"""The first time for one that was there before: it may be so again soon."""
FAILED_FIRST: Final = 30.0
FAILED_MOST: Final = 15 * 60.0
"""The same for one that failed FAILURES times in a row, as anything can; twice as long each time."""
FAILURES: Final = 2
KINDS: Final[tuple[BroadcastKind, ...]] = ("call", "text")
REFUSED_LISTINGS: Final = 3
"""So many broadcasts in a row that cannot be listed, and none is for a while: it is the account or CallFire."""
ARRIVALS: Final = 600.0
"""Seconds: a followed broadcast is expected to get one batch in that time, before anything is known of it."""
FINDS: Final = 5.0
"""How many watches whose broadcast is not known a page is expected to show that was never asked for, to begin with."""
IDLE: Final = 1_000
"""Broadcasts without open watches that are remembered; beyond that, and twice as many as are needed, they are forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What followed from a page. `absent` are watches that no page has shown since they were missed; `new` are batches of a
    followed broadcast that nobody knew."""

    absent: tuple[int, ...] = ()
    new: tuple[int, ...] = ()


class Listings:
    """The listings of broadcasts. Their pages, and what choosing must know of them, are in the columns `pages` and `broadcasts`;
    what is in `roster.page` is written here.

    `all_off` is until when no listing is to be asked for. `finds` is how many watches whose broadcast is not known a page shows
    that was never asked for. `sweeps` are those of followed broadcasts.
    """

    def __init__(self, roster: Roster, *, limit: int = LIMIT) -> None:
        self._roster = roster
        self._limit = limit
        self._listings: dict[int, Listing] = {}  # by place; made when there is something to be said
        self._spotted: dict[int, int] = {}  # new batches that are not in the roster yet, with the page that showed them
        self._kinds: Counter[BroadcastKind] = Counter()
        self._denied_in_a_row = 0
        self._all_offs = 0
        self._tidy_at = IDLE
        self.all_off = NEVER
        self.finds = FINDS
        self.pages = Pages()
        self.broadcasts = Broadcasts()
        self.sweeps = Sweeps()
        self._whereabouts = Whereabouts(roster, self.pages)

    def __len__(self) -> int:
        """How many places of pages there are."""
        return len(self.pages)

    def of(self, broadcast_id: int) -> Listing:
        """The listing of a broadcast; it has one page at least. Whoever hears of a broadcast asks for it, also when the batch
        that told of it has ended: others may be on its pages."""
        place = self._roster.place_of(broadcast_id)
        self._keep_up()
        return self._at(place)

    def of_page(self, page: int) -> Listing:
        """The listing that a page belongs to."""
        return self._at(int(self.pages.owner[page]))

    def place_new(self, now: float) -> None:
        """Puts watches whose broadcast has become known on the page where they are most likely to be."""
        roster, pages = self._roster, self.pages
        self._keep_up()
        if roster.broadcasts_in_use() > self._tidy_at:
            self._forget_idle(now)
        used = roster.used
        rows = np.flatnonzero(
            (roster.page[:used] == NOWHERE) & (roster.broadcast[:used] != NOWHERE) & roster.live[:used]
        )
        if len(rows):
            roster.page[rows] = self.broadcasts.growing[roster.broadcast[rows]]
            for batch_id, page in list(self._spotted.items()):
                row = roster.row(batch_id)
                if row is not None:
                    del self._spotted[batch_id]
                    if roster.broadcast[row] == pages.owner[page]:
                        roster.page[row] = page
            pages.due[roster.page[rows]] = np.nan

    def usable(self, now: float) -> NDArray[np.bool_]:
        """Which pages may be asked for now, as far as their listings go."""
        count = len(self)
        if now < self.all_off:
            return np.zeros(count, np.bool_)
        usable: NDArray[np.bool_] = ~self.pages.gone[:count] & (self.broadcasts.off[self.pages.owner[:count]] <= now)
        return usable

    def may_ask(self, page: int, now: float) -> bool:
        """Whether this page may be asked for now: it is there, not under way, and so is its listing."""
        pages = self.pages
        off = self.broadcasts.off[pages.owner[page]]
        return bool(now >= self.all_off and off <= now) and not (pages.gone[page] or pages.flying[page])

    def sweeping(self, now: float, *, rest: float = 0.0) -> int | None:
        """The page that a sweep of a followed broadcast comes to next, of the one that waits for longest; no page that was asked
        for within the last `rest` seconds."""
        for page in self.sweeps.next_pages(now):
            if self.may_ask(page, now) and self.pages.asked[page] + rest <= now:
                return page
        return None

    def sweeping_at(self, now: float, *, rest: float = 0.0) -> float:
        """When `sweeping` may have one, where it has none now, as far as time alone can tell."""
        when = self.sweeps.next_check()
        for page in self.sweeps.next_pages(now):
            if not self.pages.flying[page]:
                off = float(self.broadcasts.off[self.pages.owner[page]])
                when = min(when, max(float(self.pages.asked[page]) + rest, off, self.all_off))
        return max(when, now)

    def ref(self, page: int) -> PageRef:
        """What to ask for: where the kind of the broadcast is not known, the likelier one that was not tried in vain."""
        listing = self.of_page(page)
        left: list[BroadcastKind] = [each for each in KINDS if each not in listing.denied]
        left.sort(key=lambda each: -self._kinds[each])
        kind = left[0] if listing.kind is None else listing.kind
        offset = int(self.pages.number[page]) * listing.limit
        return PageRef(broadcast_id=listing.broadcast_id, kind=kind, offset=offset, limit=listing.limit)

    def follow(self, broadcast_id: int, kind: BroadcastKind | None, known: Collection[int], now: float) -> None:
        """The broadcast is followed as a whole from now on; `known` are its batches that are followed already, or were."""
        listing = self.of(broadcast_id)
        listing.kind = kind or listing.kind
        listing.followed, listing.known = now, set(known)
        listing.arrivals = 0
        self.broadcasts.off[listing.place] = NEVER  # somebody asks: it is tried at once
        self.all_off = NEVER
        self.sweeps.follow(listing)
        self._publish(listing, now)

    def unfollow(self, broadcast_id: int) -> None:
        """Nobody follows it as a whole any more; the watches in it go on."""
        listing = self.of(broadcast_id)
        listing.followed, listing.sweep = None, None
        listing.known.clear()
        self.sweeps.unfollow(listing)
        self.pages.quest[listing.pages] = 0.0

    def knows(self, broadcast_id: int, batch_ids: Collection[int]) -> None:
        """New batches of a followed broadcast are followed now."""
        self.of(broadcast_id).knows(batch_ids)

    def shown(self, page: int, ref: PageRef, members: Sequence[int], answer: Page, now: float) -> Shown:
        """Takes in what a page showed, asked for at `now` with `members` expected on it."""
        listing, pages = self.of_page(page), self.pages
        self._is_there(listing, ref.kind)
        first_time = pages.listed[page] == NEVER
        self.attempt(page, now)
        number, absent = int(pages.number[page]), []
        if aligned := ref.limit == listing.limit:
            if listing.ignores_offset(number, answer, ref.offset):
                number = 0
            elif (limit := listing.shortened_to(answer)) is not None:
                number = ref.offset // limit
                self._shorten(listing, limit, number, now)
            page = listing.pages[number]
            pages.asked[page] = pages.listed[page] = now
            absent += self._set_length(listing, listing.length_after(number, answer), now)
        else:  # asked for before the pages were made shorter: it tells roughly where its rows are, and nothing of others
            page = listing.pages[min(ref.offset // listing.limit, listing.length - 1)]
        missed, strangers = self._whereabouts.take_in(listing, page, members if aligned else (), answer, now)
        absent += missed
        if first_time:
            self.finds += TRUST * (strangers - self.finds)
        new: list[int] = []
        if listing.followed is not None:
            new += (item.id for item in answer.items if item.id not in listing.known)
            self._spotted = dict(list(self._spotted.items())[-IDLE:]) | dict.fromkeys(new, page)
            if aligned:
                listing.swept_page(number, new, now)
                self.sweeps.went_on(listing)
        absent += self._whereabouts.look_on(listing)
        self._publish(listing, now)
        return Shown(absent=tuple(absent), new=tuple(new))

    def attempt(self, page: int, now: float) -> None:
        """The page was asked for, whatever came of it."""
        self.pages.asked[page] = max(float(self.pages.asked[page]), now)
        self.pages.due[page] = np.nan

    def denied(self, page: int, ref: PageRef, reason: str, now: float) -> None:
        """CallFire refused the listing, or has none there: the other kind is tried, and after both none for a while."""
        listing = self.of_page(page)
        self.attempt(page, now)
        if listing.kind not in (None, ref.kind):
            return  # overtaken: it was found to be of the other kind meanwhile
        listing.denied |= {ref.kind}
        if not listing.proven:
            listing.kind = None  # what somebody said was wrong
            if len(listing.denied) < len(KINDS):
                return
        listing.denied = NEITHER
        listing.note = reason
        first = KNOWN_FIRST if listing.proven else OFF_FIRST
        self.broadcasts.off[listing.place] = now + _pause(first, 4.0, listing.offs, OFF_MOST)
        listing.offs += 1
        self._denied_in_a_row += 1
        if self._denied_in_a_row >= REFUSED_LISTINGS:
            self._denied_in_a_row = 0
            self.all_off = max(self.all_off, now + _pause(OFF_FIRST, 4.0, self._all_offs, OFF_MOST))
            self._all_offs += 1

    def failed(self, page: int, reason: str, now: float) -> None:
        """No answer came, or none of use: single looks go on, and after FAILURES of them the listing rests."""
        listing = self.of_page(page)
        self.attempt(page, now)
        listing.failures += 1
        if listing.failures >= FAILURES:
            listing.note = reason
            pause = _pause(FAILED_FIRST, 2.0, listing.failures - FAILURES, FAILED_MOST)
            self.broadcasts.off[listing.place] = now + pause

    def _at(self, place: int) -> Listing:
        listing = self._listings.get(place)
        if listing is None:
            broadcast_id, first = self._roster.broadcasts[place], int(self.broadcasts.first[place])
            listing = Listing(place=place, broadcast_id=broadcast_id, limit=self._limit, pages=[first])
            self._listings[place] = listing
        return listing

    def _keep_up(self) -> None:
        """A first page for each broadcast of the roster."""
        places = self._roster.take_new_places()
        if places:
            self.broadcasts.add(places, self.pages.add(places, 0))

    def _forget_idle(self, now: float) -> None:
        """Broadcasts that nobody follows, and in which no watch is open any more, make room for others."""
        roster = self._roster
        used = roster.used
        places = roster.broadcast[:used][roster.live[:used] & (roster.broadcast[:used] != NOWHERE)]
        idle = np.bincount(places, minlength=len(roster.broadcasts)) == 0
        idle[self.pages.owner[: len(self)][self.pages.flying[: len(self)]]] = False
        idle &= self.broadcasts.off[: len(idle)] <= now
        for place in np.flatnonzero(idle).tolist():
            if not self.sweeps.follows(place) and roster.forget_broadcast(place):
                listing = self._listings.pop(place, None)
                self.pages.give_back([int(self.broadcasts.first[place])] if listing is None else listing.pages)
        self._tidy_at = max(2 * roster.broadcasts_in_use(), IDLE)

    def _is_there(self, listing: Listing, kind: BroadcastKind) -> None:
        if not listing.proven:
            self._kinds[kind] += 1
        listing.kind, listing.proven, listing.denied = kind, True, NEITHER
        listing.offs = listing.failures = self._denied_in_a_row = self._all_offs = 0
        listing.note = ""

    def _set_length(self, listing: Listing, length: int, now: float) -> list[int]:
        """Makes the listing so many pages long. What was on those that are gone is looked for; gives those that are nowhere."""
        pages = self.pages
        beyond = listing.pages[length : listing.length]
        while len(listing.pages) < length:
            listing.pages += pages.add([listing.place], len(listing.pages))
        added = range(listing.length, length)
        if listing.sweep is not None:
            listing.sweep[:0] = reversed(added)
        listing.length = length
        pages.gone[listing.pages[:length]] = False
        if not beyond:
            return []
        pages.gone[beyond] = True
        return self._whereabouts.lost(listing, beyond, now)

    def _shorten(self, listing: Listing, limit: int, number: int, now: float) -> None:
        """CallFire gives fewer rows a page than were asked for: its pages are the pages from now on, and where a batch stands on
        them is not known."""
        listing.limit = limit
        self._limit = min(self._limit, limit)
        self._set_length(listing, max(number + 1, listing.length), now)
        self.pages.asked[listing.pages] = self.pages.listed[listing.pages] = NEVER
        self.pages.due[listing.pages] = np.nan
        self._whereabouts.lost(listing, listing.pages, now)
        if listing.sweep is not None:
            listing.begin_sweep()

    def _publish(self, listing: Listing, now: float) -> None:
        """Writes into the columns what follows from the listing."""
        broadcasts, pages = self.broadcasts, self.pages
        growing = listing.growing()
        broadcasts.growing[listing.place] = growing
        broadcasts.trust[listing.place] = listing.trust
        broadcasts.hit[listing.place] = 1 / max(listing.length - 1, 1)
        pages.quest[listing.pages] = 0.0
        if listing.followed is not None:
            pages.quest[growing] = (listing.arrivals + 1) / (max(now - listing.followed, 0.0) + ARRIVALS)
            pages.due[growing] = np.nan


def _pause(first: float, factor: float, times: int, most: float) -> float:
    """Seconds: so many times longer than the first, and at most so long."""
    return min(first * factor ** min(times, 30), most)
