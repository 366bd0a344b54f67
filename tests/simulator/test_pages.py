"""Pages of a broadcast's batches, and partial answers: of what there is exactly what was asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulator.house import STEADY, House, open_house
from watcher.simulator.answers import partial, partial_page
from watcher.simulator.operations import MOST_ID, MOST_ITEMS


@pytest.mark.parametrize(
    ("query", "places", "limit", "offset"),
    [
        ("", range(5), 100, 0),
        ("?limit=2", range(2), 2, 0),
        ("?limit=2&offset=4", range(4, 5), 2, 4),
        ("?limit=3&offset=1", range(1, 4), 3, 1),
        ("?offset=5", range(0), 100, 5),
        (f"?limit={MOST_ITEMS}&offset={MOST_ID}", range(0), MOST_ITEMS, MOST_ID),
    ],
)
async def test_a_page_holds_what_is_asked_for(house: House, query: str, places: range, limit: int, offset: int) -> None:
    ids, broadcast = await house.more(count=5, kind="texts", validating_for=0.0)
    page = (await house.ask("GET", f"/texts/broadcasts/{broadcast}/batches{query}")).json
    whole = [(await house.ask("GET", f"/campaigns/batches/{ids[place]}")).json for place in places]
    assert page == {"items": whole, "limit": limit, "offset": offset, "totalCount": 5}


async def test_a_page_may_leave_out_how_many_there_are() -> None:
    async with open_house(total_count=False) as house:
        _, broadcast = await house.more(kind="calls", validating_for=0.0)
        page = (await house.ask("GET", f"/calls/broadcasts/{broadcast}/batches?offset=9")).json
        assert page == {"items": [], "limit": 100, "offset": 9}


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("limit=0", "limit is 1 to 1000"),
        ("limit=1001", "limit is 1 to 1000"),
        ("limit=-1", "limit is 1 to 1000"),
        ("limit=", "limit is 1 to 1000"),
        ("limit=many", "limit is 1 to 1000"),
        ("offset=-1", "offset is 0 or more"),
        ("offset=x", "offset is 0 or more"),
        (f"offset={2**63}", "offset is 0 or more"),
    ],
)
async def test_a_page_that_cannot_be_is_refused(house: House, query: str, word: str) -> None:
    _, broadcast = await house.more(kind="calls", validating_for=0.0)
    assert await house.refused("GET", f"/calls/broadcasts/{broadcast}/batches?{query}") == word


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ("items(id,status)", {"items": [{"id": 1, "status": "NEW"}]}),
        ("items(id),limit", {"items": [{"id": 1}], "limit": 100}),
        ("limit,items( id ),offset", {"items": [{"id": 1}], "limit": 100, "offset": 0}),
        ("items", {"items": [{"id": 1, "status": "NEW"}]}),
        ("items()", {"items": [{"id": 1, "status": "NEW"}]}),
        ("limit,totalCount", {"limit": 100}),
        ("id,status", {}),
        ("", {"items": [{"id": 1, "status": "NEW"}], "limit": 100, "offset": 0}),
    ],
)
def test_only_the_fields_of_a_page_asked_for_are_shown(fields: str, shown: object) -> None:
    assert partial_page({"limit": 100, "offset": 0}, [{"id": 1, "status": "NEW"}], fields) == shown


async def test_a_page_takes_fields_over_http(house: House) -> None:
    [number], broadcast = await house.more(kind="calls", validating_for=0.0)
    page = await house.ask("GET", f"/calls/broadcasts/{broadcast}/batches?fields=items(id,status),limit")
    assert page.json == {"items": [{"id": number, "status": "ACTIVE"}], "limit": 100}


@STEADY
@given(st.dictionaries(st.sampled_from("abcd"), st.integers()), st.text(alphabet="abcd,() ") | st.none())
def test_a_partial_answer_never_shows_more_or_else_than_the_whole_one(
    whole: dict[str, int], fields: str | None
) -> None:
    assert partial(whole, fields).items() <= whole.items()
    page = partial_page(whole, [whole], fields)
    assert {key: value for key, value in page.items() if key != "items"}.items() <= whole.items()
