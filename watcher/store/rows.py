"""Rows to dataclasses and back. Only here, in `endpoint_rows`, and in the statements are instants milliseconds and labels JSON
text.

A row is anything that gives a column by its name (`sqlite3.Row`, asyncpg's `Record`).
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, Protocol

from watcher.core.account import AccountRecord
from watcher.core.allowance import LearntRate
from watcher.core.attention import band_of
from watcher.core.endpoint import Attempt, AttemptRecord, Cause, Delivery, DeliveryState, EndpointState, Timings
from watcher.core.message import body_of, event_id
from watcher.core.model import Event, LastLook, Recorded, State, Watch
from watcher.core.recovering import DeliveryView

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)
MICROSECOND: Final = timedelta(microseconds=1)

Values = dict[str, Any]
"""The named values of a statement."""
Columns = tuple[int | str | None, ...]
"""Values of a row that is handed over as JSON, in the order in which the statement wants them."""


class Row(Protocol):
    """A row of an answer."""

    def __getitem__(self, column: str, /) -> Any: ...


def millis(at: datetime) -> int:
    """Unix time in milliseconds, rounded down."""
    return (at - EPOCH) // MILLISECOND


def millis_or_later(at: datetime) -> int:
    """Unix time in milliseconds, rounded up: for what must not happen too early."""
    return -((EPOCH - at) // MILLISECOND)


def instant(at: int) -> datetime:
    """The moment that many milliseconds after the start of Unix time."""
    return EPOCH + MILLISECOND * at


def millis_or_none(at: datetime | None) -> int | None:
    """As `millis`; None stays None."""
    return None if at is None else (at - EPOCH) // MILLISECOND


def instant_or_none(at: int | None) -> datetime | None:
    """As `instant`; None stays None."""
    return None if at is None else EPOCH + MILLISECOND * at


def _micros(took: timedelta | None) -> int | None:
    return None if took is None else took // MICROSECOND


def _duration(took: int | None) -> timedelta | None:
    return None if took is None else MICROSECOND * took


def text(value: str) -> str:
    """The text as any database can keep it: half of a surrogate pair, which JSON can smuggle in, becomes a question mark, and so
    does NUL, which PostgreSQL refuses."""
    fit = value if value.isascii() else value.encode("utf-8", "replace").decode("utf-8")
    return fit.replace("\0", "?") if "\0" in fit else fit


def text_or_none(value: str | None) -> str | None:
    """As `text`; None stays None."""
    return None if value is None else text(value)


def values_of_watch(watch: Watch, version: int) -> Values:
    """The columns of a watch that is stored with the version given."""
    return {
        "account": watch.account,
        "batch_id": watch.batch_id,
        "opened": millis(watch.opened),
        "version": version,
        "number": watch.number,
        "state": watch.state.value,
        "status": text_or_none(watch.status),
        "final": int(watch.final),
        "since": millis_or_none(watch.since),
        "name": text_or_none(watch.name),
        "broadcast_id": watch.broadcast_id,
        "created": millis_or_none(watch.created),
        "size": watch.size,
        "remaining": watch.remaining,
        "enabled": None if watch.enabled is None else int(watch.enabled),
        "asked": millis_or_none(watch.asked),
        "answered": millis_or_none(watch.answered),
        "looks": watch.looks,
        "missing_since": millis_or_none(watch.missing_since),
        "missing_count": watch.missing_count,
        "refused_count": watch.refused_count,
        "aside_until": millis_or_none(watch.aside_until),
        "stuck_told": watch.stuck_told,
        "stuck_last": millis_or_none(watch.stuck_last),
        "expires": millis_or_none(watch.expires),
        "labels": json.dumps({text(name): text(value) for name, value in watch.labels.items()})
        if watch.labels
        else "{}",
        "correlation_id": text_or_none(watch.correlation_id),
        "band": band_of(watch).value,
    }


def watch_of(row: Row) -> Watch:
    """The watch that a row of `watches` holds."""
    enabled = row["enabled"]
    labels = row["labels"]
    return Watch(
        account=row["account"],
        batch_id=row["batch_id"],
        opened=instant(row["opened"]),
        version=row["version"],
        number=row["number"],
        state=State(row["state"]),
        status=row["status"],
        since=instant_or_none(row["since"]),
        name=row["name"],
        broadcast_id=row["broadcast_id"],
        created=instant_or_none(row["created"]),
        size=row["size"],
        remaining=row["remaining"],
        enabled=None if enabled is None else bool(enabled),
        asked=instant_or_none(row["asked"]),
        answered=instant_or_none(row["answered"]),
        looks=row["looks"],
        missing_since=instant_or_none(row["missing_since"]),
        missing_count=row["missing_count"],
        refused_count=row["refused_count"],
        aside_until=instant_or_none(row["aside_until"]),
        stuck_told=row["stuck_told"],
        stuck_last=instant_or_none(row["stuck_last"]),
        expires=instant_or_none(row["expires"]),
        labels={} if labels == "{}" else json.loads(labels),
        correlation_id=row["correlation_id"],
    )


def values_of_look(account: str, look: LastLook) -> Values:
    """What an unchanged look leaves behind."""
    return {
        "account": account,
        "batch_id": look.batch_id,
        "asked": millis(look.asked),
        "answered": millis(look.answered),
        "looks": look.looks,
        "size": look.size,
        "remaining": look.remaining,
    }


def values_of_record(record: AccountRecord) -> Values:
    """The columns of an account."""
    learnt = record.learnt_rate
    return {
        "name": record.name,
        "refused": record.refused,
        "reason": text(record.reason),
        "refusals": record.refusals,
        "probe_at": millis_or_none(record.probe_at),
        "credentials": record.credentials,
        "number": record.number,
        "learnt_rate": None if learnt is None else learnt.rate,
        "learnt_wall": None if learnt is None else learnt.wall,
        "learnt_probe_at": None if learnt is None else millis_or_none(learnt.probe_at),
    }


def record_of(row: Row) -> AccountRecord:
    """The account that a row of `accounts` holds."""
    rate = row["learnt_rate"]
    return AccountRecord(
        name=row["name"],
        refused=bool(row["refused"]),
        reason=row["reason"],
        refusals=row["refusals"],
        probe_at=instant_or_none(row["probe_at"]),
        credentials=row["credentials"],
        number=row["number"],
        learnt_rate=None
        if rate is None
        else LearntRate(rate=rate, wall=row["learnt_wall"], probe_at=instant_or_none(row["learnt_probe_at"])),
    )


def values_of_event(event: Event, origin: str) -> Values:
    """The columns of an event, but for its position: with its id, and the body as it will be signed and sent."""
    return {
        "id": event_id(origin, event),
        "type": event.type,
        "at": millis(event.at),
        "account": event.account,
        "batch_id": event.batch_id,
        "number": event.number,
        "endpoint": event.endpoint,
        "body": body_of(event),
    }


def recorded_of(row: Mapping[str, Any] | Row, position: int) -> Recorded:
    """The event that a row of `events`, or what was inserted as one, holds."""
    return Recorded(
        position=position,
        id=row["id"],
        type=row["type"],
        at=instant(row["at"]),
        account=row["account"],
        batch_id=row["batch_id"],
        number=row["number"],
        body=row["body"],
        endpoint=row["endpoint"],
    )


class Due(NamedTuple):
    """A delivery that may be claimed, as `due_deliveries` tells of it."""

    id: int
    endpoint_id: str
    position: int
    created: int
    due: int
    attempts: int
    cause: Cause
    lane: str | None
    account: str


class OwedEvent(NamedTuple):
    """What is sent of an event, as `owed_events` tells of it."""

    position: int
    id: str
    type: str
    body: bytes


def delivery_of(due: Due, event: OwedEvent) -> Delivery:
    """The delivery, with its event's id, type and body."""
    return Delivery(
        id=due.id,
        endpoint_id=due.endpoint_id,
        position=due.position,
        event_id=event.id,
        event_type=event.type,
        body=event.body,
        created=instant(due.created),
        due=instant(due.due),
        attempts=due.attempts,
        cause=due.cause,
    )


