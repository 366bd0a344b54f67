"""The daemon: everything opened in order, run until it is asked to stop, and closed in the opposite order."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from types import MappingProxyType
from typing import Final

from aiohttp import web

import watcher
from watcher.app.assembly import (
    CannotStart,
    Parts,
    Town,
    endpoints_of,
    limits_of,
    make_poller,
    make_polling,
    open_kept_store,
    open_parts,
    pace_of,
    retention_of,
    shares_of,
)
from watcher.app.files import Files, room_at
from watcher.app.notifying import Notices, Watchdog
from watcher.app.planner import Planner
from watcher.app.process import loop_factory, set_limits, tune_the_interpreter
from watcher.app.reloading import Asked, Present, Read, Reloader
from watcher.app.signals import heed_no_reload, signals
from watcher.app.tracing import tracing
from watcher.clock import SystemClock
from watcher.core.clocks import skewed
from watcher.core.news import AccountTold, Changed, EndpointTold, News, Started
from watcher.delivery import Book, Deliverer, Lately, Subscriptions, Sweeper
from watcher.polling.desk import Desk
from watcher.polling.following import Polling
from watcher.polling.hearing import Hearing, ends_of
from watcher.polling.keeping import Keeper
from watcher.polling.sharing import Sharer
from watcher.ports import Check, Clock, Store, StoreError
from watcher.settings.model import Settings
from watcher.telemetry.logs import Logs, configure
from watcher.telemetry.metrics import Metrics
from watcher.web.auth import ADMISSION
from watcher.web.server import CannotListen, make_app, serve
from watcher.web.streams import Streams
from watcher.web.waiting import Waiters
from watcher.webhooks.signing import fits, make_key
from watcher.workers import Crew, Pulse, Worker

GRACE: Final = 20.0
"""Seconds that requests in flight are given when the daemon is asked to stop."""
LEAVING: Final = 8.0
"""Seconds after that in which looks are saved and claims given back; then the store is taken to be out of reach."""
STALLED: Final = 60.0
"""Seconds without a step of a poller or a beat of the loop after which the daemon does not count as alive."""

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
        return runner.run(run(settings, announce=announce, read=read, environ=environ))


async def run(
    settings: Settings,
    *,
    announce: Callable[[str], None],
    decorate: Decorate = lambda parts: parts,
    stop: asyncio.Event | None = None,
    read: Read | None = None,
    environ: Mapping[str, str] = NO_ENVIRONMENT,
) -> int:
    """The daemon, until `stop` is set (SIGTERM and SIGINT set it). `announce` gets the address once all is up.

    `decorate` may replace parts before they are wired; `read` and `environ` are as for `main`.
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
            daemon = await stack.enter_async_context(_working(settings, parts, town, asked, logs))
            app, streams = _interface(settings, parts, daemon, metrics, town)
            listen = settings.http.listen
            url = await stack.enter_async_context(serve(app, host=listen.host, port=listen.port, room=room_at))
            stack.callback(daemon.planner.end)  # before requests under way are waited for
            daemon.begin(*streams.workers, app[ADMISSION], Files(clock=clock, tell=town.tell))
            if notices.every is not None:
                guard.hire(Watchdog(notices, every=notices.every, live=daemon.live, clock=clock))
            tune_the_interpreter()
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
    settings: Settings, parts: Parts, daemon: "Daemon", metrics: Metrics, town: Town
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


class Daemon:
    """What runs, and how it is. Implements the port `Health`."""

    def __init__(
        self,
        polling: Polling,
        sharer: Sharer,
        hearing: Hearing,
        subscriptions: Subscriptions,
        planner: Planner,
        pulse: Pulse,
        *,
        others: Sequence[Worker],
        crew: Crew,
        store: Store,
        clock: Clock,
    ) -> None:
        self.polling = polling
        self._sharer = sharer
        self.hearing = hearing
        self.subscriptions = subscriptions
        self.planner = planner
        self._pulse = pulse
        self._others = others
        self._crew = crew
        self._store = store
        self._clock = clock
        self._started = False
        self._stopping = False

    def begin(self, *guests: Worker) -> None:
        """Sets everybody to work, and the guests too."""
        self._sharer.start()
        workers: list[Worker] = [self._sharer, self.hearing, *self._others, *guests, self._pulse]
        for worker in workers:
            self._crew.hire(worker)
        self._started = True

    async def rest(self) -> None:
        """Nothing new is begun. What flies has its time to end, from now on; where it has, other replicas may go on."""
        self._stopping = True
        await self._crew.rest()
        self._crew.errand("give back", self._sharer.leave())

    def live(self) -> Sequence[Check]:
        since_beat = self._clock.monotonic() - self._pulse.last_beat
        now = self._clock.now()
        # Anybody may ask: which accounts there are is told to those who may know.
        step = all((now - each.last_step).total_seconds() < STALLED for _, each in self.polling.here())
        says = "" if step else "one takes no steps: last_step in GET /v1/accounts says whose"
        return (
            Check(name="loop", ok=since_beat < STALLED, detail=f"turned {since_beat:.1f} s ago"),
            Check(name="store-threads", ok=self._store.alive, detail="" if self._store.alive else "ended: start anew"),
            Check(name="pollers", ok=step, detail=says),
        )

    async def ready(self) -> Sequence[Check]:
        try:
            await self._store.ping()
            store = Check(name="store", ok=True)
        except StoreError:
            # Anybody may ask: where the database is, and what is wrong with it, stands in the log.
            store = Check(name="store", ok=False, detail="cannot be read and written: see the log")
        settled, amiss = self._sharer.settled, self._sharer.skewed
        return (
            store,
            Check(name="started", ok=self._started),
            Check(name="leases", ok=settled, detail="" if settled else "who polls which account is not known now"),
            Check(name="clock", ok=not amiss, detail=amiss),
            Check(name="serving", ok=not self._stopping, detail="asked to stop" if self._stopping else ""),
        )


