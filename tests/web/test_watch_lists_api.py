"""Lists of watches: what may be asked for, paging that stays right, and rows answered a line each."""

import json
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes import NOON
from tests.web.house import House, listed, open_house
from watcher.core.model import Key
from watcher.web.cursors import cursor_of

NDJSON = "application/x-ndjson"


async def of_all_kinds(house: House) -> None:
    """Of two accounts: watches with labels, of broadcasts, new, stuck, settled."""
    rows = [
        {"account": "east", "batch_id": 1, "labels": {"team": "blue", "wave": "1"}, "broadcast_id": 70},
        {"account": "east", "batch_id": 2, "labels": {"team": "blue", "wave": "2"}},
        {"account": "east", "batch_id": 3, "labels": {"team": "red:dark"}, "broadcast_id": 70},
        {"account": "west", "batch_id": 1, "labels": {"team": "blue"}, "broadcast_id": 71},
        {"account": "west", "batch_id": 4},
    ]
    assert (await house.ask("POST", "/v1/watches", json=rows)).json["created"] == 5
    await house.see(1, "NEW", account="east", broadcast_id=70)
    await house.see(2, "ACTIVE", account="east")
    house.clock.turn(hours=1)
    await house.see(1, "NEW", account="east", broadcast_id=70)  # stuck by now
    await house.see(1, "VALIDATING", account="west", broadcast_id=71)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("label=team:blue", [("east", 1), ("east", 2), ("west", 1)]),
        ("label=team:blue&label=wave:2", [("east", 2)]),
        ("label=wave:2&label=team:blue&label=wave:2", [("east", 2)]),
        ("label=team:red:dark", [("east", 3)]),
        ("label=team:", []),
        ("label=team:blue&account=west", [("west", 1)]),
        ("broadcast=70", [("east", 1), ("east", 3)]),
        ("broadcast=70&status=new", [("east", 1)]),
        ("stuck=true", [("east", 1)]),
        ("stuck=false&account=east", [("east", 2), ("east", 3)]),
        ("state=settled", [("east", 2)]),
        ("state=open&final=false&label=team:blue", [("east", 1), ("west", 1)]),
        ("since=2026-11-23T12:00:03Z", [("east", 2), ("west", 1)]),
        ("since=2026-11-23T12:00:04.120Z", [("east", 2), ("west", 1)]),
        ("since=2026-11-23T12:30:00Z", [("west", 1)]),
        ("since=2026-11-23T12:00:00Z&label=team:blue&final=false", [("east", 1), ("west", 1)]),
        ("overdue=true", [("east", 2), ("west", 4)]),
        ("overdue=true&account=west", [("west", 4)]),
        ("overdue=true&final=true", [("east", 2)]),
        ("q=BLU", [("east", 1), ("east", 2), ("west", 1)]),
        ("q=wave:2", [("east", 2)]),
        ("q=7&account=east", [("east", 1), ("east", 3)]),
        ("q=%203%20", [("east", 3)]),
        ("q=blue&stuck=true", [("east", 1)]),
        ("q=blue&since=2026-11-23T12:30:00Z", [("west", 1)]),
        ("q=2&overdue=true", [("east", 2)]),
        ("q=nobody", []),
    ],
)
async def test_watches_are_found_by_what_is_asked_of_them(query: str, found: list[tuple[str, int]]) -> None:
    async with open_house(accounts=("east", "west")) as house:
        await of_all_kinds(house)
        house.following.late = {"east": [2, 99], "west": [4]}
        assert await listed(house, f"?{query}") == found


async def test_a_stuck_watch_says_so(house: House) -> None:
    await house.ask("PUT", "/v1/accounts/default/batches/1")
    await house.see(1, "NEW")
    house.clock.turn(hours=1)
    await house.see(1, "NEW")
    (item,) = (await house.ask("GET", "/v1/watches?stuck=true")).json["items"]
    assert (item["stuck"], item["attention"]) == (True, "stuck")


