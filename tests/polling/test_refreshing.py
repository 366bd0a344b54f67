"""Looks that somebody asks for and waits for, and accounts that an operator wants asked again."""

import asyncio
from dataclasses import replace

import pytest

from tests.fakes import FAILS, REFUSES, Reply, lists, shows
from tests.polling.world import PROVEN, World, after, unseen, validating
from watcher.core.account import Account, AccountRecord, Condition
from watcher.core.answers import Kind
from watcher.core.model import Batch, Key
from watcher.core.news import ConditionChanged, Looked

KEY = Key("default", 1)


async def asked_for(world: World, batch_id: int = 1) -> "asyncio.Future[bool]":
    look = await world.polling.refresh(Key("default", batch_id))
    assert look is not None
    return look


async def test_a_refresh_is_over_when_its_look_was_taken_in() -> None:
    async with World(validating(1), validating(2, seen=after(-600))) as world:
        world.clock.turn(seconds=5)
        world.upstream.script(1, shows("ACTIVE"))
        look = await asked_for(world)
        assert await asked_for(world) is look
        await world.step_until(look.done)
        assert (look.result(), world.upstream.batches, world.stored(1).status) == (True, [1], "ACTIVE")
        assert world.ear.of(Looked) == [Looked(account="default", by="refresh", result="changed")]
        assert await world.polling.refresh(KEY) is None  # it is followed no more


@pytest.mark.parametrize("reply", [FAILS, Reply(kind=Kind.GARBAGE, outcome="bad_body")])
async def test_a_refresh_that_callfire_does_not_answer_is_over_without_a_look(reply: Reply) -> None:
    async with World(validating(1)) as world:
        world.clock.turn(seconds=5)
        world.upstream.script(1, reply)
        look = await asked_for(world)
        await world.step_until(look.done)
        assert (look.result(), world.upstream.batches) == (False, [1])


async def test_a_look_that_fails_below_us_leaves_nobody_waiting() -> None:
    async with World(validating(1)) as world:
        world.clock.turn(seconds=5)
        world.upstream.script(1, Reply(raises=RuntimeError("ours")))
        look = await asked_for(world)
        await world.step_until(look.done)
        assert (look.result(), len(world.errands.failed)) == (False, 1)


async def test_a_refresh_joins_a_look_in_flight() -> None:
    async with World(unseen(1)) as world:
        gate = asyncio.Event()
        world.upstream.script(1, replace(shows("NEW"), gate=gate))
        await world.step()
        look = await asked_for(world)
        assert (world.upstream.batches, look.done()) == ([1], False)
        gate.set()
        await world.step_until(look.done)
        assert (look.result(), world.upstream.batches) == (True, [1])


async def test_a_refresh_that_joined_a_look_in_vain_has_one_of_its_own() -> None:
    async with World(unseen(1)) as world:
        gate = asyncio.Event()
        world.upstream.script(1, replace(FAILS, gate=gate), shows("NEW"))
        await world.step()
        look = await asked_for(world)
        gate.set()
        await world.step_until(lambda: len(world.upstream.batches) == 2 and look.done())
        assert (look.result(), world.stored(1).status) == (True, "NEW")


async def test_a_refresh_waits_while_callfire_wants_a_pause() -> None:
    async with World(validating(1)) as world:
        world.clock.turn(seconds=5)
        world.upstream.script(1, Reply(kind=Kind.THROTTLED, outcome="429"), shows("ACTIVE"))
        look = await asked_for(world)
        await world.step()
        assert not look.done()
        await world.step_until(look.done)
        assert (look.result(), world.upstream.batches) == (True, [1, 1])


async def test_a_page_that_shows_the_batch_is_a_look_too() -> None:
    watches = [validating(number, broadcast_id=70) for number in (1, 2, 3)]
    async with World(*watches) as world:
        world.clock.turn(seconds=30)
        gate = asyncio.Event()
        batches = [Batch(id=number, status="VALIDATING") for number in (1, 2, 3)]
        world.upstream.script_listing("call", 70, replace(lists(*batches), gate=gate))
        world.upstream.script_listing("text", 70, replace(lists(*batches), gate=gate))
        await world.step_until(lambda: bool(world.upstream.pages))
        look = await asked_for(world, 2)
        gate.set()
        await world.step_until(look.done)
        assert (look.result(), world.upstream.batches) == (True, [])


async def test_nobody_waits_for_a_watch_that_is_stopped() -> None:
    async with World(validating(1)) as world:
        look = await asked_for(world)
        await world.polling.stop(KEY)
        assert look.result() is False


async def test_there_is_nothing_to_refresh_where_nobody_follows() -> None:
    async with World() as world:
        assert await world.polling.refresh(KEY) is None
        assert await world.polling.refresh(Key("other", 1)) is None


async def test_who_no_longer_waits_is_no_trouble() -> None:
    async with World(validating(1)) as world:
        world.clock.turn(seconds=5)
        world.upstream.script(1, shows("ACTIVE"))
        (await asked_for(world)).cancel()
        await world.step()
        assert (world.stored(1).status, world.errands.failed) == ("ACTIVE", [])


# Resuming

REFUSED = Account(
    name="default", credentials="mine", condition=Condition.REFUSED, reason="401", until=after(3600), refusals=2
)


async def test_a_refused_account_is_probed_at_once_where_an_operator_says_so() -> None:
    async with World(validating(1), validating(2), account=REFUSED) as world:
        for batch_id in (1, 2):
            world.upstream.script(batch_id, shows("VALIDATING"))
        await world.step()
        assert world.upstream.batches == []
        await world.polling.resume("default")
        await world.step_until(lambda: world.poller.account.condition is Condition.OK)
        assert world.told[-1] == ("account.recovered", 1)
        assert len(world.upstream.batches) == 1


async def test_a_probe_that_is_refused_again_waits_for_longer() -> None:
    async with World(validating(1), account=REFUSED) as world:
        world.upstream.script(1, REFUSES)
        await world.polling.resume("default")
        assert world.store.records["default"] == AccountRecord(
            name="default", credentials="mine", refused=True, reason="401", refusals=2
        )
        await world.step_until(lambda: world.poller.account.refusals == 3)
        assert world.poller.account.condition is Condition.REFUSED
        assert world.poller.account.until == world.clock.now() + (after(6 * 3600) - after(0))
        await world.step(5)
        assert world.upstream.batches == [1]


async def test_a_paused_account_is_asked_again() -> None:
    async with World(validating(1), account=replace(PROVEN, condition=Condition.PAUSED, reason="by hand")) as world:
        world.upstream.script(1, shows("VALIDATING"))
        await world.step()
        assert world.upstream.batches == []
        await world.polling.resume("default")
        assert world.ear.of(ConditionChanged)[-1:] == [
            ConditionChanged(account="default", condition="ok", previous="paused", reason="", until=None)
        ]
        await world.step_until(lambda: bool(world.upstream.batches))


async def test_resuming_asks_about_what_waits_longest_where_nothing_is_due() -> None:
    watches = [validating(1), validating(2, seen=after(-0.4)), validating(3)]
    async with World(*(replace(each, opened=after(-60)) for each in watches)) as world:
        world.upstream.script(2, shows("VALIDATING"))
        await world.polling.resume("default")
        await world.step_until(lambda: bool(world.upstream.batches))
        assert world.upstream.batches == [2]


async def test_an_account_without_watches_has_nothing_to_be_asked_about() -> None:
    async with World() as world:
        await world.polling.resume("default")
        assert world.poller.account == PROVEN
