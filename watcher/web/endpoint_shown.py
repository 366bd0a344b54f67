"""From what is kept to what is shown: endpoints without what must stay secret, deliveries and their attempts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from watcher.core.endpoint import Attempt, AttemptRecord, Endpoint, Secrets, SigningKey
from watcher.core.health import Health, disables_at
from watcher.core.keys import public_text, secret_text
from watcher.core.last_hour import STEP
from watcher.ports import DeliveryDetails, DeliveryView, EndpointView, LastHour
from watcher.web.delivery_models import (
    AttemptKept,
    AttemptShown,
    DeliveryShown,
    DeliveryWhole,
    SampleShown,
    TimingsShown,
)
from watcher.web.endpoint_models import (
    BreakerShown,
    EndpointHealth,
    EndpointMade,
    EndpointShown,
    KeyShown,
    KeysMade,
    RecentShown,
)

MASK: Final = "…"
ANSWER: Final = 16 * 1024
"""Bytes of an answer that are shown at most."""


def endpoint_shown(view: EndpointView, now: datetime, recent: LastHour | None = None) -> EndpointShown:
    """The endpoint as anybody who may ask sees it."""
    return EndpointShown(**_fields(view, now), recent=None if recent is None else _recent(recent))


def endpoint_made(endpoint: Endpoint, now: datetime) -> EndpointMade:
    """A new endpoint, with its secrets."""
    view = EndpointView(endpoint=endpoint, condition="active", reason="", until=None)
    return EndpointMade(**_fields(view, now), secrets=[secret_text(key) for key in endpoint.secrets.keys])


def keys_made(endpoint: Endpoint, given: SigningKey | None, now: datetime) -> KeysMade:
    """The keys that a rotation made (all, or of the given one's scheme alone) with their secrets, and the old ones."""
    keys = [
        key for key in endpoint.secrets.keys if key.until is not None or given is None or key.scheme == given.scheme
    ]
    shown = replace(endpoint, secrets=Secrets(keys=tuple(keys)))
    return KeysMade(**_keys(shown, now), secrets=[secret_text(key) for key in keys if key.until is None])


def attempt_shown(attempt: Attempt) -> AttemptShown:
    """An attempt that nothing is kept of."""
    return AttemptShown(**_attempt(attempt))


def sample_shown(event_type: str, attempt: Attempt) -> SampleShown:
    """What came of a sample of that type."""
    return SampleShown(**_attempt(attempt), type=event_type, accepted=attempt.accepted)


def delivery_shown(view: DeliveryView) -> DeliveryShown:
    """The delivery as a list has it."""
    return DeliveryShown(**_delivery(view))


def delivery_whole(details: DeliveryDetails) -> DeliveryWhole:
    """The delivery with its attempts."""
    return DeliveryWhole(**_delivery(details.view), history=_history(details.attempts))


def _fields(view: EndpointView, now: datetime) -> dict[str, Any]:
    endpoint = view.endpoint
    authorization = endpoint.secrets.authorization
    return _keys(endpoint, now) | {
        "kind": endpoint.kind,
        "url": _url(endpoint.url),
        "kept_by": endpoint.kept_by,
        "description": endpoint.description,
        "types": list(endpoint.types),
        "accounts": list(endpoint.accounts),
        "broadcasts": list(endpoint.broadcasts),
        "labels": endpoint.labels,
        "timeout": endpoint.timeout.total_seconds(),
        "concurrency": endpoint.concurrency,
        "rate": endpoint.rate,
        "ordering": endpoint.ordering,
        "form": endpoint.form,
        "headers": sorted(endpoint.secrets.headers),
        "authorization": None if authorization is None else authorization.partition(" ")[0].lower(),
        "created": endpoint.created,
        "state": endpoint.state.value,
        "condition": view.condition,
        "reason": view.reason,
        "until": view.until,
        "health": _health(endpoint.health, now),
        "pending": view.pending,
        "held": view.held,
        "dead": view.dead,
        "oldest": view.oldest,
    }


def _recent(recent: LastHour) -> RecentShown:
    return RecentShown(
        since=recent.since,
        step=STEP,
        done=list(recent.done),
        failed=list(recent.failed),
        p50=list(recent.p50),
        p95=list(recent.p95),
    )


def _keys(endpoint: Endpoint, now: datetime) -> dict[str, Any]:
    keys = endpoint.secrets.signing(now)
    public = (public_text(key) for key in keys)
    return {
        "id": endpoint.id,
        "signatures": list(dict.fromkeys(key.scheme for key in keys if key.until is None)),
        "keys": [KeyShown(scheme=key.scheme, until=key.until) for key in keys],
        "public_keys": [text for text in public if text is not None],
    }


def _health(health: Health, now: datetime) -> EndpointHealth:
    waits = health.open_until is not None and health.open_until > now
    return EndpointHealth(
        failures_in_a_row=health.failures_in_a_row,
        failing_since=health.failing_since,
        failed=health.failed,
        exhausted=health.exhausted,
        disables_at=disables_at(health),
        breaker=BreakerShown(
            state="closed" if not health.opened else "open" if waits else "probing",
            opened=health.opened,
            open_until=health.open_until,
        ),
    )


def _attempt(attempt: Attempt) -> dict[str, Any]:
    timings = attempt.timings
    return {
        "at": attempt.at,
        "took": attempt.took.total_seconds(),
        "code": attempt.code,
        "error": attempt.error,
        "detail": attempt.detail,
        "address": attempt.address,
        "timings": TimingsShown(
            dns=_seconds(timings.dns),
            connect=_seconds(timings.connect),
            tls=_seconds(timings.tls),
            first_byte=_seconds(timings.first_byte),
        ),
        "retry_after": _seconds(attempt.retry_after),
        "location": None if attempt.location is None else _url(attempt.location),
        "answer": attempt.answer[:ANSWER].decode("utf-8", "replace"),
    }


def _delivery(view: DeliveryView) -> dict[str, Any]:
    return {
        "id": view.id,
        "endpoint": view.endpoint_id,
        "position": view.position,
        "event_id": view.event_id,
        "event_type": view.event_type,
        "account": view.account or None,  # events about an endpoint have none
        "batch_id": view.batch_id,
        "created": view.created,
        "due": view.due,
        "attempts": view.attempts,
        "state": view.state.value,
        "cause": view.cause,
        "in_flight": view.in_flight,
        "code": view.code,
        "error": view.error,
        "ended": view.ended,
    }


def _history(attempts: Sequence[AttemptRecord]) -> list[AttemptKept]:
    return [
        AttemptKept(**_attempt(each.attempt), cause=each.cause, outcome=each.outcome, next_due=each.next_due)
        for each in attempts
    ]


def _url(url: str) -> str:
    """Without what stands behind the question mark: many a receiver has its key there, and may send it back."""
    place, mark, _ = url.partition("?")
    return f"{place}?{MASK}" if mark else url


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()
