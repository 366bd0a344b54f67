"""What must hold whatever CallFire answers, however long it takes, and whether or not the store can write."""

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from math import inf

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import NOON, FakeClock, FakeUpstream, Reply, shows
from tests.polling.world import PROVEN, UNKNOWN, World, unseen, validating
from watcher.core.account import Account, Condition
from watcher.core.answers import Answer, Kind, look_of
from watcher.core.model import FINAL_STATUSES, Key
from watcher.polling.keeping import Keeper
from watcher.polling.poller import Poller
from watcher.ports import StoreError

TICK = 0.5
MIN_INTERVAL = timedelta(seconds=1)

kinds = {
    Kind.GARBAGE: "bad_body",
    Kind.UNFIT: "400",
    Kind.UNAUTHORIZED: "401",
    Kind.FORBIDDEN: "403",
    Kind.NOT_FOUND: "404",
    Kind.GONE: "410",
    Kind.THROTTLED: "429",
    Kind.FAILED: "503",
}
delays = st.sampled_from([0.0, 0.1, 0.7, 5.0, 15.0])
sights = st.builds(shows, st.sampled_from(["NEW", "VALIDATING", "VALIDATING", "ACTIVE", "BAKING"]), takes=delays)
troubles = st.builds(
    lambda kind, pause, takes: Reply(
        kind=kind,
        outcome=kinds[kind],
        retry_after=timedelta(seconds=pause) if pause and kind in (Kind.THROTTLED, Kind.FAILED) else None,
        takes=takes,
    ),
    st.sampled_from(list(kinds)),
    st.sampled_from([0, 0, 1, 20]),
    delays,
)


class TickingClock(FakeClock):
    """Time that goes on in small steps while somebody waits, so that whoever is waited for can come in between."""

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        end = self.now() + timedelta(seconds=seconds)
        while not event.is_set() and self.now() < end:
            self.turn(seconds=min(TICK, (end - self.now()).total_seconds()))
            for _ in range(3):
                await asyncio.sleep(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    at: datetime
    batch_id: int
    account: Account  # as it was when this was chosen
    in_flight: int  # before it


class Witness(FakeUpstream):
    """Writes down in what state the poller sends each request, and what it got."""

    poller: Poller

    def __init__(self, clock: FakeClock, *, rate: float) -> None:
        super().__init__(clock, rate=rate)
        self.sent: list[Asked] = []
        self._chosen_in: tuple[Account, int] = (PROVEN, 0)
        self.answers: dict[tuple[datetime, int], Answer] = {}

    async def token(self, within: float = inf) -> bool:
        granted = await super().token(within)
        self._chosen_in = self.poller.account, self.flying.total()  # the choice follows at once
        return granted

    async def look(self, batch_id: int) -> Answer:
        now = self.clock.now()
        account, in_flight = self._chosen_in
        self.sent.append(Asked(at=now, batch_id=batch_id, account=account, in_flight=in_flight))
        answer = await super().look(batch_id)
        self.answers[now, batch_id] = answer
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """So many watches, what CallFire answers about each, and during which ticks of five seconds the store cannot write."""

    replies: list[list[Reply]]
    rate: float
    concurrency: int
    proven: bool
    failing: list[bool]


runs = st.builds(
    Run,
    replies=st.lists(st.lists(st.one_of(sights, sights, troubles), min_size=1, max_size=8), min_size=1, max_size=6),
    rate=st.sampled_from([0.5, 2.0, 5.0, 20.0]),
    concurrency=st.integers(1, 5),
    proven=st.booleans(),
    failing=st.lists(st.booleans(), min_size=1, max_size=12),
)


async def play(run: Run) -> tuple[World, Witness]:
    """A minute of it, with a keeper that saves every five seconds."""
    clock = TickingClock(draws=(0.5, 0.1, 0.9))
    upstream = Witness(clock, rate=run.rate)
    watches = [unseen(number) if number % 2 else validating(number) for number in range(1, len(run.replies) + 1)]
    account = PROVEN if run.proven else UNKNOWN
    async with World(*watches, account=account, concurrency=run.concurrency, clock=clock, upstream=upstream) as world:
        upstream.poller = world.poller
        for number, replies in enumerate(run.replies, start=1):
            upstream.script(number, *replies)
        keeper = Keeper(world.polling, reports=(), clock=clock, every=0.0)
        saved = 0
        while clock.now() < NOON + timedelta(minutes=1):
            await world.poller.step()
            due = int((clock.now() - NOON).total_seconds() // 5)
            if due > saved:
                saved = due
                try:
                    await keeper.step()
                except StoreError:
                    assert run.failing[saved % len(run.failing)] or world.store.failing
                world.store.failing = (
                    {"commit", "save_looks", "save_account", "tally"}
                    if run.failing[saved % len(run.failing)]
                    else set()
                )
    return world, upstream


@settings(max_examples=150, deadline=None)
@given(runs)
def test_every_request_has_a_token_of_its_own_and_keeps_to_the_rules(run: Run) -> None:
    _, upstream = asyncio.run(play(run))
    period = timedelta(seconds=1 / run.rate) - timedelta(microseconds=1)
    assert len(upstream.sent) <= upstream.tokens
    for sooner, later in pairwise(upstream.sent):
        assert later.at - sooner.at >= period  # so never over the rate, in any window
    assert upstream.most_at_once <= 1
    for asked in upstream.sent:
        account = asked.account
        assert account.until is None or account.until <= asked.at
        assert account.condition is not Condition.PAUSED
        calm = account.proven and account.condition is Condition.OK and not account.refusals_in_a_row
        assert asked.in_flight < (run.concurrency if calm else 1)
    for batch_id in range(1, len(run.replies) + 1):
        of_batch = [asked.at for asked in upstream.sent if asked.batch_id == batch_id]
        for sooner_at, later_at in pairwise(of_batch):
            untouched = look_of(upstream.answers[sooner_at, batch_id]) is None
            assert untouched or later_at - sooner_at >= MIN_INTERVAL


@settings(max_examples=150, deadline=None)
@given(runs)
def test_events_are_numbered_without_gap_or_repeat_and_say_what_the_watch_says(run: Run) -> None:
    world, _ = asyncio.run(play(run))
    for batch_id in range(1, len(run.replies) + 1):
        first = 1 if batch_id % 2 else 2
        numbers = [event.number for event in world.store.log if event.batch_id == batch_id]
        assert numbers == list(range(first, first + len(numbers)))
        watch = world.store.watches[Key("default", batch_id)]
        assert watch.number == first - 1 + len(numbers)
        assert (batch_id in world.poller.roster) == (watch.state == "open")
        assert watch.state != "open" or watch.status not in FINAL_STATUSES
    numbers = [event.number for event in world.store.log if event.batch_id is None]
    assert numbers == list(range(1, len(numbers) + 1))
    types = [event.type for event in world.store.log if event.batch_id is None]
    assert types == ["account.refused", "account.recovered"][: len(types)] or len(types) > 2
