"""The last files that may be open are kept for what must be answered, and for the store."""

import pytest

from watcher.core.files import Room, over, room


@pytest.mark.parametrize(
    ("number", "limit", "there_is"),
    [
        (959, 1024, Room.PLENTY),
        (960, 1024, Room.FEW),
        (991, 1024, Room.FEW),
        (992, 1024, Room.NONE),
        (1030, 1024, Room.NONE),  # the limit was lowered meanwhile
        (47, 64, Room.PLENTY),
        (48, 64, Room.FEW),
        (56, 64, Room.NONE),
        (10, 4, Room.NONE),
    ],
)
def test_the_last_numbers_are_kept(number: int, limit: int, there_is: Room) -> None:
    assert room(number, limit) is there_is


def test_it_is_over_with_some_room_beyond_what_is_kept() -> None:
    assert [over(number, 1024) for number in (895, 896)] == [True, False]
