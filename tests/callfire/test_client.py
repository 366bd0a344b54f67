"""CallFire over a real socket: what is sent, what each failure is called, and that a token buys one request."""

import asyncio
import gzip
import json
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final, NoReturn

import pytest
import trustme
from aiohttp import ClientError, ClientRequest, ClientTimeout, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult

from tests.fakes import NOON, Ear, FakeClock
from tests.sockets import Reply, drop, hang, http, listening, reset
from watcher.callfire.bodies import MAX_BODY
from watcher.callfire.client import CallFire, Session, open_session
from watcher.callfire.limits import Budget
from watcher.callfire.wire import access
from watcher.core.answers import Answer, Kind, PageAnswer
from watcher.core.model import Batch, Page, PageRef
from watcher.core.news import Answered

BODY: Final = json.dumps({"id": 1, "status": "VALIDATING"}).encode()
SEEN: Final = Answer(
    batch_id=1,
    asked=NOON,
    answered=NOON,
    kind=Kind.SEEN,
    outcome="200",
    batch=Batch(id=1, status="VALIDATING"),
    size=len(BODY),
)
ASKED: Final = "/campaigns/batches/1?fields=id,status,size,remaining,enabled,broadcastId,name,created"
SHORT: Final = timedelta(seconds=0.2)


def callfire(
    session: Session,
    url: str,
    *,
    clock: FakeClock | None = None,
    ear: Ear | None = None,
    budget: Budget | None = None,
    connect: timedelta = timedelta(seconds=5),
    whole: timedelta = timedelta(seconds=15),
) -> CallFire:
    return CallFire(
        "default",
        access=access(url + "/v2", "login", "password"),
        session=session,
        budget=budget or Budget(1000),
        clock=clock or FakeClock(),
        tell=ear or Ear(),
        connect=connect,
        whole=whole,
    )


@asynccontextmanager
async def session(
    tls: ssl.SSLContext | None = None, resolver: AbstractResolver | None = None
) -> AsyncIterator[Session]:
    async with open_session(user_agent="callfire-batch-watcher/1", tls=tls, resolver=resolver) as opened:
        yield opened


async def look_at(*replies: Reply, whole: timedelta = timedelta(seconds=15)) -> Answer:
    """One look at a server that replies so."""
    async with listening(*replies) as server, session() as opened:
        return await callfire(opened, server.url, whole=whole).look(1)


async def test_a_look_is_one_request_with_all_it_needs() -> None:
    async with listening(http(200, BODY)) as server, session() as opened:
        assert await callfire(opened, server.url).look(1) == SEEN
    [heard] = server.heard
    assert heard.line == f"GET /v2{ASKED} HTTP/1.1"
    assert heard.headers == {
        "host": f"127.0.0.1:{server.port}",
        "user-agent": "callfire-batch-watcher/1",
        "authorization": "Basic bG9naW46cGFzc3dvcmQ=",
        "accept": "application/json",
        "accept-encoding": "gzip",
    }


async def test_the_moments_of_asking_and_answering_are_the_clocks() -> None:
    clock, ear = FakeClock(), Ear()

    async def slowly(writer: asyncio.StreamWriter) -> None:
        clock.turn(seconds=0.25)
        writer.write(http(200, BODY))

    async with listening(slowly) as server, session() as opened:
        answer = await callfire(opened, server.url, clock=clock, ear=ear).look(1)
    assert answer == replace(SEEN, answered=NOON + timedelta(seconds=0.25))
    assert ear.heard == [Answered(account="default", operation="batch", outcome="200", took=0.25, size=len(BODY))]
    [told] = ear.heard
    assert isinstance(told, Answered)
    assert (told.answer, told.server) == (answer, server.url)


async def test_looks_use_one_connection_again_and_again() -> None:
    async with listening(http(200, BODY)) as server, session() as opened:
        upstream = callfire(opened, server.url)
        assert [await upstream.look(1) for _ in range(3)] == [SEEN] * 3
    assert [heard.connection for heard in server.heard] == [1, 1, 1]


@pytest.mark.parametrize("lose", [drop, reset])
async def test_a_connection_found_closed_costs_no_second_request(lose: Reply) -> None:
    async with listening(http(200, BODY), lose, http(200, BODY)) as server, session() as opened:
        upstream = callfire(opened, server.url)
        assert await upstream.look(1) == SEEN
        lost = await upstream.look(1)
        assert (lost.kind, lost.outcome) == (Kind.FAILED, "reset")
        assert [heard.connection for heard in server.heard] == [1, 1]
        assert await upstream.look(1) == SEEN