@pytest.mark.parametrize(
    "query", ["", "&label=team:blue", "&broadcast=70", "&since=2026-11-23T12:00:00Z", "&overdue=true", "&q=blue"]
)
async def test_every_list_pages_by_its_link_without_gap_or_repeat(query: str) -> None:
    async with open_house(accounts=("east", "west")) as house:
        await of_all_kinds(house)
        house.following.late = {"east": [1, 2, 3], "west": [4]}
        whole = await listed(house, "?" + query)
        assert len(whole) > 1
        found: list[tuple[str, int]] = []
        path: str | None = f"/v1/watches?limit=1{query}"
        while path is not None:
            answer = await house.ask("GET", path)
            found += [(item["account"], item["batch_id"]) for item in answer.json["items"]]
            link = answer.headers.get("Link")
            assert (link is None) == (answer.json["next"] is None)
            path = None if link is None else link.removeprefix("<").removesuffix('>; rel="next"')
        assert found == whole


async def test_a_watch_that_is_made_while_somebody_pages_spoils_nothing(house: House) -> None:
    await house.ask("POST", "/v1/watches", json=[{"batch_id": number} for number in (10, 20, 30)])
    first = (await house.ask("GET", "/v1/watches?limit=2")).json
    await house.ask("POST", "/v1/watches", json=[{"batch_id": number} for number in (5, 15, 25)])
    await house.ask("DELETE", "/v1/accounts/default/batches/20")
    rest = await listed(house, f"?limit=9&cursor={first['next']}")
    assert [batch_id for _, batch_id in rest] == [25, 30]


@pytest.mark.parametrize(
    ("given_for", "used_with"),
    [
        ("", "&final=false"),
        ("&final=false", ""),
        ("&label=team:blue", "&label=team:red"),
        ("&since=2026-11-23T12:00:00Z", ""),
        ("", "&since=2026-11-23T12:00:00Z"),
        ("&account=east", "&account=west"),
        ("&q=blue", "&q=blu"),
    ],
)
async def test_a_cursor_for_other_filters_is_refused(given_for: str, used_with: str) -> None:
    async with open_house(accounts=("east", "west")) as house:
        await of_all_kinds(house)
        cursor = (await house.ask("GET", f"/v1/watches?limit=1{given_for}")).json["next"]
        answer = await house.ask("GET", f"/v1/watches?limit=1{used_with}&cursor={cursor}")
        assert (answer.status, answer.json["type"]) == (422, "/problems/bad-cursor")


@pytest.mark.parametrize(
    "place",
    [
        ["default"],
        ["default", 1.5, 0],
        ["default", True, 0],
        ["default", -1, 0],
        ["default", 2**63, 0],
        [7, 1, 0],
        ["\ud800", 1, 0],
        ["default", 1, -1],
        ["default", 1, 2**60],
        ["default", 1, "0"],
        None,
    ],
)
async def test_a_cursor_that_leads_nowhere_is_refused(house: House, place: Any) -> None:
    since = "2026-11-23T12:00:00Z"
    by_key = cursor_of(place[:2] if isinstance(place, list) and place[2:] == [0] else place, {"label": []})
    by_since = cursor_of(place, {"label": [], "since": since})
    for query in (f"cursor={by_key}", f"since={since}&cursor={by_since}"):
        answer = await house.ask("GET", f"/v1/watches?{query}")
        assert (answer.status, answer.json["type"]) == (422, "/problems/bad-cursor")
        assert "as it was given" in answer.json["detail"]


async def test_a_cursor_may_be_used_with_another_limit(house: House) -> None:
    await house.ask("POST", "/v1/watches", json=[{"batch_id": number} for number in (1, 2, 3)])
    cursor = (await house.ask("GET", "/v1/watches?limit=1")).json["next"]
    assert await listed(house, f"?limit=50&cursor={cursor}") == [("default", 2), ("default", 3)]


async def test_a_label_has_one_value(house: House) -> None:
    for path in ("/v1/watches", "/v1/stream", "/v1/events/stream"):
        answer = await house.ask("GET", f"{path}?label=team:blue&label=team:red")
        assert (answer.status, answer.json["type"]) == (422, "/problems/bad-query"), path
        message = "A label has one value: nothing has the same label with two"
        assert answer.json["errors"] == [{"parameter": "label", "message": message}]


