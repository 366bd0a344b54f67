"""How an endpoint stands: its breaker, its warnings, when it is given up, and what of it is told."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.making import after
from tests.fakes import NOON
from watcher.core.health import (
    TOLD_APART,
    Health,
    Heeded,
    Recent,
    Trial,
    Verdict,
    counted,
    disables_at,
    heed,
    reason_to_disable,
    revived,
)

TOOK = timedelta(seconds=2)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
FAILING, DISABLED, RECOVERED, EXHAUSTED = (
    "endpoint.failing",
    "endpoint.disabled",
    "endpoint.recovered",
    "delivery.exhausted",
)


def trial(verdict: Verdict, at: datetime = NOON, *, began: datetime | None = None, **what: Any) -> Trial:
    """An attempt that ended at that moment."""
    return Trial(began=at - TOOK if began is None else began, ended=at, verdict=verdict, reason="why", **what)


class Life:
    """An endpoint's health over time, and what was told of it."""

    def __init__(self, health: Health | None = None) -> None:
        self.health = Health() if health is None else health
        self.recent = Recent()
        self.told: list[tuple[datetime, str]] = []
        self.disabled: str | None = None

    def heed(self, given: Trial) -> Heeded:
        heeded = heed(self.health, self.recent, given)
        self.health, self.recent = heeded.health, heeded.recent
        self.told += [(given.ended, kind) for kind in heeded.tell]
        self.disabled = heeded.disable or self.disabled
        return heeded

    def good(self, at: datetime, **what: Any) -> Heeded:
        return self.heed(trial("good", at, **what))

    def bad(self, at: datetime, **what: Any) -> Heeded:
        return self.heed(trial("bad", at, **what))

    def fails(self, times: int, at: datetime = NOON, every: timedelta = TOOK, **what: Any) -> datetime:
        """So many failures in a row, the first at that moment; when the last was."""
        for number in range(times):
            self.bad(at + number * every, **what)
        return at + (times - 1) * every

    def told_at(self, kind: str) -> list[datetime]:
        return [at for at, each in self.told if each == kind]


# The breaker.


def test_five_failures_in_a_row_open_the_breaker_for_half_a_minute() -> None:
    life = Life()
    last = life.fails(4, every=TOOK)
    assert (life.health.opened, life.health.open_until) == (0, None)
    life.bad(last + TOOK)
    assert life.health == Health(
        failures_in_a_row=5,
        failing_since=NOON,
        failed=5,
        opened=1,
        open_until=last + TOOK + 30 * SECOND,
        alarmed=True,
        told={FAILING: last},
    )


def test_a_success_in_between_starts_the_row_anew() -> None:
    life = Life()
    for number in range(9):
        life.fails(4, after(minutes=5 * number))
        life.good(after(minutes=5 * number + 1))
    assert life.health.opened == 0
    life.fails(5, after(hours=1))
    assert life.health.opened == 1


def test_an_answer_that_blames_nobody_neither_adds_to_a_row_nor_ends_it() -> None:
    life = Life()
    last = life.fails(4)
    health, recent = life.health, life.recent
    assert life.heed(trial("neither", last + SECOND)) == Heeded(health=health, recent=recent)
    assert life.health is health
    life.bad(last + TOOK)
    assert life.health.opened == 1


def test_a_breaker_stays_open_twice_as_long_for_each_probe_that_fails_up_to_ten_minutes() -> None:
    life = Life()
    at = life.fails(5)
    pauses: list[float] = []
    for _ in range(15):
        assert life.health.open_until is not None
        pauses.append((life.health.open_until - at).total_seconds())
        at = life.health.open_until + TOOK
        life.bad(at)
    assert pauses == [30, 60, 120, 240, 480, *[600] * 10]
    assert life.health.opened == 16


def test_what_was_under_way_when_the_breaker_opened_does_not_open_it_again_when_it_fails() -> None:
    life = Life()
    at = life.fails(5)
    opened, until = life.health, life.health.open_until
    assert until is not None
    for number in range(1, 4):
        life.bad(until + number * SECOND, began=at - SECOND)
    assert (life.health.opened, life.health.open_until) == (1, until)
    assert life.health == replace(opened, failures_in_a_row=8, failed=8)
    life.bad(until + TOOK, began=until)
    assert (life.health.opened, life.health.open_until) == (2, until + TOOK + MINUTE)


