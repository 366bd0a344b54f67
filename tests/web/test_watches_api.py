"""Following, reading, listing and stopping watches over HTTP."""

import gzip
import io
import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes import NOON
from tests.web.house import House, listed, open_house
from watcher.core.model import Key, LastLook
from watcher.ports import Eta

ONE = "/v1/accounts/default/batches/13"
NDJSON = {"Content-Type": "application/x-ndjson"}
GENTLE = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

NEW_WATCH: dict[str, Any] = {
    "account": "default",
    "batch_id": 13,
    "broadcast_id": None,
    "name": None,
    "status": None,
    "since": None,
    "final": False,
    "state": "open",
    "created": None,
    "size": None,
    "remaining": None,
    "enabled": None,
    "opened": "2026-11-23T12:00:00.000Z",
    "stuck": False,
    "attention": None,
    "looks": 0,
    "last_look": None,
    "next_look": None,
    "eta": None,
    "expires": None,
    "labels": {},
    "correlation_id": None,
    "transitions": [],
}


async def test_following_a_new_batch_answers_201_with_its_place_and_the_watch(house: House) -> None:
    answer = await house.ask("PUT", ONE)
    assert (answer.status, answer.headers["Location"], answer.json) == (201, ONE, NEW_WATCH)
    assert (await house.ask("GET", answer.headers["Location"])).json == NEW_WATCH


async def test_following_a_known_batch_answers_200_and_keeps_what_is_not_said_again(house: House) -> None:
    body = {"labels": {"campaign": "autumn"}, "correlation_id": "c-1"}
    assert (await house.ask("PUT", ONE, json=body)).json == NEW_WATCH | body
    for again in (None, {}, {"labels": None, "correlation_id": None}):
        answer = await house.ask("PUT", ONE, json=again)
        assert (answer.status, answer.json) == (200, NEW_WATCH | body)
        assert "Location" not in answer.headers
    changed = await house.ask("PUT", ONE, json={"labels": {}})
    assert changed.json == NEW_WATCH | {"labels": {}, "correlation_id": "c-1"}


async def test_an_open_watch_reads_when_its_batch_will_have_ended(house: House) -> None:
    await house.ask("PUT", ONE)
    key = Key("default", 13)
    house.following.etas[key] = Eta(p50=NOON + timedelta(seconds=90.25), p90=NOON + timedelta(days=1))
    eta = {"p50": "2026-11-23T12:01:30.250Z", "p90": "2026-11-24T12:00:00.000Z"}
    assert (await house.ask("GET", ONE)).json == NEW_WATCH | {"eta": eta}
    assert (await house.ask("PUT", ONE)).json["eta"] == eta
    assert [each["eta"] for each in (await house.ask("GET", "/v1/watches")).json["items"]] == [eta]
    await house.see(13, "ACTIVE")
    assert (await house.ask("GET", ONE)).json["eta"] is None


async def test_a_settled_batch_is_opened_again_by_following_it(house: House) -> None:
    await house.ask("PUT", ONE)
    await house.see(13, "ACTIVE")
    assert (await house.ask("GET", ONE)).json["state"] == "settled"
    answer = await house.ask("PUT", ONE)
    assert (answer.status, answer.json["state"], answer.json["status"]) == (200, "open", "ACTIVE")


