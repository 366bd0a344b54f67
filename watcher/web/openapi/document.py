"""The whole document, put together and as bytes."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from watcher.web.event_models import DATA
from watcher.web.openapi.parameters import ANSWERED, parameter_components
from watcher.web.openapi.paths import completed, path_items, uses
from watcher.web.openapi.problems import answer_components, kinds_of, problem_schemas
from watcher.web.openapi.schemas import Use, schemas_of
from watcher.web.openapi.webhooks import event_schemas, webhooks
from watcher.web.operations import Operation

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

ABOUT: Final = """\
Follows CallFire batches through validation and tells whoever must act on it: by signed webhooks, a live stream, a log of events.

JSON in and out; times are RFC 3339 in UTC with milliseconds. What is documented is stable; a client should not mind keys and
event types that are new.

**Authentication.** `Authorization: Bearer …` with a token that `watcher token new` made; a browser signs in with a token once
and has a cookie from then on. The scope that an operation wants stands in its `security`. As long as no token was made, programs
on the daemon's own machine may do everything, and nobody else anything. What a token may not see does not exist for it: 404.

**Lists** are `{"items": […], "next": …}`: ask again with `cursor` as `next` says, until it is null. The log goes on for ever:
there `next` is what to ask `after`, and no items means that there are none yet. Rows that are added meanwhile shift nothing.

**Errors** are `application/problem+json` (RFC 9457). `type` is stable and leads to a page that says what to do, `errors` has all
that is wrong at once, with its place.

**Conditional requests.** What is read alone bears an ETag: `If-None-Match` saves sending it again, `If-Match` keeps a change from
overwriting another.

**Repeating.** PUT and DELETE may be repeated as they are, POST with an `Idempotency-Key`: within 24 hours it gets the same
answer.

**Being told.** Subscribe an endpoint (`POST /v1/endpoints`) and be posted every event, signed, at least once; what is posted
stands under `webhooks`. Or listen to `/v1/events/stream`, which goes on behind `Last-Event-ID` without a gap or a double; or read
`/v1/events` from the last position on; or wait for one watch with `Prefer: wait=30`.

HEAD is answered where GET is. Bodies may be sent as gzip, and are answered so to who accepts it.
"""

TAGS: Final[Mapping[str, str]] = {
    "watches": "Batches that are followed: one or ten thousand at once.",
    "broadcasts": "Broadcasts that are followed as a whole, with batches to come.",
    "submissions": "Batches that are sent to CallFire, once, and followed.",
    "events": "The log of all that happened, to be read from any position on.",
    "streams": "The same as it happens, and what a page shows as it changes: as server-sent events.",
    "endpoints": "Who gets webhooks, of what, and how.",
    "deliveries": "What endpoints were sent and are owed, with every attempt.",
    "accounts": "CallFire accounts: their condition and budget.",
    "tokens": "Who may ask.",
    "sessions": "Browsers that signed in.",
    "probes": "For orchestrators and Prometheus.",
    "page": "What is going on, at a glance, for people.",
    "documents": "This document, and pages to read.",
    "webhooks": "What endpoints are sent.",
}
"""What operations are sorted by, in the order of the document."""

SECURITY: Final[Mapping[str, Any]] = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": (
            "A token of `watcher token new`. Its scopes: read (see), write (follow, stop, labels, endpoints, deliveries), "
            "submit (send batches, switch them on and off), admin (all that, tokens, accounts)."
        ),
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "watcher",
        "description": (
            "A browser's, made from a token by `POST /v1/session`: HttpOnly, SameSite=Strict, over https called "
            "`__Host-watcher`. It may what the token may; what writes must come from our own page."
        ),
    },
}


def document(operations: Iterable[Operation], version: str) -> dict[str, Any]:
    """The OpenAPI document of these operations."""
    operations = completed(operations)
    answered: list[Use] = [(model, "serialization") for model in DATA.values()]
    kinds = {kind for operation in operations for kind in kinds_of(operation)}
    schemas = schemas_of([*uses(operations), *answered]) | problem_schemas(kinds) | event_schemas()
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": DIALECT,
        "info": {
            "title": "watcher",
            "version": version,
            "summary": "Know when a CallFire batch is ready.",
            "description": ABOUT,
        },
        "servers": [{"url": "/", "description": "The daemon that serves this document."}],
        "tags": [{"name": name, "description": words} for name, words in TAGS.items()],
        "paths": path_items(operations),
        "webhooks": webhooks(),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "parameters": parameter_components(),
            "headers": dict(ANSWERED),
            "responses": answer_components(operations),
            "securitySchemes": dict(SECURITY),
        },
    }


def as_bytes(made: Mapping[str, Any]) -> bytes:
    """The document as it is served, and as it is kept beside the code: to be read and compared line by line."""
    return json.dumps(made, indent=1, ensure_ascii=False).encode() + b"\n"
