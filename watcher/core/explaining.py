"""Why a watch is looked at when it is: what its next look is worth, and what goes before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from watcher.core.lanes import NEW, NONE, REFRESH
from watcher.core.ranking import Mask, Ranking
from watcher.core.roster import NOWHERE, pages_of

AHEAD: Final = 5
"""So many of the requests that go before a watch are told."""

Ahead = tuple[Literal["batch"], int, float] | tuple[Literal["page"], int, int, float]
"""A request that is worth more: ("batch", id, worth), or ("page", broadcast_id, number, worth)."""
Why = Literal["in flight", "asked for", "new", "aside", "resting", "not worth it yet", "on a page", "by itself"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """How a watch stands at one moment. Seconds, and seconds since 1970.

    `page` is the number of the page of `broadcast` that is expected to show it, or on which it is looked for. `age` is how old
    the batch was when it was last asked about, `waited` how long ago that is, `hazard` what it has met since then. `worth` is
    what a look at it alone would end of waiting, `page_worth` the same for its page, where that competes. `rank` is how many
    requests that are due now are worth more, and `ahead` the greatest of them. `due` is when it is worth a request, which takes
    `threshold`. Where a watch is overdue, the worth of pages and of those ahead is beyond all measure: OVERDUE and more.
    `part` names the part of the account that polls it, where the account is divided: all else is about that alone.
    """

    broadcast: int | None
    page: int | None
    flying: bool
    first: Literal["new", "refresh"] | None
    age: float
    waited: float
    hazard: float
    worth: float
    page_worth: float | None
    rank: int
    ahead: Sequence[Ahead]
    due: float
    threshold: float
    why: Why
    part: str | None = None


FIRST: Final[dict[int, Literal["new", "refresh"] | None]] = {NONE: None, NEW: "new", REFRESH: "refresh"}


def explained(batch_id: int, *, ranking: Ranking, grounded: Mask, flying: bool, due: float, now: float) -> Explanation:
    """How an open watch stands now. `grounded` says which rows hold watches that are not in flight, `due` when it, or its page,
    will be worth a look."""
    roster, listings = ranking.roster, ranking.listings
    row = roster.row(batch_id)
    assert row is not None
    rows = np.array([row])
    compared = ranking.compare(grounded, now)
    page = int(pages_of(roster.page[rows])[0])
    by_page = ranking.page_score(page, grounded, now) if page != NOWHERE else None
    own = max(float(ranking.scores_of(rows, now)[0]), by_page or 0.0)
    ahead = np.flatnonzero((compared.scores > own) & ~np.isin(compared.entries, (batch_id, -1 - page)))
    greatest = ahead[np.argsort(-compared.scores[ahead], kind="stable")[:AHEAD]]
    place, value = int(roster.broadcast[row]), int(roster.first[row])
    return Explanation(
        broadcast=None if place == NOWHERE else roster.broadcasts[place],
        page=None if page == NOWHERE else int(listings.pages.number[page]),
        flying=flying,
        first=FIRST[value],
        age=float(ranking.age(rows)[0]),
        waited=max(now - float(ranking.tried(rows)[0]), 0.0),
        hazard=float(ranking.hazard_of(rows, now)[0]),
        worth=float(ranking.worth_of(rows, now)[0]),
        page_worth=by_page,
        rank=len(ahead),
        ahead=[_ahead(int(compared.entries[each]), float(compared.scores[each]), ranking) for each in greatest],
        due=due,
        threshold=ranking.pace.worth,
        why=_why(row, ranking, flying=flying, paged=by_page is not None, due=due, now=now),
    )


def _ahead(entry: int, worth: float, ranking: Ranking) -> Ahead:
    if entry >= 0:
        return "batch", entry, worth
    page = -1 - entry
    return "page", ranking.listings.of_page(page).broadcast_id, int(ranking.listings.pages.number[page]), worth


def _why(row: int, ranking: Ranking, *, flying: bool, paged: bool, due: float, now: float) -> Why:
    roster = ranking.roster
    if flying:
        return "in flight"
    if roster.first[row] != NONE:
        return "asked for" if roster.first[row] == REFRESH else "new"
    if roster.aside[row] > now:
        return "aside"
    if roster.tried[row] + ranking.pace.min_interval > now:
        return "resting"
    if due > now:
        return "not worth it yet"
    return "on a page" if paged else "by itself"
