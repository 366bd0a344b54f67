"""What to look at next: the request that ends the most expected waiting, chosen when the token is there and not before.

polling.md, "The question" and "How to choose fast". What a request is worth is in `ranking`; here are the turns: who goes
first for another reason than that, and who is in flight.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from watcher.core.explaining import Explanation, explained
from watcher.core.hazard import Hazard
from watcher.core.lanes import BY, NEW, NONE, REFRESH, Lane
from watcher.core.lengths import ENOUGH
from watcher.core.listings import Listings, Shown
from watcher.core.model import Page, PageRef
from watcher.core.news import By
from watcher.core.ranking import Pace as Pace  # noqa: PLC0414 - handed on to those who make a schedule
from watcher.core.ranking import Ranking
from watcher.core.roster import NEVER, NOWHERE, Roster, looked_for_on
from watcher.core.shortlist import Shortlist
from watcher.core.soonest import Expected

SPREE: Final = 16
"""How many new watches in a row may take every second request, while others are due. A first look says little more than that
the batch is there: where many come and the budget is scarce, looks at those that may have ended would be late (30 s instead
of 6 at 100, 2/s)."""
SHARE: Final = 10
"""After a spree, and while others are due, only every tenth request is for a new watch that is not worth it anyway."""
SLACK: Final = 0.002
"""Seconds a wait is made longer: timers are rounded to milliseconds, and one that ends just too early helps nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One batch to ask about now; `asked_for` where it goes before others because it is new or a person asked."""

    batch_id: int
    by: By = "single"
    asked_for: bool = False

    @property
    def batch_ids(self) -> Sequence[int]:
        """The watches that are in flight with it."""
        return (self.batch_id,)


@dataclass(frozen=True, slots=True, kw_only=True)
class PageChoice:
    """One page to ask for now: `page` is its place in the listings, `members` are the watches that are expected on it, or looked
    for, `asked` is the moment of the choice."""

    page: int
    ref: PageRef
    members: tuple[int, ...]
    asked: float = NEVER
    by: By = "page"

    @property
    def batch_ids(self) -> Sequence[int]:
        """The watches that are in flight with it."""
        return self.members


AnyChoice = Choice | PageChoice


class Schedule:
    """Chooses among the open watches of one account, and the pages they are on. Times are seconds since 1970.

    What is chosen is in flight, and not chosen again, until it has landed.
    """

    def __init__(self, roster: Roster, pace: Pace, listings: Listings | None = None) -> None:
        self._roster = roster
        self._pace = pace
        self.listings = listings if listings is not None else Listings(roster)
        self.ranking = Ranking(roster, self.listings, pace)
        self._refreshes = Lane(roster, REFRESH)
        self._new = Lane(roster, NEW)
        self._credit = SPREE * (SHARE - 1)  # a new watch costs SHARE - 1, every other choice brings 1
        self._others_turn = False  # the last request went to one that went first
        self._flying: set[int] = set()
        self._shortlist = Shortlist(roster, self.ranking)
        self.expected = Expected(roster)

    @property
    def hazard(self) -> Hazard:
        """What is known of durations."""
        return self.ranking.hazard

    @hazard.setter
    def hazard(self, hazard: Hazard) -> None:
        self.ranking.hazard = hazard

    def first(self, batch_id: int, by: By = "single") -> None:
        """A person asks ("refresh"): it goes before all others, for every second request at most while others are due. A new
        watch: likewise, within SPREE and SHARE. One in flight is not asked about twice, unless that look comes to nothing."""
        (self._refreshes if by == "refresh" else self._new).join(batch_id)

    def changed(self) -> None:
        """The roster changed: what was known about waiting no longer holds."""
        self._shortlist.changed()

    def wait_until(self, now: float) -> float | None:
        """When there will be something worth a request: `now` where there is already, None where only news can bring it.
        A time to come is exact but for SLACK, by which it is late, and for what a ranking lives where there are many watches."""
        refresh, rested = self._head(self._refreshes, now)
        new, ready = self._head(self._new, now)
        if (
            refresh is not None
            or new is not None
            or self._sweep(now) is not None
            or self._shortlist.best(now, self._flying) is not None
        ):
            return now
        swept = self.listings.sweeping_at(now, rest=self._pace.min_interval)
        until = min(rested, ready, swept, self._shortlist.quiet_until)
        return None if until == inf else until + SLACK

    def choose(self, now: float, *, careful: bool = False) -> AnyChoice | None:
        """The best request at this moment, from now on in flight; None where none is worth it. `careful`: the account is in
        trouble or its login not proven, so that a single batch is asked for, whose answer tells more, wherever there is one."""
        refresh, _ = self._head(self._refreshes, now)
        new, _ = self._head(self._new, now)
        sweep = self._sweep(now)
        if careful and (new is not None or self._shortlist.best(now, self._flying) is not None):
            sweep = None  # it may be of no watch, and tells less of the account
        best = None
        if self._others_turn or (refresh is None and (self._credit < SHARE - 1 or (sweep is None and new is None))):
            best = self._shortlist.best(now, self._flying)
        if best is not None:
            self._others_turn = False
            self._credit = min(self._credit + 1, SPREE * (SHARE - 1))
            if best < 0:
                return self._page(-1 - best, now, careful=careful)
            if new is not None and self._roster.first[self._row(best)] == NEW:
                return self._newest(new, now, careful=careful)  # of the new ones, in their order
            return self._single(best)
        if refresh is not None:
            self._others_turn = True
            return self._single(refresh)
        if sweep is None and new is None:
            return None
        self._others_turn = True
        self._credit = max(self._credit - (SHARE - 1), 0)
        if sweep is not None:
            return self._page(sweep, now, careful=careful)
        assert new is not None
        return self._newest(new, now, careful=careful)

    def land(self, choice: AnyChoice, *, again: bool = False, failed: bool = False) -> None:
        """The look that was chosen is over. `again`: nothing came of it, and one that went before others does so still.
        `failed`: CallFire did not answer it, so that it does not do for a person who asked meanwhile ("refresh")."""
        self._flying.difference_update(choice.batch_ids)
        rows = [row for batch_id in choice.batch_ids if (row := self._roster.row(batch_id)) is not None]
        for row in rows:
            self._roster.due[row] = np.nan  # also that of the page, which was worked out without them
        if isinstance(choice, PageChoice):
            self.listings.pages.flying[choice.page] = False
            self.listings.pages.due[choice.page] = np.nan
            if not again:
                self.listings.attempt(choice.page, choice.asked)
        elif again and choice.asked_for:
            (self._refreshes if choice.by == "refresh" else self._new).rejoin(choice.batch_id)
        elif not again:
            for row in rows:
                if not (failed and self._roster.first[row] == REFRESH):
                    self._roster.first[row] = NONE
        self.changed()

    def page_shown(self, choice: PageChoice, page: Page, now: float) -> Shown:
        """What a page showed, before its rows are taken in as looks: where watches are, which are missed, which are new. Those
        that no page shows any more go first, each by itself."""
        shown = self.listings.shown(choice.page, choice.ref, choice.members, page, now)
        for item in page.items:
            row = self._roster.row(item.id)
            if row is not None and self._roster.first[row] != NONE and self.counts(choice, item.id):
                self._roster.first[row] = NONE
        for batch_id in shown.absent:
            self.first(batch_id)
        return shown

    def counts(self, choice: PageChoice, batch_id: int) -> bool:
        """Whether a row of the page is a look at that watch: not while another one is under way, nor within `min_interval` of
        the last."""
        row = self._roster.row(batch_id)
        if row is None:
            return False
        if batch_id in choice.members:
            return True
        return batch_id not in self._flying and self._rested(row) <= choice.asked

    def expected_wait(self, now: float) -> float:
        """The sum over all watches of the expected waiting that nobody has seen yet, in seconds."""
        rows = np.flatnonzero(self._roster.live)
        return float(self.ranking.worth_of(rows, now).sum())

    def overdue(self, now: float) -> int:
        """How many watches were not asked about for longer than `max_interval`, but for those set aside on purpose."""
        return len(self._overdue(now))

    def overdue_batches(self, now: float) -> list[int]:
        """Which ones those are, in ascending order."""
        batch_ids: list[int] = np.sort(self._roster.batch_id[self._overdue(now)]).tolist()
        return batch_ids

    def _overdue(self, now: float) -> NDArray[np.intp]:
        rows = self._active(now)
        return rows[now - self.ranking.tried(rows) > self._pace.max_interval]

    def oldest_look_age(self, now: float) -> float:
        """Seconds since the watch that waits longest was asked about (or was born), but for those set aside on purpose;
        0 without watches."""
        rows = self._active(now)
        return float(max(now - self.ranking.tried(rows).min(), 0.0)) if len(rows) else 0.0

    def waits_longest(self, now: float) -> int | None:
        """The watch that was not asked about for longest, but for those set aside on purpose; None without watches."""
        rows = self._active(now)
        return int(self._roster.batch_id[rows[self.ranking.tried(rows).argmin()]]) if len(rows) else None

    def next_look(self, batch_id: int, now: float) -> float | None:
        """Roughly when the watch will be worth a look, budget permitting; None where it is not open."""
        row = self._roster.row(batch_id)
        if row is None:
            return None
        if batch_id in self._flying:
            return now
        if self._roster.first[row] != NONE:
            return max(self._rested(row), now)
        return max(self.ranking.due(row, now), now)

    def eta(self, batch_id: int, now: float) -> tuple[float, float] | None:
        """When the batch will have ended with a chance of 50 and of 90 %, given that it had not when it was last seen (or was
        born, where it never was); both may have passed. None where it is not open, or too few ends of its size are known."""
        row = self._roster.row(batch_id)
        if row is None or self.hazard.known_of(size := int(self._roster.size_bin[row])) < ENOUGH:
            return None
        born = float(self._roster.born[row])
        age = max(min(float(self._roster.asked[row]), now) - born, 0.0)
        half, most = (born + self.hazard.age_when(size, age, log(of)) for of in (2, 10))
        return half, most

    def explain(self, batch_id: int, now: float) -> Explanation | None:
        """Why the watch is looked at when it is; None where it is not open."""
        if batch_id not in self._roster:
            return None
        return explained(
            batch_id,
            ranking=self.ranking,
            grounded=self._shortlist.grounded(self._flying),
            flying=batch_id in self._flying,
            due=self.next_look(batch_id, now) or now,
            now=now,
        )

    def _head(self, lane: Lane, now: float) -> tuple[int | None, float]:
        return lane.head(now, self._flying, self._pace.min_interval)

    def _sweep(self, now: float) -> int | None:
        return self.listings.sweeping(now, rest=self._pace.min_interval)

    def _row(self, batch_id: int) -> int:
        row = self._roster.row(batch_id)
        assert row is not None
        return row

    def _single(self, batch_id: int) -> Choice:
        row = self._row(batch_id)
        value = int(self._roster.first[row])
        self._roster.first[row] = NONE
        self._flying.add(batch_id)
        self._shortlist.forget(batch_id)
        return Choice(batch_id=batch_id, by=BY[value], asked_for=value != NONE)

    def _newest(self, batch_id: int, now: float, *, careful: bool) -> AnyChoice:
        """A new watch: by the page that it is likely to be on, as that tells of others too."""
        row, listings = self._row(batch_id), self.listings
        if self._roster.page[row] == NOWHERE and self._roster.broadcast[row] != NOWHERE:
            listings.place_new(now)
        page = int(self._roster.page[row])
        if careful or page < 0 or self._roster.aside[row] != 0.0 or not listings.may_ask(page, now):
            return self._single(batch_id)
        rested = listings.pages.asked[page] + self._pace.min_interval <= now
        return self._page(page, now) if rested else self._single(batch_id)

    def _page(self, page: int, now: float, *, careful: bool = False) -> AnyChoice:
        roster, listings = self._roster, self.listings
        there = roster.page[: roster.used]
        on_page = there == page
        if listings.of_page(page).missed:
            on_page |= there == looked_for_on(page)
        rows = np.flatnonzero(on_page)
        rows = rows[
            roster.live[rows] & (roster.tried[rows] + self._pace.min_interval <= now) & (roster.aside[rows] == 0.0)
        ]
        members = [each for each in roster.batch_id[rows].tolist() if each not in self._flying]
        if careful and members:
            return self._single(members[0])
        self._flying.update(members)
        listings.pages.flying[page] = True
        listings.sweeps.takes_turn(int(listings.pages.owner[page]))
        self._shortlist.forget(-1 - page)
        return PageChoice(page=page, ref=listings.ref(page), members=tuple(members), asked=now)

    def _rested(self, row: int) -> float:
        """When `min_interval` is over, which holds also for those that were asked for."""
        return float(self._roster.tried[row]) + self._pace.min_interval

    def _active(self, now: float) -> NDArray[np.intp]:
        """The rows of all watches that are not set aside."""
        return np.flatnonzero(self._roster.live & (self._roster.aside <= now))
