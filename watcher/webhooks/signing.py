"""Standard Webhooks signatures, version 1 (symmetric): the `webhook-signature` header. The settings read the secrets."""

import base64
import hmac
from collections.abc import Sequence


class Unsigned(ValueError):
    """There is no key to sign with."""


def sign(message_id: str, timestamp: int, body: bytes, secrets: Sequence[bytes]) -> str:
    """The header's value: a signature with each of the keys, in their order, separated by spaces.

    `timestamp` is in Unix seconds. While a secret is rotated both the new and the old one sign, so that a receiver
    that knows either of them is content. Raises Unsigned without any: nothing leaves so.
    """
    if not secrets:
        raise Unsigned("there is no secret to sign with")
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join("v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode("ascii") for key in secrets)
