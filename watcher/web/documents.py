"""`/openapi.json`, `/docs` and `/problems/{kind}`: what the interface says of itself. Open to all: nothing of the data
is told."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from watcher.web.docs import pages
from watcher.web.meanings import MEANINGS
from watcher.web.openapi.document import as_bytes, document
from watcher.web.operations import JSON, Gives, Operation, operations_of
from watcher.web.problems import Problem, cut

HTML: Final = "text/html"
CSS: Final = "text/css"
PAGE_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
}
"""A page loads our style and nothing else, whatever got into it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The document as it is served, and its page."""

    openapi: bytes
    page: str


class Documents:
    """The handlers that explain the interface. `version` is that of the program."""

    def __init__(self, *, version: str) -> None:
        self._version = version
        self._lock = asyncio.Lock()
        self._written: Written | None = None

    def operations(self) -> list[Operation]:
        def open_to_all(path: str, handler: Handler, media: str, *kinds: str) -> Operation:
            return Operation(
                method="GET",
                path=path,
                handler=handler,
                scope=None,
                tag="documents",
                headers=("If-None-Match",),
                gives={200: Gives(media=media)},
                problems=kinds,
            )

        return [
            open_to_all("/openapi.json", self.openapi, JSON),
            open_to_all("/docs", self.docs, HTML),
            open_to_all("/docs.css", self.style, CSS),
            open_to_all("/problems/{kind}", self.problem, HTML, "unknown-path"),
        ]

    async def openapi(self, request: web.Request) -> web.Response:
        """This document, OpenAPI 3.1."""
        return web.Response(body=(await self._of(request)).openapi, content_type=JSON)

    async def docs(self, request: web.Request) -> web.Response:
        """This document as a page to read. It loads nothing from elsewhere and needs no script."""
        return _page((await self._of(request)).page)

    async def style(self, _: web.Request) -> web.Response:
        """How the pages look."""
        css = (files("watcher.web.docs") / "style.css").read_text("utf-8")
        return web.Response(text=css, content_type=CSS, charset="utf-8")

    async def problem(self, request: web.Request) -> web.Response:
        """What a type of problem means and what to do: where the `type` of a problem leads."""
        kind = request.match_info["kind"]
        if kind not in MEANINGS:
            raise Problem(
                404, "unknown-path", f"There is no type of problem {cut(kind)!r}: /docs#problems has them all."
            )
        return _page(pages.of_problem(kind))

    async def _of(self, request: web.Request) -> Written:
        """Made when it is first asked for, in a thread: it takes some fifty milliseconds."""
        async with self._lock:
            if self._written is None:
                self._written = await asyncio.to_thread(written, operations_of(request.app), self._version)
        return self._written


def written(operations: Iterable[Operation], version: str) -> Written:
    """The document of these operations in both its forms."""
    made = document(operations, version)
    return Written(openapi=as_bytes(made), page=pages.whole(made))


def _page(text: str) -> web.Response:
    return web.Response(text=text, content_type=HTML, charset="utf-8", headers=PAGE_HEADERS)
