"""Webhooks over a real socket: what is sent, and what is taken from an answer."""

import asyncio
import base64
import gzip
import re
import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import standardwebhooks
import trustme
from aiohttp import ClientSession

from tests.fakes import NOON, FakeClock
from tests.sockets import http, listening
from tests.webhooks.house import (
    AGENT,
    DELIVERY,
    KEY,
    LOOPBACK,
    REUSED,
    Names,
    answered,
    endpoint,
    failed,
    send_to,
    sending,
)
from watcher.core.endpoint import Secrets, SigningKey
from watcher.core.message import MAX_BODY
from watcher.webhooks.answer import ANSWER_KEPT
from watcher.webhooks.connection import tls_context
from watcher.webhooks.guard import Guard
from watcher.webhooks.sender import WebhookSender, open_session
from watcher.webhooks.signing import sign

TRACE = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-00")


async def test_the_stored_bytes_are_sent_signed() -> None:
    async with listening(http(200, b"thanks")) as receiver, sending() as sender:
        attempt = await sender.send(endpoint(receiver.url + "/hook?a=b"), DELIVERY)
    assert attempt == answered(200, b"thanks")
    [heard] = receiver.heard
    assert (heard.line, heard.body) == ("POST /hook?a=b HTTP/1.1", DELIVERY.body)
    now = str(int(NOON.timestamp()))
    assert TRACE.fullmatch(heard.headers["traceparent"])
    assert heard.headers == {
        "host": f"127.0.0.1:{receiver.port}",
        "user-agent": AGENT,
        "content-type": "application/json",
        "content-length": str(len(DELIVERY.body)),
        "accept": "*/*",
        "accept-encoding": "identity",
        "traceparent": heard.headers["traceparent"],
        "webhook-id": "evt_ab_default_13_3",
        "webhook-timestamp": now,
        "webhook-signature": sign(DELIVERY.event_id, int(now), DELIVERY.body, [KEY]),
    }


async def test_the_official_library_takes_what_was_sent_for_genuine() -> None:
    clock = FakeClock(now=datetime.now(UTC))  # the library compares the timestamp with the real time
    async with listening(http(204)) as receiver, sending(clock=clock) as sender:
        attempt = await sender.send(endpoint(receiver.url), DELIVERY)
    assert attempt.code == 204
    [heard] = receiver.heard
    told = standardwebhooks.Webhook("whsec_" + base64.b64encode(KEY.key).decode()).verify(heard.body, heard.headers)
    assert told["data"] == {"account": "default", "batch_id": 13, "name": "Zoë"}


async def test_an_attempt_says_when_and_how_long_by_the_clock() -> None:
    clock = FakeClock()

    async def slowly(writer: asyncio.StreamWriter) -> None:
        clock.turn(seconds=0.25)
        writer.write(http(200))

    async with listening(slowly) as receiver, sending(clock=clock) as sender:
        attempt = await sender.send(endpoint(receiver.url), DELIVERY)
    quarter = timedelta(seconds=0.25)
    assert attempt == answered(200, took=quarter, timings=replace(attempt.timings, first_byte=quarter))


async def test_every_attempt_is_signed_for_its_own_time_within_one_trace() -> None:
    clock = FakeClock(draws=(0.0, 0.25, 1 - 2**-53))
    async with listening(http(500)) as receiver, sending(clock=clock) as sender:
        for _ in range(2):
            await sender.send(endpoint(receiver.url), DELIVERY)
            clock.turn(seconds=5)
        await sender.send(endpoint(receiver.url), replace(DELIVERY, event_id="evt_ab_default_13_4"))
    first, second, other = (heard.headers for heard in receiver.heard)
    assert first["webhook-id"] == second["webhook-id"]
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 5
    assert first["webhook-signature"] != second["webhook-signature"]
    traces = [TRACE.fullmatch(headers["traceparent"]) for headers in (first, second, other)]
    (trace, *span), (again, *next_span), (another, *last_span) = [trace.groups() for trace in traces if trace]
    assert trace == again != another
    assert (span, next_span, last_span) == (["0000000000000001"], ["4000000000000001"], ["fffffffffffff801"])


@pytest.mark.parametrize(("share", "delivery", "flags"), [(1.0, 1, "01"), (0.0, 1, "00"), (1.0, 0, "00")])
async def test_an_attempt_whose_trace_is_kept_says_so_and_a_sample_never_does(
    share: float, delivery: int, flags: str
) -> None:
    async with listening(http(200)) as receiver, sending(traced=share) as sender:
        attempt = await sender.send(endpoint(receiver.url + "/hook?key=hidden"), replace(DELIVERY, id=delivery))
    sent = receiver.heard[0].headers["traceparent"]
    assert (attempt.traceparent, sent[-2:], attempt.server) == (sent, flags, receiver.url)


