"""Hand-written stand-ins for the ports; the store's is in `fake_store`."""

import asyncio
import math
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self

from watcher.core.answers import Answer, Kind, PageAnswer, SubmitAnswer, SwitchAnswer
from watcher.core.endpoint import Attempt, Delivery, Endpoint
from watcher.core.model import Batch, BroadcastKind, Page, PageRef
from watcher.core.news import News
from watcher.core.submissions import Order
from watcher.ports import Handshake

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


class FakeClock:
    """Time that stands still unless told; `sleep` lets others run and turns the clock forward by what was asked."""

    def __init__(self, now: datetime = NOON, draws: Sequence[float] = (0.5,)) -> None:
        self._now = now
        self._draws = list(draws)
        self._drawn = 0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._now.timestamp()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.turn(seconds=max(seconds, 0.0))
        await asyncio.sleep(0)

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        if not event.is_set():
            await self.sleep(seconds)

    def draw(self) -> float:
        self._drawn += 1
        return self._draws[(self._drawn - 1) % len(self._draws)]

    def turn(self, *, seconds: float = 0.0, minutes: float = 0.0, hours: float = 0.0) -> datetime:
        """Moves time forward (or back) and gives the new now."""
        self._now += timedelta(seconds=seconds, minutes=minutes, hours=hours)
        return self._now


class StillClock(FakeClock):
    """Time that does not pass while one waits for something to happen."""

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        await event.wait()


class Ear:
    """Listens to the news and keeps all of it."""

    def __init__(self) -> None:
        self.heard: list[News] = []

    def __call__(self, news: News) -> None:
        self.heard.append(news)

    def of(self, *kinds: type) -> list[News]:
        """What was heard of the kinds named, in order."""
        return [news for news in self.heard if isinstance(news, kinds)]


async def settle_down(rounds: int = 50) -> None:
    """Lets everything run that can run without time passing."""
    for _ in range(rounds):
        await asyncio.sleep(0)


async def come_to_rest() -> None:
    """As `settle_down`, where there are fakes alone: ends when nothing is left that could run, so that hours cost little."""
    ready = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]  # only the loop knows
    for _ in range(50):
        await asyncio.sleep(0)
        if not ready:
            return


class Errands:
    """Runs errands and keeps what they raised. Leave its context to cancel those that still run."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.failed: list[Exception] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def __call__(self, name: str, errand: Coroutine[object, object, None]) -> None:
        self.names.append(name)
        task = asyncio.create_task(self._run(errand), name=name)
        task.add_done_callback(lambda _: errand.close())  # where it was cancelled before it began, nobody else would
        self._tasks.append(task)

    @property
    def running(self) -> int:
        return sum(not task.done() for task in self._tasks)

    async def _run(self, errand: Coroutine[object, object, None]) -> None:
        try:
            await errand
        except Exception as error:  # noqa: BLE001 # as the crew does: an errand's failure stays with the errand
            self.failed.append(error)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What CallFire will answer: `kind` in general, for Kind.SEEN the `batch` or the `listing` that pages are cut from. It
    `takes` so many seconds, and not before `gate` is set; where it `raises` there is no answer at all."""

    kind: Kind = Kind.SEEN
    outcome: str = "200"
    batch: Batch | None = None
    listing: tuple[Batch, ...] = ()
    total: int | None = None
    spoilt: int = 0
    retry_after: timedelta | None = None
    takes: float = 0.0
    gate: asyncio.Event | None = None
    raises: Exception | None = None


def shows(status: str, *, takes: float = 0.0, **fields: object) -> Reply:
    """CallFire shows the batch in that status."""
    return Reply(batch=replace(Batch(id=0, status=status), **fields), takes=takes)  # type: ignore[arg-type]


def lists(*batches: Batch, counted: bool = True, spoilt: int = 0, takes: float = 0.0) -> Reply:
    """CallFire shows pages of these batches, and how many there are where they are `counted`; so many rows more are odd."""
    return Reply(listing=batches, total=len(batches) + spoilt if counted else None, spoilt=spoilt, takes=takes)