def view_of(row: Row, *, in_flight: bool) -> DeliveryView:
    """The delivery as shown that a row of `shown_deliveries` holds."""
    state = shown_state(row["state"], row["endpoint_state"])
    at = row["at"]
    return DeliveryView(
        id=row["id"],
        endpoint_id=row["endpoint_id"],
        position=row["position"],
        event_id=row["event_id"],
        event_type=row["event_type"],
        account=row["account"],
        batch_id=row["batch_id"],
        created=instant(row["created"]),
        due=instant(row["due"]) if state is DeliveryState.PENDING else None,
        attempts=row["attempts"],
        state=state,
        cause=row["cause"],
        in_flight=in_flight,
        code=row["code"],
        error=row["error"],
        ended=None if at is None else instant(at) + MICROSECOND * row["took"],
    )


def shown_state(kept: str, endpoint_state: str) -> DeliveryState:
    """The state that a delivery counts as being in: what is pending for an endpoint that is not active is held."""
    if kept == DeliveryState.PENDING and endpoint_state != EndpointState.ACTIVE:
        return DeliveryState.HELD
    return DeliveryState(kept)


def columns_of_attempt(attempt: Attempt) -> Columns:
    """The columns of an attempt that belong to it alone, in the order of `note_attempts`, but for its answer."""
    timings = attempt.timings
    return (
        millis(attempt.at),
        attempt.took // MICROSECOND,
        attempt.code,
        text_or_none(attempt.error),
        text_or_none(attempt.detail),
        text_or_none(attempt.location),
        attempt.address,
        _micros(timings.dns),
        _micros(timings.connect),
        _micros(timings.tls),
        _micros(timings.first_byte),
    )


def attempt_of(row: Row) -> AttemptRecord:
    """The attempt that a row of `attempts` holds. What the receiver asked for with Retry-After is in `next_due` only."""
    attempt = Attempt(
        at=instant(row["at"]),
        took=MICROSECOND * row["took"],
        code=row["code"],
        error=row["error"],
        detail=row["detail"],
        answer=row["answer"],
        location=row["location"],
        address=row["address"],
        timings=Timings(
            dns=_duration(row["dns"]),
            connect=_duration(row["connect"]),
            tls=_duration(row["tls"]),
            first_byte=_duration(row["first_byte"]),
        ),
    )
    return AttemptRecord(
        attempt=attempt, cause=row["cause"], outcome=row["outcome"], next_due=instant_or_none(row["next_due"])
    )
