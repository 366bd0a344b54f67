"""One broadcast's listing: how long it is, whatever CallFire says, and what a sweep has still to come to."""

from dataclasses import asdict
from typing import Any

import pytest

from watcher.core.listing import REPEATS, RESWEEP, RESWEEP_COUNTED, Listing
from watcher.core.model import VALIDATING, Batch, Page

NOW = 1e9


def listing(*, limit: int = 3, length: int = 1, **fields: Any) -> Listing:
    return Listing(place=0, broadcast_id=70, limit=limit, pages=list(range(length)), length=length, **fields)


def page(*ids: int, total: int | None = None, offset: int = 0, limit: int = 3, spoilt: int = 0) -> Page:
    items = tuple(Batch(id=each, status=VALIDATING) for each in ids)
    return Page(offset=offset, limit=limit, items=items, total=total, spoilt=spoilt)


def test_of_a_new_listing_nothing_is_known() -> None:
    assert asdict(Listing(place=0, broadcast_id=70, limit=3, pages=[5])) == {
        "place": 0,
        "broadcast_id": 70,
        "limit": 3,
        "pages": [5],
        "length": 1,
        "kind": None,
        "proven": False,
        "denied": frozenset(),
        "total": None,
        "counts": None,
        "one_page": False,
        "repeats": 0,
        "front": None,
        "front_again": False,
        "repeated": frozenset(),
        "newest_first": False,
        "trust": 1.0,
        "offs": 0,
        "failures": 0,
        "missed": {},
        "followed": None,
        "known": set(),
        "arrivals": 0,
        "old": frozenset(),
        "found": 0,
        "sweep": None,
        "swept": None,
        "swept_total": None,
        "note": "",
    }


# How long it is


@pytest.mark.parametrize(
    ("number", "rows", "total", "length", "expected"),
    [
        (0, 0, None, 1, 1),
        (0, 2, None, 1, 1),
        (0, 3, None, 1, 2),
        (1, 3, None, 2, 3),
        (1, 0, None, 3, 1),
        (1, 2, None, 4, 2),
        (0, 3, None, 4, 4),
        (0, 3, 7, 1, 3),
        (2, 1, 7, 3, 3),
        (0, 2, 2, 1, 1),
        (0, 0, 0, 3, 1),
        (0, 2, 50, 1, 17),
        (0, 3, 10**12, 1, 10_000),
        (9_999, 3, None, 10_000, 10_000),
    ],
)
def test_its_length_follows_from_the_rows_and_the_total(
    number: int, rows: int, total: int | None, length: int, expected: int
) -> None:
    made = listing(length=length)
    assert made.length_after(number, page(*range(1, rows + 1), total=total)) == expected
    assert made.total == total


def test_rows_that_make_no_sense_are_rows() -> None:
    assert listing().length_after(0, page(1, spoilt=2)) == 2


def test_a_full_page_is_not_the_last_one_on_a_total_that_may_be_its_own_count() -> None:
    made = listing()
    assert made.length_after(0, page(1, 2, 3, total=3)) == 2
    assert made.counts is None


def test_a_total_that_was_right_before_is_believed_for_a_full_page() -> None:
    made = listing()
    assert made.length_after(0, page(1, 2, 3, total=6)) == 2
    assert made.counts is True
    made.length = 2
    assert made.length_after(1, page(4, 5, 6, total=6)) == 2


def test_a_page_that_shows_nothing_where_the_total_ends_proves_it() -> None:
    made = listing(length=2)
    assert made.length_after(1, page(total=3)) == 1
    assert made.counts is True
    made.length = 1
    assert made.length_after(0, page(1, 2, 3, total=3)) == 1


def test_a_total_that_shrinks_takes_no_page_away_from_behind_a_full_one_but_by_one_look_at_it() -> None:
    made = listing(length=4, counts=True)
    assert made.length_after(0, page(1, 2, 3, total=3)) == 2
    assert listing(length=2, counts=True).length_after(0, page(1, 2, 3, total=3)) == 2


@pytest.mark.parametrize("answer", [page(4, 5, 6, total=3), page(4, 5, 6, total=5), page(total=50)])
def test_a_total_that_cannot_be_is_not_believed_any_more(answer: Page) -> None:
    made = listing(length=2)
    made.length_after(1, answer)
    assert made.counts is False
    made.length = 2
    assert made.length_after(0, page(1, 2, 3, total=3)) == 2
    assert made.length_after(1, page(4, total=400)) == 2


# Limits and offsets


def test_a_lower_limit_is_kept_to_as_told_or_as_shown() -> None:
    assert listing().shortened_to(page(1, 2, limit=2)) == 2
    assert listing().shortened_to(page(1, 2, 3, limit=3)) is None
    assert listing().shortened_to(page(1, limit=0)) is None
    assert listing().shortened_to(page(1, limit=1)) == 1
    assert listing(limit=10, counts=True).shortened_to(page(1, 2, total=9, limit=10)) == 2
    assert listing(limit=10, counts=None).shortened_to(page(1, 2, total=9, limit=10)) is None
    assert listing(limit=10, counts=True).shortened_to(page(1, 2, total=2, limit=10)) is None
    assert listing(limit=10, counts=True).shortened_to(page(*range(9), total=99, limit=10)) is None
    assert listing(limit=10, counts=True).shortened_to(page(total=99, limit=10)) is None
    assert listing(limit=10, counts=True).shortened_to(page(*range(5), total=99, limit=10)) == 5
    assert listing(limit=10, counts=True).shortened_to(page(1, total=99, limit=10, spoilt=1)) == 2
    assert listing(limit=10, counts=True).shortened_to(page(11, 12, total=12, limit=10, offset=10)) is None


