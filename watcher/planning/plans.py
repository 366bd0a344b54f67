"""A plan: so many batches, such a budget. What the daemon would make of it, beside scripts; and which budget a target needs.

All of it is played in virtual time, several draws together; a plan gives the same figures each time. Durations in seconds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from math import ceil, inf
from typing import Final, Literal

from watcher.core.learnt import LearntHazard
from watcher.core.ranking import Pace
from watcher.planning.daemon import EPOCH, Daemon
from watcher.planning.play import CallFire, Passing, Strategy, play, together
from watcher.planning.scripts import Backoff, Every, ListPages, RoundRobin
from watcher.planning.workload import USUAL, Law, Validation, at_once, learnt_durations, learnt_sizes, steady

Figure = Literal["mean", "p50", "p95", "p99"]
Make = Callable[[], Strategy]

DAEMON: Final = "watcher"
SCRIPTS: Final[Mapping[str, Make]] = {
    "every 10 s": partial(Every, 10.0),
    "round robin": RoundRobin,
    "backoff x1.5": partial(Backoff, 1.5),
    "listing pages": ListPages,
}
PAGED: Final = ("listing pages",)
"""Scripts that make no sense where listings cannot be had."""
USUAL_PACE: Final = Pace()
AFTER: Final = 20 * 60.0
"""Seconds for which a play goes on after the last of so many batches was made."""
ENOUGH: Final = 1000
"""Batches in all draws together, for the figures to be steady within some 5 %."""
MOST_DRAWS: Final = 20
WEIGHT: Final = 10
"""How much longer a play of the daemon takes than one of a script; for telling how far a plan is."""
LEAST_RATE: Final = 0.1
GREATEST_RATE: Final = 100.0
"""Requests a second between which a rate is looked for."""
HALVINGS: Final = 4
"""Of the last doubling, in which the rate is: then it is known within 5 %."""
HOPELESS: Final = 20
"""How many times the target is waited for ends at a rate that is too low, and ten minutes at least: it is enough to tell."""
CURVE: Final = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Of the rate: the rates that a curve shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be played.

    `batches` are made evenly over `over` seconds (0: all at once); or, where `in_flight` is given, they keep coming for that
    long, about as many as keep that many in flight. `rate` is in requests a second. The daemon starts with what is `learnt` (as
    of `begins`), or with nothing; without `pages` it uses no listings. There are draws until they have `enough` batches.
    """

    rate: float
    over: float
    batches: int | None = None
    in_flight: float | None = None
    law: Law = USUAL
    pages: bool = True
    pace: Pace = USUAL_PACE
    learnt: LearntHazard | None = None
    begins: datetime = EPOCH
    seed: int = 1
    enough: int = ENOUGH

    @property
    def seconds(self) -> float:
        """How long one draw is played, at least."""
        return self.over if self.in_flight is not None else self.over + AFTER

    @property
    def expected(self) -> float:
        """How many batches there are in a draw, about."""
        if self.in_flight is None:
            return float(self.batches or 0)
        return self.in_flight / self.law.mean_duration() * self.over

    @property
    def draws(self) -> int:
        """How often it is played, each time with other batches."""
        return min(max(ceil(self.enough / max(self.expected, 1.0)), 1), MOST_DRAWS)

    def drawn(self, number: int) -> Sequence[Validation]:
        """The batches of one draw."""
        seed = self.seed * MOST_DRAWS + number
        if self.in_flight is not None:
            return steady(seed, in_flight=self.in_flight, seconds=self.over, law=self.law)
        return at_once(seed, count=self.batches or 0, seconds=self.over, law=self.law)

    def daemon(self) -> Strategy:
        """The daemon, as it would start."""
        return Daemon(self.pace, learnt=self.learnt, begins=self.begins, pages=self.pages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a strategy makes of a plan: seconds of delay from an end to the look that sees it, and how many `requests` were
    used, a draw in the mean. `ended` is how many batches, in all draws, the figures rest on."""

    strategy: str
    rate: float
    mean: float
    p50: float
    p95: float
    p99: float
    requests: float
    ended: int

    def of(self, figure: Figure) -> float:
        """One of its figures by name."""
        value: float = getattr(self, figure)
        return value


def compared(plan: Plan, passing: Passing) -> Sequence[Result]:
    """The daemon, and scripts with the same budget and batches. `passing` is told the share that is done."""
    scripts = [name for name in SCRIPTS if plan.pages or name not in PAGED]
    whole = WEIGHT + len(scripts)
    results = [_played(plan, DAEMON, plan.daemon, lambda share: passing(share * WEIGHT / whole))]
    for number, name in enumerate(scripts):
        done = WEIGHT + number
        results.append(_played(plan, name, SCRIPTS[name], _from(passing, done / whole, 1 / whole)))
    return results


def curve(plan: Plan, script: str, passing: Passing) -> Sequence[tuple[Result, Result]]:
    """The daemon and a script at less and at more than the plan's rate."""
    points = []
    for number, factor in enumerate(CURVE):
        there = replace(plan, rate=plan.rate * factor)
        told = _from(passing, number / len(CURVE), 1 / len(CURVE))
        points.append(
            (
                _played(there, DAEMON, there.daemon, told),
                _played(there, script, SCRIPTS[script], told),
            )
        )
    return points


def of_daemon(plan: Plan, *, patience: float) -> Result:
    """The daemon alone; what it has not found `patience` seconds after the time counts as found then."""
    return _played(plan, DAEMON, plan.daemon, lambda _: None, patience=patience)


def least_rate(plan: Plan, figure: Figure, target: float, passing: Passing) -> tuple[Result, bool]:
    """What the daemon makes of the plan at the least rate, within 5 %, at which the figure is no more than `target` seconds;
    and whether there is one, up to GREATEST_RATE: the result is of that rate where there is none."""
    steps = ceil(GREATEST_RATE / LEAST_RATE).bit_length() + HALVINGS
    tried = 0

    def at(rate: float) -> Result:
        nonlocal tried
        there = replace(plan, rate=float(f"{rate:.3g}"))
        told = _from(passing, tried / steps, 1 / steps)
        result = _played(there, DAEMON, there.daemon, told, patience=max(HOPELESS * target, 600.0))
        tried += 1
        return result

    low, found = 0.0, at(LEAST_RATE)
    while found.of(figure) > target:
        if found.rate >= GREATEST_RATE:
            return found, False
        low, found = found.rate, at(min(2 * found.rate, GREATEST_RATE))
    for _ in range(HALVINGS if low else 0):
        middle = at((low * found.rate) ** 0.5)
        if middle.of(figure) > target:
            low = middle.rate
        else:
            found = middle
    passing(1.0)
    return found, True


def law_of(learnt: LearntHazard, law: Law, *, sizes: bool) -> Law | None:
    """Durations as an account has learnt them, and sizes where `sizes`; else those of `law`. None where no end was seen."""
    drawn = learnt_sizes(learnt)
    if drawn is None:
        return None
    return replace(law, takes=learnt_durations(learnt.hazard), sizes=drawn if sizes else law.sizes)


def _played(
    plan: Plan, name: str, make: Make, passing: Passing, *, draws: int | None = None, patience: float = inf
) -> Result:
    draws = plan.draws if draws is None else draws
    outcome = together(
        [
            play(
                make(),
                CallFire(batches=plan.drawn(number)),
                rate=plan.rate,
                seconds=plan.seconds,
                patience=patience,
                passing=_within(_from(passing, number / draws, 1 / draws), plan.seconds),
            )
            for number in range(draws)
        ]
    )
    return Result(
        strategy=name,
        rate=plan.rate,
        mean=outcome.mean,
        p50=outcome.quantile(0.5),
        p95=outcome.quantile(0.95),
        p99=outcome.quantile(0.99),
        requests=outcome.requests / draws,
        ended=len(outcome.delays),
    )


def _from(passing: Passing, done: float, part: float) -> Passing:
    """Tells the share of the whole, of which so much is done, and of which this is a part."""
    return lambda share: passing(done + share * part)


def _within(passing: Passing, seconds: float) -> Passing:
    """Tells the share of a play that has passed; one that goes on beyond its time counts as done."""
    return lambda now: passing(min(now / seconds, 1.0))