async def test_a_watch_reads_as_the_batch_was_last_seen_with_its_transitions(house: House) -> None:
    await house.ask("PUT", ONE, json={"labels": {"a": "b"}})
    await house.see(
        13, "NEW", "ACTIVE", name="API 14", broadcast_id=14, created=NOON, size=10, remaining=4, enabled=True
    )
    answer = await house.ask("GET", ONE)
    assert answer.status == 200
    assert answer.json == NEW_WATCH | {
        "broadcast_id": 14,
        "name": "API 14",
        "status": "ACTIVE",
        "since": "2026-11-23T12:00:04.120Z",
        "final": True,
        "state": "settled",
        "created": "2026-11-23T12:00:00.000Z",
        "size": 10,
        "remaining": 4,
        "enabled": True,
        "looks": 2,
        "last_look": {"asked": "2026-11-23T12:00:04.000Z", "answered": "2026-11-23T12:00:04.120Z"},
        "labels": {"a": "b"},
        "transitions": [
            {
                "number": 1,
                "type": "batch.new",
                "timestamp": "2026-11-23T12:00:02.120Z",
                "status": "NEW",
                "previous_status": None,
                "skipped": [],
                "window": {"after": None, "by": "2026-11-23T12:00:02.120Z"},
            },
            {
                "number": 2,
                "type": "batch.active",
                "timestamp": "2026-11-23T12:00:04.120Z",
                "status": "ACTIVE",
                "previous_status": "NEW",
                "skipped": ["VALIDATING"],
                "window": {"after": "2026-11-23T12:00:02.000Z", "by": "2026-11-23T12:00:04.120Z"},
            },
        ],
    }


async def test_an_occurrence_is_shown_among_the_transitions_as_its_event_tells_it(house: House) -> None:
    await house.ask("PUT", ONE)
    await house.see(13, "NEW")
    house.clock.turn(hours=1)
    await house.see(13, "NEW")
    stuck = (await house.ask("GET", ONE)).json["transitions"][1]
    event = (await house.ask("GET", "/v1/events")).json["items"][1]
    assert stuck == {
        "number": 2,
        "type": "batch.stuck",
        "timestamp": event["timestamp"],
        "status": "NEW",
        "previous_status": event["data"].get("previous_status"),
        "skipped": event["data"].get("skipped", []),
        "window": event["data"].get("window"),
    }


async def test_looks_that_are_not_saved_yet_are_shown(house: House) -> None:
    await house.ask("PUT", ONE)
    await house.see(13, "NEW", size=10, remaining=10)
    key = Key("default", 13)
    asked = NOON + timedelta(minutes=1)
    house.following.last[key] = LastLook(
        batch_id=13, asked=asked, answered=asked + timedelta(milliseconds=80), looks=9, size=12, remaining=None
    )
    house.following.next[key] = asked + timedelta(seconds=30)
    shown = (await house.ask("GET", ONE)).json
    assert shown["last_look"] == {"asked": "2026-11-23T12:01:00.000Z", "answered": "2026-11-23T12:01:00.080Z"}
    assert shown["next_look"] == "2026-11-23T12:01:30.000Z"
    assert (shown["looks"], shown["size"], shown["remaining"]) == (9, 12, 10)


async def test_a_look_older_than_the_stored_one_changes_nothing(house: House) -> None:
    await house.ask("PUT", ONE)
    await house.see(13, "NEW", size=10)
    before = (await house.ask("GET", ONE)).json
    house.following.last[Key("default", 13)] = LastLook(
        batch_id=13, asked=NOON, answered=NOON, looks=0, size=1, remaining=1
    )
    assert (await house.ask("GET", ONE)).json == before


async def test_a_watch_with_very_many_events_shows_all_of_them(house: House) -> None:
    await house.ask("PUT", ONE)
    for _ in range(251):
        await house.see(13, "NEW", "VALIDATING")
    numbers = [each["number"] for each in (await house.ask("GET", ONE)).json["transitions"]]
    assert numbers == list(range(1, 503))


async def test_a_stopped_batch_is_followed_no_more(house: House) -> None:
    await house.ask("PUT", ONE)
    answer = await house.ask("DELETE", ONE)
    assert (answer.status, answer.body) == (204, b"")
    for method in ("GET", "DELETE"):
        answer = await house.ask(method, ONE)
        assert (answer.status, answer.headers["Content-Type"]) == (404, "application/problem+json")
        assert answer.json == {
            "type": "/problems/not-followed",
            "title": "The batch is not followed",
            "status": 404,
            "detail": "Batch 13 of account 'default' is not followed. PUT to its own path follows it.",
        }
    assert (await house.ask("GET", "/v1/watches")).json == {"items": [], "next": None}
    assert (await house.ask("PUT", ONE)).status == 200


async def test_what_was_never_followed_is_not_there(house: House) -> None:
    for method in ("GET", "DELETE"):
        assert (await house.ask(method, ONE)).json["type"] == "/problems/not-followed"


