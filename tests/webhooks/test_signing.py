"""Standard Webhooks signatures: the official vectors, the official library as the receiver, and Ed25519 as others verify it."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import standardwebhooks
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from watcher.core.endpoint import Scheme, Secrets, SigningKey
from watcher.core.keys import parse_key, public_text, rotated, secret_text
from watcher.webhooks.signing import Signers, Unsigned, fits, make_key, sign

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
    (
        "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
    ),
]
PUBLIC = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(("secret", "message_id", "timestamp", "body", "signature"), OFFICIAL)
def test_the_vectors_come_out(secret: str, message_id: str, timestamp: int, body: bytes, signature: str) -> None:
    assert sign(message_id, timestamp, body, [parse_key(secret)]) == signature


def test_every_key_signs_in_order_whatever_its_scheme() -> None:
    keys = [parse_key(secret) for secret, *_ in OFFICIAL]
    (_, message_id, timestamp, body, first), _, (*_, third) = OFFICIAL
    second = sign(message_id, timestamp, body, keys[1:2])
    assert sign(message_id, timestamp, body, keys) == f"{first} {second} {third}"


def test_nothing_is_signed_without_a_key() -> None:
    with pytest.raises(Unsigned):
        sign("evt_1", 1614265330, b"{}", [])


@given(keys=st.lists(st.binary(min_size=24, max_size=64), min_size=1, max_size=3), text=st.text(max_size=200))
def test_the_official_library_accepts_ours_with_either_secret(keys: list[bytes], text: str) -> None:
    now = int(datetime.now(UTC).timestamp())
    body = json.dumps({"text": text})
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(now),
        "webhook-signature": sign("evt_1", now, body.encode(), [SigningKey(key=key) for key in keys]),
    }
    for key in keys:
        receiver = standardwebhooks.Webhook("whsec_" + base64.b64encode(key).decode())
        assert receiver.verify(body, headers) == {"text": text}
        with pytest.raises(standardwebhooks.WebhookVerificationError):
            receiver.verify(body + " ", headers)


def test_the_official_library_passes_over_a_signature_of_the_other_scheme() -> None:
    """It goes on to the one that it knows: both may be sent side by side."""
    now = int(datetime.now(UTC).timestamp())
    pair, shared = make_key("v1a"), make_key("v1")
    signature = sign("evt_1", now, b"{}", [pair, shared])
    headers = {"webhook-id": "evt_1", "webhook-timestamp": str(now), "webhook-signature": signature}
    assert standardwebhooks.Webhook(secret_text(shared)).verify("{}", headers) == {}


@given(body=st.binary(max_size=200))
def test_whoever_has_the_public_key_can_verify(body: bytes) -> None:
    pair = parse_key(OFFICIAL[2][0])
    assert public_text(pair) == PUBLIC
    scheme, _, signature = sign("evt_1", 1614265330, body, [pair]).partition(",")
    receiver = Ed25519PublicKey.from_public_bytes(base64.b64decode(PUBLIC.removeprefix("whpk_")))
    assert scheme == "v1a"
    receiver.verify(base64.b64decode(signature), b"evt_1.1614265330." + body)
    with pytest.raises(InvalidSignature):
        receiver.verify(base64.b64decode(signature), b"evt_2.1614265330." + body)


@pytest.mark.parametrize(("scheme", "length"), [("v1", 32), ("v1a", 64)])
def test_a_made_key_is_new_sound_and_read_as_it_is_written(scheme: Scheme, length: int) -> None:
    one, another = make_key(scheme), make_key(scheme)
    assert one != another
    assert (one.scheme, len(one.key), one.until, fits(one)) == (scheme, length, None, True)
    assert parse_key(secret_text(one)) == one


def test_a_pair_of_two_halves_that_do_not_belong_together_does_not_fit() -> None:
    one, another = make_key("v1a"), make_key("v1a")
    assert not fits(replace(one, key=one.key[:32] + another.key[32:]))
    assert fits(parse_key(OFFICIAL[2][0]))


def test_while_a_secret_is_rotated_a_receiver_with_the_old_one_is_content() -> None:
    """With the new one as well; and after the time of grace only with the new one."""
    now = int(datetime.now(UTC).timestamp())
    old, new = make_key("v1"), make_key("v1")
    kept = rotated(Secrets(keys=(old,)), [new], NOW, timedelta(hours=24))
    for at, content in [(NOW, (new, old)), (NOW + timedelta(hours=24), (new,))]:
        signature = sign("evt_1", now, b"{}", kept.signing(at))
        headers = {"webhook-id": "evt_1", "webhook-timestamp": str(now), "webhook-signature": signature}
        for key in content:
            assert standardwebhooks.Webhook(secret_text(key)).verify("{}", headers) == {}
        assert len(signature.split(" ")) == len(content)


@pytest.mark.parametrize("scheme", ["v1", "v1a"])
def test_what_signs_is_made_once_for_a_key_and_forgotten_with_it(scheme: Scheme) -> None:
    signers = Signers()
    stays, goes = make_key(scheme), make_key(scheme)
    first = signers(stays)
    assert first(b"body") == signers(replace(stays))(b"body") != signers(goes)(b"body")
    assert signers(stays) is first
    assert len(signers) == 2
    del goes
    assert len(signers) == 1
