"""What requests bear beside a body: the ids in paths, the query, headers; and the headers of answers."""

import re
from collections.abc import Mapping
from typing import Any, Final

from watcher.core.endpoint import ID
from watcher.core.model import MAX_BATCH_ID
from watcher.web.openapi.schemas import parameters_of
from watcher.web.operations import Operation

IN_PATH: Final = re.compile(r"\{(\w+)(?::[^}]*)?\}")
NUMBER: Final = {"type": "integer", "minimum": 1, "maximum": MAX_BATCH_ID}
TEXT: Final = {"type": "string"}

IDS: Final[Mapping[str, tuple[Mapping[str, Any], object, str]]] = {
    "account": (TEXT | {"minLength": 1}, "default", "An account of the settings, by its name."),
    "batch_id": (NUMBER, 13, "CallFire's id of the batch."),
    "broadcast_id": (NUMBER, 14, "CallFire's id of the broadcast."),
    "endpoint_id": (TEXT | {"pattern": f"^{ID.pattern}$"}, "crm", "The endpoint's id."),
    "delivery_id": (NUMBER, 1, "The delivery's id."),
    "submission_id": (TEXT | {"minLength": 1}, "sub_7k3f9x2abc4m", "The submission's id."),
    "token_id": (TEXT | {"minLength": 1}, "tok_1", "The token's id."),
    "kind": (
        TEXT | {"pattern": "^[a-z0-9-]+$"},
        "not-followed",
        "What stands behind `/problems/` in a problem's `type`.",
    ),
    "name": (TEXT | {"minLength": 1}, "main.js", "The file's name, with the folder that it is in."),
}
"""Of every parameter in a path: its schema, an example, what it is."""

HEADERS: Final[Mapping[str, tuple[Mapping[str, Any], object, str]]] = {
    "X-Request-Id": (
        TEXT,
        "order-77-1",
        "An id of your own for this request, which its answer and our log bear: letters, digits and `._~:/+=@-`, 128 at most.",
    ),
    "If-None-Match": (
        TEXT,
        'W/"6f1c8e"',
        "The ETag of what you have. Reading answers 304, without a body, where it is still that; a change 412. `*`: of anything.",
    ),
    "If-Match": (
        TEXT,
        'W/"6f1c8e"',
        "The ETag of what you have: 412, and nothing is done, where it is another by now.",
    ),
    "Prefer": (
        TEXT,
        "wait=30",
        "`wait=N` (RFC 7240): answer as soon as something has changed, after N seconds at the latest, 60 at most.",
    ),
    "Idempotency-Key": (
        TEXT | {"pattern": "^[!-~]{1,255}$"},
        "0f6c2d1e-order-77",
        "A key of your own for this request: sent again within 24 hours, it gets the same answer, and nothing is done twice.",
    ),
    "Last-Event-ID": (
        TEXT,
        "1234",
        "The `id` of the last event that was received: the stream goes on behind it, without a gap. Browsers send it themselves.",
    ),
}
"""Of every header that a request may bear: its schema, an example, what it does."""

ANSWERED: Final[Mapping[str, Any]] = {
    "X-Request-Id": {"description": "The request's id: yours, or one that was made.", "schema": TEXT},
    "ETag": {"description": "Of what was read: for If-None-Match and If-Match.", "schema": TEXT},
    "Location": {"description": "Where the new thing is read.", "schema": TEXT | {"format": "uri-reference"}},
    "Retry-After": {"description": "Seconds after which to try again.", "schema": {"type": "integer", "minimum": 0}},
    "WWW-Authenticate": {"description": "How to authenticate (RFC 6750).", "schema": TEXT},
    "Link": {"description": "`rel=next` leads to the next page, where there is one (RFC 8288).", "schema": TEXT},
    "Idempotency-Replayed": {"description": "`true`: the first answer to this key again.", "schema": TEXT},
    "Preference-Applied": {"description": "What of the header Prefer was heeded.", "schema": TEXT},
}
"""The headers that answers bear."""


def parameter_components() -> dict[str, Any]:
    """The headers of requests, to be referred to."""
    return {
        name: {"name": name, "in": "header", "description": words, "schema": dict(schema), "example": example}
        for name, (schema, example, words) in HEADERS.items()
    }


def parameters(operation: Operation) -> list[dict[str, Any]]:
    """All of the operation, those of the path first."""
    found = [_in_path(name) for name in IN_PATH.findall(operation.path)]
    if operation.query is not None:
        found += [_in_query(*each) for each in parameters_of(operation.query)]
    heeded = dict.fromkeys([*operation.headers, "X-Request-Id"])
    return found + [{"$ref": f"#/components/parameters/{name}"} for name in heeded]


def _in_path(name: str) -> dict[str, Any]:
    schema, example, words = IDS[name]
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": words,
        "schema": dict(schema),
        "example": example,
    }


def _in_query(name: str, required: bool, schema: Mapping[str, Any]) -> dict[str, Any]:
    described = dict(schema)
    words = described.pop("description", None)
    parameter: dict[str, Any] = {"name": name, "in": "query", "required": required, "schema": described}
    if words is not None:
        parameter["description"] = words
    return parameter
