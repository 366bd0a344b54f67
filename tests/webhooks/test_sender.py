"""Webhooks over a real socket: what is sent, what comes of it, and receivers that mean no good."""

import asyncio
import base64
import socket
import ssl
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest
import standardwebhooks
import trustme
from aiohttp import ClientSession, DummyCookieJar
from aiohttp.abc import AbstractResolver, ResolveResult

from tests.fakes import NOON, FakeClock
from tests.sockets import Reply, drop, hang, http, listening, reset
from watcher.core.message import MAX_BODY
from watcher.core.model import Attempt, Delivery, Endpoint
from watcher.webhooks.sender import ANSWER_KEPT, WebhookSender, open_session
from watcher.webhooks.signing import sign

KEY: Final = bytes(range(32))
DELIVERY: Final = Delivery(
    id=1,
    endpoint_id="default",
    position=7,
    event_id="evt_ab_default_13_3",
    event_type="batch.active",
    body='{"type":"batch.active","data":{"name":"Zoë"}}'.encode(),
    created=NOON,
    due=NOON,
)
AGENT: Final = "callfire-batch-watcher/1"
NOW: Final = timedelta(0)


def endpoint(url: str, *, timeout: float = 15.0) -> Endpoint:
    return Endpoint(id="default", url=url, timeout=timedelta(seconds=timeout), secrets=(KEY,))


def answered(code: int, answer: bytes = b"", **more: object) -> Attempt:
    return replace(Attempt(at=NOON, took=NOW, code=code, answer=answer), **more)  # type: ignore[arg-type]


def failed(error: str, answer: bytes = b"") -> Attempt:
    return Attempt(at=NOON, took=NOW, code=None, error=error, answer=answer)


async def send_to(*replies: Reply, timeout: float = 15.0, delivery: Delivery = DELIVERY) -> Attempt:
    """One delivery to a receiver that replies so."""
    async with listening(*replies) as receiver, open_session(user_agent=AGENT) as session:
        sender = WebhookSender(session=session, clock=FakeClock())
        return await sender.send(endpoint(receiver.url, timeout=timeout), delivery)


async def test_the_stored_bytes_are_sent_signed() -> None:
    async with listening(http(200, b"thanks")) as receiver, open_session(user_agent=AGENT) as session:
        sender = WebhookSender(session=session, clock=FakeClock())
        attempt = await sender.send(endpoint(receiver.url + "/hook?a=b"), DELIVERY)
    assert attempt == answered(200, b"thanks")
    [heard] = receiver.heard
    assert (heard.line, heard.body) == ("POST /hook?a=b HTTP/1.1", DELIVERY.body)
    now = str(int(NOON.timestamp()))
    assert heard.headers == {
        "host": f"127.0.0.1:{receiver.port}",
        "user-agent": AGENT,
        "content-type": "application/json",
        "content-length": str(len(DELIVERY.body)),
        "accept": "*/*",
        "accept-encoding": heard.headers["accept-encoding"],
        "webhook-id": "evt_ab_default_13_3",
        "webhook-timestamp": now,
        "webhook-signature": sign(DELIVERY.event_id, int(now), DELIVERY.body, [KEY]),
    }


async def test_the_official_library_takes_what_was_sent_for_genuine() -> None:
    async with listening(http(204)) as receiver, open_session(user_agent=AGENT) as session:
        attempt = await WebhookSender(session=session, clock=_RealNow()).send(endpoint(receiver.url), DELIVERY)
    assert attempt.code == 204
    [heard] = receiver.heard
    told = standardwebhooks.Webhook("whsec_" + base64.b64encode(KEY).decode()).verify(heard.body, heard.headers)
    assert told == {"type": "batch.active", "data": {"name": "Zoë"}}


class _RealNow(FakeClock):
    """The library compares the timestamp with the real time."""

    def __init__(self) -> None:
        from datetime import UTC, datetime

        super().__init__(now=datetime.now(UTC))


async def test_an_attempt_says_when_and_how_long_by_the_clock() -> None:
    clock = FakeClock()

    async def slowly(writer: asyncio.StreamWriter) -> None:
        clock.turn(seconds=0.25)
        writer.write(http(200))

    async with listening(slowly) as receiver, open_session(user_agent=AGENT) as session:
        attempt = await WebhookSender(session=session, clock=clock).send(endpoint(receiver.url), DELIVERY)
    assert attempt == answered(200, took=timedelta(seconds=0.25))


