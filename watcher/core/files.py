"""How many files may still be open, by the number that a new one got: the system gives the lowest that is free.

So a number near the limit says that all below it are taken. The last of them are kept for what tells of the trouble and for the
store, or a crowd of clients would take them all.
"""

from enum import Enum, auto
from typing import Final

KEPT: Final = 64
SHARE: Final = 4
"""Of the limit the last of these many are kept, and where it is a low one, this part of it."""
LAST: Final = 2
"""Of those kept, this part is kept for everything but clients: the store, CallFire, webhooks."""


class Room(Enum):
    """What there is room for: for everybody; only for what must be answered; not even for that."""

    PLENTY = auto()
    FEW = auto()
    NONE = auto()


def kept(limit: int) -> int:
    """How many of the last are kept."""
    return min(KEPT, limit // SHARE)


def room(number: int, limit: int) -> Room:
    """Where a new file has got this number, and numbers are below the limit."""
    spare = kept(limit)
    if number < limit - spare:
        return Room.PLENTY
    return Room.FEW if number < limit - spare // LAST else Room.NONE


def over(number: int, limit: int) -> bool:
    """Whether few are left no more: with some room beyond what is kept, or it would be said again with the next client."""
    return number < limit - 2 * kept(limit)
