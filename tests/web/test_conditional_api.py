"""What is read bears an ETag: not sent again to who has it, and not changed for who has another."""

import asyncio
from datetime import timedelta

import pytest

from tests.fakes import NOON
from tests.store.making import api_endpoint
from tests.web.house import House, open_house
from watcher.core.model import Key, LastLook
from watcher.ports import BroadcastView
from watcher.web.conditional import has_tag, tag_of

ONE = "/v1/accounts/default/batches/13"
WHOLE = "/v1/accounts/default/broadcasts/14"


async def etag(house: House, path: str = ONE) -> str:
    return (await house.ask("GET", path)).headers["ETag"]


async def test_who_has_the_watch_is_answered_304_until_it_changes(house: House) -> None:
    await house.ask("PUT", ONE)
    await house.see(13, "NEW")
    first = await house.ask("GET", ONE)
    has = {"If-None-Match": first.headers["ETag"]}
    again = await house.ask("GET", ONE, headers=has)
    assert (again.status, again.body, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    await house.see(13, "ACTIVE")
    changed = await house.ask("GET", ONE, headers=has)
    assert (changed.status, changed.json["status"]) == (200, "ACTIVE")
    assert changed.headers["ETag"] != first.headers["ETag"]


async def test_looks_that_show_nothing_new_leave_the_tag_of_a_watch_as_it_is(house: House) -> None:
    await house.ask("PUT", ONE)
    await house.see(13, "NEW", size=10)
    before = await etag(house)
    later = NOON + timedelta(minutes=1)
    house.following.last[Key("default", 13)] = LastLook(
        batch_id=13, asked=later, answered=later, looks=9, size=10, remaining=4
    )
    house.following.next[Key("default", 13)] = later + timedelta(seconds=30)
    assert await etag(house) == before


@pytest.mark.parametrize(
    "change",
    [
        ("PATCH", {"labels": {"a": "b"}}),
        ("PATCH", {"correlation_id": "c"}),
        ("PUT", {"broadcast_id": 9}),
        ("PUT", {"expires_in": "2h"}),
        ("PUT", {"labels": {"x": "y"}}),
    ],
)
async def test_whatever_is_changed_on_purpose_changes_the_tag(house: House, change: tuple[str, object]) -> None:
    await house.ask("PUT", ONE)
    before = await etag(house)
    method, body = change
    answer = await house.ask(method, ONE, json=body)
    assert answer.headers["ETag"] == await etag(house) != before


async def test_what_is_read_alone_may_be_kept_by_who_asked_and_lists_may_not(house: House) -> None:
    await house.ask("PUT", ONE)
    alone, many = await house.ask("GET", ONE), await house.ask("GET", "/v1/watches")
    assert (alone.headers["Cache-Control"], alone.headers["Vary"]) == (
        "private, no-cache",
        "Authorization, Cookie, Accept-Encoding",
    )
    assert (many.headers["Cache-Control"], "ETag" in many.headers) == ("no-store", False)


async def test_a_head_request_bears_the_tag_and_heeds_it(house: House) -> None:
    await house.ask("PUT", ONE)
    head = await house.ask("HEAD", ONE)
    assert (head.status, head.body, head.headers["ETag"]) == (200, b"", await etag(house))
    assert (await house.ask("HEAD", ONE, headers={"If-None-Match": head.headers["ETag"]})).status == 304


async def test_every_single_thing_has_a_tag_of_its_own(house: House) -> None:
    await house.ask("PUT", WHOLE)
    account, broadcast = await etag(house, "/v1/accounts/default"), await etag(house, WHOLE)
    assert account != broadcast
    assert (await house.ask("GET", WHOLE, headers={"If-None-Match": f"{account}, {broadcast}"})).status == 304
    assert (await house.ask("GET", WHOLE, headers={"If-None-Match": "*"})).status == 304
    assert (await house.ask("GET", WHOLE, headers={"If-None-Match": account})).status == 200
    house.following.views["default", 14] = BroadcastView(
        broadcast=house.following.views["default", 14].broadcast, batches=3
    )
    assert await etag(house, WHOLE) != broadcast


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "PUT"])
async def test_a_change_is_made_only_for_who_has_what_there_is(house: House, method: str) -> None:
    await house.ask("PUT", ONE)
    stale = await etag(house)
    await house.ask("PATCH", ONE, json={"labels": {"team": "blue"}})
    now = await etag(house)
    refused = await house.ask(method, ONE, json={"labels": {"team": "red"}}, headers={"If-Match": stale})
    assert (refused.status, refused.headers["ETag"], refused.json) == (
        412,
        now,
        {
            "type": "/problems/precondition-failed",
            "title": "It is not as the request wants it",
            "status": 412,
            "detail": f"It was changed meanwhile: its ETag is {now} now. Read it again, and decide anew.",
        },
    )
    assert (await house.ask("GET", ONE)).json["labels"] == {"team": "blue"}
    made = await house.ask(method, ONE, json={"labels": {"team": "red"}}, headers={"If-Match": f'"x", {now}'})
    assert made.status in (200, 204)


