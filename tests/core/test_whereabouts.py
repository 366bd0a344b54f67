"""Watches that are not where they were thought to be: looked for on each other page once, and then nowhere."""

import numpy as np
import pytest

from tests.core.making import fresh, seen_watch
from tests.core.test_listings import NOW, made, page, show, stands
from watcher.core.listings import Listings, Shown
from watcher.core.model import NEW
from watcher.core.roster import ABSENT, Roster, looked_for_on


def three_pages() -> tuple[Listings, Roster]:
    """1 to 3, 4 to 6, and 7, all shown at that moment."""
    listings, roster = made(*range(1, 8))
    for number, ids in enumerate(((1, 2, 3), (4, 5, 6), (7,))):
        show(listings, number, *ids, total=7, now=NOW + number / 10)
    assert stands(roster, *range(1, 8)) == [0, 0, 0, 1, 1, 1, 2]
    return listings, roster


def test_one_that_drifted_to_the_next_page_is_looked_for_there_first() -> None:
    listings, roster = three_pages()
    listings.pages.due[:3] = 5.0
    assert show(listings, 0, 99, 1, 2, total=8, now=NOW + 5) == Shown()
    assert stands(roster, 1, 2, 3) == [0, 0, looked_for_on(1)]
    assert listings.broadcasts.hit[0] == 0.5
    assert np.isnan(listings.pages.due[:2]).all()
    assert listings.pages.due[2] == 5.0
    assert show(listings, 1, 3, 4, 5, total=8, now=NOW + 6) == Shown()
    assert stands(roster, 3, 4, 5, 6) == [1, 1, 1, looked_for_on(2)]
    assert set(listings.of(70).missed) == {6}


def test_one_that_no_page_shows_is_given_once() -> None:
    listings, roster = three_pages()
    assert show(listings, 0, 1, 2, 9, total=7, now=NOW + 5) == Shown()
    assert show(listings, 1, 4, 5, 6, total=7, now=NOW + 6) == Shown()
    assert stands(roster, 3) == [looked_for_on(2)]
    assert show(listings, 0, 1, 2, 9, total=7, now=NOW + 7) == Shown()
    assert show(listings, 2, 7, total=7, now=NOW + 8) == Shown(absent=(3,))
    assert stands(roster, 3) == [ABSENT]
    for number, ids in enumerate(((1, 2, 9), (4, 5, 6), (7,))):
        assert show(listings, number, *ids, total=7, now=NOW + 9 + number) == Shown()
    assert show(listings, 2, 7, 3, total=8, now=NOW + 20) == Shown()
    assert stands(roster, 3) == [2]
    assert listings.of(70).missed == {}


def test_one_that_is_missed_later_does_not_begin_the_search_for_others_anew() -> None:
    listings, _ = three_pages()
    show(listings, 0, 1, 2, 9, total=7, now=NOW + 5)
    show(listings, 1, 4, 5, 8, total=7, now=NOW + 6)
    assert show(listings, 2, 7, total=7, now=NOW + 7) == Shown(absent=(3,))
    assert show(listings, 0, 1, 2, 9, total=7, now=NOW + 8) == Shown(absent=(6,))


def test_a_page_that_could_not_be_had_was_not_looked_on() -> None:
    listings, roster = three_pages()
    show(listings, 0, 1, 2, 9, total=7, now=NOW + 5)
    listings.failed(1, "500", NOW + 6)
    listings.denied(2, listings.ref(2), "403", NOW + 6)
    assert show(listings, 0, 1, 2, 9, total=7, now=NOW + 7) == Shown()
    assert stands(roster, 3) == [looked_for_on(1)]


def test_a_row_that_made_no_sense_may_be_the_one_that_is_missed() -> None:
    listings, roster = three_pages()
    assert show(listings, 0, 1, 2, total=7, spoilt=1, now=NOW + 5) == Shown(absent=(3,))
    assert stands(roster, 3) == [ABSENT]


def test_those_that_ended_or_went_to_another_broadcast_are_looked_for_no_more() -> None:
    listings, roster = three_pages()
    show(listings, 0, 9, 10, 11, total=7, now=NOW + 5)
    assert set(listings.of(70).missed) == {1, 2, 3}
    roster.drop(1)
    roster.put(seen_watch(NEW, batch_id=2, broadcast_id=71))
    show(listings, 1, 4, 5, 6, total=7, now=NOW + 6)
    assert set(listings.of(70).missed) == {3}


def test_what_was_on_pages_that_are_gone_is_looked_for_on_the_others() -> None:
    listings, roster = three_pages()
    show(listings, 1, 4, 5, 9, total=7, now=NOW + 5)
    assert stands(roster, 6, 7) == [looked_for_on(2), 2]
    show(listings, 1, 4, 5, total=5, now=NOW + 6)
    assert stands(roster, 6, 7) == [looked_for_on(0)] * 2
    assert sorted(show(listings, 0, 1, 2, 3, total=5, now=NOW + 7).absent) == [6, 7]


def test_trust_is_in_how_many_a_page_shows_whichever_they_are() -> None:
    listings, _ = three_pages()
    show(listings, 0, 4, 5, 6, total=7, now=NOW + 5)
    assert listings.broadcasts.trust[0] == 1.0
    show(listings, 2, 99, total=7, now=NOW + 6)
    assert listings.broadcasts.trust[0] == 0.8


def test_members_that_were_moved_or_dropped_meanwhile_are_not_missed() -> None:
    listings, roster = three_pages()
    ref = listings.ref(0)
    roster.drop(1)
    roster.put(seen_watch(NEW, batch_id=2, broadcast_id=71))
    assert listings.shown(0, ref, (1, 2, 3), page(3, 8, 9, total=7), NOW + 5) == Shown()
    assert listings.of(70).missed == {}


def test_strangers_that_a_page_shows_are_counted_and_are_none_of_those_that_were_expected() -> None:
    listings, roster = made(1, 2, 3)
    for batch_id in (8, 9):
        roster.put(fresh(batch_id))
    listings.place_new(NOW)
    show(listings, 0, 1, 8, 9)
    assert listings.finds == pytest.approx(5 + 0.2 * (2 - 5))
    assert listings.broadcasts.trust[0] == pytest.approx(1 + 0.2 * (1 / 3 - 1))
    assert stands(roster, 1, 8, 9) == [0, 0, 0]


def test_one_that_ended_is_not_missed_on_a_page_that_is_gone() -> None:
    listings, roster = three_pages()
    roster.drop(7)
    assert sorted(show(listings, 0, 1, 2, total=2, now=NOW + 5).absent) == [3, 4, 5, 6]
