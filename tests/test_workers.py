import asyncio
import inspect
from collections.abc import Awaitable, Callable

import pytest

from tests.fakes import Ear, FakeClock, settle_down
from watcher.core.news import LoopLag, WorkerFailed, WorkerRecovered
from watcher.workers import Crew, Pulse, Team


class Hand:
    """A worker whose steps are done one after another as they are given; after the last it waits for good."""

    def __init__(self, *steps: Exception | Callable[[], Awaitable[object]] | None, name: str = "hand") -> None:
        self.name = name
        self.taken = 0
        self._steps = list(steps)

    async def step(self) -> None:
        self.taken += 1
        await asyncio.sleep(0)
        if not self._steps:
            await asyncio.Event().wait()
        step = self._steps.pop(0)
        if isinstance(step, Exception):
            raise step
        if step is not None:
            await step()


class Busy:
    """A worker that always has something to do."""

    name = "busy"

    def __init__(self) -> None:
        self.taken = 0

    async def step(self) -> None:
        self.taken += 1
        await asyncio.sleep(0)


def crew(clock: FakeClock | None = None, ear: Ear | None = None, *, grace: float = 20.0) -> Crew:
    return Crew(clock=clock or FakeClock(), tell=ear or Ear(), grace=grace)


def task_named(name: str) -> asyncio.Task[object]:
    [task] = [task for task in asyncio.all_tasks() if task.get_name() == name]
    return task


# Workers


async def test_a_worker_takes_one_step_after_another_until_the_end() -> None:
    hand = Hand(None, None, None)
    async with crew() as mine:
        mine.hire(hand)
        await settle_down()
        task = task_named("hand")
        assert (hand.taken, task.done()) == (4, False)
    assert task.cancelled()


async def test_a_worker_that_fails_is_told_and_paused_longer_each_time_and_its_recovery_is_told_once() -> None:
    clock, ear = FakeClock(draws=(0.0, 0.5)), Ear()
    hand = Hand(*[ValueError("full")] * 3, None, None, ValueError("again"), None)
    async with crew(clock, ear) as mine:
        mine.hire(hand)
        await settle_down()
    assert clock.slept == [0.25, 0.75, 1.0, 0.375]
    told = ear.of(WorkerFailed, WorkerRecovered)
    assert [(news.error, news.pause) if isinstance(news, WorkerFailed) else "recovered" for news in told] == [
        ("ValueError: full", 0.25),
        ("ValueError: full", 0.75),
        ("ValueError: full", 1.0),
        "recovered",
        ("ValueError: again", 0.375),
        "recovered",
    ]
    assert all("Traceback" in news.trace for news in told if isinstance(news, WorkerFailed))


async def test_no_pause_is_longer_than_half_a_minute() -> None:
    clock = FakeClock(draws=(0.999,))
    async with crew(clock) as mine:
        mine.hire(Hand(*[ValueError()] * 30))
        await settle_down(200)
    assert clock.slept[-1] == max(clock.slept) == pytest.approx(30.0, abs=0.1)
    assert max(clock.slept) <= 30.0


async def test_a_worker_that_fails_takes_no_other_down() -> None:
    busy = Busy()
    async with crew() as mine:
        mine.hire(Hand(*[RuntimeError()] * 5))
        mine.hire(busy)
        await settle_down()
        taken = busy.taken
        await settle_down()
        assert busy.taken > taken


async def test_something_cancelled_inside_a_step_is_a_failure_and_not_the_workers_end() -> None:
    async def wait_for_what_was_given_up() -> None:
        given_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        given_up.cancel()
        await given_up

    ear = Ear()
    hand = Hand(wait_for_what_was_given_up, None)
    async with crew(ear=ear) as mine:
        mine.hire(hand)
        await settle_down()
        assert hand.taken == 3
    assert [type(news) for news in ear.heard] == [WorkerFailed, WorkerRecovered]


# Errands


