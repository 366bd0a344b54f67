"""Switching a batch on or off: CallFire is told, then asked what it shows; and whoever waits hears what came of both."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import FAILS, NOON, Reply, StillClock, shows
from tests.polling.world import World, validating
from watcher.core.answers import Kind, SwitchAnswer
from watcher.core.model import Key
from watcher.core.news import Throttled
from watcher.ports import Switched

DONE = SwitchAnswer(batch_id=13, asked=NOON, answered=NOON, kind=Kind.SEEN, outcome="200", done=True)
LOST = replace(DONE, kind=Kind.FAILED, outcome="timeout", done=False)
REFUSED = replace(DONE, kind=Kind.NOT_FOUND, outcome="404", done=False)
SLOWER = replace(DONE, kind=Kind.THROTTLED, outcome="429", done=False, retry_after=timedelta(seconds=1))
OFF = shows("ACTIVE", enabled=False)


async def switched(made: World, most: Callable[[], bool] = lambda: False) -> Switched:
    """What comes of having batch 13 switched off."""
    waiting = asyncio.create_task(made.poller.submitter.switches.switch(13, False, 20.0))
    await made.step_until(lambda: waiting.done() or most())
    return await waiting


def world(*answers: SwitchAnswer) -> World:
    made = World(clock=Patient())
    made.upstream.script_switch(*answers)
    made.upstream.script(13, OFF)
    return made


class Patient(StillClock):
    """Whoever waits for an answer waits for it; the poller does not wait for work."""

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        if seconds == 20.0:
            await event.wait()
        elif not event.is_set():
            await self.sleep(seconds)


async def test_callfire_is_told_and_then_asked() -> None:
    async with world(DONE) as made:
        came = await switched(made)
        assert (made.upstream.switched, made.upstream.batches) == ([(13, False)], [13])
        assert came.answer is not None
        assert came.batch is not None
        assert (came.answer.done, came.batch.enabled) == (True, False)
        assert made.upstream.tokens == 2


async def test_after_a_lost_answer_it_is_asked_too() -> None:
    async with world(LOST) as made:
        came = await switched(made)
        assert came.answer is not None
        assert came.batch is not None
        assert (came.answer.done, came.batch.enabled) == (False, False)


async def test_what_callfire_refuses_is_not_asked_about() -> None:
    async with world(REFUSED) as made:
        came = await switched(made)
        assert came.answer is not None
        assert (came.answer.outcome, came.answer.done, made.upstream.batches) == ("404", False, [])
        assert came.batch is None


async def test_where_callfire_wants_a_pause_it_is_told_again_after_it() -> None:
    async with world(SLOWER, DONE) as made:
        made.upstream.script(13, Reply(kind=Kind.THROTTLED, outcome="429"), OFF)
        came = await switched(made)
        assert made.upstream.switched == [(13, False)] * 2
        assert made.upstream.batches == [13, 13]
        assert len(made.ear.of(Throttled)) == 2
        assert came.batch is not None


async def test_where_callfire_does_not_answer_that_is_what_came() -> None:
    async with world(DONE) as made:
        made.upstream.script(13, FAILS)
        came = await switched(made)
        assert came.answer is not None
        assert (came.answer.done, came.batch) == (True, None)


async def test_nobody_tells_callfire_what_nobody_waits_for_any_more() -> None:
    async with World() as made:  # its waits are over at once
        assert await made.poller.submitter.switches.switch(13, True, 20.0) == Switched()
        await made.step(2)
        assert made.upstream.switched == []


@pytest.mark.parametrize("status", ["VALIDATING", "ACTIVE"])
async def test_what_is_seen_of_a_batch_that_is_followed_is_learnt(status: str) -> None:
    made = World(validating(13), clock=Patient())
    made.upstream.script_switch(DONE)
    made.upstream.script(13, shows(status, enabled=False, size=7))
    async with made:
        await switched(made)
        await made.step_until(lambda: made.errands.running == 0)
        watch = made.stored(13) if status == "ACTIVE" else None
        assert watch is None or (watch.status, watch.enabled) == ("ACTIVE", False)
        assert (Key("default", 13) in made.store.watches) is True
