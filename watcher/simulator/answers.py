"""How answers look: whole or partial objects, pages, error bodies; and the faults as bytes on the wire."""

import asyncio
import json
import re
import socket
import struct
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Final

from aiohttp import web

from watcher.simulator.faults import Fault

JSON: Final = "application/json"
MESSAGES: Final[Mapping[int, str]] = {
    400: "The request is not valid",
    401: "Authentication failed",
    403: "Access denied",
    404: "Entity not found",
    405: "Method not allowed",
    406: "Not acceptable",
    408: "Request timed out",
    410: "Entity is gone",
    425: "Too early",
    429: "Too many requests",
}
HTML: Final = b"<html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"
HUGE: Final = 1_200_000
"""Bytes of the body that is too large."""

Shown = Mapping[str, object]


def error_body(code: int, message: str = "") -> bytes:
    """CallFire's error object."""
    text = message or MESSAGES.get(code, "Internal error")
    return json.dumps(
        {
            "httpStatusCode": code,
            "internalCode": 0,
            "message": text,
            "developerMessage": text,
            "helpLink": f"https://developers.callfire.com/errors/{code}",
        }
    ).encode()


def error(code: int, message: str = "", headers: Mapping[str, str] | None = None) -> web.Response:
    """An error answer."""
    return web.Response(status=code, body=error_body(code, message), content_type=JSON, headers=headers)


def partial(shown: Shown, fields: str | None) -> Shown:
    """Only the fields asked for, as in `id,status`; all of them without."""
    if not fields:
        return shown
    wanted = {field.strip() for field in fields.split(",")}
    return {key: value for key, value in shown.items() if key in wanted}


def partial_page(page: Mapping[str, object], items: Sequence[Shown], fields: str | None) -> dict[str, object]:
    """A page with only the fields asked for, as in `items(id,status),limit`; all of them without."""
    if not fields:
        return {"items": list(items), **page}
    inner = re.search(r"items\(([^)]*)\)", fields)
    outer = {field.strip() for field in re.sub(r"items\([^)]*\)", "", fields).split(",")}
    shown: dict[str, object] = {}
    if inner is not None or "items" in outer:
        shown["items"] = [partial(item, inner[1] if inner else None) for item in items]
    return shown | {key: value for key, value in page.items() if key in outer}


def retry_after(asked: float | str | None, now: float) -> dict[str, str]:
    """The header in the form asked for: seconds, or for "date" an HTTP date two seconds ahead."""
    if asked is None:
        return {}
    if asked == "date":
        return {"Retry-After": format_datetime(datetime.fromtimestamp(now, UTC) + timedelta(seconds=2), usegmt=True)}
    return {"Retry-After": f"{float(asked):g}"}


async def suffer(
    request: web.Request, fault: Fault, right: bytes, now: float, stopping: asyncio.Event
) -> web.StreamResponse:
    """The answer with the fault in it. `right` is the body that would have been right."""
    match fault.kind:
        case "code":
            body = {"json": error_body(fault.code), "html": HTML, "empty": b""}[fault.body]
            kind = "text/html" if fault.body == "html" else JSON
            return web.Response(
                status=fault.code, body=body, content_type=kind, headers=retry_after(fault.retry_after, now)
            )
        case "redirect":
            return web.Response(status=302, headers={"Location": "/elsewhere"})
        case "slow":
            await _unless_stopping(fault.seconds, stopping)
            return web.Response(body=right, content_type=JSON)
        case "hang":
            await _unless_stopping(None, stopping)
            return _reset(request)
        case "reset":
            return _reset(request)
        case "cut":
            return _raw(request, len(right) + 100, right[: len(right) // 2])
        case "wrong_length":
            return _raw(request, max(len(right) - 10, 0), right)
        case "lost":
            return error(fault.code) if fault.code else _reset(request)
        case _:
            return web.Response(body=_garbled(fault, right), content_type=JSON)


def _garbled(fault: Fault, right: bytes) -> bytes:
    """A 200 that makes no sense, or makes another."""
    if fault.kind == "not_json":
        return b"{ status: maybe"
    if fault.kind == "huge":
        return b'{"padding":"' + b"x" * HUGE + b'"}'
    if fault.kind == "empty":
        return b""
    shown = json.loads(right)
    if not isinstance(shown, dict):
        return right
    if fault.kind == "no_status":
        shown.pop("status", None)
    elif fault.kind == "other_id":
        shown["id"] = shown.get("id", 0) + 1
    else:
        shown["status"] = fault.word
    return json.dumps(shown).encode()


async def _unless_stopping(seconds: float | None, stopping: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return


def _reset(request: web.Request) -> web.Response:
    """Ends the connection by a TCP reset, before any byte of an answer."""
    transport = request.transport
    if transport is not None:
        plug: socket.socket = transport.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


def _raw(request: web.Request, length: int, body: bytes) -> web.Response:
    """Sends a head that promises `length` bytes, then the body given, and closes."""
    transport = request.transport
    if transport is not None and not transport.is_closing():
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {JSON}\r\nContent-Length: {length}\r\n\r\n"
        transport.write(head.encode() + body)
        transport.close()
    return web.Response()