async def test_an_errand_runs_beside_everything_under_its_name() -> None:
    done = asyncio.Event()

    async def errand() -> None:
        await asyncio.sleep(0)
        assert asyncio.current_task() is task_named("look default")
        done.set()

    async with crew() as mine:
        mine.errand("look default", errand())
        await settle_down()
        assert done.is_set()


async def test_what_an_errand_raises_is_told_and_goes_no_further() -> None:
    async def errand() -> None:
        raise ValueError("full")

    ear, busy = Ear(), Busy()
    async with crew(ear=ear) as mine:
        mine.hire(busy)
        mine.errand("look default", errand())
        await settle_down()
        assert busy.taken > 10
    [told] = ear.of(WorkerFailed)
    assert isinstance(told, WorkerFailed)
    assert (told.worker, told.error, told.pause) == ("look default", "ValueError: full", 0.0)


# The end


async def test_at_the_end_workers_stop_at_once_and_errands_end_in_peace() -> None:
    finish, ended = asyncio.Event(), asyncio.Event()

    async def errand() -> None:
        await finish.wait()
        ended.set()

    busy = Busy()
    async with crew() as mine:
        mine.hire(busy)
        mine.errand("look", errand())
        await settle_down()
        dismissing = asyncio.create_task(mine.dismiss())
        await settle_down()
        taken = busy.taken
        await settle_down()
        assert (busy.taken, dismissing.done(), ended.is_set()) == (taken, False, False)
        finish.set()
        await dismissing
    assert ended.is_set()


async def test_an_errand_that_another_one_begins_as_it_ends_has_its_time_too() -> None:
    landed, written = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        await settle_down()
        written.set()

    async with crew() as mine:

        async def land() -> None:
            await landed.wait()
            mine.errand("write", write())

        mine.errand("land", land())
        dismissing = asyncio.create_task(mine.dismiss())
        await settle_down()
        landed.set()
        await dismissing
        assert written.is_set()


async def test_at_rest_nothing_new_is_begun_and_what_flies_flies_on() -> None:
    finish, ended = asyncio.Event(), asyncio.Event()

    async def errand() -> None:
        await finish.wait()
        ended.set()

    busy = Busy()
    async with crew() as mine:
        mine.hire(busy)
        mine.errand("look", errand())
        await settle_down()
        await mine.rest()
        taken = busy.taken
        await settle_down()
        assert (busy.taken, ended.is_set()) == (taken, False)
        finish.set()
    assert ended.is_set()


async def test_the_grace_of_errands_begins_when_the_crew_comes_to_rest() -> None:
    async def errand() -> None:
        await asyncio.Event().wait()

    async with crew(grace=1e-9) as mine:
        mine.errand("look", errand())
        await settle_down()
        task = task_named("look")
        await mine.rest()
        await settle_down()
        assert not task.done()
        async with asyncio.timeout(60):
            await mine.dismiss()
        assert task.cancelled()


async def test_an_errand_that_outlasts_its_grace_is_cancelled_and_waited_for() -> None:
    cleaned = asyncio.Event()

    async def errand() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await settle_down(3)
            cleaned.set()

    async with crew(grace=0.0) as mine:
        mine.errand("look", errand())
        await settle_down()
        task = task_named("look")
        await mine.dismiss()
        assert (task.cancelled(), cleaned.is_set()) == (True, True)
        await mine.dismiss()  # there is nobody left, which is fine


async def test_an_error_in_the_body_ends_everything_and_comes_out_as_it_is() -> None:
    async def errand() -> None:
        await asyncio.Event().wait()

    tasks: list[asyncio.Task[object]] = []

    async def run() -> None:
        async with crew() as mine:
            mine.hire(Hand())
            mine.errand("look", errand())
            await settle_down()
            tasks.extend((task_named("hand"), task_named("look")))
            raise LookupError("port in use")

    with pytest.raises(LookupError, match="port in use"):
        await run()
    assert [task.cancelled() for task in tasks] == [True, True]


