"""The application put together, its errors made problems, and the address it is served at."""

import errno
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import chain
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from watcher.core.files import Room
from watcher.core.news import RequestFailed, Tell
from watcher.ports import Clock, Following, Health, NotAnswered, Planning, Store, StoreError, Submitting, Subscribing
from watcher.web.accounts import Accounts
from watcher.web.auth import ADMISSION, Admission
from watcher.web.bodies import MAX_BODY
from watcher.web.broadcasts import Broadcasts
from watcher.web.compressing import compressing
from watcher.web.conditional import conditional
from watcher.web.connection import OWN, SECURITY_HEADERS, RoomAt, Runner, sparing
from watcher.web.deliveries import Deliveries
from watcher.web.documents import Documents
from watcher.web.endpoints import Endpoints
from watcher.web.events import Log
from watcher.web.explaining import Explanations
from watcher.web.looks import Looks
from watcher.web.once import once
from watcher.web.operations import add_operations
from watcher.web.page_files import PageFiles
from watcher.web.paths import nothing_at
from watcher.web.plan import Plans
from watcher.web.probes import Probes, Render
from watcher.web.problems import Problem, cut
from watcher.web.request_ids import REQUEST_ID, named, request_ids
from watcher.web.sessions import Sessions
from watcher.web.streams import Streams
from watcher.web.submissions import Submissions
from watcher.web.switching import Switching
from watcher.web.tokens import TokenRoom
from watcher.web.waiting import Waiters
from watcher.web.watch_lists import WatchLists
from watcher.web.watches import Watches

RETRY_AFTER: Final = 5
"""Seconds after which a client may try again what the store could not do."""
TAKE: Final = 60.0
"""Seconds in which an answer must have been taken."""
KEEP: Final = 75.0
"""Seconds that a connection may be there without a whole request: longer than proxies keep theirs, and short enough that whoever
opens many and says nothing does not keep others out for long."""
IDLE: Final = 1.0
"""Seconds that a connection must have been without a request before it has to make room for another one."""


class CannotListen(Exception):
    """Nothing can be served at this address; the message says why and what to do."""


def make_app(
    *,
    store: Store,
    following: Following,
    subscribing: Subscribing,
    submitting: Submitting,
    planning: Planning,
    health: Health,
    metrics_render: Render,
    token: str | None,
    clock: Clock,
    version: str,
    timeout: timedelta,
    session: timedelta = timedelta(hours=12),
    tell: Tell = lambda _: None,
    streams: Streams | None = None,
    waiters: Waiters | None = None,
) -> web.Application:
    """The interface. Without a token only this machine may use it. `timeout` is that of an attempt at an endpoint of which
    nothing else is said, `session` how long a browser stays signed in. Whoever gives the `streams` keeps them going; else they
    tell what there is, and no more. The `waiters` are to hear the news."""
    admission = Admission(token=token, store=store, clock=clock, tell=tell, session=session)
    app = web.Application(
        client_max_size=MAX_BODY,
        middlewares=[
            request_ids(),
            compressing,
            _problems(tell),
            sparing,
            admission.middleware(),
            conditional(),
            once(store, clock),
        ],
    )
    streams = streams or Streams(store=store, following=following, subscribing=subscribing, clock=clock, tell=tell)
    waiters = waiters or Waiters(clock=clock)
    rooms = (
        Watches(store=store, following=following, waiters=waiters, clock=clock),
        WatchLists(store=store, following=following),
        Explanations(store=store, following=following, clock=clock),
        Looks(store=store, following=following),
        Broadcasts(store=store, following=following),
        Accounts(following=following),
        Plans(planning=planning, following=following),
        Submissions(submitting=submitting, following=following, waiters=waiters, clock=clock),
        Switching(submitting=submitting, following=following),
        Endpoints(subscribing=subscribing, following=following, whose=store, clock=clock, timeout=timeout),
        Deliveries(subscribing=subscribing, following=following, store=store),
        Log(store=store, following=following),
        streams,
        TokenRoom(admission=admission, following=following, clock=clock),
        Sessions(admission=admission, clock=clock),
        Probes(health=health, render=metrics_render, clock=clock, version=version),
        PageFiles(),
        Documents(version=version),
    )
    add_operations(app, chain.from_iterable(room.operations() for room in rooms))
    app.on_response_prepare.extend((_secure, named))
    app.on_shutdown.extend((waiters.end, streams.end))
    app[ADMISSION] = admission
    app.on_startup.append(admission.load)
    app.on_cleanup.append(admission.leave)
    return app


