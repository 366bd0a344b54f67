"""How much is asked of a daemon that is killed again and again: little, so that a run is over soon, or much at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from watcher.core.endpoint import Ordering

OFTEN: Final = 3
"""Of so many runs one begins with a wave."""
LATEST: Final = 3
"""At which call of a point it ends at the latest, where nothing else is said."""

TIGHT: Final = 8.0
"""Requests a second that are all spent where CallFire does not fail: one too many after a restart is seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """A run begins with `first` batches, every third with a `wave` of them, all of which end together, and so many `submissions`;
    `then` more come until it ends. CallFire answers after `latency` seconds, fails at a `mixed` share of requests, after which it
    is asked less, and has so many batches in `a_broadcast`, which one answer may show. Of the webhooks to the endpoint that takes
    them at once, in the `ordering` that it wants, a `fail_share` is refused; `others` are endpoints that want no order and take
    `slow` seconds for each. An endpoint that wants no order is sent `at_once` at once. `followers` are clients of the stream of
    events. `deepest` is at which call of a method a run ends at the latest, `patience` the seconds between two
    questions about what is still owed, which are much to answer where there is much, and `late` the share of a second that the
    simulator may be late in noting a request, which is many requests where the `rate` is high."""

    rate: float
    first: int
    wave: int
    submissions: int
    then: int
    latency: float
    mixed: float
    fail_share: float
    ordering: Ordering = "batch"
    others: int = 0
    at_once: int = 4
    slow: float = 0.0
    deepest: Mapping[str, int] = field(default_factory=dict)
    a_broadcast: int = 20
    followers: int = 0
    patience: float = 0.1
    late: float = 0.0

    def at_first(self, kills: int) -> int:
        """How many batches a run begins with before which it was killed so often, the first time in the calm."""
        return self.wave if kills % OFTEN == 0 else self.first


ONCE: Final = {"follow": 1, "intend": 1}
"""Where there is little to do, what is asked for and followed or intended is not asked for again within a run."""
LIGHT: Final = Load(
    rate=40.0, first=3, wave=3, submissions=1, then=1, latency=0.005, mixed=0.05, fail_share=0.01, deepest=ONCE
)
HEAVY: Final = Load(
    rate=60.0,
    first=10,
    wave=150,
    submissions=2,
    then=5,
    latency=0.1,
    mixed=0.01,
    fail_share=0.001,
    ordering="none",  # else there would be one webhook under way to it, and no end of waiting for thousands
    others=2,
    at_once=32,
    slow=0.05,
    deepest={
        "follow": 4,
        "commit": 250,
        "save_looks": 2,
        "claim": 60,
        "send": 200,
        "settle": 40,
        "intend": 20,
        "change_submission": 12,
        "submit": 6,
        "accept_submission": 8,
    },
    a_broadcast=200,
    followers=2,
    patience=0.5,
    late=0.1,
)
"""What is deepest is what a run counts in which nothing is killed for a second or two."""