REFUSES = Reply(kind=Kind.UNAUTHORIZED, outcome="401")
FAILS = Reply(kind=Kind.FAILED, outcome="503")
KNOWS_NOTHING = Reply(kind=Kind.NOT_FOUND, outcome="404")


NEVER_LEFT = SubmitAnswer(asked=NOON, answered=NOON, kind=Kind.FAILED, outcome="timeout", departed=False)


class FakeUpstream:
    """CallFire, its answers scripted batch by batch and listing by listing; the last one is repeated. A token takes the clock on
    by one period. A listing that is not scripted is not there, as with a broadcast of the other kind."""

    def __init__(self, clock: FakeClock, *, rate: float = 5.0) -> None:
        self.clock = clock
        self.effective_rate = rate
        self.tokens = 0
        self.owners: list[Callable[[], bool]] = []
        self.asked: list[tuple[datetime, int]] = []
        self.paged: list[tuple[datetime, PageRef]] = []
        self.flying: Counter[int | PageRef] = Counter()
        self.most_at_once = 0
        self.before_token: Callable[[], None] = lambda: None  # what happens while one waits for it
        self._replies: dict[int | tuple[BroadcastKind, int], deque[Reply]] = {}
        self.submitted: list[tuple[datetime, Order]] = []
        self.leaving: Callable[[], None] = lambda: None  # what happens when one leaves
        self.switched: list[tuple[int, bool]] = []
        self._submits: deque[SubmitAnswer | Exception] = deque()
        self._switches: deque[SwitchAnswer] = deque()

    def own(self, sure: Callable[[], bool]) -> None:
        self.owners.append(sure)

    def script(self, batch_id: int, *replies: Reply) -> None:
        self._replies[batch_id] = deque(replies)

    def script_listing(self, kind: BroadcastKind, broadcast_id: int, *replies: Reply) -> None:
        self._replies[kind, broadcast_id] = deque(replies)

    def script_submit(self, *answers: SubmitAnswer | Exception) -> None:
        """What comes of batches that are sent, the last one again and again: answers, or mistakes of ours after they left."""
        self._submits = deque(answers)

    def script_switch(self, *answers: SwitchAnswer) -> None:
        self._switches = deque(answers)

    @property
    def batches(self) -> list[int]:
        """The batches asked about one by one, in order."""
        return [batch_id for _, batch_id in self.asked]

    @property
    def pages(self) -> list[PageRef]:
        """The pages asked for, in order."""
        return [ref for _, ref in self.paged]

    def limit(self, rate: float) -> None:
        self.effective_rate = rate

    async def token(self, within: float = math.inf) -> bool:
        self.before_token()
        await asyncio.sleep(0)
        if 1 / self.effective_rate > within:
            self.clock.turn(seconds=within)
            return False
        self.clock.turn(seconds=1 / self.effective_rate)
        self.tokens += 1
        return True

    async def look(self, batch_id: int) -> Answer:
        asked = self.clock.now()
        self.asked.append((asked, batch_id))
        reply = await self._reply(self._replies[batch_id], batch_id)
        return Answer(
            batch_id=batch_id,
            asked=asked,
            answered=self.clock.now(),
            kind=reply.kind,
            outcome=reply.outcome,
            batch=None if reply.batch is None else replace(reply.batch, id=batch_id),
            retry_after=reply.retry_after,
        )

    async def page(self, ref: PageRef) -> PageAnswer:
        asked = self.clock.now()
        self.paged.append((asked, ref))
        reply = await self._reply(self._replies.get((ref.kind, ref.broadcast_id), deque([KNOWS_NOTHING])), ref)
        rows = (replace(each, broadcast_id=ref.broadcast_id) for each in reply.listing[ref.offset :][: ref.limit])
        page = Page(offset=ref.offset, limit=ref.limit, items=tuple(rows), total=reply.total, spoilt=reply.spoilt)
        return PageAnswer(
            ref=ref,
            asked=asked,
            answered=self.clock.now(),
            kind=reply.kind,
            outcome=reply.outcome,
            page=page if reply.kind is Kind.SEEN else None,
            retry_after=reply.retry_after,
        )

    async def submit(self, order: Order, leave: Callable[[], Awaitable[None]]) -> SubmitAnswer:
        asked = self.clock.now()
        answer = self._submits.popleft() if len(self._submits) > 1 else self._submits[0]
        if isinstance(answer, Exception) or answer.departed:
            try:
                await leave()
            except TimeoutError:  # the deadline for the whole of it passed before it left
                return replace(NEVER_LEFT, asked=asked, answered=self.clock.now())
            self.leaving()
            self.submitted.append((asked, order))
        await asyncio.sleep(0)
        if isinstance(answer, Exception):
            raise answer
        return replace(answer, asked=asked, answered=self.clock.now())

    async def switch(self, batch_id: int, enabled: bool) -> SwitchAnswer:
        asked = self.clock.now()
        self.switched.append((batch_id, enabled))
        await asyncio.sleep(0)
        answer = self._switches.popleft() if len(self._switches) > 1 else self._switches[0]
        return replace(answer, batch_id=batch_id, asked=asked, answered=self.clock.now())

    async def _reply(self, replies: deque[Reply], to: int | PageRef) -> Reply:
        """The next one, when it comes."""
        asked = self.clock.now()
        reply = replies.popleft() if len(replies) > 1 else replies[0]
        self.flying[to] += 1
        self.most_at_once = max(self.most_at_once, self.flying[to])
        try:
            await asyncio.sleep(0)
            if reply.gate is not None:
                await reply.gate.wait()
            while self.clock.now() < asked + timedelta(seconds=reply.takes):  # noqa: ASYNC110 # time is ours to turn
                await asyncio.sleep(0)
        finally:
            self.flying[to] -= 1
        if reply.raises is not None:
            raise reply.raises
        return reply


