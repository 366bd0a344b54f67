"""What deploy/scaling.md says of spreading the tables by account is so, by a real PostgreSQL's catalog and by the statements."""

import asyncio

import pytest

from tests.fakes import FakeClock
from tests.scaling.sharding import AT_ONE_PLACE, BY_ACCOUNT, CROSSING, EVERYWHERE, finds_its_shard, spread
from tests.store.postgres_server import running
from watcher.store.postgres import open_postgres
from watcher.store.statements import load

TABLES = """
SELECT relname FROM pg_class
WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = CAST('public' AS regnamespace)
"""
KEYS = """
SELECT relation.relname || ' ' || coalesce(string_agg(attname, ' ' ORDER BY place), '')
FROM pg_index
JOIN pg_class AS relation ON relation.oid = indrelid
CROSS JOIN LATERAL unnest(CAST(indkey AS int2[])) WITH ORDINALITY AS part (number, place)
LEFT JOIN pg_attribute ON attrelid = indrelid AND attnum = part.number
WHERE indisunique AND relation.relnamespace = CAST('public' AS regnamespace)
GROUP BY indexrelid, relation.relname
"""
COLUMNS = """
SELECT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE attname = 'account' AND attnotnull AND relkind IN ('r', 'p') AND relnamespace = CAST('public' AS regnamespace)
"""


@pytest.fixture(scope="module")
def catalog() -> dict[str, list[str]]:
    """What the catalog of a database with our tables says."""
    with running() as server:
        name = server.make()

        async def fill() -> None:
            async with open_postgres(server.url(name), tell=lambda news: None, clock=FakeClock()):
                pass

        asyncio.run(fill())
        return {
            what: server.say(text, name).splitlines()
            for what, text in {"tables": TABLES, "keys": KEYS, "columns": COLUMNS}.items()
        }


def test_each_table_has_its_place(catalog: dict[str, list[str]]) -> None:
    assert sorted(catalog["tables"]) == sorted([*BY_ACCOUNT, *EVERYWHERE, *AT_ONE_PLACE])


def test_each_row_of_a_table_by_account_has_one(catalog: dict[str, list[str]]) -> None:
    assert set(catalog["columns"]) >= BY_ACCOUNT


def test_each_key_of_a_table_by_account_holds_it(catalog: dict[str, list[str]]) -> None:
    keys = [key.split() for key in catalog["keys"]]
    of_partitions = [(table, f"{table.rpartition('_')[0]}", columns) for table, *columns in keys]
    found = [(table, columns) for table, whole, columns in of_partitions if {table, whole} & BY_ACCOUNT]
    assert {table for table, _ in found} >= BY_ACCOUNT
    assert [(table, columns) for table, columns in found if "account" not in columns] == []


def test_each_statement_finds_its_shard_or_is_said_why_not() -> None:
    found = {name for name, text in load("postgres").items() if spread(text) and not finds_its_shard(text)}
    assert sorted(found) == sorted(name for names in CROSSING.values() for name in names)


@pytest.mark.parametrize(
    ("statement", "finds"),
    [
        ("SELECT * FROM watches WHERE account = :account AND batch_id = 1", True),
        ("SELECT * FROM watches WHERE (account, batch_id) IN (SELECT 1, 2)", True),
        ("SELECT * FROM events JOIN deliveries ON deliveries.account = events.account", False),
        ("UPDATE watches FROM json_to_recordset(:looks) AS seen (account TEXT) WHERE account = seen.account", True),
        ("WITH few AS (SELECT * FROM deliveries) SELECT * FROM events WHERE events.account = few.account", False),
        ("SELECT * FROM events WHERE position > :after AND (:account IS NULL OR account = :account)", False),
        ("UPDATE deliveries SET state = 'done' WHERE id = :id", False),
        ("DELETE FROM claims WHERE token = :token", False),
        ("INSERT INTO attempts (account, delivery_id) VALUES (:account, 1)", True),
        ("INSERT INTO attempts (delivery_id) VALUES (1)", False),
        ("INSERT INTO attempts (account) SELECT account FROM deliveries", False),
        ("INSERT INTO words (account) SELECT account FROM deliveries WHERE account = :account", True),
    ],
)
def test_what_finds_its_shard(statement: str, finds: bool) -> None:
    assert spread(statement)
    assert finds_its_shard(statement) is finds


def test_what_touches_no_table_by_account_asks_no_shard() -> None:
    assert spread("UPDATE log SET last = last + 1") == frozenset()
