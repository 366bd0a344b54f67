"""A server that answers what the test says, and a client of it that waits for nothing."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from watcher.client import Watcher

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Made:
    """A client, the questions that arrived, how long it would have waited, and what it said meanwhile."""

    watcher: Watcher
    asked: list[web.Request] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)


def shown(document: Mapping[str, Any], status: int = 200, **headers: str) -> Handler:
    """Answers with that document, as a watcher does."""

    async def answer(_: web.Request) -> web.Response:
        return web.json_response(document, status=status, headers={"Server": "watcher", **headers})

    return answer


def problem(status: int, kind: str, detail: str = "No.", *, after: int | None = None, **more: Any) -> Handler:
    """Answers with a problem document; `after` is Retry-After."""
    headers = {} if after is None else {"Retry-After": str(after)}
    return shown({"type": f"/problems/{kind}", "detail": detail, **more}, status, **headers)


async def cut(request: web.Request) -> web.Response:
    """The connection ends before there is an answer."""
    assert request.transport is not None
    request.transport.close()
    return web.Response()


@asynccontextmanager
async def made(*script: Handler, token: str | None = None, patience: float | None = 60.0) -> AsyncIterator[Made]:
    """Each question gets the next answer of the script, and the last one for ever."""
    answers = list(script)

    async def answer(request: web.Request) -> web.StreamResponse:
        await request.read()
        here.asked.append(request)
        return await (answers.pop(0) if len(answers) > 1 else answers[0])(request)

    async def sleep(seconds: float) -> None:
        here.slept.append(seconds)

    def noted(line: str) -> None:
        here.noted.append(line)

    app = web.Application(client_max_size=4 * 2**20)
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        url = str(server.make_url("")).rstrip("/")
        watcher = Watcher(
            url,
            token=token,
            patience=patience,
            noted=noted,
            sleep=sleep,
            draw=lambda: 1.0,
        )
        async with watcher:
            here = Made(watcher)
            yield here
