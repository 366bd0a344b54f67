"""A POST with an Idempotency-Key is done once, and answered as often as it is sent."""

import asyncio
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.fake_store import FakeStore
from tests.fakes import FakeClock
from tests.web.house import House, open_house
from watcher.core.tokens import EVERYTHING, Grant
from watcher.ports import StoreError
from watcher.web.once import once
from watcher.web.operations import Operation, add_operations, gives
from watcher.web.problems import Problem
from watcher.web.request_ids import REQUEST_ID
from watcher.web.server import serve
from watcher.web.visible import GRANT

ROWS = [{"batch_id": 1, "labels": {"a": "b"}}, {"batch_id": "x"}]


def key(text: str = "k-1", **more: str) -> dict[str, str]:
    return {"Idempotency-Key": text} | more


async def test_a_request_that_is_sent_again_is_answered_again_and_not_done_again(house: House) -> None:
    first = await house.ask("POST", "/v1/watches", json=ROWS, headers=key())
    again = await house.ask("POST", "/v1/watches", json=ROWS, headers=key())
    assert (again.status, again.body) == (first.status, first.body) == (200, first.body)
    assert first.json["created"] == 1
    assert (first.headers.get("Idempotency-Replayed"), again.headers["Idempotency-Replayed"]) == (None, "true")
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert len(house.following.asked) == 1
    assert (await house.ask("POST", "/v1/watches", json=ROWS)).json["known"] == 1
    assert (await house.ask("POST", "/v1/watches", json=ROWS, headers=key("k-2"))).json["known"] == 1


async def test_what_was_refused_is_refused_again_in_the_same_words(house: House) -> None:
    first = await house.ask("POST", "/v1/watches", json=[{"batch_id": 0}], headers=key())
    again = await house.ask("POST", "/v1/watches", json=[{"batch_id": 0}], headers=key())
    assert (again.status, again.json["type"]) == (422, "/problems/no-good-row")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.body == first.body


async def test_a_key_stands_for_one_request(house: House) -> None:
    await house.ask("POST", "/v1/watches", json=ROWS, headers=key())
    for path, body in (("/v1/watches", [{"batch_id": 2}]), ("/v1/accounts/default/resume", None)):
        answer = await house.ask("POST", path, json=body, headers=key())
        assert (answer.status, answer.json["type"]) == (422, "/problems/idempotency-key-reused")
    assert len(house.following.asked) == 1
    assert house.following.resumed == []


async def test_after_a_day_a_key_is_as_good_as_new(house: House) -> None:
    await house.ask("POST", "/v1/watches", json=ROWS, headers=key())
    house.clock.turn(hours=24, seconds=1)
    again = await house.ask("POST", "/v1/watches", json=ROWS, headers=key())
    assert (again.json["known"], again.headers.get("Idempotency-Replayed")) == (1, None)


async def test_ten_thousand_rows_are_answered_again_too(house: House) -> None:
    rows = [{"batch_id": number} for number in range(1, 10_001)]
    first = await house.ask("POST", "/v1/watches", json=rows, headers=key())
    again = await house.ask("POST", "/v1/watches", json=rows, headers=key())
    assert first.json["created"] == 10_000
    assert again.json == first.json


@pytest.mark.parametrize("value", ["", "x" * 256, "a b", "a\tb", "ä"])
async def test_what_is_no_key_is_refused_with_what_one_is(house: House, value: str) -> None:
    answer = await house.ask("POST", "/v1/watches", json=ROWS, headers=key(value))
    assert (answer.status, answer.json["type"]) == (422, "/problems/bad-idempotency-key")
    assert house.following.asked == []


async def test_two_keys_are_none(house: House) -> None:
    headers = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
    answer = await house.ask("POST", "/v1/watches", json=ROWS, headers=headers)
    assert answer.json["type"] == "/problems/bad-idempotency-key"


