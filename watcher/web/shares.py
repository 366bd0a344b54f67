"""What there is only so much of, shared by whoever asks: places to listen and to wait, rows that are kept for pages. Nobody takes
so much that nothing is left for others."""

from collections import Counter

from watcher.core.tokens import Grant


class Shares:
    """`most` pieces. A token may have as many of them as are free then, and no more: the first one gets half, the next one half
    of the rest, and whoever has none gets one as long as there is any (dynamic thresholds, as switches share their memory). Who
    has the scope admin takes what there is."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken = 0
        self._of: Counter[str] = Counter()

    @property
    def free(self) -> int:
        """Pieces that nobody has."""
        return self.most - self.taken

    def of(self, asks: Grant) -> int:
        """Pieces that whoever asks has by now."""
        return self._of[asks.holder]

    def fits(self, asks: Grant, much: int = 1) -> bool:
        """Whether whoever asks may have so many more."""
        return much <= self.free and (asks.allows("admin") or self.of(asks) + much <= self.free)

    def take(self, asks: Grant, much: int = 1) -> bool:
        """Takes so many more, where they may be had; whether they were."""
        if not self.fits(asks, much):
            return False
        self.taken += much
        self._of[asks.holder] += much
        return True

    def give_back(self, asks: Grant, much: int = 1) -> None:
        """Whoever took so many has them no more."""
        self.taken -= much
        self._of -= Counter({asks.holder: much})  # which leaves nobody with 0
