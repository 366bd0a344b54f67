"""What the simulated CallFire answers about one batch, and to requests that are for nothing it has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulator.house import START, STEADY, House, authorization, error_object, open_house
from watcher.simulator.operations import MOST_ID, Target, target


async def test_a_batch_is_shown_whole(house: House) -> None:
    [number], broadcast = await house.more(new_for=1.5, validating_for=2.0, size=42, end="ERRORS")
    answer = await house.ask("GET", f"/campaigns/batches/{number}")
    assert (answer.status, answer.json) == (
        200,
        {
            "id": number,
            "name": f"API {number}",
            "status": "NEW",
            "broadcastId": broadcast,
            "created": int(START * 1000),
            "size": 42,
            "remaining": 42,
            "enabled": True,
        },
    )


async def test_a_batch_goes_through_its_statuses_by_the_clock(house: House) -> None:
    number = await house.batch(new_for=1.0, validating_for=2.0, end="ERRORS")
    seen = []
    for seconds in (0.0, 0.75, 0.25, 1.75, 0.25, 1e6):
        house.clock.turn(seconds)
        seen.append((await house.ask("GET", f"/campaigns/batches/{number}")).json["status"])
    assert seen == ["NEW", "NEW", "VALIDATING", "VALIDATING", "ERRORS", "ERRORS"]


@pytest.mark.parametrize(
    ("fields", "keys"),
    [
        ("id,status", {"id", "status"}),
        (" status , size ", {"status", "size"}),
        ("id,nonsense", {"id"}),
        ("nonsense", set()),
        ("", {"id", "name", "status", "broadcastId", "created", "size", "remaining", "enabled"}),
    ],
)
async def test_only_the_fields_asked_for_are_shown(house: House, fields: str, keys: set[str]) -> None:
    path = f"/campaigns/batches/{await house.batch()}"
    whole = (await house.ask("GET", path)).json
    part = (await house.ask("GET", f"{path}?fields={fields.replace(' ', '%20')}")).json
    assert part == {key: whole[key] for key in keys}


@pytest.mark.parametrize("text", ["0", "-1", str(2**63), "9" * 30, "12x", "1.0", "%D9%A1", "+1", "%20"])
async def test_an_id_that_is_none_is_not_found(house: House, text: str) -> None:
    await house.batch()
    for method, path in (
        ("GET", f"/campaigns/batches/{text}"),
        ("PUT", f"/campaigns/batches/{text}"),
        ("GET", f"/calls/broadcasts/{text}/batches"),
        ("POST", f"/texts/broadcasts/{text}/batches"),
    ):
        answer = await house.ask(method, path)
        assert (answer.status, answer.json["httpStatusCode"]) == (404, 404)


async def test_what_is_another_accounts_is_not_found(house: House) -> None:
    [number], broadcast = await house.more(account="other", kind="calls", validating_for=0.0)
    paths = [
        ("GET", f"/campaigns/batches/{number}", None),
        ("PUT", f"/campaigns/batches/{number}", {"enabled": False}),
        ("GET", f"/calls/broadcasts/{broadcast}/batches", None),
        ("POST", f"/calls/broadcasts/{broadcast}/batches", {"contactListId": 1}),
    ]
    for account, codes in (("default", [404] * 4), ("other", [200] * 4)):
        answers = [await house.ask(method, path, account=account, json=body) for method, path, body in paths]
        assert [answer.status for answer in answers] == codes


async def test_a_voice_broadcast_is_none_for_texts_and_the_other_way_round(house: House) -> None:
    for kind, other in (("calls", "texts"), ("texts", "calls")):
        _, broadcast = await house.more(kind=kind, validating_for=0.0)
        assert (await house.ask("GET", f"/{kind}/broadcasts/{broadcast}/batches")).status == 200
        assert (await house.ask("GET", f"/{other}/broadcasts/{broadcast}/batches")).status == 404


async def test_a_batch_is_no_broadcast_and_a_broadcast_no_batch(house: House) -> None:
    [number], broadcast = await house.more(kind="calls", validating_for=0.0)
    assert (await house.ask("GET", f"/calls/broadcasts/{number}/batches")).status == 404
    assert (await house.ask("GET", f"/campaigns/batches/{broadcast}")).status == 404


# Enabling.


async def test_a_batch_can_be_disabled_and_enabled_again(house: House) -> None:
    path = f"/campaigns/batches/{await house.batch()}"
    before = (await house.ask("GET", path)).json
    for enabled in (False, False, True):
        answer = await house.ask("PUT", path, json={"enabled": enabled})
        assert (answer.status, answer.body) == (200, b"")
        assert (await house.ask("GET", path)).json == {**before, "enabled": enabled}


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "Invalid JSON"),
        (b"enabled", "Invalid JSON"),
        (b"{}", "enabled: Field required"),
        (b"false", "object"),
        (b'{"enabled": null}', "enabled: "),
        (b'{"enabled": "false"}', "enabled: "),
        (b'{"enabled": 0}', "enabled: "),
        (b'{"enabled": false, "name": "x"}', "name: Extra inputs are not permitted"),
        (b'{"enabled": false, "size": 1}', "size: Extra inputs are not permitted"),
    ],
)
async def test_only_enabled_may_change_and_only_to_true_or_false(house: House, body: bytes, word: str) -> None:
    path = f"/campaigns/batches/{await house.batch()}"
    assert word in await house.refused("PUT", path, data=body)
    assert (await house.ask("GET", path)).json["enabled"] is True


# Paths, methods, credentials.


@pytest.mark.parametrize(
    "path", ["", "/", "/campaigns/batches", "/campaigns/batches/", "/campaigns/batches/1/", "/calls/broadcasts/1"]
)
async def test_a_path_that_callfire_does_not_have_is_not_found(house: House, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        answer = await house.ask(method, path)
        assert (answer.status, answer.json) == (404, error_object(404, "Entity not found"))


async def test_a_path_outside_the_base_path_is_not_found(house: House) -> None:
    number = await house.batch()
    outside = house.addresses.api.removesuffix("/v2")
    for path, code in (("", 404), ("/v1", 404), ("/v22", 404), ("/v2", 200)):
        there = f"{outside}{path}/campaigns/batches/{number}"
        assert (await house.ask_url("GET", there, headers={"Authorization": authorization("default")})).status == code


@pytest.mark.parametrize(("given_path", "root"), [("/v2", "/v2"), ("api/v3/", "/api/v3"), ("", ""), ("/", "")])
async def test_the_base_path_is_as_set_up(given_path: str, root: str) -> None:
    async with open_house(base_path=given_path) as house:
        assert house.addresses.api.endswith(root)
        assert await house.status(await house.batch()) == 200


@pytest.mark.parametrize("method", ["HEAD", "DELETE", "PATCH", "OPTIONS"])
async def test_a_method_that_callfire_does_not_have_there_is_answered_with_those_it_has(
    house: House, method: str
) -> None:
    for path, allowed in (("/campaigns/batches/1", "GET, PUT"), ("/calls/broadcasts/1/batches", "GET, POST")):
        answer = await house.ask(method, path)
        assert (answer.status, answer.headers["Allow"]) == (405, allowed)


async def test_without_the_right_credentials_nothing_is_told_or_done(house: House) -> None:
    path = f"/campaigns/batches/{await house.batch()}"
    wrong = ["", "Basic", "Basic bG9naW46d3Jvbmc=", "Bearer bG9naW46cGFzc3dvcmQ=", "bG9naW46cGFzc3dvcmQ="]
    for header in wrong:
        answer = await house.ask("PUT", path, account=None, headers={"Authorization": header}, json={"enabled": False})
        assert (answer.status, answer.json) == (401, error_object(401, "Authentication failed"))
    assert (await house.ask("GET", "/nowhere", account=None)).status == 401
    assert (await house.ask("GET", path)).json["enabled"] is True


@STEADY
@given(st.text(), st.sampled_from(["GET", "PUT", "POST"]))
def test_what_stands_for_an_id_is_a_number_up_to_the_greatest_or_none(text: str, method: str) -> None:
    asked = target(method, f"/v2/campaigns/batches/{text}", "/v2")
    if isinstance(asked, Target):
        assert asked.kind is None
        assert asked.number is None or (0 <= asked.number <= MOST_ID and text.isascii() and int(text) == asked.number)
    else:
        assert asked.code == (404 if not text or "/" in text else 405)


@STEADY
@given(st.integers(min_value=0, max_value=MOST_ID), st.sampled_from(["calls", "texts"]))
def test_every_id_is_understood(number: int, kind: str) -> None:
    assert target("PUT", f"/v2/campaigns/batches/{number}", "/v2") == ("enable", number, None)
    assert target("POST", f"/{kind}/broadcasts/{number}/batches", "") == ("submit", number, kind)