async def test_reading_and_what_may_be_repeated_anyway_needs_no_key(house: House) -> None:
    for method, path in (("PUT", "/v1/accounts/default/batches/1"), ("GET", "/v1/watches")):
        for _ in range(2):
            assert "Idempotency-Replayed" not in (await house.ask(method, path, headers=key("ä"))).headers


class Room:
    """One operation that answers as the test says, for whoever the test says asks."""

    def __init__(self) -> None:
        self.holder = "token a"
        self.done = 0
        self.answers: list[Any] = []
        self.began = asyncio.Event()
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.store = FakeStore(FakeClock())

    async def do(self, _: web.Request) -> web.StreamResponse:
        """Does it."""
        self.done += 1
        self.began.set()
        await self.may_end.wait()
        answer = self.answers.pop(0)
        if isinstance(answer, BaseException):
            raise answer
        assert isinstance(answer, web.StreamResponse)
        return answer

    def app(self) -> web.Application:
        @web.middleware
        async def admitted(request: web.Request, handler: Any) -> web.StreamResponse:
            request[GRANT], request[REQUEST_ID] = Grant(holder=self.holder, scopes=EVERYTHING), "r-1"
            try:
                response: web.StreamResponse = await handler(request)
            except Problem as problem:
                response = problem.response()
            except (StoreError, KeyError):
                response = web.Response(status=500)
            return response

        app = web.Application(middlewares=[admitted, once(self.store, FakeClock())])
        own = Operation(
            method="POST", path="/own", handler=self.do, scope=None, tag="x", gives=gives(), keeps_own_key=True
        )
        usual = Operation(method="POST", path="/", handler=self.do, scope=None, tag="x", gives=gives())
        doubles = Operation(
            method="POST", path="/doubles", handler=self.do, scope=None, tag="x", gives=gives(), doubles=True
        )
        add_operations(app, [own, usual, doubles])
        return app


async def post(house: House, url: str, text: str = "k-1") -> tuple[int, bytes, str | None]:
    async with house.session.post(url, headers=key(text), data=b"{}") as response:
        return response.status, await response.read(), response.headers.get("Idempotency-Replayed")


@pytest.mark.parametrize("status", [401, 403, 408, 429, 500, 503])
async def test_what_came_to_nothing_is_tried_again(house: House, status: int) -> None:
    room = Room()
    room.answers = [web.Response(status=status), web.Response(status=201, body=b"made")]
    async with serve(room.app(), host="127.0.0.1", port=0) as url:
        assert await post(house, url) == (status, b"", None)
        assert await post(house, url) == (201, b"made", None)
        assert await post(house, url) == (201, b"made", "true")
    assert room.done == 2


@pytest.mark.parametrize("error", [KeyError("ours"), StoreError("The disk is full.")])
async def test_what_ended_in_a_mistake_is_tried_again(house: House, error: Exception) -> None:
    room = Room()
    room.answers = [error, web.Response(status=200, body=b"made")]
    async with serve(room.app(), host="127.0.0.1", port=0) as url:
        assert (await post(house, url))[0] == 500
        assert await post(house, url) == (200, b"made", None)


async def test_a_problem_is_an_answer_and_kept_as_one(house: House) -> None:
    room = Room()
    room.answers = [Problem(409, "in-flight", "Not now.")]
    async with serve(room.app(), host="127.0.0.1", port=0) as url:
        first = await post(house, url)
        assert await post(house, url) == (409, first[1], "true")
    assert (first[0], room.done) == (409, 1)


async def test_while_it_is_under_way_the_same_is_not_begun_again(house: House) -> None:
    room = Room()
    room.may_end.clear()
    room.answers = [web.Response(status=201, body=b"made")]
    async with serve(room.app(), host="127.0.0.1", port=0) as url, asyncio.TaskGroup() as group:
        first = group.create_task(post(house, url))
        await room.began.wait()
        async with house.session.post(url, headers=key(), data=b"{}") as response:
            problem = await response.json(content_type=None)
            assert (response.status, response.headers["Retry-After"]) == (409, "1")
        assert problem["type"] == "/problems/idempotency-under-way"
        room.may_end.set()
    assert first.result() == (201, b"made", None)


