"""The named statements: each used, each explained, each finding its rows by an index."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

import watcher.store
from watcher.store.lists import FINAL
from watcher.store.sqlite import SqliteStore
from watcher.store.statements import load

FOLDER = Path(watcher.store.__file__).parent
HEADED = re.compile(r"^-- name: \w+[$^!<*#]*\n-- \S.*[.;]\n[^-]", re.MULTILINE)
PLACE = {"account": "a", "accounts": None, "batch_id": 1, "after": 0, "limit": 1, "types": None}
LIST: dict[str, object] = {
    **FINAL,
    **dict.fromkeys(("account", "status", "state", "name", "value", "needle", "mark"), "a"),
    **dict.fromkeys(("after", "limit", "final", "stuck", "since", "broadcast_id"), 1),
    "digits": "1",
    **dict.fromkeys(("labels", "among"), "[]"),
}
LISTS = {
    "watches_of": "SEARCH watches USING PRIMARY KEY (account=? AND batch_id>?)",
    "watches_among": "SEARCH watches USING PRIMARY KEY (account=? AND batch_id=?)",
    "watches_since": "SEARCH watches USING INDEX watches_by_since (account=? AND (since,batch_id)>(?,?))",
    "watches_labelled": "SEARCH watch_labels USING PRIMARY KEY (account=? AND name=? AND value=? AND batch_id>?)",
    "watches_of_broadcast": (
        "SEARCH watches USING INDEX watches_of_broadcast (account=? AND broadcast_id=? AND batch_id>?)"
    ),
    "stuck_watches": "SEARCH watches USING INDEX watches_stuck (account=? AND batch_id>?)",
    "lost_watches": "SEARCH watches USING INDEX watches_lost (account=? AND batch_id>?)",
    "watches_with_status": "SEARCH watches USING INDEX watches_by_status (account=? AND status=? AND batch_id>?)",
    "listed_open_watches": "SEARCH watches USING INDEX watches_open (account=? AND batch_id>?)",
    "finished_watches": "SEARCH watches USING INDEX watches_by_status (account=? AND status=? AND batch_id>?)",
    "unfinished_watches": "SEARCH watches USING INDEX watches_unfinished (account=? AND batch_id>?)",
    "found_watches": "SEARCH worded USING PRIMARY KEY (account=? AND batch_id>?)",
}
"""Each list of watches, and how it finds its rows, in their order."""
BAND = {**FINAL, "band": 0, "accounts": None, "status": None, "state": None, "final": 1, "limit": 9, "offset": 9}
REQUEST = {"holder": "ci", "key": "k-1"}
BROADCAST = {"account": "a", "broadcast_id": 1}
HOOK = {"endpoint_id": "hook", "now": 1}
LANE = {"id": 1, "endpoint_id": "hook", "lane": "a/1/", "position": 1}
PORTION = {"after": 0, "last": 9, "most": 9, "cutoff": 1, "kept": 1, "first": 0, "next": 0}
FEW = ("SCAN endpoints", "SCAN few", "SCAN owed", "SCAN one", "SCAN CONSTANT ROW")
LOOK = {"account": "a", "batch_id": 1, "asked": 1, "answered": 1, "looks": 1, "size": 1, "remaining": 1}
SEARCHES: tuple[tuple[str, Mapping[str, object]], ...] = (
    ("watch", PLACE),
    ("submission", {"account": "default", "id": "sub_1"}),
    ("submission_by_key", {"holder": "me", "idempotency_key": "once"}),
    ("unsettled_submissions", PLACE),
    ("newest_submissions", PLACE | {"created": 1, "id": "sub_1"}),
    ("newest_unsettled_submissions", PLACE | {"created": 1, "id": "sub_1"}),
    ("forget_submissions", {"cutoff": 1, "most": 1}),
    ("open_watches", PLACE),
    ("opened", PLACE | {"none": 0}),
    *((statement, LIST) for statement in LISTS),
    ("watches_in_band", BAND),
    ("count_of_band", BAND),
    ("once", REQUEST),
    ("rank", {"account": "a"}),
    ("begin_once", REQUEST | {"fingerprint": b"f", "at": 1}),
    ("finish_once", REQUEST | {"status": 200, "answer": b"{"}),
    ("abandon_once", REQUEST),
    ("reseal_once", REQUEST | {"answer": b"{"}),
    ("forget_once", {"cutoff": 1, "most": 1}),
    ("next_account", PLACE),
    ("tally", PLACE),
    ("save_look", LOOK),
    ("stop_watch", PLACE),
    ("events_of_batch", PLACE),
    ("hungry_endpoints", {"endpoints": "[]", "now": 1}),
    ("due_deliveries", HOOK | {"retries": 1, "claimed": "[]", "room": 1}),
    ("settle_deliveries", {"settled": "[]"}),
    ("hasten_deliveries", HOOK),
    ("send_held_deliveries", HOOK),
    ("keep_deliveries_held", HOOK),
    ("waiting_deliveries", HOOK),
    ("line_up", HOOK),
    ("stand_in_line", LANE),
    ("step_back", LANE),
    ("step_forward", LANE),
    ("tally_deliveries", HOOK),
    ("newest_deliveries", HOOK | {"before": 1, "limit": 1}),
    ("newest_in_state", HOOK | {"state": "dead", "before": 1, "limit": 1}),
    ("newest_in_state_of", HOOK | {"state": "dead", "account": "a", "begin": 1, "before": 1, "limit": 1}),
    ("deliveries_of_batch", PLACE | {"before": 1}),
    ("shown_deliveries", {"ids": "[]"}),
    ("attempts_of", LANE),
    ("delivery", LANE),
    ("first_event_from", LANE),
    ("last_position", {}),
    ("events_to_recover", HOOK | PORTION),
    ("end_of_deliveries", PORTION),
    ("forget_deliveries", PORTION),
    ("forget_attempts", LANE),
    ("end_of_events", PORTION),
    ("unwanted_events", PORTION),
    ("forget_deliveries_of", LANE),
    ("forget_event", LANE),
    ("removed_endpoints", PORTION),
    ("forget_endpoints", {"ids": "[]"}),
    ("forget_broadcasts", PORTION),
    ("broadcast", BROADCAST),
    ("broadcasts", BROADCAST),
    ("some_broadcasts", BROADCAST | {"ids": "[]"}),
    ("stop_broadcast", BROADCAST),
    ("forget_kind", BROADCAST),
    ("learnt", BROADCAST),
    ("token", {"id": "tok_1"}),
    ("remove_token", {"id": "tok_1"}),
    ("note_used", {"id": "tok_1", "used": 1}),
    ("remove_session", {"digest": b"d"}),
    ("forget_sessions", {"now": 1}),
    ("accounts_of_endpoint", {"id": "hook"}),
    ("accounts_of_delivery", {"id": 1}),
)
"""The statements that find rows, with values for them."""


@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_every_statement_is_used(dialect: str) -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in FOLDER.glob("*.py"))
    assert [name for name in load(dialect) if f'"{name}"' not in code] == []


def test_both_databases_know_the_same_statements_but_for_what_one_process_or_several_need() -> None:
    sqlite, postgres = load("sqlite").keys(), load("postgres").keys()
    assert sqlite - postgres == {
        "due_deliveries",
        "due_deliveries_of_many",
        "hungry_endpoints",
        "note_attempts",
        "owed_events",
        "settings_of_connection",
        "settle_deliveries",
    }
    assert postgres - sqlite == {
        "begin_aside",
        "begin_migrating",
        "begin_partition",
        "begin_writing",
        "claim_due",
        "clock",
        "describe_shares",
        "drop_partition",
        "empty_partition",
        "end_claims",
        "enroll_shares",
        "forget_claims",
        "forget_replicas",
        "forget_words",
        "free_shares",
        "give_back_shares",
        "heard_words",
        "held_elsewhere",
        "hold_log",
        "keys_of_replicas",
        "last_commit",
        "last_word",
        "leases_in_force",
        "leave",
        "letters_of_icu",
        "letters_of_unicode",
        "lock_claims",
        "lock_endpoints",
        "lock_log",
        "lock_watches",
        "make_events",
        "make_watches",
        "note_polling",
        "old_partitions",
        "release_claims",
        "replicas",
        "save_looks",
        "say_words",
        "server",
        "settle_claims",
        "shares",
        "shares_of_other_divisions",
        "shown_shares",
        "standings",
        "swap_watches",
        "take_in_turn",
        "take_shares",
        "take_turns",
    }


@pytest.mark.parametrize("path", sorted(FOLDER.glob("queries*.sql")), ids=lambda path: path.name)
def test_every_statement_has_one_line_of_purpose(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(HEADED.findall(text)) == text.count("-- name:") > 0


@pytest.mark.parametrize(("statement", "values"), SEARCHES)
async def test_statements_find_their_rows_by_an_index(
    sqlite: SqliteStore, statement: str, values: Mapping[str, object]
) -> None:
    plan = await _plan(sqlite, statement, values)
    scans = [step for step in plan if step.startswith("SCAN") and "VIRTUAL TABLE" not in step]
    assert [step for step in scans if step not in FEW] == []  # they are few
    if statement not in ("events_of_batch", "shown_deliveries"):  # a handful of rows
        assert [step for step in plan if "TEMP B-TREE" in step] == []


@pytest.mark.parametrize("statement", LISTS)
async def test_lists_begin_where_the_last_page_ended_and_read_on_in_their_order(
    sqlite: SqliteStore, statement: str
) -> None:
    assert LISTS[statement] in await _plan(sqlite, statement, LIST)


async def test_the_deliveries_of_an_account_are_looked_for_among_so_many_at_once(sqlite: SqliteStore) -> None:
    values = HOOK | {"state": "done", "account": "a", "begin": 1, "before": 1, "limit": 1}
    plan = await _plan(sqlite, "newest_in_state_of", values)
    assert plan == [
        "SEARCH deliveries USING INDEX deliveries_in_state (endpoint_id=? AND state=? AND rowid>? AND rowid<?)"
    ]


async def test_the_deliveries_of_a_batch_are_found_without_a_look_at_those_of_others(sqlite: SqliteStore) -> None:
    plan = await _plan(sqlite, "deliveries_of_batch", PLACE | {"before": 1})
    assert plan == [
        "SEARCH events USING INDEX events_once (account=? AND <expr>=?)",
        "SEARCH deliveries USING INDEX deliveries_once (position=?)",
    ]


@pytest.mark.parametrize("statement", ["watches_in_band", "count_of_band"])
async def test_a_band_is_read_in_its_order_and_in_its_index_alone(sqlite: SqliteStore, statement: str) -> None:
    assert "SEARCH watches USING COVERING INDEX watches_by_band (band=?)" in await _plan(sqlite, statement, BAND)


async def test_the_labels_of_a_watch_are_changed_by_their_key(sqlite: SqliteStore) -> None:
    triggers = await sqlite._reader.run(
        "triggers",
        lambda connection: connection.execute(
            "SELECT sql FROM sqlite_master WHERE name = 'watch_relabelled'"
        ).fetchone(),
    )
    delete = re.search(r"DELETE[^;]*;", triggers["sql"])
    assert delete is not None
    plan = await _explained(sqlite, delete[0].replace("old.", ":"), {"account": "a", "batch_id": 1, "labels": "{}"})
    assert plan[0] == "SEARCH watch_labels USING PRIMARY KEY (account=? AND name=? AND value=? AND batch_id=?)"


async def test_the_log_is_read_in_its_own_order(sqlite: SqliteStore) -> None:
    plan = await _plan(sqlite, "events_after", PLACE)
    assert "SEARCH events USING INTEGER PRIMARY KEY (rowid>?)" in plan
    assert [step for step in plan if "TEMP B-TREE" in step] == []


async def test_what_is_owed_is_counted_in_an_index_alone(sqlite: SqliteStore) -> None:
    plan = await _plan(sqlite, "owed", {"endpoint_id": None})
    assert [step for step in plan if "deliveries USING COVERING INDEX deliveries_in_state" in step] != []
    assert [step for step in plan if step.startswith("SCAN deliveries") or "TEMP B-TREE" in step] == []


async def test_what_may_be_claimed_is_found_without_a_look_at_what_may_not(sqlite: SqliteStore) -> None:
    for statement in ("hungry_endpoints", "due_deliveries"):
        plan = await _plan(sqlite, statement, HOOK | {"endpoints": "[]", "retries": 1, "claimed": "[]", "room": 1})
        found = [step for step in plan if "SEARCH deliveries" in step]
        assert found != []
        assert [step for step in found if "INDEX deliveries_pending" not in step] == []
        exactly = "deliveries_pending (endpoint_id=? AND behind=? AND <expr>=? AND due<?)"
        assert len([step for step in found if exactly in step]) == (2 if statement == "hungry_endpoints" else 1)


async def test_what_may_be_claimed_of_many_is_found_in_the_same_index_and_only_that_is_read(
    sqlite: SqliteStore,
) -> None:
    plan = await _plan(sqlite, "due_deliveries_of_many", {"asked": "[]", "now": 1, "retries": 0, "room": 1})
    assert "SEARCH due USING INDEX deliveries_pending (endpoint_id=? AND behind=? AND <expr>=? AND due<?)" in plan
    assert "SEARCH deliveries USING INTEGER PRIMARY KEY (rowid=?)" in plan
    assert [step for step in plan if step.startswith("SCAN") and "VIRTUAL TABLE" not in step] == []


async def _plan(sqlite: SqliteStore, statement: str, values: Mapping[str, object]) -> list[str]:
    return await _explained(sqlite, load("sqlite")[statement], values)


async def _explained(sqlite: SqliteStore, text: str, values: Mapping[str, object]) -> list[str]:
    explained = f"EXPLAIN QUERY PLAN {text}"
    rows = await sqlite._reader.run("explain", lambda connection: connection.execute(explained, values).fetchall())
    return [row["detail"] for row in rows]
