"""Failed attempts at the interface's door: how long the next answer is held back, and when there is none any more. Pure.

A token that is drawn at random cannot be guessed, so this is no lock: it keeps whoever tries, or a client that was given a wrong
token and tries for ever, from costing much. Whoever has a right token is let in at once, also while others fail.
"""

from dataclasses import dataclass
from math import ceil
from typing import Final

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 2.0
"""Seconds by which the answer to a failed attempt is held back: doubling from the first to the longest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """So many failed attempts may come at once, and as many again in so many seconds."""

    most: int
    seconds: float

    @property
    def rate(self) -> float:
        """By how many a second they are forgotten."""
        return self.most / self.seconds


WITH_ONE: Final = Patience(most=10, seconds=60.0)
"""With one address."""
WITH_ALL: Final = Patience(most=200, seconds=60.0)
"""With all addresses together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """So many attempts that are not forgotten, at a moment in seconds of any clock."""

    count: float = 0.0
    at: float = 0.0


def failed(before: Failures, patience: Patience, now: float) -> Failures:
    """After one more. What is beyond patience does not add up: it ends as soon for whoever tried a million times."""
    forgotten = max(now - before.at, 0.0) * patience.rate
    return Failures(count=min(max(before.count - forgotten, 0.0) + 1.0, patience.most + 1.0), at=now)


def is_beyond(failures: Failures, patience: Patience) -> bool:
    """Whether there were too many."""
    return failures.count > patience.most


def pause_after(failures: Failures) -> float:
    """Seconds that the answer is held back."""
    return float(min(FIRST_PAUSE * 2.0 ** max(failures.count - 1.0, 0.0), LONGEST_PAUSE))


def retry_after(failures: Failures, patience: Patience) -> int:
    """Whole seconds until one more would not be too many; 1 at least."""
    return max(ceil((failures.count + 1.0 - patience.most) / patience.rate), 1)
