"""Over any history of answers that are lost, of a store that fails, of restarts and of people who withdraw what they sent:
CallFire has each batch at most once, and what is said of each is true."""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fake_store import FakeStore
from tests.fakes import NEVER_LEFT, FakeClock, FakeUpstream, settle_down, shows
from tests.polling.world import PROVEN, World
from watcher.core.answers import Kind, PageAnswer, SubmitAnswer
from watcher.core.model import Batch, BroadcastKind, Key, Page, PageRef
from watcher.core.submissions import Caution, Order, Submission, SubmissionState
from watcher.ports import StoreError

CAUTION = Caution(settle=timedelta(seconds=8), within=timedelta(hours=9))
BROADCASTS: dict[int, BroadcastKind] = {14: "call", 15: "text"}
ROWS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of a request: whether CallFire adds the batch, after how many seconds it shows it, and what is answered
    ("" nothing; None: the request does not even leave)."""

    added: bool = True
    shown_after: float = 0.0
    outcome: str | None = "201"


class Truth(FakeUpstream):
    """CallFire as it is: what was added is there, and shown."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.there: list[tuple[int, datetime, Batch]] = []
        self.fates: deque[Fate] = deque()
        self.silences: deque[bool] = deque()

    async def submit(self, order: Order, leave: Callable[[], Awaitable[None]]) -> SubmitAnswer:
        fate = self.fates.popleft() if self.fates else Fate()
        asked = self.clock.now()
        await asyncio.sleep(0)
        if fate.outcome is None:
            return replace(NEVER_LEFT, asked=asked, answered=self.clock.now())
        await leave()
        await asyncio.sleep(0)
        if BROADCASTS[order.broadcast_id] != order.kind:
            return self._answer(asked, "404")
        batch_id = None
        if fate.added:
            batch_id = 100 + len(self.there)
            shown = self.clock.now() + timedelta(seconds=fate.shown_after)
            self.there.append((order.broadcast_id, shown, Batch(id=batch_id, status="NEW", name=order.name)))
            self.script(batch_id, shows("NEW", name=order.name))
        for _ in range(3):
            await asyncio.sleep(0)
        return self._answer(asked, fate.outcome, batch_id if fate.outcome == "201" else None)

    def _answer(self, asked: datetime, outcome: str, batch_id: int | None = None) -> SubmitAnswer:
        kinds = {"201": Kind.SEEN, "400": Kind.UNFIT, "404": Kind.NOT_FOUND, "429": Kind.THROTTLED}
        return SubmitAnswer(
            asked=asked,
            answered=self.clock.now(),
            kind=kinds.get(outcome, Kind.FAILED),
            outcome=outcome or "timeout",
            batch_id=batch_id,
            explained=outcome in ("400", "404"),
        )

    async def page(self, ref: PageRef) -> PageAnswer:
        asked = self.clock.now()
        await asyncio.sleep(0)
        silent = self.silences.popleft() if self.silences else False
        kind, outcome, page = Kind.SEEN, "200", None
        if silent:
            kind, outcome = Kind.FAILED, "503"
        elif BROADCASTS[ref.broadcast_id] != ref.kind:
            kind, outcome = Kind.NOT_FOUND, "404"
        else:
            others = [Batch(id=1 + n, status="ACTIVE", name=f"Other {n}") for n in range(4)]
            all_rows = [
                *others,
                *(batch for place, at, batch in self.there if place == ref.broadcast_id and at <= asked),
            ]
            rows = tuple(all_rows[ref.offset :][:ROWS])
            page = Page(offset=ref.offset, limit=ROWS, items=rows, total=len(all_rows))
        return PageAnswer(ref=ref, asked=asked, answered=self.clock.now(), kind=kind, outcome=outcome, page=page)


FATES = st.one_of(
    st.just(Fate()),
    st.builds(Fate, added=st.booleans(), shown_after=st.sampled_from([0.0, 0.0, 3.0, 7.5]), outcome=st.just("")),
    st.builds(Fate, added=st.booleans(), outcome=st.sampled_from(["503", "502"])),
    st.sampled_from([Fate(added=False, outcome=each) for each in ("400", "429", None)]),
)
WRITES = ("intend", "change_submission", "accept_submission", "submission")
STEPS = st.one_of(
    st.tuples(st.just("submit"), st.sampled_from([(14, "call"), (14, "call"), (14, None), (15, "text"), (14, "text")])),
    st.tuples(st.just("poll"), st.integers(1, 12)),
    st.tuples(st.just("poll"), st.integers(1, 12)),
    st.tuples(st.just("fail"), st.sampled_from(WRITES)),
    st.tuples(st.just("heal"), st.just(0)),
    st.tuples(st.just("restart"), st.integers(1, 12)),
    st.tuples(st.just("withdraw"), st.integers(0, 3)),
    st.tuples(st.just("pass_"), st.integers(1, 20)),
)