async def test_every_attempt_is_signed_for_its_own_time() -> None:
    clock = FakeClock()
    async with listening(http(500)) as receiver, open_session(user_agent=AGENT) as session:
        sender = WebhookSender(session=session, clock=clock)
        for _ in range(2):
            await sender.send(endpoint(receiver.url), DELIVERY)
            clock.turn(seconds=5)
    first, second = receiver.heard
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 5
    assert first.headers["webhook-signature"] != second.headers["webhook-signature"]


@pytest.mark.parametrize("code", [200, 201, 204, 299, 400, 401, 404, 410, 418, 500, 502, 504])
async def test_any_code_is_the_attempts_code(code: int) -> None:
    assert await send_to(http(code)) == answered(code)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_redirects_are_kept_and_not_followed(code: int) -> None:
    async with listening(http(code, location="/else")) as receiver, open_session(user_agent=AGENT) as session:
        attempt = await WebhookSender(session=session, clock=FakeClock()).send(endpoint(receiver.url), DELIVERY)
    assert attempt == answered(code, location="/else")
    assert len(receiver.heard) == 1


async def test_a_redirect_to_nowhere_and_a_long_one() -> None:
    assert await send_to(http(302)) == answered(302)
    assert await send_to(http(302, location="/" * 5000)) == answered(302, location="/" * 2048)


@pytest.mark.parametrize("code", [429, 503])
@pytest.mark.parametrize(
    ("value", "pause"),
    [
        ("7", timedelta(seconds=7)),
        ("Mon, 23 Nov 2026 12:00:10 GMT", timedelta(seconds=10)),
        ("Mon, 23 Nov 2026 11:00:00 GMT", timedelta(0)),
        ("soon", None),
    ],
)
async def test_a_busy_receiver_may_ask_for_a_pause(code: int, value: str, pause: timedelta | None) -> None:
    assert await send_to(http(code, retry_after=value)) == answered(code, retry_after=pause)


async def test_a_date_to_wait_for_is_of_the_receivers_clock() -> None:
    asked = http(503, retry_after="Mon, 23 Nov 2026 12:10:05 GMT", date="Mon, 23 Nov 2026 12:10:00 GMT")
    assert await send_to(asked) == answered(503, retry_after=timedelta(seconds=5))


async def test_a_pause_counts_from_the_answer() -> None:
    clock = FakeClock()

    async def slowly(writer: asyncio.StreamWriter) -> None:
        clock.turn(seconds=4)
        writer.write(http(429, retry_after="Mon, 23 Nov 2026 12:00:10 GMT"))

    async with listening(slowly) as receiver, open_session(user_agent=AGENT) as session:
        attempt = await WebhookSender(session=session, clock=clock).send(endpoint(receiver.url), DELIVERY)
    assert attempt.retry_after == timedelta(seconds=6)


async def test_other_codes_may_not_ask_for_a_pause() -> None:
    assert await send_to(http(500, retry_after="7")) == answered(500)


async def test_cookies_are_not_kept() -> None:
    async with listening(http(200, set_cookie="a=b")) as receiver, open_session(user_agent=AGENT) as session:
        sender = WebhookSender(session=session, clock=FakeClock())
        for _ in range(2):
            await sender.send(endpoint(receiver.url), DELIVERY)
        assert "cookie" not in receiver.heard[1].headers
        assert isinstance(session.cookie_jar, DummyCookieJar)


async def test_a_connection_is_used_again() -> None:
    async with listening(http(200, b"x" * (ANSWER_KEPT - 1))) as receiver, open_session(user_agent=AGENT) as session:
        sender = WebhookSender(session=session, clock=FakeClock())
        for _ in range(3):
            await sender.send(endpoint(receiver.url), DELIVERY)
    assert [heard.connection for heard in receiver.heard] == [1, 1, 1]


# What is never sent.


async def test_a_body_over_the_limit_is_not_sent() -> None:
    async with listening(http(200)) as receiver, open_session(user_agent=AGENT) as session:
        sender = WebhookSender(session=session, clock=FakeClock())
        too_large = replace(DELIVERY, body=b"x" * (MAX_BODY + 1))
        assert await sender.send(endpoint(receiver.url), too_large) == failed("too_large")
        assert receiver.heard == []
        just_right = replace(DELIVERY, body=b"x" * MAX_BODY)
        assert await sender.send(endpoint(receiver.url), just_right) == answered(200)


async def test_nothing_is_sent_unsigned() -> None:
    async with listening(http(200)) as receiver, open_session(user_agent=AGENT) as session:
        sender = WebhookSender(session=session, clock=FakeClock())
        secretless = replace(endpoint(receiver.url), secrets=())
        assert await sender.send(secretless, DELIVERY) == failed("no_secret")
        assert receiver.heard == []


