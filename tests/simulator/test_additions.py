"""Batches added to a broadcast: what becomes of them, and what is refused, and with which word."""

import json
import random
from typing import Any, Final

import pytest

from tests.simulator.house import START, House, open_house
from watcher.simulator.config import SimulatorConfig
from watcher.simulator.operations import Operations, Target
from watcher.simulator.world import Workload, World

GOOD: Final = {"phoneNumber": "12135551122"}
BAD: Final = {"phoneNumber": "911"}


async def added(house: House, body: Any, *, query: str = "", **how: Any) -> Any:
    """A batch as it is shown after it was added to a new voice broadcast with that body."""
    _, broadcast = await house.more(kind="calls", validating_for=0.0)
    answer = await house.ask("POST", f"/calls/broadcasts/{broadcast}/batches{query}", json=body, **how)
    assert answer.status == 200, answer.json
    assert set(answer.json) == {"id"}
    return (await house.ask("GET", f"/campaigns/batches/{answer.json['id']}")).json


async def test_a_batch_added_has_its_recipients_as_its_size_and_its_name(house: House) -> None:
    recipients = [GOOD, {"phoneNumber": "12135551123", "attributes": {"name": "Zoë"}}, {"contactId": 7}]
    batch = await added(house, {"name": "Zoë's", "recipients": recipients})
    assert (batch["name"], batch["size"], batch["status"], batch["enabled"]) == ("Zoë's", 3, "NEW", True)


@pytest.mark.parametrize("name", [{}, {"name": ""}, {"name": None}])
async def test_a_batch_added_without_a_name_gets_one(house: House, name: dict[str, Any]) -> None:
    batch = await added(house, {"recipients": [GOOD], **name})
    assert batch["name"] == f"API {batch['id']}"


async def test_a_batch_added_stands_last_on_its_broadcasts_page(house: House) -> None:
    ids, broadcast = await house.more(count=2, kind="texts", validating_for=0.0)
    path = f"/texts/broadcasts/{broadcast}/batches"
    answer = await house.ask("POST", path, json={"contactListId": 5})
    page = await house.ask("GET", f"{path}?fields=items(id),totalCount")
    assert page.json == {"items": [{"id": number} for number in [*ids, answer.json["id"]]], "totalCount": 3}


async def test_only_what_is_added_from_a_list_can_end_in_a_source_error() -> None:
    async with open_house(workload=Workload(source_error_share=1.0)) as house:
        listed, given = await added(house, {"contactListId": 5}), await added(house, {"recipients": [GOOD]})
        truth = (await house.control("GET", "/truth")).json["batches"]
        ends = {batch["id"]: batch["end"] for batch in truth}
        assert ends[listed["id"]] == "SOURCE_ERROR" != ends[given["id"]]


def test_the_list_of_an_addition_is_kept() -> None:
    world = World(["default"], Workload(), 1, START)
    broadcast = world.open_broadcast("default", "calls")
    operations = Operations(world, SimulatorConfig(), random.Random(1))
    for body in (b'{"contactListId": 5}', b'{"recipients": [{"contactId": 5}]}'):
        asked = Target("submit", broadcast.id, broadcast.kind)
        assert operations.answer(asked, "default", {}, body, START).code == 200
    assert [batch.contact_list_id for batch in world.batches.values()] == [5, None]


@pytest.mark.parametrize("code", [200, 201])
async def test_the_code_of_an_addition_is_as_set_up(code: int) -> None:
    async with open_house(created_code=code) as house:
        _, broadcast = await house.more(kind="calls", validating_for=0.0)
        answer = await house.ask("POST", f"/calls/broadcasts/{broadcast}/batches", json={"recipients": [GOOD]})
        assert answer.status == code


@pytest.mark.parametrize(("more", "size"), [({}, 5), ({"scrubDuplicates": False}, 5), ({"scrubDuplicates": True}, 3)])
async def test_duplicates_are_scrubbed_where_asked(house: House, more: dict[str, bool], size: int) -> None:
    recipients = [GOOD, GOOD, {"contactId": 1}, {"contactId": 1}, {"contactId": 2}]
    assert (await added(house, {"recipients": recipients, **more}))["size"] == size


@pytest.mark.parametrize("query", ["", "?strictValidation=false", "?strictValidation=FALSE"])
async def test_a_bad_number_ends_in_errors_where_validation_is_not_strict(house: House, query: str) -> None:
    batch = await added(house, {"recipients": [GOOD, BAD]}, query=query)
    house.clock.turn(1e6)
    shown = await house.ask("GET", f"/campaigns/batches/{batch['id']}")
    assert (shown.json["status"], shown.json["size"]) == ("ERRORS", 2)


