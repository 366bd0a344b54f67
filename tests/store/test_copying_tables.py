"""What of each table is copied, and what text becomes that not every database can keep."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes import NOON
from tests.store.copies import New, copied, meddle, opened
from tests.store.making import KEY, follow
from watcher.core.model import Key
from watcher.ports import Change, DeliveryQuery, EventQuery, Store, WatchQuery
from watcher.store import copying
from watcher.store.copying import TABLES, Table
from watcher.store.migrations import migrations
from watcher.store.opening import connect
from watcher.store.postgres import PostgresStore
from watcher.store.statements import load_for_copying
from watcher.store.work import Connection

NOT_COPIED = {
    *("meta", "log"),  # what belongs to the rows is put there at the end
    *("watch_labels", "watch_words", "turns"),  # made by the tables themselves
    *("replicas", "leases", "claims", "words", "partitions"),  # of the database and its processes alone
}

# Text


async def test_text_that_postgresql_refuses_is_copied_with_question_marks(new: New) -> None:
    source, target = new("sqlite"), new("postgres")
    async with opened(source) as store:
        await follow(store, KEY, Key("default", 14))
    labels = '{"a\\u0000": "\\u0000", "\\u00e4": "\\\\u0000"}'
    meddle(source, f"UPDATE watches SET name = 'a' || char(0), labels = '{labels}' WHERE batch_id = 13")
    fine = '{"\\u00e4": "b"}'
    meddle(source, f"UPDATE watches SET labels = '{fine}' WHERE batch_id = 14")
    await copied(source, target)
    async with opened(target) as store:
        watch, other = await store.find(WatchQuery())
    assert (watch.name, watch.labels) == ("a?", {"a?": "?", "ä": "\\u0000"})
    assert other.labels == {"ä": "b"}


async def test_names_that_no_database_can_keep_are_kept_with_question_marks(database: Store) -> None:
    [watch] = await follow(database, KEY)
    odd = replace(watch, name="a\0b\ud800", labels={"\0": "\ud800"}, correlation_id="\0")
    assert await database.commit(Change(watch=odd, version=watch.version)) is not None
    kept = await database.watch(KEY)
    assert kept is not None
    assert (kept.name, kept.labels, kept.correlation_id) == ("a?b?", {"?": "?"}, "?")
    assert [found.key for found in await database.find(WatchQuery(q="A\0B"))] == [KEY]


async def test_what_no_database_can_keep_is_not_there(database: Store) -> None:
    await follow(database, KEY)
    assert await database.find(WatchQuery(status="\0")) == []
    assert await database.events(EventQuery(account="\0")) == []
    assert await database.deliveries(DeliveryQuery(account="\0", batch_id=1)) == []
    assert await database.endpoint("\0") is None
    assert await database.submission("default", "\0") is None
    assert await database.remove_token("\0") is False
    assert await database.begin("\0", "\0", b"", NOON) == "fresh"


# Tables


async def test_every_table_is_copied_or_of_its_database_alone(postgres: PostgresStore, tmp_path: Path) -> None:
    tables = await postgres._reader.run(
        "tables",
        lambda asked: asked.execute(
            "SELECT CAST(relname AS TEXT) AS name FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition "
            "AND relnamespace = CAST('public' AS regnamespace)"
        ).fetchall(),
    )
    assert {row["name"] for row in tables} == {table.name for table in TABLES} | NOT_COPIED
    sqlite, _ = connect(tmp_path / "tables.db", migrations("sqlite"))
    tables = sqlite.execute(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
    ).fetchall()
    sqlite.close()
    assert {row["name"] for row in tables} <= {table.name for table in TABLES} | NOT_COPIED


async def test_every_column_is_copied_but_claims(postgres: PostgresStore, tmp_path: Path) -> None:
    sqlite, _ = connect(tmp_path / "columns.db", migrations("sqlite"))
    statements = {dialect: load_for_copying(dialect) for dialect in ("sqlite", "postgres")}
    for table in TABLES:
        mine = set(copying.columns(sqlite, statements["sqlite"], table))
        theirs = set(
            await postgres._reader.run(
                "columns",
                lambda asked, table=table: copying.columns(asked, statements["postgres"], table),  # type: ignore[misc]
            )
        )
        assert mine == theirs
        assert set(re.findall(r":(\w+)", statements["sqlite"][f"paste_{table.name}"])) == mine
    sqlite.close()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
async def test_portions_are_read_in_the_order_of_an_index(
    postgres: PostgresStore, tmp_path: Path, table: Table
) -> None:
    name, values = f"portion_of_{table.name}", {**table.key, "limit": 9}
    sqlite, _ = connect(tmp_path / "portions.db", migrations("sqlite"))
    steps = [row[3] for row in sqlite.execute(f"EXPLAIN QUERY PLAN {load_for_copying('sqlite')[name]}", values)]
    sqlite.close()
    assert [step.split()[:2] for step in steps] == [["SEARCH", table.name]]

    def explained(asked: Connection) -> str:
        asked.execute("SET LOCAL enable_seqscan = off")
        asked.execute("SET LOCAL enable_bitmapscan = off")
        return "\n".join(row[0] for row in asked.execute(f"EXPLAIN {load_for_copying('postgres')[name]}", values))

    plan = await postgres._reader.run("explain", explained)
    assert re.findall(r"Seq Scan|Sort  \(", plan) == []