@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
@pytest.mark.parametrize(
    "batch_id", ["0", "-1", "9223372036854775808", "99999999999999999999", "abc", "1.0", "+1", "%20", "1e3", "٣", "1_0"]
)
async def test_what_is_no_batch_id_is_refused_with_what_is_wanted(house: House, method: str, batch_id: str) -> None:
    answer = await house.ask(method, f"/v1/accounts/default/batches/{batch_id}")
    assert (answer.status, answer.json["type"]) == (422, "/problems/bad-batch-id")
    assert "from 1 to 9223372036854775807" in answer.json["detail"]
    assert house.following.asked == []


async def test_the_greatest_batch_id_is_a_batch_id(house: House) -> None:
    answer = await house.ask("PUT", f"/v1/accounts/default/batches/{2**63 - 1}")
    assert (answer.status, answer.json["batch_id"]) == (201, 2**63 - 1)


@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
async def test_an_unknown_account_is_answered_with_those_there_are(method: str) -> None:
    async with open_house(accounts=("east", "west")) as house:
        answer = await house.ask(method, "/v1/accounts/north/batches/1")
        assert answer.json == {
            "type": "/problems/unknown-account",
            "title": "There is no such account",
            "status": 404,
            "detail": "There is no account 'north'. There are: east, west.",
        }


@pytest.mark.parametrize(
    ("body", "pointer", "message"),
    [
        ({"label": {}}, "/label", "There is no such key"),
        ({"labels": []}, "/labels", "Input should be a valid dictionary"),
        ({"labels": {"a": 1}}, "/labels/a", "Input should be a valid string"),
        ({"labels": {"": "x"}}, "/labels/", "The key is not right: String should have at least 1 character"),
        ({"labels": {"a" * 101: "x"}}, "/labels/" + "a" * 101, "The key is not right: String should have at most 100 characters"),
        ({"labels": {"a": "x" * 501}}, "/labels/a", "String should have at most 500 characters"),
        ({"labels": {"a/b~c": "\x00"}}, "/labels/a~1b~0c", "It must not contain the character U+0000"),
        ({"labels": {str(n): "x" for n in range(51)}}, "/labels", "Dictionary should have at most 50 items"),
        ({"correlation_id": "x" * 201}, "/correlation_id", "String should have at most 200 characters"),
        ({"correlation_id": 7}, "/correlation_id", "Input should be a valid string"),
        ([], "", "Input should be an object, {…}"),
    ],
)  # fmt: skip
async def test_a_body_that_is_not_right_is_refused_with_the_place(
    house: House, body: Any, pointer: str, message: str
) -> None:
    answer = await house.ask("PUT", ONE, json=body)
    assert (answer.status, answer.json["type"]) == (422, "/problems/bad-body")
    (error,) = answer.json["errors"]
    assert error["pointer"] == pointer
    assert error["message"].startswith(message)
    assert error["message"] in answer.json["detail"]
    assert house.following.asked == []


async def test_all_that_is_wrong_with_a_body_is_said_at_once(house: House) -> None:
    answer = await house.ask("PUT", ONE, json={"labels": {"a": 1}, "x": 1, "correlation_id": 2})
    assert {error["pointer"] for error in answer.json["errors"]} == {"/labels/a", "/x", "/correlation_id"}
    assert answer.json["detail"].endswith("and 2 more: see errors")


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)."),
        (b'{"labels": NaN}', "NaN is no number in JSON."),
        (b'{"labels": {"a": "x", "a": "y"}}', "The key 'a' is there twice."),
        (b"[" * 100_000, "It is nested too deeply."),
        (b"\xff\xfe\xff", "codec can't decode"),
        (b'{"labels": ' + b"1" * 5_000 + b"}", "Exceeds the limit"),
    ],
)
async def test_a_body_that_is_no_json_is_refused_with_the_place(house: House, body: bytes, detail: str) -> None:
    answer = await house.ask("PUT", ONE, data=body, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.json["type"]) == (400, "/problems/bad-json")
    assert detail in answer.json["detail"]


