"""Request ids: each request has one, which its answer bears, problems repeat, and our log names where something fails."""

import re
import uuid
from collections.abc import Callable
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

HEADER: Final = "X-Request-Id"
REQUEST_ID: Final = web.RequestKey("request_id", str)
SANE: Final = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,128}")
"""What of a client's own id is taken over: nothing that a log, a header or a page would have to quote."""


def new_id() -> str:
    """An id that no other request has."""
    return uuid.uuid4().hex


def id_of(request: web.BaseRequest, make: Callable[[], str] = new_id) -> str:
    """The id that the client gave, where it is sane and the only one; else a new one."""
    given = request.headers.getall(HEADER, [])
    return given[0] if len(given) == 1 and SANE.fullmatch(given[0]) else make()


def request_ids(make: Callable[[], str] = new_id) -> Middleware:
    """Gives every request its id, before anything else is done about it. `named` has the answer bear it."""

    @web.middleware
    async def identified(request: web.Request, handler: Handler) -> web.StreamResponse:
        identify(request, make)
        return await handler(request)

    return identified


def identify(request: web.BaseRequest, make: Callable[[], str] = new_id) -> str:
    """The request's id from now on."""
    if REQUEST_ID not in request:
        request[REQUEST_ID] = id_of(request, make)
    return request[REQUEST_ID]


async def named(request: web.Request, response: web.StreamResponse) -> None:
    """As the answer is about to leave, whatever made it: it bears the request's id."""
    response.headers[HEADER] = identify(request)
