"""Whether an endpoint may be set up as somebody wants it: what must hold together, whoever asks. Pure."""

from collections.abc import Callable, Sequence

from watcher.core.addresses import Network, url_refusal
from watcher.core.endpoint import (
    CONCURRENCY_MOST,
    ID,
    RATE_LEAST,
    RATE_MOST,
    TIMEOUT_LEAST,
    TIMEOUT_MOST,
    Endpoint,
    Scheme,
    Secrets,
    SigningKey,
)
from watcher.ports import Refused


def setup_refusal(endpoint: Endpoint, allowed: Sequence[Network]) -> Refused | None:
    """What is wrong with how an endpoint is to be set up, the first of it; None where it will do."""
    if not ID.fullmatch(endpoint.id):
        return _bad(
            "/id", "an id has 1 to 64 letters, digits, - and _: take such a one, or leave it out to have one made"
        )
    refusal = url_refusal(endpoint.url, allowed)
    if refusal is not None:
        return _bad("/url", f"the URL {refusal}")
    if not TIMEOUT_LEAST <= endpoint.timeout <= TIMEOUT_MOST:
        return _bad("/timeout", "an attempt has 1 to 30 seconds: give a number within that")
    if endpoint.concurrency is not None and not 1 <= endpoint.concurrency <= CONCURRENCY_MOST:
        within = f"1 to {CONCURRENCY_MOST} attempts may be in flight at once"
        return _bad("/concurrency", f"{within}: give a number within that, or leave it out for the usual one")
    if endpoint.ordering == "batch" and endpoint.concurrency not in (None, 1):
        return _bad("/concurrency", "with ordering by batch one attempt is in flight: leave it out, or the ordering")
    if endpoint.rate is not None and not RATE_LEAST <= endpoint.rate <= RATE_MOST:
        within = f"{RATE_LEAST:g} to {RATE_MOST:g} deliveries a second may be sent"
        return _bad("/rate", f"{within}: give a number within that, leave it out for no bound, or disable the endpoint")
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
