"""What is asked of what is kept where nothing is said, and in which order."""

import pytest

from tests.fakes import NOON
from watcher.core.asking import BandQuery, EventQuery, WatchQuery
from watcher.core.attention import Band


def test_where_nothing_is_said_the_first_hundred_of_all_are_asked_for() -> None:
    assert WatchQuery() == WatchQuery(limit=100, labels={})
    assert BandQuery(band=Band.REST) == BandQuery(band=Band.REST, limit=100, offset=0)
    assert EventQuery() == EventQuery(after=0, limit=100, types=())


@pytest.mark.parametrize(
    ("query", "by_since"),
    [
        (WatchQuery(), False),
        (WatchQuery(since=NOON), True),
        (WatchQuery(since=NOON, among={"west": [1]}), False),
        (WatchQuery(among={"west": [1]}), False),
    ],
)
def test_a_list_since_a_moment_is_in_the_order_of_changes_unless_batches_are_named(
    query: WatchQuery, *, by_since: bool
) -> None:
    assert query.by_since is by_since
