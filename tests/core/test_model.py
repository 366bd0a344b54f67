"""The words that others build on, what is taken where nothing is said, and a stored watch with what later looks have shown."""

from dataclasses import replace

import pytest

from tests.core.making import after, fresh, seen_watch
from tests.fakes import NOON
from watcher.core.model import (
    EVENT_TYPES,
    FINAL_STATUSES,
    KNOWN_STATUSES,
    MAX_BATCH_ID,
    OPERATOR_TYPES,
    STATUS_TYPES,
    TRANSITION_TYPES,
    Key,
    LastLook,
    Missing,
    Page,
    State,
    Unanswered,
    Watch,
    overlaid,
)


def test_statuses_are_callfires_words() -> None:
    assert KNOWN_STATUSES == ("NEW", "VALIDATING", "ACTIVE", "ERRORS", "SOURCE_ERROR")
    assert frozenset({"ACTIVE", "ERRORS", "SOURCE_ERROR"}) == FINAL_STATUSES
    assert [seen_watch(status).final for status in KNOWN_STATUSES] == [False, False, True, True, True]
    assert not fresh().final


def test_types_of_events_are_the_documented_ones() -> None:
    transitions = (
        "batch.new",
        "batch.validating",
        "batch.active",
        "batch.errors",
        "batch.source_error",
        "batch.unknown",
    )
    operators = ("endpoint.failing", "endpoint.disabled", "endpoint.recovered", "delivery.exhausted")
    others = ("batch.missing", "batch.stuck", "batch.unstuck", "watch.expired", "account.refused", "account.recovered")
    assert (transitions, operators) == (TRANSITION_TYPES, OPERATOR_TYPES)
    assert (*transitions, *others, *operators) == EVENT_TYPES
    assert {status: f"batch.{status.lower()}" for status in KNOWN_STATUSES} == STATUS_TYPES


def test_states_are_kept_under_these_names() -> None:
    assert [state.value for state in State] == ["open", "settled", "missing", "expired", "stopped"]


def test_an_id_is_a_number_that_a_database_can_hold() -> None:
    assert MAX_BATCH_ID == 9_223_372_036_854_775_807


def test_a_watch_begins_open_with_nothing_known_and_nothing_told() -> None:
    watch = Watch(account="default", batch_id=13, opened=NOON)
    assert watch == Watch(
        account="default",
        batch_id=13,
        opened=NOON,
        version=0,
        number=0,
        state=State.OPEN,
        looks=0,
        missing_count=0,
        refused_count=0,
        stuck_told=0,
        labels={},
    )
    assert watch.key == Key("default", 13)


def test_a_look_in_vain_is_neither_an_end_nor_a_strike_unless_it_says_so() -> None:
    assert not Missing(asked=NOON, answered=NOON).gone
    unanswered = Unanswered(asked=NOON, answered=NOON, reason="500")
    assert (unanswered.refused, unanswered.unfit) == (False, False)
    assert Page(offset=0, limit=100, items=(), total=None).spoilt == 0


SHOWN = LastLook(batch_id=13, asked=after(seconds=4), answered=after(seconds=5), looks=4, size=12, remaining=11)


@pytest.mark.parametrize("looks", [3, 4])
def test_what_later_looks_have_shown_is_laid_over_the_stored_watch(looks: int) -> None:
    watch = seen_watch("NEW", looks=looks, size=10, remaining=10)
    assert overlaid(watch, SHOWN) == replace(
        watch, asked=after(seconds=4), answered=after(seconds=5), looks=4, size=12, remaining=11
    )
    partial = overlaid(watch, replace(SHOWN, size=None, remaining=None))
    assert (partial.size, partial.remaining) == (10, 10)


def test_a_stored_watch_of_which_no_later_look_is_known_stays() -> None:
    watch = seen_watch("NEW", looks=5)
    assert overlaid(watch, None) is watch
    assert overlaid(watch, SHOWN) is watch
