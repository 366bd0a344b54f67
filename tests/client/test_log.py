"""The log: page by page, and as a stream that breaks and goes on."""

import json
from typing import Any

import pytest
from aiohttp import web

from tests.client.house import Handler, Made, cut, made, problem, shown
from watcher.client import Event, NotThere, TryLater, Unreachable
from watcher.client.log import ROUNDS

AT = "2026-11-23T12:00:00.000Z"


def event(position: int) -> dict[str, Any]:
    data = {"account": "a", "batch_id": 13, "number": position, "status": "NEW"}
    return {"position": position, "id": f"evt_{position}", "type": "batch.new", "timestamp": AT, "data": data}


def page(*positions: int) -> Handler:
    return shown({"items": [event(each) for each in positions], "next": positions[-1] if positions else 0})


def frame(position: int) -> str:
    return f"id: {position}\nevent: batch.new\ndata: {json.dumps(event(position))}\n\n"


def stream(*frames: str) -> Handler:
    """A stream that says this, and ends."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Server": "watcher"})
        await response.prepare(request)
        for each in frames:
            await response.write(each.encode())
        return response

    return answer


async def positions(here: Made, most: int, **wanted: Any) -> list[int]:
    return [each.position async for each in here.watcher.events(follow=True, most=most, **wanted)]


def resumed(here: Made) -> list[str | None]:
    """From where each question went on."""
    return [request.headers.get("Last-Event-ID", request.query.get("after")) for request in here.asked]


async def test_the_log_is_read_page_by_page_to_its_end() -> None:
    async with made(page(*range(1, 1001)), page(1001, 1002)) as here:
        found = [each async for each in here.watcher.events(types=["batch.*"], account="a", batch_id=13)]
    assert [each.position for each in found] == list(range(1, 1003))
    assert found[-1].key == ("a", 13)
    assert [dict(request.query) for request in here.asked] == [
        {"after": after, "limit": "1000", "type": "batch.*", "account": "a", "batch_id": "13"}
        for after in ("0", "1000")
    ]


async def test_of_a_bounded_number_no_more_is_asked_for() -> None:
    async with made(page(1, 2)) as here:
        assert [each.position async for each in here.watcher.events(most=2)] == [1, 2]
    assert [request.query["limit"] for request in here.asked] == ["2"]


async def test_a_stream_that_breaks_goes_on_behind_the_last_event_without_a_double() -> None:
    async with made(stream("id: 0\n\n", frame(1), frame(2)), stream(frame(2), frame(3)), stream(frame(4))) as here:
        assert await positions(here, 4) == [1, 2, 3, 4]
    assert resumed(here) == ["0", "2", "3"]
    assert here.noted == []
    assert here.slept == [1.0, 1.0]


async def test_a_position_without_an_event_counts_too() -> None:
    """So that what is filtered out is not read again."""
    async with made(stream("id: 7\n\n", ": alive\nid: 90\n\n"), stream(frame(91))) as here:
        assert await positions(here, 1, after=None) == [91]
    assert resumed(here) == [None, "90"]


async def test_a_daemon_that_restarts_is_waited_for_and_nothing_is_missed() -> None:
    restarts = (cut, problem(503, "store-unavailable", "The store is busy.", after=3), problem(503, "stopping"))
    async with made(stream(frame(1)), *restarts, stream(frame(2))) as here:
        assert await positions(here, 2) == [1, 2]
    assert resumed(here) == ["0", "1", "1", "1", "1"]
    assert here.noted == ["the daemon does not answer: waiting for it, 60 s at most"]


async def test_where_none_ever_answered_or_it_stays_away_that_is_raised() -> None:
    async with made(problem(503, "too-many-streams", after=5), patience=9.0) as here:
        with pytest.raises(TryLater):
            await positions(here, 1)
    assert here.slept == [5.0, 5.0]
    async with made(stream(frame(1))) as here:
        here.watcher._connection.url = "http://127.0.0.1:9"
        with pytest.raises(Unreachable):
            await positions(here, 1)


async def test_what_the_stream_tells_of_itself_is_noted() -> None:
    gap = 'id: 50\nevent: gap\ndata: {"from": 8, "to": 40}\n\n'
    end = 'event: error\ndata: {"type": "/problems/stopping", "detail": "The daemon stops."}\n\n'
    async with made(stream(gap, end, "event: error\ndata: [\n\n"), stream(frame(51))) as here:
        assert await positions(here, 1, after=7) == [51]
    assert resumed(here) == ["7", "50"]
    assert here.noted == ["events 8 to 40 are not kept any more", "The daemon stops.", "["]


async def test_where_the_log_was_begun_anew_its_smaller_positions_count() -> None:
    gap = 'id: 3\nevent: gap\ndata: {"from": 901, "to": 3}\n\n'
    async with made(stream("id: 3\n\n", gap, frame(4))) as here:
        assert await positions(here, 1, after=900) == [4]


@pytest.mark.parametrize("none", [problem(404, "unknown-path"), page(), stream()])
async def test_where_there_is_no_stream_the_log_is_asked_again_and_again(none: Handler) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/stream"):
            return await none(request)
        return await (pages.pop(0) if len(pages) > 1 else pages[0])(request)

    pages = [page(8), page(), problem(503, "store-unavailable"), page(9)]
    async with made(answer) as here:
        assert await positions(here, 2, after=7) == [8, 9]
    pages = [page(8), page(9)]
    async with made(answer) as here:
        assert await positions(here, 1, after=None) == [9]


async def test_a_stream_that_is_let_through_later_is_used_again() -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path.endswith("/stream"):
            return await (streams.pop(0) if len(streams) > 1 else streams[0])(request)
        return await page()(request)

    streams = [stream(), stream(), stream(frame(1))]
    async with made(answer) as here:
        assert await positions(here, 1) == [1]
    assert len(here.asked) == 2 + ROUNDS + 1


async def test_what_is_refused_ends_it() -> None:
    async with made(problem(404, "unknown-account")) as here:
        with pytest.raises(NotThere):
            await positions(here, 1, account="b")


async def test_a_flow_begins_with_none_and_has_no_frames_of_its_own() -> None:
    async with made(stream("id: 7\n\n", frame(8), "event: error\ndata: {}\n\n")) as here:
        found = [each async for each in here.watcher.flow("a")]
    assert [each if each is None else each.position for each in found] == [None, 8]
    assert here.asked[0].query == {"account": "a"}


def test_an_event_of_no_batch_has_no_key() -> None:
    from datetime import UTC, datetime

    told = Event(position=1, id="x", type="account.refused", timestamp=datetime.now(UTC), data={"account": "a"})
    assert told.key is None
