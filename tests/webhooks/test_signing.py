"""Standard Webhooks signatures: the official vectors, secrets, and the official library as the receiver."""

import base64
import json
from datetime import UTC, datetime

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from watcher.webhooks.signing import BadSecret, make_secret, parse_secret, sign

OFFICIAL = [
    (
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ),
    (
        "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD",
        "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk",
        1649367553,
        b'{"email":"test@example.com","username":"test_user"}',
        "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=",
    ),
]


@pytest.mark.parametrize(("secret", "message_id", "timestamp", "body", "signature"), OFFICIAL)
def test_the_official_vectors_come_out(
    secret: str, message_id: str, timestamp: int, body: bytes, signature: str
) -> None:
    assert sign(message_id, timestamp, body, [parse_secret(secret)]) == signature


def test_every_secret_signs_in_order() -> None:
    (new, message_id, timestamp, body, by_new), (old, *_) = OFFICIAL
    keys = [parse_secret(new), parse_secret(old)]
    both = sign(message_id, timestamp, body, keys)
    assert both == f"{by_new} {sign(message_id, timestamp, body, keys[1:])}"


def test_nothing_is_signed_without_a_secret() -> None:
    with pytest.raises(BadSecret):
        sign("evt_1", 1614265330, b"{}", [])


@given(keys=st.lists(st.binary(min_size=24, max_size=64), min_size=1, max_size=3), text=st.text(max_size=200))
def test_the_official_library_accepts_ours_with_either_secret(keys: list[bytes], text: str) -> None:
    now = int(datetime.now(UTC).timestamp())
    body = json.dumps({"text": text})
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(now),
        "webhook-signature": sign("evt_1", now, body.encode(), keys),
    }
    for key in keys:
        receiver = standardwebhooks.Webhook("whsec_" + base64.b64encode(key).decode())
        assert receiver.verify(body, headers) == {"text": text}
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            receiver.verify(body + " ", headers)


@given(st.binary(min_size=32, max_size=32))
def test_a_secret_that_was_made_is_read_back(random: bytes) -> None:
    assert parse_secret(f" {make_secret(random)}\n") == random


@pytest.mark.parametrize("random", [b"", b"x" * 31, b"x" * 33])
def test_a_secret_is_made_of_32_bytes(random: bytes) -> None:
    with pytest.raises(BadSecret, match="32 random bytes"):
        make_secret(random)


@pytest.mark.parametrize(("length", "good"), [(23, False), (24, True), (64, True), (65, False)])
def test_a_secret_has_24_to_64_bytes(length: int, good: bool) -> None:
    secret = "whsec_" + base64.b64encode(b"k" * length).decode()
    if good:
        assert parse_secret(secret) == b"k" * length
    else:
        with pytest.raises(BadSecret, match=f"24 to 64 bytes behind its base64, not {length}"):
            parse_secret(secret)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "begins with whsec_"),
        ("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "begins with whsec_"),
        ("whpk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "begins with whsec_"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "not base64"),
        ("whsec_MfKQ9r8GKYqrTwjU PD8ILPZIo2LaLaSw", "not base64"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaé=", "not base64"),
        ("whsec_MfKQ9r8GKYqrTwjU", "24 to 64 bytes"),
    ],
)
def test_what_is_no_secret_is_refused_without_showing_it(text: str, why: str) -> None:
    with pytest.raises(BadSecret, match=why) as refused:
        parse_secret(text)
    assert "MfKQ" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
