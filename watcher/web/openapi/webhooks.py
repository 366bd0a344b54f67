"""The `webhooks` section: what is posted to an endpoint, for every type of event, and what its answers bring about."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from watcher.core.message import body_of, event_id
from watcher.core.samples import sample
from watcher.web.event_models import DATA
from watcher.web.openapi.schemas import PLACE, name_of

AT: Final = datetime(2026, 11, 23, 9, 0, 4, 213_000, UTC)
"""When the samples happened."""
ORIGIN: Final = "k3v9x2ab"
ENDPOINT: Final = "crm"
"""Whom the samples are sent to."""

SAID: Final[Mapping[str, str]] = {
    "batch.new": "The batch was seen NEW: it waits for its validation.",
    "batch.validating": "The batch was seen VALIDATING: CallFire goes through its contacts.",
    "batch.active": "The batch was seen ACTIVE: it is ready, and its contacts can be called or texted.",
    "batch.errors": "The batch was seen ERRORS: validation ended, and it will never start.",
    "batch.source_error": "The batch was seen SOURCE_ERROR: its contacts could not be read, and it will never start.",
    "batch.unknown": "The batch was seen with a status that nobody knows; it is passed on as it is.",
    "batch.missing": "CallFire does not know the batch any more. It is not looked at further.",
    "batch.stuck": "The batch has had one status for longer than usual.",
    "batch.unstuck": "A batch that was stuck moves again.",
    "watch.expired": "The batch was followed for as long as is allowed, and has not ended.",
    "account.refused": "CallFire does not accept the account's login: nothing of it is noticed until it does.",
    "account.recovered": "CallFire accepts the account's login again.",
    "endpoint.failing": "Another endpoint has been failing.",
    "endpoint.disabled": "Another endpoint gets nothing any more; what happens is held for it.",
    "endpoint.recovered": "Another endpoint accepts webhooks again.",
    "delivery.exhausted": "Another endpoint did not accept an event in any of the attempts.",
}
"""When an event of the type is sent."""

HEADERS: Final[Mapping[str, tuple[str, bool, str]]] = {
    "webhook-id": (
        "The event's id. Every attempt bears the same, so that a receiver knows what it had already.",
        True,
        event_id(ORIGIN, sample("batch.active", AT, endpoint_id=ENDPOINT)),
    ),
    "webhook-timestamp": ("When this attempt was made, in seconds since 1970.", True, str(int(AT.timestamp()))),
    "webhook-signature": (
        "Standard Webhooks: for each key a signature of `{webhook-id}.{webhook-timestamp}.{body}`, `v1,…` or `v1a,…`.",
        True,
        "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    ),
    "traceparent": (
        "W3C Trace Context: one trace an event.",
        True,
        "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00",
    ),
}
"""What every webhook bears: what it is, whether always, an example."""

ANSWERS: Final[Mapping[str, str]] = {
    "2XX": "Accepted: the delivery is done.",
    "410": "Nobody wants this any more: the endpoint is disabled at once, and events are held for it.",
    "429": "Too fast: nothing is sent for the seconds of Retry-After, and no attempt is used up.",
    "503": "Not now: nothing is sent for the seconds of Retry-After, and no attempt is used up.",
    "default": "Anything else, a redirect too, or no answer in time: sent again later, for three days.",
}


def webhooks() -> dict[str, Any]:
    """Every type of event, by its name."""
    return {event_type: {"post": _webhook(event_type)} for event_type in DATA}


def event_schemas() -> dict[str, Any]:
    """The schema of each type of event: Standard Webhooks' envelope around its data."""
    return {schema_name(event_type): _schema(event_type) for event_type in DATA}


def schema_name(event_type: str) -> str:
    """What the schema of a type of event is called."""
    return "Event" + "".join(word.capitalize() for word in event_type.replace("_", ".").split("."))


def sample_of(event_type: str) -> dict[str, Any]:
    """An event of that type, as it is posted."""
    posted: dict[str, Any] = json.loads(body_of(sample(event_type, AT, endpoint_id=ENDPOINT)))
    return posted


def _schema(event_type: str) -> dict[str, Any]:
    return {
        "type": "object",
        "description": SAID[event_type],
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"const": event_type},
            "timestamp": {"type": "string", "format": "date-time", "description": "When it happened."},
            "data": {"$ref": f"{PLACE}{name_of(DATA[event_type])}"},
        },
        "examples": [sample_of(event_type)],
    }


def _webhook(event_type: str) -> dict[str, Any]:
    ref = {"$ref": f"{PLACE}{schema_name(event_type)}"}
    return {
        "operationId": f"webhook_{event_type.replace('.', '_')}",
        "summary": event_type,
        "description": SAID[event_type],
        "tags": ["webhooks"],
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": always,
                "description": words,
                "schema": {"type": "string"},
                "example": example,
            }
            for name, (words, always, example) in HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "description": "As an endpoint of the form `plain` gets it. Those of CloudEvents bear the same `data`.",
            "content": {"application/json": {"schema": ref}},
        },
        "responses": {status: {"description": words} for status, words in ANSWERS.items()},
    }
