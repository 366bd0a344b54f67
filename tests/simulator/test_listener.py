"""The receiver for people who try things, on a real socket: what it tells of each message, and how it answers."""

import asyncio
import base64
import io
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp
import pytest
import standardwebhooks
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.simulator.house import START, Hand
from watcher.simulator.listener import LARGEST, ListenerConfig, Message, Note, listen
from watcher.simulator.verifying import key_of

SECRET: Final = "whsec_" + "QUJD" * 8
OTHER: Final = "whsec_" + "REVG" * 8
EVENT: Final = {
    "type": "batch.active",
    "timestamp": "2026-11-23T09:00:04.213Z",
    "data": {"account": "default", "batch_id": 13, "status": "ACTIVE", "name": "Zoë"},
}
BODY: Final = json.dumps(EVENT, ensure_ascii=False)


def signed(
    body: str = BODY, *, secret: str = SECRET, number: str = "evt_1", at: float = START, **more: str
) -> dict[str, str]:
    """The headers of a message, as the official library signs it."""
    signature = standardwebhooks.Webhook(secret).sign(number, datetime.fromtimestamp(at, UTC), body)
    fixed = {"webhook-id": number, "webhook-timestamp": str(int(at)), "webhook-signature": signature}
    return {**fixed, "Content-Type": "application/json", **more}


@dataclass(slots=True, kw_only=True)
class Ear:
    """A receiver, who sends to it, and what it told."""

    url: str
    session: aiohttp.ClientSession
    clock: Hand
    told: list[Message | Note] = field(default_factory=list)
    more: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, what: Message | Note) -> None:
        self.told.append(what)
        self.more.set()

    async def heard(self, count: int) -> None:
        """Returns once so many things were told."""
        async with asyncio.timeout(60):
            while len(self.told) < count:
                self.more.clear()
                await self.more.wait()

    async def send(
        self, headers: Mapping[str, str], body: str | bytes = BODY, *, path: str = "", method: str = "POST"
    ) -> aiohttp.ClientResponse:
        async with self.session.request(method, self.url + path, headers=headers, data=body) as response:
            assert await response.read() == b""
            return response

    async def codes(self, times: int) -> list[int]:
        return [(await self.send(signed(number=f"evt_{number}"))).status for number in range(times)]


@asynccontextmanager
async def open_ear(*secrets: str, **config: Any) -> AsyncIterator[Ear]:
    keys = tuple(key_of(secret) for secret in secrets)
    async with aiohttp.ClientSession() as session:
        ear = Ear(url="", session=session, clock=Hand())
        async with listen(ListenerConfig(keys=keys, **config), ear.hear, clock=ear.clock) as ear.url:
            yield ear


def message(**fields: Any) -> Message:
    """What is told of the message above, or of one that is another in these fields."""
    usual: dict[str, Any] = {
        "at": START,
        "id": "evt_1",
        "attempt": 1,
        "form": "plain",
        "type": "batch.active",
        "verified": True,
        "why": None,
        "answered": 204,
        "size": len(BODY.encode()),
        "data": EVENT["data"],
    }
    return Message(**{**usual, **fields})


async def test_a_message_of_the_official_library_is_verified_told_and_accepted() -> None:
    async with open_ear(SECRET) as ear:
        assert (await ear.send(signed(), path="hooks/deep?a=b")).status == 204
        assert ear.told == [message()]


async def test_a_message_signed_with_a_pair_is_verified_by_its_public_half() -> None:
    pair = Ed25519PrivateKey.generate()
    public = "whpk_" + base64.b64encode(pair.public_key().public_bytes_raw()).decode()
    text = f"evt_1.{START:.0f}.{BODY}".encode()
    async with open_ear(public) as ear:
        headers = signed() | {"webhook-signature": "v1a," + base64.b64encode(pair.sign(text)).decode()}
        assert (await ear.send(headers)).status == 204
        assert (await ear.send(signed())).status == 401
        why = "none of its 1 signatures is a v1a"
        assert ear.told == [message(), message(attempt=2, verified=False, why=why, answered=401)]