@pytest.mark.parametrize(
    ("status", "kind"),
    [(302, Kind.FAILED), (401, Kind.UNAUTHORIZED), (404, Kind.NOT_FOUND), (429, Kind.THROTTLED), (503, Kind.FAILED)],
)
async def test_an_error_is_its_code_with_the_pause_it_asks_for(status: int, kind: Kind) -> None:
    answer = await look_at(http(status, b'{"message":"no"}', retry_after="9", location="/elsewhere"))
    assert answer == Answer(
        batch_id=1,
        asked=NOON,
        answered=NOON,
        kind=kind,
        outcome=str(status),
        detail="no",
        retry_after=timedelta(seconds=9),
        size=16,
    )


async def test_redirects_are_not_followed_and_cookies_not_kept() -> None:
    moved = http(302, location="/v2/campaigns/batches/1", set_cookie="a=b")
    async with listening(moved, http(200, BODY)) as server, session() as opened:
        upstream = callfire(opened, server.url)
        assert (await upstream.look(1)).outcome == "302"
        assert len(server.heard) == 1
        await upstream.look(1)
        assert "cookie" not in server.heard[1].headers


async def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with listening(http(502)) as proxy, listening(http(200, BODY)) as server:
        monkeypatch.setenv("http_proxy", proxy.url)
        async with session() as opened:
            assert await callfire(opened, server.url).look(1) == SEEN
        assert proxy.heard == []


# Bodies.


async def test_a_packed_body_is_read() -> None:
    packed = gzip.compress(BODY)
    assert await look_at(http(200, packed, content_encoding="gzip")) == replace(SEEN, size=len(packed))


