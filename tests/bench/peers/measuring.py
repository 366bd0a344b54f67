"""What came of one run: delays, requests and what was lost or told twice, from what the simulator and the receiver noted."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from watcher.planning.workload import Validation


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """One run, in seconds since 1970. `ends` is when validation ended, of each batch that counts; `told` each notification, in
    their order: the batch, and when it came; `asked` when each request came to CallFire, in their order."""

    ends: Mapping[int, float]
    told: Sequence[tuple[int, float]]
    asked: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """`delays` (seconds, sorted) are from the end of validation to the first notification, of those batches that were told of;
    `lost` is how many were not, `early` how many before their end, `twice` how many notifications came beyond the first of a
    batch. `second` and `minute` are the most requests in any second and in any minute."""

    delays: Sequence[float]
    lost: int
    early: int
    twice: int
    requests: int
    second: int
    minute: int

    @property
    def mean(self) -> float:
        return float(np.mean(self.delays)) if self.delays else math.nan

    def quantile(self, share: float) -> float:
        """Within how many seconds that share of those that were told of was."""
        return float(np.quantile(self.delays, share)) if self.delays else math.nan


def measured(noted: Noted) -> Measured:
    """The figures of a run."""
    first: dict[int, float] = {}
    for batch_id, at in noted.told:
        first.setdefault(batch_id, at)
    late = {batch_id: first[batch_id] - ended for batch_id, ended in noted.ends.items() if batch_id in first}
    return Measured(
        delays=sorted(late.values()),
        lost=len(noted.ends) - len(late),
        early=sum(each < 0 for each in late.values()),
        twice=sum(count - 1 for count in Counter(batch_id for batch_id, _ in noted.told).values()),
        requests=len(noted.asked),
        second=most(noted.asked, 1.0),
        minute=most(noted.asked, 60.0),
    )


def most(moments: Sequence[float], seconds: float) -> int:
    """How many of these moments, which are in order, lie within any so many seconds; what lies that far apart does not."""
    found, first = 0, 0
    for number, moment in enumerate(moments):
        while moment - moments[first] >= seconds:
            first += 1
        found = max(found, number - first + 1)
    return found


def interval(batches: Sequence[Validation], *, rate: float, least: int) -> int:
    """The shortest whole seconds, `least` of them at least, between two looks at the same batch with which what looks at every
    batch that often keeps to `rate` requests a second over any minute.

    It is what somebody would set who knew the workload beforehand, for those that have one interval for all.
    """
    seconds = least
    while most(_looks(batches, seconds), 60.0) > 60.0 * rate:
        seconds += 1
    return seconds


def _looks(batches: Sequence[Validation], seconds: int) -> Sequence[float]:
    """When looks at them come, each from a moment of its own until the first that shows the end."""
    phases = np.random.default_rng(0).uniform(0.0, seconds, len(batches))
    return sorted(
        float(moment)
        for batch, phase in zip(batches, phases, strict=True)
        for moment in np.arange(batch.begins + phase, batch.ends + seconds, seconds)
    )