class Day:
    """One process after another, on one store."""

    def __init__(self, fates: Sequence[Fate], silences: Sequence[bool]) -> None:
        self.clock = FakeClock()
        self.store = FakeStore(self.clock)
        self.upstream = Truth(self.clock)
        self.upstream.fates.extend(fates)
        self.upstream.silences.extend(silences)
        self.asked: list[Submission] = []
        self.world = self._world()

    def _world(self) -> World:
        account = replace(PROVEN)
        return World(account=account, caution=CAUTION, clock=self.clock, store=self.store, upstream=self.upstream)

    async def submit(self, where: tuple[int, BroadcastKind | None]) -> None:
        number = len(self.asked)
        submission = Submission(
            id=f"sub_{number}",
            account="default",
            broadcast_id=where[0],
            name=f"Spring [{number:012}]",
            request=b"{}",
            created=self.clock.now(),
            holder="me",
            kind=where[1],
        )
        with suppress(StoreError):
            await self.world.poller.submitter.cases.submit(submission)
            self.asked.append(submission)

    async def poll(self, times: int) -> None:
        for _ in range(times):
            await self.world.poller.step()
            await settle_down(5)
        with suppress(StoreError):
            await self.world.poller.submitter.cases.tidy()

    async def fail(self, operation: str) -> None:
        self.store.failing.add(operation)

    async def heal(self, _: int) -> None:
        self.store.failing.clear()

    async def restart(self, turns: int) -> None:
        """Whatever flies is gone; the store is what it is."""
        with suppress(StoreError):
            await self.world.poller.step()
        await settle_down(turns)
        await self.world.__aexit__()
        self.store.failing.clear()
        self.world = self._world()
        await self.world.__aenter__()

    async def withdraw(self, number: int) -> None:
        with suppress(StoreError):
            await self.world.poller.submitter.cases.withdraw(f"sub_{number}")

    async def pass_(self, seconds: int) -> None:
        self.clock.turn(seconds=seconds)

    async def end(self) -> None:
        """Nothing fails any more, until everything is settled."""
        self.store.failing.clear()
        for _ in range(400):
            if all(each.over or _of_no_listing(each) for each in self.store.kept_submissions.values()):
                return
            await self.poll(1)
        raise AssertionError([each for each in self.store.kept_submissions.values() if not each.over])

    def check(self) -> None:
        there = Counter(batch.name for _, _, batch in self.upstream.there)
        assert not [name for name, times in there.items() if times > 1]
        for asked in self.asked:
            kept = self.store.kept_submissions[asked.id]
            if kept.state is SubmissionState.ACCEPTED:
                assert [b.id for _, _, b in self.upstream.there if b.name == asked.name] == [kept.batch_id]
                assert Key("default", kept.batch_id or 0) in self.store.watches
            elif kept.state in (SubmissionState.REFUSED, SubmissionState.ABSENT) or "it was not sent" in kept.detail:
                assert there[asked.name] == 0, kept


def _of_no_listing(submission: Submission) -> bool:
    """Whether it stays for a person to decide: it is unclear, and its broadcast is of another kind than was said."""
    unclear = submission.state is SubmissionState.UNCLEAR
    return unclear and BROADCASTS[submission.broadcast_id] != submission.kind


@settings(deadline=None)
@given(st.lists(FATES, max_size=8), st.lists(st.booleans(), max_size=8), st.lists(STEPS, max_size=25))
def test_each_batch_is_there_once_at_most_and_what_is_said_of_it_is_true(
    fates: list[Fate], silences: list[bool], history: list[tuple[str, Any]]
) -> None:
    async def live() -> None:
        day = Day(fates, silences)
        await day.world.__aenter__()
        try:
            for name, argument in history:
                await getattr(day, name)(argument)
            await day.end()
        finally:
            await day.world.__aexit__()
        day.check()

    asyncio.run(live())
