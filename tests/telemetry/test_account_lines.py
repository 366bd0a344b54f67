"""What happens to a thousand accounts at once is a few lines, not a thousand; what happens to a few is a line each."""

import pytest

from tests.fakes import NOON, FakeClock
from tests.telemetry.test_logs import Scribe
from watcher.core import news as told
from watcher.core.account import Condition
from watcher.telemetry.crowds import FIRST, TOGETHER, WITHIN, Crowd, Crowds

pytestmark = pytest.mark.usefixtures("logging_as_it_was")


def changed(number: int, condition: Condition, previous: Condition = Condition.OK) -> told.ConditionChanged:
    return told.ConditionChanged(
        account=f"a{number}", condition=condition, previous=previous, reason="CallFire answered 401", until=NOON
    )


REPORT = told.BudgetUsed(account="a1", configured=1.0, effective=1.0, used=0.0)


@pytest.mark.parametrize(
    ("condition", "level"),
    [(Condition.REFUSED, "error"), (Condition.DOWN, "warning"), (Condition.THROTTLED, "warning")],
)
def test_ten_accounts_are_said_one_by_one_and_the_others_together(condition: Condition, level: str) -> None:
    scribe = Scribe()
    lines = scribe.hear(*(changed(number, condition) for number in range(1_000)), REPORT)
    assert [line["event"] for line in lines] == [f"account.{condition}"] * FIRST
    scribe.clock.turn(seconds=TOGETHER)
    assert scribe.hear(REPORT, REPORT) == [
        {
            "level": level,
            "event": f"others.{condition}",
            "count": 990,
            "accounts": [f"a{number}" for number in range(10, 20)],
        }
    ]


def test_that_it_is_over_for_many_is_said_together_too() -> None:
    scribe = Scribe()
    scribe.hear(*(changed(number, Condition.OK, Condition.REFUSED) for number in range(12)))
    scribe.clock.turn(seconds=TOGETHER)
    assert scribe.hear(REPORT) == [
        {"level": "info", "event": "others.recovered", "count": 2, "accounts": ["a10", "a11"]}
    ]


def test_what_was_to_be_said_together_is_said_before_the_end() -> None:
    scribe = Scribe()
    scribe.hear(*(changed(number, Condition.DOWN) for number in range(11)))
    assert scribe.said(told.Stopping(reason="SIGTERM")) == ["others.down", "daemon.stopping"]


def test_at_level_debug_each_has_its_line() -> None:
    assert (
        Scribe(level="debug").said(*(changed(number, Condition.DOWN) for number in range(12))) == ["account.down"] * 12
    )


def test_after_a_minute_each_is_said_by_itself_again() -> None:
    clock = FakeClock()
    crowds = Crowds(clock)
    assert [crowds.alone("account.down", "a") for _ in range(FIRST + 1)] == [True] * FIRST + [False]
    clock.turn(seconds=WITHIN)
    assert crowds.alone("account.down", "b")
    assert list(crowds.gathered()) == [Crowd("account.down", 1, ("a",))]
    assert list(crowds.gathered()) == []
