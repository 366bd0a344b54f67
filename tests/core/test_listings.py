"""The listings of an account's broadcasts: what a page teaches, and what is done where it cannot be had."""

from dataclasses import replace
from math import inf

import numpy as np
import pytest

from tests.core.making import RULES, fresh, seen_watch
from tests.fakes import NOON
from watcher.core.listing import RESWEEP, Listing
from watcher.core.listings import (
    ARRIVALS,
    FAILED_FIRST,
    FAILED_MOST,
    FAILURES,
    FINDS,
    IDLE,
    KNOWN_FIRST,
    OFF_FIRST,
    OFF_MOST,
    REFUSED_LISTINGS,
    Listings,
    Shown,
)
from watcher.core.model import NEW, VALIDATING, Batch, Page, PageRef
from watcher.core.roster import ABSENT, NEVER, NOWHERE, Roster, looked_for_on
from watcher.core.sweeps import CHECK

NOW = NOON.timestamp()


def made(*batch_ids: int, limit: int = 3, broadcast_id: int = 70) -> tuple[Listings, Roster]:
    """Watches that are known to be in one broadcast, on its first page."""
    roster = Roster(RULES)
    for batch_id in batch_ids:
        roster.put(seen_watch(NEW, batch_id=batch_id, broadcast_id=broadcast_id))
    listings = Listings(roster, limit=limit)
    listings.place_new(NOW)
    return listings, roster


def page(*ids: int, total: int | None = None, offset: int = 0, limit: int = 3, spoilt: int = 0) -> Page:
    items = tuple(Batch(id=each, status=VALIDATING) for each in ids)
    return Page(offset=offset, limit=limit, items=items, total=total, spoilt=spoilt)


def show(listings: Listings, number: int, *ids: int, now: float = NOW, total: int | None = None, **how: int) -> Shown:
    """That page of broadcast 70 is shown, with all that are expected on it as members."""
    place = listings.of(70).pages[number]
    roster = listings._roster
    members = [int(each) for each in roster.batch_id[(roster.page == place) & roster.live]]
    ref = listings.ref(place)
    answer = page(*ids, total=total, offset=how.get("offset", ref.offset), limit=how.get("limit", ref.limit))
    return listings.shown(place, ref, members, replace(answer, spoilt=how.get("spoilt", 0)), now)


def stands(roster: Roster, *batch_ids: int) -> list[int]:
    return [int(roster.page[row]) for each in batch_ids if (row := roster.row(each)) is not None]


# Pages


def test_a_broadcast_has_a_page_from_the_moment_somebody_hears_of_it() -> None:
    listings, roster = made()
    assert len(listings) == 0
    assert listings.of(70).pages == [0]
    assert listings.of(70) is listings.of_page(0)
    assert listings.ref(0) == PageRef(broadcast_id=70, kind="call", offset=0, limit=3)
    roster.place_of(71)
    listings.place_new(NOW)
    assert len(listings) == 2


def test_listings_that_are_there_share_what_is_the_same_for_all() -> None:
    listings, _ = made(1)
    others = Listings(Roster(RULES))
    show(listings, 0, 1)
    assert listings.of(70).denied is others.of(71).denied


def test_new_watches_are_put_on_the_page_where_new_batches_appear() -> None:
    listings, roster = made(1, 2, 3)
    listings.pages.due[:2] = 5.0
    show(listings, 0, 1, 2, 3)
    show(listings, 1, 4)
    roster.put(seen_watch(NEW, batch_id=5, broadcast_id=70))
    listings.pages.due[:2] = 5.0
    listings.place_new(NOW)
    assert stands(roster, 1, 5) == [0, 1]
    assert np.isnan(listings.pages.due[1])
    show(listings, 1, 9, 8)
    roster.put(seen_watch(NEW, batch_id=6, broadcast_id=70))
    listings.place_new(NOW)
    assert stands(roster, 6) == [0]


def test_watches_whose_broadcast_is_not_known_are_nowhere_until_a_page_shows_them() -> None:
    listings, roster = made(1)
    roster.put(fresh(2))
    listings.place_new(NOW)
    assert stands(roster, 2) == [NOWHERE]
    show(listings, 0, 1, 2, 99)
    assert stands(roster, 1, 2) == [0, 0]
    assert roster.count_of(70) == 2
    assert listings.finds == pytest.approx(FINDS + 0.2 * (1 - FINDS))
    show(listings, 0, 1, 2, 99)
    assert listings.finds == pytest.approx(FINDS + 0.2 * (1 - FINDS))