async def test_a_body_of_another_kind_is_refused(house: House) -> None:
    answer = await house.ask("PUT", ONE, data={"labels": "x"})
    assert (answer.status, answer.json["type"]) == (415, "/problems/bad-media-type")
    assert "application/json" in answer.json["detail"]


async def test_many_are_followed_at_once_with_an_answer_per_row(house: House) -> None:
    await house.ask("PUT", ONE)
    await house.ask("PUT", "/v1/accounts/default/batches/14")
    await house.see(14, "ACTIVE")
    rows = [
        {"batch_id": 13},
        {"batch_id": 14, "account": "default"},
        {"batch_id": 15, "labels": {"a": "b"}, "correlation_id": "c"},
        {"batch_id": "16"},
        {"batch_id": 17, "account": "north"},
        {"batch_id": 15},
    ]
    answer = await house.ask("POST", "/v1/watches", json=rows)
    assert answer.status == 200
    assert answer.json == {
        "created": 1,
        "known": 2,
        "reopened": 1,
        "refused": 2,
        "items": [
            {"row": 0, "result": "known", "account": "default", "batch_id": 13},
            {"row": 1, "result": "reopened", "account": "default", "batch_id": 14},
            {"row": 2, "result": "created", "account": "default", "batch_id": 15},
            {
                "row": 3,
                "error": {
                    "type": "/problems/bad-body",
                    "title": "The body is not right",
                    "status": 422,
                    "detail": "Input should be a valid integer, at /batch_id",
                    "errors": [{"pointer": "/batch_id", "message": "Input should be a valid integer"}],
                    "place": "row 3",
                },
            },
            {
                "row": 4,
                "error": {
                    "type": "/problems/unknown-account",
                    "title": "There is no such account",
                    "status": 404,
                    "detail": "There is no account 'north'. There are: default.",
                    "place": "row 4",
                },
            },
            {"row": 5, "result": "known", "account": "default", "batch_id": 15},
        ],
    }
    assert len(house.following.asked) == 3
    shown = (await house.ask("GET", "/v1/accounts/default/batches/15")).json
    assert (shown["labels"], shown["correlation_id"]) == ({"a": "b"}, "c")


async def test_in_which_broadcast_a_batch_is_may_be_said(house: House) -> None:
    answer = await house.ask("PUT", ONE, json={"broadcast_id": 9})
    assert (answer.status, answer.json) == (201, NEW_WATCH | {"broadcast_id": 9})
    rows = [{"batch_id": 14, "broadcast_id": 9}, {"batch_id": 14, "labels": {}}, {"batch_id": 15, "broadcast_id": 0}]
    posted = await house.ask("POST", "/v1/watches", json=rows)
    assert [item.get("result") for item in posted.json["items"]] == ["created", "known", None]
    assert posted.json["items"][2]["error"]["errors"][0]["pointer"] == "/broadcast_id"
    assert (await house.ask("GET", "/v1/accounts/default/batches/14")).json["broadcast_id"] == 9
    await house.see(13, "NEW", broadcast_id=10)
    assert (await house.ask("PUT", ONE, json={"broadcast_id": 9})).json["broadcast_id"] == 10


async def test_of_two_rows_for_one_batch_the_later_counts_in_what_it_says(house: House) -> None:
    rows = [{"batch_id": 1, "labels": {"a": "1"}, "correlation_id": "x"}, {"batch_id": 1, "labels": {"b": "2"}}]
    await house.ask("POST", "/v1/watches", json=rows)
    shown = (await house.ask("GET", "/v1/accounts/default/batches/1")).json
    assert (shown["labels"], shown["correlation_id"]) == ({"b": "2"}, "x")


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        (b'{"batch_id": ', "Expecting value: line 1 column 14 (char 13)."),
        (b'{"batch_id": 3, "batch_id": 4}', "The key 'batch_id' is there twice."),
        (b'{"batch_id": NaN}', "NaN is no number in JSON."),
        (b"\xff", "'utf-8' codec can't decode byte 0xff in position 0: invalid start byte."),
    ],
)
async def test_a_malformed_ndjson_row_spoils_no_other(house: House, line: bytes, detail: str) -> None:
    body = b'{"batch_id": 1}\r\n\n' + line + b'\n{"batch_id": 2}'
    answer = await house.ask("POST", "/v1/watches", data=body, headers=NDJSON)
    assert (answer.status, answer.json) == (
        200,
        {
            "created": 2,
            "known": 0,
            "reopened": 0,
            "refused": 1,
            "items": [
                {"row": 0, "result": "created", "account": "default", "batch_id": 1},
                {
                    "row": 1,
                    "error": {
                        "type": "/problems/bad-json",
                        "title": "The body is not JSON",
                        "status": 400,
                        "detail": detail,
                        "place": "line 3",
                    },
                },
                {"row": 2, "result": "created", "account": "default", "batch_id": 2},
            ],
        },
    )


