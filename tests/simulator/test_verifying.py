"""What the receivers take for good: the standard's own vectors, both kinds of signature, and a word on what is wrong."""

import base64
import re
from typing import Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from watcher.simulator.verifying import Key, fault_of, key_of

ID: Final = "msg_p5jXN8AQM9LWM0D4loKWxJek"
AT: Final = 1614265330
BODY: Final = b'{"test": 2432232314}'
SHARED: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
PUBLIC: Final = "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4="
V1: Final = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
V1A: Final = "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg=="


def fault(signatures: str, *secrets: str, now: float = AT, body: bytes = BODY) -> str | None:
    headers = {"webhook-id": ID, "webhook-timestamp": str(AT), "webhook-signature": signatures}
    return fault_of([key_of(secret) for secret in secrets], headers, body, now)


@pytest.mark.parametrize(
    ("signatures", "secrets"),
    [
        (V1, [SHARED]),
        (V1A, [PUBLIC]),
        (f"{V1A} {V1}", [SHARED]),
        (f"{V1} {V1A}", [PUBLIC]),
        (V1A, [SHARED, PUBLIC]),
        (f"v1,{base64.b64encode(b'x' * 32).decode()} {V1}", ["whsec_" + "QUJD" * 8, SHARED]),
    ],
)
def test_one_signature_that_one_of_the_keys_gives_is_enough(signatures: str, secrets: list[str]) -> None:
    assert fault(signatures, *secrets) is None


@pytest.mark.parametrize("when", [AT - 300, AT + 300])
def test_five_minutes_are_borne_either_way(when: int) -> None:
    assert fault(V1, SHARED, now=when) is None


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (fault(V1A, SHARED), "none of its 1 signatures is a v1"),
        (fault(f"{V1} v2,AAAA", PUBLIC), "none of its 2 signatures is a v1a"),
        (fault("v2,AAAA", SHARED, PUBLIC), "none of its 1 signatures is a v1 or v1a"),
        (fault(V1, SHARED, body=BODY + b" "), "none of its 1 signatures fits the secret"),
        (fault(V1A, PUBLIC, body=BODY + b" "), "none of its 1 signatures fits the secret"),
        (fault(V1A.replace("hnO3", "hnO4"), PUBLIC), "none of its 1 signatures fits the secret"),
        (fault("v1a,AAAA v1a,-", PUBLIC), "none of its 2 signatures fits the secret"),
        (fault(" ", SHARED), "it has no webhook-signature"),
        (fault(V1, SHARED, now=AT + 301), "its webhook-timestamp is 301 s old, more than 300 s"),
        (fault(V1, SHARED, now=AT - 400), "its webhook-timestamp is 400 s ahead, more than 300 s"),
        (fault_of([], {}, BODY, AT), "it has no webhook-id"),
        (fault_of([], {"webhook-id": ID}, BODY, AT), "it has no webhook-timestamp"),
        (
            fault_of([], {"webhook-id": ID, "webhook-timestamp": "1e9"}, BODY, AT),
            "its webhook-timestamp is not whole seconds",
        ),
    ],
)
def test_what_is_wrong_is_said(said: str | None, wanted: str) -> None:
    assert said == wanted


def test_a_key_is_read_from_what_the_sender_shows() -> None:
    pair = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    assert key_of(SHARED) == key_of(SHARED.removeprefix("whsec_")) == Key(scheme="v1", key=base64.b64decode(SHARED[6:]))
    assert key_of("whpk_" + base64.b64encode(pair).decode()) == Key(scheme="v1a", key=pair)
    assert SHARED[6:] not in repr(key_of(SHARED))


@pytest.mark.parametrize(
    ("secret", "wanted"),
    [
        ("", "is empty"),
        ("whsec_", "is empty"),
        ("whsec_hunter2!", "is not base64 after its prefix, whsec_ or whpk_"),
        ("whpk_AAAA", "has 3 bytes behind its prefix, not 32"),
        ("whsk_AAAA", "is the private half of a pair: a receiver verifies with the public one, whpk_…"),
    ],
)
def test_what_is_no_key_is_told_without_being_repeated(secret: str, wanted: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(wanted)}$"):
        key_of(secret)
