"""A SQLite connection that hands on by place what it is given by name.

For each value that a statement names, sqlite3 asks SQLite how it is called, and does so anew at each call: with the 29 of a watch
that takes as long as most statements do. Here a statement is taken apart once.
"""

import sqlite3
from collections.abc import Callable, Mapping
from functools import cache
from operator import itemgetter
from typing import Any, NamedTuple

from watcher.store.statements import replaced


class Placed(NamedTuple):
    """A statement whose values have numbers, and what takes them out of those with names, in that order."""

    text: str
    pick: Callable[[Mapping[str, Any]], tuple[Any, ...]]


class PlacingConnection(sqlite3.Connection):
    """As any other, only quicker with many values."""

    def execute(self, statement: str, values: Any = (), /) -> sqlite3.Cursor:
        """Those that the statement does not name are left out. Raises KeyError where one that it names is missing."""
        if type(values) is not dict:
            return super().execute(statement, values)
        text, pick = placed(statement)
        return super().execute(text, pick(values))


@cache
def placed(statement: str) -> Placed:
    """The statement, taken apart. Names are numbered as SQLite numbers them itself: as they first come."""
    numbers: dict[str, int] = {}
    text = replaced(statement, lambda name, _: f"?{numbers.setdefault(name, len(numbers) + 1)}")
    names = list(numbers)
    # With less than two of them an itemgetter gives no tuple.
    pick = itemgetter(*names) if len(names) > 1 else lambda values: tuple(values[name] for name in names)
    return Placed(text, pick)
