"""Probes, problems, headers, and the address the interface is served at."""

import asyncio
import gzip
import json
from contextlib import suppress
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.fakes import Ear, FakeClock
from tests.web.house import FakeHealth, House, no_metrics, open_house
from watcher.core.news import RequestFailed
from watcher.ports import Check, StoreError
from watcher.web.bodies import read_body
from watcher.web.connection import UNREAD_MOST
from watcher.web.operations import add_operations
from watcher.web.probes import Probes
from watcher.web.problems import Problem
from watcher.web.server import CannotListen, make_app, serve


class BrokenStore:
    """Every method raises, but for those that are called at the start."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def tokens(self) -> list[Any]:
        return []

    async def sessions(self) -> list[Any]:
        return []

    def __getattr__(self, name: str) -> Any:
        async def method(*args: object, **kwargs: object) -> None:
            raise self.error

        return method


EVERY_ROUTE = [
    ("PUT", "/v1/accounts/{account}/batches/{batch_id}"),
    ("GET", "/v1/accounts/{account}/batches/{batch_id}"),
    ("DELETE", "/v1/accounts/{account}/batches/{batch_id}"),
    ("GET", "/v1/watches"),
    ("GET", "/v1/events"),
    ("GET", "/v1/endpoints"),
    ("GET", "/v1/endpoints/{endpoint_id}"),
    ("PATCH", "/v1/endpoints/{endpoint_id}"),
    ("DELETE", "/v1/endpoints/{endpoint_id}"),
    ("POST", "/v1/endpoints/{endpoint_id}/enable"),
    ("POST", "/v1/endpoints/{endpoint_id}/disable"),
    ("POST", "/v1/endpoints/{endpoint_id}/rotate"),
    ("POST", "/v1/endpoints/{endpoint_id}/test"),
    ("GET", "/v1/endpoints/{endpoint_id}/deliveries"),
    ("GET", "/v1/deliveries"),
    ("GET", "/v1/deliveries/{delivery_id}"),
    ("POST", "/v1/deliveries/{delivery_id}/resend"),
]
PLACES = {"account": "default", "batch_id": 1, "endpoint_id": "crm", "delivery_id": 1}


async def test_probes_say_what_they_checked(house: House) -> None:
    live, ready = await house.ask("GET", "/livez"), await house.ask("GET", "/readyz")
    assert (live.status, live.json) == (
        200,
        {
            "status": "ok",
            "version": "1.2.3",
            "at": "2026-11-23T12:00:00.000Z",
            "checks": [{"name": "loop", "ok": True, "detail": "turned 0.1 s ago", "data": {}}],
        },
    )
    assert ready.json["checks"] == [{"name": "store", "ok": True, "detail": "", "data": {"version": 1}}]


async def test_a_probe_answers_503_where_one_check_fails(house: House) -> None:
    house.health.alive.append(Check(name="pollers", ok=False, detail="one takes no steps"))
    house.health.readiness = [Check(name="store", ok=False, detail="disk full")]
    for path, place in (("/livez", 1), ("/readyz", 0)):
        answer = await house.ask("GET", path)
        assert (answer.status, answer.json["status"]) == (503, "failing")
        assert answer.json["checks"][place]["ok"] is False


async def test_readiness_that_cannot_be_found_out_in_time_is_none() -> None:
    class Hanging(FakeHealth):
        async def ready(self) -> list[Check]:
            await asyncio.Event().wait()
            return []

    app = web.Application()
    hanging = Probes(health=Hanging(), render=no_metrics, clock=FakeClock(), version="1", deadline=0.01)
    add_operations(app, hanging.operations())
    async with (
        serve(app, host="127.0.0.1", port=0) as url,
        aiohttp.ClientSession() as session,
        session.get(url + "/readyz") as response,
    ):
        answer = await response.json()
    assert response.status == 503
    assert answer["checks"] == [{"name": "checks", "ok": False, "detail": "They did not end within 0.01 s", "data": {}}]


async def test_metrics_are_rendered_for_the_accept_header(house: House) -> None:
    answer = await house.ask("GET", "/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.body == b"application/openmetrics-text; version=1.0.0"
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


async def test_an_unknown_path_is_a_problem(house: House) -> None:
    for path in ("/page", "/v1", "/v1/watches/", "/v1/accounts/a/b/batches/1", "//v1/watches"):
        answer = await house.ask("GET", path)
        assert (answer.status, answer.headers["Content-Type"]) == (404, "application/problem+json")
        assert answer.json["type"] == "/problems/unknown-path"


async def test_a_wrong_method_is_a_problem_that_names_the_right_ones(house: House) -> None:
    answer = await house.ask("POST", "/v1/accounts/default/batches/1")
    assert (answer.status, answer.headers["Allow"]) == (405, "DELETE, GET, HEAD, PATCH, PUT")
    assert answer.json["type"] == "/problems/method-not-allowed"


@pytest.mark.parametrize("full", ["The disk is full.", "The disk is full"])
@pytest.mark.parametrize(("method", "route"), EVERY_ROUTE)
async def test_a_store_that_cannot_is_a_503_with_when_to_try_again(method: str, route: str, full: str) -> None:
    broken = BrokenStore(StoreError(full))
    async with open_house(store=broken, subscribing=broken) as house:
        answer = await house.ask(method, route.format(**PLACES))
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert answer.json == {
            "type": "/problems/store-unavailable",
            "title": "The store cannot do it now",
            "status": 503,
            "detail": "The disk is full. Nothing was done; try again in a few seconds.",
        }
        assert house.ear.of(RequestFailed) == []


@pytest.mark.parametrize(("method", "route"), EVERY_ROUTE)
async def test_a_mistake_of_ours_is_told_inside_and_not_outside(method: str, route: str) -> None:
    broken = BrokenStore(KeyError("inside knowledge"))
    async with open_house(store=broken, subscribing=broken) as house:
        answer = await house.ask(method, route.format(**PLACES))
        assert (answer.status, answer.json["type"]) == (500, "/problems/internal")
        assert "inside knowledge" not in answer.body.decode()
        (news,) = house.ear.of(RequestFailed)
        assert isinstance(news, RequestFailed)
        assert (news.method, news.route, news.error) == (method, route, "KeyError: 'inside knowledge'")
        assert "Traceback" in news.trace


async def test_every_answer_bears_the_headers_that_keep_browsers_safe(house: House) -> None:
    for method, path in (("GET", "/v1/watches"), ("GET", "/nowhere"), ("GET", "/metrics"), ("DELETE", "/livez")):
        headers = (await house.ask(method, path)).headers
        assert {name: headers.get(name) for name in ("X-Content-Type-Options", "Cache-Control", "Server")} == {
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
            "Server": "watcher",
        }


async def test_what_is_neither_known_nor_ours_is_still_a_problem(house: House) -> None:
    async def teapot(request: web.Request) -> web.Response:
        raise web.HTTPConflict if request.path == "/conflict" else web.HTTPFound("/elsewhere")

    app = make_app(
        store=house.store,
        following=house.following,
        subscribing=house.subscribing,
        submitting=house.submitting,
        planning=house.planning,
        health=house.health,
        metrics_render=no_metrics,
        token=None,
        clock=house.clock,
        version="1",
        timeout=timedelta(seconds=15),
        tell=Ear(),
    )
    app.add_routes([web.get("/conflict", teapot), web.get("/moved", teapot)])
    async with serve(app, host="127.0.0.1", port=0) as url:
        async with house.session.get(url + "/conflict") as response:
            assert (response.status, (await response.json(content_type=None))["type"]) == (409, "/problems/refused")
        async with house.session.get(url + "/moved", allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (302, "/elsewhere")


async def test_a_body_that_does_not_arrive_in_time_is_refused() -> None:
    async def impatient(request: web.Request) -> web.Response:
        try:
            return web.Response(body=await read_body(request, deadline=0.01))
        except Problem as problem:
            return problem.response()

    app = web.Application()
    app.router.add_post("/", impatient)
    async with serve(app, host="127.0.0.1", port=0) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\n[")
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 408 " in head
        assert json.loads(await reader.readexactly(_length(head)))["type"] == "/problems/body-too-slow"
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize(
    ("sent", "detail"),
    [
        (b"GARBAGE\r\n\r\n", "Invalid method encountered."),
        (b"GET /livez HTTP/1.1\r\n\r\n", "Missing 'Host' header in request."),
        (b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "Duplicate 'Host' header found."),
        (
            b"GET /livez HTTP/1.1\r\nHost: a\r\nX: " + b"secret" * 2000 + b"\r\n\r\n",
            "Got more than 8190 bytes when reading.",
        ),
        (
            b"POST /livez HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nno chunk\r\n",
            "Invalid character in chunk size.",
        ),
    ],
)
async def test_what_is_no_request_is_a_problem_and_one_quiet_line(
    house: House, caplog: pytest.LogCaptureFixture, sent: bytes, detail: str
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(house.url.rpartition(":")[2]))
    with caplog.at_level("DEBUG", "aiohttp"):
        writer.write(sent)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 400 ")
    assert b"Content-Type: application/problem+json\r\n" in head
    assert b"Server: watcher\r\n" in head
    (request_id,) = (line[14:].decode() for line in head.split(b"\r\n") if line.startswith(b"X-Request-Id: "))
    assert json.loads(body) == {
        "type": "/problems/bad-request",
        "title": "This is no HTTP request",
        "status": 400,
        "detail": detail,
        "request_id": request_id,
    }
    (line,) = [record for record in caplog.records if record.name.startswith("aiohttp")]
    assert (line.levelname, line.exc_info, line.message.partition(": ")[0]) == ("DEBUG", None, "bad request")
    assert "secret" not in line.message
    writer.close()
    await writer.wait_closed()


async def test_a_client_that_goes_away_in_the_middle_of_its_body_is_no_failure_of_ours(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    done, began = asyncio.Event(), asyncio.Event()

    @web.middleware
    async def watched(request: web.Request, handler: Any) -> web.StreamResponse:
        began.set()
        try:
            response: web.StreamResponse = await handler(request)
            return response
        finally:
            done.set()

    app = _app(house, tell=house.ear)
    app.middlewares.insert(0, watched)
    async with serve(app, host="127.0.0.1", port=0) as url:
        port = int(url.rpartition(":")[2])
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"POST /v1/watches HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        writer.write(head.encode() + b"Content-Length: 100\r\n\r\n[")
        await began.wait()
        writer.transport.abort()
        await done.wait()
    assert house.ear.of(RequestFailed) == []
    assert [record for record in caplog.records if record.levelname != "DEBUG"] == []


@pytest.mark.parametrize("path", ["/livez", "/v1/watches", "/nowhere"])
async def test_an_expectation_that_nobody_knows_is_a_problem_and_no_failure_of_ours(
    house: House, caplog: pytest.LogCaptureFixture, path: str
) -> None:
    headers = {"Expect": "wonders", "X-Request-Id": "r-1"}
    async with house.session.get(house.url + path, headers=headers) as response:
        problem = await response.json(content_type="application/problem+json")
    assert (response.status, response.headers["X-Request-Id"]) == (417, "r-1")
    assert problem == {
        "type": "/problems/refused",
        "title": "The request was refused",
        "status": 417,
        "detail": "Expectation Failed.",
        "request_id": "r-1",
    }
    assert [record for record in caplog.records if record.levelname != "DEBUG"] == []


async def test_a_connection_on_which_no_request_arrives_is_closed(house: House) -> None:
    """Whoever opens many and says nothing, or a byte now and then, must not keep others out."""
    async with serve(_app(house), host="127.0.0.1", port=0, keep=0.05) as url:
        port = int(url.rpartition(":")[2])
        for sent in (b"", b"GET /livez HTTP/1.1\r\nHost: "):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()


async def test_an_answer_that_is_not_taken_ends_the_connection(caplog: pytest.LogCaptureFixture) -> None:
    """Whoever asks for much and reads nothing must not have it kept for them."""
    given = asyncio.Event()

    async def much(request: web.Request) -> web.Response:
        given.set()
        return web.Response(body=bytes(64 * 1024 * 1024))

    app = web.Application()
    app.router.add_get("/", much)
    async with serve(app, host="127.0.0.1", port=0, take=0.1) as url:
        _, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]), limit=1024)
        writer.write(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        await given.wait()
        with pytest.raises(ConnectionError):
            await _write_on(writer)
        writer.close()
    assert [record for record in caplog.records if record.levelname != "DEBUG"] == []


async def test_a_packed_body_that_nobody_reads_is_not_unpacked_without_end() -> None:
    """A few kilobytes that unpack to gigabytes, from somebody without a token, must not keep everybody waiting."""
    asked: list[web.Request] = []

    async def refuse(request: web.Request) -> web.Response:
        asked.append(request)
        return web.Response(status=401)

    app = web.Application()
    app.router.add_post("/", refuse)
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    head = f"POST / HTTP/1.1\r\nHost: here\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    async with serve(app, host="127.0.0.1", port=0) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(head + bomb)
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 401 ")
        with suppress(ConnectionError):
            await reader.read()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
    assert asked[0].content.total_bytes < 4 * UNREAD_MOST


async def test_a_packed_body_that_nobody_needs_leaves_the_connection_as_it_is(house: House) -> None:
    """One that is small: whoever sends the next request there is answered."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
        for _ in range(3):
            url, packed = house.url + "/v1/accounts/default/batches/1", gzip.compress(b"{}" * 1000)
            async with session.delete(url, data=packed, headers={"Content-Encoding": "gzip"}) as response:
                assert response.status == 404