# When a watch is given up


@pytest.mark.parametrize(
    ("given", "expires"),
    [
        (3600, "2026-11-23T13:00:00.000Z"),
        (90.5, "2026-11-23T12:01:30.500Z"),
        ("30m", "2026-11-23T12:30:00.000Z"),
        ("366d", "2027-11-24T12:00:00.000Z"),
        (60, "2026-11-23T12:01:00.000Z"),
    ],
)
async def test_after_how_long_a_watch_is_given_up_may_be_said(house: House, given: object, expires: str) -> None:
    one = "/v1/accounts/default/batches/1"
    assert (await house.ask("PUT", one, json={"expires_in": given})).json["expires"] == expires
    assert (await house.ask("PUT", one, json={"labels": {"a": "b"}})).json["expires"] == expires
    await house.ask("POST", "/v1/watches", json=[{"batch_id": 2, "expires_in": given}])
    assert [each["expires"] for each in (await house.ask("GET", "/v1/watches")).json["items"]] == [expires, expires]


@pytest.mark.parametrize("given", [59, 0, -1, "59s", "367d", "soon", True, [], 1e300])
async def test_a_span_that_is_too_short_too_long_or_none_is_refused(house: House, given: object) -> None:
    answer = await house.ask("PUT", "/v1/accounts/default/batches/1", json={"expires_in": given})
    assert (answer.status, [each["pointer"] for each in answer.json["errors"]]) == (422, ["/expires_in"])
    assert house.following.asked == []


async def test_of_two_rows_for_one_batch_the_later_says_when_it_is_given_up(house: House) -> None:
    rows = [{"batch_id": 1, "expires_in": "1h"}, {"batch_id": 1, "labels": {}}, {"batch_id": 2, "expires_in": "1h"}]
    await house.ask("POST", "/v1/watches", json=[*rows, {"batch_id": 2, "expires_in": "2h"}])
    items = (await house.ask("GET", "/v1/watches")).json["items"]
    assert [each["expires"] for each in items] == ["2026-11-23T13:00:00.000Z", "2026-11-23T14:00:00.000Z"]


# Rows, a line each


async def test_who_accepts_lines_gets_a_line_for_each_row(house: House) -> None:
    body = b'{"batch_id": 1}\n{"batch_id": }\n{"batch_id": 1}\n'
    answer = await house.ask(
        "POST", "/v1/watches", data=body, headers={"Content-Type": NDJSON, "Accept": f"{NDJSON}, */*;q=0.1"}
    )
    assert (answer.status, answer.headers["Content-Type"]) == (200, NDJSON)
    lines = [json.loads(line) for line in answer.body.splitlines()]
    assert [line["row"] for line in lines] == [0, 1, 2]
    assert [line.get("result") for line in lines] == ["created", None, "known"]
    assert lines[1]["error"]["place"] == "line 2"


async def test_no_good_line_is_a_problem_also_for_who_accepts_lines(house: House) -> None:
    answer = await house.ask("POST", "/v1/watches", data=b"{\n[\n", headers={"Content-Type": NDJSON, "Accept": NDJSON})
    assert (answer.status, answer.json["type"]) == (422, "/problems/no-good-row")
    assert [item["error"]["type"] for item in answer.json["items"]] == ["/problems/bad-json"] * 2


# What a watch is known by


async def test_labels_are_merged_into_those_there_are(house: House) -> None:
    one = "/v1/accounts/default/batches/1"
    await house.ask("PUT", one, json={"labels": {"team": "blue", "wave": "1"}, "correlation_id": "c-1"})
    for media in ("application/json", "application/merge-patch+json"):
        patch = {"labels": {"team": "red", "wave": None, "kind": media}}
        answer = await house.ask("PATCH", one, data=json.dumps(patch), headers={"Content-Type": media})
        assert answer.status == 200
        assert (answer.json["labels"], answer.json["correlation_id"]) == ({"team": "red", "kind": media}, "c-1")
        assert (await house.ask("GET", one)).json == answer.json
    assert (await house.ask("PATCH", one, json={"correlation_id": None})).json["correlation_id"] is None
    assert (await house.ask("PATCH", one, json={})).json["labels"] == {"team": "red", "kind": media}
    assert (await house.ask("PATCH", one, json={"labels": None})).json["labels"] == {}
    assert await listed(house, "?label=team:red") == []


