"""The named statements: each used, each explained, each finding its rows by an index."""

import re
from pathlib import Path

import pytest

import watcher.store
from watcher.store.sqlite import SqliteStore
from watcher.store.statements import load

FOLDER = Path(watcher.store.__file__).parent
HEADED = re.compile(r"^-- name: \w+[$^!<*#]*\n-- \S.*[.;]\n[^-]", re.MULTILINE)
PLACE = {"account": "a", "batch_id": 1, "after": 0, "limit": 1, "types": None}
BROADCAST = {"account": "a", "broadcast_id": 1}
LOOK = {"account": "a", "batch_id": 1, "asked": 1, "answered": 1, "looks": 1, "size": 1, "remaining": 1}


def test_every_statement_is_used() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py"))
    assert [name for name in load("sqlite") if f'"{name}"' not in code] == []


@pytest.mark.parametrize("path", sorted(FOLDER.glob("queries*.sql")), ids=lambda path: path.name)
def test_every_statement_has_one_line_of_purpose(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(HEADED.findall(text)) == text.count("-- name:") > 0


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        ("watch", PLACE),
        ("open_watches", PLACE),
        ("watches_of", PLACE),
        ("watches_with_status", PLACE | {"status": "NEW"}),
        ("finished_watches", PLACE),
        ("unfinished_watches", PLACE),
        ("next_account", PLACE),
        ("tally", PLACE),
        ("save_look", LOOK),
        ("stop_watch", PLACE),
        ("events_of_batch", PLACE),
        ("due_deliveries", {"endpoint_id": "hook", "now": 1, "room": 1}),
        ("settle_delivery", {"id": 1, "token": "t", "state": "done", "attempts": 1, "due": None}),
        ("release_deliveries", {"token": "t"}),
        ("release_all_deliveries", {}),
        ("hold_deliveries", {"endpoint_id": "hook"}),
        ("broadcast", BROADCAST),
        ("broadcasts", BROADCAST),
        ("stop_broadcast", BROADCAST),
        ("forget_kind", BROADCAST),
        ("learnt", BROADCAST),
    ],
)
async def test_statements_find_their_rows_by_an_index(
    sqlite: SqliteStore, statement: str, values: dict[str, object]
) -> None:
    plan = await _plan(sqlite, statement, values)
    assert [step for step in plan if step.startswith("SCAN") and "json_each" not in step] == []
    if statement != "events_of_batch":  # a handful of rows
        assert [step for step in plan if "TEMP B-TREE" in step] == []


async def test_the_log_is_read_in_its_own_order(sqlite: SqliteStore) -> None:
    plan = await _plan(sqlite, "events_after", PLACE)
    assert "SEARCH events USING INTEGER PRIMARY KEY (rowid>?)" in plan
    assert [step for step in plan if "TEMP B-TREE" in step] == []


async def test_what_is_owed_is_counted_in_an_index_alone(sqlite: SqliteStore) -> None:
    plan = await _plan(sqlite, "owed", {"now": 1})
    assert [step for step in plan if "deliveries USING COVERING INDEX deliveries_pending" in step] != []
    assert [step for step in plan if step.startswith("SCAN deliveries")] == []


async def _plan(sqlite: SqliteStore, statement: str, values: dict[str, object]) -> list[str]:
    explained = "EXPLAIN QUERY PLAN " + load("sqlite")[statement]
    rows = await sqlite._reader.run("explain", lambda connection: connection.execute(explained, values).fetchall())
    return [row["detail"] for row in rows]