async def test_a_failure_of_ours_below_the_handlers_is_logged_with_its_place(caplog: pytest.LogCaptureFixture) -> None:
    async def broken(request: web.Request) -> web.Response:
        raise RuntimeError("ours")

    app = web.Application()
    app.router.add_get("/", broken)
    async with (
        serve(app, host="127.0.0.1", port=0) as url,
        aiohttp.ClientSession() as session,
        session.get(url) as response,
    ):
        assert response.status == 500
    (line,) = [record for record in caplog.records if record.name == "aiohttp.server"]
    assert (line.levelname, line.exc_info is not None) == ("ERROR", True)


async def test_a_free_port_is_chosen_where_none_is_named(house: House) -> None:
    assert house.url.startswith("http://127.0.0.1:")
    assert int(house.url.rpartition(":")[2]) > 0


async def test_a_port_in_use_is_said_with_the_remedy(house: House) -> None:
    port = int(house.url.rpartition(":")[2])
    with pytest.raises(CannotListen) as refused:
        async with serve(_app(house), host="127.0.0.1", port=port):
            pass
    assert str(refused.value) == (
        f"Cannot listen on 127.0.0.1:{port}: the port is in use. "
        "Stop what uses it, or choose another: WATCHER_LISTEN (http.listen)."
    )


