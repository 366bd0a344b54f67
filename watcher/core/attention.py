"""Which watches and endpoints need a person, and in which order watches are shown to one. From values to values.

The order has three bands: first what needs a person, the newest first; then what is open, the soonest to end first; then the
rest, the newest first. A store keeps the band of each watch, so that its statements need not know what makes it one.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import IntEnum
from math import inf
from typing import Final, Literal, NamedTuple

from watcher.core.endpoint import Endpoint, EndpointState
from watcher.core.health import FAILING_AT
from watcher.core.model import ERRORS, KNOWN_STATUSES, SOURCE_ERROR, Key, State, Watch

Attention = Literal["errors", "source_error", "unknown_status", "missing", "expired", "stuck"]
"""Why a watch needs a person."""


class Band(IntEnum):
    """A part of the order: NEEDS a person; OPEN, and needs nobody; the REST."""

    NEEDS = 0
    OPEN = 1
    REST = 2


ENDED: Final[Mapping[State, Attention]] = {State.MISSING: "missing", State.EXPIRED: "expired"}
FAULTY: Final[Mapping[str, Attention]] = {ERRORS: "errors", SOURCE_ERROR: "source_error"}
CALM: Final = frozenset({None, *KNOWN_STATUSES}) - FAULTY.keys()
"""Statuses that need nobody by themselves; None is a batch that nobody has seen yet."""


def attention_of(watch: Watch) -> Attention | None:
    """Why the watch needs a person; None where it does not. How it ended says more than the status that it had then."""
    if watch.state is State.STOPPED:
        return None
    if watch.state in ENDED:
        return ENDED[watch.state]
    if watch.status not in CALM:
        return FAULTY.get(watch.status or "", "unknown_status")
    return "stuck" if watch.state is State.OPEN and watch.stuck_told > 0 else None


def band_of(watch: Watch) -> Band:
    """Where in the order the watch belongs."""
    if attention_of(watch) is not None:
        return Band.NEEDS
    return Band.OPEN if watch.state is State.OPEN else Band.REST


class Standing(NamedTuple):
    """What of a watch its place in the order depends on, but for when it is expected to end."""

    band: Band
    since: datetime | None


def standing_of(watch: Watch) -> Standing:
    """Where the watch stands."""
    return Standing(band_of(watch), watch.since)


def in_order(standings: Mapping[Key, Standing], expected: Mapping[Key, float]) -> list[Key]:
    """The watches in the order in which they are shown. `expected` is when open ones will have ended with even chances, in any
    unit; those of which nothing is expected come behind. Equal ones go by account and batch id."""

    def place(key: Key) -> tuple[int, float, Key]:
        band, since = standings[key]
        if band is Band.OPEN:
            return band, expected.get(key, inf), key
        return band, inf if since is None else -since.timestamp(), key

    return sorted(standings, key=place)


def needs_person(endpoint: Endpoint) -> bool:
    """Whether the endpoint gets nothing, or fails again and again."""
    health = endpoint.health
    disabled = endpoint.state is EndpointState.DISABLED
    return disabled or health.opened > 0 or health.failures_in_a_row >= FAILING_AT
