"""The named statements of the `.sql` files, as text. aiosql reads them; executing is left to whoever has a connection."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Final

import aiosql
from aiosql.utils import VAR_REF

FOLDER: Final = Path(__file__).parent
NAMED: Final = re.compile(rf"--[^\n]*|{VAR_REF.pattern}")
"""A comment, or what aiosql finds: a text, or the name of a value."""
COMMON: Final = (
    "queries",
    "queries_deliveries",
    "queries_once",
    "queries_ranks",
    "queries_submissions",
    "queries_tokens",
)
"""The files that both databases understand."""
OWN: Final[Mapping[str, Sequence[str]]] = {
    "sqlite": ("queries", "queries_lists", "queries_forgetting"),
    "postgres": ("queries", "queries_lists", "queries_forgetting", "queries_recording", "queries_delivering"),
}
"""Those of one database alone, which the names of the files tell."""


@cache
def load(dialect: str) -> Mapping[str, str]:
    """The statements by name: those of the common files, and those of the dialect's own files in place of or beside them.

    The text is used as it is: aiosql's own functions cost half a microsecond a call and want rows that are tuples, where
    ours are asked for columns by name.
    """
    statements: dict[str, str] = {}
    for name in (*COMMON, *(f"{name}.{dialect}" for name in OWN[dialect])):
        statements |= _named(FOLDER / f"{name}.sql")
    return statements


@cache
def load_for_copying(dialect: str) -> Mapping[str, str]:
    """As `load`, with what is said only to copy a database."""
    return {
        **load(dialect),
        **_named(FOLDER / "queries_copying.sql"),
        **_named(FOLDER / f"queries_copying.{dialect}.sql"),
    }


def replaced(statement: str, put: Callable[[str, str], str]) -> str:
    """The statement with something else in the place of each name of a value: what `put` gives for the name and for what follows
    it in the statement."""

    def one(found: re.Match[str]) -> str:
        name = found["var_name"]
        return found[0] if name is None else f"{found['lead']}{put(name, statement[found.end() :])}"

    return NAMED.sub(one, statement)


def _named(path: Path) -> dict[str, str]:
    queries = aiosql.from_path(path, "sqlite3", mandatory_parameters=False, encoding="utf-8")
    names = (name for name in queries.available_queries if not name.endswith("_cursor"))
    return {name: getattr(queries, name).sql for name in names}
