"""What is posted for an event: its stored body as it is, or CloudEvents 1.0 made from it, structured or with headers.

The same stored body always gives the same bytes. CloudEvents' JSON format and HTTP protocol binding, version 1.0.2.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from watcher.core.endpoint import Delivery, Form

SERVICE: Final = "/watcher"
HEADER_SAFE: Final = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in '"%')
"""What a ce- header holds as it is; the rest is percent-encoded (HTTP protocol binding, section 3.1.3.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The bytes to sign and to send, and what says what they are."""

    body: bytes
    headers: Mapping[str, str]


PLAIN: Final = {"Content-Type": "application/json"}
STRUCTURED: Final = {"Content-Type": "application/cloudevents+json"}


def message_of(delivery: Delivery, form: Form) -> Message:
    """The delivery's event in that form."""
    if form == "plain":
        return Message(body=delivery.body, headers=PLAIN)
    event = json.loads(delivery.body)
    data = event["data"]
    attributes = {
        "specversion": "1.0",
        "id": delivery.event_id,
        "source": _source(data),
        "type": event["type"],
        "subject": _subject(data),
        "time": event["timestamp"],
    }
    told = {name: value for name, value in attributes.items() if value is not None}
    if form == "cloudevents":
        return Message(body=_json({**told, "datacontenttype": "application/json", "data": data}), headers=STRUCTURED)
    headers = {f"ce-{name}": quote(value, safe=HEADER_SAFE) for name, value in told.items()}
    return Message(body=_json(data), headers={**PLAIN, **headers})


def _source(data: Mapping[str, Any]) -> str:
    """Where it happened: at an account, or in the service itself."""
    account = None if data.get("endpoint") is not None else data.get("account")
    return SERVICE if account is None else f"{SERVICE}/accounts/{quote(account)}"


def _subject(data: Mapping[str, Any]) -> str | None:
    """What it happened to, where that is not all of the source."""
    if data.get("endpoint") is not None:
        return f"endpoints/{quote(data['endpoint'])}"
    return None if data.get("batch_id") is None else f"batches/{data['batch_id']}"


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
