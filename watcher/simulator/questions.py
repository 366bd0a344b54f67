"""What can be asked of a journal, and of the control address: from where on; and how a bad question is refused."""

import json
from typing import Final

from aiohttp import web

MOST: Final = 2**63 - 1


def since(request: web.Request) -> int:
    """`?since=`, 0 without it. Raises the refusal for anything else."""
    if not request.query.keys() <= {"since"}:
        raise refusal("the only parameter is since")
    return number(request.query.get("since", "0"))


def number(text: str) -> int:
    """A number that is not negative. Raises the refusal for anything else."""
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= MOST):
        raise refusal(f"{text[:40]!r} is not a number from 0 to {MOST}")
    return int(text)


def refusal(word: str) -> web.HTTPBadRequest:
    """400, and a word on what is wrong."""
    return web.HTTPBadRequest(text=json.dumps({"error": word}), content_type="application/json")
