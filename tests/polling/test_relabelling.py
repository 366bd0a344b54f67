"""What is told of a watch while it is followed: other labels, when it expires. What is being learnt meanwhile undoes nothing."""

import asyncio
from datetime import timedelta

import pytest

from tests.fakes import settle_down, shows
from tests.polling.world import World, after, unseen, validating
from watcher.core.model import Key, State
from watcher.core.news import Following as FollowingNews
from watcher.core.transitions import Rules
from watcher.ports import Following, StoreError, Wish

KEY = Key("default", 1)
RELABELLED = FollowingNews(account="default", batch_id=1, what="relabelled")


async def test_labels_are_changed_and_told_and_the_watch_is_looked_at_as_before() -> None:
    async with World(validating(1, labels={"team": "day", "city": "Bonn"}, correlation_id="c-1")) as world:
        following: Following = world.polling
        watch = await following.relabel(KEY, {"team": "night", "city": None})
        assert watch == validating(1, version=2, labels={"team": "night"}, correlation_id="c-1")
        assert watch == world.stored(1)
        assert world.ear.of(FollowingNews) == [RELABELLED]
        await world.step()
        assert world.upstream.batches == []


async def test_what_nobody_follows_cannot_be_relabelled() -> None:
    async with World(validating(1, state=State.STOPPED)) as world:
        assert await world.polling.relabel(KEY, {"team": "night"}) is None
        assert await world.polling.relabel(Key("nobody", 1), {}, None) is None
        assert world.ear.of(FollowingNews) == []


async def test_labels_that_cannot_be_stored_are_not_told() -> None:
    async with World(validating(1)) as world:
        world.store.failing = {"relabel"}
        with pytest.raises(StoreError):
            await world.polling.relabel(KEY, {"team": "night"})
        assert world.ear.of(FollowingNews) == []


@pytest.mark.parametrize("way", ["relabel", "follow"])
async def test_a_change_that_is_being_recorded_has_the_new_labels_and_nothing_of_either_is_lost(way: str) -> None:
    async with World(validating(1, labels={"team": "day"})) as world:
        world.upstream.script(1, shows("ACTIVE"))
        world.clock.turn(minutes=1)
        gate = world.store.gates["commit"] = asyncio.Event()
        await world.step()
        if way == "relabel":
            await world.polling.relabel(KEY, {"team": "night"}, "c-1")
        else:
            await world.polling.follow([Wish(key=KEY, labels={"team": "night"}, correlation_id="c-1")])
        gate.set()
        await settle_down()
        stored = world.stored(1)
        assert (stored.status, stored.labels, stored.correlation_id) == ("ACTIVE", {"team": "night"}, "c-1")
        assert world.told == [("batch.active", 2)]
        assert b'"labels":{"team":"night"},"correlation_id":"c-1"' in world.store.log[0].body


async def test_unchanged_looks_that_are_saved_later_leave_the_new_labels() -> None:
    async with World(validating(1, labels={"team": "day"})) as world:
        world.upstream.script(1, shows("VALIDATING"))
        world.clock.turn(minutes=1)
        await world.step()
        await world.polling.relabel(KEY, {"team": "night"})
        await world.poller.learner.save_looks()
        assert world.stored(1) == validating(
            1, version=2, labels={"team": "night"}, asked=after(60.2), answered=after(60.2), looks=2
        )


async def test_a_wish_that_tells_something_new_of_a_watch_is_told_and_one_that_does_not_is_not() -> None:
    async with World(validating(1)) as world:
        await world.polling.follow([Wish(key=KEY, labels={"team": "night"})])
        await world.polling.follow([Wish(key=KEY, labels={"team": "night"})])
        assert world.ear.of(FollowingNews) == [RELABELLED]


async def test_an_open_watch_that_is_told_to_expire_does_so_with_the_look_that_is_due_then() -> None:
    async with World(validating(1), rules=Rules(stuck_validating=timedelta(days=1))) as world:
        world.upstream.script(1, shows("VALIDATING"))
        await world.polling.follow([Wish(key=KEY, expires_in=timedelta(minutes=2))])
        assert world.stored(1).expires == after(120)
        await world.step_until(lambda: world.told != [])
        assert world.told == [("watch.expired", 2)]
        assert world.stored(1).state is State.EXPIRED
        assert world.upstream.asked[-1][0] >= after(120)
        assert all(asked < after(120) for asked, _ in world.upstream.asked[:-1])
        assert 1 not in world.poller.roster


async def test_a_watch_that_is_to_expire_later_than_all_others_is_followed_till_then() -> None:
    async with World(rules=Rules(stuck_new=timedelta(days=1), max_age=timedelta(minutes=5))) as world:
        world.upstream.script(1, shows("NEW"))
        await world.polling.follow([Wish(key=KEY, expires_in=timedelta(minutes=30))])
        await world.step_for(1200)
        assert world.told == [("batch.new", 1)]
        await world.step_for(1200)
        assert world.told == [("batch.new", 1), ("watch.expired", 2)]


async def test_overdue_watches_are_named_by_account() -> None:
    async with World(*(validating(batch_id) for batch_id in (3, 1, 2)), unseen(4)) as world:
        assert await world.polling.overdue("default") == []
        world.clock.turn(minutes=6)
        assert await world.polling.overdue("default") == [1, 2, 3, 4]
        assert await world.polling.overdue("nobody") == ()
