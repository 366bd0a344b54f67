"""Following, reading and stopping broadcasts over HTTP."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes import NOON
from tests.web.house import House, open_house
from watcher.ports import BroadcastView

ONE = "/v1/accounts/default/broadcasts/9"
PLACE = ("default", 9)

NEW: dict[str, Any] = {
    "account": "default",
    "broadcast_id": 9,
    "kind": None,
    "followed": True,
    "labels": {},
    "correlation_id": None,
    "opened": "2026-11-23T12:00:00.000Z",
    "batches": 0,
    "listed": None,
    "note": "",
}
BODY: dict[str, Any] = {"kind": "call", "labels": {"campaign": "autumn"}, "correlation_id": "c-1"}


async def test_following_a_new_broadcast_answers_201_with_its_place_and_how_it_stands(house: House) -> None:
    answer = await house.ask("PUT", ONE)
    assert (answer.status, answer.headers["Location"], answer.json) == (201, ONE, NEW)
    assert (await house.ask("GET", answer.headers["Location"])).json == NEW


async def test_following_a_known_broadcast_answers_200_and_keeps_what_is_not_said_again(house: House) -> None:
    assert (await house.ask("PUT", ONE, json=BODY)).json == NEW | BODY
    house.clock.turn(hours=1)
    for again in (None, {}, {"kind": None, "labels": None, "correlation_id": None}):
        answer = await house.ask("PUT", ONE, json=again)
        assert (answer.status, answer.json) == (200, NEW | BODY)
        assert "Location" not in answer.headers
    changed = await house.ask("PUT", ONE, json={"labels": {}, "kind": "text"})
    assert changed.json == NEW | {"labels": {}, "kind": "text", "correlation_id": "c-1"}


async def test_a_broadcast_reads_as_it_stands_now(house: House) -> None:
    await house.ask("PUT", ONE)
    listed = NOON + timedelta(minutes=1)
    house.following.views[PLACE] = replace(
        house.following.views[PLACE], batches=5000, listed=listed, note="CallFire answered 404"
    )
    shown = NEW | {"batches": 5000, "listed": "2026-11-23T12:01:00.000Z", "note": "CallFire answered 404"}
    assert (await house.ask("GET", ONE)).json == shown
    assert (await house.ask("PUT", ONE)).json == shown


async def test_a_broadcast_that_polling_does_not_speak_of_yet_is_shown_as_it_is_kept(house: House) -> None:
    house.following.silent = True
    answer = await house.ask("PUT", ONE, json=BODY)
    assert (answer.status, answer.json) == (201, NEW | BODY)


async def test_a_stopped_broadcast_is_followed_no_more_and_what_is_known_of_it_stays(house: House) -> None:
    await house.ask("PUT", ONE, json=BODY)
    answer = await house.ask("DELETE", ONE)
    assert (answer.status, answer.body) == (204, b"")
    shown = await house.ask("GET", ONE)
    assert (shown.status, shown.json) == (200, NEW | BODY | {"followed": False})
    again = await house.ask("DELETE", ONE)
    assert (again.status, again.json["type"]) == (404, "/problems/broadcast-not-followed")
    assert (await house.ask("PUT", ONE)).status == 201


async def test_what_was_never_followed_is_not_there(house: House) -> None:
    for method in ("GET", "DELETE"):
        answer = await house.ask(method, ONE)
        assert (answer.status, answer.headers["Content-Type"]) == (404, "application/problem+json")
        assert answer.json == {
            "type": "/problems/broadcast-not-followed",
            "title": "The broadcast is not followed",
            "status": 404,
            "detail": "Broadcast 9 of account 'default' is not followed. PUT to this path follows it.",
        }


@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
@pytest.mark.parametrize("broadcast_id", ["0", "-1", "9223372036854775808", "abc", "1.0", "%20"])
async def test_what_is_no_broadcast_id_is_refused_with_what_is_wanted(
    house: House, method: str, broadcast_id: str
) -> None:
    answer = await house.ask(method, f"/v1/accounts/default/broadcasts/{broadcast_id}")
    assert (answer.status, answer.json["type"]) == (422, "/problems/bad-broadcast-id")
    assert "is no broadcast id: a whole number from 1 to 9223372036854775807" in answer.json["detail"]
    assert house.following.views == {}


@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE"])
async def test_an_unknown_account_is_answered_with_those_there_are(method: str) -> None:
    async with open_house(accounts=("east", "west")) as house:
        answer = await house.ask(method, "/v1/accounts/north/broadcasts/9")
        assert (answer.status, answer.json["type"]) == (404, "/problems/unknown-account")
        assert answer.json["detail"] == "There is no account 'north'. There are: east, west."


@pytest.mark.parametrize(
    ("body", "pointer", "message"),
    [
        ({"kind": "ivr"}, "/kind", "Input should be 'call' or 'text'"),
        ({"kind": 1}, "/kind", "Input should be 'call' or 'text'"),
        ({"broadcast_id": 9}, "/broadcast_id", "There is no such key"),
        ({"labels": {"a": 1}}, "/labels/a", "Input should be a valid string"),
        ([], "", "Input should be an object, {…}"),
    ],
)
async def test_a_body_that_is_not_right_is_refused_with_the_place(
    house: House, body: Any, pointer: str, message: str
) -> None:
    answer = await house.ask("PUT", ONE, json=body)
    assert (answer.status, answer.json["type"]) == (422, "/problems/bad-body")
    assert answer.json["errors"] == [{"pointer": pointer, "message": message}]
    assert house.following.views == {}


async def test_all_that_is_wrong_with_a_body_is_said_at_once(house: House) -> None:
    answer = await house.ask("PUT", ONE, json={"kind": "ivr", "x": 1, "correlation_id": 2, "labels": []})
    assert {error["pointer"] for error in answer.json["errors"]} == {"/kind", "/x", "/correlation_id", "/labels"}


async def test_with_a_token_nobody_else_follows_a_broadcast() -> None:
    async with open_house(token="t" * 20) as house:
        for method in ("PUT", "GET", "DELETE"):
            assert (await house.ask(method, ONE)).status == 401
        assert (await house.ask("PUT", ONE, headers={"Authorization": "Bearer " + "t" * 20})).status == 201


async def test_what_its_batches_are_known_by_is_merged_into_what_there_is(house: House) -> None:
    await house.ask("PUT", ONE, json=BODY | {"labels": {"campaign": "autumn", "wave": "1"}})
    answer = await house.ask(
        "PATCH",
        ONE,
        data='{"labels": {"wave": null, "team": "blue"}}',
        headers={"Content-Type": "application/merge-patch+json"},
    )
    shown = NEW | BODY | {"labels": {"campaign": "autumn", "team": "blue"}}
    assert (answer.status, answer.json) == (200, shown)
    assert (await house.ask("PATCH", ONE, json={"correlation_id": "c-2"})).json == shown | {"correlation_id": "c-2"}
    emptied = await house.ask("PATCH", ONE, json={"labels": None, "correlation_id": None})
    assert emptied.json == NEW | {"kind": "call"} == (await house.ask("GET", ONE)).json
    assert (await house.ask("PATCH", ONE, json={})).json == emptied.json


async def test_a_broadcast_that_polling_does_not_speak_of_any_more_is_shown_as_it_was_changed(house: House) -> None:
    await house.ask("PUT", ONE)
    views = [dict(await house.following.broadcasts(PLACE[0], [PLACE[1]])), {}]

    async def spoken(*_: object) -> Mapping[int, BroadcastView]:
        return views.pop(0)

    house.following.broadcasts = spoken  # type: ignore[method-assign, assignment] # it is stopped in between
    assert (await house.ask("PATCH", ONE, json={"labels": {"a": "b"}})).json == NEW | {"labels": {"a": "b"}}


async def test_only_a_broadcast_that_is_followed_can_be_changed(house: House) -> None:
    assert (await house.ask("PATCH", ONE, json={})).json["type"] == "/problems/broadcast-not-followed"
    await house.ask("PUT", ONE)
    await house.ask("DELETE", ONE)
    assert (await house.ask("PATCH", ONE, json={})).json["type"] == "/problems/broadcast-not-followed"
    labels = {f"l{number}": "x" for number in range(51)}
    await house.ask("PUT", ONE)
    answer = await house.ask("PATCH", ONE, json={"labels": labels})
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/labels")


@pytest.mark.parametrize("limit", [1, 2, 5])
async def test_broadcasts_are_listed_and_page_without_gap_or_repeat(limit: int) -> None:
    async with open_house(accounts=("west", "east")) as house:
        for account, broadcast_id in (("west", 1), ("east", 7), ("east", 3), ("west", 2)):
            await house.ask("PUT", f"/v1/accounts/{account}/broadcasts/{broadcast_id}")
        await house.ask("DELETE", "/v1/accounts/east/broadcasts/3")

        async def listed(query: str = "") -> list[tuple[str, int]]:
            found: list[tuple[str, int]] = []
            path: str | None = f"/v1/broadcasts?limit={limit}{query}"
            while path is not None:
                answer = await house.ask("GET", path)
                found += [(item["account"], item["broadcast_id"]) for item in answer.json["items"]]
                path = answer.headers.get("Link", "").removeprefix("<").removesuffix('>; rel="next"') or None
            return found

        assert await listed() == [("east", 3), ("east", 7), ("west", 1), ("west", 2)]
        assert await listed("&followed=true") == [("east", 7), ("west", 1), ("west", 2)]
        assert await listed("&followed=false") == [("east", 3)]
        assert await listed("&account=west&account=east&account=west") == await listed()
        house.following.silent = True
        assert await listed("&account=west") == [("west", 1), ("west", 2)]


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("account=nobody", "unknown-account"),
        ("cursor=x", "bad-cursor"),
        ("cursor=WyJ4IixbImEiLDBdXQ", "bad-cursor"),
        ("followed=maybe", "bad-query"),
        ("x=1", "bad-query"),
    ],
)
async def test_a_list_of_broadcasts_that_cannot_be_is_refused(house: House, query: str, kind: str) -> None:
    assert (await house.ask("GET", f"/v1/broadcasts?{query}")).json["type"] == f"/problems/{kind}"
