"""Errors as the interface tells them: RFC 9457 problem documents, each with a stable type, the place and the remedy."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from aiohttp import web
from pydantic import ValidationError

TITLES: Final[Mapping[str, str]] = {
    "unknown-path": "There is nothing at this path",
    "method-not-allowed": "This path does not know the method",
    "unknown-account": "There is no such account",
    "not-followed": "The batch is not followed",
    "not-open": "The batch is not looked at any more",
    "broadcast-not-followed": "The broadcast is not followed",
    "unknown-endpoint": "There is no such endpoint",
    "unknown-delivery": "There is no such delivery",
    "endpoint-exists": "There is an endpoint of this id",
    "kept-by-settings": "The settings keep this endpoint",
    "changed-meanwhile": "The endpoint was changed meanwhile",
    "not-active": "The endpoint is not active",
    "in-flight": "An attempt is under way",
    "too-many-secrets": "Too many old secrets still sign along",
    "bad-endpoint": "The endpoint is not right",
    "not-verified": "The receiver did not confirm",
    "submission-refused": "The batch is not sent, or not again",
    "unknown-submission": "There is no such submission",
    "not-to-be-withdrawn": "The submission cannot be withdrawn",
    "unknown-batch": "CallFire has no such batch",
    "callfire-refuses": "CallFire refuses it",
    "callfire-silent": "CallFire did not confirm it",
    "bad-delivery-id": "This is no delivery id",
    "bad-batch-id": "This is no batch id",
    "bad-broadcast-id": "This is no broadcast id",
    "bad-query": "The query is not right",
    "bad-cursor": "The cursor is not right",
    "bad-json": "The body is not JSON",
    "bad-body": "The body is not right",
    "bad-media-type": "The body is of another kind",
    "bad-request": "This is no HTTP request",
    "bad-idempotency-key": "The Idempotency-Key is not right",
    "idempotency-key-reused": "The Idempotency-Key stands for another request",
    "idempotency-under-way": "The request of this Idempotency-Key is under way",
    "idempotency-unclear": "Whether the request of this Idempotency-Key was done is not certain",
    "precondition-failed": "It is not as the request wants it",
    "nothing-to-plan": "There is no load to plan for",
    "plan-under-way": "Another plan is being played",
    "plan-failed": "The plan could not be played",
    "poller-silent": "Whoever polls the account did not answer",
    "too-many-waiting": "Too many requests wait",
    "bad-encoding": "The body's encoding is broken",
    "body-too-large": "The body is too large",
    "body-too-slow": "The body did not arrive in time",
    "too-many-rows": "There are too many rows",
    "no-good-row": "None of the rows is right",
    "token-wanted": "A token is needed",
    "token-wrong": "The token is not right",
    "scope-missing": "The token may not do this",
    "session-over": "The session is over",
    "too-many-attempts": "Too many attempts failed",
    "unknown-token": "There is no such token",
    "admin-wanted": "A token with the scope admin is needed first",
    "last-admin": "It is the last token with the scope admin",
    "too-many-tokens": "There are too many tokens",
    "local-only": "Only this machine may ask",
    "wrong-host": "The request is for another host",
    "wrong-origin": "The request comes from another site's page",
    "too-many-streams": "Too many clients listen to streams",
    "too-many-connections": "Too many connections are open",
    "too-slow": "The stream is not read quickly enough",
    "stopping": "The daemon stops",
    "store-unavailable": "The store cannot do it now",
    "internal": "A mistake of ours",
    "refused": "The request was refused",
}
"""Every type of problem, with its title. Types are stable: clients may branch on them."""

LONGEST: Final = 200
"""Characters of what a client sent that a problem repeats at most."""
ERRORS_MOST: Final = 1000
"""Places that are named of what is wrong with one request."""


class Problem(Exception):
    """What is answered instead: raised anywhere, it becomes the response."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(f"{status} {kind}: {detail}")
        self.status = status
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}
        self.more = more

    def document(self, request_id: str | None = None) -> dict[str, Any]:
        """The problem as JSON-ready data, with the id of the request that met it."""
        document: dict[str, Any] = {
            "type": f"/problems/{self.kind}",
            "title": TITLES[self.kind],
            "status": self.status,
            "detail": self.detail,
        }
        if self.errors:
            document["errors"] = list(self.errors)
        if request_id is not None:
            document["request_id"] = request_id
        return document | self.more

    def response(self, request_id: str | None = None) -> web.Response:
        """The problem as a response."""
        return web.Response(
            status=self.status,
            body=json.dumps(self.document(request_id), separators=(",", ":")).encode() + b"\n",
            content_type="application/problem+json",
            headers=self.headers,
        )


def places(error: ValidationError, where: str = "pointer") -> list[dict[str, str]]:
    """What pydantic found, each with its place: a JSON pointer into the body, or the name of a `parameter`. The
    first ones of many: a body with a hundred thousand wrong keys would get an answer that is many times as large."""
    return [
        {where: _pointer(each["loc"]) if where == "pointer" else _name(each["loc"]), "message": _message(each)}
        for each in islice(error.errors(include_url=False, include_context=False), ERRORS_MOST)
    ]


def summary(errors: Sequence[Mapping[str, str]]) -> str:
    """The errors in one line, for those who read only the detail."""
    first = errors[0]
    place = first.get("pointer") or first.get("parameter")
    told = f"{first['message']}, at {place}" if place else first["message"]
    return told if len(errors) == 1 else f"{told}; and {len(errors) - 1} more: see errors"


def cut(text: str) -> str:
    """What a client sent, short enough to be repeated."""
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def listed(names: Iterable[str], most: int = 20) -> str:
    """Names for a remedy: a, b, c and so on."""
    names = list(names)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _message(each: Any) -> str:
    message: str = each["msg"].removeprefix("Value error, ")
    if each["type"] == "extra_forbidden":
        message = "There is no such key"
    if each["type"] == "model_type":
        message = "Input should be an object, {…}"
    if each["loc"] and each["loc"][-1] == "[key]":
        message = f"The key is not right: {message}"
    return message


def _pointer(loc: Sequence[int | str]) -> str:
    steps = [str(step) for step in loc if step != "[key]"]
    return "".join("/" + cut(step).replace("~", "~0").replace("/", "~1") for step in steps)


def _name(loc: Sequence[int | str]) -> str:
    return cut(str(loc[0])) if loc else ""