def test_pages_come_and_go_and_keep_their_places() -> None:
    listings, roster = made(1, 2, 3, 4)
    show(listings, 0, 1, 2, 3)
    assert listings.of(70).in_use() == [0, 1]
    assert listings.broadcasts.hit[0] == 1.0
    show(listings, 1, 4)
    show(listings, 0, 2, 3, now=NOW + 9)
    assert listings.of(70).in_use() == [0]
    assert listings.usable(NOW).tolist() == [True, False]
    assert stands(roster, 2, 3, 4) == [0, 0, ABSENT]
    show(listings, 0, 2, 3, 5, now=NOW + 12)
    assert listings.of(70).in_use() == [0, 1]
    assert listings.usable(NOW).tolist() == [True, True]
    assert listings.pages.listed[1] == NOW


def test_each_broadcast_begins_with_a_page_of_its_own() -> None:
    listings, roster = made(1, 2, 3)
    show(listings, 0, 1, 2, 3)
    roster.put(seen_watch(NEW, batch_id=4, broadcast_id=71))
    listings.place_new(NOW)
    assert listings.of(71).pages == [2]
    assert stands(roster, 4) == [2]
    assert listings.of_page(2) is listings.of(71)


def test_an_answer_from_before_the_listing_was_shorter_is_taken_in_all_the_same() -> None:
    listings, roster = made(1, 2, 3, 4)
    show(listings, 0, 1, 2, 3)
    ref = listings.ref(1)
    show(listings, 0, 1, 2, now=NOW + 5)
    listings.shown(1, ref, (4,), page(4, offset=3), NOW + 6)
    assert listings.of(70).in_use() == [0, 1]
    assert stands(roster, 4) == [1]


def test_a_lower_limit_makes_its_pages_the_pages() -> None:
    listings, roster = made(*range(1, 8), limit=5)
    follow(listings)
    late = PageRef(broadcast_id=70, kind="call", offset=5, limit=5)
    shown = show(listings, 0, 1, 2, limit=2)
    assert shown == Shown(new=(1, 2))
    listing = listings.of(70)
    assert (listing.limit, listing.in_use(), listing.sweep) == (2, [0, 1], [1])
    assert stands(roster, 1, 2) == [0, 0]
    assert stands(roster, 3, 7) == [looked_for_on(1)] * 2
    assert listings.ref(1) == PageRef(broadcast_id=70, kind="call", offset=2, limit=2)
    # What was asked for with the old limit tells of what it shows, and ends no search nor sweep.
    assert listings.shown(1, late, (6, 7), page(6, offset=5, limit=5), NOW) == Shown(new=(6,))
    assert stands(roster, 6, 7) == [1, looked_for_on(1)]
    assert listing.sweep == [1]
    assert listings.of(99).limit == 2


def test_a_lower_limit_found_on_a_later_page_tells_where_that_page_begins() -> None:
    listings, roster = made(*range(1, 8), limit=5)
    show(listings, 0, 1, 2, 3, 4, 5)
    show(listings, 1, 6, limit=2)
    assert (listings.of(70).limit, listings.of(70).pages) == (2, [0, 1, 2])
    assert stands(roster, 6) == [2]
    show(listings, 2, 6, 9)
    late = PageRef(broadcast_id=70, kind="call", offset=5, limit=5)
    listings.shown(1, late, (), page(7, offset=5, limit=5), NOW)
    assert (listings.of(70).in_use(), stands(roster, 7)) == ([0, 1, 2, 3], [2])


def test_with_a_lower_limit_nothing_is_known_any_more_of_any_page_and_a_sweep_begins_anew() -> None:
    listings, roster = made(1, limit=5)
    follow(listings)
    for number in range(4):
        show(listings, number, *range(1 + 5 * number, 6 + 5 * number))
    roster.put(seen_watch(NEW, batch_id=6, broadcast_id=70))
    listings.place_new(NOW)
    assert (stands(roster, 1, 6), listings.of(70).sweep) == ([0, 1], [4])
    listings.pages.due[:5] = 5.0
    show(listings, 0, 1, 2, limit=2, now=NOW + 1)
    assert listings.of(70).sweep == [4, 3, 2, 1]
    assert listings.pages.asked[:5].tolist() == listings.pages.listed[:5].tolist() == [NOW + 1, *[NEVER] * 4]
    assert np.isnan(listings.pages.due[:5]).all()
    assert stands(roster, 1, 6) == [0, looked_for_on(2)]


