"""Signing keys as text: `whsec_` for a shared secret, `whsk_` and `whpk_` for the two halves of a key pair. Standard Webhooks."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from watcher.core.endpoint import Scheme, Secrets, SigningKey
from watcher.core.message import instant

PREFIXES: Final[Mapping[Scheme, str]] = {"v1": "whsec_", "v1a": "whsk_"}
"""By which a secret is known to be one, and of which kind."""
PUBLIC_PREFIX: Final = "whpk_"
LEAST, MOST = 24, 64
"""Bytes of a shared secret."""
PAIR: Final = 64
"""Bytes of a key pair: 32 of the seed, 32 of the public key."""

OLD_MOST: Final = 5
"""Keys of one scheme that may sign along with the newest."""
GRACE: Final = timedelta(hours=24)
GRACE_MOST: Final = timedelta(days=7)
"""How long an old key signs along where nobody says, and at most."""


class TooManyOld(Exception):
    """As many old keys as there may be still sign along; the first of them ends at `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"{OLD_MOST} old keys sign along still, the first of them until {instant(until)}")
        self.until = until


def parse_key(text: str) -> SigningKey:
    """The key that a secret is. ValueError, which never quotes it, where it is none."""
    scheme = next((scheme for scheme, prefix in PREFIXES.items() if text.startswith(prefix)), None)
    if scheme is None:
        raise ValueError(f"does not start with {' or '.join(PREFIXES.values())}")
    try:
        key = base64.b64decode(text.removeprefix(PREFIXES[scheme]), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("is not base64 after its prefix") from None
    if scheme == "v1" and not LEAST <= len(key) <= MOST:
        raise ValueError(f"has {len(key)} bytes behind its prefix, not {LEAST} to {MOST}")
    if scheme == "v1a" and len(key) != PAIR:
        raise ValueError(f"has {len(key)} bytes behind its prefix, not {PAIR}")
    return SigningKey(scheme=scheme, key=key)


def secret_text(key: SigningKey) -> str:
    """What is shown once, when the key is made."""
    return PREFIXES[key.scheme] + base64.b64encode(key.key).decode("ascii")


def public_text(key: SigningKey) -> str | None:
    """The half that anybody may see; None of a shared secret."""
    return None if key.scheme == "v1" else PUBLIC_PREFIX + base64.b64encode(key.key[32:]).decode("ascii")


def rotated(secrets: Secrets, made: Sequence[SigningKey], now: datetime, grace: timedelta) -> Secrets:
    """With new keys in front; those of their schemes sign along for `grace` (0 to GRACE_MOST) and no longer, also those that
    were replaced before: with no grace, all of them end at once. Keys of other schemes stay as they are.

    Raises TooManyOld where a scheme would have more than OLD_MOST old keys.
    """
    schemes = {key.scheme for key in made}
    kept = [key for key in secrets.signing(now) if key.scheme not in schemes]
    replaced = [key for key in secrets.signing(now) if key.scheme in schemes] if grace > timedelta(0) else []
    until = now + grace
    for scheme in schemes:
        of_scheme = [key for key in replaced if key.scheme == scheme]
        if len(of_scheme) > OLD_MOST:
            raise TooManyOld(min((key.until for key in of_scheme if key.until is not None), default=until))
    old = [replace(key, until=until if key.until is None else min(key.until, until)) for key in replaced]
    return replace(secrets, keys=(*made, *kept, *old))