@pytest.mark.parametrize(
    ("host", "port"), [("192.0.2.1", 0), ("no such host", 0), ("127.0.0.1", 70_000), ("2001:db8::1", 0)]
)
async def test_an_address_that_is_not_of_this_machine_is_said_with_the_remedy(
    house: House, host: str, port: int
) -> None:
    with pytest.raises(CannotListen, match=r"Name an address of this machine and a port: WATCHER_LISTEN"):
        async with serve(_app(house), host=host, port=port):
            pass


async def test_a_port_that_may_not_be_used_is_said_with_the_remedy(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()

    async def denied(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(loop, "create_server", denied)
    with pytest.raises(CannotListen, match="Choose one from 1024 on"):
        async with serve(_app(house), host="127.0.0.1", port=80):
            pass


async def test_an_ipv6_address_is_shown_in_brackets(house: House) -> None:
    async with serve(_app(house), host="::1", port=0) as url:
        assert url.startswith("http://[::1]:")
        async with house.session.get(url + "/v1/accounts") as response:
            assert response.status == 200


async def test_a_request_under_way_is_answered_before_the_end(house: House) -> None:
    began, may_end = asyncio.Event(), asyncio.Event()

    class Slow(FakeHealth):
        async def ready(self) -> list[Check]:
            began.set()
            await may_end.wait()
            return []

    app = _app(house, health=Slow())
    async with asyncio.TaskGroup() as group, serve(app, host="127.0.0.1", port=0) as url:
        asking = group.create_task(_status(house.session, url + "/readyz"))
        await began.wait()
        group.create_task(_set(may_end))
    assert asking.result() == 200
    with pytest.raises(aiohttp.ClientConnectionError):
        await _status(house.session, url + "/readyz")


def _app(house: House, health: FakeHealth | None = None, tell: Any = lambda _: None) -> Any:
    return make_app(
        store=house.store,
        following=house.following,
        subscribing=house.subscribing,
        submitting=house.submitting,
        planning=house.planning,
        health=health or house.health,
        metrics_render=no_metrics,
        token=None,
        clock=house.clock,
        version="1",
        timeout=timedelta(seconds=15),
        tell=tell,
    )


async def _status(session: aiohttp.ClientSession, url: str) -> int:
    async with session.get(url) as response:
        return response.status


async def _write_on(writer: asyncio.StreamWriter) -> None:
    """Until the other end is gone."""
    while True:
        await asyncio.sleep(0)
        writer.write(b"x")
        await writer.drain()


async def _set(event: asyncio.Event) -> None:
    event.set()


def _length(head: bytes) -> int:
    (length,) = (line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
    return int(length)
