"""How long a watcher that did answer is waited for where it is silent: most likely it restarts."""

from collections.abc import Callable
from typing import Final

from watcher.client.connection import Sleep
from watcher.client.errors import TryLater, Unreachable, WatcherError

FIRST: Final = 1.0
"""Seconds before the first try of a silence; the pause doubles from there."""
LONGEST: Final = 5.0
"""Seconds between two tries, at most."""

Noted = Callable[[str], None]
"""Is told what goes on, in a line."""


class Patience:
    """Bears silences of `most` seconds (None: of any length), and says so when one begins.

    Each pause is drawn between the half and the whole of what it may be, so that clients do not come back all at once.
    """

    def __init__(self, most: float | None, sleep: Sleep, noted: Noted, draw: Callable[[], float]) -> None:
        self._most = most
        self._sleep = sleep
        self._noted = noted
        self._draw = draw
        self._answered = False
        self._waited = 0.0
        self._pause = FIRST

    def answered(self) -> None:
        """It is there."""
        self._answered, self._waited, self._pause = True, 0.0, FIRST

    async def bear(self, error: WatcherError) -> None:
        """Returns when it is time for the next try. Raises the error where no try is worth it: none ever answered, it lasts too
        long, or it is of another kind."""
        if isinstance(error, TryLater):
            self._answered = True  # it is there, and says so
        elif not isinstance(error, Unreachable):
            raise error
        if not self._answered or (self._most is not None and self._waited >= self._most):
            if isinstance(error, Unreachable) and self._answered:
                raise Unreachable(str(error), kind="left") from error
            raise error
        if not self._waited:
            bound = "" if self._most is None else f", {self._most:.0f} s at most"
            self._noted(f"the daemon does not answer: waiting for it{bound}")
        pause = self._drawn(self._pause)
        if isinstance(error, TryLater):
            pause = max(pause, min(error.after, LONGEST))
        self._waited += pause
        self._pause = min(self._pause * 2, LONGEST)
        await self._sleep(pause)

    async def again(self, dry: int = 0) -> None:
        """Returns when a stream that ended may be asked for again: that it did says nothing yet. Later, where so many in a row
        were `dry`: nothing came by them."""
        await self._sleep(self._drawn(min(FIRST * 2 ** min(dry, 10), LONGEST)))

    def _drawn(self, most: float) -> float:
        return most * (0.5 + self._draw() / 2)