@asynccontextmanager
async def serve(
    app: web.Application,
    *,
    host: str,
    port: int,
    grace: float = 5.0,
    keep: float = KEEP,
    take: float = TAKE,
    room: RoomAt = lambda _: Room.PLENTY,
    idle: float = IDLE,
) -> AsyncIterator[str]:
    """Serves the application and gives its URL; with port 0 a free port is chosen. A connection on which no request has arrived
    for `keep` seconds is closed, and one whose client has not taken an answer in `take` seconds. `room` says what a
    connection may be used for whose file has that number; where there is little, one that was `idle` for so many seconds ends.

    On the way out no connection is taken any more, and requests under way have `grace` seconds. Raises CannotListen.
    """
    runner = Runner(
        app,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=grace,
        keepalive_timeout=keep,
        take=take,
        room=room,
        idle=idle,
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, host, port).start()
        except (OSError, OverflowError) as error:
            raise CannotListen(_why_not(error, host, port)) from error
        chosen = runner.addresses[0][1]
        yield f"http://{f'[{host}]' if ':' in host else host}:{chosen}"
    finally:
        await runner.cleanup()


def _why_not(error: Exception, host: str, port: int) -> str:
    where = f"Cannot listen on {f'[{host}]' if ':' in host else host}:{port}"
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.EADDRINUSE:
        return f"{where}: the port is in use. Stop what uses it, or choose another: WATCHER_LISTEN (http.listen)."
    if code == errno.EACCES:
        return f"{where}: the port may not be used. Choose one from 1024 on: WATCHER_LISTEN (http.listen)."
    return f"{where}: {error}. Name an address of this machine and a port: WATCHER_LISTEN (http.listen)."


async def _secure(_: web.Request, response: web.StreamResponse) -> None:
    for name, value in SECURITY_HEADERS.items():
        if name not in OWN or name not in response.headers:
            response.headers[name] = value


def _problems(tell: Tell) -> Middleware:
    @web.middleware
    async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Whatever a handler raises becomes a problem document."""
        try:
            return await handler(request)
        except Problem as error:
            problem = error
        except web.HTTPException as error:
            if error.status < 400:
                raise
            problem = _of_aiohttp(request, error)
        except StoreError as error:
            problem = Problem(
                503,
                "store-unavailable",
                f"{cut(str(error)).removesuffix('.')}. Nothing was done; try again in a few seconds.",
                headers={"Retry-After": str(RETRY_AFTER)},
            )
        except NotAnswered as error:
            problem = Problem(
                503,
                "poller-silent",
                f"{cut(str(error)[:1].upper() + str(error)[1:])}: try again in a few seconds.",
                headers={"Retry-After": str(RETRY_AFTER)},
            )
        except Exception as error:  # noqa: BLE001 # every request gets an answer, and the answer tells nothing of the inside
            tell(_failure(request, error))
            problem = Problem(500, "internal", "It was logged. Whether anything was done is not certain.")
        return problem.response(request[REQUEST_ID])

    return problems


def _failure(request: web.Request, error: Exception) -> RequestFailed:
    resource = request.match_info.route.resource
    return RequestFailed(
        method=request.method,
        route="none" if resource is None else resource.canonical,
        error=f"{type(error).__name__}: {error}",
        trace="".join(traceback.format_exception(error)),
        request_id=request[REQUEST_ID],
    )


def _of_aiohttp(request: web.Request, error: web.HTTPException) -> Problem:
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return Problem(
            405,
            "method-not-allowed",
            f"{cut(request.method)} is not for this path; {allowed} are.",
            headers={"Allow": allowed},
        )
    if isinstance(error, web.HTTPNotFound):
        return nothing_at(request)
    return Problem(error.status, "refused", f"{error.reason}.")
