"""Which figures of a long run are looked at, how much each may grow until it matters, and whether it did.

A figure is flat where it surely grew by less than that, and grew where it surely did by more. In between nobody can say: what is
measured is too little against what goes up and down by itself.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from tests.chaos.outcome import Figure
from tests.chaos.soak.taking import Taken
from tests.chaos.soak.trends import Point, Trend, blocks, trend

HOUR: Final = 3600.0
Verdict = Literal["flat", "grew", "cannot say"]
REMEDY: Final = "have nothing else run on the machine and run it again, or for longer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A figure. Of each block `of` is taken. While it is measured it may grow by `share` of its level, or by `least` where that
    is more: what is below is of no use to anybody."""

    name: str
    unit: str
    value: Callable[[Taken], float]
    share: float
    least: float
    of: Callable[[Sequence[float]], float] = statistics.median


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A figure, how it went, and by how much it might have grown while it was measured."""

    name: str
    unit: str
    trend: Trend
    bound: float

    @property
    def verdict(self) -> Verdict:
        """By both ends of the interval."""
        if self.trend.low * self.trend.seconds > self.bound:
            return "grew"
        return "flat" if self.trend.high * self.trend.seconds <= self.bound else "cannot say"

    @property
    def wrong(self) -> str:
        """What is wrong with it, if anything, and what to do."""
        if self.verdict == "flat":
            return ""
        low, high = (f"{end * self.trend.seconds:.4g}" for end in (self.trend.low, self.trend.high))
        measured = (
            f"by {low} to {high} {self.unit or 'pieces'} in {self.trend.seconds:.0f} s, and may by {self.bound:.4g}"
        )
        return (
            f"{self.name} grew: {measured}"
            if self.verdict == "grew"
            else f"{self.name}: cannot say, {measured}: {REMEDY}"
        )


KINDS: Final = (
    Kind(name="memory, resident", unit="MiB", value=lambda each: each.rss, share=0.01, least=1.0),
    Kind(name="memory, its own", unit="MiB", value=lambda each: each.own, share=0.01, least=1.0),
    Kind(name="blocks of memory in Python", unit="", value=lambda each: each.blocks, share=0.05, least=2000.0, of=min),
    Kind(name="open files", unit="", value=lambda each: each.files, share=0.0, least=10.0),
    Kind(name="tasks", unit="", value=lambda each: each.tasks, share=0.0, least=10.0),
    Kind(name="threads", unit="", value=lambda each: each.threads, share=0.0, least=0.5),
    Kind(name="database, without watches", unit="MiB", value=lambda each: each.rest, share=0.05, least=0.25),
    Kind(
        name="database, bytes a watch",
        unit="",
        value=lambda each: each.watches / each.rows * 2**20,
        share=0.02,
        least=1.0,
    ),
    Kind(name="write-ahead log", unit="MiB", value=lambda each: each.wal, share=0.05, least=0.25, of=max),
)
SLOWER: Final = 0.2
"""By which share of their level answers and webhooks may come later before it matters."""


def judged(
    samples: Sequence[Taken],
    delays: Sequence[Point],
    answers: Sequence[Point],
    began: float,
    ended: float,
    count: int,
) -> list[Judged]:
    """Each figure, over so many blocks."""
    found = [
        _judged(
            kind.name,
            kind.unit,
            blocks([(each.at, kind.value(each)) for each in samples], began, ended, count, kind.of),
            kind.share,
            kind.least,
        )
        for kind in KINDS
    ]
    for name, points in (("delay of webhooks", delays), ("delay of answers", answers)):
        for what, of, least in (("median", statistics.median, 0.02), ("19 of 20", most, 0.1)):
            some = blocks(points, began, ended, count, of)
            found.append(_judged(f"{name}, {what}", "s", some, SLOWER, least))
    return found


def most(values: Sequence[float]) -> float:
    """What 19 of 20 are below."""
    return sorted(values)[int(0.95 * (len(values) - 1))]


def _judged(name: str, unit: str, points: Sequence[Point], share: float, least: float) -> Judged:
    told = trend(points)
    return Judged(name=name, unit=unit, trend=told, bound=max(share * abs(told.level), least))


def rows(some: Sequence[Judged]) -> list[Figure]:
    """A row for each: its level, its slope an hour with the interval in which it surely is, what it may be, and what follows."""
    return [(f"{each.name}{', ' + each.unit if each.unit else ''}", _told(each)) for each in some]


def _told(judged: Judged) -> str:
    trend = judged.trend
    slope, low, high = map(_signed, (trend.slope, trend.low, trend.high))
    may = _signed(judged.bound / trend.seconds) if trend.seconds else "anything"
    return f"{_number(trend.level)}; an hour {slope}, surely {low} to {high}, may {may}: {judged.verdict}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _signed(slope: float) -> str:
    """So much in an hour."""
    value = slope * HOUR
    return f"{'+' if value > 0 else '−' if value < 0 else '±'}{_number(abs(value))}"