async def test_a_row_that_is_no_object_is_told_what_one_is(house: House) -> None:
    answer = await house.ask("POST", "/v1/watches", json=[5, {"batch_id": 1}])
    assert answer.json["items"][0]["error"] == {
        "type": "/problems/bad-body",
        "title": "The body is not right",
        "status": 422,
        "detail": 'A row is an object such as {"batch_id": 13}.',
        "place": "row 0",
    }


async def test_the_account_must_be_named_where_there_are_several() -> None:
    async with open_house(accounts=("east", "west")) as house:
        answer = await house.ask("POST", "/v1/watches", json=[{"batch_id": 1}, {"batch_id": 1, "account": "west"}])
        assert answer.json["items"][0]["error"]["detail"] == "Name the account, one of: east, west."
        assert answer.json["items"][1] == {"row": 1, "result": "created", "account": "west", "batch_id": 1}


async def test_where_no_row_is_right_the_answer_is_422_and_nothing_is_done(house: House) -> None:
    answer = await house.ask("POST", "/v1/watches", json=[{"batch_id": 0}, 7])
    assert (answer.status, answer.json["type"]) == (422, "/problems/no-good-row")
    assert [item["row"] for item in answer.json["items"]] == [0, 1]
    assert answer.json["detail"].startswith("Nothing was done. The first: Input should be greater than or equal to 1")
    assert house.following.asked == []


async def test_no_rows_are_no_trouble(house: House) -> None:
    nothing = {"created": 0, "known": 0, "reopened": 0, "refused": 0, "items": []}
    assert (await house.ask("POST", "/v1/watches", json=[])).json == nothing
    assert (await house.ask("POST", "/v1/watches", data=b"\n", headers=NDJSON)).json == nothing


async def test_ten_thousand_rows_are_taken_and_one_more_is_not(house: House) -> None:
    lines = [json.dumps({"batch_id": number}) for number in range(1, 10_002)]
    for body, headers in (
        ("\n".join(lines), NDJSON),
        (f"[{','.join(lines)}]", {"Content-Type": "application/json"}),
    ):
        answer = await house.ask("POST", "/v1/watches", data=body, headers=headers)
        assert (answer.status, answer.json["type"]) == (422, "/problems/too-many-rows")
        assert "10001 rows are more than 10000: nothing was done" in answer.json["detail"]
    assert house.following.asked == []
    answer = await house.ask("POST", "/v1/watches", data="\n".join(lines[:-1]), headers=NDJSON)
    assert (answer.status, answer.json["created"]) == (200, 10_000)
    assert len(house.following.asked) == 1


async def test_a_body_over_the_limit_is_refused_and_nothing_is_done(house: House) -> None:
    row = json.dumps({"batch_id": 1, "correlation_id": "x" * 150}).encode()
    for method, path in (("POST", "/v1/watches"), ("PUT", ONE)):
        body = io.BytesIO(b"\n".join([row] * 30_000))
        answer = await house.ask(method, path, data=body, headers=NDJSON)
        assert (answer.status, answer.json["type"]) == (413, "/problems/body-too-large")
        assert "4194304 bytes" in answer.json["detail"]
    assert house.following.asked == []


