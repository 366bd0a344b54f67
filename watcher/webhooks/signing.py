"""Standard Webhooks signatures, version 1 (symmetric): secrets, and the `webhook-signature` header."""

import base64
import binascii
import hmac
from collections.abc import Sequence
from typing import Final

PREFIX: Final = "whsec_"
LEAST_BYTES: Final = 24
MOST_BYTES: Final = 64
MADE_BYTES: Final = 32


class BadSecret(ValueError):
    """The text is no signing secret. The message says why, and never shows any of it."""


def parse_secret(text: str) -> bytes:
    """The key behind a `whsec_` secret."""
    text = text.strip()
    if not text.startswith(PREFIX):
        raise BadSecret(f"a signing secret begins with {PREFIX}")
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise BadSecret(f"what follows {PREFIX} is not base64") from None
    if not LEAST_BYTES <= len(key) <= MOST_BYTES:
        raise BadSecret(f"a signing secret has {LEAST_BYTES} to {MOST_BYTES} bytes behind its base64, not {len(key)}")
    return key


def make_secret(random: bytes) -> str:
    """A new secret of the 32 random bytes given, as it is shown to its owner."""
    if len(random) != MADE_BYTES:
        raise BadSecret(f"a signing secret is made of {MADE_BYTES} random bytes, not {len(random)}")
    return PREFIX + base64.b64encode(random).decode("ascii")


def sign(message_id: str, timestamp: int, body: bytes, secrets: Sequence[bytes]) -> str:
    """The header's value: a signature with each of the keys, in their order, separated by spaces.

    `timestamp` is in Unix seconds. While a secret is rotated both the new and the old one sign, so that a receiver
    that knows either of them is content. BadSecret without any key: nothing leaves unsigned.
    """
    if not secrets:
        raise BadSecret("there is no secret to sign with")
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join("v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode("ascii") for key in secrets)