async def test_an_errand_that_had_no_time_to_begin_is_closed() -> None:
    async def errand() -> None:
        raise AssertionError("it began")

    never = errand()

    async def run() -> None:
        async with crew() as mine:
            mine.errand("look", never)
            raise LookupError

    with pytest.raises(LookupError):
        await run()
    await settle_down()
    assert inspect.getcoroutinestate(never) == inspect.CORO_CLOSED


@pytest.mark.parametrize("dismissing", [False, True])
async def test_cancelled_from_outside_it_ends_everything_at_once_and_is_cancelled_itself(dismissing: bool) -> None:
    entered = asyncio.Event()

    async def errand() -> None:
        await asyncio.Event().wait()

    async def run() -> None:
        async with crew() as mine:
            mine.hire(Hand())
            mine.errand("look", errand())
            entered.set()
            if not dismissing:
                await asyncio.Event().wait()

    running = asyncio.create_task(run())
    await entered.wait()
    await settle_down()
    look = task_named("look")
    running.cancel()
    await asyncio.wait([running])
    assert (running.cancelled(), look.cancelled()) == (True, True)


# The pulse


async def test_the_pulse_tells_how_late_it_was_woken() -> None:
    class Late(FakeClock):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds + 0.25)

    clock, ear = Late(), Ear()
    pulse = Pulse(clock=clock, tell=ear)
    await pulse.step()
    assert ear.heard == [LoopLag(seconds=0.25)]
    assert pulse.last_beat == clock.monotonic()


async def test_the_pulse_is_never_early() -> None:
    class Early(FakeClock):
        async def sleep(self, seconds: float) -> None:
            await super().sleep(seconds - 0.25)

    ear = Ear()
    await Pulse(clock=Early(), tell=ear).step()
    assert ear.heard == [LoopLag(seconds=0.0)]


# Teams


async def test_a_team_rests_when_what_it_began_has_ended_and_the_crew_goes_on() -> None:
    landed, others = asyncio.Event(), Hand(name="other")
    async with crew() as mine:
        mine.hire(others)
        team, hand = Team(mine, lambda _: False), Busy()
        team.hire(hand)
        team.errand("look", landed_then(landed))
        await settle_down()
        resting = asyncio.ensure_future(team.rest(20.0))
        await settle_down()
        taken = hand.taken
        assert not resting.done()
        landed.set()
        await resting
        await settle_down()
        assert (hand.taken, task_named("other").done()) == (taken, False)


async def test_a_team_rests_only_when_what_its_errands_began_has_ended_too() -> None:
    landed, written = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        await settle_down()
        written.set()

    async with crew() as mine:
        team = Team(mine, lambda _: False)

        async def land() -> None:
            await landed.wait()
            team.errand("write", write())

        team.errand("land", land())
        resting = asyncio.create_task(team.rest(20.0))
        await settle_down()
        landed.set()
        await resting
        assert written.is_set()


async def test_a_team_that_takes_too_long_to_rest_is_ended() -> None:
    async with crew() as mine:
        team = Team(mine, lambda _: False)
        await team.rest(0.0)  # nobody works
        team.errand("look", landed_then(asyncio.Event()))
        look = task_named("look")
        await team.rest(0.0)
        assert look.cancelled()


async def test_a_team_that_is_dropped_ends_at_once() -> None:
    async with crew() as mine:
        team = Team(mine, lambda _: False)
        team.hire(Busy())
        team.errand("look", landed_then(asyncio.Event()))
        tasks = [task_named("busy"), task_named("look")]
        team.drop()
        await settle_down()
        assert all(task.done() for task in tasks)


async def test_what_an_errand_of_a_team_raises_is_told_unless_it_is_dealt_with() -> None:
    ear = Ear()
    async with crew(ear=ear) as mine:
        team = Team(mine, lambda error: isinstance(error, KeyError))

        async def fail(error: Exception) -> None:
            raise error

        team.errand("one", fail(KeyError("known")))
        team.errand("two", fail(ValueError("not known")))
        await settle_down()
    assert [news.error for news in ear.heard if isinstance(news, WorkerFailed)] == ["ValueError: not known"]


async def landed_then(event: asyncio.Event) -> None:
    await event.wait()
