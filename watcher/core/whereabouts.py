"""Where watches stand on the pages of their broadcasts: where they were seen, and where those are looked for that were missed.

This is what is written into the roster's column `page`. Times are seconds since 1970.
"""

from collections.abc import Collection, Sequence

import numpy as np

from watcher.core.columns import Pages
from watcher.core.listing import Listing
from watcher.core.model import Page
from watcher.core.roster import ABSENT, NOWHERE, Roster, looked_for_on, pages_of


class Whereabouts:
    """Of the watches of one account. Each call gives the batches that turned out to be on no page: all were shown since they were
    missed. Each is given once, until a page shows it again."""

    def __init__(self, roster: Roster, pages: Pages) -> None:
        self._roster = roster
        self._pages = pages

    def take_in(
        self, listing: Listing, page: int, members: Sequence[int], answer: Page, now: float
    ) -> tuple[list[int], int]:
        """Takes in what a page showed of which `members` were expected; gives also how many watches it showed whose broadcast
        was not known."""
        roster = self._roster
        expected = {row for each in members if (row := roster.row(each)) is not None and roster.page[row] == page}
        count, found, strangers = len(expected), 0, 0
        listing.met_in_order(answer)
        for item in answer.items:
            row = roster.row(item.id)
            if row is not None:
                place = int(roster.broadcast[row])
                strangers += place == NOWHERE
                found += row in expected or (place == listing.place and int(roster.page[row]) != page)
                expected.discard(row)
                roster.broadcast[row], roster.page[row] = listing.place, page
        listing.showed(min(count, len(answer.items)), found)
        if answer.spoilt:  # one of the rows that made no sense may be any of them
            roster.page[list(expected)] = ABSENT
            return roster.batch_id[list(expected)].tolist(), strangers
        return [each for row in expected for each in self._look_for(listing, row, now)], strangers

    def lost(self, listing: Listing, pages: Collection[int], now: float) -> list[int]:
        """What was on those pages, or looked for there, is not: it is looked for on the others."""
        roster = self._roster
        used = roster.used
        rows = np.flatnonzero((roster.broadcast[:used] == listing.place) & roster.live[:used])
        rows = rows[np.isin(pages_of(roster.page[rows]), list(pages))]
        return [each for row in rows.tolist() for each in self._look_for(listing, row, now)]

    def look_on(self, listing: Listing) -> list[int]:
        """Goes on looking for those that are not on the page either on which they were looked for."""
        roster, pages = self._roster, self._pages
        absent: list[int] = []
        for batch_id, since in list(listing.missed.items()):
            row = roster.row(batch_id)
            if row is None or roster.broadcast[row] != listing.place or roster.page[row] > looked_for_on(0):
                del listing.missed[batch_id]  # it ended, or was found
            elif pages.listed[looked_for_on(int(roster.page[row]))] >= since:
                absent += self._look_for(listing, row, since)
        return absent

    def _look_for(self, listing: Listing, row: int, since: float) -> list[int]:
        """It was missed at that moment: it is looked for on the next page that was not shown since."""
        roster, pages = self._roster, self._pages
        batch_id, page = int(roster.batch_id[row]), int(pages_of(roster.page[row : row + 1])[0])
        following = listing.still_to_ask(pages.listed[listing.in_use()].tolist(), since, int(pages.number[page]))
        if following is None:
            roster.page[row] = ABSENT
            listing.missed.pop(batch_id, None)
            return [batch_id]
        listing.missed[batch_id] = since
        roster.page[row] = looked_for_on(listing.pages[following])
        pages.due[listing.pages[following]] = np.nan
        return []