def test_a_lower_limit_begins_no_sweep_of_a_broadcast_that_nobody_follows() -> None:
    listings, roster = made(*range(1, 8), limit=5)
    assert show(listings, 0, 1, 2, limit=2) == Shown()
    listing = listings.of(70)
    assert (listing.limit, listing.in_use(), listing.sweep) == (2, [0, 1], None)
    assert stands(roster, *range(1, 8)) == [0, 0, *[looked_for_on(1)] * 5]


def test_a_server_that_ignores_offsets_has_one_page() -> None:
    listings, roster = made(1, 2, 3, 4)
    show(listings, 0, 1, 2, 3, now=NOW - 9)
    show(listings, 1, 1, 2, 3, offset=0)
    assert listings.of(70).in_use() == [0]
    assert stands(roster, 1, 2, 3, 4) == [0, 0, 0, ABSENT]
    assert listings.pages.listed[0] == NOW


def test_a_page_is_due_anew_and_counts_as_asked_for_whatever_came_of_it() -> None:
    listings, _ = made(1)
    listings.pages.due[0] = 5.0
    listings.attempt(0, NOW)
    listings.attempt(0, NOW - 5)
    assert (listings.pages.asked[0], listings.pages.listed[0]) == (NOW, NEVER)
    assert np.isnan(listings.pages.due[0])
    for what in ("shown", "denied", "failed"):
        listings, _ = made(1)
        listings.pages.due[0] = 5.0
        if what == "shown":
            listings.shown(0, PageRef(broadcast_id=70, kind="call", offset=0, limit=9), (), page(1), NOW)
        elif what == "denied":
            listings.denied(0, listings.ref(0), "404", NOW)
        else:
            listings.failed(0, "500", NOW)
        assert listings.pages.asked[0] == NOW
        assert np.isnan(listings.pages.due[0])


def test_a_page_may_be_asked_for_unless_it_is_gone_under_way_or_off() -> None:
    listings, _ = made(1)
    assert listings.may_ask(0, NOW)
    listings.pages.flying[0] = True
    assert not listings.may_ask(0, NOW)
    listings.pages.flying[0], listings.pages.gone[0] = False, True
    assert not listings.may_ask(0, NOW)
    listings.pages.gone[0], listings.broadcasts.off[0] = False, NOW + 1
    assert [listings.may_ask(0, NOW), listings.may_ask(0, NOW + 1)] == [False, True]
    assert [listings.usable(NOW)[0], listings.usable(NOW + 1)[0]] == [False, True]
    listings.all_off = NOW + 2
    assert [listings.may_ask(0, NOW + 1), listings.may_ask(0, NOW + 2)] == [False, True]
    assert [listings.usable(NOW + 1)[0], listings.usable(NOW + 2)[0]] == [False, True]


# Broadcasts that nobody needs any more


def test_broadcasts_without_open_watches_are_forgotten_when_there_are_many() -> None:
    listings, roster = made(1)
    listings.follow(71, None, (), NOW)
    off, flying = listings.of(72), listings.of(73)
    listings.broadcasts.off[off.place] = NOW + 60
    listings.pages.flying[flying.pages[0]] = True
    ended = listings.of(74)
    for broadcast_id in range(100, 100 + IDLE):
        roster.place_of(broadcast_id)
    before = len(roster.broadcasts)
    listings.place_new(NOW)
    assert roster.broadcasts_in_use() == 4
    assert [listings.of(each).place for each in (70, 71, 72, 73)] == [0, 1, off.place, flying.place]
    assert listings.of(74) is not ended
    for broadcast_id in range(5000, 5000 + IDLE):
        roster.place_of(broadcast_id)
    listings.place_new(NOW)
    assert len(roster.broadcasts) == before  # their places are used again
    assert (stands(roster, 1), listings.of_page(0).broadcast_id) == ([0], 70)


