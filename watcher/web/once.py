"""Idempotency-Key: a POST that is sent twice with the same key is done once, and answered twice. Kept for 24 hours.

What came of nothing (a mistake of ours, a store that could not, a request that was not let in) is not kept: it may be sent again.
A key is its holder's own: two tokens may use the same. What was done stays under way where its answer could not be written
down: to answer "under way" is safe, and to do it again would not be. What a crash ended in the middle is done again, but where
that might make two of what there should be one.
"""

import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from watcher.ports import Clock, Store, StoreError
from watcher.ports.once import KeptAnswer
from watcher.web.bodies import read_body
from watcher.web.operations import operation_of
from watcher.web.problems import Problem
from watcher.web.request_ids import REQUEST_ID
from watcher.web.visible import grant

HEADER: Final = "Idempotency-Key"
REPLAYED: Final = "Idempotency-Replayed"
KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")
NOT_KEPT: Final = frozenset({401, 403, 408, 429})
"""Statuses, beside those from 500 on, of what was not let in or not heard out."""
RETRY_AFTER: Final = 1
"""Seconds after which to ask again for what is under way."""


def once(store: Store, clock: Clock) -> Middleware:
    """Has each POST that bears a key done once."""

    @web.middleware
    async def done_once(request: web.Request, handler: Handler) -> web.StreamResponse:
        operation = operation_of(request)
        if operation is None or operation.method != "POST" or operation.keeps_own_key or HEADER not in request.headers:
            return await handler(request)
        key, holder = key_of(request), grant(request).holder
        mark = _fingerprint(request, await read_body(request))
        begun = await store.begin(holder, key, mark, clock.now(), again=not operation.doubles)
        if isinstance(begun, KeptAnswer):
            return web.Response(status=begun.status, body=begun.body, headers={**begun.headers, REPLAYED: "true"})
        if begun != "fresh":
            raise _taken(begun, key)
        try:
            response = await _answer(request, handler)
        except Exception:  # what was ended in the middle may have been done: its key stays under way
            await _abandon(store, holder, key)
            raise
        if not isinstance(response, web.Response) or response.status in NOT_KEPT or response.status >= 500:
            await _abandon(store, holder, key)
            return response
        body = response.body if isinstance(response.body, bytes) else b""
        with suppress(StoreError):  # it was done, and is said to be: only its key stays under way
            await store.finish(holder, key, KeptAnswer(status=response.status, headers=_kept(response), body=body))
        return response

    return done_once


def key_of(request: web.Request) -> str:
    """The key that the request bears; the Problem that says what one is where it is none."""
    given = request.headers.getall(HEADER)
    if len(given) != 1 or not KEY.fullmatch(given[0]):
        raise Problem(
            422,
            "bad-idempotency-key",
            f"{HEADER} must be given once: 1 to 255 visible ASCII characters, such as a UUID.",
        )
    return given[0]


async def _abandon(store: Store, holder: str, key: str) -> None:
    """Where the store cannot, the key stays under way for a day: whatever came of the request is what is to be said."""
    with suppress(StoreError):
        await store.abandon(holder, key)


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Problem as problem:
        return problem.response(request[REQUEST_ID])


def _taken(begun: str, key: str) -> Problem:
    if begun == "other":
        return Problem(
            422,
            "idempotency-key-reused",
            f"{HEADER} {key!r} was sent with another method, path or body within 24 hours. Take a new key for a new request.",
        )
    if begun == "unclear":
        return Problem(
            409,
            "idempotency-unclear",
            "The daemon ended while it worked on this request: whether it was done is not certain. Look whether it was; where it "
            "was not, send it with a new key.",
        )
    return Problem(
        409,
        "idempotency-under-way",
        "The same request is being worked on. Send it again in a moment to get its answer.",
        headers={"Retry-After": str(RETRY_AFTER)},
    )


def _fingerprint(request: web.Request, body: bytes) -> bytes:
    """The same for the same request only: each part is preceded by its length."""
    digest = hashlib.sha256()
    asked = f"{request.method} {request.content_type} {request.raw_path}"
    for part in (asked.encode("utf-8", "surrogateescape"), body):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def _kept(response: web.Response) -> Mapping[str, str]:
    return dict(response.headers.items())
