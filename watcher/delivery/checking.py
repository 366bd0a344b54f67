"""Whether an endpoint may be set up as somebody wants it: what must hold together, whoever asks. Pure."""

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from watcher.core.addresses import Network, url_refusal
from watcher.core.endpoint import Endpoint, Scheme, Secrets, SigningKey
from watcher.ports import Refused

ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
TIMEOUT_LEAST: Final = timedelta(seconds=1)
TIMEOUT_MOST: Final = timedelta(seconds=30)


def setup_refusal(endpoint: Endpoint, allowed: Sequence[Network]) -> Refused | None:
    """What is wrong with how an endpoint is to be set up, the first of it; None where it will do."""
    if not ID.fullmatch(endpoint.id):
        return _bad(
            "/id", "an id has 1 to 64 letters, digits, - and _: take such a one, or leave it out to have one made"
        )
    refusal = url_refusal(endpoint.url, allowed)
    if refusal is not None:
        return _bad("/url", refusal)
    if not TIMEOUT_LEAST <= endpoint.timeout <= TIMEOUT_MOST:
        return _bad("/timeout", "an attempt has 1 to 30 seconds: give a number within that")
    if endpoint.concurrency is not None and endpoint.concurrency < 1:
        return _bad(
            "/concurrency", "no attempt could be in flight: give 1 or more, or leave it out for the usual number"
        )
    if endpoint.ordering == "batch" and endpoint.concurrency not in (None, 1):
        return _bad("/concurrency", "with ordering by batch one attempt is in flight: leave it out, or the ordering")
    if endpoint.rate is not None and not endpoint.rate > 0:
        return _bad(
            "/rate", "nothing would be sent: give more than 0 deliveries a second, or leave it out; or disable it"
        )
    return None


def key_refusal(
    secret: SigningKey | None,
    schemes: Sequence[Scheme],
    fits: Callable[[SigningKey], bool],
    present: Secrets = Secrets(),  # noqa: B008 # frozen
) -> Refused | None:
    """What is wrong with the secret that somebody brings along for those schemes; None where it will do."""
    if not schemes:
        return _bad("/signatures", "nothing would be signed: name v1, v1a or both")
    if secret is None:
        return None
    if secret.scheme not in schemes:
        return _bad(
            "/secret", f"it signs {secret.scheme}, which is not among the signatures: add that, or take another"
        )
    if not fits(secret):
        return _bad("/secret", "its public half does not belong to its seed: make a new pair, and copy the whole of it")
    if any(key.until is None and (key.scheme, key.key) == (secret.scheme, secret.key) for key in present.keys):
        return _bad("/secret", "it is the present one: give a new one, or none to have one made")
    return None


def _bad(pointer: str, detail: str) -> Refused:
    return Refused(kind="bad-endpoint", detail=detail, pointer=pointer)
