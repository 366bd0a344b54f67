"""The daemon: everything opened in order, run until it is asked to stop, and closed in the opposite order."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from types import MappingProxyType
from typing import Final

from aiohttp import web

import watcher
from watcher.app.assembly import CannotStart, Parts, Town, open_kept_store, open_parts
from watcher.app.files import Files, room_at
from watcher.app.notifying import Notices, Watchdog
from watcher.app.process import loop_factory, set_limits, tune_the_interpreter
from watcher.app.reloading import Asked, Read
from watcher.app.signals import end_at_once, heed_no_reload, signals
from watcher.app.tracing import tracing
from watcher.app.working import USUAL, Daemon, Patience, working
from watcher.clock import SystemClock
from watcher.core.news import Started
from watcher.polling.desk import Desk
from watcher.polling.following import Polling
from watcher.ports import StoreError
from watcher.settings.model import Settings
from watcher.telemetry.logs import Logs, configure
from watcher.telemetry.metrics import Metrics
from watcher.web.auth import ADMISSION
from watcher.web.server import CannotListen, make_app, serve
from watcher.web.streams import Streams
from watcher.web.waiting import Waiters
from watcher.workers import Crew

NO_ENVIRONMENT: Final[Mapping[str, str]] = MappingProxyType({})

Decorate = Callable[[Parts], Parts]


def main(
    settings: Settings,
    *,
    announce: Callable[[str], None] = lambda _: None,
    read: Read | None = None,
    environ: Mapping[str, str] = NO_ENVIRONMENT,
) -> int:
    """Runs the daemon until SIGTERM or SIGINT and gives the exit code. CannotStart says what is in the way. `read` reads the
    settings again, and `environ` says where the service manager is, if there is one."""
    configure(format=settings.log.format, level=settings.log.level)
    set_limits()
    heed_no_reload()
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        try:
            return runner.run(run(settings, announce=announce, read=read, environ=environ))
        finally:
            end_at_once()


async def run(
    settings: Settings,
    *,
    announce: Callable[[str], None],
    decorate: Decorate = lambda parts: parts,
    stop: asyncio.Event | None = None,
    read: Read | None = None,
    environ: Mapping[str, str] = NO_ENVIRONMENT,
    patience: Patience = USUAL,
) -> int:
    """The daemon, until `stop` is set (SIGTERM and SIGINT set it). `announce` gets the address once all is up.

    `decorate` may replace parts before they are wired; `read` and `environ` are as for `main`; with `patience` it stops.
    """
    stop = stop or asyncio.Event()
    clock, town = SystemClock(), Town()
    metrics, logs = Metrics(version=watcher.__version__, loaded=clock.now()), Logs(clock=clock)
    notices = Notices(environ, clock=clock)
    asked = Asked(read or (lambda: settings), begins=notices.reloading)
    for listener in (metrics, logs, notices):
        town.listen(listener)
    try:
        async with AsyncExitStack() as stack:
            stack.enter_context(signals(stop, asked.now, town))
            guard = await stack.enter_async_context(Crew(clock=clock, tell=town.tell, grace=0.0))  # until all is closed
            await stack.enter_async_context(tracing(settings.telemetry, town, guard, clock=clock))
            store = await stack.enter_async_context(open_kept_store(settings, tell=town.tell, clock=clock))
            parts = decorate(await stack.enter_async_context(open_parts(settings, store, clock=clock, tell=town.tell)))
            tune_the_interpreter()  # before there are pollers: one that leaves is a circle, which is never collected once frozen
            daemon = await stack.enter_async_context(working(settings, parts, town, asked, logs, patience))
            app, streams = _interface(settings, parts, daemon, metrics, town)
            listen = settings.http.listen
            url = await stack.enter_async_context(serve(app, host=listen.host, port=listen.port, room=room_at))
            stack.callback(daemon.planner.end)  # before requests under way are waited for
            daemon.begin(*streams.workers, app[ADMISSION], Files(clock=clock, tell=town.tell))
            if notices.every is not None:
                guard.hire(Watchdog(notices, every=notices.every, live=daemon.live, clock=clock))
            town.tell(_started(daemon.polling, url))
            announce(url)
            await stop.wait()
            # Before anything is closed: a client that dawdles over its request must not keep us asking CallFire.
            await daemon.rest()
    except (StoreError, CannotListen) as error:
        # Of opening and wiring only: once it runs, whoever asks the store hears of its trouble.
        raise CannotStart(str(error)) from error
    return 0


def _started(polling: Polling, url: str) -> Started:
    """What is here at the start; apart, for `run` would remember its pollers as long as it runs, also of shares that left."""
    pollers = [poller for _, poller in polling.here()]
    watches = sum(len(poller.roster) for poller in pollers)
    accounts = len({poller.account.name for poller in pollers})
    return Started(version=watcher.__version__, listen=url, accounts=accounts, watches=watches)


def _interface(
    settings: Settings, parts: Parts, daemon: Daemon, metrics: Metrics, town: Town
) -> tuple[web.Application, Streams]:
    """What is served, and its streams, which workers keep going. The streams and whoever waits hear the news from now on."""
    clock = parts.clock
    streams = Streams(
        store=parts.store,
        following=daemon.polling,
        subscribing=daemon.subscriptions,
        clock=clock,
        tell=town.tell,
        most=settings.http.streams,
    )
    waiters = Waiters(clock=clock)
    for listener in (streams.hear, waiters.hear):
        town.listen(listener)
        daemon.hearing.listen(listener)
    app = make_app(
        store=parts.store,
        following=daemon.polling,
        subscribing=daemon.subscriptions,
        submitting=Desk(daemon.polling, store=parts.store),
        planning=daemon.planner,
        health=daemon,
        metrics_render=metrics.render,
        token=settings.http.token.get_secret_value() if settings.http.token else None,
        clock=clock,
        version=watcher.__version__,
        timeout=settings.webhooks.timeout,
        session=settings.auth.session,
        tell=town.tell,
        streams=streams,
        waiters=waiters,
    )
    daemon.hearing.heed("token", app[ADMISSION].load)
    return app, streams
