"""Whether a message is signed as Standard Webhooks says: by hand, and without anything of ours, so that it can prove us wrong."""

import base64
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TOLERANCE: Final = 300.0
"""Seconds by which a message's timestamp may differ from our time."""
SECONDS: Final = re.compile(r"[0-9]{1,12}")
PUBLIC_BYTES: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What a receiver verifies with: for v1 the shared secret, for v1a the public half of a pair."""

    scheme: Literal["v1", "v1a"]
    key: bytes = field(repr=False)


def key_of(secret: str) -> Key:
    """The key that `whsec_…` or `whpk_…` is; without a prefix, the first. ValueError, which never quotes it, where it is none."""
    if secret.startswith("whsk_"):
        raise ValueError("is the private half of a pair: a receiver verifies with the public one, whpk_…")
    public = secret.startswith("whpk_")
    try:
        key = base64.b64decode(secret.removeprefix("whpk_" if public else "whsec_"), validate=True)
    except ValueError:
        raise ValueError("is not base64 after its prefix, whsec_ or whpk_") from None
    if not key:
        raise ValueError("is empty")
    if public and len(key) != PUBLIC_BYTES:
        raise ValueError(f"has {len(key)} bytes behind its prefix, not {PUBLIC_BYTES}")
    return Key(scheme="v1a" if public else "v1", key=key)


def fault_of(keys: Sequence[Key], headers: Mapping[str, str], body: bytes, now: float) -> str | None:
    """Why the message is not to be trusted; None where one of its signatures is what a key gives, and it is not an old one."""
    message_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not message_id:
        return "it has no webhook-id"
    if not SECONDS.fullmatch(timestamp):
        return "its webhook-timestamp is not whole seconds" if timestamp else "it has no webhook-timestamp"
    late = now - int(timestamp)
    if abs(late) > TOLERANCE:
        return (
            f"its webhook-timestamp is {abs(late):.0f} s {'old' if late > 0 else 'ahead'}, more than {TOLERANCE:.0f} s"
        )
    signed = f"{message_id}.{timestamp}.".encode(errors="surrogateescape") + body
    signatures = [each for each in headers.get("webhook-signature", "").split(" ") if each]
    if not signatures:
        return "it has no webhook-signature"
    if any(_fits(key, signed, signature) for key in keys for signature in signatures):
        return None
    schemes = sorted({key.scheme for key in keys})
    if not any(signature.partition(",")[0] in schemes for signature in signatures):
        return f"none of its {len(signatures)} signatures is a {' or '.join(schemes)}"
    return f"none of its {len(signatures)} signatures fits the secret"


def _fits(key: Key, signed: bytes, signature: str) -> bool:
    scheme, _, text = signature.partition(",")
    if scheme != key.scheme:
        return False
    try:
        given = base64.b64decode(text, validate=True)
    except ValueError:  # no base64
        return False
    if scheme == "v1":
        return hmac.compare_digest(given, hmac.digest(key.key, signed, "sha256"))
    try:
        Ed25519PublicKey.from_public_bytes(key.key).verify(given, signed)
    except InvalidSignature:
        return False
    return True
