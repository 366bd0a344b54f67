"""What a budget buys an account just now: the daemon's own figures, or none where the budget does not keep up."""

from dataclasses import replace

import pytest

from tests.fakes import NOON
from watcher.core.hazard import Sight
from watcher.core.learnt import LearntHazard
from watcher.core.plan import Bought, Load, Point
from watcher.core.ranking import Pace
from watcher.planning.bought import Asked, at_rate, bought, from_line, to_line
from watcher.planning.plans import Plan, law_of, of_daemon
from watcher.planning.workload import USUAL

NOTHING = LearntHazard(now=NOON.timestamp()).to_record().decode()
ASKED = Asked(in_flight=20, rate=1.0, pace=Pace(), learnt=NOTHING, at=NOON)


def learnt(seconds: float) -> str:
    """What an account has learnt whose batches took that long, all of them."""
    known = LearntHazard(now=NOON.timestamp())
    for _ in range(200):
        known.saw(Sight(size=6, then=0.0, now=seconds * 0.9, ended=False))
        known.saw(Sight(size=6, then=seconds * 0.9, now=seconds, ended=True))
    return known.to_record().decode()


def figures(value: float) -> float:
    """Four of them."""
    return float(f"{value:.4g}")


def test_question_and_answer_cross_as_a_line_each() -> None:
    assert Asked.from_line(ASKED.to_line()) == ASKED
    load = Load(in_flight=3, arrivals=0.1, duration=30.0, learnt=True, over=90.0, part=1.0)
    answer = Bought(
        load=load, rate=1.0, points=[Point(rate=0.5, p50=None, p95=None), Point(rate=1.0, p50=1.5, p95=4.0)]
    )
    assert from_line(to_line(answer)) == answer
    assert "\n" not in ASKED.to_line() + to_line(answer)


@pytest.mark.parametrize("line", ["", "[]", "{}", '{"load": {}, "rate": 1, "points": []}'])
def test_what_is_no_answer_is_none(line: str) -> None:
    with pytest.raises((ValueError, TypeError, LookupError)):
        from_line(line)


def test_the_points_are_what_a_plan_gives_at_less_and_at_more_than_the_rate() -> None:
    asked = Asked(in_flight=60, rate=6.0, pace=Pace(), learnt=learnt(6.0), at=NOON)
    answer = bought(asked)
    known = LearntHazard.from_record(asked.learnt.encode(), NOON.timestamp())
    law = law_of(known, USUAL, sizes=True)
    assert law is not None
    duration = law.mean_duration()
    over = 400 * duration / 60
    assert 5.0 < duration < 9.0
    assert answer.load == Load(
        in_flight=60,
        arrivals=figures(60 / duration),
        duration=figures(duration),
        learnt=True,
        over=figures(over),
        part=1.0,
    )
    assert [each.rate for each in answer.points] == [1.5, 3.0, 6.0, 12.0, 24.0]
    same = of_daemon(
        Plan(rate=6.0, over=over, in_flight=60, law=law, learnt=known, begins=NOON, enough=400), patience=over
    )
    assert answer.points[2] == Point(rate=6.0, p50=figures(same.p50), p95=figures(same.p95))
    least, most = answer.points[2].p95, answer.points[-1].p95
    assert least is not None
    assert most is not None
    assert least > most


def test_where_nothing_was_learnt_the_usual_durations_are_played() -> None:
    load = bought(replace(ASKED, in_flight=2_000, rate=0.4)).load
    assert (load.learnt, load.duration) == (False, figures(USUAL.mean_duration()))


def test_of_a_large_load_a_part_is_played_and_a_rate_that_does_not_keep_up_has_no_figures() -> None:
    answer = bought(Asked(in_flight=100_000, rate=2.0, pace=Pace(), learnt=NOTHING, at=NOON))
    assert (answer.load.part, answer.load.in_flight) == (0.002, 100_000)
    assert answer.points == [Point(rate=rate, p50=None, p95=None) for rate in (0.5, 1.0, 2.0, 4.0, 8.0)]


def test_a_rate_that_mostly_finds_nothing_to_ask_costs_no_more_to_play() -> None:
    plan = Plan(rate=10.0, over=100.0, in_flight=1000.0)
    assert [at_rate(plan, factor).rate for factor in (0.5, 1.0, 10.0, 11.0, 400.0)] == [5.0, 10.0, 100.0, 100.0, 100.0]
