"""What befalls the service for some time, and what comes of a walk through several such sets of faults."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tests.chaos.faults import receiving, storing, upstream

CLOCKS: Final[Mapping[str, tuple[float, float]]] = {
    "none": (0.0, 1.0),
    "back 1 h": (-3600.0, 1.0),
    "forward 1 d": (86400.0, 1.0),
    "5 % fast": (0.0, 1.05),
    "5 % slow": (0.0, 0.95),
}
"""By how many seconds the wall clock is set, and how fast it goes then."""


class Faults(NamedTuple):
    """What befalls the service for some time."""

    upstream: str = "none"
    store: str = "none"
    receivers: str = "none"
    clock: str = "none"


DIMENSIONS: Final[tuple[Sequence[str], ...]] = (upstream.FAULTS, storing.FAULTS, receiving.FAULTS, tuple(CLOCKS))


@dataclass(slots=True)
class Walked:
    """What came of it."""

    wrong: list[str] = field(default_factory=list)
    steps: int = 0
    events: int = 0
    requests: int = 0
    attempts: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    rounds: int = 0
    seconds: float = 0.0