@pytest.mark.parametrize("began", [after(seconds=7), after(minutes=2)], ids=["under way", "the probe"])
def test_one_success_closes_the_breaker_also_that_of_an_attempt_under_way(began: datetime) -> None:
    life = Life()
    life.fails(5)
    well = life.good(after(minutes=2) + TOOK, began=began)
    assert (well.health.opened, well.health.open_until, well.health.failures_in_a_row) == (0, None, 0)
    assert well.recent == Recent()
    life.fails(4, after(minutes=2) + 2 * TOOK)
    assert life.health.opened == 0
    assert life.bad(after(minutes=3)).health.open_until == after(minutes=3) + 30 * SECOND


def tries(life: Life, pattern: str, every: timedelta) -> None:
    """One attempt for each sign: a failure for an x, a success for a dot."""
    for number, sign in enumerate(pattern):
        at = NOON + number * every
        life.bad(at) if sign == "x" else life.good(at)


@pytest.mark.parametrize(
    ("pattern", "opens"),
    [
        ("x.xx.xx.x", False),  # 6 of 9
        ("...x.x.x.x", False),  # 4 of 10
        (".x.x.x.x.x", True),  # 5 of 10
        ("xxxx.xxxx.", False),  # 8 of 10, but the last was a success
        ("xxxx.xxxx.x", True),
        ("..x.x.x.x.x", False),  # 5 of 11
        ("x.x.x.x.x.x", True),  # 6 of 11
        (".........xxxx.xxxx.xx", False),  # 10 of 21
        (".........xxxx.xxxx.xxx", True),  # 11 of 22
    ],
)
def test_half_of_ten_or_more_attempts_within_a_minute_open_it_too(pattern: str, opens: bool) -> None:
    life = Life()
    tries(life, pattern[:-1], 2 * SECOND)
    assert life.health.opened == 0
    life = Life()
    tries(life, pattern, 2 * SECOND)
    assert life.health.opened == opens
    assert (life.recent == Recent()) is opens


@pytest.mark.parametrize(("seconds", "opens"), [(6, True), (7, False)])
def test_attempts_count_for_a_minute_and_no_longer(seconds: int, opens: bool) -> None:
    """Ten of them take 54 or 63 seconds."""
    life = Life()
    tries(life, "xx.xx.xx.x", seconds * SECOND)
    assert life.health.opened == opens


