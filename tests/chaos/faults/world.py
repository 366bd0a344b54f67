"""The whole service as it is wired, and all that it has to do with, in time that is turned."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from tests.chaos.faults.auditing import Audit
from tests.chaos.faults.databases import Database
from tests.chaos.faults.phases import CLOCKS, Faults, Walked
from tests.chaos.faults.receiving import FaultyReceivers
from tests.chaos.faults.storing import FaultyStore
from tests.chaos.faults.times import VirtualLoop, Wall
from tests.chaos.faults.truth import labels_of
from tests.chaos.faults.upstream import FaultyCallFire, Life
from tests.fakes import NOON
from watcher.app.assembly import Parts, Town
from watcher.app.reloading import Asked
from watcher.app.working import working
from watcher.clock import SystemClock
from watcher.core.endpoint import EndpointState
from watcher.core.model import Key
from watcher.core.news import News, WorkerFailed
from watcher.core.recovering import Recovery
from watcher.core.wishes import BroadcastWish, Wish
from watcher.ports import Refused, StoreError
from watcher.settings import Settings, load
from watcher.telemetry.logs import Logs
from watcher.webhooks.guard import Guard

RATE: Final = 5.0
SECRETS: Final = ("a-password-of-callfire", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
ENDPOINTS: Final = ("hook", "line", "calm")
"""`line` wants the events of each batch in their order; nothing ever befalls `calm`."""
ACCOUNTS: Final = ("faulty", "calm")
BROADCAST: Final = 14
EXPECTED: Final = ("StoreError", "UnknownOutcome", "NotSure", "LeaseLost")
"""What workers and errands may fail of."""
ENDS: Final = ("ACTIVE", "ACTIVE", "ERRORS", "SOURCE_ERROR")
QUIET: Final = 45.0
"""Seconds after the last fault of the store and of the clock from which on nothing is late for whom nothing befalls: a worker
that failed rests for 30 s."""
LATE: Final = 20.0
ROUNDS: Final = 40
STANDING: Final = 30
"""Seconds within which new batches are seen and told, when all is well."""
RESTARTED: Final = 40
"""Seconds for which it is watched what a restart tells: longer than any pause of a worker."""


class _Clock(SystemClock):
    """The clock of the service, whose dice are the walk's."""

    def __init__(self, loop: VirtualLoop, wall: Wall, draw: random.Random) -> None:
        super().__init__(wall=wall.time, monotonic=loop.time)
        self._dice = draw

    def draw(self) -> float:
        return self._dice.random()


