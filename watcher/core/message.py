"""What leaves the house: an event's id and its body, the very bytes that are stored, signed and sent."""

import json
from datetime import UTC, datetime
from typing import Final

from watcher.core.model import Event

MAX_BODY: Final = 256 * 1024
"""Bytes. A larger body is never sent (and never silently skipped: the delivery is dead)."""


def event_id(origin: str, event: Event) -> str:
    """The id every attempt, resend and recovery of the event bears; it has no dot.

    Made from (account, batch, number), or (endpoint, number), so that a repeated commit cannot make a second one. `origin`
    names the database that counts the numbers: a new database starts at 1 again, and receivers must not take its events
    for old ones.
    """
    if event.endpoint is not None:
        return f"ept_{origin}_{event.endpoint}_{event.number}"
    if event.batch_id is None:
        return f"acc_{origin}_{event.account}_{event.number}"
    return f"evt_{origin}_{event.account}_{event.batch_id}_{event.number}"


def account_of(event_id: str) -> str | None:
    """The account whose batch an event is about, from its id; None where it is about none."""
    kind, _, rest = event_id.partition("_")
    parts = rest.partition("_")[2].rsplit("_", 2)
    return parts[0] if kind == "evt" and len(parts) == 3 else None


def body_of(event: Event) -> bytes:
    """The event as Standard Webhooks wants it: type, timestamp, data; compact UTF-8 JSON."""
    return json.dumps(
        {"type": event.type, "timestamp": event.at, "data": event.data},
        default=_plain,
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode("utf-8", "replace")


def instant(at: datetime) -> str:
    """RFC 3339 in UTC with milliseconds: 2026-11-23T09:00:04.213Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return instant(value)
    raise TypeError(f"{type(value).__name__} has no place in an event")
