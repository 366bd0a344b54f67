"""What each request would be worth now, and when it will be worth one: single looks and pages compared by the same figure.

polling.md, "The question" and "How to choose fast". Times are seconds since 1970.
"""

from dataclasses import dataclass
from math import inf
from typing import Final

import numpy as np
from numpy.typing import NDArray

from watcher.core.durations import waiting_until, worth, worth_of_new
from watcher.core.hazard import Floats, Hazard, scale_free
from watcher.core.listings import Listings
from watcher.core.roster import NEVER, NOWHERE, Roster, looked_for_on, pages_of

Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]

SHORTLIST: Final = 256
"""How many of the best are kept from one ranking."""
OVERDUE: Final = 1e12
"""Added to an overdue watch's worth: it goes before every other, the longest overdue first."""
PORTION: Final = 15_000
PAGES: Final = 400
"""Watches and pages whose due times are worked out in one go: about 20 ms each, in which nothing else is done."""
STALE: Final = 5_000
"""How many of those that were worked out with an older hazard follow in one go."""
BLOCK: Final = 16_384
"""Watches whose worth is worked out at once: what that takes fits into the processor's cache."""
ROUNDING: Final = 1e-6
"""Share by which a page may be worth too little at the moment that was worked out."""
AGAIN: Final = 1.0
"""Seconds until a page that was never asked for, and is not worth it yet for what it may show, is compared again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How polite, how patient: all in seconds. No look below `worth` expected seconds of waiting, none of a batch within
    `min_interval` of the last, all of them within `max_interval` while there is budget."""

    worth: float = 0.1
    min_interval: float = 1.0
    max_interval: float = 300.0


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """All requests that are due, and what they are worth: a batch id stands for a single look, -1 - p for the page p.
    `quiet_until` is when there will be one, without any, as far as time alone tells; `more`: some could not be compared yet."""

    entries: NDArray[np.int64]
    scores: Floats
    quiet_until: float
    more: bool

    def best(self) -> list[int]:
        """The entries of greatest worth, the best last."""
        entries, scores = self.entries, self.scores
        if len(entries) > SHORTLIST:
            best = np.argpartition(scores, -SHORTLIST)[-SHORTLIST:]
            entries, scores = entries[best], scores[best]
        ordered: list[int] = entries[np.argsort(scores, kind="stable")].tolist()
        return ordered


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """Where the watches stand. By row: `where` is the page on which one that is not in flight is expected or looked for, NOWHERE
    for all others. By page: `usable` may be asked for, `wanted` are those of them that are compared, `promising` those of them
    that were never asked for, while there are `strangers`: rows of watches whose broadcast is not known, which may be on them."""

    where: NDArray[np.int32]
    wanted: Mask
    promising: Mask
    strangers: Rows

    def on(self, pages: Mask) -> Mask:
        """Which rows are expected on those pages."""
        return np.append(pages, False)[self.where]  # NOWHERE, which is -1, is the last one


