"""What answers make of an account's pace: the rate, what of it is kept and told, and how many requests may be in flight."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from tests.fakes import NOON, shows
from tests.polling.world import PROVEN, World, after, validating
from watcher.core.account import Account
from watcher.core.allowance import HELD_MOST, LearntRate
from watcher.core.answers import Answer, Kind
from watcher.core.news import RateLearnt, RateReason
from watcher.core.schedule import Pace
from watcher.polling.pacing import Paced, Pacing

LEARNT = LearntRate(rate=2.0, wall=2.5, probe_at=after(600))


def answer(kind: Kind, at: float, took: float = 0.0, pause: float | None = None) -> Answer:
    return Answer(
        batch_id=1,
        asked=after(at - took),
        answered=after(at),
        kind=kind,
        outcome=kind.value,
        retry_after=None if pause is None else timedelta(seconds=pause),
    )


def pacing(account: Account = PROVEN, *, rate: float = 5.0, concurrency: int = 64) -> Pacing:
    return Pacing(account, rate=rate, concurrency=concurrency, now=NOON)


class Run:
    """Answers at the rate in force; keeps what was kept and told, and when."""

    def __init__(self, of: Pacing) -> None:
        self.pacing = of
        self.now = 0.0
        self.kept: list[tuple[float, LearntRate | None]] = []
        self.told: list[tuple[float, RateReason]] = []

    def take(self, kind: Kind, pause: float | None = None) -> Paced | None:
        paced = self.pacing.heard(answer(kind, self.now, pause=pause))
        if paced is not None:
            assert paced.rate == self.pacing.rate
            if paced.keep:
                self.kept.append((self.now, paced.learnt))
            if paced.news is not None:
                self.told.append((self.now, paced.news.reason))
        return paced

    def go_on(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += 1 / self.pacing.rate
            self.take(Kind.SEEN)


# The rate


def test_good_answers_at_the_configured_rate_change_nothing() -> None:
    run = Run(pacing())
    run.go_on(3600)
    assert (run.pacing.rate, run.kept, run.told) == (5.0, [], [])


def test_a_fall_is_kept_and_told_at_once() -> None:
    run = Run(pacing())
    run.now = 1.0
    assert run.take(Kind.THROTTLED) == Paced(
        rate=2.5,
        learnt=LearntRate(rate=2.5, wall=5.0, probe_at=after(601)),
        keep=True,
        news=RateLearnt(account="default", rate=2.5, previous=5.0, configured=5.0, reason="lowered"),
    )
    assert run.take(Kind.THROTTLED) is None


def test_growth_is_kept_at_most_once_a_minute_and_told_by_the_tenth_until_the_limit_is_found() -> None:
    run = Run(pacing())
    run.take(Kind.THROTTLED)
    run.go_on(599)
    instants = [at for at, _ in run.kept]
    assert all(later - sooner >= 60 for sooner, later in pairwise(instants[1:]))
    assert run.kept[-1][1] == LearntRate(rate=run.pacing.rate, wall=5.0, probe_at=after(600))
    reasons = [reason for _, reason in run.told]
    assert reasons == ["lowered", *["grown"] * (len(reasons) - 2), "found"]
    assert 5 <= len(reasons) <= 9


def test_what_is_restored_is_told_and_kept() -> None:
    run = Run(pacing(replace(PROVEN, learnt_rate=replace(LEARNT, rate=4.7, wall=4.8, probe_at=NOON))))
    run.pacing.recalled()
    run.go_on(180)
    assert (run.pacing.rate, run.told[-1][1], run.kept[-1][1]) == (5.0, "restored", None)
    assert [reason for _, reason in run.told].count("restored") == 1


def test_it_starts_with_what_was_learnt_and_says_so() -> None:
    again = pacing(replace(PROVEN, learnt_rate=LEARNT))
    assert again.rate == 2.0
    assert again.recalled() == RateLearnt(account="default", rate=2.0, previous=5.0, configured=5.0, reason="kept")
    assert pacing().recalled() is None


def test_the_pause_that_is_asked_for_counts() -> None:
    run = Run(pacing())
    run.go_on(60)
    assert run.take(Kind.THROTTLED, pause=60.0) is not None
    assert run.pacing.rate < 5.0


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind not in (Kind.SEEN, Kind.THROTTLED)])
def test_no_other_answer_lowers_the_rate(kind: Kind) -> None:
    run = Run(pacing())
    for second in range(100):
        run.now = float(second)
        assert run.take(kind, pause=1.0) is None
    assert run.pacing.rate == 5.0


def test_a_stretch_is_long_enough_to_tell_how_much_of_a_slow_rate_is_used() -> None:
    slow = replace(PROVEN, learnt_rate=LearntRate(rate=0.1, wall=5.0, probe_at=after(600)))
    run = Run(pacing(slow))
    run.go_on(69)
    assert run.pacing.rate == 0.1
    run.go_on(20)
    assert run.pacing.rate > 0.1


def test_a_time_to_try_again_in_a_far_future_is_brought_near() -> None:
    odd = replace(PROVEN, learnt_rate=replace(LEARNT, probe_at=datetime.max.replace(tzinfo=NOON.tzinfo)))
    assert pacing(odd).allowance.probe_at == NOON + HELD_MOST


# In flight


def test_before_the_first_answer_only_the_settings_bound_what_is_in_flight() -> None:
    assert pacing(concurrency=8).full_until(7, NOON.timestamp()) is None


def test_two_seconds_of_latency_leave_room_for_the_whole_rate() -> None:
    """Ten are in flight at five a second."""
    slow = pacing()
    slow.heard(answer(Kind.SEEN, 2.0, took=2.0))
    now = after(2).timestamp()
    slow.sent(now)
    assert slow.full_until(19, now) is None
    assert slow.full_until(20, now) == now + 2.0
    assert slow.full_until(20, now + 1.9995) is None  # what no clock can wait is no wait


def test_latency_rises_quickly_and_falls_slowly() -> None:
    slow = pacing()
    for _ in range(20):
        slow.heard(answer(Kind.SEEN, 1.0, took=0.04))
    assert slow.latency == pytest.approx(0.04)
    slow.heard(answer(Kind.FAILED, 20.0, took=15.0))
    assert slow.latency == pytest.approx(7.52)
    for _ in range(16):
        slow.heard(answer(Kind.SEEN, 20.0, took=0.04))
    assert slow.latency == pytest.approx(2.7, rel=0.02)


def test_while_nothing_is_answered_room_comes_with_waiting() -> None:
    """As if all that fly were as slow as the last of them already is."""
    hanging = pacing()
    hanging.heard(answer(Kind.SEEN, 0.0, took=0.01))
    now, flying, sent = NOON.timestamp(), 0, []
    while now < NOON.timestamp() + 15.0:
        if hanging.full_until(flying, now) is None:
            hanging.sent(now)
            sent.append(now)
            flying += 1
        now += 0.2
    assert 10 <= flying <= 20  # of 75 that the rate would have let out
    waits = [later - sooner for sooner, later in pairwise(sent)]
    assert waits == pytest.approx(sorted(waits), abs=0.21)


async def test_at_two_seconds_of_latency_the_whole_rate_is_used() -> None:
    watches = [validating(number) for number in range(1, 41)]
    async with World(*watches, concurrency=64, pace=Pace(worth=0.0, min_interval=0.0)) as world:
        for watch in watches:
            world.upstream.script(watch.batch_id, shows("VALIDATING", takes=2.0))
        await world.step_for(60)
        assert len(world.upstream.asked) == pytest.approx(300, rel=0.01)
        assert world.poller.standing.in_flight <= 20
