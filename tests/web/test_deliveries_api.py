"""Deliveries and their attempts over HTTP: lists, one by itself, sending again, samples, recovery."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.fake_store import FakeStore
from tests.fakes import NOON, FakeClock, answered
from tests.fakes_subscribing import a_delivery
from tests.web.house import House, open_house
from tests.web.test_endpoints_api import ONE, kept
from watcher.core.endpoint import Attempt, AttemptRecord, DeliveryState, Timings
from watcher.core.model import Recorded
from watcher.core.recovering import Recovered, Recovery
from watcher.ports import EventQuery, Refused

SHOWN: dict[str, Any] = {
    "id": 1,
    "endpoint": "crm",
    "position": 101,
    "event_id": "evt_k3v9x2ab_default_13_1",
    "event_type": "batch.active",
    "account": "default",
    "batch_id": 13,
    "created": "2026-11-23T12:00:00.000Z",
    "due": "2026-11-23T12:00:00.000Z",
    "attempts": 0,
    "state": "pending",
    "cause": "schedule",
    "in_flight": False,
    "code": None,
    "error": None,
    "ended": None,
}
TRIED = Attempt(
    at=NOON,
    took=timedelta(milliseconds=1250),
    code=503,
    retry_after=timedelta(seconds=30),
    answer=b"busy \xff",
    location="https://b.example/login?key=abc",
    address="203.0.113.7",
    timings=Timings(
        dns=timedelta(milliseconds=2),
        connect=timedelta(milliseconds=10),
        tls=timedelta(milliseconds=20),
        first_byte=timedelta(seconds=1),
    ),
)
TRIED_SHOWN: dict[str, Any] = {
    "at": "2026-11-23T12:00:00.000Z",
    "took": 1.25,
    "code": 503,
    "error": None,
    "detail": None,
    "address": "203.0.113.7",
    "timings": {"dns": 0.002, "connect": 0.01, "tls": 0.02, "first_byte": 1.0},
    "retry_after": 30.0,
    "location": "https://b.example/login?…",
    "answer": "busy \ufffd",
}
FAILED_SHOWN: dict[str, Any] = {
    "at": "2026-11-23T12:00:00.000Z",
    "took": 0.1,
    "code": None,
    "error": "tls",
    "detail": "the certificate is for b.example",
    "address": None,
    "timings": {"dns": None, "connect": None, "tls": None, "first_byte": None},
    "retry_after": None,
    "location": None,
    "answer": "",
}


async def ids(house: House, query: str) -> list[int]:
    answer = await house.ask("GET", query)
    assert answer.status == 200, answer.json
    return [item["id"] for item in answer.json["items"]]


def some(house: House) -> None:
    """Six deliveries: of two endpoints in turns, and in three states in turns."""
    house.subscribing.keep(kept())
    house.subscribing.keep(kept(id="erp"))
    states = (DeliveryState.PENDING, DeliveryState.DONE, DeliveryState.DEAD)
    for number in range(1, 7):
        endpoint_id, state = ("crm", "erp")[number % 2], states[number % 3]
        house.subscribing.owe(a_delivery(number, endpoint_id, now=NOON, state=state))


async def test_deliveries_are_listed_the_newest_first_and_filtered(house: House) -> None:
    some(house)
    assert await ids(house, "/v1/deliveries") == [6, 5, 4, 3, 2, 1]
    assert await ids(house, "/v1/deliveries?endpoint=crm") == [6, 4, 2]
    assert await ids(house, "/v1/endpoints/crm/deliveries") == [6, 4, 2]
    assert await ids(house, "/v1/deliveries?state=pending&state=dead&state=dead") == [6, 5, 3, 2]
    assert await ids(house, "/v1/deliveries?endpoint=erp&state=done") == [1]
    assert await ids(house, "/v1/endpoints/erp/deliveries?state=held") == []


async def test_those_of_an_account_or_of_one_batch_of_it_are_listed_alone() -> None:
    async with open_house(accounts=("default", "north")) as house:
        house.subscribing.keep(kept())
        house.subscribing.keep(kept(id="erp"))
        for number, (account, batch_id) in enumerate(
            (("default", 13), ("north", 13), ("default", 14), ("default", 13), ("", None)), 1
        ):
            endpoint_id = ("crm", "erp")[number % 2]
            house.subscribing.owe(a_delivery(number, endpoint_id, now=NOON, account=account, batch_id=batch_id))
        assert await ids(house, "/v1/deliveries?account=default") == [4, 3, 1]
        assert await ids(house, "/v1/deliveries?account=default&batch_id=13") == [4, 1]
        assert await ids(house, "/v1/deliveries?account=default&batch_id=13&endpoint=crm") == [4]
        assert await ids(house, "/v1/deliveries?account=north&batch_id=13&state=dead") == []
        unknown = await house.ask("GET", "/v1/deliveries?account=nobody")
        assert (unknown.status, unknown.json["type"]) == (404, "/problems/unknown-account")
        assert await ids(house, "/v1/deliveries?batch_id=13") == [4, 2, 1]


async def test_a_cursor_is_good_for_the_same_account_and_batch_alone(house: House) -> None:
    house.subscribing.owe(*(a_delivery(number, now=NOON) for number in (1, 2)))
    page = await house.ask("GET", "/v1/deliveries?account=default&batch_id=13&limit=1")
    cursor = page.json["next"]
    assert await ids(house, f"/v1/deliveries?account=default&batch_id=13&limit=1&cursor={cursor}") == [1]
    other = await house.ask("GET", f"/v1/deliveries?account=default&batch_id=14&limit=1&cursor={cursor}")
    assert (other.status, other.json["type"]) == (422, "/problems/bad-cursor")


@pytest.mark.parametrize(("path", "wanted"), [("/v1/deliveries", [6, 5, 4, 3, 2, 1]), (f"{ONE}/deliveries", [6, 4, 2])])
@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7])
async def test_a_list_of_deliveries_pages_without_gap_or_repeat(
    house: House, path: str, wanted: list[int], limit: int
) -> None:
    some(house)
    seen: list[int] = []
    cursor = ""
    while True:
        page = (await house.ask("GET", f"{path}?limit={limit}{cursor}")).json
        assert len(page["items"]) <= limit
        seen += [item["id"] for item in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == wanted


async def test_a_delivery_in_a_list_is_shown_as_it_stands(house: House) -> None:
    house.subscribing.keep(kept())
    waits = a_delivery(1, now=NOON)
    ended = NOON + timedelta(seconds=1)
    fields: dict[str, Any] = {"state": DeliveryState.DEAD, "due": None, "attempts": 11, "cause": "recovery"}
    dead = a_delivery(2, now=NOON, **fields, code=500, error="x", ended=ended, in_flight=True)
    of_endpoint = a_delivery(3, now=NOON, account="", batch_id=None, event_type="endpoint.failing")
    house.subscribing.owe(waits, dead, of_endpoint)
    assert (await house.ask("GET", "/v1/deliveries")).json == {
        "items": [
            SHOWN
            | {"id": 3, "position": 103, "event_id": "evt_k3v9x2ab_default_13_3", "event_type": "endpoint.failing"}
            | {"account": None, "batch_id": None},
            SHOWN
            | {"id": 2, "position": 102, "event_id": "evt_k3v9x2ab_default_13_2", "state": "dead", "due": None}
            | {"attempts": 11, "cause": "recovery", "code": 500, "error": "x", "in_flight": True}
            | {"ended": "2026-11-23T12:00:01.000Z"},
            SHOWN,
        ],
        "next": None,
    }


async def test_a_delivery_reads_with_all_its_attempts(house: House) -> None:
    failed = answered(None, error="tls", detail="the certificate is for b.example")
    attempts = (
        AttemptRecord(attempt=TRIED, cause="schedule", outcome="returned", next_due=NOON + timedelta(seconds=30)),
        AttemptRecord(attempt=failed, cause="person", outcome="dead", next_due=None),
    )
    house.subscribing.owe(replace(a_delivery(1, now=NOON), attempts=attempts))
    assert (await house.ask("GET", "/v1/deliveries/1")).json == SHOWN | {
        "history": [
            TRIED_SHOWN | {"cause": "schedule", "outcome": "returned", "next_due": "2026-11-23T12:00:30.000Z"},
            FAILED_SHOWN | {"cause": "person", "outcome": "dead", "next_due": None},
        ]
    }


async def test_of_a_long_answer_the_first_16_kib_are_shown(house: House) -> None:
    house.subscribing.keep(kept())
    house.subscribing.attempts["crm"] = answered(200, answer=b"a" * 20_000)
    assert (await house.ask("POST", f"{ONE}/test")).json["answer"] == "a" * 16_384


@pytest.mark.parametrize(("method", "part"), [("GET", ""), ("POST", "/resend")])
async def test_what_is_no_delivery_id_is_refused(house: House, method: str, part: str) -> None:
    for delivery_id in ("0", "-1", "9223372036854775808", "x", "1.0"):
        answer = await house.ask(method, f"/v1/deliveries/{delivery_id}{part}")
        assert (answer.status, answer.json["type"]) == (422, "/problems/bad-delivery-id")


@pytest.mark.parametrize(("method", "part"), [("GET", ""), ("POST", "/resend")])
async def test_a_delivery_there_is_not_is_answered_as_such(house: House, method: str, part: str) -> None:
    answer = await house.ask(method, f"/v1/deliveries/7{part}")
    assert (answer.status, answer.json["type"]) == (404, "/problems/unknown-delivery")
    assert answer.json["detail"] == "There is no delivery 7."


@pytest.mark.parametrize("path", [f"{ONE}/deliveries", "/v1/deliveries?endpoint=crm"])
async def test_deliveries_of_an_endpoint_there_is_not_are_answered_as_such(house: House, path: str) -> None:
    answer = await house.ask("GET", path)
    assert (answer.status, answer.json["type"]) == (404, "/problems/unknown-endpoint")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("state=gone", "state"),
        ("endpoint=a.b", "endpoint"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("account=default&batch_id=0", "batch_id"),
        ("x=1", "x"),
    ],
)
async def test_a_query_that_is_not_right_is_refused_with_the_parameter(
    house: House, query: str, parameter: str
) -> None:
    answer = await house.ask("GET", f"/v1/deliveries?{query}")
    assert (answer.status, answer.json["type"]) == (422, "/problems/bad-query")
    assert [error["parameter"] for error in answer.json["errors"]] == [parameter]
    assert "There are: cursor, limit, state, endpoint, account, batch_id." in answer.json["detail"]


@pytest.mark.parametrize("cursor", ["x", "MA", "dHJ1ZQ", "IjEi", "OTIyMzM3MjAzNjg1NDc3NTgwOA"])
async def test_a_cursor_that_is_none_is_refused(house: House, cursor: str) -> None:
    answer = await house.ask("GET", f"/v1/deliveries?cursor={cursor}")
    assert (answer.status, answer.json["type"]) == (422, "/problems/bad-cursor")


async def test_a_delivery_is_sent_again_with_a_full_schedule(house: House) -> None:
    house.subscribing.owe(a_delivery(1, now=NOON, state=DeliveryState.DEAD, attempts=11, due=None))
    house.clock.turn(seconds=5)
    answer = await house.ask("POST", "/v1/deliveries/1/resend")
    again = SHOWN | {"due": "2026-11-23T12:00:05.000Z", "cause": "person", "history": []}
    assert (answer.status, answer.json) == (200, again)
    assert (await house.ask("GET", "/v1/deliveries/1")).json == again
    refused = await house.ask("POST", "/v1/deliveries/1/resend", json={"now": True})
    assert refused.json["errors"] == [{"pointer": "/now", "message": "There is no such key"}]


@pytest.mark.parametrize("kind", ["in-flight", "not-active"])
async def test_what_cannot_be_sent_again_now_is_refused_with_the_reason(house: House, kind: Any) -> None:
    house.subscribing.owe(a_delivery(1, now=NOON))
    house.subscribing.refusals["resend"] = [Refused(kind=kind, detail="Wait for it to end.")]
    answer = await house.ask("POST", "/v1/deliveries/1/resend")
    assert (answer.status, answer.json["type"], answer.json["detail"]) == (
        409,
        f"/problems/{kind}",
        "Wait for it to end.",
    )


async def test_a_sample_is_answered_with_the_attempt_whatever_the_receiver_said(house: House) -> None:
    house.subscribing.keep(kept())
    house.subscribing.attempts["crm"] = TRIED
    answer = await house.ask("POST", f"{ONE}/test", json={"type": "delivery.exhausted"})
    assert (answer.status, answer.json) == (200, TRIED_SHOWN | {"type": "delivery.exhausted", "accepted": False})
    failed = answered(None, error="tls", detail="the certificate is for b.example")
    house.subscribing.attempts["crm"] = failed
    answer = await house.ask("POST", f"{ONE}/test", json={"type": "batch.active"})
    assert answer.json == FAILED_SHOWN | {"type": "batch.active", "accepted": False}
    house.subscribing.attempts["crm"] = answered(204)
    answer = await house.ask("POST", f"{ONE}/test")
    wanted = FAILED_SHOWN | {"code": 204, "error": None, "detail": None, "type": "ping", "accepted": True}
    assert (answer.status, answer.json) == (200, wanted)
    assert [asked[2] for asked in house.subscribing.asked] == ["delivery.exhausted", "batch.active", "ping"]


async def test_a_recovery_says_how_many_there_were_and_how_to_go_on(house: House) -> None:
    house.subscribing.keep(kept())
    house.subscribing.recovered = Recovered(counts={"dead": 3, "missing": 1}, after=2000)
    house.clock.turn(hours=1, seconds=0.0009)
    answer = await house.ask("POST", f"{ONE}/recover", json={"since": "2026-11-23T13:00:00.500999+01:00"})
    first = {
        "counts": {"dead": 3, "held": 0, "missing": 1},
        "after": 2000,
        "since": "2026-11-23T12:00:00.500Z",
        "until": "2026-11-23T13:00:00.000Z",
        "dry_run": False,
    }
    assert (answer.status, answer.json) == (200, first)
    house.clock.turn(hours=1)
    house.subscribing.recovered = Recovered(counts={"dead": 1}, after=None)
    body = {name: answer.json[name] for name in ("since", "until", "after")} | {"states": ["dead"], "dry_run": True}
    answer = await house.ask("POST", f"{ONE}/recover", json=body)
    assert answer.json == first | {"counts": {"dead": 1}, "after": None, "dry_run": True}
    since, until = NOON + timedelta(milliseconds=500), NOON + timedelta(hours=1)
    dead: frozenset[Any] = frozenset({"dead"})
    assert house.subscribing.asked == [
        ("recover", Recovery(endpoint_id="crm", since=since, until=until), False),
        ("recover", Recovery(endpoint_id="crm", since=since, until=until, states=dead, after=2000), True),
    ]


async def test_what_cannot_be_recovered_now_is_refused_with_the_reason(house: House) -> None:
    house.subscribing.keep(kept())
    house.subscribing.refusals["recover"] = [
        Refused(kind="not-active", detail="Enable it first."),
        Refused(kind="bad-endpoint", detail="It lies in the future.", pointer="/since"),
    ]
    body = {"since": "2026-11-23T00:00:00Z"}
    answer = await house.ask("POST", f"{ONE}/recover", json=body)
    assert (answer.status, answer.json["type"]) == (409, "/problems/not-active")
    answer = await house.ask("POST", f"{ONE}/recover", json=body)
    assert (answer.status, answer.json["errors"]) == (422, [{"pointer": "/since", "message": "It lies in the future"}])


async def test_an_event_about_an_endpoint_stands_in_the_log_as_it_was_sent_without_an_account() -> None:
    class OneEvent(FakeStore):
        async def events(self, query: EventQuery) -> list[Recorded]:
            body = b'{"type":"endpoint.failing","timestamp":"2026-11-23T12:00:00.000Z","data":{"endpoint":"crm","number":1}}'
            event = Recorded(
                position=7,
                id="ept_k3v9x2ab_crm_1",
                type="endpoint.failing",
                at=NOON,
                account="",
                batch_id=None,
                number=1,
                body=body,
                endpoint="crm",
            )
            return [event] if query.types == ("endpoint.failing",) else []

    async with open_house(store=OneEvent(FakeClock())) as house:
        assert (await house.ask("GET", "/v1/events?type=endpoint.failing")).json == {
            "items": [
                {
                    "position": 7,
                    "id": "ept_k3v9x2ab_crm_1",
                    "type": "endpoint.failing",
                    "timestamp": "2026-11-23T12:00:00.000Z",
                    "data": {"endpoint": "crm", "number": 1},
                }
            ],
            "next": 7,
        }


async def test_with_a_token_nobody_else_has_to_do_with_deliveries() -> None:
    async with open_house(token="t" * 20) as house:
        house.subscribing.keep(kept())
        house.subscribing.owe(a_delivery(1, now=NOON))
        for method, path in (
            ("GET", "/v1/deliveries"),
            ("GET", "/v1/deliveries/1"),
            ("POST", "/v1/deliveries/1/resend"),
        ):
            assert (await house.ask(method, path)).status == 401
            assert (await house.ask(method, path, headers={"Authorization": "Bearer " + "t" * 20})).status == 200
