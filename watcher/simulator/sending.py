"""How answers go out over HTTP: right ones, and ones with a fault in them, below HTTP where it takes that."""

import asyncio
import gzip
import json
import socket
import struct
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from watcher.simulator.answers import Answer, error, retry_after
from watcher.simulator.faults import Fault, FaultKind

JSON: Final = "application/json"
HTML: Final = b"<html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"
HUGE: Final = b'{"padding":"' + b"x" * 1_200_000 + b'"}'
BODIES: Final[Mapping[FaultKind, bytes]] = {"huge": HUGE, "not_json": b"{ status: maybe", "empty": b""}
"""What stands in the place of the right body."""
LEAST_ZIPPED: Final = 512
"""Bytes from which on an answer is compressed where the client takes that."""


def send(request: web.Request, answer: Answer) -> web.Response:
    """The answer as it should be."""
    response = _response(answer)
    if len(answer.body) >= LEAST_ZIPPED and "gzip" in request.headers.get("Accept-Encoding", "").lower():
        response.enable_compression(web.ContentCoding.gzip)
    return response


async def suffer(request: web.Request, fault: Fault, right: Answer, now: float) -> web.Response:
    """The answer with the fault in it. `right` is the one that it befalls; a fault that comes instead takes no notice of it."""
    told = retry_after(fault.retry_after, now)
    right = right._replace(headers={**right.headers, **told})
    match fault.kind:
        case "code" | "lost" if fault.code:
            return _failed(fault, told)
        case "redirect":
            return web.Response(status=302, headers={"Location": "/elsewhere", **told})
        case "slow":
            await asyncio.sleep(fault.seconds)
            return send(request, right)
        case "cut":
            return _raw(request, right, promised=len(right.body) + 100, body=right.body[: len(right.body) // 2])
        case "wrong_length":
            return _raw(request, right, promised=max(len(right.body) - 10, 0), body=right.body)
        case "bomb":
            return _zipped(right, gzip.compress(HUGE))
        case "bad_gzip":
            return _zipped(right, right.body)
        case "huge" | "not_json" | "empty":
            return _response(right._replace(body=BODIES[fault.kind]))
        case "no_status" | "other_id" | "unknown_status":
            return send(request, right._replace(body=_garbled(fault, right)))
        case "hang":
            await asyncio.Event().wait()  # until the client goes, or the simulator stops: both cancel this
    return _reset(request)


def _response(answer: Answer) -> web.Response:
    return web.Response(status=answer.code, body=answer.body, headers=answer.headers, content_type=JSON)


def _failed(fault: Fault, told: Mapping[str, str]) -> web.Response:
    """An error of CallFire's, or of a proxy in between, which answers HTML or nothing."""
    if fault.body == "html":
        return web.Response(status=fault.code, body=HTML, content_type="text/html", headers=told)
    return _response(error(fault.code, headers=told) if fault.body == "json" else Answer(fault.code, b"", told))


def _zipped(right: Answer, body: bytes) -> web.Response:
    return _response(right._replace(body=body, headers={**right.headers, "Content-Encoding": "gzip"}))


def _garbled(fault: Fault, right: Answer) -> bytes:
    """An object, or the items of a page, that makes no sense or makes another; an error stays as it is."""
    if right.code >= 300 or not right.body:
        return right.body
    shown = json.loads(right.body)
    for each in shown.get("items", [shown])[: fault.rows]:
        match fault.kind:
            case "no_status":
                each.pop("status", None)
            case "other_id":
                each["id"] = each.get("id", 0) + 1
                if "items" in shown and "broadcastId" in each:  # else nobody could tell it from a right page
                    each["broadcastId"] += 1
            case _:
                each["status"] = fault.word
    return json.dumps(shown, separators=(",", ":")).encode()


def _reset(request: web.Request) -> web.Response:
    """Ends the connection by a TCP reset, before any byte of an answer."""
    transport = request.transport
    if transport is not None:
        plug: socket.socket = transport.get_extra_info("socket")
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response()


def _raw(request: web.Request, right: Answer, *, promised: int, body: bytes) -> web.Response:
    """Sends a head that promises so many bytes, then the body given, and closes."""
    transport = request.transport
    if transport is not None:
        lines = [f"HTTP/1.1 {right.code} ", f"Content-Type: {JSON}", f"Content-Length: {promised}"]
        lines += [f"{name}: {value}" for name, value in right.headers.items()]
        transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        transport.close()
    return web.Response()
