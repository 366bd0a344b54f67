"""The sizing formula: what it says is what its parts are, and more is never less."""

from dataclasses import fields, replace
from math import exp, inf
from typing import Any, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scaling.figures import Cost, Figures, Group
from tests.scaling.sizing import (
    DAY,
    Installation,
    Limits,
    Load,
    Log,
    Needs,
    life_of,
    load_of,
    log_of,
    needs,
    strain,
    transactions,
    whole_pages,
)

T = TypeVar("T", Cost, Log, Needs)

FREE = Cost(theirs=0.0, ours=0.0)
FIGURES = Figures(
    group=Group(theirs=(0.0, 0.0), ours=(0.0, 0.0), locked=(0.009, 0.001), flush=0.001),
    look=Cost(theirs=0.0, ours=0.001),
    saved=Cost(theirs=0.003, ours=0.0, wal=30),
    followed=Cost(theirs=0.0, ours=0.0, wal=100),
    change=Cost(theirs=0.01, ours=0.01, wal=1000),
    owed=Cost(theirs=0.001, ours=0.0, wal=10),
    settled=Cost(theirs=0.0, ours=0.0, wal=1),
    settled_a_day=Cost(theirs=0.001, ours=0.0),
    sent=Cost(theirs=0.0, ours=0.002),
    heard=FREE,
    listed=FREE,
    on_board=FREE,
    described=FREE,
    watch_bytes=1000,
    event_bytes=100,
    delivery_bytes=10,
    attempt_bytes=1,
    resident=1e6,
    hot=200,
)
"""Round ones, so that what follows can be reckoned by head."""
ASKED = Installation(accounts=10, batches=DAY, validation=30, endpoints=2, days=10, pages=0, peak=2)
"""Two batches a second at the busiest time."""


def _about(whole: T) -> T:
    """The same, with floats that need only be near."""
    near: dict[str, Any] = {
        each.name: pytest.approx(getattr(whole, each.name))
        for each in fields(whole)
        if isinstance(getattr(whole, each.name), float)
    }
    return replace(whole, **near)


def test_what_an_installation_needs_is_the_sum_of_its_parts() -> None:
    a_day = DAY * 3 * (100 + 2 * 11)
    wal = 20 * 30 + 2 * 100 + 6 * 1000 + 12 * 11
    need = needs(ASKED, FIGURES)
    assert need.load == Load(begun=2, in_flight=60, requests=50, saved=20, changes=6, deliveries=12, jobs=30 + 10 / 3)
    assert {what: many for what, (many, _) in need.parts.items()} == {
        "requests to CallFire": 50,  # five a second for each account
        "looks saved": 20,
        "batches taken in": 2,
        "changes with their events": 6,
        "deliveries made": 12,
        "deliveries claimed and settled": 12,
        "deliveries signed and sent": 12,
        "pages of lists": 0,
        "shares described": 2,
        "transactions that write": pytest.approx(
            30 + 10 / 3, rel=1e-3
        ),  # they take no time, so next to nothing gathers
        "events heard by every replica": 2 * 6,
        "shares on the board, by every replica": pytest.approx(2 * 10 / 1.5),
    }
    assert need == _about(
        Needs(
            load=need.load,
            parts=need.parts,
            wal=wal,
            wal_whole_pages=wal + whole_pages(26, 60_000),
            replicas=2,
            their_cores=20 * 0.003 + 6 * 0.01 + 12 * 0.001 + 12 * 10 * 0.001,
            our_cores=50 * 0.001 + 6 * 0.01 + 12 * 0.002,
            log=log_of(6, 2, FIGURES),
            connections=12,
            memory=1e6 + 30 * 200,
            disk_a_day=a_day + DAY * 1000,
            disk=a_day * 10 + DAY * 1000 * 365,
            watches_a_year=DAY * 1000 * 365,
            fullest_partition=DAY * 3 * 2 / 1e9,
        )
    )


def test_no_batch_is_asked_for_more_often_than_once_a_second() -> None:
    assert load_of(replace(ASKED, accounts=1_000)).requests == 60


def test_watches_that_do_not_end_need_memory_and_a_look_now_and_then() -> None:
    need = needs(replace(ASKED, accounts=1_000, idle=600), FIGURES)
    assert need.load == Load(begun=2, in_flight=660, requests=62, saved=22, changes=6, deliveries=12, jobs=30 + 60 / 3)
    assert need.memory == 1e6 + 330 * 200


def test_there_are_as_many_replicas_as_bear_the_load() -> None:
    assert (
        needs(replace(ASKED, accounts=1_000, validation=600), FIGURES).replicas == 3
    )  # 1.284 cores, each busy to 60 %


def test_what_comes_while_a_replica_writes_is_written_together() -> None:
    figures = replace(
        FIGURES, group=replace(FIGURES.group, theirs=(0.05, 0.0), ours=(0.149, 0.0))
    )  # 0.2 s, with the disk
    assert transactions(0.001, 1, figures) == pytest.approx(0.001)
    assert transactions(100.0, 1, figures) == pytest.approx(5.0)
    assert transactions(100.0, 20, figures) == pytest.approx(100 / (1 + exp(-1)))
    assert transactions(1e6, 1, figures) == pytest.approx(1e6 / 500)
    assert transactions(100.0, 1, figures, took=0.4) == pytest.approx(2.5)


