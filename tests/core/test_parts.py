"""Parts of an account: named, told apart, and the same in every process; and what one finds out of the login holds for all."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOON
from watcher.core.account import Account, AccountRecord, Condition
from watcher.core.allowance import LearntRate
from watcher.core.model import Watch
from watcher.core.opened import columns_of
from watcher.core.parts import LATER, Part, adopted, number_of, part_named, parts_of

WHOLE = Part("big")
IDS = st.integers(1, 2**62)


def watch(batch_id: int, broadcast_id: int | None = None) -> Watch:
    return Watch(account="big", batch_id=batch_id, opened=NOON, broadcast_id=broadcast_id)


# Names


@pytest.mark.parametrize(
    ("part", "share", "told"),
    [(WHOLE, "big", ""), (Part("big", 1, 2), "big@1/2", "big@1/2"), (Part("big", 64, 64), "big@64/64", "big@64/64")],
)
def test_a_part_has_a_name_and_is_found_by_it(part: Part, share: str, told: str) -> None:
    assert (part.share, part.told, part_named(share)) == (share, told, part)


@pytest.mark.parametrize("share", ["big@0/2", "big@3/2", "big@1/1", "big@01/2", "big@1", "big@a/b", "big@"])
def test_what_names_no_part_is_refused(share: str) -> None:
    with pytest.raises(ValueError, match=r"names no part|invalid literal"):
        part_named(share)


def test_an_account_that_is_not_divided_is_one_part() -> None:
    assert parts_of("big", 1) == [WHOLE]
    assert parts_of("big", 3) == [Part("big", 1, 3), Part("big", 2, 3), Part("big", 3, 3)]
    assert [part.first for part in parts_of("big", 3)] == [True, False, False]


# Whose a watch is


@given(of=st.integers(2, 64), batch_id=IDS, broadcast_id=st.none() | IDS)
def test_every_watch_is_one_parts_and_its_broadcasts_where_that_is_known(
    of: int, batch_id: int, broadcast_id: int | None
) -> None:
    parts = parts_of("big", of)
    [owner] = [part for part in parts if part.has(watch(batch_id, broadcast_id))]
    assert owner.number == number_of(of, broadcast_id, batch_id)
    assert [part for part in parts if part.lists(broadcast_id or batch_id)] == [owner]


@given(of=st.integers(1, 8), watches=st.lists(st.tuples(IDS, st.none() | IDS), max_size=20))
def test_of_many_at_once_a_part_finds_those_that_it_has(of: int, watches: list[tuple[int, int | None]]) -> None:
    all_of_them = [replace(watch(*each), status=f"S{place}") for place, each in enumerate(watches)]
    opened = columns_of(all_of_them)
    for part in parts_of("big", of):
        ours = columns_of([each for each in all_of_them if part.has(each)])
        found = part.among(opened)
        assert (found.table.tolist(), list(found.statuses)) == (ours.table.tolist(), list(ours.statuses))


def test_an_account_that_is_not_divided_has_and_lists_all() -> None:
    assert WHOLE.has(watch(5, 7))
    assert WHOLE.lists(7)
    opened = columns_of([watch(5)])
    assert WHOLE.among(opened) is opened


def test_where_a_broadcast_belongs_stays_the_same_in_every_version() -> None:
    assert [number_of(4, broadcast_id) for broadcast_id in (1, 2, 3, 14, 5_000_000_000, 2**62)] == [2, 3, 1, 2, 4, 2]


def test_neighbours_are_spread_evenly() -> None:
    counts = Counter(number_of(4, broadcast_id) for broadcast_id in range(1, 4001))
    assert sorted(counts) == [1, 2, 3, 4]
    assert max(counts.values()) - min(counts.values()) < 150


# What one part finds out of the login

OURS = Account(name="big", credentials="mine", proven=True, number=3, learnt_rate=LearntRate(rate=1.6, wall=1.7))
REFUSED = AccountRecord(
    name="big", refused=True, reason="HTTP 401", refusals=2, probe_at=NOON + timedelta(hours=1), number=4
)
WELL = AccountRecord(name="big", number=5)


def test_a_refusal_of_one_part_is_one_of_all_and_each_tries_later_than_the_one_before() -> None:
    for part in parts_of("big", 3):
        assert adopted(OURS, REFUSED, part, NOON) == Account(
            name="big",
            credentials="mine",
            condition=Condition.REFUSED,
            reason="HTTP 401",
            since=NOON,
            until=NOON + timedelta(hours=1) + timedelta(seconds=30) * (part.number - 1),
            refusals=2,
            number=4,
            learnt_rate=OURS.learnt_rate,
        )


def test_who_is_refused_already_waits_as_long_as_the_last_try_of_any_says() -> None:
    before = adopted(OURS, REFUSED, Part("big", 2, 2), NOON)
    again = replace(REFUSED, refusals=3, probe_at=NOON + timedelta(hours=7))
    later = NOON + timedelta(hours=1)
    after = replace(before, refusals=3, until=NOON + timedelta(hours=7) + LATER)
    assert adopted(before, again, Part("big", 2, 2), later) == after


def test_what_an_operator_resumed_may_be_tried_at_once_by_all() -> None:
    record = replace(REFUSED, probe_at=None)
    assert adopted(OURS, record, Part("big", 2, 2), NOON).until is None


def test_that_one_part_is_accepted_again_ends_it_for_all() -> None:
    refused = adopted(OURS, REFUSED, Part("big", 2, 2), NOON)
    assert adopted(refused, WELL, Part("big", 2, 2), NOON) == replace(OURS, number=5)


@pytest.mark.parametrize(
    ("account", "record"),
    [
        (OURS, WELL),
        (replace(OURS, condition=Condition.THROTTLED, until=NOON), WELL),
        (replace(OURS, condition=Condition.PAUSED), REFUSED),
    ],
)
def test_what_is_only_a_parts_own_stays_as_it_is(account: Account, record: AccountRecord) -> None:
    assert adopted(account, record, Part("big", 1, 2), NOON) == replace(account, number=record.number)