@asynccontextmanager
async def _working(settings: Settings, parts: Parts, town: Town, asked: Asked, logs: Logs) -> AsyncIterator[Daemon]:
    """The workers, wired; on the way out what flies ends, looks are saved, and claims are given back."""
    clock, store = parts.clock, parts.store
    amiss = skewed((await parts.leases.board([])).skew)
    if amiss:
        raise CannotStart(amiss)
    endpoints = endpoints_of(settings)
    begin = await ends_of(store)  # before anything is read that other replicas may change
    await store.settle_endpoints(list(endpoints.values()))
    book, present = Book(endpoints), Present(settings)
    await book.load(store)
    async with Crew(clock=clock, tell=parts.tell, grace=GRACE) as crew:
        polling = make_polling(settings, parts)
        sharer = Sharer(
            shares_of(settings),
            polling=polling,
            store=store,
            leases=parts.leases,
            make=lambda *lease: make_poller(present.settings, parts, polling.moved, *lease),
            crew=crew,
            clock=clock,
            tell=parts.tell,
            every=settings.database.lease.total_seconds() / 4,
        )
        await sharer.begin()
        hearing = Hearing(polling, store=store, clock=clock, errand=crew.errand, begin=begin)
        deliverer = Deliverer(
            book,
            limits=limits_of(settings),
            token=store.replica,
            sender=parts.sender,
            store=store,
            clock=clock,
            tell=parts.tell,
            errand=crew.errand,
        )
        lately = Lately(clock=clock)
        subscriptions = Subscriptions(
            book=book,
            store=store,
            sender=parts.sender,
            clock=clock,
            make_key=make_key,
            fits=fits,
            tell=parts.tell,
            wake=deliverer.wake,
            lately=lately,
            allowed=settings.webhooks.allow_networks,
        )
        town.listen(partial(_wake, deliverer))
        hearing.listen(partial(_wake, deliverer))
        hearing.heed("freed", sharer.wake)
        hearing.heed("endpoint", partial(_read_again, book, store, deliverer))
        for listener in (hearing.told, polling.ranks.hear, polling.hear, lately.hear):
            town.listen(listener)
        hearing.listen(polling.hear)
        planner = Planner(polling, pace=pace_of(settings.polling), clock=clock, errand=crew.errand)
        pulse = Pulse(clock=clock, tell=parts.tell)
        keeper = Keeper(
            polling,
            reports=(polling.ranks.report, deliverer.report),
            clock=clock,
            every=settings.polling.save_interval.total_seconds(),
            lost=sharer.lost,
        )
        sweeper = Sweeper(retention_of(settings), store=store, clock=clock, tell=parts.tell)
        reloader = Reloader(present, asked, parts, polling, sharer, book, deliverer, subscriptions, sweeper, logs)
        await deliverer.report()  # an endpoint that is disabled or paused still is said so, once a start
        try:
            yield Daemon(
                polling,
                sharer,
                hearing,
                subscriptions,
                planner,
                pulse,
                others=(deliverer, keeper, sweeper, reloader),
                crew=crew,
                store=store,
                clock=clock,
            )
        finally:
            await crew.dismiss()
            await _leave_in_order(keeper, deliverer)


async def _leave_in_order(keeper: Keeper, deliverer: Deliverer) -> None:
    """Where the store cannot any more, a window gets wider and a lease runs out by itself: no reason not to stop."""
    with suppress(TimeoutError):
        async with asyncio.timeout(LEAVING):
            with suppress(StoreError):
                await keeper.save()
            with suppress(StoreError):
                await deliverer.release()


def _wake(deliverer: Deliverer, news: News) -> None:
    if isinstance(news, Changed | AccountTold | EndpointTold) and news.deliveries:
        deliverer.wake()


async def _read_again(book: Book, store: Store, deliverer: Deliverer) -> None:
    """Another replica changed an endpoint."""
    await book.load(store)
    deliverer.wake()