def test_the_more_replicas_there_are_the_less_is_written_together() -> None:
    figures = replace(FIGURES, group=replace(FIGURES.group, theirs=(0.05, 0.0), ours=(0.149, 0.0)))
    need = needs(replace(ASKED, endpoints=20), figures)
    count, _ = need.parts["transactions that write"]
    assert need.replicas > 2
    assert need.our_cores == pytest.approx(50 * 0.001 + 6 * 0.01 + 120 * 0.002 + count * 0.149)
    assert need.replicas - 1 < need.our_cores / 0.6 <= need.replicas


def test_being_there_costs_a_replica_for_every_account_and_every_event() -> None:
    heard = replace(FIGURES, heard=Cost(theirs=0.01, ours=0.04), on_board=Cost(theirs=0.01, ours=0.015))
    need = needs(replace(ASKED, accounts=1_000, validation=600, peak=2), replace(heard, on_board=FREE))
    assert need.replicas == 4  # 1.284 cores, and each has 0.24 for hearing
    assert need.their_cores == pytest.approx(400 * 0.003 + 6 * 0.01 + 12 * 0.011 + 4 * 6 * 0.01)
    with pytest.raises(ValueError, match="each replica would have more to do for being there than it can"):
        needs(ASKED, replace(heard, on_board=Cost(theirs=0.0, ours=0.1)))


def test_what_a_life_costs_is_the_sum_of_what_happens_in_it() -> None:
    figures = replace(FIGURES, group=replace(FIGURES.group, theirs=(0.3, 0.0), ours=(0.6, 0.0)))
    cost, size = life_of(endpoints=2, saved=4, together=10, figures=figures)
    assert cost == _about(
        Cost(
            theirs=4 * 0.003 + 3 * 0.01 + 6 * 0.001 + 0.3 * 0.3,
            ours=3 * 0.01 + 0.3 * 0.6,
            wal=100 + 4 * 30 + 3000 + 6 * 11,
        )
    )
    assert size == 1000 + 300 + 6 * 11


def test_a_log_with_little_to_do_has_commits_of_one_change() -> None:
    log = log_of(50, 1_000, FIGURES)
    assert log.busy == pytest.approx(0.5, rel=1e-3)
    assert log.together == pytest.approx(1.0, rel=1e-3)
    assert log.waits == pytest.approx(0.01 * 1.5, rel=1e-3)  # half a commit of another one in the mean, and its own
    assert log.most == pytest.approx(500 / 0.509)


def test_a_log_that_is_locked_all_the_time_has_changes_gather() -> None:
    log = log_of(500, 40, FIGURES)
    assert log.together == pytest.approx(9, rel=0.05)  # locked for 18 ms, in which nine more come
    assert log.waits == pytest.approx(1.5 * 40 * 0.018, rel=0.05)
    assert log.busy == pytest.approx(1.0, rel=0.02)


def test_what_is_done_beside_the_lock_takes_its_time_too() -> None:
    beside = replace(FIGURES, group=replace(FIGURES.group, ours=(0.1, 0.0), theirs=(0.05, 0.0)))
    more = log_of(50, 10, beside).waits - log_of(50, 10, FIGURES).waits
    assert more == pytest.approx(0.1 + 0.05 - 0.009, rel=0.02)


def test_a_log_cannot_take_more_than_the_largest_commits_make_room_for() -> None:
    assert log_of(990, 4, FIGURES) == Log(busy=1.0, together=500, waits=inf, most=500 / (0.009 + 500 * 0.001))


@given(changes=st.floats(0.1, 490.0), more=st.floats(1.0, 2.0), replicas=st.integers(2, 100))
def test_more_changes_never_wait_for_less_and_find_themselves_in_no_smaller_commits(
    changes: float, more: float, replicas: int
) -> None:
    less, much = log_of(changes, replicas, FIGURES), log_of(changes * more, replicas, FIGURES)
    assert less.together <= much.together * (1 + 1e-9)
    assert less.busy <= much.busy * (1 + 1e-9)
    assert less.waits <= much.waits * (1 + 1e-9)


@given(
    asked=st.builds(
        Installation,
        accounts=st.floats(1, 5_000),
        batches=st.floats(1, 3e6),
        endpoints=st.floats(0, 5),
        idle=st.floats(0, 1e6),
    ),
    more=st.floats(1.0, 2.0),
)
def test_more_to_follow_never_needs_less(asked: Installation, more: float) -> None:
    less, much = needs(asked), needs(replace(asked, accounts=asked.accounts * more, batches=asked.batches * more))
    for name in ("begun", "in_flight", "requests", "saved", "changes", "deliveries"):
        assert getattr(less.load, name) <= getattr(much.load, name) * (1 + 1e-9), name
    for name in ("wal", "wal_whole_pages", "replicas", "connections", "disk"):
        assert getattr(less, name) <= getattr(much, name) * (1 + 1e-9), name


def test_pages_are_written_whole_once_between_two_checkpoints() -> None:
    assert whole_pages(1e9, 8192 * 300) == 8192
    assert whole_pages(0.0, 8192 * 300) == 0.0
    assert whole_pages(1.0, 0.0) == 0.0
    assert whole_pages(0.01, 1e15) == pytest.approx(0.01 * 8192)


def test_what_breaks_first_comes_first() -> None:
    need = needs(ASKED, FIGURES)
    limits = Limits(cores=1, wal=1e9, disk=need.disk / 2, connections=12, waits=1e9)
    shares = strain(ASKED, limits, FIGURES)
    assert list(shares)[:3] == ["disk", "connections", "the database's cores"]
    assert [shares[what] for what in list(shares)[:2]] == [2.0, 1.0]
    assert list(shares.values()) == sorted(shares.values(), reverse=True)