async def test_a_small_body_that_becomes_large_is_refused(house: House) -> None:
    body = gzip.compress(b" " * 8_000_000)
    answer = await house.ask("POST", "/v1/watches", data=body, headers=NDJSON | {"Content-Encoding": "gzip"})
    assert (answer.status, answer.json["type"]) == (413, "/problems/body-too-large")


async def test_a_body_with_a_broken_encoding_is_refused(house: House) -> None:
    headers = NDJSON | {"Content-Encoding": "gzip"}
    answer = await house.ask("POST", "/v1/watches", data=b"no gzip at all", headers=headers)
    assert (answer.status, answer.json["type"]) == (400, "/problems/bad-encoding")


@pytest.mark.parametrize("kind", ["text/csv", "application/x-www-form-urlencoded", "application/octet-stream"])
async def test_rows_of_another_kind_are_refused(house: House, kind: str) -> None:
    answer = await house.ask("POST", "/v1/watches", data=b"1", headers={"Content-Type": kind})
    assert (answer.status, answer.json["type"]) == (415, "/problems/bad-media-type")
    assert "application/x-ndjson" in answer.json["detail"]


@pytest.mark.parametrize(("body", "kind"), [(b"{}", "bad-body"), (b"[1,", "bad-json"), (b"", "bad-json")])
async def test_what_is_no_list_of_rows_is_refused(house: House, body: bytes, kind: str) -> None:
    answer = await house.ask("POST", "/v1/watches", data=body, headers={"Content-Type": "application/json"})
    assert answer.json["type"] == f"/problems/{kind}"


async def filled(house: House) -> None:
    rows = [{"account": account, "batch_id": number} for account in ("east", "west") for number in range(1, 5)]
    assert (await house.ask("POST", "/v1/watches", json=rows)).json["created"] == 8
    await house.see(1, "NEW", account="east")
    await house.see(2, "ACTIVE", account="east")
    await house.see(1, "PONDERING", account="west")
    await house.ask("DELETE", "/v1/accounts/west/batches/4")


async def test_watches_are_listed_and_filtered() -> None:
    async with open_house(accounts=("east", "west")) as house:
        await filled(house)
        east, west = [("east", number) for number in range(1, 5)], [("west", number) for number in range(1, 4)]
        assert await listed(house, "") == east + west
        assert await listed(house, "?account=west") == west
        assert await listed(house, "?account=west&account=east") == east + west
        assert await listed(house, "?status=new") == [("east", 1)]
        assert await listed(house, "?status=PONDERING") == [("west", 1)]
        assert await listed(house, "?status=pondering") == []
        assert await listed(house, "?final=true") == [("east", 2)]
        assert await listed(house, "?final=false&account=east") == [("east", 1), ("east", 3), ("east", 4)]
        (item,) = (await house.ask("GET", "/v1/watches?final=true")).json["items"]
        whole = (await house.ask("GET", "/v1/accounts/east/batches/2")).json
        assert item == {key: value for key, value in whole.items() if key != "transitions"}


async def test_a_list_for_an_account_there_is_not_is_answered_with_those_there_are() -> None:
    async with open_house(accounts=("east", "west")) as house:
        answer = await house.ask("GET", "/v1/watches?account=east&account=north")
        assert (answer.status, answer.json) == (
            404,
            {
                "type": "/problems/unknown-account",
                "title": "There is no such account",
                "status": 404,
                "detail": "There is no account 'north'. There are: east, west.",
            },
        )


async def test_what_is_kept_of_an_account_that_left_the_settings_can_be_listed() -> None:
    async with open_house(accounts=("east", "west")) as house:
        await filled(house)
        house.following.accounts = ("east",)
        assert await listed(house, "?account=west") == [("west", number) for number in range(1, 4)]
        assert len((await house.ask("GET", "/v1/events?account=west")).json["items"]) == 1


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8])
async def test_a_list_pages_without_gap_or_repeat(limit: int) -> None:
    async with open_house(accounts=("east", "west")) as house:
        await filled(house)
        pages: list[list[tuple[str, int]]] = []
        cursor = ""
        while True:
            page = (await house.ask("GET", f"/v1/watches?limit={limit}{cursor}")).json
            pages.append([(item["account"], item["batch_id"]) for item in page["items"]])
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        assert [each for page in pages for each in page] == await listed(house, "")
        assert all(len(page) == limit for page in pages[:-1])
        assert pages[-1]


