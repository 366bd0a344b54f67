"""The best requests of the last ranking, kept for a moment, so that choosing stays cheap however fast tokens come.

Times are seconds since 1970.
"""

from collections.abc import Collection
from typing import Final

from watcher.core.ranking import SHORTLIST, Mask, Ranking
from watcher.core.roster import NEVER, Roster

LIFETIME: Final = 0.01
LIFETIME_EACH: Final = 5e-6
"""Seconds that a ranking holds, and what each watch adds to it: half a second for 100,000."""
SOON: Final = 0.1
"""Seconds that a ranking holds which could not compare all."""
FEW: Final = 1_000
"""Up to so many watches they are ranked anew whenever something changed; with more, not before the last ranking has lived."""


class Shortlist:
    """Batch ids, and -1 - p for the page p. `quiet_until`: nothing else is due before then, as far as is known."""

    def __init__(self, roster: Roster, ranking: Ranking) -> None:
        self._roster = roster
        self._ranking = ranking
        self._best: list[int] = []  # the best last
        self._ranked_at = NEVER
        self._lives = 0.0  # seconds that the ranking holds
        self.quiet_until = NEVER

    def changed(self) -> None:
        """The roster changed: what was known about waiting no longer holds."""
        few = len(self._roster) <= FEW
        self.quiet_until = NEVER if few else min(self.quiet_until, self._ranked_at + self._lives)

    def best(self, now: float, flying: Collection[int]) -> int | None:
        """The best of what only time makes worth a request; None where nothing is due. `flying` are the batches in flight."""
        if not self._best and now < self.quiet_until:
            return None
        if not 0.0 <= now - self._ranked_at <= self._lives:
            self._best.clear()
        while self._best and not self._is_due(self._best[-1], now, flying):
            self._best.pop()
        if not self._best and now >= self.quiet_until:
            self._rank(now, flying)
        return self._best[-1] if self._best else None

    def forget(self, entry: int) -> None:
        """It was chosen."""
        if self._best and self._best[-1] == entry:
            self._best.pop()
        elif entry in self._best:
            self._best.remove(entry)

    def grounded(self, flying: Collection[int]) -> Mask:
        """Which rows hold watches that are not in flight."""
        live = self._roster.live[: self._roster.used]
        if flying:
            live = live.copy()
            live[[row for batch_id in flying if (row := self._roster.row(batch_id)) is not None]] = False
        return live

    def _rank(self, now: float, flying: Collection[int]) -> None:
        compared = self._ranking.compare(self.grounded(flying), now)
        few = len(self._roster) <= FEW
        self._best, self._ranked_at = compared.best(), now
        self._lives = SOON if compared.more else LIFETIME + LIFETIME_EACH * len(self._roster)
        if compared.more:
            self.quiet_until = now
        elif len(self._best) == SHORTLIST or (few and self._best):
            self.quiet_until = NEVER  # there may be more of them
        elif few:
            self.quiet_until = compared.quiet_until
        else:
            self.quiet_until = max(now + self._lives, NEVER if self._best else compared.quiet_until)

    def _is_due(self, entry: int, now: float, flying: Collection[int]) -> bool:
        """Whether what was found to be due is so still. NaN is not: it changed since."""
        if entry < 0:
            listings = self._ranking.listings
            return bool(listings.pages.due[-1 - entry] <= now) and listings.may_ask(-1 - entry, now)
        row = self._roster.row(entry)
        return row is not None and bool(self._roster.due[row] <= now) and entry not in flying
