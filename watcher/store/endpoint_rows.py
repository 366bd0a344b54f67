"""Endpoints to rows and back: their secrets as one sealed value, their health as JSON text."""

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from watcher.core.endpoint import Endpoint, EndpointState, Secrets, SigningKey
from watcher.core.health import Health
from watcher.store.rows import MILLISECOND, Row, Values, instant, millis, millis_or_later, text
from watcher.store.sealing import DAMAGED, CannotOpen, Seal

NO_SECRETS: Final = Secrets()
FRESH: Final = Health()
COUNTS: Final = ("failures_in_a_row", "failed", "exhausted", "opened", "warned", "alarmed")
TIMES: Final = ("failing_since", "open_until")


def values_of_endpoint(endpoint: Endpoint, seal: Seal) -> Values:
    """The columns of an endpoint. The secrets of one that the settings keep are not among them."""
    return values_of_standing(endpoint) | {
        "kept_by": endpoint.kept_by,
        "url": text(endpoint.url),
        "description": text(endpoint.description),
        "types": json.dumps(endpoint.types),
        "accounts": json.dumps(endpoint.accounts),
        "broadcasts": json.dumps(endpoint.broadcasts),
        "labels": json.dumps(dict(endpoint.labels)),
        "timeout": endpoint.timeout // MILLISECOND,
        "concurrency": endpoint.concurrency,
        "rate": endpoint.rate,
        "ordering": endpoint.ordering,
        "form": endpoint.form,
        "sealed": _sealed(endpoint, seal),
        "created": None if endpoint.created is None else millis(endpoint.created),
        "version": endpoint.version,
    }


def values_of_standing(endpoint: Endpoint) -> Values:
    """The columns that say how an endpoint stands."""
    paused = endpoint.paused_until
    return {
        "id": endpoint.id,
        "state": endpoint.state.value,
        "disabled_reason": None if endpoint.disabled_reason is None else text(endpoint.disabled_reason),
        "paused_until": None if paused is None else millis_or_later(paused),
        "health": _health_text(endpoint.health),
        "number": endpoint.number,
    }


def endpoint_of(row: Row, seal: Seal) -> Endpoint:
    """The endpoint that a row of `endpoints` holds. Raises CannotOpen."""
    return standing_of(_set_up(row, seal), row)


def standing_of(endpoint: Endpoint, row: Row) -> Endpoint:
    """The endpoint, standing as the row says."""
    return replace(
        endpoint,
        state=EndpointState(row["state"]),
        disabled_reason=row["disabled_reason"],
        paused_until=None if row["paused_until"] is None else instant(row["paused_until"]),
        health=health_of(row["health"]),
        number=row["number"],
    )


def _set_up(row: Row, seal: Seal) -> Endpoint:
    sealed = row["sealed"]
    return Endpoint(
        id=row["id"],
        url=row["url"],
        kept_by=row["kept_by"],
        description=row["description"],
        types=tuple(json.loads(row["types"])),
        accounts=tuple(json.loads(row["accounts"])),
        broadcasts=tuple(json.loads(row["broadcasts"])),
        labels=json.loads(row["labels"]),
        timeout=timedelta(milliseconds=row["timeout"]),
        concurrency=row["concurrency"],
        rate=row["rate"],
        ordering=row["ordering"],
        form=row["form"],
        secrets=NO_SECRETS if sealed is None else _secrets_of(seal.opened(row["id"], sealed)),
        created=None if row["created"] is None else instant(row["created"]),
        version=row["version"],
    )


def _sealed(endpoint: Endpoint, seal: Seal) -> bytes | None:
    if endpoint.kept_by == "settings" or endpoint.secrets == NO_SECRETS:
        return None
    return seal.sealed(endpoint.id, _bytes_of(endpoint.secrets))


def _bytes_of(secrets: Secrets) -> bytes:
    keys = [
        {
            "scheme": key.scheme,
            "key": base64.b64encode(key.key).decode("ascii"),
            "until": None if key.until is None else millis(key.until),
        }
        for key in secrets.keys
    ]
    return json.dumps({"keys": keys, "headers": dict(secrets.headers), "authorization": secrets.authorization}).encode(
        "ascii"
    )


def _secrets_of(plain: bytes) -> Secrets:
    try:
        kept: Mapping[str, Any] = json.loads(plain)
        keys = tuple(map(_key_of, kept["keys"]))
        return Secrets(keys=keys, headers=kept["headers"], authorization=kept["authorization"])
    except (LookupError, TypeError, ValueError):
        raise CannotOpen(DAMAGED) from None  # whose words might quote them


def _key_of(kept: Mapping[str, Any]) -> SigningKey:
    until = kept["until"]
    return SigningKey(
        scheme=kept["scheme"],
        key=base64.b64decode(kept["key"]),
        until=None if until is None else instant(until),
    )


def _health_text(health: Health) -> str:
    """Only what is otherwise than with a fresh one."""
    if health == FRESH:
        return "{}"
    kept: dict[str, object] = {name: getattr(health, name) for name in COUNTS if getattr(health, name)}
    times: dict[str, datetime | None] = {name: getattr(health, name) for name in TIMES}
    kept |= {name: millis_or_later(at) for name, at in times.items() if at is not None}
    if health.told:
        kept["told"] = {kind: millis_or_later(at) for kind, at in health.told.items()}
    return json.dumps(kept)


def health_of(kept: str) -> Health:
    """The health that the column holds."""
    if kept == "{}":
        return FRESH
    values: dict[str, Any] = json.loads(kept)
    for name in TIMES:
        if name in values:
            values[name] = instant(values[name])
    values["told"] = {kind: instant(at) for kind, at in values.get("told", {}).items()}
    return Health(**values)
