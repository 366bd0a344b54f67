"""No text makes a regular expression of the program take longer than in proportion to its length."""

import re

import pytest

from tests.security.regexes import Expression, expressions, worse_than_linear

ALL = expressions()


def test_the_expressions_of_the_program_are_found() -> None:
    """Those of every part, named or not: else the tests below would show little."""
    found = {each.where.partition(":")[0] for each in ALL}
    assert len(ALL) >= 50
    assert found >= {
        "watcher/callfire/bodies.py",
        "watcher/core/addresses.py",
        "watcher/settings/values.py",
        "watcher/telemetry/lines.py",
        "watcher/web/values.py",
    }


@pytest.mark.parametrize("each", ALL, ids=lambda each: each.where)
def test_an_expression_takes_time_in_proportion_to_the_text(each: Expression) -> None:
    assert worse_than_linear(each.pattern, anywhere=each.anywhere) is None


@pytest.mark.parametrize(
    ("careless", "anywhere"),
    [
        (r"(a+)+b", False),
        (r"[^x]*[^ x][^x]*", False),
        (r"\s+$", True),
        (r"^\s+|\s+$", True),
        (r"<[^>]*>", True),
        (r"(?:a|a)*b", False),
    ],
)
def test_one_that_is_careless_would_be_found(careless: str, anywhere: bool) -> None:
    assert worse_than_linear(re.compile(careless), anywhere=anywhere) is not None
