"""Which rule of DESIGN.md is broken by what was found, and that what only a killed daemon's evidence shows is found in it."""

from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.evidence import OTHER, Beside, Evidence, Kept, Wrong, broken
from tests.chaos.test_evidence import EVENTS, GOOD, START, event, webhook

KEPT = Kept(
    numbers={("one", 7): 3, ("one", 8): 3}, deliveries=dict.fromkeys((each["id"] for each in EVENTS), 2), endpoints=2
)
NAMED = [{**each, "name": f"batch-{each['id']} [key]"} for each in GOOD.truth]
SUBMITTED = {"batch-7": 7, "batch-8": 8}


def told(*statuses: str) -> Evidence:
    """The same, but that the first batch's life was told otherwise."""
    pairs = zip([None, *statuses], statuses, strict=False)
    events = [event(place, 7, place, status, before, 2.0 + place) for place, (before, status) in enumerate(pairs, 1)]
    others = [{**each, "position": each["position"] + 10} for each in EVENTS if each["data"]["batch_id"] == 8]
    return replace(GOOD, events=[*events, *others], received=[webhook(each) for each in (*events, *others)])


@pytest.mark.parametrize(
    ("statuses", "rule"),
    [
        (("NEW", "VALIDATING"), 5),
        (("NEW", "VALIDATING", "NEW", "ACTIVE"), 6),
        (("NEW", "PONDERING", "ACTIVE"), 6),
        (("NEW", "VALIDATING", "VALIDATING", "ACTIVE"), 8),
    ],
)
def test_a_life_told_otherwise_than_it_was_breaks_the_rule_that_would_have_kept_it(
    statuses: tuple[str, ...], rule: int
) -> None:
    words = f"('one', 7): told were {list(statuses)}, and it went through ['NEW', 'VALIDATING', 'ACTIVE']"
    assert broken(told(*statuses)) == [Wrong(rule, words)]


def test_rows_that_say_the_same_as_the_log_have_nothing_found_in_them() -> None:
    assert broken(replace(GOOD, kept=KEPT)) == []


def test_a_watch_that_is_ahead_of_its_events_and_an_event_without_its_deliveries_are_found() -> None:
    kept = replace(KEPT, numbers={**KEPT.numbers, ("one", 8): 4}, deliveries={**KEPT.deliveries, "evt_7_2": 1})
    assert broken(replace(GOOD, kept=kept)) == [
        Wrong(1, "evt_7_2 has 1 deliveries, for 2 endpoints"),
        Wrong(1, "('one', 8) has the number 4, and its last event 3"),
    ]


def at(seconds: dict[str, float]) -> list[Any]:
    """The webhooks, each so long after its event."""
    moments = [0.4, 0.4, 1.4, 1.4, 2.4, 2.4]
    return [
        {**webhook(each), "at": (START + moment + seconds.get(each["id"], 0.05)) * 1000}
        for each, moment in zip(EVENTS, moments, strict=True)
    ]


def test_webhooks_that_wait_for_another_endpoint_are_found_and_a_few_late_ones_are_not() -> None:
    """Those outside of the calm do not count."""
    beside = Beside(began=(START + 1.0) * 1000, ended=(START + 3.0) * 1000, timeout=2000.0)
    late = dict.fromkeys(("evt_7_1", "evt_8_1", "evt_7_2"), 1.5)
    assert broken(replace(GOOD, received=at(late), beside=beside)) == []
    waiting = late | dict.fromkeys(("evt_8_2", "evt_7_3"), 1.5)
    assert broken(replace(GOOD, received=at(waiting), beside=beside)) == [
        Wrong(9, "half of the webhooks took 1500 ms or more beside an endpoint that does not answer")
    ]
    never = [each for each in at({}) if each["id"] not in waiting]
    assert Wrong(9, "half of the webhooks never came beside an endpoint that does not answer") in broken(
        replace(GOOD, received=never, beside=beside)
    )


def test_a_secret_in_what_was_said_is_found_and_not_said_again() -> None:
    said = {"log": "the password is swordfish", "/metrics": "watcher_watches 2"}
    assert broken(replace(GOOD, said=said, secrets=["swordfish", "hunter"])) == [Wrong(10, "1 of 2 secrets: log")]


def test_a_batch_that_was_submitted_twice_or_never_is_found() -> None:
    assert broken(replace(GOOD, truth=NAMED, submitted=SUBMITTED)) == []
    twice = [*NAMED, {**NAMED[0], "id": 9}]
    assert broken(replace(GOOD, truth=twice, submitted={**SUBMITTED, "batch-0": 1})) == [
        Wrong(OTHER, "batch-0 is at CallFire as [], and was told to be 1"),
        Wrong(OTHER, "batch-7 is at CallFire as [7, 9], and was told to be 7"),
    ]
