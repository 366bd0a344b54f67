"""Asking for consent: CloudEvents' Web Hooks, over a real socket."""

import pytest

from tests.sockets import drop, http, listening
from tests.webhooks.house import AGENT, KEY, answered, endpoint, failed, sending
from watcher.core.endpoint import Secrets, Timings
from watcher.ports import Handshake
from watcher.webhooks.sender import ORIGIN


async def consent(answer: bytes, rate: float | None = None) -> Handshake:
    async with listening(answer) as receiver, sending() as sender:
        return await sender.handshake(endpoint(receiver.url, rate=rate))


async def test_a_receiver_is_asked_by_options_for_its_consent() -> None:
    kept = Secrets(keys=(KEY,), headers={"X-Team": "campaigns"}, authorization="Bearer word")
    async with listening(http(200, webhook_allowed_origin="*")) as receiver, sending() as sender:
        told = await sender.handshake(endpoint(receiver.url + "/hook", rate=1.5, secrets=kept))
    assert told == Handshake(attempt=answered(200), consents=True, rate=None)
    [heard] = receiver.heard
    assert (heard.line, heard.body) == ("OPTIONS /hook HTTP/1.1", b"")
    assert heard.headers == {
        "host": f"127.0.0.1:{receiver.port}",
        "user-agent": AGENT,
        "accept": "*/*",
        "accept-encoding": "identity",
        "webhook-request-origin": ORIGIN,
        "webhook-request-rate": "90",
        "x-team": "campaigns",
        "authorization": "Bearer word",
    }


@pytest.mark.parametrize(("rate", "asked"), [(None, "*"), (1 / 60, "1"), (0.001, "1"), (100, "6000")])
async def test_the_rate_asked_for_is_by_the_minute(rate: float | None, asked: str) -> None:
    async with listening(http(200)) as receiver, sending() as sender:
        await sender.handshake(endpoint(receiver.url, rate=rate))
    assert receiver.heard[0].headers["webhook-request-rate"] == asked


@pytest.mark.parametrize(
    ("headers", "rate"),
    [
        ({"webhook_allowed_origin": "*"}, None),
        ({"WebHook_Allowed_Origin": ORIGIN}, None),
        ({"webhook_allowed_origin": ORIGIN.upper(), "webhook_allowed_rate": "*"}, None),
        ({"webhook_allowed_origin": "*", "webhook_allowed_rate": "120"}, 2.0),
        ({"webhook_allowed_origin": "*", "webhook_allowed_rate": "6"}, 0.1),
        ({"webhook_allowed_origin": "*", "webhook_allowed_rate": "999999999"}, 100_000),
    ],
)
async def test_a_consent_may_name_a_rate(headers: dict[str, str], rate: float | None) -> None:
    answer = http(204, b"", **headers)
    assert await consent(answer) == Handshake(attempt=answered(204), consents=True, rate=rate)


@pytest.mark.parametrize(
    ("answer", "code", "detail"),
    [
        (http(200), 200, f"the answer has no WebHook-Allowed-Origin that is * or {ORIGIN}"),
        (
            http(200, webhook_allowed_origin="other.example"),
            200,
            f"the answer has no WebHook-Allowed-Origin that is * or {ORIGIN}",
        ),
        (http(405, webhook_allowed_origin="*"), 405, "the receiver answered 405 to OPTIONS"),
        *(
            (
                http(200, webhook_allowed_origin="*", webhook_allowed_rate=rate),
                200,
                "the answer has a WebHook-Allowed-Rate that is neither * nor a number from 1",
            )
            for rate in ("0", "-1", "soon", "1.5", "1" * 10)
        ),
    ],
)
async def test_anything_else_is_no_consent(answer: bytes, code: int, detail: str) -> None:
    assert await consent(answer) == Handshake(attempt=answered(code, detail=detail), consents=False)


async def test_a_redirect_is_no_consent() -> None:
    refused = await consent(http(302, location="/else", webhook_allowed_origin="*"))
    attempt = answered(302, location="/else", detail="the receiver answered 302 to OPTIONS")
    assert refused == Handshake(attempt=attempt, consents=False)


async def test_no_answer_is_no_consent() -> None:
    async with listening(drop) as receiver, sending() as sender:
        told = await sender.handshake(endpoint(receiver.url))
    detail = "the receiver closed the connection before it answered"
    attempt = failed("reset", detail, address="127.0.0.1", timings=Timings(connect=answered(200).took))
    assert told == Handshake(attempt=attempt, consents=False)


async def test_an_address_that_is_refused_is_not_asked() -> None:
    async with sending() as sender:
        told = await sender.handshake(endpoint("http://10.0.0.1/"))
    assert (told.attempt.error, told.consents) == ("refused", False)
