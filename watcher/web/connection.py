"""What strangers send that is no request, and clients that go away: answered as a problem, not logged as a failure of ours."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from aiohttp import StreamReader, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

from watcher.web.problems import Problem, cut
from watcher.web.request_ids import HEADER, identify, new_id

THEIRS: Final = (HttpProcessingError, web.RequestPayloadError, ConnectionError)
"""What comes of what a client does to its connection."""

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


class Runner(web.AppRunner):
    """Serves an application on connections of ours."""

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return Server(made.request_handler, request_factory=made.request_factory, **made._kwargs)  # noqa: SLF001 -- aiohttp offers no other way


class Server(web.Server):
    def __call__(self) -> RequestHandler:
        return Connection(self, loop=self._loop, **self._kwargs)


class Connection(RequestHandler):
    __slots__ = ("_take", "lost")

    lost: Callable[[], None] | None

    def __init__(self, manager: web.Server, *, take: float, **more: Any) -> None:
        super().__init__(manager, **more)
        self.lost = None
        self._take = take

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tells whoever writes to the client without waiting for it; a handler that reads or waits finds out by itself."""
        lost, self.lost = self.lost, None
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
        try:
            async with asyncio.timeout(self._take):
                finished = await super().finish_response(request, resp, start_time)
        except TimeoutError:
            if self.transport is not None:
                self.transport.abort()
            return resp, True
        if "Content-Encoding" in request.headers and not request.content.is_eof():
            await self._pass_over(request.content)
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


def notice_loss(request: web.Request, lost: Callable[[], None] | None) -> None:
    """Has `lost` called when the request's connection ends; None: nobody any more."""
    if isinstance(request.protocol, Connection):
        request.protocol.lost = lost


def _first_line(error: BaseException) -> str:
    """Without the copy of what was sent that may follow: it can hold a secret."""
    told = error.message if isinstance(error, HttpProcessingError) else str(error)
    return cut(told.partition("\n")[0].partition(": b")[0].rstrip(":. "))
