"""What is old is deleted in portions, between which everybody else has a turn."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from tests.fake_store import FakeStore
from tests.fakes import NOON, Ear, FakeClock
from watcher.core.model import Event
from watcher.core.news import Swept
from watcher.core.recovering import Cutoffs, Forgotten
from watcher.delivery import Retention, Sweeper
from watcher.delivery.retention import PORTION
from watcher.ports import StoreError

DAY = timedelta(days=1)


class Shredder:
    """The one method of a store that a sweeper asks, answering as scripted; the clock goes on by what each call takes."""

    def __init__(self, clock: FakeClock, answers: Sequence[Forgotten | StoreError], *, takes: float = 0.0) -> None:
        self.asked: list[tuple[Cutoffs, Forgotten, int]] = []
        self._clock = clock
        self._answers = list(answers)
        self._takes = takes

    async def forget(self, cutoffs: Cutoffs, since: Forgotten, most: int) -> Forgotten:
        self.asked.append((cutoffs, since, most))
        self._clock.turn(seconds=self._takes)
        answer = self._answers.pop(0)
        if isinstance(answer, StoreError):
            raise answer
        return answer


def sweeper_of(shredder: Shredder, clock: FakeClock, ear: Ear, retention: Retention | None = None) -> Sweeper:
    return Sweeper(retention or Retention(), store=shredder, clock=clock, tell=ear)  # type: ignore[arg-type]


async def test_a_round_goes_portion_by_portion_and_is_told_as_one() -> None:
    clock, ear = FakeClock(), Ear()
    answers = [
        Forgotten(events=1, deliveries=400, delivery=500, position=300),
        Forgotten(events=20, deliveries=300, broadcasts=2, delivery=1000, position=700),
        Forgotten(events=3, delivery=1200, position=900, endpoint="hook"),
        Forgotten(delivery=1200, position=900, endpoint="last", ended=True),
        Forgotten(ended=True),
    ]
    shredder = Shredder(clock, answers, takes=0.25)
    sweeper = sweeper_of(shredder, clock, ear)
    for _ in range(5):
        await sweeper.step()
    assert [since for _, since, _ in shredder.asked] == [
        Forgotten(),
        Forgotten(delivery=500, position=300),
        Forgotten(delivery=1000, position=700),
        Forgotten(delivery=1200, position=900, endpoint="hook"),
        Forgotten(),
    ]
    assert {most for _, _, most in shredder.asked} == {500}
    assert clock.slept == [0.05, 0.05, 0.05, 60.0, 60.0]
    assert ear.heard == [Swept(events=24, deliveries=700, broadcasts=2, took=1.0)]


@pytest.mark.parametrize("what", ["events", "deliveries", "broadcasts"])
async def test_a_round_that_deleted_anything_is_told(what: str) -> None:
    clock, ear = FakeClock(), Ear()
    counts: dict[str, Any] = {"events": 0, "deliveries": 0, "broadcasts": 0} | {what: 1}
    await sweeper_of(Shredder(clock, [Forgotten(**counts, ended=True)]), clock, ear).step()
    assert ear.heard == [Swept(**counts, took=0.0)]


async def test_each_kind_is_kept_as_long_as_the_settings_say_from_now() -> None:
    clock = FakeClock()
    shredder = Shredder(clock, [Forgotten(ended=True), Forgotten(ended=True)])
    retention = Retention(events=30 * DAY, deliveries=10 * DAY, broadcasts=20 * DAY)
    sweeper = sweeper_of(shredder, clock, Ear(), retention)
    for _ in range(2):
        await sweeper.step()
    minute = timedelta(minutes=1)
    assert [(cutoffs, most) for cutoffs, _, most in shredder.asked] == [
        (
            Cutoffs(events=at - 30 * DAY, deliveries=at - 10 * DAY, broadcasts=at - 20 * DAY),
            PORTION,
        )
        for at in (NOON, NOON + minute)
    ]


async def test_settings_that_change_count_from_the_next_portion_on() -> None:
    clock = FakeClock()
    shredder = Shredder(clock, [Forgotten(), Forgotten()])
    sweeper = sweeper_of(shredder, clock, Ear(), Retention(events=3 * DAY, deliveries=2 * DAY, broadcasts=DAY))
    await sweeper.step()
    sweeper.keep(Retention(events=9 * DAY, deliveries=9 * DAY, broadcasts=9 * DAY))
    at = clock.now()
    await sweeper.step()
    ago = at - 9 * DAY
    assert shredder.asked[1][0] == Cutoffs(events=ago, deliveries=ago, broadcasts=ago)


async def test_a_portion_that_failed_is_begun_anew() -> None:
    clock, ear = FakeClock(), Ear()
    answers: list[Forgotten | StoreError] = [
        Forgotten(events=5, delivery=500, position=300),
        StoreError("the disk is full"),
        Forgotten(events=6, delivery=600, position=400, ended=True),
    ]
    shredder = Shredder(clock, answers)
    sweeper = sweeper_of(shredder, clock, ear)
    await sweeper.step()
    with pytest.raises(StoreError):
        await sweeper.step()
    await sweeper.step()
    assert [since.delivery for _, since, _ in shredder.asked] == [0, 500, 500]
    assert ear.heard == [Swept(events=11, deliveries=0, broadcasts=0, took=0.0)]


async def test_what_is_old_is_gone_after_a_round_and_the_rest_is_not() -> None:
    clock, ear = FakeClock(), Ear()
    store = FakeStore(clock)
    for number, age in enumerate((40, 31, 29, 0), start=1):
        at = clock.now() - age * DAY
        store._record([Event(type="batch.new", at=at, account="default", batch_id=number, number=1, data={})])
    sweeper = Sweeper(Retention(), store=store, clock=clock, tell=ear)
    await sweeper.step()
    assert [event.batch_id for event in store.log] == [3, 4]
    assert ear.heard == [Swept(events=2, deliveries=0, broadcasts=0, took=0.0)]
