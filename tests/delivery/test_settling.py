import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

import pytest

from tests.fakes import NOON, Errands, FakeClock, settle_down
from watcher.core.endpoint import Attempt, Delivery
from watcher.core.outbox import Settlement
from watcher.delivery.settling import APART, CROWD, HALF, MANY, Claim, Settling
from watcher.ports import Deliveries, Settled, StoreError

ACCEPTED = Attempt(at=NOON, took=timedelta(seconds=1), code=200)


@dataclass
class SlowStore:
    """Settles all it is given when `gate` is open; keeps the ids of each turn."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    turns: list[list[int]] = field(default_factory=list)
    failing: bool = False
    broken: bool = False

    async def settle(self, settlements: Sequence[tuple[Settlement, str]]) -> list[Settled | None]:
        self.turns.append([settlement.delivery_id for settlement, _ in settlements])
        await self.gate.wait()
        if self.broken:
            raise ZeroDivisionError("a mistake of ours")
        if self.failing:
            raise StoreError("the disk is full")
        return [Settled(outcome=settlement.outcome) for settlement, _ in settlements]


class PatientClock(FakeClock):
    """Waits until what is waited for happens, however long that takes."""

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        await event.wait()


class Desk:
    """Settling among fakes, with so many deliveries in flight."""

    def __init__(self, flying: int, clock: FakeClock) -> None:
        self.clock = clock
        self.store = SlowStore()
        self.store.gate.set()
        self.errands = Errands()
        self.freed: list[int] = []
        self.settled: list[tuple[int, bool]] = []
        self.settling = Settling(
            store=cast(Deliveries, self.store),
            clock=self.clock,
            errand=self.errands,
            freed=lambda deliveries: self.freed.extend(delivery.id for delivery in deliveries),
            settled=lambda settlement, settled: self.settled.append((settlement.delivery_id, settled is not None)),
        )
        for number in range(1, flying + 1):
            assert self.settling.begin(Claim(delivery(number), "mine", NOON + timedelta(seconds=45)))

    async def end(self, *numbers: int) -> None:
        for number in numbers:
            self.settling.end(delivery(number), ACCEPTED)
        await settle_down()


def delivery(number: int) -> Delivery:
    return Delivery(
        id=number,
        endpoint_id="hook",
        position=number,
        event_id=f"evt_{number}",
        event_type="batch.active",
        body=b"{}",
        created=NOON,
        due=NOON,
    )


@asynccontextmanager
async def desk(flying: int, clock: FakeClock | None = None) -> AsyncIterator[Desk]:
    made = Desk(flying, clock or FakeClock())
    async with made.errands:
        yield made


async def test_with_few_in_flight_what_ends_is_written_down_at_once() -> None:
    async with desk(MANY) as there:
        await there.end(1)
        await there.end(2)
        assert (there.store.turns, there.clock.slept) == ([[1], [2]], [])
        assert (there.freed, there.settled) == ([1, 2], [(1, True), (2, True)])


async def test_what_ends_while_the_store_is_busy_is_written_down_together_at_its_next_turn() -> None:
    async with desk(MANY) as there:
        there.store.gate.clear()
        await there.end(1)
        await there.end(2)
        await there.end(3)
        assert (there.store.turns, there.freed) == ([[1]], [1])
        there.store.gate.set()
        await settle_down()
        assert (there.store.turns, there.freed) == ([[1], [2, 3]], [1, 2, 3])


async def test_with_many_in_flight_others_are_waited_for_but_not_for_long() -> None:
    async with desk(MANY + CROWD + 2) as there:
        crowd = list(range(1, 1 + CROWD))
        await there.end(*crowd)
        assert (there.store.turns, there.clock.slept) == ([crowd], [])  # none was written down just before
        await there.end(CROWD + 1)
        assert there.clock.slept == [pytest.approx(APART, rel=1e-3)]
        assert there.store.turns == [crowd, [CROWD + 1]]


async def test_where_attempts_end_one_by_one_nobody_is_waited_for_however_many_hang() -> None:
    async with desk(10 * MANY) as there:
        for number in range(1, 9):
            await there.end(number)
        assert (there.store.turns, there.clock.slept) == ([[number] for number in range(1, 9)], [])


async def test_those_that_were_waited_for_in_vain_are_not_waited_for_again_but_others_are() -> None:
    first, second, third = ([CROWD * turn + number for number in range(1, 1 + CROWD)] for turn in range(3))
    async with desk(10 * MANY) as there:
        await there.end(*first)
        await there.end(*second)
        assert len(there.clock.slept) == 1
        await there.end(*third)
        assert (there.store.turns, len(there.clock.slept)) == ([first, second, third], 1)
        later = range(10 * MANY + 1, 12 * MANY)
        for number in later:
            assert there.settling.begin(Claim(delivery(number), "mine", NOON + timedelta(seconds=45)))
        await there.end(*later[:CROWD])
        assert len(there.clock.slept) == 2


async def test_half_of_a_crowd_is_written_down_and_what_ended_in_the_same_turn_after_it() -> None:
    async with desk(4 * MANY, PatientClock()) as there:
        first, rest = list(range(1, 1 + CROWD)), list(range(1 + CROWD, 1 + CROWD + 2 * MANY))
        await there.end(*first)
        await there.end(rest[0])
        assert there.store.turns == [first]
        await there.end(*rest[1:])
        half = next(ended for ended in range(len(rest)) if ended >= HALF * (4 * MANY - CROWD - ended))
        assert there.store.turns == [first, rest[:half], rest[half:]]


async def test_while_more_is_claimed_there_is_more_to_wait_for() -> None:
    async with desk(2 * CROWD, PatientClock()) as there:
        first, rest = list(range(1, 1 + CROWD)), list(range(1 + CROWD, 1 + 2 * CROWD))
        await there.end(*first)
        with there.settling.claiming():
            await there.end(*rest)
            assert there.store.turns == [first]
        await settle_down()
        assert there.store.turns == [first, rest]


async def test_what_cannot_be_written_down_while_its_lease_lasts_is_lost_and_heard_of_and_the_rest_goes_on() -> None:
    async with desk(2) as there:
        there.store.failing = True
        there.clock.turn(seconds=44)
        await there.end(1)
        assert there.settled == [(1, False)]
        assert [type(error) for error in there.errands.failed] == [StoreError]
        there.store.failing = False
        assert there.settling.begin(Claim(delivery(1), "later", NOON + timedelta(seconds=90)))
        await there.end(1, 2)
        assert there.settled == [(1, False), (1, True), (2, True)]


async def test_what_is_under_way_is_not_begun_again_but_settled_under_its_newest_claim() -> None:
    async with desk(1) as there:
        assert not there.settling.begin(Claim(delivery(1), "newer", NOON + timedelta(seconds=90)))
        assert there.settling.tokens == {"newer"}
        await there.end(1)
        assert (there.settling.tokens, there.settled) == (set(), [(1, True)])


async def test_what_is_abandoned_frees_its_place_and_may_be_begun_again() -> None:
    async with desk(1) as there:
        there.settling.abandon(delivery(1))
        assert (there.freed, there.settled) == ([1], [])
        assert there.settling.begin(Claim(delivery(1), "later", NOON + timedelta(seconds=90)))


async def test_where_settling_itself_fails_nothing_stays_under_way() -> None:
    async with desk(2) as there:
        there.store.broken = True
        await there.end(1, 2)
        assert [type(error) for error in there.errands.failed] == [ZeroDivisionError]
        there.store.broken = False
        assert there.settling.begin(Claim(delivery(1), "later", NOON + timedelta(seconds=90)))
        await there.end(1)
        assert there.settled == [(1, True)]