@pytest.mark.parametrize(
    "url",
    ["", "/hook", "http://", "ftp://127.0.0.1/", "http://127.0.0.1:99999/", "http://[::1", f"http://{'a' * 64}.com/"],
)
async def test_a_url_that_cannot_be_one(url: str) -> None:
    async with open_session(user_agent=AGENT) as session:
        sender = WebhookSender(session=session, clock=FakeClock())
        assert await sender.send(endpoint(url), DELIVERY) == failed("bad_url")


# Failures.


async def test_a_closed_port_is_connect() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with open_session(user_agent=AGENT) as session:
            sender = WebhookSender(session=session, clock=FakeClock())
            attempt = await sender.send(endpoint(f"http://127.0.0.1:{unused.getsockname()[1]}"), DELIVERY)
    assert attempt == failed("connect")


async def test_a_connection_that_takes_too_long_is_connect() -> None:
    """The port is open, but the TLS handshake is never answered."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        async with open_session(user_agent=AGENT) as session:
            sender = WebhookSender(session=session, clock=FakeClock(), connect=timedelta(seconds=0.1))
            async with asyncio.timeout(5):
                attempt = await sender.send(endpoint(f"https://127.0.0.1:{mute.getsockname()[1]}"), DELIVERY)
    assert attempt == failed("connect")


class NoSuchName(AbstractResolver):
    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        raise OSError(None, "no such name")

    async def close(self) -> None:
        pass


async def test_a_name_nobody_knows_is_dns() -> None:
    async with open_session(user_agent=AGENT, resolver=NoSuchName()) as session:
        sender = WebhookSender(session=session, clock=FakeClock())
        assert await sender.send(endpoint("https://receiver.invalid/"), DELIVERY) == failed("dns")


async def test_a_certificate_nobody_vouches_for_is_tls() -> None:
    authority = trustme.CA()
    serving, trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("127.0.0.1").configure_cert(serving)
    authority.configure_trust(trusting)
    async with listening(http(200), tls=serving) as receiver:
        async with open_session(user_agent=AGENT) as session:
            sender = WebhookSender(session=session, clock=FakeClock())
            assert await sender.send(endpoint(receiver.url), DELIVERY) == failed("tls")
        assert receiver.heard == []
        async with open_session(user_agent=AGENT, tls=trusting) as session:
            sender = WebhookSender(session=session, clock=FakeClock())
            assert await sender.send(endpoint(receiver.url), DELIVERY) == answered(200)


async def test_no_answer_in_time_is_a_timeout() -> None:
    assert await send_to(hang, timeout=0.2) == failed("timeout")


@pytest.mark.parametrize("lose", [drop, reset])
async def test_a_new_connection_that_drops_is_a_reset_and_not_tried_again(lose: Reply) -> None:
    async with listening(lose) as receiver, open_session(user_agent=AGENT) as session:
        attempt = await WebhookSender(session=session, clock=FakeClock()).send(endpoint(receiver.url), DELIVERY)
    assert attempt == failed("reset")
    assert len(receiver.heard) == 1


async def test_what_is_not_http_is_a_bad_answer() -> None:
    assert await send_to(b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n") == failed("bad_answer")


# Hostile receivers.


async def test_an_endless_answer_is_read_no_further_than_16_kib_and_its_connection_closed() -> None:
    async def endless(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            await writer.drain()

    async with listening(endless, http(200)) as receiver, open_session(user_agent=AGENT) as session:
        sender = WebhookSender(session=session, clock=FakeClock())
        assert await sender.send(endpoint(receiver.url), DELIVERY) == answered(200, b"x" * ANSWER_KEPT)
        assert await sender.send(endpoint(receiver.url), DELIVERY) == answered(200)
        assert [heard.connection for heard in receiver.heard] == [1, 2]


async def test_a_packed_answer_is_kept_as_it_came() -> None:
    assert await send_to(http(200, b"\x1f\x8bnot really", content_encoding="gzip")) == answered(
        200, b"\x1f\x8bnot really"
    )


def dripping(code: int) -> Reply:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(f"HTTP/1.1 {code} Whatever\r\nContent-Length: 1000\r\n\r\n".encode())
        while True:
            writer.write(b".")
            await asyncio.sleep(0.02)

    return drip


async def test_an_acceptance_a_byte_at_a_time_is_a_timeout() -> None:
    attempt = await send_to(dripping(200), timeout=0.2)
    assert attempt == failed("timeout", attempt.answer)
    assert 0 < len(attempt.answer) < 1000


async def test_a_refusal_a_byte_at_a_time_is_a_refusal() -> None:
    attempt = await send_to(dripping(410), timeout=0.2)
    assert attempt == answered(410, attempt.answer)


async def test_headers_a_byte_at_a_time_are_a_timeout() -> None:
    async def drip(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nServer: ")
        while True:
            writer.write(b".")
            await asyncio.sleep(0.02)

    assert await send_to(drip, timeout=0.2) == failed("timeout")


async def test_an_acceptance_cut_short_is_a_bad_answer() -> None:
    async def cut(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok")
        writer.close()

    assert await send_to(cut) == failed("bad_answer", b"ok")


async def test_a_receiver_that_answers_without_reading_is_heard() -> None:
    heard, closed = asyncio.Event(), asyncio.Event()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(http(413, b"too much"))
        await heard.wait()
        writer.transport.abort()
        closed.set()

    server = await asyncio.start_server(deaf, "127.0.0.1", 0, limit=1024)
    async with server, open_session(user_agent=AGENT) as session:
        sender = WebhookSender(session=session, clock=FakeClock())
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with asyncio.timeout(5):
            attempt = await sender.send(endpoint(url), replace(DELIVERY, body=b"x" * MAX_BODY))
            heard.set()
            await closed.wait()
    assert attempt == answered(413, b"too much")


async def test_a_cancelled_attempt_is_cancelled() -> None:
    async with listening(hang) as receiver, open_session(user_agent=AGENT) as session:
        sender = WebhookSender(session=session, clock=FakeClock())
        sending = asyncio.create_task(sender.send(endpoint(receiver.url), DELIVERY))
        while not receiver.heard:  # noqa: ASYNC110  # the receiver is a stranger, it tells nobody
            await asyncio.sleep(0.001)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending


# A reused connection that drops.


async def second_of(
    *replies: Reply, clock: FakeClock | None = None, timeout: float = 15.0
) -> tuple[Attempt, list[int]]:
    """What comes of a second delivery over the connection of the first, and on which connections requests arrived."""
    async with listening(http(200), *replies) as receiver, open_session(user_agent=AGENT) as session:
        sender = WebhookSender(session=session, clock=clock or FakeClock())
        await sender.send(endpoint(receiver.url), DELIVERY)
        attempt = await sender.send(endpoint(receiver.url, timeout=timeout), DELIVERY)
        assert len({heard.headers["webhook-id"] for heard in receiver.heard}) == 1
        return attempt, [heard.connection for heard in receiver.heard]


@pytest.mark.parametrize("lose", [drop, reset])
async def test_it_is_sent_again_at_once(lose: Reply) -> None:
    assert await second_of(lose, http(200, b"ok")) == (answered(200, b"ok"), [1, 1, 2])


async def test_it_is_sent_again_only_once() -> None:
    assert await second_of(drop, drop, http(200)) == (failed("reset"), [1, 1, 2])


async def test_it_is_not_sent_again_when_the_drop_took_longer() -> None:
    clock = FakeClock()

    async def drop_late(writer: asyncio.StreamWriter) -> None:
        clock.turn(seconds=1)
        writer.close()

    attempt, connections = await second_of(drop_late, http(200), clock=clock)
    assert (attempt.error, connections) == ("reset", [1, 1])


async def test_it_is_not_sent_again_when_an_answer_had_begun() -> None:
    async def begin(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 2")
        writer.close()

    assert await second_of(begin, http(200)) == (failed("reset"), [1, 1])


async def test_it_is_not_sent_again_when_it_is_only_slow() -> None:
    assert await second_of(hang, http(200), timeout=0.2) == (failed("timeout"), [1, 1])


async def test_a_session_that_does_not_tell_reused_connections_never_sends_twice() -> None:
    async with listening(http(200), drop, http(200)) as receiver, ClientSession() as session:
        sender = WebhookSender(session=session, clock=FakeClock())
        await sender.send(endpoint(receiver.url), DELIVERY)
        assert await sender.send(endpoint(receiver.url), DELIVERY) == failed("reset")
        assert len(receiver.heard) == 2


async def test_the_session_serves_requests_of_others_too() -> None:
    async with listening(http(200)) as receiver, open_session(user_agent=AGENT) as session:
        for _ in range(2):
            async with session.get(receiver.url) as response:
                assert response.status == 200
        assert [heard.connection for heard in receiver.heard] == [1, 1]