def test_what_is_forgotten_leaves_its_pages_to_others_and_what_is_followed_stays() -> None:
    listings, roster = made(1)
    listings.follow(71, None, (), NOW)
    followed = listings.of(71)
    listings.follow(72, None, (), NOW)
    listings.unfollow(72)
    roster.put(seen_watch(NEW, batch_id=2, broadcast_id=73))
    roster.put(fresh(3))
    listings.place_new(NOW)
    roster.drop(2)
    listings.broadcasts.off[listings.of(74).place] = NOW
    (long,) = listings.of(75).pages
    listings.shown(long, listings.ref(long), (), page(91, 92, 93), NOW)
    for broadcast_id in range(100, 100 + IDLE):
        roster.place_of(broadcast_id)
    listings.place_new(NOW)
    pages = len(listings)
    assert (roster.broadcasts_in_use(), pages) == (2, 7 + IDLE)
    assert listings.of(71) is followed
    assert np.flatnonzero(~listings.pages.gone[:pages]).tolist() == [0, 1]
    for broadcast_id in range(5000, 5000 + pages - 2):
        roster.place_of(broadcast_id)
    listings.place_new(NOW)
    assert len(listings) == pages


def test_where_many_are_needed_twice_as_many_may_be_there() -> None:
    listings, roster = made()

    def heard_of(first: int, count: int) -> int:
        for broadcast_id in range(first, first + count):
            roster.place_of(broadcast_id)
        listings.place_new(NOW)
        return roster.broadcasts_in_use()

    needed = IDLE // 2 + 100
    for number in range(needed):
        roster.put(seen_watch(NEW, batch_id=number + 1, broadcast_id=1000 + number))
    assert heard_of(5000, IDLE // 2) == needed
    assert heard_of(9000, needed) == 2 * needed
    assert heard_of(19000, 1) == needed


# Kinds, and listings that cannot be had


def test_how_long_what_cannot_be_had_rests_is_as_it_is_said() -> None:
    assert (OFF_FIRST, OFF_MOST, KNOWN_FIRST, FAILED_FIRST, FAILED_MOST) == (900.0, 21_600.0, 60.0, 30.0, 900.0)
    assert (FAILURES, REFUSED_LISTINGS) == (2, 3)


def test_pages_have_a_hundred_rows_and_show_five_strangers_unless_it_turns_out_otherwise() -> None:
    listings = Listings(Roster(RULES))
    assert (listings.of(70).limit, listings.finds) == (100, 5.0)


def test_the_other_kind_is_tried_before_it_is_given_up() -> None:
    listings, _ = made(1)
    call = listings.ref(0)
    listings.denied(0, call, "404", NOW)
    assert listings.usable(NOW)[0]
    text = listings.ref(0)
    assert (call.kind, text.kind) == ("call", "text")
    listings.denied(0, text, "404: no such thing", NOW)
    assert not listings.usable(NOW)[0]
    assert (listings.of(70).note, listings.of(70).denied) == ("404: no such thing", frozenset())
    assert [listings.usable(NOW + wait)[0] for wait in (OFF_FIRST - 1, OFF_FIRST)] == [False, True]


def test_what_was_found_to_be_there_is_remembered_and_tried_first_for_others() -> None:
    listings, _ = made(1)
    listings.denied(0, listings.ref(0), "404", NOW)
    show(listings, 0, 1)
    assert (listings.of(70).kind, listings.of(70).proven) == ("text", True)
    assert listings.ref(listings.of(71).pages[0]).kind == "text"


def test_an_overtaken_denial_of_the_other_kind_changes_nothing() -> None:
    listings, _ = made(1)
    call = listings.ref(0)
    listings.denied(0, call, "404", NOW)
    show(listings, 0, 1)
    listings.denied(0, call, "404", NOW + 1)
    assert listings.usable(NOW + 1)[0]
    assert listings.of(70).kind == "text"


def test_a_kind_that_somebody_said_and_that_is_not_there_is_not_believed() -> None:
    listings, _ = made(1)
    listings.follow(70, "text", (), NOW)
    assert listings.ref(0).kind == "text"
    listings.denied(0, listings.ref(0), "404", NOW)
    assert listings.ref(0).kind == "call"
    assert listings.usable(NOW)[0]


def test_a_listing_that_is_refused_again_and_again_is_tried_ever_more_seldom() -> None:
    listings, _ = made(1)
    show(listings, 0, 1)
    now, pauses = NOW, []
    for _ in range(5):
        listings.denied(0, listings.ref(0), "403", now)
        pauses.append(float(listings.broadcasts.off[0]) - now)
        now += pauses[-1]
    assert pauses == [KNOWN_FIRST, 4 * KNOWN_FIRST, 16 * KNOWN_FIRST, 64 * KNOWN_FIRST, 256 * KNOWN_FIRST]
    listings.denied(0, listings.ref(0), "403", now)
    assert listings.broadcasts.off[0] == now + OFF_MOST
    show(listings, 0, 1, now=now)
    listings.denied(0, listings.ref(0), "403", now)
    assert listings.broadcasts.off[0] == now + KNOWN_FIRST


def test_several_broadcasts_in_a_row_that_cannot_be_listed_and_none_is_for_a_while() -> None:
    listings, _ = made(1)
    pages = [listings.of(70 + n).pages[0] for n in range(2 * REFUSED_LISTINGS)]

    def deny(some: list[int], now: float) -> None:
        for each in some:
            listings.denied(each, replace(listings.ref(each), kind="call"), "403", now)
            listings.denied(each, replace(listings.ref(each), kind="text"), "403", now)

    deny(pages[: REFUSED_LISTINGS - 1], NOW)
    assert listings.all_off == NEVER
    deny(pages[REFUSED_LISTINGS - 1 : REFUSED_LISTINGS], NOW)
    assert listings.all_off == NOW + OFF_FIRST
    deny(pages[REFUSED_LISTINGS:-1], NOW)
    assert listings.all_off == NOW + OFF_FIRST
    deny(pages[-1:], NOW)
    assert listings.all_off == NOW + 4 * OFF_FIRST


def test_a_listing_that_fails_twice_rests_and_longer_each_time() -> None:
    listings, _ = made(1)
    for number in range(FAILURES + 2):
        listings.failed(0, f"50{number}", NOW)
        pause = FAILED_FIRST * 2.0 ** (number + 1 - FAILURES)
        assert listings.usable(NOW)[0] == (number + 1 < FAILURES)
        assert number + 1 < FAILURES or listings.broadcasts.off[0] == NOW + pause
    for _ in range(100):
        listings.failed(0, "500", NOW)
    assert listings.broadcasts.off[0] == NOW + FAILED_MOST
    assert listings.of(70).note == "500"
    show(listings, 0, 1, now=NOW + FAILED_MOST)
    assert (listings.of(70).failures, listings.of(70).note) == (0, "")


# Following a whole broadcast


def follow(listings: Listings, *known: int, now: float = NOW) -> Listing:
    listings.follow(70, None, known, now)
    return listings.of(70)


def test_a_followed_broadcast_is_swept_and_tells_what_is_new() -> None:
    listings, roster = made(1)
    follow(listings, 1)
    assert listings.sweeping(NOW) == 0
    assert show(listings, 0, 1, 2, 3) == Shown(new=(2, 3))
    listings.knows(70, [2])
    assert show(listings, 0, 1, 2, 3) == Shown(new=(3,))
    assert listings.sweeping(NOW) == 1
    assert show(listings, 1) == Shown()
    assert listings.of(70).swept == NOW
    assert listings.sweeping(NOW) is None
    for batch_id in (2, 3, 9):
        roster.put(seen_watch(NEW, batch_id=batch_id, broadcast_id=70 if batch_id < 9 else 71))
    listings.place_new(NOW)
    assert stands(roster, 2, 3) == [0, 0]


def test_new_batches_are_put_on_the_page_that_showed_them_if_they_are_of_that_broadcast() -> None:
    listings, roster = made(*range(1, 4))
    follow(listings, 1, 2, 3)
    show(listings, 0, 4, 5, 3, total=9)
    show(listings, 2, total=9)
    roster.put(seen_watch(NEW, batch_id=4, broadcast_id=70))
    roster.put(seen_watch(NEW, batch_id=5, broadcast_id=71))
    listings.place_new(NOW)
    assert stands(roster, 4, 5) == [0, listings.of(71).pages[0]]


def test_the_page_that_showed_a_new_batch_is_remembered_until_its_watch_is_there() -> None:
    listings, roster = made(*range(1, 4))
    follow(listings, 1, 2, 3)
    show(listings, 0, 4, 5, 3, total=9)
    show(listings, 2, total=9)
    assert listings.of(70).growing() == 1
    for batch_id in (4, 5, 6):  # one at a time, though one page showed two of them and none the third
        roster.put(seen_watch(NEW, batch_id=batch_id, broadcast_id=70))
        listings.place_new(NOW)
    assert stands(roster, 4, 5, 6) == [0, 0, 1]
    listings.knows(70, [4, 5, 6])
    show(listings, 1, 4, 5, 6, total=9)
    roster.put(seen_watch(NEW, batch_id=7, broadcast_id=70))
    listings.place_new(NOW)
    assert stands(roster, 4, 5, 6) == [1, 1, 1]  # and no longer than that


def test_nobody_is_told_what_is_new_in_a_broadcast_that_nobody_follows() -> None:
    listings, _ = made(1)
    assert show(listings, 0, 1, 2, 3) == Shown()
    follow(listings)
    listings.unfollow(70)
    assert listings.pages.quest.sum() == 0.0
    assert show(listings, 0, 1, 2, 3) == Shown()
    assert listings.sweeping(NOW) is None
    assert listings.pages.quest.sum() == 0.0


def test_a_sweep_waits_for_its_page_to_rest_to_land_and_to_be_there() -> None:
    listings, _ = made(1)
    assert listings.sweeping_at(NOW) == inf
    follow(listings)
    listings.attempt(0, NOW)
    assert (listings.sweeping(NOW), listings.sweeping_at(NOW)) == (0, NOW)
    assert listings.sweeping(NOW, rest=1.0) is None
    assert listings.sweeping_at(NOW, rest=1.0) == NOW + 1.0
    assert listings.sweeping(NOW + 1.0, rest=1.0) == 0
    listings.pages.flying[0] = True
    assert listings.sweeping(NOW + 1.0) is None
    assert listings.sweeping_at(NOW + 1.0) == NOW + CHECK
    listings.pages.flying[0] = False
    listings.broadcasts.off[0] = NOW + 5.0
    assert listings.sweeping(NOW + 1.0) is None
    assert listings.sweeping_at(NOW + 1.0) == NOW + 5.0


def test_a_sweep_that_begins_anew_comes_after_those_that_go_on() -> None:
    listings, _ = made()
    follow(listings, 1, 2, 3, 4)
    show(listings, 0, 1, 2, 3, total=4)
    listings.follow(71, None, (), NOW)
    show(listings, 1, 4, total=4)
    assert listings.of(70).sweep is None
    show(listings, 0, 1, 2, 3, total=5)
    assert listings.of(70).sweep == [1]
    assert listings.sweeping(NOW) == listings.of(71).pages[0]


def test_following_again_tries_at_once_what_was_refused() -> None:
    listings, _ = made(1)
    listings.broadcasts.off[0] = listings.all_off = NOW + 1000
    follow(listings)
    assert listings.sweeping(NOW) == 0


def test_new_batches_are_expected_as_often_as_they_came() -> None:
    listings, _ = made()
    listings.of(70)
    listings.pages.due[0] = 5.0
    follow(listings)
    assert np.isnan(listings.pages.due[0])
    assert listings.pages.quest[0] == pytest.approx(1 / 600)
    show(listings, 0, 1, 2)
    listings.knows(70, [1, 2])
    show(listings, 0, 1, 2, 3, now=NOW + ARRIVALS)
    listings.knows(70, [3])
    show(listings, 0, 1, 2, 3, now=NOW + ARRIVALS)
    assert listings.pages.quest[:2].tolist() == pytest.approx([0.0, 2 / (2 * ARRIVALS)])
    show(listings, 1, 9, 8, now=NOW - 50)  # newest first, and a clock that went back
    assert listings.pages.quest[:2].tolist() == pytest.approx([2 / ARRIVALS, 0.0])
    follow(listings, 1, 2, 3)
    assert listings.pages.quest[:2].tolist() == pytest.approx([1 / ARRIVALS, 0.0])


def test_a_followed_broadcast_is_swept_again_after_a_while() -> None:
    listings, _ = made()
    follow(listings)
    show(listings, 0, 1, 2)
    assert listings.sweeping(NOW + RESWEEP - CHECK) is None
    assert listings.sweeping(NOW + RESWEEP) == 0


def test_a_broadcast_is_unknown_to_nobody_who_asks() -> None:
    listings, _ = made()
    listings.knows(70, [1])
    listings.unfollow(70)
    assert listings.of(70).known == set()