async def test_a_body_in_many_chunks_is_read() -> None:
    async def in_chunks(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for byte in BODY:
            writer.write(b"1\r\n" + bytes([byte]) + b"\r\n")
            await writer.drain()
            await asyncio.sleep(0)
        writer.write(b"0\r\n\r\n")

    assert await look_at(in_chunks) == SEEN


async def test_a_bomb_is_garbage() -> None:
    answer = await look_at(http(200, gzip.compress(b" " * 50_000_000), content_encoding="gzip"))
    assert (answer.kind, answer.outcome, answer.detail) == (
        Kind.GARBAGE,
        "bad_body",
        "the body is over 1 MiB when unpacked",
    )


async def test_an_endless_body_is_read_no_further_than_the_limit_and_its_connection_closed() -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
            await writer.drain()

    async with listening(endless, http(200, BODY)) as server, session() as opened:
        upstream = callfire(opened, server.url)
        answer = await upstream.look(1)
        assert (answer.kind, answer.outcome, answer.detail) == (Kind.GARBAGE, "bad_body", "the body is over 1 MiB")
        assert answer.size == MAX_BODY
        assert await upstream.look(1) == SEEN
        assert [heard.connection for heard in server.heard] == [1, 2]


@pytest.mark.parametrize(("length", "kind"), [(MAX_BODY, Kind.SEEN), (MAX_BODY + 1, Kind.GARBAGE)])
async def test_the_limit_is_one_mebibyte_to_the_byte(length: int, kind: Kind) -> None:
    assert (await look_at(http(200, BODY.ljust(length)))).kind is kind


# Failures.


async def test_no_answer_in_time_is_a_timeout() -> None:
    answer = await look_at(hang, whole=SHORT)
    assert (answer.kind, answer.outcome) == (Kind.FAILED, "timeout")


async def test_an_answer_that_does_not_end_in_time_is_a_timeout() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            writer.write(b" ")
            await asyncio.sleep(0.02)

    answer = await look_at(drip, whole=SHORT)
    assert (answer.kind, answer.outcome) == (Kind.FAILED, "timeout")


@pytest.mark.parametrize("lose", [drop, reset])
async def test_a_connection_closed_before_an_answer_is_a_reset(lose: Reply) -> None:
    answer = await look_at(lose)
    assert (answer.kind, answer.outcome) == (Kind.FAILED, "reset")


async def cut(writer: asyncio.StreamWriter) -> None:
    """Promises more than it sends."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + BODY)
    writer.close()


async def test_a_body_cut_short_is_a_reset() -> None:
    answer = await look_at(cut)
    assert (answer.kind, answer.outcome) == (Kind.FAILED, "reset")


async def test_a_code_that_says_all_is_heard_even_if_its_body_is_cut_short() -> None:
    async def cut_401(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 401 No\r\nContent-Length: 1000\r\n\r\nwho are you")
        writer.close()

    answer = await look_at(cut_401)
    assert (answer.kind, answer.outcome, answer.detail) == (Kind.UNAUTHORIZED, "401", "who are you")


async def test_what_is_not_http_is_a_bad_body() -> None:
    answer = await look_at(b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n")
    assert (answer.kind, answer.outcome) == (Kind.FAILED, "bad_body")


async def test_a_closed_port_is_a_reset() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with session() as opened:
            answer = await callfire(opened, f"http://127.0.0.1:{unused.getsockname()[1]}").look(1)
    assert (answer.kind, answer.outcome) == (Kind.FAILED, "reset")


@pytest.mark.parametrize("code", [600, 999])
async def test_a_code_that_no_server_gives_is_a_failure_called_by_its_number(code: int) -> None:
    answer = await look_at(http(code, BODY))
    assert (answer.kind, answer.outcome, answer.batch) == (Kind.FAILED, str(code), None)


class Unforeseen(TCPConnector):
    """Fails as nothing does yet."""

    async def connect(self, req: ClientRequest, traces: list[Any], timeout: ClientTimeout) -> NoReturn:
        raise ClientError("of a kind yet to come")


async def test_an_error_of_aiohttps_that_nobody_foresaw_is_a_reset() -> None:
    async with Unforeseen() as connector:
        answer = await callfire(Session(connector=connector, user_agent="test"), "http://callfire.test").look(1)
    assert (answer.kind, answer.outcome, answer.detail) == (Kind.FAILED, "reset", "of a kind yet to come")


class NoSuchName(AbstractResolver):
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        raise OSError(None, "no such name")

    async def close(self) -> None:
        pass


async def test_a_name_nobody_knows_is_dns() -> None:
    ear = Ear()
    async with session(resolver=NoSuchName()) as opened:
        answer = await callfire(opened, "http://callfire.invalid", ear=ear).look(1)
    assert (answer.kind, answer.outcome) == (Kind.FAILED, "dns")
    assert ear.heard == [Answered(account="default", operation="batch", outcome="dns", took=0.0)]


class Hesitant(AbstractResolver):
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.now = asyncio.Event()
        self.asked = asyncio.Event()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.set()
        await self.now.wait()
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "family": family, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        pass


async def test_requests_that_piled_up_while_connecting_go_out_one_by_one() -> None:
    """Each has its token; but the budget counts what CallFire gets, and when."""
    arrivals: list[float] = []

    async def note(writer: asyncio.StreamWriter) -> None:
        arrivals.append(time.monotonic())
        writer.write(http(200, BODY))

    budget, resolver = Budget(50), Hesitant()
    async with listening(note) as server, session(resolver=resolver) as opened:
        ours = callfire(opened, f"http://callfire.test:{server.port}", budget=budget)
        async with asyncio.TaskGroup() as group:
            for number in range(6):
                await ours.token()
                group.create_task(ours.look(1), name=f"look {number}")
            await resolver.asked.wait()
            for _ in range(2):
                await ours.token()  # time passes: no token is fresh any more
            out = time.monotonic()
            resolver.now.set()
    assert len(arrivals) == 6
    assert arrivals[-1] - out >= 4 / 50  # nearly five periods, and what is noticed late makes them longer, not shorter


async def test_a_name_that_cannot_be_one_is_dns() -> None:
    async with session() as opened:
        answer = await callfire(opened, f"http://{'a' * 64}.example").look(1)
    assert (answer.kind, answer.outcome) == (Kind.FAILED, "dns")


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def served_by(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


async def test_a_certificate_that_is_trusted_is_accepted(authority: trustme.CA) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with listening(http(200, BODY), tls=served_by(authority, "127.0.0.1")) as server, session(trusting) as opened:
        assert await callfire(opened, server.url).look(1) == SEEN


async def test_a_certificate_nobody_vouches_for_is_tls(authority: trustme.CA) -> None:
    async with listening(http(200, BODY), tls=served_by(authority, "127.0.0.1")) as server, session() as opened:
        answer = await callfire(opened, server.url).look(1)
    assert (answer.kind, answer.outcome, server.heard) == (Kind.FAILED, "tls", [])


async def test_a_certificate_for_another_name_is_tls(authority: trustme.CA) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with listening(http(200, BODY), tls=served_by(authority, "127.0.0.2")) as server, session(trusting) as opened:
        answer = await callfire(opened, server.url).look(1)
    assert (answer.kind, answer.outcome, server.heard) == (Kind.FAILED, "tls", [])


async def test_a_server_without_tls_is_tls() -> None:
    async def not_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(not_tls, "127.0.0.1", 0)
    async with server, session() as opened:
        answer = await callfire(opened, f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}").look(1)
    assert (answer.kind, answer.outcome) == (Kind.FAILED, "tls")


async def test_connecting_has_a_deadline_of_its_own() -> None:
    """The port is open, but the TLS handshake is never answered."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        async with session() as opened:
            upstream = callfire(opened, f"https://127.0.0.1:{mute.getsockname()[1]}", connect=SHORT)
            async with asyncio.timeout(60):
                answer = await upstream.look(1)
    assert (answer.kind, answer.outcome) == (Kind.FAILED, "timeout")


async def test_a_cancelled_look_is_cancelled() -> None:
    ear = Ear()
    async with listening(hang) as server, session() as opened:
        looking = asyncio.create_task(callfire(opened, server.url, ear=ear).look(1))
        while not server.heard:  # noqa: ASYNC110  # the server is a stranger, it tells nobody
            await asyncio.sleep(0.001)
        looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looking
    assert ear.heard == []


# Pages.

REF: Final = PageRef(broadcast_id=14, kind="text", offset=100, limit=50)
PAGE_BODY: Final = json.dumps({"items": [{"id": 1, "status": "NEW"}], "limit": 50, "offset": 100}).encode()
PAGE_SEEN: Final = PageAnswer(
    ref=REF,
    asked=NOON,
    answered=NOON,
    kind=Kind.SEEN,
    outcome="200",
    page=Page(offset=100, limit=50, items=(Batch(id=1, status="NEW", broadcast_id=14),), total=None),
    size=len(PAGE_BODY),
)


async def page_from(*replies: Reply, whole: timedelta = timedelta(seconds=15)) -> PageAnswer:
    """One page of a server that replies so."""
    async with listening(*replies) as server, session() as opened:
        return await callfire(opened, server.url, whole=whole).page(REF)


async def test_a_page_is_one_request_with_all_that_a_look_has_and_told_as_a_page() -> None:
    clock, ear = FakeClock(), Ear()

    async def slowly(writer: asyncio.StreamWriter) -> None:
        clock.turn(seconds=0.25)
        writer.write(http(200, PAGE_BODY))

    async with listening(http(200, BODY), slowly) as server, session() as opened:
        upstream = callfire(opened, server.url, clock=clock, ear=ear)
        await upstream.look(1)
        assert await upstream.page(REF) == replace(PAGE_SEEN, answered=NOON + timedelta(seconds=0.25))
    look, page = server.heard
    assert page.line == (
        "GET /v2/texts/broadcasts/14/batches?fields=items(id,status,size,remaining,enabled,broadcastId,name,created),"
        "limit,offset,totalCount&limit=50&offset=100 HTTP/1.1"
    )
    assert (page.headers, page.connection) == (look.headers, look.connection)
    assert ear.heard[1:] == [
        Answered(account="default", operation="page", outcome="200", took=0.25, size=len(PAGE_BODY))
    ]


@pytest.mark.parametrize("lose", [drop, reset])
async def test_a_connection_found_closed_costs_a_page_no_second_request(lose: Reply) -> None:
    async with listening(http(200, BODY), lose, http(200, PAGE_BODY)) as server, session() as opened:
        upstream = callfire(opened, server.url)
        await upstream.look(1)
        lost = await upstream.page(REF)
        assert (lost.kind, lost.outcome, lost.page) == (Kind.FAILED, "reset", None)
        assert len(server.heard) == 2
        assert await upstream.page(REF) == PAGE_SEEN


@pytest.mark.parametrize(
    ("reply", "kind", "outcome"),
    [
        (http(404), Kind.NOT_FOUND, "404"),
        (http(403, retry_after="9"), Kind.FORBIDDEN, "403"),
        (http(302, location="/elsewhere"), Kind.FAILED, "302"),
        (http(200, BODY), Kind.GARBAGE, "bad_body"),
        (http(200, PAGE_BODY.ljust(MAX_BODY + 1)), Kind.GARBAGE, "bad_body"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n", Kind.FAILED, "bad_body"),
        (cut, Kind.FAILED, "reset"),
        (hang, Kind.FAILED, "timeout"),
    ],
)
async def test_what_a_page_can_meet_is_called_as_it_is_for_a_look(reply: Reply, kind: Kind, outcome: str) -> None:
    answer = await page_from(reply, whole=SHORT if reply is hang else timedelta(seconds=15))
    assert (answer.kind, answer.outcome, answer.page) == (kind, outcome, None)


async def test_a_page_of_a_megabyte_is_read() -> None:
    assert await page_from(http(200, PAGE_BODY.ljust(MAX_BODY))) == replace(PAGE_SEEN, size=MAX_BODY)


# The budget.


async def test_the_rate_in_force_and_the_tokens_are_the_budgets() -> None:
    async with session() as opened:
        upstream = callfire(opened, "http://127.0.0.1:1")
        assert upstream.effective_rate == 1000
        upstream.limit(400.0)
        assert upstream.effective_rate == 400.0
        async with asyncio.timeout(60):
            await upstream.token()
