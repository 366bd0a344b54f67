"""Plans: what is played, what comes of it, and how a rate is found."""

from dataclasses import replace

import pytest

from watcher.core.hazard import UNKNOWN, Sight
from watcher.core.learnt import LearntHazard
from watcher.planning.plans import AFTER, CURVE, DAEMON, ENOUGH, MOST_DRAWS, Plan, compared, curve, law_of, least_rate
from watcher.planning.workload import USUAL

PLAN = Plan(rate=2.0, over=60.0, batches=60)
STREAM = Plan(rate=2.0, over=120.0, in_flight=60.0)


def test_a_plan_is_played_as_often_as_its_figures_need() -> None:
    assert PLAN.draws == -(-ENOUGH // 60)
    assert replace(PLAN, batches=1).draws == MOST_DRAWS
    assert replace(PLAN, batches=50_000).draws == 1
    steady = Plan(rate=2.0, over=1200.0, in_flight=93.0)
    assert steady.expected == pytest.approx(1200, rel=0.02)
    assert steady.draws == 1


def test_so_many_batches_are_watched_for_a_while_after_the_last_and_a_stream_for_as_long_as_it_flows() -> None:
    assert PLAN.seconds == 60 + AFTER
    assert Plan(rate=1.0, over=300.0, in_flight=5.0).seconds == 300


def test_each_draw_has_other_batches_and_each_seed() -> None:
    assert len(PLAN.drawn(0)) == 60
    assert PLAN.drawn(0) == PLAN.drawn(0)
    assert PLAN.drawn(0) != PLAN.drawn(1)
    assert PLAN.drawn(0) != replace(PLAN, seed=2).drawn(0)
    assert len(Plan(rate=1.0, over=300.0, in_flight=10.0).drawn(0)) > 10


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two draws say as much as many, where figures do not matter."""
    monkeypatch.setattr(Plan, "draws", 2)


def test_the_daemon_stands_beside_scripts_with_the_same_batches(quick: None) -> None:
    shares: list[float] = []
    results = compared(PLAN, shares.append)
    assert [each.strategy for each in results] == [
        *(DAEMON, "every 10 s", "round robin", "backoff x1.5", "listing pages")
    ]
    assert len({each.ended for each in results}) == 1
    assert all(0 < each.mean <= each.p95 <= each.p99 and each.p50 <= each.p95 for each in results)
    assert all(0 < each.requests <= 2.0 * PLAN.seconds for each in results)
    assert min(results, key=lambda each: each.mean).strategy in (DAEMON, "listing pages")
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1.0, abs=0.01)


def test_without_pages_no_script_lists_them(quick: None) -> None:
    results = compared(replace(PLAN, pages=False), lambda _: None)
    assert [each.strategy for each in results] == [DAEMON, "every 10 s", "round robin", "backoff x1.5"]


def test_a_curve_falls_with_the_rate(quick: None) -> None:
    points = curve(STREAM, "backoff x1.5", lambda _: None)
    assert [ours.rate for ours, _ in points] == [2.0 * factor for factor in CURVE]
    assert [beside.strategy for _, beside in points] == ["backoff x1.5"] * len(CURVE)
    assert points[0][0].mean > points[-1][0].mean
    assert points[0][1].mean > points[-1][1].mean


def test_the_least_rate_that_reaches_a_target_is_found_within_a_twentieth(quick: None) -> None:
    shares: list[float] = []
    found, reached = least_rate(STREAM, "p95", 8.0, shares.append)
    assert reached
    assert found.of("p95") == found.p95 <= 8.0
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    less = compared(replace(STREAM, rate=found.rate * 0.85), lambda _: None)[0]
    assert less.p95 > 7.0


def test_where_the_least_there_is_does_no_less_is_looked_for(quick: None) -> None:
    found, reached = least_rate(STREAM, "mean", 10_000.0, lambda _: None)
    assert (found.rate, reached) == (0.1, True)


def test_a_target_that_no_rate_reaches_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Plan, "draws", 1)
    found, reached = least_rate(replace(STREAM, in_flight=5.0, over=60.0), "mean", 0.001, lambda _: None)
    assert (found.rate, reached) == (100.0, False)
    assert found.mean > 0.001


def test_what_an_account_has_learnt_takes_the_place_of_the_usual() -> None:
    learnt = LearntHazard(now=0.0)
    for _ in range(50):
        learnt.saw(Sight(3, 9.0, 10.0, True))
        learnt.saw(Sight(UNKNOWN, 9.0, 10.0, True))
    learnt.settle(0.0)
    law = law_of(learnt, USUAL, sizes=True)
    assert law is not None
    batches = replace(PLAN, law=law).drawn(0)
    assert all(32 <= each.size <= 100 for each in batches)
    assert sum(each.ends - each.begins < 20 for each in batches) > 30
    own = law_of(learnt, USUAL, sizes=False)
    assert own is not None
    assert max(each.size for each in replace(PLAN, law=own).drawn(0)) > 1000


def test_an_account_that_saw_no_end_says_nothing() -> None:
    assert law_of(LearntHazard(now=0.0), USUAL, sizes=True) is None
