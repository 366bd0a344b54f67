"""A clock that is far from the database's is said to be."""

import pytest

from watcher.core.clocks import skewed


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (59.9, ""),
        (-59.9, ""),
        (60.0, "this machine's clock is 60 s ahead of the database's: set it right"),
        (-3600.2, "this machine's clock is 3600 s behind the database's: set it right"),
    ],
)
def test_a_clock_that_is_a_minute_off_is_said_to_be(seconds: float, said: str) -> None:
    assert skewed(seconds) == said
