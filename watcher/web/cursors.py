"""Cursors: where a list goes on, as text that clients hand back as it is, and the link that has it.

A cursor belongs to the list it was given for: with other filters it would leave out or repeat things, and is refused.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from aiohttp import web

from watcher.web.problems import Problem

Place = TypeVar("Place")
Row = TypeVar("Row")


def cursor_of(place: object, filters: object = None) -> str:
    """The place, a value that JSON knows, as a cursor for the list with these filters, which JSON knows too."""
    text = json.dumps([_mark(filters), place], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def read_cursor(cursor: str, as_place: Callable[[Any], Place], filters: object = None) -> Place:
    """The place that `as_place` makes of what the cursor holds; a Problem where it raises ValueError or TypeError, or where the
    cursor was given for other filters."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        mark, place = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        found = as_place(place)
    except (ValueError, TypeError, RecursionError, binascii.Error):
        raise Problem(
            422, "bad-cursor", "Use a cursor as it was given in `next`, or none to begin from the start."
        ) from None
    if mark != _mark(filters):
        raise Problem(
            422, "bad-cursor", "This cursor is for other filters. Keep them as they were, or begin without a cursor."
        )
    return found


def portion(
    found: Sequence[Row], limit: int, place_of: Callable[[Row], object], filters: object = None
) -> tuple[Sequence[Row], str | None]:
    """What a page shows of what was found, and the cursor for what comes behind that; None where nothing more was found."""
    page = found[:limit]
    return page, cursor_of(place_of(page[-1]), filters) if len(found) > limit else None


def next_link(request: web.Request, cursor: str | int | None, name: str = "cursor") -> dict[str, str]:
    """The header that leads to the next page (RFC 8288), where there is one."""
    if cursor is None:
        return {}
    return {"Link": f'<{request.rel_url.update_query({name: str(cursor)})}>; rel="next"'}


def _mark(filters: object) -> str:
    """Tells whether two lists have the same filters."""
    text = json.dumps(filters, separators=(",", ":"), sort_keys=True).encode()
    return base64.b85encode(hashlib.blake2b(text, digest_size=6).digest()).decode()
