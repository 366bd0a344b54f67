"""Secrets at rest: encrypted with AES-256-GCM where there is a key, kept as they are where there is none."""

import hashlib
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
ID_BYTES: Final = 4
PREFIX_BYTES: Final = 1 + ID_BYTES
"""So many bytes in front tell how it is sealed."""
VERSION: Final = b"\x01"
"""The first byte of what is sealed: version, id of the key, nonce, ciphertext with its tag. What is not sealed is JSON text, and
begins with a brace."""
CONTEXT: Final = b"watcher: secrets of an endpoint"
"""Goes into the id of a key, so that it says nothing about the key, nor about another use of it."""
DAMAGED: Final = "they were changed outside of this program, or moved from another endpoint: restore a backup"


class CannotOpen(Exception):
    """What is sealed cannot be opened with the keys there are: the message says why and what to do."""


class Seal:
    """Seals with the first of the keys, the newest, and opens with any. Without keys everything stays as it is.

    What was sealed for one endpoint cannot be opened as that of another.
    """

    def __init__(self, keys: Sequence[bytes] = ()) -> None:
        if any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"an encryption key has {KEY_BYTES} bytes")
        self._ciphers = {_id_of(key): _cipher(key) for key in keys}
        self._newest = _id_of(keys[0]) if keys else None

    def __repr__(self) -> str:
        return f"Seal({', '.join(self.key_ids)})"

    @property
    def key_ids(self) -> list[str]:
        """By which the keys are told from others, the newest first."""
        return [key_id.hex() for key_id in self._ciphers]

    @property
    def encrypts(self) -> bool:
        """Whether there is a key."""
        return self._newest is not None

    def sealed(self, endpoint_id: str, plain: bytes) -> bytes:
        """What is to be kept."""
        if self._newest is None:
            return plain
        header = VERSION + self._newest
        nonce = secrets.token_bytes(NONCE_BYTES)
        return header + nonce + self._ciphers[self._newest].encrypt(nonce, plain, _place(header, endpoint_id))

    def opened(self, endpoint_id: str, kept: bytes) -> bytes:
        """What was sealed. Raises CannotOpen."""
        if is_plain(kept):
            return kept
        if kept[:1] != VERSION:
            raise CannotOpen("a newer version of this program encrypted them, or they are damaged: install that one")
        header, nonce, ciphertext = _parts(kept)
        cipher = self._ciphers.get(header[1:])
        if cipher is None:
            raise CannotOpen(f"they are encrypted with the key {header[1:].hex()}, {missing(self)}")
        from cryptography.exceptions import InvalidTag

        try:
            return cipher.decrypt(nonce, ciphertext, _place(header, endpoint_id))
        except (InvalidTag, ValueError):  # the latter where too little is left of it
            raise CannotOpen(DAMAGED) from None

    def is_newest(self, kept: bytes) -> bool:
        """Whether it is kept as it would be now."""
        if self._newest is None or is_plain(kept):
            return self._newest is None and is_plain(kept)
        return kept.startswith(VERSION + self._newest)


def missing(seal: Seal) -> str:
    """What to say of a key that there is not."""
    return (
        f"which is not among those given ({', '.join(seal.key_ids) or 'none'}): set database.encryption_key to it, or put it "
        "into database.old_encryption_keys beside a new one"
    )


def is_plain(kept: bytes) -> bool:
    """Whether it is kept as it is."""
    return kept.startswith(b"{")


def _cipher(key: bytes) -> "AESGCM":
    """Where there is no key the library is not loaded: it takes some six megabytes."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def _parts(kept: bytes) -> tuple[bytes, bytes, bytes]:
    body = PREFIX_BYTES
    return kept[:body], kept[body : body + NONCE_BYTES], kept[body + NONCE_BYTES :]


def _place(header: bytes, endpoint_id: str) -> bytes:
    """What is vouched for, too: how it was sealed, and for whom."""
    return header + endpoint_id.encode("utf-8")


def _id_of(key: bytes) -> bytes:
    """A few bytes by which a key is told from others."""
    return hashlib.sha256(CONTEXT + key).digest()[:ID_BYTES]


NOT_SEALED: Final = Seal()
"""There is no key."""
