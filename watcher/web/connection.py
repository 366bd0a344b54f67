"""What strangers send that is no request, and clients that go away: answered as a problem, not logged as a failure of ours."""

from collections.abc import Callable
from typing import Any, Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

from watcher.web.problems import Problem, cut
from watcher.web.request_ids import HEADER, new_id

THEIRS: Final = (HttpProcessingError, web.RequestPayloadError, ConnectionError)
"""What comes of what a client does to its connection."""

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
    __slots__ = ("lost",)

    lost: Callable[[], None] | None

    def __init__(self, manager: web.Server, **more: Any) -> None:
        super().__init__(manager, **more)
        self.lost = None

    def connection_lost(self, exc: BaseException | None) -> None:
        """Tells whoever writes to the client without waiting for it; a handler that reads or waits finds out by itself."""
        lost, self.lost = self.lost, None
        super().connection_lost(exc)
        if lost is not None:
            lost()

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
