"""Followed broadcasts, and which of them are listed from end to end now: one page of each in turn.

Times are seconds since 1970.
"""

from collections.abc import Iterator
from math import inf
from typing import Final

from watcher.core.listing import Listing
from watcher.core.roster import NEVER

CHECK: Final = 10.0
"""Seconds between two looks for sweeps that are owed."""


class Sweeps:
    """By the places of the broadcasts."""

    def __init__(self) -> None:
        self._followed: dict[int, Listing] = {}
        self._turns: dict[int, Listing] = {}  # those that are swept, the one first that waits for longest
        self._checked = NEVER

    def follow(self, listing: Listing) -> None:
        """Its broadcast is followed from now on: it is swept."""
        self._followed[listing.place] = listing
        listing.begin_sweep()
        self._turns[listing.place] = listing

    def unfollow(self, listing: Listing) -> None:
        """Its broadcast is not followed any more."""
        self._followed.pop(listing.place, None)
        self._turns.pop(listing.place, None)

    def follows(self, place: int) -> bool:
        """Whether that broadcast is followed."""
        return place in self._followed

    def went_on(self, listing: Listing) -> None:
        """A sweep of it began, went on, or ended."""
        if listing.sweep is None:
            self._turns.pop(listing.place, None)
        else:
            self._turns.setdefault(listing.place, listing)

    def takes_turn(self, place: int) -> None:
        """A page of it is asked for: the others go on before it does."""
        listing = self._turns.pop(place, None)
        if listing is not None:
            self._turns[place] = listing

    def next_pages(self, now: float) -> Iterator[int]:
        """The page that each sweep comes to next, in turn; begins those that are owed."""
        if not 0.0 <= now - self._checked < CHECK:
            self._checked = now
            for listing in self._followed.values():
                if listing.owes_sweep(now):
                    listing.begin_sweep()
                    self._turns[listing.place] = listing
        for listing in self._turns.values():
            yield from (listing.pages[number] for number in (listing.sweep or ())[-1:])

    def next_check(self) -> float:
        """When sweeps may come to be owed."""
        return self._checked + CHECK if self._followed else inf
