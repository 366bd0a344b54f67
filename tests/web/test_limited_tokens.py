"""What a token for some accounts can do with endpoints, deliveries and events: all of it, within its accounts."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes import NOON
from tests.fakes_subscribing import a_delivery
from tests.store.making import api_endpoint
from tests.web.house import Answered, House, open_house
from watcher.core.endpoint import Endpoint
from watcher.core.model import Key
from watcher.core.recovering import Recovery
from watcher.core.tokens import Token, digest_of
from watcher.ports import DeliveryQuery, Wish
from watcher.web.auth import ADMISSION

EAST = {"Authorization": "Bearer wat_east"}
ENDPOINTS = "/v1/endpoints"
URL = "https://example.com/"


@pytest.fixture(name="town")
async def _town() -> AsyncIterator[House]:
    async with open_house(accounts=("east", "south", "west"), token="correct-horse-battery") as house:
        accounts = frozenset({"east", "south"})
        east = Token(
            id="tok_1",
            name="east",
            digest=digest_of("wat_east"),
            scopes=frozenset({"read", "write"}),
            accounts=accounts,
            created=NOON,
        )
        await house.app[ADMISSION].make(east)
        yield house


async def keep(house: House, name: str, *accounts: str, **more: Any) -> Endpoint:
    """The endpoint is there, in the store and for whoever delivers."""
    made = await house.store.make_endpoint(api_endpoint(name, accounts=accounts, **more), NOON)
    assert isinstance(made, Endpoint)
    house.subscribing.keep(made)
    return made


def faults(answer: Answered) -> list[str]:
    assert answer.status == 422
    return [error["pointer"] for error in answer.json["errors"]]


async def test_an_endpoint_that_it_makes_is_for_its_own_accounts(town: House) -> None:
    for given, accounts in (
        ({}, ["east", "south"]),
        ({"accounts": None}, ["east", "south"]),
        ({"accounts": ["south"]}, ["south"]),
    ):
        made = await town.ask("POST", ENDPOINTS, headers=EAST, json={"url": URL, **given})
        assert (made.status, made.json["accounts"]) == (201, accounts)
    for accounts in ([], ["west"], ["east", "west"]):
        refused = await town.ask("POST", ENDPOINTS, headers=EAST, json={"url": URL, "accounts": accounts})
        assert faults(refused) == [f"/accounts/{len(accounts) - 1}" if accounts else "/accounts"]


async def test_it_cannot_find_out_which_ids_are_taken(town: House) -> None:
    await keep(town, "taken", "west")
    for name in ("taken", "free"):
        assert faults(await town.ask("POST", ENDPOINTS, headers=EAST, json={"url": URL, "id": name})) == ["/id"]


async def test_an_endpoint_cannot_be_set_up_for_more_than_it_sees(town: House) -> None:
    await keep(town, "own", "east")
    place = f"{ENDPOINTS}/own"
    assert faults(await town.ask("PATCH", place, headers=EAST, json={"accounts": []})) == ["/accounts"]
    assert faults(await town.ask("PATCH", place, headers=EAST, json={"accounts": ["west"]})) == ["/accounts/0"]
    changed = await town.ask("PATCH", place, headers=EAST, json={"accounts": None, "description": "mine"})
    assert (changed.json["accounts"], changed.json["description"]) == (["east", "south"], "mine")


async def test_it_sees_the_endpoints_that_get_nothing_of_others(town: House) -> None:
    for name, accounts in (
        ("all", ()),
        ("both", ("east", "south")),
        ("mixed", ("east", "west")),
        ("own", ("east",)),
        ("west", ("west",)),
    ):
        await keep(town, name, *accounts)
    listed = await town.ask("GET", ENDPOINTS, headers=EAST)
    assert [item["id"] for item in listed.json["items"]] == ["both", "own"]
    page = await town.ask("GET", ENDPOINTS, headers=EAST, params={"limit": "1"})
    rest = await town.ask("GET", ENDPOINTS, headers=EAST, params={"limit": "1", "cursor": page.json["next"]})
    assert ([item["id"] for item in rest.json["items"]], rest.json["next"]) == (["own"], None)
    for name, status in (("all", 404), ("mixed", 404), ("own", 200)):
        assert (await town.ask("GET", f"{ENDPOINTS}/{name}", headers=EAST)).status == status
    assert (await town.ask("POST", f"{ENDPOINTS}/own/test", headers=EAST, json={})).status == 200
    assert (await town.ask("DELETE", f"{ENDPOINTS}/own", headers=EAST)).status == 204


async def test_it_sees_deliveries_of_its_endpoints_and_accounts_the_newest_first(town: House) -> None:
    await keep(town, "a", "east")
    await keep(town, "b", "south")
    await keep(town, "z", "west")
    whose = {1: ("a", "east"), 2: ("z", "west"), 3: ("b", "south"), 4: ("a", "west"), 5: ("a", "east"), 6: ("a", "")}
    town.subscribing.owe(
        *(a_delivery(number, name, now=NOON, account=account) for number, (name, account) in whose.items())
    )

    async def ids(path: str = "/v1/deliveries", **params: str) -> list[int]:
        found: list[int] = []
        cursor: dict[str, str] = {}
        while True:
            page = await town.ask("GET", path, headers=EAST, params={**params, **cursor})
            assert page.status == 200
            found += [item["id"] for item in page.json["items"]]
            if page.json["next"] is None:
                return found
            cursor = {"cursor": page.json["next"]}

    for limit in ("1", "2", "100"):
        assert await ids(limit=limit) == [5, 3, 1]
        assert await ids(limit=limit, endpoint="a") == [5, 1]
        assert await ids(f"{ENDPOINTS}/a/deliveries", limit=limit) == [5, 1]
    for limit in ("1", "2", "100"):
        assert await ids(limit=limit, account="east") == [5, 1]
        assert await ids(limit=limit, account="east", batch_id="13", endpoint="a") == [5, 1]
        assert await ids(limit=limit, account="south", batch_id="13") == [3]
        assert await ids(limit=limit, batch_id="13") == [5, 3, 1]
    assert (await town.ask("GET", "/v1/deliveries", headers=EAST, params={"endpoint": "z"})).status == 404
    assert (await town.ask("GET", "/v1/deliveries", headers=EAST, params={"account": "west"})).status == 404


async def test_a_delivery_of_what_its_endpoint_once_wanted_of_others_is_not_there(town: House) -> None:
    await keep(town, "own", "east", "west")
    for account in ("east", "west"):
        await town.store.follow([Wish(key=Key(account, 1))], NOON)
        await town.see(1, "NEW", account=account)
    owed = await town.store.deliveries(DeliveryQuery())
    town.subscribing.owe(*(a_delivery(each.id, "own", now=NOON, account=each.account, batch_id=1) for each in owed))
    east, west = (next(each.id for each in owed if each.account == account) for account in ("east", "west"))
    both = [(await town.ask("GET", f"/v1/deliveries/{number}", headers=EAST)).status for number in (east, west)]
    assert both == [404, 404]
    narrowed = replace(await town.store.endpoint("own"), accounts=("east",))
    assert await town.store.change_endpoint(narrowed) is not None
    both = [(await town.ask("GET", f"/v1/deliveries/{number}", headers=EAST)).status for number in (east, west)]
    assert both == [200, 404]
    again = [
        (await town.ask("POST", f"/v1/deliveries/{number}/resend", headers=EAST)).status for number in (east, west)
    ]
    assert again == [200, 404]


async def test_it_reads_the_events_of_its_accounts_and_none_of_operators(town: House) -> None:
    for account in ("east", "west", "south"):
        await town.store.follow([Wish(key=Key(account, 1))], NOON)
        await town.see(1, "NEW", account=account)
    listed = await town.ask("GET", "/v1/events", headers=EAST)
    assert [item["data"]["account"] for item in listed.json["items"]] == ["east", "south"]
    one = await town.ask("GET", "/v1/events", headers=EAST, params={"account": "south"})
    assert [item["data"]["account"] for item in one.json["items"]] == ["south"]
    for name in ("west", "north"):
        answer = await town.ask("GET", "/v1/events", headers=EAST, params={"account": name})
        assert answer.status == 404
        assert answer.json["detail"] == f"There is no account '{name}'. There are: east, south."


async def test_in_what_it_sends_an_account_of_others_is_refused_as_one_that_is_not_there(town: House) -> None:
    async def refused(path: str, of: str) -> tuple[int, str]:
        bodies: dict[str, Any] = {
            "/v1/watches": [{"batch_id": 1, "account": of}, {"batch_id": 2, "account": "east"}],
            ENDPOINTS: {"url": URL, "accounts": [of]},
        }
        answer = await town.ask("POST", path, headers=EAST, json=bodies[path])
        return answer.status, re.sub('"request_id":"[^"]*"', "", answer.body.decode().replace(of, "<account>"))

    await town.store.follow([Wish(key=Key("east", 2))], NOON)
    for path in ("/v1/watches", ENDPOINTS):
        status, told = await refused(path, "west")
        assert (status, told) == await refused(path, "north")
        assert "<account>" in told
    assert await town.store.watch(Key("west", 1)) is None
    (row, _) = (
        await town.ask(
            "POST",
            "/v1/watches",
            headers=EAST,
            json=[{"batch_id": 1, "account": "west"}, {"batch_id": 2, "account": "east"}],
        )
    ).json["items"]
    assert row["error"]["type"] == "/problems/unknown-account"
    nameless = await town.ask("POST", "/v1/watches", headers=EAST, json=[{"batch_id": 1}])
    assert "west" not in nameless.body.decode()


async def test_the_metrics_are_for_whoever_sees_everything(town: House) -> None:
    nowhere = await town.ask("GET", "/nowhere", headers=EAST)
    metrics = await town.ask("GET", "/metrics", headers=EAST)
    assert (metrics.status, metrics.json["type"]) == (404, "/problems/unknown-path")
    assert metrics.json["detail"] == nowhere.json["detail"].replace("/nowhere", "/metrics")
    assert (await town.ask("GET", "/metrics")).status == 200  # from this machine


async def test_the_streams_tell_it_of_its_accounts_and_of_no_other(town: House) -> None:
    for account in ("west", "east", "west", "south"):
        await town.store.follow([Wish(key=Key(account, 1))], NOON)
        await town.see(1, "NEW" if account != "west" else "VALIDATING", account=account)
    told = b""
    async with town.session.get(f"{town.url}/v1/events/stream", params={"after": "0"}, headers=EAST) as response:
        while told.count(b"\ndata: ") < 2:
            told += await response.content.readuntil(b"\n\n")
    async with town.session.get(f"{town.url}/v1/stream", headers=EAST) as response:
        while b"event: data" not in told:
            told += await response.content.readuntil(b"\n\n")
    assert told.count(b'"east"') >= 2
    assert b"west" not in told


async def test_it_recovers_events_of_its_own_accounts_only(town: House) -> None:
    await keep(town, "own", "east")
    body = {"since": "2026-11-23T00:00:00Z"}
    assert (await town.ask("POST", f"{ENDPOINTS}/own/recover", headers=EAST, json=body)).status == 200
    master = {"Authorization": "Bearer correct-horse-battery"}
    assert (await town.ask("POST", f"{ENDPOINTS}/own/recover", headers=master, json=body)).status == 200
    asked = [each[1].accounts for each in town.subscribing.asked if isinstance(each[1], Recovery)]
    assert asked == [frozenset({"east", "south"}), None]
