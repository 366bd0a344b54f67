"""The named statements on PostgreSQL: each finds its rows by an index, however large the tables are."""

import json
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Final, TypeAlias

import asyncpg
import pytest

from tests.store.large import ANALYZE, DAY, FILL, WIDTH
from tests.store.plans import Plan, Read, what_is_read
from tests.store.postgres_server import Server
from watcher.store.postgres import PostgresStore
from watcher.store.statements import load

SQL: Final = load("postgres")
EVENT: Final = 2 * WIDTH + 4001
"""The position of an event of the third day, and the id of its delivery, which is pending to `hook`."""
LAST: Final = 3 * WIDTH + DAY
NOW: Final = 4 * DAY
MOST: Final = 120
"""Rows of a large table that a statement may look at which is after fifty of them."""
PAGES: Final = 1_300
"""Pages that it may look at then, where it also changes fifty rows in all their indexes; the tables have more of them."""
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
Values = dict[str, object]

PLACE: Final[Values] = {"account": "a7", "batch_id": 20, "after": 5_000, "limit": 50}
WATCH: Final[Values] = {
    **PLACE, "opened": 1, "version": 3, "old_version": 2, "number": 2, "state": "open", "status": "ACTIVE", "final": 1,
    "since": 1, "name": "API 14", "broadcast_id": 30, "created": 1, "size": 1, "remaining": 1, "enabled": 1, "asked": 9,
    "answered": 9, "looks": 9, "missing_since": None, "missing_count": 0, "refused_count": 0, "aside_until": None,
    "stuck_told": 0, "stuck_last": None, "expires": None, "labels": '{"team": "t9"}', "correlation_id": None, "band": 1,
}  # fmt: skip
WATCHES: Final = json.dumps([{**WATCH, "batch_id": batch_id, "was": 2} for batch_id in range(1, 51)])
FINAL: Final[Values] = {"final_1": "ACTIVE", "final_2": "ERRORS", "final_3": "SOURCE_ERROR"}
ANY: Final = ("final", "stuck", "state", "status", "broadcast_id", "labels", "name", "value", "needle", "mark")
LIST: Final[Values] = {**PLACE, **FINAL, **dict.fromkeys(ANY), "since": 50_000, "digits": "0"}
BAND: Final[Values] = {
    **FINAL, "band": 0, "accounts": None, "status": None, "state": None, "final": None, "limit": 50, "offset": 0
}  # fmt: skip
LOG: Final[Values] = {**dict.fromkeys(("account", "accounts", "batch_id", "types")), "after": EVENT, "limit": 50}
HOOK: Final[Values] = {
    "endpoint_id": "hook",
    "now": NOW,
    "room": 50,
    "retries": 1,
    "claimed": "[]",
    "before": EVENT,
    "limit": 50,
}
DELIVERY: Final[Values] = {
    "id": EVENT, "account": "a0", "endpoint_id": "hook", "lane": "a0/5400", "position": EVENT, "cause": "schedule", "now": NOW
}  # fmt: skip
MANY: Final = json.dumps(list(range(EVENT, EVENT + 50)))
PORTION: Final[Values] = {
    "after": EVENT, "last": EVENT + 50, "most": 50, "cutoff": NOW, "kept": NOW, "first": WIDTH, "next": 2 * WIDTH
}  # fmt: skip
CLAIMED: Final = [n // DAY * WIDTH + n % DAY + 1 for n in range(0, 50_000, 1_000)]
"""What is claimed: deliveries by their ids."""
SETTLED: Final = json.dumps(
    [
        {
            "id": each,
            "token": "mine",
            "state": "done",
            "attempts": 1,
            "cause": "schedule",
            "tried": "schedule",
            "outcome": "done",
        }
        | {"at": 1, "took": 1, "code": 200, "begins": 1, "length": 0}
        for each in CLAIMED
    ]
)
ONCE: Final[Values] = {
    "replica": "r1",
    "cutoff": 0,
    "holder": "me",
    "key": "key-9",
    "fingerprint": b"f",
    "at": 1,
    "status": 200,
    "answer": b"{",
}
SUBMISSION: Final[Values] = {
    "account": "a7", "id": "sub_7", "created": 40_000, "limit": 50, "holder": "me", "idempotency_key": "key-7", "cutoff": 50,
    "most": 50, "version": 1, "kind": None, "state": "followed", "batch_id": 1, "tries": 1, "sent": 1, "ended": 1, "absences": 0,
    "settled": 1, "detail": "",
}  # fmt: skip
LEASES: Final[Values] = {
    "replica": "r1", "held": json.dumps([[f"a{n}", 3] for n in range(1, 51)]),
    "shares": json.dumps([f"a{n}" for n in range(1, 51)]),
    "told": json.dumps([[f"a{n}", 3, 1, "{}"] for n in range(1, 51)]),
}  # fmt: skip
SESSION: Final[Values] = {"digest": b"new", "token_digest": b"", "now": 50, "created": 1, "expires": 1}

WRITTEN: Final[Mapping[str, Values]] = {
    # polling
    "begin_writing": {"replica": "r1", "name": "", "version": 1, "keys": "", "lease": 6000, "number": 1},
    "last_commit": LEASES,
    "leases_in_force": LEASES,
    "lock_log": {"events": 1, "words": 1, "endpoints": 0},
    "lock_watches": {"keys": json.dumps([["a7", batch_id] for batch_id in range(1, 51)])},
    "make_watch": WATCH | {"batch_id": 20_000},
    "make_watches": {"watches": WATCHES},
    "swap_watch": WATCH,
    "swap_watches": {"watches": WATCHES},
    "stop_watch": WATCH,
    "save_look": WATCH,
    "save_looks": {"looks": WATCHES},
    "stop_broadcast": PLACE | {"broadcast_id": 7},
    "forget_kind": PLACE | {"broadcast_id": 7},
    "make_events": {
        "position": f"{{{LAST}}}",
        "id": "{x}",
        "type": "{x}",
        "at": "{1}",
        "account": "{a7}",
        "batch_id": "{50000}",
        "number": "{1}",
        "endpoint": "{NULL}",
        "body": "{x}",
        "owed_account": "{a7}",
        "owed_endpoint_id": "{hook}",
        "owed_position": f"{{{LAST}}}",
        "owed_lane": "{a7/1}",
        "owed_again": "{f}",
        "now": NOW,
    },
    # deliveries
    "make_delivery": DELIVERY | {"position": LAST},
    "take_turns": {"asked": '["hook", "other"]', "now": NOW},
    "claim_due": {
        "asked": '[["hook", 20, 90, "{}", null, null], ["other", 20, 90, "{}", null, null]]',
        "clock": 0,
        "now": NOW,
        "token": "new",
        "until": NOW,
        "retries_first": 0,
    },
    "lock_claims": {"asked": json.dumps([[each, "mine"] for each in CLAIMED])},
    "settle_claims": {"settled": SETTLED, "answers": b"", "calm": '["hook", "other"]'},
    "step_forward": DELIVERY,
    "step_back": DELIVERY,
    "stand_in_line": DELIVERY,
    "put_lane": DELIVERY,
    "send_again": DELIVERY,
    "delivery": DELIVERY,
    "events_to_recover": HOOK | {"after": EVENT, "most": 50},
    "last_position": {},
    "first_event_from": {"position": EVENT},
    "event_body": {"position": EVENT},
    # answers given once, sessions, submissions
    "once": ONCE,
    "begin_once": ONCE,
    "finish_once": ONCE,
    "abandon_once": ONCE,
    "reseal_once": ONCE,
    "remove_session": SESSION,
    "make_session": SESSION,
    "submission": SUBMISSION,
    "submission_by_key": SUBMISSION,
    "swap_submission": SUBMISSION,
    # retention
    "end_of_deliveries": PORTION,
    "end_of_events": PORTION,
    "forget_deliveries": PORTION,
    "unwanted_events": PORTION,
    "forget_deliveries_of": {"position": EVENT},
    "forget_event": {"position": EVENT},
    "forget_attempts": {"id": EVENT},
    "forget_endpoints": {"ids": json.dumps([f"gone_{n}" for n in range(1, 51)]), "cutoff": NOW},
    "forget_broadcasts": PORTION,
    "forget_once": PORTION | {"cutoff": 50},
    "forget_sessions": SESSION,
    "forget_submissions": SUBMISSION,
    "forget_words": {"kept": 600_000},
}
"""Statements of the lane that writes which are after a few rows, with values for them."""

READ: Final[Mapping[str, Values]] = {
    "account": {"name": "a7"},
    "next_account": PLACE,
    "open_watches": PLACE,
    "opened": PLACE | {"none": 0},
    "broadcast": PLACE | {"broadcast_id": 7},
    "some_broadcasts": PLACE | {"ids": MANY},
    "learnt": PLACE,
    "rank": PLACE,
    "heard_words": {"after": 49_000, "replica": "r1", "limit": 50},
    "watch": PLACE,
    "watches_of": LIST,
    "watches_among": LIST | {"among": json.dumps(list(range(1, 51)))},
    "watches_since": LIST,
    "watches_labelled": LIST | {"name": "team", "value": "t20"},
    "watches_of_broadcast": LIST | {"broadcast_id": 30, "after": 0},
    "stuck_watches": LIST | {"after": 0},
    "lost_watches": LIST | {"after": 0},
    "watches_with_status": LIST | {"status": "ACTIVE"},
    "listed_open_watches": LIST,
    "unfinished_watches": LIST,
    "finished_watches": LIST,
    "found_watches": LIST | {"needle": "autumn", "mark": "autumn"},
    "watches_in_band": BAND,
    "events_after": LOG,
    "events_of_batch": LOG | PLACE,
    "log_span": {},
    "accounts_of_delivery": DELIVERY,
    "attempts_of": DELIVERY,
    "shown_deliveries": {"ids": MANY},
    "newest_deliveries": HOOK,
    "newest_in_state": HOOK | {"state": "done"},
    "deliveries_of_batch": {"account": "a7", "batch_id": 5000, "before": LAST},
    "newest_submissions": SUBMISSION,
    "newest_unsettled_submissions": SUBMISSION,
}
"""Those of the lanes that read."""

PROPORTIONATE: Final[Mapping[str, tuple[Values, int]]] = {
    "tally": (PLACE, 10_000),  # an account's watches
    "broadcasts": (PLACE, 200),  # an account's broadcasts
    "unsettled_submissions": (SUBMISSION, 2),
    "owed": (HOOK | {"endpoint_id": None}, 100),
    "tally_deliveries": (HOOK, 100),
    "hasten_deliveries": (HOOK, 100),
    "send_held_deliveries": (HOOK, 100),
    "keep_deliveries_held": (HOOK, 100),
    "waiting_deliveries": (HOOK, 200),
    "line_up": (HOOK, 200),
    "newest_in_state_of": (HOOK | {"state": "done", "account": "a7", "begin": EVENT - 1000}, 1_000),
    "count_of_band": (BAND, 200),
    "requests_kept": ({}, 100),
    "leave_unclear": ({}, 10),
}
"""Statements that are after what belongs together, however much that is, with its size here."""

ELSEWHERE: Final = frozenset({
    "answers_sealed", "reseal_submission", "sessions", "shown_shares", "remove_sessions_of",  # all of it is asked for
    "accounts_of_endpoint", "endpoint", "endpoints", "put_endpoint", "put_standing", "put_sealed", "token", "tokens",
    "make_token", "remove_token", "note_used", "meta", "put_meta", "note_forgotten", "replicas",
    "keys_of_replicas", "note_polling",
    "forget_replicas", "last_word", "old_partitions", "spared_positions", "end_claims", "forget_claims", "release_claims",
    "lock_endpoints", "removed_endpoints",
    "standings", "hold_log", "begin_partition", "empty_partition", "drop_partition", "may_forget",  # of small tables
    "begin_migrating", "begin_aside", "server", "clock", "letters_of_icu", "letters_of_unicode",  # of none
    "make_event", "make_submission", "make_broadcast", "note_kind", "put_account", "put_broadcast", "put_learnt",
    "put_rank",
    "say_words", "swap_account",  # rows by their key alone
    "enroll_shares", "shares", "shares_of_other_divisions", "held_elsewhere",
    "free_shares", "take_in_turn", "take_shares", "give_back_shares",
    "describe_shares", "leave",  # shares are asked for all at once
})  # fmt: skip
"""Statements that read no large table, or all of it."""


@pytest.fixture(scope="module")
def large(server: Server, template: str) -> Iterator[str]:
    """Where a large database is."""
    name = server.make(template)
    server.say(FILL, name)
    server.say(ANALYZE, name)
    yield server.url(name)
    server.drop(name)


@pytest.fixture
async def connection(large: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(large, statement_cache_size=0)
    yield connection
    await connection.close()


def test_it_is_known_of_every_statement_how_much_it_may_read() -> None:
    assert sorted({*WRITTEN, *READ, *PROPORTIONATE, *ELSEWHERE}) == sorted(SQL)


@pytest.mark.parametrize("plan", ["generic", "custom"])
@pytest.mark.parametrize("statement", WRITTEN)
async def test_what_is_after_a_few_rows_reads_a_few(connection: Connection, statement: str, plan: Plan) -> None:
    read = await what_is_read(connection, SQL[statement], WRITTEN[statement], plan=plan)
    assert read == Read(scanned=[], rows=min(read.rows, MOST), pages=min(read.pages, PAGES))


@pytest.mark.parametrize("statement", READ)
async def test_a_list_reads_on_in_its_order_from_where_the_last_page_ended(
    connection: Connection, statement: str
) -> None:
    read = await what_is_read(connection, SQL[statement], READ[statement], plan="custom")
    assert read == Read(scanned=[], rows=min(read.rows, MOST), pages=min(read.pages, PAGES))


@pytest.mark.parametrize("plan", ["generic", "custom"])
@pytest.mark.parametrize("statement", PROPORTIONATE)
async def test_what_is_after_what_belongs_together_reads_that_alone(
    connection: Connection, statement: str, plan: Plan
) -> None:
    values, most = PROPORTIONATE[statement]
    read = await what_is_read(connection, SQL[statement], values, plan=plan)
    assert read == Read(scanned=[], rows=min(read.rows, most), pages=read.pages)


async def test_what_reads_a_whole_table_or_index_is_found(connection: Connection) -> None:
    whole, filtered = "SELECT count(*) FROM watches", "SELECT 1 FROM attempts WHERE id = 7"
    for statement in (whole, filtered, "SELECT id FROM once JOIN submissions ON key = id ORDER BY id"):
        read = await what_is_read(connection, statement, {}, plan="generic")
        assert read.scanned != [] or read.rows > MOST


async def test_whoever_reads_has_plans_of_their_own(postgres: PostgresStore) -> None:
    text = "SELECT current_setting('plan_cache_mode')"
    modes = [
        await lane.run("look", lambda asked: asked.execute(text).fetchone()[0])
        for lane in (postgres._reader, postgres.writer)
    ]
    assert modes == ["force_custom_plan", "auto"]