def test_what_the_last_minute_is_counted_in_has_an_end() -> None:
    recent = Recent()
    for number in range(600):
        recent = counted(recent, NOON + number * SECOND / 5, failed=bool(number % 2))
    assert recent.slots == tuple((int(NOON.timestamp()) // 5 + number, 25, 12 + number % 2) for number in range(12, 24))


def test_attempts_that_end_out_of_order_and_a_clock_that_goes_back_are_counted_with_the_latest() -> None:
    recent = counted(Recent(), after(seconds=20), failed=True)
    recent = counted(recent, after(seconds=3), failed=False)
    recent = counted(recent, after(hours=-1), failed=True)
    assert recent == Recent(slots=((int(NOON.timestamp()) // 5 + 4, 3, 2),))


def test_successes_of_a_healthy_endpoint_change_nothing_but_the_count_of_the_last_minute() -> None:
    health = Health(told={FAILING: after(days=-3), RECOVERED: after(days=-2)})
    heeded = heed(health, Recent(), trial("good"))
    assert heeded == Heeded(health=health, recent=counted(Recent(), trial("good").ended, failed=False))
    assert heeded.health is health


@pytest.mark.parametrize(
    ("health", "untroubled"),
    [
        (Health(), True),
        (Health(told={FAILING: NOON}), True),
        (Health(failures_in_a_row=1), False),
        (Health(failing_since=NOON), False),
        (Health(opened=1), False),
        (Health(alarmed=True), False),
    ],
)
def test_who_has_no_trouble_of_any_kind_is_untroubled(health: Health, untroubled: bool) -> None:
    assert health.untroubled is untroubled


# Warnings.


def test_failing_is_told_at_the_fourth_failure_in_a_row_and_once() -> None:
    life = Life()
    life.fails(30, every=TOOK)
    assert life.told == [(NOON + 3 * TOOK, FAILING)]


def test_failing_is_told_again_after_a_day_and_after_three() -> None:
    life = Life()
    life.fails(4 * 24 * 6 + 1, every=10 * MINUTE)
    assert life.told == [(NOON + 30 * MINUTE, FAILING), (NOON + DAY, FAILING), (NOON + 3 * DAY, FAILING)]
    assert life.health.warned == 2
    assert life.disabled is None


def test_whoever_fails_for_days_with_few_attempts_is_told_of_by_time() -> None:
    life = Life()
    life.bad(NOON)
    life.bad(NOON + DAY - SECOND)
    assert life.told == []
    life.bad(NOON + DAY)
    life.bad(NOON + DAY + HOUR)
    assert life.told == [(NOON + DAY, FAILING)]
    life.bad(NOON + 4 * DAY)
    assert life.told_at(FAILING) == [NOON + DAY, NOON + 4 * DAY]


def test_a_warning_that_may_not_be_told_yet_is_told_when_it_may() -> None:
    """Within an hour of the last one, or for a delivery of an operator event."""
    life = Life()
    life.bad(NOON)
    last = life.fails(3, NOON + DAY - 30 * MINUTE)
    assert life.told_at(FAILING) == [last]
    life.bad(NOON + DAY)
    life.bad(last + HOUR - SECOND)
    assert life.health.warned == 0
    life.bad(last + HOUR, quiet=True)
    assert life.told_at(FAILING) == [last]
    life.bad(last + HOUR + SECOND)
    assert life.told_at(FAILING) == [last, last + HOUR + SECOND]
    assert life.health.warned == 1


def test_an_address_that_is_refused_is_told_at_once() -> None:
    life = Life()
    heeded = life.bad(NOON, refused=True, exhausted=True)
    assert heeded.tell == (FAILING, EXHAUSTED)
    assert life.bad(NOON + SECOND, refused=True, exhausted=True).tell == ()
    assert life.bad(NOON + 2 * HOUR, refused=True).tell == ()


def test_an_event_that_ran_out_is_told_whoever_is_to_blame() -> None:
    assert heed(Health(), Recent(), trial("neither", exhausted=True)) == Heeded(
        health=Health(told={EXHAUSTED: NOON}), recent=Recent(), tell=(EXHAUSTED,)
    )
    assert Life().bad(NOON, exhausted=True).tell == (EXHAUSTED,)


def test_each_kind_is_told_at_most_once_an_hour() -> None:
    life = Life()
    for number in range(121):
        life.bad(NOON + number * MINUTE, exhausted=True)
    assert life.told_at(EXHAUSTED) == [NOON, NOON + HOUR, NOON + 2 * HOUR]


def test_an_endpoint_that_comes_and_goes_is_told_of_once_an_hour_and_as_it_is_in_the_end() -> None:
    life = Life()
    for number in range(12):
        life.fails(4, NOON + number * 10 * MINUTE, SECOND)
        life.good(NOON + number * 10 * MINUTE + 5 * MINUTE)
    assert life.told == [
        (NOON + 3 * SECOND, FAILING),
        (NOON + 5 * MINUTE, RECOVERED),
        (NOON + HOUR + 3 * SECOND, FAILING),
        (NOON + HOUR + 5 * MINUTE, RECOVERED),
    ]


def test_trouble_after_a_recovery_that_may_not_be_told_yet_is_told_as_new() -> None:
    life = Life()
    life.fails(4, NOON)
    life.good(NOON + MINUTE, quiet=True)
    assert life.told_at(RECOVERED) == []
    life.fails(4, NOON + 7 * DAY)
    assert life.told_at(FAILING) == [NOON + 3 * TOOK, NOON + 7 * DAY + 3 * TOOK]


def test_a_recovery_is_told_once_after_an_alarm() -> None:
    life = Life()
    life.fails(5)
    assert life.good(NOON + MINUTE).tell == (RECOVERED,)
    assert life.health == Health(told={FAILING: NOON + 3 * TOOK, RECOVERED: NOON + MINUTE})
    assert life.good(NOON + 2 * HOUR).tell == ()


def test_a_recovery_within_an_hour_of_the_last_one_is_told_when_the_hour_is_over() -> None:
    life = Life(Health(alarmed=True, failing_since=NOON, failures_in_a_row=4, told={RECOVERED: NOON}))
    assert life.good(NOON + MINUTE).tell == ()
    assert life.health == Health(alarmed=True, told={RECOVERED: NOON})
    before = life.health
    assert life.good(NOON + 2 * MINUTE).health is before
    assert life.good(NOON + HOUR).tell == (RECOVERED,)


def test_without_an_alarm_no_recovery_is_told() -> None:
    life = Life()
    life.fails(3)
    assert life.good(NOON + MINUTE) == Heeded(health=Health(), recent=life.recent)


# The end.


def failing_for(lasting: timedelta, *, failed: int = 20, exhausted: int = 2, **more: Any) -> Health:
    """As it is after so many failures, over so long up to noon."""
    return Health(
        failures_in_a_row=failed,
        failing_since=NOON - lasting,
        failed=failed,
        exhausted=exhausted,
        opened=9,
        open_until=NOON - MINUTE,
        warned=2,
        alarmed=True,
        told={FAILING: NOON - 2 * DAY},
        **more,
    )


def test_gone_disables_at_once_and_is_told() -> None:
    heeded = heed(Health(), Recent(), trial("neither", gone=True))
    assert heeded == Heeded(
        health=Health(alarmed=True, told={DISABLED: NOON}), recent=Recent(), disable="why", tell=(DISABLED,)
    )


@pytest.mark.parametrize(
    ("lasting", "failed", "exhausted", "disabled"),
    [
        (5 * DAY, 19, 1, True),
        (5 * DAY, 19, 2, True),
        (30 * DAY, 500, 50, True),
        (5 * DAY - SECOND, 19, 1, False),
        (5 * DAY, 18, 1, False),
        (5 * DAY, 19, 0, False),
        (30 * DAY, 18, 9, False),
        (30 * DAY, 500, 0, False),
    ],
)
def test_an_endpoint_is_given_up_after_five_days_twenty_failures_and_two_events_that_ran_out(
    lasting: timedelta, failed: int, exhausted: int, disabled: bool
) -> None:
    """The counts are those before the last attempt, which fails and is its event's last."""
    before = failing_for(lasting, failed=failed, exhausted=exhausted)
    heeded = heed(before, Recent(), trial("bad", exhausted=True))
    reason = f"nothing succeeded for {lasting.days} days, {failed + 1} attempts failed; the last: why"
    assert heeded.disable == (reason if disabled else None)
    assert heeded.tell == ((DISABLED, EXHAUSTED) if disabled else (EXHAUSTED,))


def test_an_attempt_that_does_not_end_its_event_may_be_the_last_one_too() -> None:
    assert heed(failing_for(5 * DAY), Recent(), trial("bad")).tell == (DISABLED,)


def test_a_success_starts_the_five_days_the_twenty_and_the_two_anew() -> None:
    life = Life(failing_for(5 * DAY - MINUTE))
    life.good(NOON)
    life.fails(19, NOON + MINUTE, 6 * HOUR, exhausted=True)
    life.bad(NOON + 6 * DAY - SECOND)
    assert (life.health.failed, life.health.exhausted) == (20, 19)
    assert life.disabled is not None
    life = Life(failing_for(5 * DAY - MINUTE))
    life.good(NOON)
    life.bad(NOON + MINUTE, exhausted=True)
    assert (life.health.failing_since, life.health.failed, life.health.exhausted) == (NOON + MINUTE, 1, 1)
    life.bad(NOON + 6 * DAY, exhausted=True)
    assert life.disabled is None


def test_what_blames_nobody_never_gives_an_endpoint_up() -> None:
    heeded = heed(failing_for(30 * DAY), Recent(), trial("neither", exhausted=True))
    assert (heeded.disable, heeded.tell) == (None, (EXHAUSTED,))


def test_the_reason_is_told_from_the_health_that_the_attempt_left() -> None:
    last = trial("bad")
    after_it = heed(failing_for(5 * DAY), Recent(), last)
    assert reason_to_disable(after_it.health, last) == after_it.disable
    assert reason_to_disable(Health(), last) is None
    assert reason_to_disable(Health(), trial("neither", gone=True)) == "why"


@pytest.mark.parametrize(
    ("health", "at"), [(Health(), None), (Health(failing_since=NOON), NOON + 5 * DAY)], ids=["well", "failing"]
)
def test_it_is_known_when_an_endpoint_is_given_up_at_the_earliest(health: Health, at: datetime | None) -> None:
    assert disables_at(health) == at


def test_who_is_enabled_again_starts_anew_and_its_first_success_is_told() -> None:
    lost = heed(failing_for(5 * DAY), Recent(), trial("bad")).health
    life = Life(revived(lost))
    assert life.health == Health(alarmed=True, told={FAILING: NOON - 2 * DAY, DISABLED: NOON})
    assert life.good(NOON + MINUTE).tell == (RECOVERED,)


def test_who_is_enabled_again_and_fails_again_is_told_of_again() -> None:
    life = Life(revived(heed(failing_for(5 * DAY), Recent(), trial("bad")).health))
    last = life.fails(4, NOON + MINUTE)
    assert life.told == [(last, FAILING)]


def test_who_was_well_when_a_person_disabled_it_is_not_told_to_have_recovered() -> None:
    life = Life(revived(Health()))
    assert life.good(NOON).tell == ()


def test_gone_again_within_the_hour_disables_and_is_not_told() -> None:
    life = Life()
    life.heed(trial("neither", NOON, gone=True))
    life.health = revived(life.health)
    life.good(NOON + SECOND)
    assert life.heed(trial("neither", NOON + MINUTE, gone=True)).disable == "why"
    assert life.told == [(NOON, DISABLED), (NOON + SECOND, RECOVERED)]
    life.health = revived(life.health)
    assert life.good(NOON + 2 * HOUR).tell == (RECOVERED,)


# Deliveries of operator events.


def test_deliveries_of_operator_events_never_cause_operator_events() -> None:
    life = Life()
    life.fails(30, NOON, 5 * HOUR, quiet=True, exhausted=True)
    assert life.disabled is not None
    assert life.told == []
    life.health = revived(life.health)
    life.heed(trial("neither", NOON + 30 * DAY, gone=True, quiet=True))
    life.heed(trial("neither", NOON + 30 * DAY, exhausted=True, quiet=True))
    life.health = revived(life.health)
    life.bad(NOON + 40 * DAY, refused=True, exhausted=True, quiet=True)
    life.good(NOON + 50 * DAY, quiet=True)
    assert life.told == []


def test_they_count_for_the_breaker_all_the_same_and_what_they_leave_is_told_by_the_next_one() -> None:
    life = Life()
    last = life.fails(4, quiet=True)
    assert life.bad(last + TOOK).tell == (FAILING,)
    assert life.health.opened == 1
    assert life.good(NOON + MINUTE, quiet=True).tell == ()
    assert life.health.opened == 0
    assert life.good(NOON + 2 * MINUTE).tell == (RECOVERED,)


# What holds in every life.

TRIALS = st.lists(
    st.tuples(
        st.timedeltas(timedelta(0), 2 * HOUR) | st.timedeltas(timedelta(0), 10 * SECOND),
        st.timedeltas(timedelta(0), 30 * SECOND),
        st.sampled_from(["good", "bad", "bad", "bad", "neither"]),
        st.booleans(),
        st.booleans(),
        st.sampled_from([True, False, False, False]),
    ),
    max_size=80,
)


@given(trials=TRIALS, health=st.sampled_from([Health(), failing_for(5 * DAY - HOUR), failing_for(DAY - HOUR)]))
def test_in_every_life_the_promises_hold(
    trials: list[tuple[timedelta, timedelta, Verdict, bool, bool, bool]], health: Health
) -> None:
    life, now = Life(health), NOON
    for passed, took, verdict, exhausted, refused, quiet in trials:
        now += passed
        before = life.health
        given = trial(
            verdict,
            now,
            began=now - took,
            exhausted=exhausted and verdict != "good",
            refused=refused and verdict == "bad",
            quiet=quiet,
        )
        heeded = life.heed(given)
        left = heeded.health
        assert not (quiet and heeded.tell)
        assert (RECOVERED in heeded.tell) <= (verdict == "good" and before.alarmed)
        assert (EXHAUSTED in heeded.tell) <= given.exhausted
        assert (DISABLED in heeded.tell) <= (heeded.disable is not None)
        match verdict:
            case "good":
                assert left == Health(alarmed=left.alarmed, told=left.told)
                assert left.alarmed <= before.alarmed
            case "neither":
                assert replace(left, told={}) == replace(before, told={})
            case "bad":
                assert (left.failures_in_a_row, left.failed) == (before.failures_in_a_row + 1, before.failed + 1)
                assert left.opened >= (left.failures_in_a_row >= 5)
                if before.open_until is not None and given.began < before.open_until:
                    assert (left.opened, left.open_until) == (before.opened, before.open_until)
                elif before.opened:
                    assert left.opened == before.opened + 1
                if left.opened > before.opened:
                    assert left.open_until is not None
                    pause = 30 * SECOND * 2 ** (left.opened - 1)
                    assert left.open_until - now == min(pause, 10 * MINUTE)
        if heeded.disable:
            life.health = revived(left)
    for kind, times in _by_kind(life.told).items():
        assert all(later - earlier >= TOLD_APART for earlier, later in pairwise(times)), kind
    counts = Counter(kind for _, kind in life.told)
    assert counts[RECOVERED] <= counts[FAILING] + counts[DISABLED] + health.alarmed


def _by_kind(told: list[tuple[datetime, str]]) -> dict[str, list[datetime]]:
    return {kind: [at for at, each in told if each == kind] for _, kind in told}