async def test_while_a_secret_is_rotated_either_is_right() -> None:
    async with open_ear(SECRET, OTHER) as ear:
        await ear.send(signed())
        await ear.send(signed(secret=OTHER))
        assert [each.verified for each in ear.told if isinstance(each, Message)] == [True, True]


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        (signed(secret=OTHER), "none of its 1 signatures fits the secret"),
        (signed(at=START - 301), "its webhook-timestamp is 301 s old, more than 300 s"),
        (signed(at=START + 301), "its webhook-timestamp is 301 s ahead, more than 300 s"),
    ],
)
async def test_what_is_not_right_is_told_with_the_reason_and_answered_401(headers: dict[str, str], why: str) -> None:
    async with open_ear(SECRET, fail_code=503) as ear:
        assert (await ear.send(headers)).status == 401
        assert ear.told == [message(verified=False, why=why, answered=401)]


async def test_without_a_secret_nothing_is_verified_and_all_is_taken() -> None:
    async with open_ear() as ear:
        assert (await ear.send({}, b"hello")).status == 204
        assert ear.told == [message(id=None, type=None, verified=None, size=5, data={})]


async def test_an_attempt_that_was_seen_before_is_told_as_such() -> None:
    async with open_ear(SECRET) as ear:
        for number in ("evt_1", "evt_2", "evt_1", "evt_1"):
            await ear.send(signed(number=number))
        await ear.send({})
        await ear.send({})
        assert [(each.id, each.attempt) for each in ear.told if isinstance(each, Message)] == [
            *(("evt_1", 1), ("evt_2", 1), ("evt_1", 2), ("evt_1", 3), (None, 1), (None, 1)),
        ]


async def test_structured_cloudevents_are_recognised() -> None:
    event = {"specversion": "1.0", "id": "evt_1", "source": "/watcher", "type": "batch.active", "data": EVENT["data"]}
    body = json.dumps(event)
    async with open_ear(SECRET) as ear:
        headers = signed(body) | {"Content-Type": "application/cloudevents+json; charset=utf-8"}
        assert (await ear.send(headers, body)).status == 204
        assert ear.told == [message(form="cloudevents", size=len(body))]


async def test_binary_cloudevents_are_recognised() -> None:
    body = json.dumps(EVENT["data"])
    more = {"ce-specversion": "1.0", "ce-type": "batch%2Eactive", "ce-id": "evt_1", "ce-source": "/watcher"}
    async with open_ear(SECRET) as ear:
        assert (await ear.send(signed(body) | more, body)).status == 204
        assert ear.told == [message(form="cloudevents-binary", size=len(body))]


@pytest.mark.parametrize("body", [b"", b"hello", b"\xff", b"[1]", b"NaN", b'{"type": 1, "data": [2]}', b"[" * 100_000])
async def test_a_body_that_is_no_event_is_told_as_none(body: bytes) -> None:
    async with open_ear() as ear:
        assert (await ear.send({}, body)).status == 204
        assert ear.told == [message(id=None, type=None, verified=None, size=len(body), data={})]


