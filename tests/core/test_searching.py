"""Sweeps through a broadcast's listing: what a whole one does not show is not there, and what is odd proves nothing."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOON
from watcher.core.model import Batch, Page, PageRef
from watcher.core.searching import Search, taken_in

SEARCH = Search(broadcast_id=14, kind="text", began=NOON)


def page(offset: int, *ids: int, total: int | None = None, spoilt: int = 0) -> Page:
    return Page(
        offset=offset, limit=100, items=tuple(Batch(id=n, status="NEW") for n in ids), total=total, spoilt=spoilt
    )


def after(*pages: Page) -> Search:
    search = SEARCH
    for each in pages:
        assert not search.over
        search = taken_in(search, each)
    return search


def test_the_next_page_begins_where_the_last_one_ended() -> None:
    search = after(page(0, *range(1, 51)))
    assert search.ref == PageRef(broadcast_id=14, kind="text", offset=50, limit=100)


@pytest.mark.parametrize(
    "pages",
    [
        [page(0, 1, 2, total=2)],
        [page(0, 1, 2), page(2)],
        [page(0, total=0)],
        [page(0)],
        [page(0, 1, 2, total=3), page(2, 3, total=3)],
        [page(0, 1, 2, total=2), page(2, 3, total=3)][:1],
    ],
)
def test_a_whole_listing_proves_what_it_does_not_show(pages: list[Page]) -> None:
    search = after(*pages)
    assert (search.over, search.odd, search.proves) == (True, "", True)


def test_a_page_of_one_row_is_not_the_end() -> None:
    search = after(page(0, 1, total=3))
    assert (search.over, search.odd) == (False, "")


def test_without_a_total_a_page_that_is_not_full_is_not_the_end() -> None:
    assert not after(page(0, 1, 2)).over


@pytest.mark.parametrize(
    ("pages", "odd"),
    [
        ([page(0, 1, 2, spoilt=1, total=3)], "the listing has rows that make no sense"),
        ([page(0, 1, 2), page(2, 2, 3), page(4)], "the listing shows a batch twice"),
        ([page(0, 1, 2), page(0, 1, 2)], "the listing answers with another page than was asked for"),
        ([page(0, 1, total=3), page(1, total=3)], "the listing ends before all of its batches were shown"),
        ([page(0, 1, 2, total=3), page(2, 2, total=3)], "the listing shows a batch twice"),
        ([page(0, 1, 2, total=4), page(2, 4, total=3)], "the listing became shorter meanwhile"),
        ([page(0, 1, 2, total=4), page(2, 4), page(3, total=3)], "the listing became shorter meanwhile"),
        ([page(0, spoilt=2)], "the listing has rows that make no sense"),
        ([page(0, *[1] * 2, total=2)], "the listing does not show each of its batches"),
    ],
)
def test_a_listing_in_which_anything_is_odd_proves_nothing(pages: list[Page], odd: str) -> None:
    search = after(*pages)
    assert (search.over, search.odd, search.proves) == (True, odd, False)


def test_a_listing_without_an_end_is_given_up() -> None:
    search = SEARCH
    for number in range(2000):
        assert not search.over
        search = taken_in(search, page(number, number + 1))
    assert (search.over, search.odd) == (True, "the listing has no end")


@given(st.integers(1, 400), st.integers(1, 120), st.booleans(), st.integers(0, 2**32))
def test_a_sweep_of_a_listing_that_becomes_shorter_proves_nothing_of_what_it_did_not_see(
    many: int, limit: int, first: bool, seed: int
) -> None:
    """A row that goes has others move up, past whoever goes through the pages."""
    draw = random.Random(seed)
    listing = list(range(1, many + 1))
    search = SEARCH
    while not search.over:
        rows = listing[search.offset :][:limit]
        search = taken_in(search, page(search.offset, *rows, total=len(listing)))
        if listing and draw.random() < 0.2:
            listing.pop(0 if first else draw.randrange(len(listing)))
    if search.proves:
        assert set(listing) <= search.seen


@given(st.integers(1, 400), st.integers(1, 120), st.booleans(), st.integers(0, 2**32))
def test_a_sweep_that_proves_anything_has_seen_every_batch(many: int, limit: int, told: bool, seed: int) -> None:
    """Whatever order rows have, and whether more come meanwhile."""
    draw = random.Random(seed)
    listing, added = list(range(1, many + 1)), many
    search = SEARCH
    there = set(listing)
    while not search.over:
        rows = listing[search.offset :][:limit]
        search = taken_in(search, page(search.offset, *rows, total=len(listing) if told else None))
        chance = draw.random()
        if chance < 0.1:
            added += 1
            listing.insert(0 if draw.random() < 0.5 else len(listing), added)
    if search.proves:
        assert there <= search.seen
