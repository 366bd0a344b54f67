"""The real client against the simulator: pages and batches as a believable CallFire has them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.fakes import Ear
from tests.simulator.house import ACCOUNTS, START, House, open_house
from watcher.callfire.client import CallFire, open_session
from watcher.callfire.limits import Budget
from watcher.callfire.wire import access
from watcher.clock import SystemClock
from watcher.core.answers import Kind, account_answer
from watcher.core.model import BroadcastKind, Page, PageRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A client of ours, and the simulator at the other end."""

    house: House
    callfire: CallFire

    async def page(self, kind: BroadcastKind, broadcast: int, *, offset: int = 0, limit: int = 100) -> Page:
        answer = await self.callfire.page(PageRef(broadcast_id=broadcast, kind=kind, offset=offset, limit=limit))
        assert answer.page is not None, answer
        return answer.page


@asynccontextmanager
async def open_line(*, partial: bool = True, **config: Any) -> AsyncIterator[Line]:
    async with open_house(**config) as house, open_session(user_agent="test") as session:
        yield Line(
            house=house,
            callfire=CallFire(
                "default",
                access=access(house.addresses.api, *ACCOUNTS["default"], partial=partial),
                session=session,
                budget=Budget(1000),
                clock=SystemClock(),
                tell=Ear(),
            ),
        )


@pytest.mark.parametrize("partial", [True, False])
@pytest.mark.parametrize(("kind", "theirs"), [("call", "calls"), ("text", "texts")])
async def test_a_page_shows_each_batch_as_a_look_does(partial: bool, kind: BroadcastKind, theirs: str) -> None:
    async with open_line(partial=partial) as line:
        ids, broadcast = await line.house.more(count=5, kind=theirs, validating_for=0.0, size=42, end="ERRORS")
        page = await line.page(kind, broadcast)
        assert list(page.items) == [(await line.callfire.look(each)).batch for each in ids]
        assert page == Page(offset=0, limit=100, items=page.items, total=5)
        assert [each.name for each in page.items] == [f"API {each}" for each in ids]
        assert {each.created.timestamp() for each in page.items if each.created is not None} == {START}
        other: BroadcastKind = "text" if kind == "call" else "call"
        wrong = await line.callfire.page(PageRef(broadcast_id=broadcast, kind=other, offset=0, limit=100))
        assert (wrong.kind, account_answer(wrong)) == (Kind.NOT_FOUND, None)


@pytest.mark.parametrize("total_count", [True, False])
async def test_pages_go_through_a_broadcast(total_count: bool) -> None:
    async with open_line(total_count=total_count) as line:
        ids, broadcast = await line.house.more(count=5, kind="calls", validating_for=0.0)
        pages = [await line.page("call", broadcast, offset=offset, limit=2) for offset in (0, 2, 4, 6)]
        assert [each.id for page in pages for each in page.items] == ids
        assert [(page.offset, page.limit) for page in pages] == [(0, 2), (2, 2), (4, 2), (6, 2)]
        assert {page.total for page in pages} == {5 if total_count else None}


async def test_a_thousand_batches_come_on_one_page() -> None:
    async with open_line() as line:
        path = "/calls/broadcasts/{}/batches"
        _, broadcast = await line.house.more(kind="calls")
        for _ in range(999):
            await line.house.ask("POST", path.format(broadcast), json={"contactListId": 1})
        page = await line.page("call", broadcast, limit=1000)
        assert (len(page.items), page.total, page.spoilt) == (1000, 1000, 0)


@pytest.mark.parametrize("kind", ["no_status", "other_id"])
async def test_a_row_that_makes_no_sense_hides_none_of_the_others(kind: str) -> None:
    async with open_line() as line:
        ids, broadcast = await line.house.more(count=5, kind="calls", validating_for=0.0)
        await line.house.fault(kind, operation="page", rows=2)
        page = await line.page("call", broadcast)
        assert ([each.id for each in page.items], page.spoilt, page.total) == (ids[2:], 2, 5)


@pytest.mark.parametrize("kind", ["no_status", "other_id", "not_json", "huge", "bomb", "bad_gzip", "empty"])
async def test_a_page_that_makes_no_sense_is_garbage_and_strikes_nobody(kind: str) -> None:
    async with open_line() as line:
        _, broadcast = await line.house.more(count=5, kind="calls", validating_for=0.0)
        await line.house.fault(kind, operation="page")
        answer = await line.callfire.page(PageRef(broadcast_id=broadcast, kind="call", offset=0, limit=100))
        assert (answer.kind, answer.outcome, account_answer(answer)) == (Kind.GARBAGE, "bad_body", None)


@pytest.mark.parametrize("listing", ["refused", "missing"])
async def test_where_listings_are_refused_or_missing_looks_still_work(listing: str) -> None:
    async with open_line(listing=listing) as line:
        [number], broadcast = await line.house.more(kind="calls", validating_for=0.0)
        answer = await line.callfire.page(PageRef(broadcast_id=broadcast, kind="call", offset=0, limit=100))
        assert (answer.page, account_answer(answer)) == (None, None)
        assert (await line.callfire.look(number)).kind is Kind.SEEN


async def test_a_listing_in_another_order_has_the_same_batches() -> None:
    async with open_line(listing_order="shuffled") as line:
        ids, broadcast = await line.house.more(count=9, kind="calls", validating_for=0.0)
        assert sorted(each.id for each in (await line.page("call", broadcast)).items) == ids
