"""What strangers send that is no request, and clients that go away: answered as a problem, not logged as a failure of ours."""

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from aiohttp import StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Handler
from aiohttp.web_protocol import RequestHandler

from watcher.core.files import Room
from watcher.web.problems import Problem, cut
from watcher.web.request_ids import HEADER, identify, new_id

THEIRS: Final = (HttpProcessingError, web.RequestPayloadError, ConnectionError)
"""What comes of what a client does to its connection."""

HURRY: Final = 10.0
"""Seconds that a connection may last which is only there for probes."""
PROBES: Final = frozenset({"/livez", "/readyz", "/metrics"})
RETRY_AFTER: Final = 5

UNREAD_MOST: Final = 1024 * 1024
"""Bytes of a packed body that nobody reads which are unpacked at most, so that the connection can go on."""

SECURITY_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Server": "watcher",
}
"""Borne by every answer."""
OWN: Final = frozenset({"Cache-Control", "Content-Security-Policy"})
"""Those of them that an answer may bear another value of."""


RoomAt = Callable[[int], Room]
"""What there is room for, where a new file has got this number."""


class Runner(web.AppRunner):
    """Serves an application on connections of ours."""

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return Server(made.request_handler, request_factory=made.request_factory, **made._kwargs)  # noqa: SLF001 -- aiohttp offers no other way


class Server(web.Server):
    def __call__(self) -> RequestHandler:
        return Connection(self, loop=self._loop, **self._kwargs)


class Connection(RequestHandler):
    __slots__ = ("_hurry", "_idle", "_idle_since", "_room", "_take", "lost", "spare")

    lost: Callable[[], None] | None
    spare: bool
    """Whether it is one of the last that may be open, which probes alone are answered on."""

    def __init__(self, manager: web.Server, *, take: float, room: RoomAt, idle: float, **more: Any) -> None:
        super().__init__(manager, **more)
        self.lost = None
        self.spare = False
        self._hurry: asyncio.TimerHandle | None = None
        self._idle_since = math.inf
        self._idle = idle
        self._take = take
        self._room = room

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Where few files may still be opened one that is not used makes room for it; else it is there for probes only."""
        manager = self._manager
        super().connection_made(transport)
        now = self._loop.time()
        room = self._room(_number(transport))
        made = room is Room.PLENTY or (manager is not None and _make_room(manager, now - self._idle))
        self._idle_since = now
        if made:
            return
        self.spare = True
        if room is Room.NONE:
            self.transport.abort()  # type: ignore[union-attr]
        else:
            self._hurry = self._loop.call_later(HURRY, self.transport.abort)  # type: ignore[union-attr]

    async def start(self) -> None:
        """What ends it unforeseen (compiled code that finds no memory) ends the connection, too: nobody waits for an answer."""
        try:
            await super().start()
        except asyncio.CancelledError:
            raise
        except BaseException:
            if self.transport is not None:
                self.transport.abort()
            raise

    def unused_since(self, moment: float) -> bool:
        """Whether no request is answered on it, since then or longer, by the loop's clock."""
        return self._current_request is None and not self._force_close and self._idle_since <= moment

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tells whoever writes to the client without waiting for it; a handler that reads or waits finds out by itself."""
        lost, self.lost = self.lost, None
        if self._hurry is not None:
            self._hurry.cancel()
        super().connection_lost(exc)
        if lost is not None:
            lost()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """What is refused before any middleware sees it (an Expect that nobody knows) is answered by a problem too. An answer
        that is not taken in time ends the connection."""
        if isinstance(resp, web.HTTPException) and resp.status >= 400:
            resp = Problem(resp.status, "refused", f"{resp.reason}.").response(identify(request))
        if self.spare:
            resp.force_close()
        try:
            async with asyncio.timeout(self._take):
                finished = await super().finish_response(request, resp, start_time)
        except TimeoutError:
            if self.transport is not None:
                self.transport.abort()
            return resp, True
        if "Content-Encoding" in request.headers and not request.content.is_eof():
            await self._pass_over(request.content)
        self._idle_since = self._loop.time()
        return finished

    async def _pass_over(self, body: StreamReader) -> None:
        """Reads some of a body that nobody wanted. aiohttp would unpack it for seconds, in which nobody else gets a turn."""
        left = UNREAD_MOST
        with suppress(*THEIRS, TimeoutError):
            async with asyncio.timeout(self._lingering_time):
                while left > 0 and not body.is_eof():
                    left -= len(await body.readany())
        self._lingering_time = 0.0

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """What could not be read as a request is answered by a problem, and ends the connection."""
        if not isinstance(exc, HttpProcessingError):
            return super().handle_error(request, status, exc, message)
        self.log_exception(exc_info=exc)
        request_id = new_id()
        response = Problem(status, "bad-request", f"{_first_line(exc)}.").response(request_id)
        response.headers.update({**SECURITY_HEADERS, HEADER: request_id})
        response.force_close()
        return response

    def log_exception(self, *args: Any, **more: Any) -> None:
        """Only what is a failure of ours stands in the log above debug, and with its place."""
        error = more.get("exc_info")
        if isinstance(error, THEIRS):
            self.logger.debug("bad request: %s: %s", type(error).__name__, _first_line(error))
        else:
            super().log_exception(*args, **more)


@web.middleware
async def sparing(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Has the last connections that there can be answer probes, and nothing else."""
    if isinstance(request.protocol, Connection) and request.protocol.spare and request.path not in PROBES:
        raise Problem(
            503,
            "too-many-connections",
            "Few files may still be opened here, and the last connections are kept for probes. Nothing was done.",
            headers={"Retry-After": str(RETRY_AFTER)},
        )
    return await handler(request)


def notice_loss(request: web.Request, lost: Callable[[], None] | None) -> None:
    """Has `lost` called when the request's connection ends; None: nobody any more."""
    if isinstance(request.protocol, Connection):
        request.protocol.lost = lost


def _number(transport: asyncio.BaseTransport) -> int:
    """The number of its file."""
    socket = transport.get_extra_info("socket")
    return 0 if socket is None else int(socket.fileno())


def _make_room(manager: web.Server, moment: float) -> bool:
    """Ends the connection that came first of those not used since that moment; whether there is one."""
    for each in manager.connections:
        if isinstance(each, Connection) and each.unused_since(moment):
            each.force_close()
            return True
    return False


def _first_line(error: BaseException) -> str:
    """Without the copy of what was sent that may follow: it can hold a secret."""
    told = error.message if isinstance(error, HttpProcessingError) else str(error)
    return cut(told.partition("\n")[0].partition(": b")[0].rstrip(":. "))
