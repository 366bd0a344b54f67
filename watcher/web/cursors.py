"""Cursors: where a list goes on, as text that clients hand back as it is."""

import base64
import binascii
import json
from collections.abc import Callable
from typing import Any, TypeVar

from watcher.web.problems import Problem

Place = TypeVar("Place")


def cursor_of(place: object) -> str:
    """The place, a value that JSON knows, as a cursor."""
    text = json.dumps(place, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def read_cursor(cursor: str, as_place: Callable[[Any], Place]) -> Place:
    """The place that `as_place` makes of what the cursor holds; a Problem where it raises ValueError or TypeError."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        return as_place(json.loads(base64.b64decode(padded, altchars=b"-_", validate=True)))
    except (ValueError, TypeError, RecursionError, binascii.Error):
        raise Problem(
            422, "bad-cursor", "Use a cursor as it was given in `next`, or none to begin from the start."
        ) from None
