"""The log of events and the accounts over HTTP."""

from dataclasses import asdict

import pytest

from tests.web.house import RANK, House, open_house

ACCOUNT = {
    "name": "default",
    "condition": "throttled",
    "reason": "CallFire answered 429",
    "until": "2026-11-23T12:00:09.000Z",
    "rate": 5.0,
    "effective_rate": 2.5,
    "in_flight": 1,
    "open": 3,
    "overdue": 2,
    "last_step": "2026-11-23T12:00:00.000Z",
    "used": 1.25,
    "looks_per_request": 8.0,
    "change_percentage": 25.0,
}

LEARNT = {
    "ends": 52,
    "sizes": [
        {"from": 1001, "to": 3162, "ends": 41.3, "p50": 4.2, "p90": 30.1},
        {"from": 3163, "to": 10_000, "ends": 9.5, "p50": None, "p90": None},
        {"from": None, "to": None, "ends": 10.5, "p50": 0.2, "p90": 86_400.0},
    ],
}


async def some_events(house: House) -> None:
    for batch_id in (1, 2):
        await house.ask("PUT", f"/v1/accounts/default/batches/{batch_id}")
    await house.see(1, "NEW", "VALIDATING", "ACTIVE")
    await house.see(2, "ERRORS")


async def kinds(house: House, query: str = "") -> list[str]:
    answer = await house.ask("GET", f"/v1/events{query}")
    assert answer.status == 200, answer.json
    return [item["type"] for item in answer.json["items"]]


async def test_an_event_is_shown_as_it_was_sent_with_its_place_in_the_log(house: House) -> None:
    await some_events(house)
    (event,) = (await house.ask("GET", "/v1/events?limit=1")).json["items"]
    assert event == {
        "position": event["position"],
        "id": event["id"],
        "type": "batch.new",
        "timestamp": "2026-11-23T12:00:02.120Z",
        "data": {
            "account": "default",
            "batch_id": 1,
            "broadcast_id": None,
            "name": None,
            "number": 1,
            "status": "NEW",
            "previous_status": None,
            "skipped": [],
            "final": False,
            "expected": True,
            "size": None,
            "remaining": None,
            "enabled": None,
            "window": {"after": None, "by": "2026-11-23T12:00:02.120Z"},
            "labels": {},
            "correlation_id": None,
        },
    }
    assert event["id"].startswith("evt_")
    assert event["id"].endswith("_default_1_1")


async def test_events_are_read_on_from_where_the_last_answer_ended(house: House) -> None:
    assert (await house.ask("GET", "/v1/events")).json == {"items": [], "next": 0}
    await some_events(house)
    seen, after = [], 0
    while items := (answer := (await house.ask("GET", f"/v1/events?limit=3&after={after}")).json)["items"]:
        seen += [item["position"] for item in items]
        after = answer["next"]
    assert len(seen) == 4
    assert seen == sorted(set(seen))
    assert answer == {"items": [], "next": seen[-1]}


async def test_where_there_may_be_more_the_header_link_leads_there(house: House) -> None:
    await some_events(house)
    path, seen = "/v1/events?type=batch.*&limit=3", []
    answer = await house.ask("GET", path)
    seen += [item["position"] for item in answer.json["items"]]
    link = answer.headers["Link"]
    assert link == f'<{path}&after={seen[-1]}>; rel="next"'
    answer = await house.ask("GET", link.removeprefix("<").partition(">")[0])
    seen += [item["position"] for item in answer.json["items"]]
    assert len(seen) == len(set(seen)) == 4
    assert "Link" not in answer.headers


async def test_events_are_filtered(house: House) -> None:
    await some_events(house)
    everything = ["batch.new", "batch.validating", "batch.active", "batch.errors"]
    assert await kinds(house) == everything
    assert await kinds(house, "?type=*") == everything
    assert await kinds(house, "?type=batch.*") == everything
    assert await kinds(house, "?type=batch.active&type=batch.errors") == ["batch.active", "batch.errors"]
    assert await kinds(house, "?type=account.*&type=watch.*") == []
    assert await kinds(house, "?batch_id=2") == ["batch.errors"]
    assert await kinds(house, "?account=default&batch_id=1&type=batch.new") == ["batch.new"]


@pytest.mark.parametrize("kind", ["batch.gone", "nothing.*", "batch", "", ".*"])
async def test_a_type_there_is_not_is_answered_with_those_there_are(house: House, kind: str) -> None:
    answer = await house.ask("GET", f"/v1/events?type={kind}")
    assert (answer.status, answer.json["type"]) == (422, "/problems/bad-query")
    assert answer.json["errors"] == [{"parameter": "type", "message": f"There is no event type {kind!r}"}]
    assert "batch.validating" in answer.json["detail"]


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("after=-1", "after"),
        ("after=x", "after"),
        (f"after={2**63}", "after"),
        ("batch_id=0", "batch_id"),
        (f"batch_id={2**63}", "batch_id"),
        ("account=%00", "account"),
        ("limit=1001", "limit"),
        ("since=1", "since"),
    ],
)
async def test_a_query_that_is_not_right_is_refused_with_the_parameter(
    house: House, query: str, parameter: str
) -> None:
    answer = await house.ask("GET", f"/v1/events?{query}")
    assert (answer.status, answer.json["type"]) == (422, "/problems/bad-query")
    assert [error["parameter"] for error in answer.json["errors"]] == [parameter]
    assert "There are: after, limit, type, account, batch_id." in answer.json["detail"]


async def test_accounts_are_shown_as_they_are_now_and_one_by_itself_with_what_it_has_learnt() -> None:
    async with open_house(accounts=("west", "default")) as house:
        page = (await house.ask("GET", "/v1/accounts")).json
        assert page == {"items": [ACCOUNT | {"name": "west"}, ACCOUNT], "next": None}
        assert (await house.ask("GET", "/v1/accounts/default")).json == ACCOUNT | {
            "learnt": LEARNT,
            "streamrank": asdict(RANK),
        }


@pytest.mark.parametrize("path", ["/v1/accounts/north", "/v1/events?account=north"])
async def test_an_account_there_is_not_is_answered_with_those_there_are(house: House, path: str) -> None:
    answer = await house.ask("GET", path)
    assert (answer.status, answer.json["detail"]) == (404, "There is no account 'north'. There are: default.")


async def test_very_many_accounts_are_not_all_named() -> None:
    async with open_house(accounts=[f"a{number}" for number in range(25)]) as house:
        detail = (await house.ask("GET", "/v1/accounts/" + "x" * 300)).json["detail"]
        assert "a19 and 5 more." in detail
        assert len(detail) < 400