async def test_all_keys_in_force_sign_and_those_that_ended_do_not() -> None:
    new, old, over = SigningKey(key=b"n" * 32), SigningKey(key=b"o" * 32, until=NOON + timedelta(seconds=1)), KEY
    kept = Secrets(keys=(new, old, replace(over, until=NOON)))
    async with listening(http(200)) as receiver, sending() as sender:
        await sender.send(endpoint(receiver.url, secrets=kept), DELIVERY)
    [heard] = receiver.heard
    expected = sign(DELIVERY.event_id, int(NOON.timestamp()), DELIVERY.body, [new, old])
    assert heard.headers["webhook-signature"] == expected


async def test_custom_headers_and_credentials_are_sent_but_never_in_the_place_of_ours() -> None:
    custom = {
        "X-Team": "campaigns",
        "Webhook-Id": "forged",
        "Content-Length": "1",
        "Host": "other.example",
        "User-Agent": "forged",
        "Connection": "close",
        "Authorization": "forged",
        "traceparent": "forged",
    }
    kept = Secrets(keys=(KEY,), headers=custom, authorization="Bearer word")
    async with listening(http(200)) as receiver, sending() as sender:
        assert await sender.send(endpoint(receiver.url, secrets=kept), DELIVERY) == answered(200)
        assert await sender.send(endpoint(receiver.url, secrets=kept), DELIVERY) == answered(200, timings=REUSED)
    heard, _ = receiver.heard
    assert (heard.headers["x-team"], heard.headers["authorization"]) == ("campaigns", "Bearer word")
    assert heard.headers["webhook-id"] == DELIVERY.event_id
    assert heard.headers["user-agent"] == AGENT
    assert "forged" not in heard.headers.values()
    assert "connection" not in heard.headers


@pytest.mark.parametrize("code", [200, 201, 204, 299, 400, 401, 404, 407, 410, 418, 500, 502, 504])
async def test_any_code_is_the_attempts_code(code: int) -> None:
    assert await send_to(http(code)) == answered(code)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_redirects_are_kept_and_not_followed(code: int) -> None:
    async with listening(http(code, location="/else")) as receiver, sending() as sender:
        attempt = await sender.send(endpoint(receiver.url), DELIVERY)
    assert attempt == answered(code, location="/else")
    assert len(receiver.heard) == 1


async def test_a_redirect_to_nowhere_and_a_long_one() -> None:
    assert await send_to(http(302)) == answered(302)
    assert await send_to(http(302, location="/" * 5000)) == answered(302, location="/" * 2048)


async def test_only_a_redirect_leads_elsewhere() -> None:
    assert await send_to(http(201, location="/made")) == answered(201)


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

    async with listening(slowly) as receiver, sending(clock=clock) as sender:
        attempt = await sender.send(endpoint(receiver.url), DELIVERY)
    assert attempt.retry_after == timedelta(seconds=6)


@pytest.mark.parametrize("code", [200, 500, 502, 504])
async def test_other_codes_may_not_ask_for_a_pause(code: int) -> None:
    assert await send_to(http(code, retry_after="7")) == answered(code)


async def test_cookies_are_not_kept() -> None:
    async with listening(http(200, set_cookie="a=b")) as receiver, sending() as sender:
        for _ in range(2):
            await sender.send(endpoint(receiver.url), DELIVERY)
        assert "cookie" not in receiver.heard[1].headers


async def test_a_connection_is_used_again() -> None:
    async with listening(http(200, b"x" * (ANSWER_KEPT - 1))) as receiver, sending() as sender:
        attempts = [await sender.send(endpoint(receiver.url), DELIVERY) for _ in range(3)]
    assert [heard.connection for heard in receiver.heard] == [1, 1, 1]
    answer = b"x" * (ANSWER_KEPT - 1)
    assert attempts == [answered(200, answer), *[answered(200, answer, timings=REUSED)] * 2]


async def test_a_connection_with_tls_is_used_again_also_after_a_large_body() -> None:
    authority = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(serving)
    with authority.cert_pem.tempfile() as file:
        trusting = tls_context(file)
    async with listening(http(200), tls=serving) as receiver, sending(tls=trusting) as sender:
        for body in (b"{}", b"x" * MAX_BODY, b"{}"):
            assert (await sender.send(endpoint(receiver.url), replace(DELIVERY, body=body))).code == 200
        assert [heard.connection for heard in receiver.heard] == [1, 1, 1]


async def test_the_connections_serve_requests_of_others_too() -> None:
    packed = gzip.compress(b"unpacked")
    async with (
        listening(http(200, packed, Content_Encoding="gzip")) as receiver,
        open_session(user_agent=AGENT, guard=Guard(LOOPBACK)) as session,
        ClientSession(connector=session.connector, connector_owner=False) as others,
    ):
        sender = WebhookSender(session=session, clock=FakeClock())
        for _ in range(2):
            async with others.get(receiver.url) as response:
                assert (response.status, await response.read()) == (200, b"unpacked")
            assert (await sender.send(endpoint(receiver.url), DELIVERY)).answer == packed
        assert [heard.connection for heard in receiver.heard] == [1, 1, 1, 1]


