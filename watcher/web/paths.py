"""What stands in a path beside the account: the ids of CallFire's things."""

from collections.abc import Sequence

from aiohttp import web

from watcher.core.model import MAX_BATCH_ID, Key
from watcher.web.accounts import require_account
from watcher.web.problems import Problem, cut


def batch_id_of(request: web.Request) -> int:
    """The batch that the path names, or the Problem that says what is wanted."""
    return _id(request.match_info["batch_id"], "bad-batch-id", "batch id")


def key_of(request: web.Request, accounts: Sequence[str]) -> Key:
    """The watch that the path names; a Problem where there is no such account, or no such id can be."""
    account = request.match_info["account"]
    require_account(account, accounts)
    return Key(account, batch_id_of(request))


def broadcast_id_of(request: web.Request) -> int:
    """The broadcast that the path names, or the Problem that says what is wanted."""
    return _id(request.match_info["broadcast_id"], "bad-broadcast-id", "broadcast id")


def _id(text: str, problem: str, what: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 19 and 1 <= int(text) <= MAX_BATCH_ID:
        return int(text)
    raise Problem(422, problem, f"{cut(text)!r} is no {what}: a whole number from 1 to {MAX_BATCH_ID} is wanted.")