class FakeSender:
    """Receivers, their answers scripted endpoint by endpoint; the last one is repeated. What is not scripted gets 204, and a
    handshake that is not scripted consents."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.sent: list[tuple[str, str]] = []  # endpoint, event id
        self.messages: list[tuple[Endpoint, Delivery]] = []
        self.handshakes: dict[str, Handshake] = {}
        self.gates: dict[str, asyncio.Event] = {}  # endpoints that hang until theirs is set
        self.raises: dict[str, Exception] = {}
        self._answers: dict[str, deque[Attempt]] = {}

    def script(self, endpoint_id: str, *answers: Attempt) -> None:
        self._answers[endpoint_id] = deque(answers)

    async def send(self, endpoint: Endpoint, delivery: Delivery) -> Attempt:
        self.sent.append((endpoint.id, delivery.event_id))
        self.messages.append((endpoint, delivery))
        await asyncio.sleep(0)
        if endpoint.id in self.gates:
            await self.gates[endpoint.id].wait()
        if endpoint.id in self.raises:
            raise self.raises[endpoint.id]
        answers = self._answers.get(endpoint.id)
        if answers is None:
            return answered(204, at=self.clock.now())
        answer = answers.popleft() if len(answers) > 1 else answers[0]
        return replace(answer, at=self.clock.now())

    async def handshake(self, endpoint: Endpoint) -> Handshake:
        await asyncio.sleep(0)
        consents = Handshake(attempt=answered(200, at=self.clock.now()), consents=True)
        return self.handshakes.get(endpoint.id, consents)


def answered(code: int | None, *, at: datetime = NOON, **fields: object) -> Attempt:
    """A receiver's answer that took a tenth of a second."""
    return replace(Attempt(at=at, took=timedelta(seconds=0.1), code=code), **fields)  # type: ignore[arg-type]
