"""The named statements on PostgreSQL: each finds its rows by an index, however large the tables are."""

import re
from collections.abc import Mapping
from typing import Final

import pytest

from tests.store.test_statements import SEARCHES
from watcher.store.postgres import PostgresStore
from watcher.store.statements import load
from watcher.store.work import Connection

FEW: Final = frozenset({"endpoints", "log", "meta"})
"""Tables that stay small."""
SCANNED: Final = re.compile(r"Seq Scan on (\w+)")


@pytest.mark.parametrize(("statement", "values"), SEARCHES)
async def test_statements_find_their_rows_by_an_index(
    postgres: PostgresStore, statement: str, values: Mapping[str, object]
) -> None:
    assert set(SCANNED.findall(await _plan(postgres, statement, values))) - FEW == set()


async def _plan(postgres: PostgresStore, statement: str, values: Mapping[str, object]) -> str:
    """How it would be done if a whole table must not be read, which a small one otherwise is."""

    def explained(asked: Connection) -> str:
        asked.execute("SET LOCAL enable_seqscan = off")
        return "\n".join(row[0] for row in asked.execute(f"EXPLAIN {load('postgres')[statement]}", values))

    return await postgres._reader.run("explain", explained)
