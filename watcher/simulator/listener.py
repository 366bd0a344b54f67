"""A receiver for people who try things: tells of each message as it comes, and answers as it was asked to."""

import asyncio
import json
import random
import signal
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import unquote

from aiohttp import web

from watcher.simulator.server import listening
from watcher.simulator.verifying import Key, fault_of

LARGEST: Final = 2**20
"""Bytes of a message's body; a larger one is answered 413."""
READ: Final = 30.0
"""Seconds within which a body must have come."""
REMEMBERED: Final = 10_000
"""Messages of which it is remembered how often they came."""
STRUCTURED: Final = "application/cloudevents+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerConfig:
    """What to verify with (nothing: signatures are not checked), and how to answer.

    With a `fail_code` the first `fail_first` good messages are answered with that, then a `fail_share` of them, drawn from
    `seed`; with neither all are. `retry_after` (seconds) goes with it. `slow` is how long each answer takes, in seconds.
    """

    keys: tuple[Key, ...] = ()
    host: str = "127.0.0.1"
    port: int = 0
    fail_code: int | None = None
    fail_first: int | None = None
    fail_share: float | None = None
    retry_after: int | None = None
    slow: float = 0.0
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A webhook that came: when (seconds since 1970), how often by then, in which form, and what is answered.

    `verified` is None where there is nothing to verify with; `why` says why it is False. `type` and `data` are the event's,
    as far as there is one in it.
    """

    at: float
    id: str | None
    attempt: int
    form: str
    type: str | None
    verified: bool | None
    why: str | None
    answered: int
    size: int
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something else that happened: a handshake, a message too large, a sender that did not wait for the answer."""

    at: float
    what: str
    id: str | None = None


class Listener:
    """Answers POSTs and the OPTIONS handshake of CloudEvents' Web Hooks, at every path."""

    def __init__(
        self, config: ListenerConfig, clock: Callable[[], float], tell: Callable[[Message | Note], None]
    ) -> None:
        self._config = config
        self._clock = clock
        self._tell = tell
        self._random = random.Random(config.seed)
        self._good = 0
        self._seen: OrderedDict[str, int] = OrderedDict()

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/{path:.*}", self._receive), web.options("/{path:.*}", self._consent)]

    async def _receive(self, request: web.Request) -> web.Response:
        now, config = self._clock(), self._config
        try:
            async with asyncio.timeout(READ):
                body = await _body(request)
        except TimeoutError:
            return self._refuse(request, 408, f"a body that had not come after {READ:g} s")
        except web.RequestPayloadError:
            return self._refuse(request, 400, "a body that cannot be read")
        if body is None:
            return self._refuse(request, 413, f"a body of more than {LARGEST} bytes")
        fault = fault_of(config.keys, request.headers, body, now) if config.keys else None
        code = 401 if fault else self._code()
        message = self._message(request, body, now, fault, code)
        self._tell(message)
        try:
            await asyncio.sleep(config.slow)
        except asyncio.CancelledError:
            self._tell(Note(at=self._clock(), what="the sender did not wait for the answer", id=message.id))
            raise
        failing = config.retry_after is not None and code == config.fail_code
        return web.Response(status=code, headers={"Retry-After": str(config.retry_after)} if failing else None)

    async def _consent(self, request: web.Request) -> web.Response:
        """Consents to whatever is asked for."""
        origin = _text(request.headers.get("WebHook-Request-Origin"))
        if origin is None:
            return web.Response(status=204, headers={"Allow": "OPTIONS, POST"})
        rate = _text(request.headers.get("WebHook-Request-Rate")) or "*"
        self._tell(Note(at=self._clock(), what=f"OPTIONS: {origin} may send, {rate} a minute"))
        allowed = {"Allow": "OPTIONS, POST", "WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": rate}
        return web.Response(status=200, headers=allowed)

    def _refuse(self, request: web.Request, code: int, what: str) -> web.Response:
        number = _text(request.headers.get("webhook-id"))
        self._tell(Note(at=self._clock(), what=f"{what}: answered {code}", id=number))
        return web.Response(status=code, headers={"Connection": "close"})

    def _code(self) -> int:
        """What a good message is answered."""
        config = self._config
        if config.fail_code is None:
            return 204
        self._good += 1
        if config.fail_first is None and config.fail_share is None:
            return config.fail_code
        failing = self._good <= (config.fail_first or 0) or self._random.random() < (config.fail_share or 0.0)
        return config.fail_code if failing else 204

    def _message(self, request: web.Request, body: bytes, now: float, fault: str | None, code: int) -> Message:
        form, kind, data = _event(request.headers, body)
        number = _text(request.headers.get("webhook-id"))
        return Message(
            at=now,
            id=number,
            attempt=self._count(number),
            form=form,
            type=kind,
            verified=fault is None if self._config.keys else None,
            why=fault,
            answered=code,
            size=len(body),
            data=data,
        )

    def _count(self, number: str | None) -> int:
        """How often it has come, with this time."""
        if number is None:
            return 1
        count = self._seen.pop(number, 0) + 1
        self._seen[number] = count
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)
        return count


async def _body(request: web.Request) -> bytes | None:
    """The whole body; None where it is too large, and is not read to its end."""
    body = bytearray()
    async for part in request.content.iter_any():
        body += part
        if len(body) > LARGEST:
            return None
    return bytes(body)


def _event(headers: Mapping[str, str], body: bytes) -> tuple[str, str | None, Mapping[str, Any]]:
    """In which form the event is there, its type, and its data."""
    try:
        document = json.loads(body)
        json.dumps([document], allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):  # it is no JSON, or none that can be shown
        document = None
    if headers.get("ce-specversion"):
        return "cloudevents-binary", _text(unquote(headers.get("ce-type", ""))), _object(document)
    event = _object(document)
    form = "cloudevents" if headers.get("Content-Type", "").startswith(STRUCTURED) else "plain"
    kind = event.get("type")
    return form, kind if isinstance(kind, str) else None, _object(event.get("data"))


def _text(header: str | None) -> str | None:
    """A header that can be shown, whatever its bytes; None where it is not there."""
    return header.encode("utf-8", "replace").decode() if header else None


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


@asynccontextmanager
async def listen(
    config: ListenerConfig, tell: Callable[[Message | Note], None], *, clock: Callable[[], float] = time.time
) -> AsyncIterator[str]:
    """The receiver, while the context lasts; its URL. OSError where the port cannot be had."""
    async with listening(Listener(config, clock, tell).routes(), config.host, config.port) as port:
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(config.host, config.host)  # noqa: S104 -- not listened on
        yield f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


async def run(config: ListenerConfig, announce: Callable[[str], None], tell: Callable[[Message | Note], None]) -> None:
    """The receiver until SIGTERM or SIGINT. What `tell` raises ends it."""
    came: asyncio.Queue[Message | Note | None] = asyncio.Queue()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, came.put_nowait, None)
    async with listen(config, came.put_nowait) as url:
        announce(url)
        while (what := await came.get()) is not None:
            tell(what)
