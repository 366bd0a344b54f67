"""What a person finds who searches."""

from dataclasses import replace

import pytest

from tests.fakes import NOON
from watcher.core.finding import Needle, is_found, needle_of
from watcher.core.model import Watch

WATCH = Watch(
    account="west",
    batch_id=1234,
    opened=NOON,
    broadcast_id=987,
    name="Herbst, KÖLN",
    labels={"team": "North Sea", "city": "Ålesund"},
    correlation_id="Order-77",
)


@pytest.mark.parametrize(
    "q",
    ["1234", "12", "987", "98", "herbst", "st, kö", "SEA", "åles", "TEAM:north sea", "order-77", " köln "],
)
def test_a_watch_is_found_by_what_a_person_knows_of_it(q: str) -> None:
    assert is_found(WATCH, needle_of(q))


@pytest.mark.parametrize("q", ["234", "87", "team", "team:north", "order", "order-7", "12345", "x", "köln north"])
def test_a_watch_is_not_found_by_a_part_of_what_must_be_whole_nor_by_anything_else(q: str) -> None:
    assert not is_found(WATCH, needle_of(q))


def test_a_watch_of_which_nothing_is_known_is_found_by_its_id() -> None:
    bare = Watch(account="west", batch_id=77, opened=NOON)
    assert is_found(bare, needle_of("7"))
    assert not is_found(bare, needle_of("8"))
    assert not is_found(bare, needle_of("x"))
    assert not is_found(bare, needle_of("xx"))
    assert is_found(replace(bare, name="8 more"), needle_of("8"))


def test_only_digits_are_looked_for_in_ids() -> None:
    assert needle_of("12") == Needle(word="12", mark="\n12\n", digits="12")
    assert needle_of("١٢").digits is None
    assert needle_of("Äb") == Needle(word="äb", mark="\näb\n", digits=None)


def test_of_what_is_searched_for_nothing_but_spaces_around_it_is_left_out() -> None:
    assert needle_of(" X1 X ") == Needle(word="x1 x", mark="\nx1 x\n", digits=None)
