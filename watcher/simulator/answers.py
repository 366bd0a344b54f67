"""How answers look: whole or partial objects, pages, error bodies, and what is wrong with a body that was sent."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final, Literal, NamedTuple

from pydantic import ValidationError

MESSAGES: Final[Mapping[int, str]] = {
    400: "The request is not valid",
    401: "Authentication failed",
    403: "Access denied",
    404: "Entity not found",
    405: "Method not allowed",
    406: "Not acceptable",
    408: "Request timed out",
    410: "Entity is gone",
    413: "The request is too large",
    425: "Too early",
    429: "Too many requests",
}
NO_HEADERS: Final[Mapping[str, str]] = {}
SOON: Final = timedelta(seconds=2)
"""How far ahead the HTTP date of a Retry-After is."""
ITEMS: Final = re.compile(r"\bitems\(([^)]*)\)")

Shown = Mapping[str, object]


class Answer(NamedTuple):
    """A code, a JSON body, and headers beyond those that every answer has."""

    code: int
    body: bytes = b""
    headers: Mapping[str, str] = NO_HEADERS


def found(shown: Shown, code: int = 200) -> Answer:
    """What was asked for."""
    return Answer(code, json.dumps(shown, separators=(",", ":")).encode())


def error(code: int, message: str = "", headers: Mapping[str, str] = NO_HEADERS) -> Answer:
    """An error, with CallFire's error object."""
    text = message or MESSAGES.get(code, "Internal error")
    body = {
        "httpStatusCode": code,
        "internalCode": 0,
        "message": text,
        "developerMessage": text,
        "helpLink": f"https://developers.callfire.com/errors/{code}",
    }
    return Answer(code, json.dumps(body).encode(), headers)


def partial(shown: Shown, fields: str | None) -> Shown:
    """Only the fields asked for, as in `id,status`; all of them without."""
    if not fields:
        return shown
    wanted = _names(fields)
    return {key: value for key, value in shown.items() if key in wanted}


def partial_page(page: Shown, items: Sequence[Shown], fields: str | None) -> Shown:
    """A page with only the fields asked for, as in `items(id,status),limit`; all of them without."""
    if not fields:
        return {"items": items, **page}
    inner, outer = ITEMS.search(fields), _names(ITEMS.sub("", fields))
    shown: dict[str, object] = {}
    if inner is not None or "items" in outer:
        shown["items"] = [partial(item, inner[1] if inner else None) for item in items]
    return {**shown, **{key: value for key, value in page.items() if key in outer}}


def retry_after(asked: float | Literal["date"] | None, now: float) -> Mapping[str, str]:
    """The header in the form asked for: seconds, or for "date" an HTTP date."""
    match asked:
        case None:
            return NO_HEADERS
        case "date":
            return {"Retry-After": format_datetime(datetime.fromtimestamp(now, UTC) + SOON, usegmt=True)}
        case _:
            return {"Retry-After": f"{asked:.3f}".rstrip("0").rstrip(".")}


def complaint(wrong: ValidationError) -> str:
    """What is wrong with a body, and where."""
    return "; ".join(
        ": ".join(filter(None, (".".join(map(str, each["loc"])), each["msg"])))
        for each in wrong.errors(include_url=False, include_context=False, include_input=False)[:5]
    )


def _names(fields: str) -> set[str]:
    return {name.strip() for name in fields.split(",")}