class World:
    """The service, and all that it has to do with."""

    def __init__(self, loop: VirtualLoop, database: Database, draw: random.Random, walked: Walked) -> None:
        self.walked = walked
        self._loop = loop
        self._draw = draw
        self._database = database
        self._settings = settings_for(database.url)
        self._wall = Wall(loop)
        self._clock = _Clock(loop, self._wall, random.Random(draw.random()))
        self._upstreams = {name: FaultyCallFire(RATE, loop=loop, clock=self._clock, draw=draw) for name in ACCOUNTS}
        self._receivers = FaultyReceivers(clock=self._clock, draw=draw, is_logged=self._is_logged)
        self.audit = Audit(database, self._upstreams, self._receivers, ENDPOINTS, loop.time)
        self._asked: list[tuple[str, int]] = []  # batches that nobody said yes to yet
        self._unfollowed = list(ACCOUNTS)
        self._ids = iter(range(1, 1_000_000))
        self._quiet_since = loop.time() - QUIET
        self._jumped = -1000.0
        self._last = self._clock.now()
        self._begun = 0.0

    async def _is_logged(self, event_id: str) -> bool:
        return await self.audit.is_logged(event_id)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The daemon, as long as the context lasts."""
        town = Town()
        town.listen(self._hear)
        async with self._database.opened(tell=town.tell, clock=self._clock) as real:
            self._store = store = FaultyStore(
                real,
                turn=lambda: self._database.turn(self._clock),
                loop=self._loop,
                draw=self._draw,
                failed=self.walked.failed,
            )
            ports: dict[str, object] = dict.fromkeys(("store", "accounts", "leases"), store)
            parts = Parts(
                **ports,  # type: ignore[arg-type]
                upstreams=dict(self._upstreams),
                sender=self._receivers,
                clock=self._clock,
                tell=town.tell,
                connect=lambda part, _: self._upstreams[part.account],
                guard=Guard(()),
            )
            asked = Asked(lambda: self._settings)
            async with working(self._settings, parts, town, asked, Logs(clock=self._clock)) as self._daemon:
                self._daemon.begin()
                self._begun = self._loop.time()
                try:
                    yield
                finally:
                    await self._database.end()
                    store.strikes.fault = "none"
                    await self._daemon.rest()

    def _hear(self, news: News) -> None:
        if any(secret in repr(news) for secret in SECRETS):
            self.walked.wrong.append(f"a secret is in the news: {type(news).__name__}")
        if isinstance(news, WorkerFailed) and not news.error.startswith(EXPECTED):
            self.walked.wrong.append(f"{news.worker} failed: {news.error}\n{news.trace}")

    # Phases

    async def go_through(self, phases: Sequence[Faults], lasting: int) -> None:
        """These faults, for so many seconds each, with batches that are followed already, and others that people ask for
        meanwhile; no further than to the first thing that is wrong."""
        for phase in phases:
            if self.walked.wrong:
                return
            self._add(2)
            await self._database.end()
            self._store.strikes.fault = "none"
            await self._second()
            await self._befall(phase)
            self._add(1)
            for _ in range(lasting):
                await self._second()
                if self.walked.wrong:
                    self.walked.wrong.append(f"in {phase}")
                    return

    async def _befall(self, phase: Faults) -> None:
        await self._database.end()
        await self._database.begin(phase.store)
        self._store.strikes.fault = phase.store
        self._upstreams["faulty"].fault = phase.upstream
        self._receivers.faults = dict.fromkeys(("hook", "line"), phase.receivers)
        by, speed = CLOCKS[phase.clock]
        self._wall.set(by=by, speed=speed)
        if phase.clock != "none":
            self._jumped = self._loop.time()
        if phase.store != "none" or phase.clock != "none":
            self._quiet_since = float("inf")
        elif self._quiet_since == float("inf"):
            self._quiet_since = self._loop.time()

    def _add(self, count: int) -> None:
        """So many batches of each account that somebody is to follow, with a life of some seconds."""
        now, draw = self._loop.time(), self._draw
        for account in ACCOUNTS:
            for batch_id in islice(self._ids, count):
                validating = now + draw.uniform(1, 8)
                plan = ((now, "NEW"), (validating, "VALIDATING"), (validating + draw.uniform(1, 25), draw.choice(ENDS)))
                self._upstreams[account].add(Life(batch_id, BROADCAST, plan))
                self._asked.append((account, batch_id))

    async def _second(self) -> None:
        await self._ask()
        await asyncio.sleep(1)
        for each in self._upstreams.values():
            each.turn()
        await self.audit.check()
        self.walked.wrong += self.audit.wrong
        self.audit.wrong.clear()
        self.walked.wrong += self._about_time()
        self.walked.wrong += self._about_neighbours()
        await self._daemon.ready()

    async def _ask(self) -> None:
        """Somebody asks that batches be followed, again until it is said that they are."""
        for account in list(self._unfollowed):
            try:
                await self._daemon.polling.follow_broadcast(
                    BroadcastWish(account=account, broadcast_id=BROADCAST, labels=labels_of(account))
                )
            except StoreError:
                return
            self._unfollowed.remove(account)
        for account, batch_id in list(self._asked):
            try:
                await self._daemon.polling.follow([Wish(key=Key(account, batch_id), labels=labels_of(account))])
            except StoreError:
                return
            self._asked.remove((account, batch_id))

    def _about_time(self) -> list[str]:
        now, before = self._clock.now(), self._last
        self._last = now
        told = [] if now >= before else [f"the service's clock went back from {before} to {now}"]
        if self._loop.time() - self._jumped > LATE and self._quiet:
            told += [f"not alive: {each.name} {each.detail}" for each in self._daemon.live() if not each.ok]
        return told

    @property
    def _quiet(self) -> bool:
        return self._loop.time() - self._quiet_since > QUIET

    def _about_neighbours(self) -> list[str]:
        """Rule 9: an account and an endpoint that nothing befalls are as quick as ever, whatever befalls the others."""
        now = self._loop.time()
        if not self._quiet:
            return []
        late = [
            f"{each} of an account in order was not told {LATE:g} s after its end"
            for each in self._upstreams["calm"].lives.values()
            if each.plan[-1][0] < now - LATE and not self.audit.ended("calm", each)
        ]
        late += [
            f"{event} did not come to an endpoint in order {LATE:g} s after it was logged"
            for event, at in self.audit.logged.items()
            if max(at, self._begun) < now - LATE and ("calm", event) not in self._receivers.accepted
        ]
        return late

    # The end

    async def calm_down(self) -> None:
        """Nothing befalls anybody any more, and whoever looks after the service does what is his: then nothing is owed."""
        if self.walked.wrong:
            return
        await self._befall(Faults())
        self.walked.rounds = ROUNDS
        for number in range(ROUNDS):
            for _ in range(30):
                await self._second()
                if self.walked.wrong:
                    self.walked.wrong.append("after the last fault")
                    return
            if not self.audit.owed() and not self._asked:
                self.walked.rounds = number + 1
                break
            await self._look_after()
        else:
            self.walked.wrong += [*self._asked_still(), *self.audit.owed()[:20]]
        self.walked.wrong += [f"not ready: {each.name}" for each in await self._daemon.ready() if not each.ok]
        self.walked.wrong += [*self.audit.about_order("line")]

    def _asked_still(self) -> list[str]:
        return [f"{account}/{batch_id} could not be followed" for account, batch_id in self._asked]

    async def _look_after(self) -> None:
        """What an operator does when all is well again; and the time that is waited for passes."""
        for account in ACCOUNTS:
            await self._daemon.polling.resume(account)
        for (account, batch_id), watch in self.audit.watches.items():
            if watch.state == "missing" and (account, batch_id) not in self._asked:
                self._asked.append((account, batch_id))
        subscriptions = self._daemon.subscriptions
        for endpoint in await self._store.endpoints():
            if endpoint.state is EndpointState.DISABLED:
                await subscriptions.enable(endpoint.id, send_held=True)
            elif self.audit.states["dead"]:
                recovery = Recovery(endpoint_id=endpoint.id, since=NOON - timedelta(days=1), until=self._clock.now())
                recovery = replace(recovery, states=frozenset({"dead"}))
                assert not isinstance(await subscriptions.recover(recovery, dry_run=False), Refused)
        self._wall.set(by=3600.0)
        self._jumped = self._loop.time()
        self._quiet_since = self._loop.time()

    async def start_again(self) -> None:
        """Rule 8: a restart tells nobody anything new by itself. Batches in the middle of their lives are there, too."""
        async with self.running():
            for account in ACCOUNTS:
                for status in ("NEW", "VALIDATING"):
                    batch_id = next(self._ids)
                    self._upstreams[account].add(Life(batch_id, BROADCAST, ((self._loop.time(), status),)))
                    self._asked.append((account, batch_id))
            for _ in range(STANDING):
                await self._second()
                if not self.audit.owed() and not self._asked:
                    break
            self.walked.wrong += [*self._asked_still(), *self.audit.owed()]
            before = self.audit.everything()
        async with self.running():
            for _ in range(RESTARTED):
                await self._second()
        if self.audit.everything() != before:
            self.walked.wrong.append("a restart told something by itself")

    def count(self) -> None:
        """What was gone through."""
        walked, audit = self.walked, self.audit
        walked.steps, walked.events = audit.steps, audit.events
        walked.requests = sum(sum(each.requests.values()) for each in self._upstreams.values())
        walked.attempts = sum(self._receivers.attempts.values())
        walked.seconds = self._loop.time()


def settings_for(url: str) -> Settings:
    """Two accounts and three endpoints; nothing is given up or forgotten within a walk."""
    given = {
        "WATCHER_DATABASE_URL": url,
        "WATCHER_POLLING__MAX_AGE": "1000d",
        "WATCHER_POLLING__MIN_INTERVAL": "1s",
        "WATCHER_RETENTION__EVENTS": "1000d",
        "WATCHER_RETENTION__DELIVERIES": "1000d",
    }
    for name in ACCOUNTS:
        account = f"WATCHER_ACCOUNTS__{name.upper()}__"
        given |= {f"{account}LOGIN": name, f"{account}PASSWORD": SECRETS[0], f"{account}RATE": str(RATE)}
    for name in ENDPOINTS:
        endpoint = f"WATCHER_ENDPOINTS__{name.upper()}__"
        given |= {
            f"{endpoint}URL": f"https://{name}.example",
            f"{endpoint}SECRET": SECRETS[1],
            f"{endpoint}TYPES": "batch.*,watch.*,account.*",
        }
    given["WATCHER_ENDPOINTS__LINE__ORDERING"] = "batch"
    return load(Path(os.devnull), given)