@pytest.mark.parametrize(
    "cursor", ["x", "%00", "W10", "WzEsMl0", "WyJhIiwxLjVd", "WyJhIix0cnVlXQ", "bnVsbA", "ä", "WyJcdWQ4MDAiLDFd", "/+"]
)
async def test_a_cursor_that_was_never_given_is_refused(house: House, cursor: str) -> None:
    answer = await house.ask("GET", f"/v1/watches?cursor={cursor}")
    assert (answer.status, answer.json["type"]) == (422, "/problems/bad-cursor")


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
        ("limit=" + "9" * 5_000, "limit"),
        ("final=perhaps", "final"),
        ("status=", "status"),
        ("status=a%00b", "status"),
        ("account=%00", "account"),
        ("state=ajar", "state"),
        ("overdue=false", "overdue"),
        ("broadcast=0", "broadcast"),
        ("since=yesterday", "since"),
        ("label=team", "label"),
        ("label=:blue", "label"),
        ("x=1", "x"),
        ("limit=1&limit=2", "limit"),
    ],
)
async def test_a_query_that_is_not_right_is_refused_with_the_parameter(
    house: House, query: str, parameter: str
) -> None:
    answer = await house.ask("GET", f"/v1/watches?{query}")
    assert (answer.status, answer.json["type"]) == (422, "/problems/bad-query")
    assert [error["parameter"] for error in answer.json["errors"]] == [parameter]


FILTERS = ("stuck", "overdue", "label", "broadcast", "since", "state")
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
rows = st.fixed_dictionaries(
    {}, optional={"batch_id": json_values, "account": json_values, "labels": json_values, "correlation_id": json_values}
)


@GENTLE
@given(text=st.text(min_size=1))
async def test_no_batch_id_whatsoever_leads_to_a_mistake_of_ours(house: House, text: str) -> None:
    path = "/v1/accounts/default/batches/" + quote(text.encode("utf-8", "replace"), safe="")
    answer = await house.ask("GET", path)
    assert answer.status in (404, 422)
    assert answer.headers["Content-Type"] == "application/problem+json"


@GENTLE
@given(
    body=st.binary()
    | json_values.map(lambda value: json.dumps(value).encode())
    | rows.map(lambda row: json.dumps(row).encode())
)
async def test_no_body_whatsoever_leads_to_a_mistake_of_ours(house: House, body: bytes) -> None:
    for kind in ("application/json", "application/x-ndjson"):
        for method, path in (("PUT", ONE), ("POST", "/v1/watches")):
            answer = await house.ask(method, path, data=body, headers={"Content-Type": kind})
            assert answer.status in (200, 201, 400, 415, 422), answer.json


@GENTLE
@given(many=st.lists(rows, max_size=5))
async def test_rows_are_answered_in_their_order_whatever_they_hold(house: House, many: list[dict[str, Any]]) -> None:
    answer = await house.ask("POST", "/v1/watches", data=json.dumps(many), headers={"Content-Type": "application/json"})
    if answer.status in (200, 422):
        assert [item["row"] for item in answer.json["items"]] == list(range(len(many)))
    else:
        assert answer.json["type"] == "/problems/bad-json"
    assert not house.ear.of(Exception)


@GENTLE
@given(
    query=st.dictionaries(
        st.sampled_from(["account", "status", "final", "cursor", "limit", "after", "type", "batch_id", "x", *FILTERS]),
        st.text(),
    )
)
async def test_no_query_whatsoever_leads_to_a_mistake_of_ours(house: House, query: dict[str, str]) -> None:
    query = {name: value.encode("utf-8", "replace").decode() for name, value in query.items()}
    for path in ("/v1/watches", "/v1/events"):
        answer = await house.ask("GET", path, params=query)
        assert answer.status in ((404, 422) if "account" in query else (200, 422)), answer.json
