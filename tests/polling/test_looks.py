"""What a poller remembers of its looks, and of what they cost."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from tests.fakes import FAILS, KNOWS_NOTHING, NOON, Reply, lists, settle_down, shows
from tests.polling.world import World, after, unseen, validating
from watcher.core.answers import Kind
from watcher.core.model import Batch, Key
from watcher.core.news import Looked
from watcher.ports import PastLook, PastLooks, StoreError

KEY = Key("default", 1)


async def kinds(world: World, batch_id: int = 1) -> list[tuple[str, str]]:
    """By what the looks that are remembered were made, and what came of them."""
    return [(look.by, look.result) for look in (await world.polling.past_looks(Key("default", batch_id))).looks]


def told(world: World) -> list[tuple[str, str]]:
    return [(news.by, news.result) for news in world.ear.of(Looked) if isinstance(news, Looked)]


async def look(world: World) -> None:
    """Steps until one more look was made."""
    before = len(world.upstream.asked)
    await world.step_until(lambda: len(world.upstream.asked) > before)


async def test_a_look_is_remembered_with_its_times_and_what_came_of_it() -> None:
    async with World(unseen(1)) as world:
        world.upstream.script(1, replace(shows("NEW"), gate=(gate := asyncio.Event())))
        await world.step()
        assert (await world.polling.past_looks(KEY)) == PastLooks(looks=(), since=NOON)
        world.clock.turn(seconds=0.25)
        gate.set()
        await settle_down()
        seen = PastLook(asked=after(0.2), answered=after(0.45), by="single", result="changed")
        assert (await world.polling.past_looks(KEY)) == PastLooks(looks=(seen,), since=NOON)
        assert (await world.polling.past_looks(Key("default", 2))) == PastLooks(looks=(), since=NOON)


async def test_whatever_comes_of_a_look_is_remembered_as_it_is_told() -> None:
    throttled = Reply(kind=Kind.THROTTLED, outcome="429", retry_after=timedelta(seconds=10))
    async with World(unseen(1)) as world:
        world.upstream.script(1, shows("NEW"), shows("NEW"), FAILS, throttled, KNOWS_NOTHING, shows("ACTIVE"))
        for _ in range(5):
            await look(world)
        await world.polling.refresh(KEY)
        await look(world)
        assert await kinds(world) == [
            ("single", "changed"),
            ("single", "unchanged"),
            ("single", "unanswered"),
            ("single", "untouched"),
            ("single", "missing"),
            ("refresh", "changed"),
        ]
        assert await kinds(world) == told(world)


async def test_of_an_end_the_looks_stay_remembered() -> None:
    async with World(unseen(1)) as world:
        world.upstream.script(1, shows("ACTIVE"))
        await look(world)
        assert len(world.poller.roster) == 0
        assert await kinds(world) == [("single", "changed")]


async def test_a_look_that_was_overtaken_is_remembered_too() -> None:
    async with World(validating(1)) as world:
        world.upstream.script(1, replace(shows("ACTIVE"), gate=(gate := asyncio.Event())))
        world.clock.turn(minutes=1)
        await world.step()
        assert await world.polling.stop(KEY)
        gate.set()
        await settle_down()
        assert await kinds(world) == [("single", "overtaken")]


async def test_what_could_not_be_recorded_counts_as_no_look() -> None:
    async with World(unseen(1)) as world:
        world.upstream.script(1, shows("ACTIVE"))
        world.store.failing.add("commit")
        await look(world)
        assert [type(error) for error in world.errands.failed] == [StoreError]
        assert (await kinds(world), told(world)) == ([], [])


async def test_a_page_is_a_look_at_each_batch_that_it_shows() -> None:
    numbers = range(1, 21)
    async with World(*(validating(number, broadcast_id=9) for number in numbers)) as world:
        batches = [Batch(id=number, status="VALIDATING") for number in numbers]
        world.upstream.script_listing("call", 9, lists(*batches))
        await world.step_until(lambda: bool(told(world)))
        assert [await kinds(world, number) for number in numbers] == [[("page", "unchanged")]] * 20
        assert world.poller.view().looks_per_request == 20.0


async def test_a_page_that_was_not_given_is_a_look_at_no_batch() -> None:
    async with World(*(validating(number, broadcast_id=9) for number in range(1, 4))) as world:
        world.upstream.script_listing("call", 9, FAILS)
        await world.step_until(lambda: bool(told(world)))
        assert (told(world), await kinds(world)) == ([("page", "unanswered")], [])
        assert world.poller.view().looks_per_request == 0.0


async def test_an_account_shows_what_is_used_of_its_budget_and_what_that_brings() -> None:
    async with World(unseen(1)) as world:
        view = await world.polling.view("default")
        assert (view.used, view.looks_per_request, view.change_percentage) == (0.0, None, None)
        world.upstream.script(1, shows("VALIDATING"), FAILS)
        await look(world)
        view = await world.polling.view("default")
        assert (view.used, view.looks_per_request) == (1 / 5, 1.0)  # within the first five seconds
        await look(world)
        assert (await world.polling.view("default")).looks_per_request == 0.5
        world.polling.ranks.hear(Looked(account="default", by="single", result="changed"))
        world.polling.ranks.hear(Looked(account="default", by="single", result="unchanged"))
        assert (await world.polling.view("default")).change_percentage == 50.0
