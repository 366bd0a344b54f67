"""Which figures of a long run are looked at, how much each may grow until it matters, and which of them did."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from tests.chaos.outcome import Figure
from tests.chaos.soak.taking import Taken
from tests.chaos.soak.trends import Point, Trend, blocks, trend

HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A figure. Of each block `of` is taken. It has grown where it surely did so by more than `share` of its level and by more
    than `least`: what is below that is of no use to anybody."""

    name: str
    unit: str
    value: Callable[[Taken], float]
    share: float
    least: float
    of: Callable[[Sequence[float]], float] = statistics.median


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A figure, how it went, and what is wrong with it, if anything."""

    name: str
    unit: str
    trend: Trend
    wrong: str


KINDS: Final = (
    Kind(name="memory, resident", unit="MiB", value=lambda each: each.rss, share=0.01, least=1.0),
    Kind(name="memory, its share of what is shared", unit="MiB", value=lambda each: each.pss, share=0.01, least=1.0),
    Kind(name="blocks of memory in Python", unit="", value=lambda each: each.blocks, share=0.01, least=2000.0),
    Kind(name="open files", unit="", value=lambda each: each.files, share=0.0, least=3.0),
    Kind(name="tasks", unit="", value=lambda each: each.tasks, share=0.0, least=3.0),
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
DELAY: Final = 0.005
"""Seconds by which answers and webhooks may come later before it matters, and the share of the level."""
SLOWER: Final = 0.2


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
        for what, of in (("median", statistics.median), ("19 of 20", most)):
            some = blocks(points, began, ended, count, of)
            found.append(_judged(f"{name}, {what}", "s", some, SLOWER, DELAY))
    return found


def most(values: Sequence[float]) -> float:
    """What 19 of 20 are below."""
    return sorted(values)[int(0.95 * (len(values) - 1))]


def _judged(name: str, unit: str, points: Sequence[Point], share: float, least: float) -> Judged:
    told = trend(points)
    grew = told.surely > max(share * abs(told.level), least)
    return Judged(
        name=name,
        unit=unit,
        trend=told,
        wrong=f"{name} grew: by {told.surely:.4g} {unit} at least in {told.seconds:.0f} s" if grew else "",
    )


def rows(some: Sequence[Judged]) -> list[Figure]:
    """A row for each: its level, and its slope an hour with the interval in which it surely is."""
    return [(f"{each.name}{', ' + each.unit if each.unit else ''}", _told(each.trend)) for each in some]


def _told(trend: Trend) -> str:
    slope, low, high = map(_signed, (trend.slope, trend.low, trend.high))
    return f"{_number(trend.level)}; an hour {slope}, surely {low} to {high}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _signed(slope: float) -> str:
    """So much in an hour."""
    value = slope * HOUR
    return f"{'+' if value > 0 else '−' if value < 0 else '±'}{_number(abs(value))}"
