"""How broadcasts are listed: whether at all, and in what order; from the beginning, and changed while it runs."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulator.house import STEADY, House, error_object, open_house
from watcher.simulator.config import SimulatorConfig
from watcher.simulator.listing import Listing, ordered


async def listed(house: House, broadcast: int, query: str = "") -> list[int]:
    """The ids on a page of a voice broadcast."""
    page = await house.ask("GET", f"/calls/broadcasts/{broadcast}/batches{query}")
    assert page.status == 200
    return [item["id"] for item in page.json["items"]]


async def relist(house: House, **changes: Any) -> Any:
    """Changes how broadcasts are listed; how they are from now on."""
    answer = await house.control("POST", "/listing", json=changes)
    assert answer.status == 200, answer.json
    return answer.json


# Whether.


@pytest.mark.parametrize(
    ("listing", "code", "word"), [("refused", 403, "Access denied"), ("missing", 404, "Entity not found")]
)
async def test_listings_can_be_refused_or_missing_while_all_else_works(listing: str, code: int, word: str) -> None:
    async with open_house(listing=listing) as house:
        [number], broadcast = await house.more(kind="calls", validating_for=0.0)
        path = f"/calls/broadcasts/{broadcast}/batches"
        for page in (path, f"/texts/broadcasts/{broadcast}/batches", "/calls/broadcasts/1/batches"):
            answer = await house.ask("GET", page)
            assert (answer.status, answer.json) == (code, error_object(code, word))
        assert await house.status(number) == 200
        assert (await house.ask("POST", path, json={"contactListId": 1})).status == 200


async def test_a_wrong_login_and_a_spent_budget_are_told_before_a_refused_listing() -> None:
    async with open_house(listing="refused", budget=1) as house:
        page = "/calls/broadcasts/1/batches"
        codes = [(await house.ask("GET", page, account=account)).status for account in (None, "default", "default")]
        assert codes == [401, 403, 429]


async def test_listings_can_go_and_come_back_while_it_runs(house: House) -> None:
    _, broadcast = await house.more(kind="calls", validating_for=0.0)
    codes = []
    for listing in ("on", "refused", "missing", "on"):
        assert (await relist(house, listing=listing))["listing"] == listing
        codes.append((await house.ask("GET", f"/calls/broadcasts/{broadcast}/batches")).status)
    assert codes == [200, 403, 404, 200]


async def test_what_is_not_named_stays_as_it_is() -> None:
    async with open_house(listing="missing", listing_order="newest", total_count=False) as house:
        assert await relist(house) == {"listing": "missing", "order": "newest", "total_count": False}
        assert await relist(house, listing="on") == {"listing": "on", "order": "newest", "total_count": False}
        assert await relist(house, total_count=True) == {"listing": "on", "order": "newest", "total_count": True}
        assert (await house.control("POST", "/listing", data=b"")).json["order"] == "newest"


async def test_how_many_there_are_can_be_told_or_not_while_it_runs(house: House) -> None:
    _, broadcast = await house.more(count=3, kind="calls", validating_for=0.0)
    path = f"/calls/broadcasts/{broadcast}/batches?limit=1"
    assert (await house.ask("GET", path)).json["totalCount"] == 3
    await relist(house, total_count=False)
    assert "totalCount" not in (await house.ask("GET", path)).json


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("{", "Invalid JSON"),
        ("[]", "object"),
        ('{"listing": "off"}', "listing: "),
        ('{"order": "random"}', "order: "),
        ('{"total_count": "yes"}', "total_count: "),
        ('{"colour": 1}', "colour: Extra inputs are not permitted"),
    ],
)
async def test_a_change_that_cannot_be_is_refused_and_changes_nothing(house: House, body: str, word: str) -> None:
    answer = await house.control("POST", "/listing", data=body)
    assert (answer.status, set(answer.json)) == (400, {"error"})
    assert word in answer.json["error"]
    assert await relist(house) == Listing().model_dump()


# In what order.


async def test_the_newest_in_front_move_the_rest_on(house: House) -> None:
    ids, broadcast = await house.more(count=3, kind="calls", validating_for=0.0)
    assert await listed(house, broadcast) == ids
    await relist(house, order="newest")
    assert await listed(house, broadcast) == ids[::-1]
    assert await listed(house, broadcast, "?limit=2") == [ids[2], ids[1]]
    [another] = (await house.more(kind="calls", validating_for=0.0))[0]
    assert await listed(house, broadcast, "?limit=2&offset=2") == [ids[1], ids[0]]  # one of them again
    assert await listed(house, broadcast, "?limit=2") == [another, ids[2]]


async def test_a_shuffled_listing_is_another_one_each_time_with_the_same_batches() -> None:
    async with open_house(listing_order="shuffled") as house:
        ids, broadcast = await house.more(count=20, kind="calls", validating_for=0.0)
        listings = [await listed(house, broadcast) for _ in range(3)]
        assert [sorted(listing) for listing in listings] == [ids] * 3
        assert len({*map(tuple, listings), tuple(ids)}) == 4
        assert len(await listed(house, broadcast, "?limit=7&offset=14")) == 6


async def test_a_seed_shuffles_the_same_way_again() -> None:
    listings = []
    for _ in range(2):
        async with open_house(listing_order="shuffled", seed=5) as house:
            _, broadcast = await house.more(count=9, kind="calls", validating_for=0.0)
            listings.append([await listed(house, broadcast) for _ in range(3)])
    assert listings[0] == listings[1]


@STEADY
@given(st.lists(st.integers(), unique=True), st.sampled_from(["added", "newest", "shuffled"]), st.randoms())
def test_an_order_leaves_none_out_and_keeps_the_list_as_it_is(
    batches: list[int], order: Any, chance: random.Random
) -> None:
    before = list(batches)
    assert sorted(ordered(batches, order, chance)) == sorted(before)
    assert batches == before


def test_broadcasts_are_listed_plainly_unless_said_otherwise() -> None:
    config = SimulatorConfig()
    assert Listing(listing=config.listing, order=config.listing_order, total_count=config.total_count) == Listing()