async def test_what_must_not_be_there_yet_is_made_once(house: House) -> None:
    new = {"If-None-Match": "*"}
    assert (await house.ask("PUT", ONE, headers=new)).status == 201
    again = await house.ask("PUT", ONE, headers=new)
    assert (again.status, again.json["type"]) == (412, "/problems/precondition-failed")


async def test_what_must_be_there_and_is_not_is_said_as_the_method_has_it(house: House) -> None:
    there = {"If-Match": "*"}
    put = await house.ask("PUT", ONE, headers=there)
    assert (put.status, put.json["type"]) == (412, "/problems/precondition-failed")
    for method in ("PATCH", "DELETE"):
        answer = await house.ask(method, ONE, headers=there)
        assert (answer.status, answer.json["type"]) == (404, "/problems/not-followed")
    assert house.following.asked == []


async def test_a_condition_on_what_cannot_be_named_is_refused_for_that(house: House) -> None:
    answer = await house.ask("PUT", "/v1/accounts/default/batches/x", headers={"If-Match": "*"})
    assert (answer.status, answer.json["type"]) == (422, "/problems/bad-batch-id")


async def test_a_condition_on_what_has_no_tag_is_not_heeded(house: House) -> None:
    answer = await house.ask("POST", "/v1/watches", json=[], headers={"If-Match": '"x"'})
    assert answer.status == 200


def test_tags_are_compared_whether_weak_or_not() -> None:
    tag = tag_of(b"content")
    assert (tag == tag_of(b"content"), tag == tag_of(b"other")) == (True, False)
    strong = tag.removeprefix("W/")
    for header in (tag, strong, f'"x",{tag}', f'W/"y" , {strong}', "*", " * "):
        assert has_tag(header, tag), header
    for header in ("", '"x"', strong.strip('"'), '"', "W/"):
        assert not has_tag(header, tag), header


async def test_of_those_who_change_the_same_at_once_one_does_and_the_others_are_told(house: House) -> None:
    await house.ask("PUT", ONE)
    has = {"If-Match": await etag(house)}
    answers = await asyncio.gather(
        *(house.ask("PATCH", ONE, json={"labels": {"n": str(number)}}, headers=has) for number in range(5))
    )
    assert sorted(each.status for each in answers) == [200, 412, 412, 412, 412]
    (done,) = (each.json["labels"] for each in answers if each.status == 200)
    assert (await house.ask("GET", ONE)).json["labels"] == done


async def test_two_ways_to_write_the_same_path_are_one_thing_to_change(house: House) -> None:
    await house.ask("PUT", ONE)
    has = {"If-Match": await etag(house)}
    answers = await asyncio.gather(
        *(
            house.ask("PATCH", path, json={"labels": {"n": str(number)}}, headers=has)
            for number, path in enumerate(
                [ONE, "/v1/accounts/default/batches/0013", "/v1/accounts/%64efault/batches/%3013"]
            )
        )
    )
    assert sorted(each.status for each in answers) == [200, 412, 412]


async def test_what_becomes_of_it_by_itself_keeps_nobody_from_changing_it(house: House) -> None:
    """How many deliveries wait is shown, and is nothing that somebody else has changed."""
    house.subscribing.keep(api_endpoint("crm"))
    await house.ask("PUT", WHOLE)
    before = {path: await etag(house, path) for path in ("/v1/endpoints/crm", WHOLE)}
    house.subscribing.keep(api_endpoint("crm"), pending=7)
    view = house.following.views["default", 14]
    house.following.views["default", 14] = BroadcastView(broadcast=view.broadcast, batches=3)
    for path, tag in before.items():
        assert (await house.ask("GET", path, headers={"If-None-Match": tag})).status == 200
        changed = {"description": "new"} if path != WHOLE else {"labels": {"team": "blue"}}
        for status in (200, 412):
            assert (await house.ask("PATCH", path, json=changed, headers={"If-Match": tag})).status == status
            changed = {"description": "newer"} if path != WHOLE else {"labels": {"team": "red"}}


async def test_the_tag_changes_also_with_what_is_not_shown(house: House) -> None:
    """The key behind the question mark of a URL, or in a header."""
    house.subscribing.keep(api_endpoint("crm", url="https://example.com/?key=1"))
    before = await etag(house, "/v1/endpoints/crm")
    shown = (await house.ask("GET", "/v1/endpoints/crm")).body
    await house.ask("PATCH", "/v1/endpoints/crm", json={"url": "https://example.com/?key=2"})
    assert (await house.ask("GET", "/v1/endpoints/crm")).body == shown
    assert await etag(house, "/v1/endpoints/crm") != before
    late = await house.ask("PATCH", "/v1/endpoints/crm", json={"description": "x"}, headers={"If-Match": before})
    assert late.status == 412


async def test_an_answer_without_a_body_to_tag_is_let_through() -> None:
    async with open_house() as house:
        answer = await house.ask("GET", "/v1/accounts/nobody", headers={"If-None-Match": "*"})
        assert answer.status == 404