def test_an_offset_that_is_not_the_one_asked_for_makes_it_one_page_for_good() -> None:
    made = listing(length=3)
    assert not made.ignores_offset(1, page(4, 5, 6, offset=3), 3)
    assert made.ignores_offset(1, page(1, 2, 3, offset=0), 3)
    assert made.length_after(0, page(1, 2, 3, total=50)) == 1
    assert made.ignores_offset(0, page(1, 2, 3, offset=0), 0)


def test_pages_that_show_again_and_again_what_the_first_one_does_make_it_one_page() -> None:
    made = listing(length=3)
    assert not made.ignores_offset(0, page(1, 2, 3), 0)
    for _ in range(REPEATS - 1):
        assert not made.ignores_offset(1, page(3, 2, 1, offset=3), 3)
        assert not made.ignores_offset(0, page(1, 2, 3), 0)
    assert made.ignores_offset(2, page(2, 1, 3, offset=6), 6)


def test_as_many_new_rows_as_a_page_has_move_the_old_front_to_the_next_page_and_that_is_all() -> None:
    made = listing(length=3)
    assert not made.ignores_offset(0, page(3, 2, 1), 0)
    for _ in range(5 * REPEATS):
        assert not made.ignores_offset(1, page(3, 2, 1, offset=3), 3)
    assert not made.ignores_offset(0, page(6, 5, 4), 0)
    assert not made.ignores_offset(1, page(3, 2, 1, offset=3), 3)
    assert not made.ignores_offset(2, page(6, 5, 4, offset=6), 6)


def test_two_pages_that_show_what_the_first_one_does_are_enough() -> None:
    made = listing(length=3)
    assert not made.ignores_offset(0, page(1, 2, 3), 0)
    assert not made.ignores_offset(1, page(1, 2, 3, offset=3), 3)
    assert made.ignores_offset(2, page(1, 2, 3, offset=6), 6)


def test_one_page_that_shows_what_the_first_one_does_again_after_that_was_shown_anew_is_enough() -> None:
    """Also where a row of both makes no sense."""
    made = listing(length=3)
    for _ in range(REPEATS - 1):
        made.ignores_offset(0, page(1, 2, spoilt=1), 0)
        assert not made.ignores_offset(1, page(1, 2, offset=3, spoilt=1), 3)
    made.ignores_offset(0, page(1, 2, spoilt=1), 0)
    assert made.ignores_offset(1, page(1, 2, offset=3, spoilt=1), 3)


def test_pages_that_only_drift_do_not() -> None:
    made = listing(length=3)
    for begin in range(100, 0, -10):
        made.ignores_offset(0, page(begin, begin + 1, begin + 2), 0)
        assert not made.ignores_offset(1, page(begin, begin + 1, begin + 2, offset=3), 3)
        assert not made.ignores_offset(1, page(begin + 3, begin + 4, begin + 5, offset=3), 3)
        assert not made.ignores_offset(2, page(begin + 6, offset=6), 6)


# Its order


def test_the_order_of_a_page_tells_where_new_batches_appear() -> None:
    made = listing(length=4)
    made.met_in_order(page(9, 7, 4))
    assert made.growing() == 0
    made.met_in_order(page(4, 9, 7))
    made.met_in_order(page(4))
    assert made.growing() == 0
    made.met_in_order(page(4, 7, 9))
    assert made.growing() == 3


def test_two_batches_are_an_order_and_the_same_one_twice_is_none() -> None:
    made = listing(length=4)
    newest_first = []
    for ids in ((9, 7), (4, 4, 9), (7, 9), (9, 4, 4)):
        made.met_in_order(page(*ids))
        newest_first.append(made.newest_first)
    assert newest_first == [True, True, False, False]


# Sweeps


def followed(**fields: Any) -> Listing:
    made = listing(length=3, followed=NOW, **fields)
    made.begin_sweep()
    return made


def test_the_first_sweep_goes_from_the_first_page_on() -> None:
    assert followed().sweep == [2, 1, 0]


def test_later_ones_begin_where_new_batches_appear() -> None:
    assert followed(swept=NOW).sweep == [0, 1, 2]
    assert followed(swept=NOW, newest_first=True).sweep == [2, 1, 0]


def test_a_sweep_ends_when_every_page_was_shown() -> None:
    made = followed()
    for number in (1, 0):
        made.swept_page(number, (), NOW)
        assert made.swept is None
    made.swept_page(2, (), NOW + 5)
    assert (made.sweep, made.swept) == (None, NOW + 5)