async def test_what_is_told_can_be_printed_whatever_came() -> None:
    async with open_ear() as ear:
        await ear.send({}, b'{"type": "a", "data": {"b": "\\ud800"}}')
        reader, writer = await asyncio.open_connection("127.0.0.1", int(ear.url.rsplit(":", 1)[1].strip("/")))
        writer.write(
            b"POST / HTTP/1.1\r\nHost: a\r\nwebhook-id: \xff\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        assert (await reader.read()).startswith(b"HTTP/1.1 204 ")
        writer.close()
        for each in ear.told:
            assert isinstance(each, Message)
            f"{each.id} {each.type} {json.dumps(each.data, ensure_ascii=False)}".encode()


# Bounds.


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_large_is_not_kept(chunked: bool) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b"x" * 2**16

    async with open_ear(SECRET) as ear:
        body = parts() if chunked else io.BytesIO(b"x" * (LARGEST + 1))
        async with ear.session.post(ear.url, headers={"webhook-id": "evt_1"}, data=body) as response:
            assert response.status == 413
        assert ear.told == [Note(at=START, what=f"a body of more than {LARGEST} bytes: answered 413", id="evt_1")]


async def test_the_largest_body_is_taken() -> None:
    body = json.dumps({"type": "a", "data": {"b": ""}})
    body = body.replace('""', f'"{"x" * (LARGEST - len(body))}"')
    async with open_ear(SECRET) as ear:
        assert (await ear.send(signed(body), body)).status == 204
        assert [each.verified for each in ear.told if isinstance(each, Message)] == [True]


async def test_a_body_that_cannot_be_read_is_answered_400() -> None:
    async with open_ear(SECRET) as ear:
        assert (await ear.send({"Content-Encoding": "gzip"}, b"no gzip")).status == 400
        assert ear.told == [Note(at=START, what="a body that cannot be read: answered 400")]


# Answers.


async def test_a_code_alone_is_for_every_message() -> None:
    async with open_ear(SECRET, fail_code=500) as ear:
        assert await ear.codes(3) == [500, 500, 500]
        assert [each.answered for each in ear.told if isinstance(each, Message)] == [500, 500, 500]


async def test_the_first_ones_fail_and_are_told_to_wait() -> None:
    async with open_ear(SECRET, fail_code=503, fail_first=2, retry_after=30) as ear:
        answers = [await ear.send(signed()) for _ in range(3)]
        assert [(answer.status, answer.headers.get("Retry-After")) for answer in answers] == [
            *((503, "30"), (503, "30"), (204, None)),
        ]


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0), (0.3, 10, 25), (1.0, 50, 50)])
async def test_a_share_fails(share: float, least: int, most: int) -> None:
    async with open_ear(SECRET, fail_code=429, fail_share=share) as ear:
        codes = await ear.codes(50)
        assert set(codes) <= {204, 429}
        assert least <= codes.count(429) <= most


async def test_a_slow_one_tells_at_once_and_says_when_the_sender_did_not_wait() -> None:
    async with open_ear(SECRET, slow=60.0) as ear:
        sending = asyncio.create_task(ear.send(signed()))
        await ear.heard(1)
        assert ear.told == [message()]
        sending.cancel()
        await ear.heard(2)
        assert ear.told == [message(), Note(at=START, what="the sender did not wait for the answer", id="evt_1")]


async def test_the_handshake_of_cloudevents_is_answered() -> None:
    async with open_ear(SECRET) as ear:
        asked = {"WebHook-Request-Origin": "watcher.example", "WebHook-Request-Rate": "120"}
        answer = await ear.send(asked, b"", method="OPTIONS")
        assert answer.status == 200
        allowed = {name: answer.headers.get(f"WebHook-Allowed-{name}") for name in ("Origin", "Rate")}
        assert allowed == {"Origin": "watcher.example", "Rate": "120"}
        assert ear.told == [Note(at=START, what="OPTIONS: watcher.example may send, 120 a minute")]
        plain = await ear.send({}, b"", method="OPTIONS")
        assert (plain.status, plain.headers["Allow"]) == (204, "OPTIONS, POST")
        without = await ear.send({"WebHook-Request-Origin": "watcher.example"}, b"", method="OPTIONS")
        assert without.headers["WebHook-Allowed-Rate"] == "*"


async def test_only_posts_are_webhooks() -> None:
    async with open_ear(SECRET) as ear, ear.session.get(ear.url) as response:
        assert response.status == 405
    assert ear.told == []


async def test_its_url_is_one_that_can_be_posted_to() -> None:
    async with open_ear(host="0.0.0.0") as ear:
        assert ear.url.startswith("http://127.0.0.1:")
        assert (await ear.send({})).status == 204
