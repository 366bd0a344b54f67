"""What stands in a path: the account, the ids of CallFire's things, and of ours."""

from collections.abc import Sequence

from aiohttp import web

from watcher.core.endpoint import ID
from watcher.core.model import MAX_BATCH_ID, Key
from watcher.web.known_accounts import require_account
from watcher.web.problems import Problem, cut


def nothing_at(request: web.Request) -> Problem:
    """There is nothing at the path, or nothing that exists for whoever asks."""
    return Problem(404, "unknown-path", f"There is nothing at {cut(request.path)}. /docs lists what there is.")


def account_of(request: web.Request, accounts: Sequence[str]) -> str:
    """The account that the path names; a Problem where there is none of these."""
    account = request.match_info["account"]
    require_account(account, accounts)
    return account


def batch_id_of(request: web.Request) -> int:
    """The batch that the path names, or the Problem that says what is wanted."""
    return _id(request.match_info["batch_id"], "bad-batch-id", "batch id")


def key_of(request: web.Request, accounts: Sequence[str]) -> Key:
    """The watch that the path names; a Problem where there is no such account, or no such id can be."""
    return Key(account_of(request, accounts), batch_id_of(request))


def broadcast_id_of(request: web.Request) -> int:
    """The broadcast that the path names, or the Problem that says what is wanted."""
    return _id(request.match_info["broadcast_id"], "bad-broadcast-id", "broadcast id")


def endpoint_id_of(request: web.Request) -> str:
    """The endpoint that the path names; a Problem where none can be called so."""
    endpoint_id = request.match_info["endpoint_id"]
    if not ID.fullmatch(endpoint_id):
        raise unknown_endpoint(endpoint_id)
    return endpoint_id


def unknown_endpoint(endpoint_id: str) -> Problem:
    """There is no endpoint of that id."""
    return Problem(
        404,
        "unknown-endpoint",
        f"There is no endpoint {cut(endpoint_id)!r}: `watcher endpoints ls`, or GET /v1/endpoints, lists those there are.",
    )


def unknown_delivery(delivery_id: int) -> Problem:
    """There is no delivery of that id."""
    return Problem(
        404,
        "unknown-delivery",
        f"There is no delivery {delivery_id}, or it was forgotten: `watcher deliveries ls`, or GET /v1/deliveries, lists those "
        "there are.",
    )


def delivery_id_of(request: web.Request) -> int:
    """The delivery that the path names, or the Problem that says what is wanted."""
    return _id(request.match_info["delivery_id"], "bad-delivery-id", "delivery id")


def _id(text: str, problem: str, what: str) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 19 and 1 <= int(text) <= MAX_BATCH_ID:
        return int(text)
    raise Problem(422, problem, f"{cut(text)!r} is no {what}: a whole number from 1 to {MAX_BATCH_ID} is wanted.")
