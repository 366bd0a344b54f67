"""Deliveries by command, against the interface alone."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.cli.conftest import Watcher, timeless
from tests.cli.interface import Interface
from tests.fakes import NOON, answered
from tests.fakes_subscribing import a_delivery
from watcher.core.endpoint import AttemptRecord, DeliveryState, Endpoint
from watcher.ports import Refused


def words(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def owed(there: Interface) -> None:
    """Three deliveries of two endpoints: one waits, one is under way, one ran out."""
    for endpoint_id in ("crm", "ops"):
        there.subscribing.keep(Endpoint(id=endpoint_id, url="https://example.com/"))
    dead: dict[str, Any] = {"state": DeliveryState.DEAD, "attempts": 2, "code": 500, "due": None, "ended": NOON}
    first = AttemptRecord(
        attempt=replace(answered(None), error="dns", detail="no such host"),
        cause="schedule",
        outcome="retried",
        next_due=NOON + timedelta(seconds=5),
    )
    last = AttemptRecord(
        attempt=replace(answered(500), answer=b"a\nlong " + b"x" * 99, address="192.0.2.1:443"),
        cause="person",
        outcome="dead",
        next_due=None,
    )
    there.subscribing.owe(
        a_delivery(1, now=NOON),
        a_delivery(2, "ops", now=NOON, in_flight=True, account="", batch_id=None),
        replace(a_delivery(3, now=NOON, **dead), attempts=(first, last)),
    )


def test_deliveries_are_listed_the_newest_first(watcher: Watcher, there: Interface) -> None:
    owed(there)
    event = "evt_k3v9x2ab_default_13_"
    assert words(timeless(watcher("deliveries", "ls", WATCHER_URL=there.url).stdout)) == [
        ["ID", "ENDPOINT", "STATE", "EVENT", "TYPE", "ATTEMPTS", "LAST", "DUE"],
        ["3", "crm", "dead", f"{event}3", "batch.active", "2", "500"],
        ["2", "ops", "in", "flight", f"{event}2", "batch.active", "0", "THEN"],
        ["1", "crm", "pending", f"{event}1", "batch.active", "0", "THEN"],
    ]


def test_a_list_keeps_to_its_endpoint_states_and_limit(watcher: Watcher, there: Interface) -> None:
    owed(there)
    for arguments, ids in (
        (("--endpoint", "crm"), [3, 1]),
        (("--state", "dead", "--state", "held"), [3]),
        (("--endpoint", "crm", "--state", "pending"), [1]),
        (("--limit", 2), [3, 2]),
        (("--batch", 13), [3, 1]),
        (("--batch", 13, "--account", "default", "--endpoint", "ops"), []),
        (("--account", "default"), [3, 1]),
    ):
        listed = json.loads(watcher("deliveries", "ls", *arguments, "-o", "json", WATCHER_URL=there.url).stdout)
        assert [each["id"] for each in listed] == ids
    result = watcher("deliveries", "ls", "--limit", 2, WATCHER_URL=there.url)
    assert result.stderr == "there are more than 2: see them with --limit\n"
    there.subscribing.owe(*(a_delivery(number, now=NOON) for number in range(10, 1510)))
    listed = json.loads(watcher("deliveries", "ls", "--limit", 1200, "-o", "json", WATCHER_URL=there.url).stdout)
    assert [each["id"] for each in listed] == list(range(1509, 309, -1))


def test_a_delivery_is_shown_with_each_attempt(watcher: Watcher, there: Interface) -> None:
    owed(there)
    shown = watcher("deliveries", "show", 3, WATCHER_URL=there.url)
    assert words(shown.stdout) == [
        ["delivery", "3"],
        ["endpoint", "crm"],
        ["event", "batch.active", "evt_k3v9x2ab_default_13_3"],
        ["position", "103"],
        ["batch", "default/13"],
        ["state", "dead"],
        ["made", "2026-11-23T12:00:00.000Z"],
        ["due"],
        ["attempts", "2"],
        ["cause", "schedule"],
        [],
        ["AT", "TOOK", "CODE", "ERROR", "ADDRESS", "CAUSE", "OUTCOME", "NEXT", "ANSWER"],
        [
            *("2026-11-23", "12:00:00", "100", "ms", "dns:", "no", "such", "host", "schedule", "retried"),
            *("2026-11-23", "12:00:05"),
        ],
        [
            *("2026-11-23", "12:00:00", "100", "ms", "500", "192.0.2.1:443", "person", "dead"),
            *("a", "long", "x" * 52 + "…"),
        ],
    ]
    waiting = watcher("deliveries", "show", 2, WATCHER_URL=there.url).stdout.splitlines()
    assert waiting[-1] == "no attempt is kept"
    assert not any(line.startswith("batch") for line in waiting)
    document = json.loads(watcher("deliveries", "show", 3, "-o", "json", WATCHER_URL=there.url).stdout)
    assert [attempt["outcome"] for attempt in document["history"]] == ["retried", "dead"]


def test_where_a_redirect_leads_is_shown(watcher: Watcher, there: Interface) -> None:
    there.subscribing.keep(Endpoint(id="crm", url="https://example.com/"))
    moved = replace(answered(301), location="https://example.com/new")
    record = AttemptRecord(attempt=moved, cause="schedule", outcome="retried", next_due=None)
    there.subscribing.owe(replace(a_delivery(1, now=NOON), attempts=(record,)))
    shown = words(watcher("deliveries", "show", 1, WATCHER_URL=there.url).stdout)[-1]
    assert shown[4:8] == ["301", "redirects", "to", "https://example.com/new"]


def test_deliveries_are_sent_again_and_those_that_are_not_are_told(watcher: Watcher, there: Interface) -> None:
    owed(there)
    there.subscribing.refusals["resend"] = [Refused(kind="in-flight", detail="An attempt is under way: wait for it.")]
    result = watcher("deliveries", "resend", 2, 3, 9, WATCHER_URL=there.url)
    assert (result.exit_code, result.stdout) == (1, "delivery 3 is sent again\n")
    assert result.stderr.splitlines() == [
        "2: An attempt is under way: wait for it.",
        "9: There is no delivery 9.",
    ]
    again = watcher("deliveries", "resend", 3, 9, 3, "-o", "json", WATCHER_URL=there.url)
    assert again.exit_code == 1
    assert json.loads(again.stdout) == [{"id": 3, "resent": True}, {"id": 9, "error": "There is no delivery 9."}]


def test_what_is_not_there_ends_with_1_and_no_daemon_with_2(watcher: Watcher, there: Interface) -> None:
    for arguments in (("show", 9), ("ls", "-e", "nobody")):
        result = watcher("deliveries", *arguments, WATCHER_URL=there.url)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("There is no ")
    for asked in (("show", 9), ("ls",), ("resend", 9)):
        result = watcher("deliveries", *asked, WATCHER_URL="http://127.0.0.1:9")
        assert result.exit_code == 2
        assert result.stderr.startswith("no daemon answers at http://127.0.0.1:9 (")
