"""How endpoints' attempts went lately, as the news tell."""

from datetime import timedelta

import pytest

from tests.fakes import NOON, FakeClock
from tests.telemetry.every_news import EVERYTHING, attempted
from watcher.core.last_hour import LastHour, untold
from watcher.core.news import Attempted, EndpointChanged
from watcher.delivery import Lately

NOTHING = untold(NOON.timestamp(), NOON.timestamp())


@pytest.mark.parametrize(
    ("outcome", "done", "failed"),
    [
        ("done", 1, 0),
        ("retried", 0, 1),
        ("dead", 0, 1),
        ("held", 0, 1),
        ("returned", 0, 0),  # it asked for a pause, which is no failure
        ("lost", 0, 0),  # it counts with whoever had the claim
    ],
)
def test_an_attempt_counts_by_what_followed_from_it(outcome: str, done: int, failed: int) -> None:
    lately = Lately(clock=FakeClock())
    lately.hear(attempted(outcome))
    hour = lately.of("e")
    assert (hour.done, hour.failed) == ((done,), (failed,))
    assert lately.of("other") == NOTHING


def test_of_other_news_nothing_is_counted() -> None:
    lately = Lately(clock=FakeClock())
    for news in EVERYTHING:
        if not isinstance(news, Attempted):
            lately.hear(news)
    assert lately.of("e") == NOTHING


def test_minutes_go_by_and_an_hour_is_kept() -> None:
    clock = FakeClock()
    lately = Lately(clock=clock)
    lately.hear(attempted(took=0.1))
    clock.turn(minutes=2)
    lately.hear(attempted("retried", took=0.5))
    hour = lately.of("e")
    assert (hour.since, hour.done, hour.failed) == (NOON, (1, 0, 0), (0, 0, 1))
    clock.turn(minutes=59)
    hour = lately.of("e")
    assert (hour.since, sum(hour.done), sum(hour.failed)) == (NOON + timedelta(minutes=2), 0, 1)
    assert lately.of("other").since == NOON + timedelta(minutes=2)


def test_of_too_many_those_are_forgotten_that_were_sent_nothing_for_longest_and_it_is_said_since_when_one_is_known() -> (
    None
):
    clock = FakeClock()
    lately = Lately(clock=clock, most=2)
    for endpoint in ("a", "b", "a"):
        lately.hear(attempted(endpoint=endpoint))
    clock.turn(minutes=3)
    lately.hear(attempted(endpoint="c"))
    assert lately.of("a").done == (2, 0, 0, 0)
    assert lately.of("c").done == (0, 0, 0, 1)  # nobody was forgotten before it came
    forgotten = LastHour(since=NOON + timedelta(minutes=3), done=(0,), failed=(0,), p50=(None,), p95=(None,))
    assert lately.of("b") == forgotten
    lately.hear(attempted(endpoint="b"))
    assert lately.of("b").done == (1,)


def test_what_was_on_its_way_to_an_endpoint_that_was_removed_is_forgotten_with_it() -> None:
    lately = Lately(clock=FakeClock())
    lately.hear(attempted())
    lately.forget("e")
    lately.hear(attempted())
    assert lately.of("e") != NOTHING
    lately.hear(EndpointChanged(endpoint="e", state="removed", reason="it was deleted"))
    assert lately.of("e") == NOTHING
