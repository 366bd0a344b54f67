"""One question and its answer: what odd answers mean, and what is asked again."""

import asyncio
import json
from typing import Any

import pytest
from aiohttp import web

from tests.client.house import Handler, cut, made, problem, shown
from tests.stack.processes import a_port
from watcher.client import NotThere, Refused, TryLater, Unauthorized, Unreachable, Watcher, WatcherError

PATH = "/v1/x"


def plain(status: int, body: bytes, server: str = "watcher") -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, body=body, content_type="application/json", headers={"Server": server})

    return answer


async def test_where_nobody_answers_it_is_said() -> None:
    port = a_port(0)
    async with Watcher(f"http://127.0.0.1:{port}/") as watcher:
        said = rf"^no daemon answers at http://127.0.0.1:{port} \(Connection refused\)$"
        with pytest.raises(Unreachable, match=said):
            await watcher.ask("GET", PATH)
        with pytest.raises(Unreachable, match=said):
            await anext(watcher.events(follow=True))


@pytest.mark.parametrize(
    ("status", "body", "error", "said"),
    [
        (200, b"<html>", Unreachable, "something else answers at http://127.0.0.1:[0-9]+$"),
        (200, b"{", Unreachable, "something else answers at"),
        (200, b"[]", Unreachable, "something else answers at"),
        (302, b"", Unreachable, "something else answers at"),
        (401, b'{"detail": "x"}', Unauthorized, "^x$"),
        (403, b'{"type": "/problems/scope-missing", "detail": "x"}', Unauthorized, "^x$"),
        (404, b'{"type": "/problems/not-followed", "detail": "x"}', NotThere, "^x$"),
        (422, b'{"type": "/problems/bad-body", "title": "y"}', Refused, "^y$"),
        (429, b'{"type": "/problems/too-many-attempts", "title": "y"}', TryLater, "^y$"),
        (500, b"{}", Refused, "^HTTP 500$"),
    ],
)
async def test_an_odd_answer_is_an_error_named_by_its_remedy(
    status: int, body: bytes, error: type[WatcherError], said: str
) -> None:
    async with made(plain(status, body)) as here:
        with pytest.raises(error, match=said) as caught:
            await here.watcher.ask("GET", PATH)
    assert type(caught.value) is error
    assert len(here.asked) == 1


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b'{"status": "ok"}'), (404, b'{"detail": "Not Found"}'), (401, b'{"type": "about:blank"}')],
)
async def test_what_answers_json_is_not_yet_a_watcher(status: int, body: bytes) -> None:
    async with made(plain(status, body, "uvicorn")) as here:
        with pytest.raises(Unreachable, match="something else answers") as caught:
            await here.watcher.ask("GET", PATH)
    assert caught.value.kind == "something-else"


@pytest.mark.parametrize(
    "body", [{"items": []}, {"batch_id": 13}, {"broadcast_id": 9}, {"condition": "ok"}, {"scopes": []}, {"took": 1.0}]
)
async def test_a_watcher_is_known_behind_a_proxy_that_puts_its_own_name(body: Any) -> None:
    async with made(plain(200, json.dumps(body).encode(), "nginx")) as here:
        assert await here.watcher.ask("GET", PATH) == body
    async with made(plain(404, b'{"type": "/problems/unknown-path", "detail": "x"}', "nginx")) as here:
        with pytest.raises(NotThere, match=r"^x$"):
            await here.watcher.ask("GET", PATH)


async def test_what_is_refused_says_where() -> None:
    errors = [{"pointer": "/url", "message": "Wrong"}, {"parameter": "state", "message": "Not that"}]
    async with made(problem(422, "bad-body", errors=errors)) as here:
        with pytest.raises(Refused) as caught:
            await here.watcher.ask("POST", PATH, json={})
    assert (caught.value.kind, caught.value.pointers) == ("bad-body", {"/url": "Wrong"})
    assert list(caught.value.errors) == errors


@pytest.mark.parametrize("method", ["GET", "PUT", "POST"])
async def test_a_question_whose_answer_is_lost_is_asked_again(method: str) -> None:
    async with made(cut, shown({"items": [1]})) as here:
        assert await here.watcher.ask(method, PATH) == {"items": [1]}
    assert {request.method for request in here.asked} == {method}


async def test_a_post_bears_the_same_key_and_body_on_every_try() -> None:
    bodies: list[bytes] = []

    async def lose(request: web.Request) -> web.Response:
        bodies.append(await request.read())
        return await cut(request)

    async def answer(request: web.Request) -> web.StreamResponse:
        bodies.append(await request.read())
        return await shown({"items": []})(request)

    async with made(lose, answer, answer) as here:
        await here.watcher.ask("POST", PATH, data=b"row")
        await here.watcher.ask("POST", PATH, data=b"row")
    first, again, other = (request.headers["Idempotency-Key"] for request in here.asked)
    assert first == again != other
    assert bodies == [b"row"] * 3


async def test_a_change_that_is_not_safe_to_repeat_is_not_repeated() -> None:
    async with made(cut) as here:
        with pytest.raises(Unreachable, match="Server disconnected"):
            await here.watcher.ask("PATCH", PATH, json={})
    assert len(here.asked) == 1


async def test_answers_that_stay_lost_end_it() -> None:
    async with made(cut) as here:
        with pytest.raises(Unreachable, match="Server disconnected"):
            await here.watcher.ask("POST", PATH)
    assert len(here.asked) == 3


async def test_what_an_earlier_try_deleted_is_deleted() -> None:
    gone = problem(404, "not-followed")
    async with made(cut, gone) as here:
        assert await here.watcher.ask("DELETE", PATH) == {}
    for script in ((gone,), (problem(503, "store-unavailable"), gone)):
        async with made(*script) as here:
            with pytest.raises(NotThere):
                await here.watcher.ask("DELETE", PATH)


@pytest.mark.parametrize(
    ("answer", "slept"),
    [
        (problem(503, "store-unavailable", after=2), 2.0),
        (problem(503, "store-unavailable", after=900), 5.0),
        (problem(503, "store-unavailable"), 1.0),
        (problem(409, "idempotency-under-way", after=1), 1.0),
    ],
)
async def test_what_cannot_be_done_just_now_is_asked_again_when_it_says(answer: Handler, slept: float) -> None:
    async with made(answer, shown({"items": []})) as here:
        await here.watcher.ask("POST", PATH)
    assert here.slept == [slept]
    async with made(answer) as here:
        with pytest.raises(TryLater):
            await here.watcher.ask("POST", PATH)
    assert here.slept == [slept, slept]


async def test_other_refusals_for_now_are_not_asked_again() -> None:
    async with made(problem(429, "too-many-attempts", after=7)) as here:
        with pytest.raises(TryLater) as caught:
            await here.watcher.ask("GET", PATH)
    assert (caught.value.after, here.slept) == (7.0, [])


async def test_the_token_is_sent_as_a_bearer_token() -> None:
    async with made(shown({"items": []}), token="x") as here:
        await here.watcher.ask("GET", PATH)
    assert here.asked[0].headers["Authorization"] == "Bearer x"
    async with made(shown({"items": []})) as here:
        await here.watcher.ask("GET", PATH)
    assert "Authorization" not in here.asked[0].headers


async def test_a_daemon_that_does_not_answer_in_time_may_do_so_later() -> None:
    async def never(request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()

    async with made(never) as here:
        with pytest.raises(TryLater, match="does not answer in time"):
            await here.watcher.ask("GET", PATH, within=0.01)