async def test_the_session_has_a_connection_for_every_attempt_that_delivery_lets_fly() -> None:
    """By itself aiohttp opens a hundred, and the hundred-and-first attempt would wait for one out of its own time-out."""
    flying = asyncio.Barrier(101)

    async def answer(writer: asyncio.StreamWriter) -> None:
        await flying.wait()
        writer.write(http(204))

    async with listening(answer) as receiver, sending() as sender, asyncio.timeout(60), asyncio.TaskGroup() as group:
        sends = [group.create_task(sender.send(endpoint(receiver.url), DELIVERY)) for _ in range(101)]
    assert {send.result().code for send in sends} == {204}


# What is never sent.


async def test_a_body_over_the_limit_is_not_sent() -> None:
    async with listening(http(200)) as receiver, sending() as sender:
        too_large = replace(DELIVERY, body=b"x" * (MAX_BODY + 1))
        attempt = await sender.send(endpoint(receiver.url), too_large)
        assert attempt == failed("too_large", "the event has 262145 bytes, more than 262144")
        assert receiver.heard == []
        just_right = replace(DELIVERY, body=b"x" * MAX_BODY)
        assert await sender.send(endpoint(receiver.url), just_right) == answered(200)


@pytest.mark.parametrize("odd", ["\r", "\n", "\r\nwebhook-id: evt_other", "\0", "\x7f"])
async def test_a_header_that_would_become_another_is_not_sent(odd: str) -> None:
    async with listening(http(200)) as receiver, sending() as sender:
        attempt = await sender.send(endpoint(receiver.url), replace(DELIVERY, event_id=f"evt{odd}"))
        assert (attempt.code, attempt.error, receiver.heard) == (None, "bad_url", [])


async def test_a_form_that_makes_the_body_too_large_is_not_sent_either() -> None:
    body = b'{"type":"batch.active","timestamp":"2026-11-23T12:00:00.000Z","data":{"name":"%s"}}'
    long = replace(DELIVERY, body=body % (b"x" * (MAX_BODY - len(body) + 2)))
    async with listening(http(200)) as receiver, sending() as sender:
        assert await sender.send(endpoint(receiver.url), long) == answered(200)
        attempt = await sender.send(endpoint(receiver.url, form="cloudevents"), long)
    assert (attempt.error, len(receiver.heard)) == ("too_large", 1)


@pytest.mark.parametrize("keys", [(), (replace(KEY, until=NOON),)])
async def test_nothing_is_sent_unsigned(keys: tuple[SigningKey, ...]) -> None:
    async with listening(http(200)) as receiver, sending() as sender:
        attempt = await sender.send(endpoint(receiver.url, secrets=Secrets(keys=keys)), DELIVERY)
        assert attempt == failed("no_secret", "there is no secret to sign with")
        assert receiver.heard == []


@pytest.mark.parametrize(
    "url",
    ["", "/hook", "http://", "ftp://127.0.0.1/", "http://127.0.0.1:99999/", "http://[::1", f"http://{'a' * 64}.com/"],
)
async def test_a_url_that_cannot_be_one(url: str) -> None:
    async with sending() as sender:
        attempt = await sender.send(endpoint(url), DELIVERY)
    assert attempt == failed("bad_url", attempt.detail or "")
    assert attempt.detail
    assert attempt.detail.startswith("the URL ")


async def test_a_url_that_only_the_client_cannot_make_sense_of() -> None:
    """A letter that an older rule for names allows, and that of the client does not."""
    async with sending() as sender:
        attempt = await sender.send(endpoint("http://a\u034fb.example/"), DELIVERY)
    assert attempt == failed("bad_url", "the URL is none that can be asked")


async def test_a_name_that_cannot_even_be_looked_up() -> None:
    async with sending(resolver=Names(UnicodeError("label too long"))) as sender:
        attempt = await sender.send(endpoint("http://receiver.example/"), DELIVERY)
    assert attempt == failed("bad_url", "the URL is none that can be asked")


@pytest.mark.parametrize("authorization", ["Bearer one\r\nHost: two", "Bearer Zoë", ""])
async def test_credentials_that_cannot_be_sent(authorization: str) -> None:
    kept = Secrets(keys=(KEY,), authorization=authorization)
    async with listening(http(200)) as receiver, sending() as sender:
        attempt = await sender.send(endpoint(receiver.url, secrets=kept), DELIVERY)
        assert receiver.heard == []
    assert attempt == failed("no_secret", "the endpoint's authorization cannot be sent; set it anew")


async def test_a_cancelled_attempt_is_cancelled() -> None:
    began = asyncio.Event()

    async def hang(_: asyncio.StreamWriter) -> None:
        began.set()
        await asyncio.Event().wait()

    async with listening(hang) as receiver, sending() as sender:
        task = asyncio.create_task(sender.send(endpoint(receiver.url), DELIVERY))
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