async def test_the_keys_of_two_holders_are_two(house: House) -> None:
    room = Room()
    room.answers = [web.Response(body=b"one"), web.Response(body=b"two")]
    async with serve(room.app(), host="127.0.0.1", port=0) as url:
        assert await post(house, url) == (200, b"one", None)
        room.holder = "token b"
        assert await post(house, url) == (200, b"two", None)


async def test_what_is_done_is_said_to_be_also_where_its_answer_cannot_be_kept(house: House) -> None:
    room = Room()
    room.store.failing.add("finish_once")
    room.answers = [web.Response(body=b"made")]
    async with serve(room.app(), host="127.0.0.1", port=0) as url:
        assert await post(house, url) == (200, b"made", None)
        assert (await post(house, url))[0] == 409  # it is not done twice
    assert room.done == 1


async def test_what_came_to_nothing_is_said_to_also_where_its_key_cannot_be_given_back(house: House) -> None:
    room = Room()
    room.store.failing.add("abandon_once")
    room.answers = [web.Response(status=429), KeyError("ours")]
    async with serve(room.app(), host="127.0.0.1", port=0) as url:
        assert [(await post(house, url, text))[0] for text in ("a", "b", "a")] == [429, 500, 409]


async def test_an_operation_that_keeps_its_own_keys_is_let_alone(house: House) -> None:
    room = Room()
    room.answers = [web.Response(body=b"1"), web.Response(body=b"2")]
    async with serve(room.app(), host="127.0.0.1", port=0) as url:
        assert [(await post(house, url + "/own"))[1] for _ in range(2)] == [b"1", b"2"]


@pytest.mark.parametrize(("path", "status", "done"), [("/", 200, 1), ("/doubles", 409, 0)])
async def test_after_a_crash_it_is_done_again_but_where_that_would_make_two(
    house: House, path: str, status: int, done: int
) -> None:
    room = Room()
    room.answers = [web.Response(body=b"made"), web.Response(body=b"made")]
    async with serve(room.app(), host="127.0.0.1", port=0) as url:
        room.may_end.clear()
        first = asyncio.create_task(post(house, url + path))
        await room.began.wait()
        first.cancel()
        room.done = 0
        room.store.restart()
        room.may_end.set()
        async with house.session.post(url + path, headers=key(), data=b"{}") as response:
            problem = await response.json(content_type=None) if response.status == 409 else {}
    assert (response.status, room.done) == (status, done)
    assert problem.get("type") == (None if status == 200 else "/problems/idempotency-unclear")


async def test_what_is_ended_in_the_middle_may_have_been_done(house: House) -> None:
    """As a daemon that stops ends what does not end by itself."""
    room = Room()
    room.answers = [asyncio.CancelledError()]
    async with serve(room.app(), host="127.0.0.1", port=0) as url:
        with pytest.raises(aiohttp.ClientConnectionError):
            await post(house, url + "/doubles")
    (request,) = room.store.requests.values()
    assert request.answer is None


async def test_a_stream_is_not_kept(house: House) -> None:
    room = Room()

    async def stream(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"x")
        room.done += 1
        return response

    app = room.app()
    streaming = Operation(method="POST", path="/stream", handler=stream, scope=None, tag="x", gives=gives())
    other = web.Application(middlewares=list(app.middlewares))
    add_operations(other, [streaming])
    async with serve(other, host="127.0.0.1", port=0) as url:
        for _ in range(2):
            assert await post(house, url + "/stream") == (200, b"x", None)
    assert room.done == 2


async def test_a_key_is_heeded_only_after_the_token() -> None:
    async with open_house(token="t" * 40) as house:
        answer = await house.ask("POST", "/v1/watches", json=ROWS, headers=key("ä"))
        assert answer.status == 401
