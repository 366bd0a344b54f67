"""What an account's budget buys it just now: its load, played at less and at more than its rate, within half a minute or so.

Question and answer cross to another process and back as a line of JSON each.
"""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Final, Self

from watcher.core.learnt import LearntHazard
from watcher.core.plan import Bought, Load, Point
from watcher.core.ranking import Pace
from watcher.planning.plans import CURVE, Plan, law_of, of_daemon
from watcher.planning.workload import USUAL

LARGEST: Final = 200
"""Batches in flight that are played. Of more, a part is played with as much of the rate: delays come out a little longer then,
for fewer batches are on a page."""
OVER: Final = 5 * 60.0
"""Seconds that a play lasts at most, where batches do not take long."""
LIVES: Final = 3.0
"""A play lasts as long as that many batches after one another, in the mean: as many are in flight by then as are to be."""
SEEN: Final = 400
"""Ends on which a point rests: it is within some 10 % then."""
MOST_TURNS: Final = 10_000
"""Requests that a point allows, in all draws."""
BEHIND: Final = 0.1
"""Of the time played: where half of the ends are noticed later than that, the rate does not keep up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An account as it is `at` that moment: batches in flight, its rate in requests a second, its pace, and what it has learnt
    of durations, as LearntHazard records it."""

    in_flight: int
    rate: float
    pace: Pace
    learnt: str
    at: datetime

    def to_line(self) -> str:
        """As JSON, without its end."""
        return json.dumps({**asdict(self), "at": self.at.isoformat()})

    @classmethod
    def from_line(cls, line: str) -> Self:
        """What `to_line` gave."""
        told = json.loads(line)
        return cls(**{**told, "pace": Pace(**told["pace"]), "at": datetime.fromisoformat(told["at"])})


def bought(asked: Asked) -> Bought:
    """Plays it, as `watcher plan --in-flight … --account …` does."""
    learnt = LearntHazard.from_record(asked.learnt.encode(), asked.at.timestamp())
    own = law_of(learnt, USUAL, sizes=True)
    law = USUAL if own is None else own
    played = min(asked.in_flight, LARGEST)
    part, duration = played / asked.in_flight, law.mean_duration()
    plan = Plan(
        rate=asked.rate * part,
        over=max(min(SEEN * duration / played, OVER), LIVES * duration),
        enough=SEEN,
        in_flight=played,
        law=law,
        pace=asked.pace,
        learnt=None if own is None else learnt,
        begins=asked.at,
    )
    load = Load(
        in_flight=asked.in_flight,
        arrivals=_short(asked.in_flight / duration),
        duration=_short(duration),
        learnt=own is not None,
        over=_short(plan.over),
        part=_short(part),
    )
    return Bought(load=load, rate=asked.rate, points=[_point(plan, asked.rate, factor) for factor in CURVE])


def at_rate(plan: Plan, factor: float) -> Plan:
    """The plan at that much of its rate. Where that allows more than MOST_TURNS, by far the most of them would find nothing to
    ask: it is played at a rate that allows so many."""
    return replace(plan, rate=min(plan.rate * factor, MOST_TURNS / (plan.seconds * plan.draws)))


def _point(plan: Plan, rate: float, factor: float) -> Point:
    result = of_daemon(at_rate(plan, factor), patience=plan.seconds)
    tells = result.ended > 0 and result.p50 <= BEHIND * plan.seconds
    return Point(
        rate=rate * factor,
        p50=_short(result.p50) if tells else None,
        p95=_short(result.p95) if tells else None,
    )


def to_line(answer: Bought) -> str:
    """As JSON, without its end."""
    return json.dumps(asdict(answer))


def from_line(line: str) -> Bought:
    """What `to_line` gave. Raises ValueError, TypeError or LookupError where it is something else."""
    told = json.loads(line)
    points = [Point(**each) for each in told["points"]]
    return Bought(load=Load(**told["load"]), rate=told["rate"], points=points)


def _short(value: float) -> float:
    """To four figures."""
    return float(f"{value:.4g}")
