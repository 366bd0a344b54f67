"""The simulated world: drawn from a seed, coming by the clock, and as its workload asks."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulator.house import START, STEADY
from watcher.simulator.world import ACTIVE, ERRORS, SOURCE_ERROR, Batch, Plan, Workload, World

STREAM: Final = Workload(arrivals=2.0, batches=40, at_start=3, batches_a_broadcast=4)
PLAN: Final = Plan(created=START, validating=START + 1, ended=START + 3, end="ERRORS", size=42)

ENDS: Final = (ACTIVE, ERRORS, SOURCE_ERROR)

seeds = st.integers(min_value=0, max_value=2**32)
spans = st.floats(min_value=0.0, max_value=1e7)


def world(seed: int = 1, accounts: Sequence[str] = ("default",), **workload: Any) -> World:
    return World(accounts, Workload(**workload), seed, START)


def lasts(batch: Batch) -> float:
    """Seconds of validation."""
    return batch.plan.ended - batch.plan.validating


# One world.


@STEADY
@given(seeds)
def test_a_seed_makes_the_same_world_again_and_another_one_another(seed: int) -> None:
    first, again, other = (World(["a", "b"], STREAM, each, START) for each in (seed, seed, seed + 1))
    for each in (first, again, other):
        each.advance(START + 1e6)
    assert (first.batches, first.broadcasts) == (again.batches, again.broadcasts)
    assert first.batches != other.batches


def test_a_later_beginning_makes_the_same_world_later() -> None:
    early, late = (World(["a"], STREAM, 1, START + seconds) for seconds in (0.0, 4096.0))
    early.advance(START + 1e6)
    late.advance(START + 1e6)
    shifts = [late.batches[number].plan.created - batch.plan.created for number, batch in early.batches.items()]
    assert shifts == pytest.approx([4096.0] * 43)


@STEADY
@given(seeds, st.lists(st.floats(min_value=0.0, max_value=60.0), max_size=30))
def test_batches_come_at_their_own_moments_whenever_somebody_looks(seed: int, pauses: list[float]) -> None:
    looked, waited = (World(["a", "b"], STREAM, seed, START) for _ in range(2))
    now = START
    for pause in pauses:
        now += pause
        looked.advance(now)
        assert all(batch.plan.created <= now for batch in looked.batches.values())
    waited.advance(now)
    assert (looked.batches, looked.broadcasts) == (waited.batches, waited.broadcasts)


def test_a_batch_is_there_from_its_very_moment_on() -> None:
    later, here = World(["a"], STREAM, 1, START), World(["a"], STREAM, 1, START)
    later.advance(START + 1e6)
    for place, batch in list(enumerate(later.batches.values()))[3:]:
        here.advance(math.nextafter(batch.plan.created, 0.0))
        assert len(here.batches) == place
        here.advance(batch.plan.created)
        assert len(here.batches) == place + 1


def test_batches_come_one_by_one_and_no_more_than_there_are_to_come() -> None:
    here = World(["a"], STREAM, 1, START)
    there = []
    for second in range(60):
        here.advance(START + second)
        there.append(len(here.batches))
    assert there[0] == 3
    assert there == sorted(there)
    assert there[-1] == 43
    assert len(set(there)) > 10
    assert 2.0 * 0.5 < 40 / there.index(43) < 2.0 * 2


def test_time_that_goes_back_takes_nothing_back() -> None:
    here = World(["a"], STREAM, 1, START)
    here.advance(START + 10)
    there = dict(here.batches)
    here.advance(START)
    assert here.batches == there


@pytest.mark.parametrize(
    ("workload", "count"),
    [
        ({}, 0),
        ({"at_start": 7}, 7),
        ({"batches": 5}, 0),  # none that comes by itself, where arrivals are 0
        ({"arrivals": 9.0}, 0),
        ({"arrivals": 9.0, "batches": 5, "at_start": 2}, 7),
    ],
)
def test_there_are_as_many_batches_as_asked_for(workload: dict[str, Any], count: int) -> None:
    here = world(**workload)
    here.advance(START + 1e9)
    assert len(here.batches) == count


@STEADY
@given(seeds)
def test_ids_are_never_used_twice_and_only_grow(seed: int) -> None:
    here = World(["a", "b"], STREAM, seed, START)
    here.advance(START + 1e6)
    batches, broadcasts = list(here.batches), list(here.broadcasts)
    assert batches == sorted(batches)
    lists = [each.contact_list_id for each in here.batches.values() if each.contact_list_id is not None]
    assert len({*batches, *broadcasts, *lists}) == len(batches) + len(broadcasts) + len(lists)
    assert [(number, batch.id) for number, batch in here.batches.items()] == [(each, each) for each in batches]
    assert [(number, each.id) for number, each in here.broadcasts.items()] == [(each, each) for each in broadcasts]


# Broadcasts.


@STEADY
@given(seeds, st.integers(min_value=1, max_value=6), st.integers(min_value=0, max_value=40))
def test_broadcasts_fill_up_one_after_the_other(seed: int, most: int, count: int) -> None:
    here = world(seed, at_start=count, batches_a_broadcast=most)
    held = [len(broadcast.batches) for broadcast in here.broadcasts.values()]
    assert held == [most] * (count // most) + [count % most] * (count % most > 0)
    for broadcast in here.broadcasts.values():
        for number in broadcast.batches:
            batch = here.batches[number]
            assert (batch.account, batch.broadcast_id, batch.kind) == ("default", broadcast.id, broadcast.kind)


def test_every_account_has_broadcasts_of_its_own() -> None:
    here = world(accounts=("a", "b", "c"), at_start=300)
    assert {broadcast.account for broadcast in here.broadcasts.values()} == {"a", "b", "c"}
    shares = [sum(batch.account == account for batch in here.batches.values()) for account in "abc"]
    assert all(60 < share < 140 for share in shares)


def test_a_batch_comes_to_the_account_asked_for() -> None:
    here = world(accounts=("a", "b"))
    assert {here.arrive(START, "b").account for _ in range(20)} == {"b"}


def test_the_latest_broadcast_of_a_kind_is_used_until_it_is_full() -> None:
    here = world(batches_a_broadcast=2)
    calls, texts = here.open_broadcast("default", "calls"), here.open_broadcast("default", "texts")
    assert (calls.kind, texts.kind) == ("calls", "texts")
    assert here.open_broadcast("default", "calls") is calls
    assert here.open_broadcast("default") is texts  # the latest of all
    for _ in range(2):
        here.add(calls, PLAN)
    more = here.open_broadcast("default", "calls")
    assert more not in (calls, texts)
    assert here.open_broadcast("default") is more
    assert here.open_broadcast("default", "texts") is texts


# What batches are like.


def test_shares_are_roughly_as_asked_for() -> None:
    here = world(at_start=4000, batches_a_broadcast=4)
    batches = list(here.batches.values())
    listed = [batch for batch in batches if batch.contact_list_id is not None]
    stuck = [batch for batch in batches if 1800.0 <= lasts(batch) <= 7200.0 and batch.plan.size < 100_000]
    texts = [broadcast for broadcast in here.broadcasts.values() if broadcast.kind == "texts"]
    sizes = sorted(batch.plan.size for batch in batches)
    assert 0.18 < len(listed) / 4000 < 0.22
    assert 0.06 < sum(batch.plan.end == "ERRORS" for batch in batches) / 4000 < 0.1
    assert 0.05 < sum(batch.plan.end == "SOURCE_ERROR" for batch in listed) / len(listed) < 0.15
    assert 0.01 < len(stuck) / 4000 < 0.04
    assert 0.2 < len(texts) / 1000 < 0.3
    assert 2500 < sizes[2000] < 3600
    assert (sizes[0], sizes[-1] <= 1_000_000) == (10, True)
    new = [batch.plan.validating - batch.plan.created for batch in batches]
    assert 0.9 < sum(new) / 4000 < 1.1


@STEADY
@given(seeds)
def test_only_what_comes_from_a_list_can_have_a_source_error(seed: int) -> None:
    here = world(seed, at_start=60, lists_share=0.5, source_error_share=0.5)
    for batch in here.batches.values():
        assert batch.plan.end in ENDS
        assert batch.plan.end != "SOURCE_ERROR" or batch.contact_list_id is not None


@pytest.mark.parametrize(
    ("workload", "ends"),
    [
        ({"errors_share": 0.0, "lists_share": 0.0}, {"ACTIVE"}),
        ({"errors_share": 1.0, "lists_share": 0.0}, {"ERRORS"}),
        ({"errors_share": 0.0, "lists_share": 1.0, "source_error_share": 1.0}, {"SOURCE_ERROR"}),
        ({"errors_share": 1.0, "lists_share": 1.0, "source_error_share": 0.0}, {"ERRORS"}),
    ],
)
def test_shares_of_none_and_all_are_kept_to(workload: dict[str, Any], ends: set[str]) -> None:
    assert {batch.plan.end for batch in world(at_start=50, **workload).batches.values()} == ends


@STEADY
@given(seeds, st.integers(0, 50), st.integers(50, 5000), st.floats(0.0, 10.0))
def test_sizes_and_durations_stay_within_their_bounds(seed: int, least: int, most: int, longest: float) -> None:
    here = world(seed, at_start=20, size_least=least, size_most=most, longest=longest, stuck_share=0.3)
    for batch in here.batches.values():
        assert least <= batch.plan.size <= most
        assert batch.plan.created == START <= batch.plan.validating
        assert 0.0 <= lasts(batch) <= longest + 1e-6


def test_a_stuck_batch_lasts_as_long_as_stuck_ones_do_whatever_the_scale() -> None:
    here = world(at_start=50, stuck_share=1.0, scale=0.0, stuck_least=100.0, stuck_most=200.0)
    assert all(100.0 - 1e-6 <= lasts(batch) <= 200.0 + 1e-6 for batch in here.batches.values())


def test_validation_takes_its_time_by_size_spread_and_scale() -> None:
    here = world(stuck_share=0.0, spread=0.0, new_lasts=0.0, least=2.0, per_contact=0.5, scale=3.0)
    plan = here.plan(START, size=100)
    assert plan == Plan(created=START, validating=START, ended=START + 156.0, end=plan.end, size=100)


@STEADY
@given(seeds, st.booleans(), st.sampled_from([*ENDS, "PONDERING"]), st.integers(0, 10**6))
def test_what_a_plan_is_asked_to_have_it_has(seed: int, listed: bool, end: str, size: int) -> None:
    plan = world(seed).plan(START, size=size, listed=listed, end=end)
    assert (plan.created, plan.end, plan.size, plan.skips) == (START, end, size, False)


# A batch's life.


@STEADY
@given(spans, spans, spans, st.booleans())
def test_a_status_is_the_last_change_that_has_come(new: float, validating: float, later: float, skips: bool) -> None:
    plan = replace(PLAN, validating=START + new, ended=START + new + validating, skips=skips)
    assert [status for status, _ in plan.changes()] == (["NEW", "ERRORS"] if skips else ["NEW", "VALIDATING", "ERRORS"])
    moments = [at for _, at in plan.changes()]
    assert moments == sorted(moments)
    for now in (*moments, START + later):
        assert plan.status(now) == [status for status, at in plan.changes() if at <= now][-1]


def test_a_batch_that_skips_is_new_until_its_end() -> None:
    plan = replace(PLAN, skips=True)
    assert [plan.status(START + seconds) for seconds in (0, 1, 2.999, 3)] == ["NEW", "NEW", "NEW", "ERRORS"]


@pytest.mark.parametrize(("late", "sizes"), [(False, [42, 42, 42]), (True, [0, 0, 42])])
def test_a_size_is_shown_at_once_or_where_asked_at_the_end(late: bool, sizes: list[int]) -> None:
    here = world()
    batch = here.add(here.open_broadcast("default"), PLAN)
    shown = [batch.shown(START + seconds, sizes_late=late) for seconds in (0, 2.999, 3)]
    assert [each["size"] for each in shown] == [each["remaining"] for each in shown] == sizes
    assert [each["status"] for each in shown] == ["NEW", "VALIDATING", "ERRORS"]


def test_a_batch_is_named_as_asked_or_by_its_id() -> None:
    here = world()
    broadcast = here.open_broadcast("default")
    named, other = here.add(broadcast, PLAN, name="Zoë's", contact_list_id=7), here.add(broadcast, PLAN)
    assert (named.name, named.contact_list_id) == ("Zoë's", 7)
    assert (other.name, other.contact_list_id) == (f"API {other.id}", None)