async def test_events_after_a_change_bear_the_new_labels_and_those_before_keep_theirs(house: House) -> None:
    one = "/v1/accounts/default/batches/1"
    await house.ask("PUT", one, json={"labels": {"team": "blue"}, "correlation_id": "old"})
    await house.see(1, "NEW")
    await house.ask("PATCH", one, json={"labels": {"team": "red", "x": "y"}, "correlation_id": "new"})
    house.clock.turn(hours=1)
    await house.see(1, "NEW", "ACTIVE")
    events = (await house.ask("GET", "/v1/events")).json["items"]
    assert [(each["type"], each["data"]["labels"], each["data"]["correlation_id"]) for each in events] == [
        ("batch.new", {"team": "blue"}, "old"),
        ("batch.stuck", {"team": "red", "x": "y"}, "new"),
        ("batch.unstuck", {"team": "red", "x": "y"}, "new"),
        ("batch.active", {"team": "red", "x": "y"}, "new"),
    ]


@pytest.mark.parametrize(
    ("patch", "pointer"),
    [
        ({"labels": {"": "x"}}, "/labels/"),
        ({"labels": {"a": 1}}, "/labels/a"),
        ({"labels": []}, "/labels"),
        ({"correlation_id": 7}, "/correlation_id"),
        ({"status": "ACTIVE"}, "/status"),
        ({"labels": {f"l{number}": "x" for number in range(50)}}, "/labels"),
        ([], ""),
    ],
)
async def test_a_patch_that_is_not_right_changes_nothing(house: House, patch: Any, pointer: str) -> None:
    one = "/v1/accounts/default/batches/1"
    before = (await house.ask("PUT", one, json={"labels": {"team": "blue"}})).json
    answer = await house.ask("PATCH", one, json=patch)
    assert (answer.status, [each["pointer"] for each in answer.json["errors"]]) == (422, [pointer])
    assert (await house.ask("GET", one)).json == before


async def test_a_patch_of_another_kind_is_refused(house: House) -> None:
    await house.ask("PUT", "/v1/accounts/default/batches/1")
    answer = await house.ask(
        "PATCH", "/v1/accounts/default/batches/1", data="[]", headers={"Content-Type": "application/json-patch+json"}
    )
    assert (answer.status, answer.json["type"]) == (415, "/problems/bad-media-type")


async def test_what_is_not_followed_has_no_labels_to_change(house: House) -> None:
    one = "/v1/accounts/default/batches/1"
    assert (await house.ask("PATCH", one, json={})).json["type"] == "/problems/not-followed"
    await house.ask("PUT", one)

    async def stopped(*_: object) -> None:
        await house.store.stop(Key("default", 1))

    house.following.relabel = stopped  # type: ignore[method-assign,assignment] # somebody stops it in between
    assert (await house.ask("PATCH", one, json={})).json["type"] == "/problems/not-followed"


# Accounts


async def test_an_account_is_asked_again_where_somebody_says_so(house: House) -> None:
    answer = await house.ask("POST", "/v1/accounts/default/resume")
    assert (answer.status, answer.json) == (200, (await house.ask("GET", "/v1/accounts/default")).json)
    assert house.following.resumed == ["default"]


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [("/v1/accounts/nobody/resume", {}, "unknown-account"), ("/v1/accounts/default/resume", {"now": 1}, "bad-body")],
)
async def test_what_cannot_be_resumed_is_refused(house: House, path: str, body: object, kind: str) -> None:
    assert (await house.ask("POST", path, json=body)).json["type"] == f"/problems/{kind}"
    assert house.following.resumed == []


async def test_a_watch_made_now_is_listed_by_when_it_was_seen(house: House) -> None:
    await house.ask("PUT", "/v1/accounts/default/batches/1")
    assert await listed(house, f"?since={(NOON - timedelta(days=1)).isoformat().replace('+00:00', 'Z')}") == []
