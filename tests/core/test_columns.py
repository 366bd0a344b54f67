"""Pages and broadcasts as columns: places are given out and taken back, and what is new is as good as new."""

import numpy as np

from watcher.core.columns import Broadcasts, Pages
from watcher.core.roster import NEVER


def test_pages_get_places_one_after_another_and_keep_what_they_have_while_others_come() -> None:
    pages = Pages()
    assert len(pages) == 0
    assert pages.add([5, 6], 0) == [0, 1]
    pages.asked[1] = 7.0
    assert pages.add([7] * 100, 3) == list(range(2, 102))
    assert len(pages) == 102
    assert (pages.owner[1], pages.number[1], pages.asked[1]) == (6, 0, 7.0)
    assert (pages.owner[101], pages.number[101], pages.asked[101], pages.listed[101]) == (7, 3, NEVER, NEVER)
    assert np.isnan(pages.due[:102]).all()


def test_places_are_used_again_and_as_good_as_new() -> None:
    pages = Pages()
    pages.add([5] * 4, 0)
    for column in (pages.asked, pages.listed, pages.due, pages.quest):
        column[:4] = 9.0
    pages.give_back([1, 3])
    assert pages.gone.tolist()[:4] == [False, True, False, True]
    assert pages.quest.tolist()[:4] == [9.0, 0.0, 9.0, 0.0]
    pages.flying[3] = True
    assert pages.add([8], 2) == [3]
    assert (pages.asked[3], pages.quest[3], bool(pages.flying[3]), bool(pages.gone[3])) == (NEVER, 0.0, False, False)
    assert pages.add([9, 9], 2) == [1, 4]
    assert len(pages) == 5


def test_broadcasts_begin_in_good_faith() -> None:
    broadcasts = Broadcasts()
    broadcasts.add([2, 40], [7, 8])
    assert (broadcasts.off[40], broadcasts.trust[40], broadcasts.hit[40]) == (NEVER, 1.0, 1.0)
    assert (broadcasts.first[2], broadcasts.growing[40]) == (7, 8)
    broadcasts.trust[2] = 0.5
    broadcasts.add([2], [9])
    assert (broadcasts.trust[2], broadcasts.first[2]) == (1.0, 9)


def sizes(columns: Pages | Broadcasts) -> set[int]:
    """How long the columns are."""
    return {len(column) for column in vars(columns).values() if isinstance(column, np.ndarray)}


def test_columns_are_empty_at_first_and_grow_by_half_at_a_time() -> None:
    """So that adding one after another stays cheap, however many there are."""
    pages, broadcasts = Pages(), Broadcasts()
    found = [sizes(pages)]
    for more in (1, 15, 1, 83, 1):
        pages.add([0] * more, 0)
        found.append(sizes(pages))
    assert found == [{0}, {16}, {16}, {32}, {100}, {150}]
    found = [sizes(broadcasts)]
    for place in (0, 15, 16):
        broadcasts.add([place], [0])
        found.append(sizes(broadcasts))
    assert found == [{0}, {16}, {16}, {32}]
