"""What a daemon consists of while it works: its workers, wired, and how it is."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Final, NamedTuple

from watcher.app.assembly import (
    CannotStart,
    Parts,
    Town,
    endpoints_of,
    limits_of,
    make_poller,
    make_polling,
    pace_of,
    retention_of,
    shares_of,
)
from watcher.app.planner import Planner
from watcher.app.reloading import Asked, Present, Reloader
from watcher.core.clocks import skewed
from watcher.core.news import AccountTold, Changed, EndpointTold, News
from watcher.delivery import Book, Deliverer, Lately, Subscriptions, Sweeper
from watcher.polling.following import Polling
from watcher.polling.hearing import Hearing, ends_of
from watcher.polling.keeping import Keeper
from watcher.polling.sharing import Sharer
from watcher.ports import Check, Clock, Store, StoreError
from watcher.settings.model import Settings
from watcher.telemetry.logs import Logs
from watcher.webhooks.signing import fits, make_key
from watcher.workers import Crew, Pulse, Worker

STALLED: Final = 60.0
"""Seconds without a step of a poller or a beat of the loop after which the daemon does not count as alive."""


class Patience(NamedTuple):
    """Seconds that a daemon takes to stop: for what is in flight, and after that for saving looks and giving claims back."""

    flying: float = 20.0
    leaving: float = 8.0


USUAL: Final = Patience()


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
async def working(
    settings: Settings, parts: Parts, town: Town, asked: Asked, logs: Logs, patience: Patience = USUAL
) -> AsyncIterator[Daemon]:
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
    async with Crew(clock=clock, tell=parts.tell, grace=patience.flying) as crew:
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
            await _leave_in_order(keeper, deliverer, patience.leaving)


async def _leave_in_order(keeper: Keeper, deliverer: Deliverer, seconds: float) -> None:
    """Where the store cannot any more, a window gets wider and a lease runs out by itself: no reason not to stop."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
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
