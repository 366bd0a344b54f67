"""Places are shared out so that no endpoint takes another's, and no rate is exceeded."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOON
from watcher.core.endpoint import Endpoint, EndpointState
from watcher.core.health import Health
from watcher.delivery.places import Limits, Places


def endpoint(endpoint_id: str, **fields: object) -> Endpoint:
    return replace(Endpoint(id=endpoint_id, url="https://shop.example"), **fields)  # type: ignore[arg-type]


def fill(places: Places, endpoint_id: str, times: int = 1, claim: int = 1) -> None:
    for _ in range(times):
        places.take(endpoint_id, claim)


A, B, C = endpoint("a"), endpoint("b"), endpoint("c")


# Room


@pytest.mark.parametrize(
    ("fields", "room"),
    [
        ({}, 4),
        ({"concurrency": 1}, 1),
        ({"concurrency": 9}, 9),
        ({"ordering": "batch"}, 1),
        ({"ordering": "batch", "concurrency": 9}, 1),
        ({"rate": 2.5}, 2),
        ({"rate": 0.1}, 1),
        ({"rate": 50.0}, 4),
    ],
)
def test_an_endpoint_has_the_room_that_its_limits_leave(fields: dict[str, object], room: int) -> None:
    assert Places(Limits()).room([endpoint("a", **fields)], 0.0) == {"a": room}


def test_other_limits_act_at_once_and_end_nothing_that_is_in_flight() -> None:
    places = Places(Limits(per_endpoint=2, in_all=3))
    fill(places, "a", 2)
    places.limit(Limits(per_endpoint=4, in_all=5))
    assert places.room([A, B], 0.0) == {"a": 2, "b": 1}
    places.limit(Limits(per_endpoint=1, in_all=3))
    assert places.room([A, B], 0.0) == {"b": 1}


def test_what_is_in_flight_takes_room_until_it_ends() -> None:
    places = Places(Limits(per_endpoint=2, in_all=3))
    fill(places, "a", 2)
    assert places.room([A, B], 0.0) == {"b": 1}
    places.give_back("a")
    assert places.room([A, B], 0.0) == {"a": 1, "b": 1}


def test_endpoints_in_trouble_hold_at_most_half_of_all_places_together() -> None:
    places = Places(Limits(per_endpoint=4, in_all=10))
    for name in "ab":
        places.heed(name, "bad")
    assert places.room([A, B, C], 0.0) == {"a": 4, "b": 1, "c": 4}
    fill(places, "a", 4)
    fill(places, "b", 1)
    assert places.room([A, B, C], 0.0) == {"c": 4}


def test_an_endpoint_in_trouble_has_one_place_however_few_there_are() -> None:
    places = Places(Limits(in_all=1))
    places.heed("a", "bad")
    assert places.room([A], 0.0) == {"a": 1}


def test_who_is_in_trouble_is_told_by_attempts_and_by_the_store() -> None:
    places = Places(Limits(per_endpoint=4, in_all=2))
    assert [places.heed("a", verdict) for verdict in ("good", "bad", "neither", "good", "good")] == [
        *(False, False, False),  # it was in no trouble, and comes into some, of which the third says nothing
        True,
        False,
    ]
    places.survey([A, replace(B, health=Health(failures_in_a_row=1)), replace(C, health=Health(opened=1))])
    assert places.room([B, C, A], 0.0) == {"b": 1, "a": 1}


# Turns


def test_the_one_with_the_fewest_in_flight_comes_first_and_then_the_one_that_waited_longest() -> None:
    places = Places(Limits())
    fill(places, "a", 2, claim=1)
    fill(places, "b", 1, claim=3)
    fill(places, "c", 1, claim=2)
    assert places.in_order([A, B, C, endpoint("d")], NOON) == [endpoint("d"), C, B, A]


def test_one_that_may_be_sent_nothing_has_no_turn() -> None:
    later = NOON + timedelta(seconds=1)
    assert Places(Limits()).in_order(
        [
            endpoint("a", state=EndpointState.DISABLED),
            endpoint("b", paused_until=later),
            endpoint("c", health=Health(opened=1, open_until=later)),
            (probed := endpoint("d", health=Health(opened=1, open_until=NOON))),
        ],
        NOON,
    ) == [probed]


# Hunger and thirst


def test_a_place_that_ends_is_wanted_by_its_endpoint_where_it_may_be_owed_more() -> None:
    places = Places(Limits())
    places.expect_more([A, B])
    fill(places, "a")
    fill(places, "b")
    places.sate({"b"})
    assert (places.give_back("a"), places.give_back("b")) == (True, False)


def test_a_place_that_ends_is_wanted_by_others_where_all_were_taken() -> None:
    places = Places(Limits(in_all=1))
    places.expect_more([A, B])
    fill(places, "a")
    places.sate({"a"})
    assert places.give_back("a") is True


def test_a_place_that_ends_is_wanted_by_others_in_trouble_where_theirs_were_taken() -> None:
    places = Places(Limits(in_all=4))
    places.heed("a", "bad")
    places.expect_more([A, B])
    fill(places, "a", 2)
    places.sate({"a"})
    assert (places.give_back("a"), places.give_back("a")) == (True, False)


def test_one_that_waits_for_a_token_wants_no_place() -> None:
    places = Places(Limits())
    slow = endpoint("a", rate=0.5)
    places.expect_more([slow])
    assert places.room([slow], 0.0) == {"a": 1}
    fill(places, "a")
    assert (places.thirst(), places.room([slow], 1.0), places.thirst()) == (2.0, {}, 1.0)
    assert places.give_back("a") is False


def test_nobody_waits_for_a_token_who_is_owed_nothing_more_or_has_enough_of_them() -> None:
    places = Places(Limits(per_endpoint=1))
    slow, quick = endpoint("a", rate=0.5), endpoint("b", rate=50.0)
    places.expect_more([slow, quick])
    places.room([slow, quick], 0.0)
    assert places.thirst() is None
    fill(places, "a")
    places.give_back("a")
    places.room([slow], 0.0)
    places.sate({"a"})
    assert places.thirst() is None


@pytest.mark.parametrize(("before", "after", "room"), [(1.0, 3.0, 0), (9.0, 2.0, 2), (None, 2.0, 2), (2.0, None, 9)])
def test_another_rate_acts_at_once_and_gives_nothing_away(before: float | None, after: float | None, room: int) -> None:
    places = Places(Limits(per_endpoint=9))
    places.room([endpoint("a", rate=before)], 0.0)
    if before == 1.0:
        fill(places, "a")
        places.give_back("a")
    assert places.room([endpoint("a", rate=after)], 0.0).get("a", 0) == room


@given(
    rate=st.floats(0.1, 20.0),
    waits=st.lists(st.floats(0.0, 2.0), min_size=1, max_size=40),
)
def test_over_no_span_are_more_sent_than_the_rate_allows(rate: float, waits: Sequence[float]) -> None:
    places, now = Places(Limits(per_endpoint=100)), 0.0
    bounded = endpoint("a", rate=rate)
    sent: list[tuple[float, int]] = []
    for wait in waits:
        now += wait
        room = places.room([bounded], now).get("a", 0)
        fill(places, "a", room)
        for _ in range(room):
            places.give_back("a")
        sent.append((now, room))
    for start in range(len(sent)):
        for end in range(start, len(sent)):
            span = sent[end][0] - sent[start][0]
            assert sum(count for _, count in sent[start : end + 1]) <= rate * span + max(rate, 1.0) + 1e-6


def test_nothing_is_remembered_of_those_that_are_gone() -> None:
    places = Places(Limits())
    places.room([endpoint("a", rate=1.0)], 0.0)
    fill(places, "a", claim=7)
    assert places.flies("a")
    places.give_back("a")
    places.heed("a", "bad")
    places.survey([B])
    assert not places.flies("a")
    fill(places, "b", claim=1)
    places.give_back("b")
    assert places.in_order([B, A], NOON) == [A, B]
    assert places.room([endpoint("a", rate=1.0)], 0.0) == {"a": 1}
