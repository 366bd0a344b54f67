"""Answers made smaller for clients that take gzip: a list of watches to a tenth, at the lowest level, which is nearly as small.

Streams are left alone: they are written piece by piece, and not here.
"""

import asyncio
import re
import zlib
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

WORTH_IT: Final = 1024
"""Bytes of a body below which nothing is gained."""
IN_A_THREAD: Final = 128 * 1024
"""Bytes from which on it takes a millisecond or more, so that others get their turn meanwhile."""
LEVEL: Final = 1
GZIP: Final = 31
"""What zlib calls a window of 32 KiB with gzip's head and foot."""
NEVER: Final = re.compile(r"[ \t]*q[ \t]*=[ \t]*0(?:\.0*)?[ \t]*")
"""A quality of 0."""
TEXTS: Final = (
    "text/",
    "application/json",
    "application/problem+json",
    "application/x-ndjson",
    "application/openmetrics",
)


@web.middleware
async def compressing(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The answer, compressed where that is worth it and the client takes it."""
    response = await handler(request)
    if not isinstance(response, web.Response) or not isinstance(response.body, bytes):
        return response
    if not response.content_type.startswith(TEXTS) or "Content-Encoding" in response.headers:
        return response
    varies_by(response, "Accept-Encoding")
    if len(response.body) >= WORTH_IT and takes_gzip(",".join(request.headers.getall("Accept-Encoding", []))):
        body = response.body
        response.body = await asyncio.to_thread(_zip, body) if len(body) >= IN_A_THREAD else _zip(body)
        response.headers["Content-Encoding"] = "gzip"
    return response


def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header allows gzip: by name, or by `*`, and not with a quality of 0."""
    qualities: dict[str, bool] = {}
    for each in accepted.lower().split(","):
        coding, _, quality = each.partition(";")
        qualities[coding.strip()] = NEVER.fullmatch(quality) is None
    return qualities.get("gzip", qualities.get("*", False))


def varies_by(response: web.StreamResponse, name: str) -> None:
    """Tells caches that the answer is another with another value of that header."""
    known = response.headers.get("Vary", "")
    if name.lower() not in (each.strip().lower() for each in known.split(",")):
        response.headers["Vary"] = f"{known}, {name}" if known else name


def _zip(body: bytes) -> bytes:
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
    return packer.compress(body) + packer.flush()