class Ranking:
    """Compares the open watches of one account and the pages of its listings.

    When a watch is due by itself is kept in the roster, when a page is due in the listings; each is worked out once after it
    changed (NaN), so that only what is due is ever compared. A page is due earlier than any watch on it. Those that were set
    aside, and not seen since, are compared by themselves. `roster`, `listings` and `pace` are what it compares by.
    """

    def __init__(self, roster: Roster, listings: Listings, pace: Pace) -> None:
        self.roster = roster
        self.listings = listings
        self.pace = pace
        self._hazard = scale_free()
        # So many rows, from that one on and round, were worked out with an older hazard.
        self._stale, self._stale_from = 0, 0

    @property
    def hazard(self) -> Hazard:
        """What due times and worth are worked out with. With another one, they follow within a few rankings."""
        return self._hazard

    @hazard.setter
    def hazard(self, hazard: Hazard) -> None:
        self._hazard = hazard
        self._stale = self.roster.used

    def compare(self, grounded: Mask, now: float) -> Compared:
        """All that is due. `grounded` says which rows hold watches that are not in flight."""
        roster, listings = self.roster, self.listings
        listings.place_new(now)
        self._follow_hazard()
        more = self._work_out(grounded)
        due = roster.due[: roster.used]
        alone, standing = grounded, None
        pages, of_pages = np.zeros(0, np.intp), np.zeros(0)
        soonest = float(listings.all_off) if listings.all_off > now else inf
        if len(listings) and now >= listings.all_off:
            standing = self._standing(grounded, now)
            more |= self._work_out_pages(standing, now)
            pages, of_pages, soonest = self._due_pages(standing, now)
            alone = grounded & ~standing.on(standing.wanted)
            searched = np.flatnonzero(roster.page[: roster.used] <= looked_for_on(0))
            alone[searched] = grounded[searched]  # they may be found either way
        rows = np.flatnonzero(alone & (due <= now))
        scores = self.scores_of(rows, now)
        if standing is not None:
            # A first look tells of a page with others like it: two requests, then, for all of them.
            strange = (roster.broadcast[rows] == NOWHERE) & (roster.asked[rows] == NEVER)
            scores[strange] *= max(0.5 * (1.0 + min(listings.finds, float(strange.sum()))), 1.0)
        if not len(rows) and not len(pages):
            soonest = min(soonest, float(np.min(due, where=alone, initial=inf)))
        return Compared(
            np.concatenate([roster.batch_id[rows], -1 - pages]), np.concatenate([scores, of_pages]), soonest, more
        )

    def worth_of(self, rows: Rows, now: float) -> Floats:
        """What a look at each would be worth by itself, in seconds of waiting."""
        return self._by_block(rows, now, overdue=inf)

    def scores_of(self, rows: Rows, now: float) -> Floats:
        """What each is compared by: that, but for the overdue, which go before all others."""
        return self._by_block(rows, now, overdue=self.pace.max_interval)

    def hazard_of(self, rows: Rows, now: float) -> Floats:
        """What each has met of hazard since it was last asked about."""
        age = self.age(rows)
        return self._hazard.between(self.roster.size_bin[rows], age, age + np.maximum(now - self.tried(rows), 0.0))

    def page_score(self, page: int, grounded: Mask, now: float) -> float | None:
        """What the page is compared by; None where it is not compared."""
        standing = self._standing(grounded, now) if now >= self.listings.all_off else None
        if standing is None or not standing.wanted[page]:
            return None
        return float(self._page_scores(np.array([page]), standing, now)[0])

    def tried(self, rows: Rows) -> Floats:
        """When each was last asked about; one never asked about counts as asked when it was born."""
        return np.maximum(self.roster.tried[rows], self.roster.born[rows])

    def age(self, rows: Rows) -> Floats:
        """How old each batch was when it was last asked about, in seconds."""
        return np.maximum(self.roster.tried[rows] - self.roster.born[rows], 0.0)

    def due(self, row: int, now: float) -> float:
        """Roughly when the watch, or the page it is on, will be worth a request."""
        roster, pages = self.roster, self.listings.pages
        if np.isnan(roster.due[row]):
            rows = np.array([row])
            roster.due[rows] = self._due(rows)
        due, page = float(roster.due[row]), int(roster.page[row])
        if page >= 0 and self.listings.may_ask(page, now) and not np.isnan(pages.due[page]):
            due = min(due, max(float(pages.due[page]), now))
        return due

    def _by_block(self, rows: Rows, now: float, *, overdue: float, rest: float = -inf) -> Floats:
        """What each is worth: OVERDUE after so many seconds, and nothing within `rest` seconds of the last look."""
        result: Floats = np.empty(len(rows))
        for begin in range(0, len(rows), BLOCK):
            some = rows[begin : begin + BLOCK]
            born, tried, bins = self.roster.born[some], self.roster.tried[some], self.roster.size_bin[some]
            since = np.maximum(tried, born)
            waited = np.maximum(now - since, 0.0)
            age = since - born
            scores = worth(waited, self._hazard.between(bins, age, age + waited))
            scores = np.where(waited >= overdue, OVERDUE + waited, scores)
            scores[now - tried < rest] = 0.0
            result[begin : begin + BLOCK] = scores
        return result

    def _standing(self, grounded: Mask, now: float) -> Standing:
        roster, listings = self.roster, self.listings
        used, count = roster.used, len(listings)
        page = pages_of(roster.page[:used])
        where = np.where(grounded & (roster.aside[:used] == 0.0), page, np.int32(NOWHERE))
        usable = listings.usable(now)
        fresh = usable & (listings.pages.asked[:count] == NEVER)
        strangers = np.zeros(0, np.intp)
        if fresh.any():
            strangers = np.flatnonzero(grounded & (roster.broadcast[:used] == NOWHERE))
        promising = fresh & bool(len(strangers))
        crowded = np.bincount(where + 1, minlength=count + 1)[1:] > 1
        wanted = usable & (crowded | promising | (listings.pages.quest[:count] > 0.0))
        return Standing(where, wanted, promising, strangers)

    def _due_pages(self, standing: Standing, now: float) -> tuple[Rows, Floats, float]:
        """The pages that are due, and what they are worth; without any, when one will be."""
        listings = self.listings
        columns, count = listings.pages, len(listings)
        waiting = standing.wanted & ~columns.flying[:count]
        due = columns.due[:count]
        pages = np.flatnonzero(waiting & ((due <= now) | standing.promising))
        soonest = float(np.min(due, where=waiting & (due > now), initial=inf))
        off = listings.broadcasts.off
        soonest = min(soonest, float(np.min(off, where=off > now, initial=inf)))
        if len(pages):
            scores = self._page_scores(pages, standing, now)
            rested = columns.asked[pages] + self.pace.min_interval <= now
            enough = rested & (scores >= self.pace.worth * (1.0 - ROUNDING))
            columns.due[pages] = np.where(enough, now, np.nan)  # whoever made the others due is in flight, or gone
            if not enough.all():
                soonest = min(soonest, now + (AGAIN if standing.promising[pages[~enough]].all() else 0.0))
            return pages[enough], scores[enough], soonest
        return pages, np.zeros(0), soonest

    def _page_scores(self, pages: Rows, standing: Standing, now: float) -> Floats:
        """What each page would be worth: the sum over its watches, and over what it may bring to light."""
        listings, pace = self.listings, self.pace
        columns = listings.pages
        flags = np.zeros(len(listings), np.bool_)
        flags[pages] = True
        rows = np.flatnonzero(standing.on(flags))
        where = standing.where[rows]
        scores = self._by_block(rows, now, overdue=pace.max_interval, rest=pace.min_interval)
        scores *= self._chance(rows)
        sums: Floats = worth_of_new(columns.quest[pages], columns.asked[pages], now)
        sums += np.bincount(where, weights=scores, minlength=len(listings))[pages]
        promising = standing.promising[pages]
        if promising.any():
            strangers = standing.strangers
            share = min(listings.finds / len(strangers), 1.0)
            some = strangers[:: 1 + len(strangers) // BLOCK]
            sums[promising] += share * self.worth_of(some, now).mean() * len(strangers)
        return sums

    def _chance(self, rows: Rows) -> Floats:
        """The chance that the page shows those that are expected on it, or looked for."""
        place, broadcasts = self.roster.broadcast[rows], self.listings.broadcasts
        chance = broadcasts.trust[place]
        searched = np.flatnonzero(self.roster.page[rows] < 0)
        chance[searched] = broadcasts.hit[place[searched]]
        return chance

    def _follow_hazard(self) -> None:
        """A portion of what was worked out with an older hazard is to be worked out anew: round and round, however often there
        is a new one. Pages follow their watches."""
        if self._stale > 0:
            self._stale -= STALE
            self._stale_from = _forget(self.roster.due[: self.roster.used], self._stale_from, STALE)

    def _work_out(self, grounded: Mask) -> bool:
        """When watches are due of which that is not known; whether some are left for the next time."""
        roster, listings = self.roster, self.listings
        rows = np.flatnonzero(np.isnan(roster.due[: roster.used]) & grounded)
        portion = rows[:PORTION]
        if len(portion):
            page = pages_of(roster.page[portion])
            listings.pages.due[page[page >= 0]] = np.nan
            roster.due[portion] = self._due(portion)
        return len(rows) > PORTION

    def _due(self, rows: Rows) -> Floats:
        """When each will be due by itself: worth a look, rested, and no longer set aside."""
        pace, hazard = self.pace, self._hazard
        tried, age, bins = self.tried(rows), self.age(rows), self.roster.size_bin[rows]
        spent = hazard.until(bins, age)

        def worth_at(waits: Floats, at: Rows) -> Floats:
            met = hazard.until(bins[at, None], age[at, None] + waits) - spent[at, None]
            return worth(waits, np.maximum(met, 0.0))

        wait = waiting_until(worth_at, len(rows), pace.worth, pace.max_interval)
        due: Floats = np.maximum(tried + np.maximum(wait, pace.min_interval), self.roster.aside[rows])
        return due

    def _work_out_pages(self, standing: Standing, now: float) -> bool:
        """When pages will be due of which that is not known; whether some are left for the next time."""
        columns, pace, hazard = self.listings.pages, self.pace, self._hazard
        count = len(self.listings)
        unknown = np.flatnonzero(standing.wanted & np.isnan(columns.due[:count]) & ~columns.flying[:count])
        pages = unknown[:PAGES]
        if not len(pages):
            return False
        flags = np.zeros(count, np.bool_)
        flags[pages] = True
        rows = np.flatnonzero(standing.on(flags))
        owner = np.searchsorted(pages, standing.where[rows])
        tried, age, bins = self.tried(rows), self.age(rows), self.roster.size_bin[rows]
        rested = self.roster.tried[rows] + pace.min_interval
        share, spent = self._chance(rows), hazard.until(bins, age)
        quest, asked = columns.quest[pages], columns.asked[pages]

        def worth_at(waits: Floats, at: Rows) -> Floats:
            chosen = np.full(len(pages), NOWHERE, np.intp)
            chosen[at] = np.arange(len(at))
            some = np.flatnonzero(chosen[owner] != NOWHERE)
            mine = chosen[owner[some]]
            then = now + waits
            waited = np.maximum(then[mine] - tried[some, None], 0.0)
            met = hazard.until(bins[some, None], age[some, None] + waited) - spent[some, None]
            each = share[some, None] * worth(waited, np.maximum(met, 0.0))
            each[then[mine] < rested[some, None]] = 0.0
            sums = worth_of_new(quest[at, None], asked[at, None], then)
            columns = waits.shape[1]
            index = mine[:, None] * columns + np.arange(columns)
            sums += np.bincount(index.reshape(-1), each.reshape(-1), sums.size).reshape(sums.shape)
            return sums

        wait = waiting_until(worth_at, len(pages), pace.worth, pace.max_interval)
        # Where all rest until the same moment, they may be worth it just then, which no bracket finds to the point.
        ready = asked + pace.min_interval
        np.maximum.at(ready, owner, rested)
        ready = np.maximum(ready - now, 0.0)
        soon = worth_at(ready[:, None], np.arange(len(pages)))[:, 0] >= pace.worth
        wait = np.where(soon, np.minimum(ready, wait), wait)
        oldest = np.full(len(pages), inf)
        np.minimum.at(oldest, owner, tried)
        columns.due[pages] = np.maximum(np.minimum(now + wait, oldest + pace.max_interval), asked + pace.min_interval)
        return len(unknown) > len(pages)


def _forget(due: Floats, begin: int, count: int) -> int:
    """Some are to be worked out anew, from one on, and from the first on again behind the last; gives where to go on."""
    begin = begin if begin < len(due) else 0
    due[begin : begin + count] = np.nan
    return begin + count
