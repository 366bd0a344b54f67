import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.chaos.faults.times import in_turned_time
from watcher.http.deadlines import Deadlines

SOON = 0.02
"""Seconds."""
NEVER = 60.0

Body = Callable[[], Awaitable[object]]


async def for_good() -> None:
    await asyncio.Event().wait()


async def within(deadlines: Deadlines, seconds: float, body: Body = for_good) -> str:
    """What came of it, and that it was neither early nor late."""
    loop = asyncio.get_running_loop()
    due = loop.time() + seconds
    try:
        with deadlines.within(seconds):
            await body()
    except TimeoutError:
        assert loop.time() == pytest.approx(due)
        return "late"
    return "in time"


@in_turned_time
async def test_what_takes_longer_is_cancelled_and_a_timeout() -> None:
    assert await within(Deadlines(), SOON) == "late"


@in_turned_time
async def test_what_ends_in_time_is_left_alone_also_once_its_deadline_has_passed() -> None:
    deadlines = Deadlines()
    assert await within(deadlines, SOON, lambda: asyncio.sleep(0)) == "in time"
    await asyncio.sleep(2 * SOON)
    assert await within(deadlines, SOON) == "late"


@in_turned_time
async def test_each_of_many_has_its_own_deadline_whichever_began_first() -> None:
    deadlines = Deadlines()
    seconds = [3 * SOON, NEVER, SOON, 2 * SOON, SOON]
    bodies: list[Body] = [for_good, lambda: asyncio.sleep(0), for_good, lambda: asyncio.sleep(0), for_good]
    outcomes = await asyncio.gather(*map(within, [deadlines] * 5, seconds, bodies))
    assert outcomes == ["late", "in time", "late", "in time", "late"]


@in_turned_time
async def test_a_nearer_one_within_another_ends_first() -> None:
    deadlines = Deadlines()
    assert await within(deadlines, NEVER, lambda: within(deadlines, SOON)) == "in time"
    assert await within(deadlines, SOON, lambda: within(deadlines, NEVER)) == "late"


@in_turned_time
async def test_another_error_stays_what_it_is() -> None:
    async def fails() -> None:
        try:
            await for_good()
        finally:
            raise LookupError

    with pytest.raises(LookupError):
        await within(Deadlines(), SOON, fails)
    await asyncio.sleep(0)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


@in_turned_time
async def test_who_is_cancelled_by_somebody_else_is_cancelled() -> None:
    deadlines = Deadlines()
    task = asyncio.ensure_future(within(deadlines, NEVER))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@in_turned_time
async def test_who_is_cancelled_by_somebody_else_and_late_too_is_cancelled() -> None:
    async def slow_to_stop() -> None:
        try:
            await for_good()
        except asyncio.CancelledError:
            task.cancel()
            raise

    task = asyncio.ensure_future(within(Deadlines(), SOON, slow_to_stop))
    with pytest.raises(asyncio.CancelledError):
        await task