@pytest.mark.parametrize(
    ("bad", "scrubbed", "word"),
    [
        ([BAD], False, "1 of 2 numbers did not pass validation"),
        ([BAD, BAD], False, "2 of 3 numbers did not pass validation"),
        ([BAD, BAD], True, "1 of 2 numbers did not pass validation"),
        ([{"phoneNumber": "2135551122"}], False, "1 of 2 numbers did not pass validation"),
        ([{"phoneNumber": "+12135551122"}], False, "1 of 2 numbers did not pass validation"),
        ([{"phoneNumber": "1213555112２"}], False, "1 of 2 numbers did not pass validation"),
        ([{"phoneNumber": ""}], False, "1 of 2 numbers did not pass validation"),
    ],
)
async def test_a_bad_number_is_refused_where_validation_is_strict(
    house: House, bad: list[dict[str, str]], scrubbed: bool, word: str
) -> None:
    _, broadcast = await house.more(kind="calls", validating_for=0.0)
    path = f"/calls/broadcasts/{broadcast}/batches"
    body = {"recipients": [GOOD, *bad], "scrubDuplicates": scrubbed}
    assert await house.refused("POST", f"{path}?strictValidation=true", json=body) == word
    assert (await house.ask("GET", path)).json["totalCount"] == 1


@pytest.mark.parametrize("body", [{"recipients": [GOOD]}, {"recipients": [{"contactId": 1}]}, {"contactListId": 1}])
async def test_strict_validation_lets_good_ones_pass(house: House, body: dict[str, Any]) -> None:
    assert (await added(house, body, query="?strictValidation=True"))["status"] == "NEW"


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("", "Invalid JSON"),
        ("{", "Invalid JSON"),
        ("\xff", "Invalid JSON"),
        ("[]", "object"),
        ("null", "object"),
        ({}, "either recipients or contactListId"),
        ({"name": "x"}, "either recipients or contactListId"),
        ({"recipients": [GOOD], "contactListId": 1}, "either recipients or contactListId"),
        ({"recipients": []}, "recipients: List should have at least 1 item"),
        ({"recipients": GOOD}, "recipients: "),
        ({"recipients": [GOOD, {}]}, "recipients.1: "),
        ({"recipients": [{**GOOD, "contactId": 1}]}, "a recipient has either a phoneNumber or a contactId"),
        ({"recipients": [{"phoneNumber": 12135551122}]}, "recipients.0.phoneNumber: "),
        ({"recipients": [{"phone_number": "12135551122"}]}, "recipients.0.phone_number: "),
        ({"recipients": [{**GOOD, "attributes": {"a": 1}}]}, "recipients.0.attributes.a: "),
        ({"recipients": [{"contactId": 0}]}, "recipients.0.contactId: "),
        ({"contactListId": 0}, "contactListId: "),
        ({"contactListId": 2**63}, "contactListId: "),
        ({"contactListId": "1"}, "contactListId: "),
        ({"contactListId": 1, "scrubDuplicates": "yes"}, "scrubDuplicates: "),
        ({"contactListId": 1, "enabled": True}, "enabled: Extra inputs are not permitted"),
        ({"contactListId": 1, "name": 5}, "name: "),
    ],
)
async def test_a_bad_addition_is_refused_with_what_is_wrong_and_adds_nothing(
    house: House, body: Any, word: str
) -> None:
    _, broadcast = await house.more(kind="calls", validating_for=0.0)
    path = f"/calls/broadcasts/{broadcast}/batches"
    data = body.encode("latin-1") if isinstance(body, str) else json.dumps(body).encode()
    assert word in await house.refused("POST", path, data=data)
    assert (await house.ask("GET", path)).json["totalCount"] == 1


async def test_a_refusal_names_no_more_than_five_wrongs(house: House) -> None:
    _, broadcast = await house.more(kind="calls", validating_for=0.0)
    word = await house.refused("POST", f"/calls/broadcasts/{broadcast}/batches", json={"recipients": [{}] * 50})
    assert word.count("a recipient has either") == 5


async def test_strict_validation_is_true_or_false(house: House) -> None:
    _, broadcast = await house.more(kind="calls", validating_for=0.0)
    path = f"/calls/broadcasts/{broadcast}/batches?strictValidation=1"
    assert await house.refused("POST", path, json={"contactListId": 1}) == "strictValidation is true or false"