def test_pages_that_are_gone_are_not_waited_for() -> None:
    made = followed()
    made.length = 1
    made.swept_page(0, (), NOW)
    assert made.swept == NOW


def test_a_count_that_grew_by_more_than_was_found_begins_a_sweep() -> None:
    made = followed(counts=True)
    made.total = 8
    for number in range(3):
        made.swept_page(number, (), NOW)
    made.total = 9
    made.swept_page(2, (50,), NOW + 1)
    assert made.sweep is None
    made.knows((50,))
    made.swept_page(2, (), NOW + 2)
    assert made.sweep is None
    made.total = 10
    made.swept_page(2, (), NOW + 3)
    assert made.sweep == [0, 1]


def test_a_count_that_is_not_believed_begins_no_sweep_nor_does_any_while_one_goes_on() -> None:
    made = followed(counts=False)
    made.total = 8
    for number in range(3):
        made.swept_page(number, (), NOW)
    made.total = 9
    made.swept_page(2, (), NOW + 1)
    assert (made.sweep, made.swept) == (None, NOW)
    made.counts = True
    made.begin_sweep()
    made.swept_page(2, (), NOW + 2)
    assert made.sweep == [0, 1]
    made.total = 10
    made.swept_page(1, (), NOW + 3)
    assert made.sweep == [0]


def test_a_count_that_fell_meanwhile_does_not_hide_the_next_one() -> None:
    made = followed(counts=True)
    made.total = 8
    for number in range(3):
        made.swept_page(number, (), NOW)
    made.total = 5
    made.swept_page(0, (), NOW + 1)
    assert made.sweep is None
    made.total = 6
    made.swept_page(0, (), NOW + 2)
    assert made.sweep is not None


def test_where_batches_were_missed_the_next_sweep_follows_at_once_unless_it_was_in_vain() -> None:
    """They came to a page that had been shown already; or they will never be seen, and the total is wrong."""
    made = followed(swept=NOW, counts=True, known={1, 2, 3})
    made.total = 5
    for number in (2, 1):
        made.swept_page(number, (), NOW)
    made.knows((4,))
    made.swept_page(0, (), NOW + 1)
    assert (made.swept, made.sweep) == (NOW + 1, [0, 1, 2])
    for number in (2, 1, 0):
        made.swept_page(number, (), NOW + 2)
    assert made.sweep is None
    assert [made.owes_sweep(NOW + 2 + wait) for wait in (0, RESWEEP)] == [False, True]
    made.knows((5,))
    assert not made.owes_sweep(NOW + 2 + RESWEEP)


def test_those_that_the_last_page_of_a_sweep_brought_to_light_are_not_missing() -> None:
    made = followed(swept=NOW, counts=True, known={1, 2, 3})
    made.total = 5
    for number in (2, 1):
        made.swept_page(number, (), NOW)
    made.knows((4,))
    made.swept_page(0, (5,), NOW + 1)
    assert (made.swept, made.sweep) == (NOW + 1, None)


def test_a_sweep_is_owed_after_a_while_and_sooner_where_nobody_counts() -> None:
    made = listing(followed=NOW, swept=NOW, total=5, known={1, 2, 3, 4, 5})
    assert [made.owes_sweep(NOW + wait) for wait in (0, 3599, 3600, -1)] == [False, False, True, True]
    made.counts = False
    assert [made.owes_sweep(NOW + wait) for wait in (299, 300)] == [False, True]
    made.counts, made.total = True, None
    assert made.owes_sweep(NOW + RESWEEP)


def test_none_is_owed_while_one_goes_on_nor_where_nobody_follows() -> None:
    assert not followed().owes_sweep(NOW + RESWEEP_COUNTED)
    assert not listing(followed=NOW).owes_sweep(NOW + RESWEEP_COUNTED)
    assert not listing(swept=NOW).owes_sweep(NOW + RESWEEP_COUNTED)


def test_new_batches_count_as_arrivals_once_it_was_swept() -> None:
    made = listing(followed=NOW)
    made.knows((1, 2))
    assert (made.known, made.arrivals, made.found) == ({1, 2}, 0, 0)
    made.swept = NOW
    made.knows((3,))
    assert (made.known, made.arrivals, made.found) == ({1, 2, 3}, 1, 1)


# Trust


def test_trust_follows_what_pages_show_of_what_is_expected_and_does_not_vanish() -> None:
    made = listing()
    made.showed(0, 0)
    assert made.trust == 1.0
    made.showed(10, 5)
    assert made.trust == pytest.approx(0.9)
    made.showed(10, 30)
    assert made.trust == pytest.approx(0.92)
    for _ in range(100):
        made.showed(10, 0)
    assert made.trust == 0.05


def test_the_next_page_to_look_on_is_the_one_behind_that_was_not_shown_since() -> None:
    made = listing(length=4)
    assert made.still_to_ask([1.0, 9.0, 1.0, 9.0], 5.0, 1) == 2
    assert made.still_to_ask([1.0, 9.0, 1.0, 9.0], 5.0, 2) == 0
    assert made.still_to_ask([5.0, 9.0, 5.0, 9.0], 5.0, 2) is None
    assert made.in_use() == [0, 1, 2, 3]
