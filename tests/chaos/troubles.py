"""What may befall a database, each by its name, with how it begins and how it ends."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.chaos.database import Database
from tests.chaos.fleet import wait_for
from tests.chaos.relay import Mood, Relay

AGAIN: Final = 5
"""How often what is over at once happens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The database, the replicas' wires to it, and how many seconds a trouble lasts that has an end of its own."""

    database: Database
    wires: Sequence[Relay]
    lasting: float


def restarted_fast(place: Place) -> None:
    place.database.stop("fast")
    place.database.start()


def restarted_immediately(place: Place) -> None:
    """As if it had been killed: it recovers from its log."""
    place.database.stop("immediate")
    place.database.start()


def sessions_ended(place: Place) -> None:
    for _ in range(AGAIN):
        place.database.end_sessions()
        time.sleep(0.5)


def commits_cut_off(place: Place) -> None:
    """Each replica again and again commits, and is not told what became of it."""
    for _ in range(AGAIN):
        before = sum(wire.cuts for wire in place.wires)
        for wire in place.wires:
            wire.cut_commits(1)
        _until_cut(place, before + len(place.wires))


def _until_cut(place: Place, cuts: int) -> None:
    wait_for(lambda: sum(wire.cuts for wire in place.wires) >= cuts, 30, "every replica had a commit cut off")


def read_only(place: Place) -> None:
    """For new transactions of all sessions."""
    place.database.read_only(True)
    time.sleep(place.lasting)
    place.database.read_only(False)


def silent(place: Place) -> None:
    """It takes what is said, and says nothing; connections stay."""
    _be(place, "silent")
    time.sleep(place.lasting)
    _be(place, "open")


def away(place: Place) -> None:
    """Connections end, and no new ones come about."""
    _be(place, "closed")
    time.sleep(place.lasting)
    _be(place, "open")


def _be(place: Place, mood: Mood) -> None:
    for wire in place.wires:
        wire.be(mood)


TROUBLES: Final[Mapping[str, Callable[[Place], None]]] = {
    "restarted (fast)": restarted_fast,
    "restarted (immediate)": restarted_immediately,
    "sessions ended": sessions_ended,
    "commits cut off": commits_cut_off,
    "read-only": read_only,
    "silent": silent,
    "away": away,
}
TOLD: Final = frozenset({"read-only", "silent", "away"})
"""Those that last long enough for /readyz to be seen to tell of them."""
