"""Standard Webhooks signatures, v1 (a shared secret) and v1a (Ed25519): the `webhook-signature` header, and new keys for it.

How keys are written as text is the matter of `core.keys`.
"""

import hmac
import secrets
from base64 import b64encode
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from watcher.core.endpoint import Scheme, SigningKey

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Signer = Callable[[bytes], bytes]

SEED: Final = 32
"""Bytes of a shared secret that is made here, and of an Ed25519 seed: the first half of a key pair."""


class Unsigned(ValueError):
    """There is no key to sign with."""


def signer(key: SigningKey) -> Signer:
    """What signs with that key. That of a key pair is worth keeping: to read one takes as long as to sign with it."""
    if key.scheme == "v1":
        return partial(_hmac, hmac.new(key.key, digestmod="sha256"))
    return _private(key.key).sign


class Signers:
    """What signs with which key, for as long as somebody has the key: of one that was replaced, or whose endpoint was removed,
    nothing is kept."""

    def __init__(self) -> None:
        self._by_key: WeakKeyDictionary[SigningKey, Signer] = WeakKeyDictionary()

    def __len__(self) -> int:
        return len(self._by_key)

    def __call__(self, key: SigningKey) -> Signer:
        """As `signer`, which is asked once for each key."""
        known = self._by_key.get(key)
        if known is None:
            known = self._by_key[key] = signer(key)
        return known


def sign(
    message_id: str,
    timestamp: int,
    body: bytes,
    keys: Sequence[SigningKey],
    signer: Callable[[SigningKey], Signer] = signer,
) -> str:
    """The header's value: a signature with each of the keys, in their order, separated by spaces.

    `timestamp` is in Unix seconds. While a key is rotated both the new and the old one sign, so that a receiver that knows
    either of them is content. Raises Unsigned without any key: nothing leaves so.
    """
    if not keys:
        raise Unsigned("there is no key to sign with")
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(f"{key.scheme},{b64encode(signer(key)(signed)).decode('ascii')}" for key in keys)


def make_key(scheme: Scheme) -> SigningKey:
    """A fresh one: 32 random bytes, or a key pair."""
    seed = secrets.token_bytes(SEED)
    return SigningKey(scheme=scheme, key=seed if scheme == "v1" else seed + _public(seed))


def fits(key: SigningKey) -> bool:
    """Whether the public half of a key pair belongs to its seed: else nobody could verify. A shared secret always fits."""
    return key.scheme == "v1" or hmac.compare_digest(key.key[SEED:], _public(key.key))


def _hmac(keyed: hmac.HMAC, message: bytes) -> bytes:
    """As `hmac.digest`, which would let another thread have its turn at each message: where the store is busy, that takes longer
    than all else of a signature."""
    made = keyed.copy()
    made.update(message)
    return made.digest()


def _public(pair: bytes) -> bytes:
    return _private(pair).public_key().public_bytes_raw()


def _private(pair: bytes) -> "Ed25519PrivateKey":
    """Where there is no key pair the library is not loaded: it takes some six megabytes."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.from_private_bytes(pair[:SEED])
