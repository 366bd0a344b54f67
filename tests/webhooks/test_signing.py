"""Standard Webhooks signatures: the official vectors, and the official library as the receiver."""

import base64
import json
from datetime import UTC, datetime

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st

from watcher.settings.values import signing_key
from watcher.webhooks.signing import Unsigned, sign

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
    assert sign(message_id, timestamp, body, [signing_key(secret)]) == signature


def test_every_secret_signs_in_order() -> None:
    (new, message_id, timestamp, body, by_new), (old, *_) = OFFICIAL
    keys = [signing_key(new), signing_key(old)]
    both = sign(message_id, timestamp, body, keys)
    assert both == f"{by_new} {sign(message_id, timestamp, body, keys[1:])}"


def test_nothing_is_signed_without_a_secret() -> None:
    with pytest.raises(Unsigned):
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
