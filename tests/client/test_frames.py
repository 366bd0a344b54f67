"""Server-sent events out of bytes, however they are cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.client.frames import MOST, Frame, Frames

STREAM = (
    b'retry: 2000\nid: 7\n\n: alive\n\nid: 8\nevent: batch.new\ndata: {"a":\ndata: 1}\n\r\n'
    b"data:x\r\n\r\nunknown: y\nid: 9\n\nevent: nothing\n\ndata: half"
)
FRAMES = [
    Frame(id="7"),
    Frame(event="batch.new", data='{"a":\n1}', id="8"),
    Frame(data="x"),
    Frame(id="9"),
]


@given(st.lists(st.integers(min_value=0, max_value=len(STREAM)), max_size=9))
def test_where_the_bytes_are_cut_makes_no_difference(cuts: list[int]) -> None:
    places = sorted({0, len(STREAM), *cuts})
    frames = Frames()
    found = [frame for a, b in pairwise(places) for frame in frames.feed(STREAM[a:b])]
    assert found == FRAMES


def test_a_frame_without_an_end_is_not_read_for_ever() -> None:
    with pytest.raises(ValueError, match="no end"):
        list(Frames().feed(b"x" * (MOST + 1)))
