"""Conditional requests (RFC 9110, 13): what is read bears an ETag, is not sent again to who has it, and is not changed for who
has not. For every operation whose `headers` name If-None-Match.

All tags are weak: they tell that nothing changed which matters, and the same body may leave compressed or not. If-Match
compares them all the same, which RFC 9110 would have done with strong ones only: what a client wants to know before a change is
just what they tell. Of two who change the same on such a condition one comes after the other, and is told so. Who changes it
without any condition, and CallFire, wait for nobody.
"""

import asyncio
import hashlib
import re
from typing import Final
from weakref import WeakValueDictionary

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from watcher.web.bodies import read_body
from watcher.web.compressing import varies_by
from watcher.web.operations import OPERATIONS, Operation, operation_of
from watcher.web.problems import Problem

HEEDED: Final = "If-None-Match"
"""What operations whose answers bear an ETag name among their headers."""
ONCE_READ: Final = "private, no-cache"
"""Cache-Control where there is an ETag: may be kept by who asked, and is asked about each time."""
OF_BODY: Final = frozenset({"Content-Type", "Content-Length", "Content-Encoding"})
"""What a 304 does not repeat. All else it does, Content-Security-Policy as well: a browser goes by the newest headers."""
READING: Final = frozenset({"GET", "HEAD"})
TAG: Final = re.compile(r'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')
ZEROS: Final = re.compile(r"/0+(?=\d)")
"""What may stand before an id in a path and says nothing."""


def tag_of(content: bytes) -> str:
    """The ETag of what is told by these bytes."""
    return f'W/"{_digest(content)}"'


def tagged(response: web.Response, *settled: object) -> web.Response:
    """The response with an ETag of two parts, for what also changes by itself (how many deliveries wait): that of its body, and
    that of what somebody `settled`, shown or not. Only the latter counts for If-Match."""
    response.headers["ETag"] = f'{_tag(response)[:-1]}.{_digest(repr(settled).encode())}"'
    return response


def has_tag(header: str, tag: str) -> bool:
    """Whether the header, a list of entity tags or `*`, names the tag."""
    return header.strip() == "*" or tag.removeprefix("W/") in TAG.findall(header)


def has_settled(header: str, tag: str) -> bool:
    """The same as `has_tag`, but for what changes by itself."""
    return header.strip() == "*" or _settled(tag) in map(_settled, TAG.findall(header))


def known_tag(request: web.Request) -> str:
    """What the client says it has; "" where it says nothing."""
    return ",".join(request.headers.getall(HEEDED, []))


def conditional() -> Middleware:
    """Answers 304 to who has it already, and 412 to who would change what is not what they think."""
    changing: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @web.middleware
    async def on_condition(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method in READING:
            return _unless_known(request, await handler(request))
        wanted, unwanted = ",".join(request.headers.getall("If-Match", [])), known_tag(request)
        reading = _reading(request) if wanted or unwanted else None
        if reading is None:
            return await handler(request)
        await read_body(request)  # before others are made to wait
        lock = changing.setdefault(ZEROS.sub("/", request.path), asyncio.Lock())
        async with lock:
            await _require(request, reading, wanted, unwanted)
            return await handler(request)

    return on_condition


def _unless_known(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    if not _heeds(operation_of(request)) or response.status != 200 or not isinstance(response, web.Response):
        return response
    tag = response.headers["ETag"] = _tag(response)
    response.headers["Cache-Control"] = ONCE_READ
    for name in ("Authorization", "Cookie"):
        varies_by(response, name)
    if has_tag(known_tag(request), tag):
        kept = {name: value for name, value in response.headers.items() if name not in OF_BODY}
        return web.Response(status=304, headers=kept)
    return response


async def _require(request: web.Request, reading: Operation, wanted: str, unwanted: str) -> None:
    """Returns where what a change is for is as the client thinks; else raises the Problem."""
    try:
        response = await reading.handler(request)
    except Problem as problem:
        if problem.status == 404 and wanted and request.method == "PUT":
            raise _failed("There is nothing at this path yet, and If-Match wants something.") from None
        if problem.status == 404:
            return  # what was asked for says so itself
        raise
    tag = _tag(response)
    if wanted and not has_settled(wanted, tag):
        raise _failed(f"It was changed meanwhile: its ETag is {tag} now. Read it again, and decide anew.", tag)
    if unwanted and has_tag(unwanted, tag):
        raise _failed(f"If-None-Match wants that it is not there, or not as it is: its ETag is {tag}.", tag)


def _tag(response: web.StreamResponse) -> str:
    """The one that the handler gave, else that of the body."""
    body = response.body if isinstance(response, web.Response) else None
    return response.headers.get("ETag") or tag_of(body if isinstance(body, bytes) else b"")


def _settled(tag: str) -> str:
    """The second part of a tag; all of one that has no two."""
    return tag.removeprefix("W/").strip('"').rpartition(".")[2]


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=12).hexdigest()


def _heeds(operation: Operation | None) -> bool:
    return operation is not None and HEEDED in operation.headers


def _reading(request: web.Request) -> Operation | None:
    """The operation that reads what this one changes, where it gives a tag."""
    changing = operation_of(request)
    for each in request.app[OPERATIONS].values():
        if changing is not None and each.path == changing.path and each.method == "GET" and _heeds(each):
            return each
    return None


def _failed(detail: str, tag: str | None = None) -> Problem:
    return Problem(412, "precondition-failed", detail, headers={} if tag is None else {"ETag": tag})
