from datetime import datetime, timedelta

import pytest

from tests.fakes import Ear, FakeClock, FakeUpstream, shows
from tests.polling.world import World, after, unseen, validating
from watcher.core.account import AccountRecord, recall
from watcher.core.model import Key, State
from watcher.core.news import Following as FollowingNews
from watcher.core.news import Tally
from watcher.core.schedule import Pace
from watcher.core.transitions import Rules
from watcher.polling.following import Keeper, Polling
from watcher.polling.poller import Poller, Rates
from watcher.ports import Following, StoreError, Wish

KEY = Key("default", 1)


def both_accounts(world: World) -> Polling:
    """The world's account, and another beside it in the same store."""
    other = Poller(
        recall("other", "", None),
        rates=Rates(rate=1.0, concurrency=1),
        pace=Pace(),
        rules=Rules(),
        upstream=FakeUpstream(world.clock),
        store=world.store,
        accounts=world.store,
        clock=world.clock,
        tell=world.ear,
        errand=world.errands,
    )
    return Polling({"default": world.poller, "other": other}, store=world.store, clock=world.clock, tell=world.ear)


async def test_a_wish_makes_a_watch_that_is_looked_at_first() -> None:
    async with World(validating(2)) as world:
        world.upstream.script(1, shows("NEW"))
        world.upstream.script(2, shows("VALIDATING"))
        world.clock.turn(minutes=10)
        [followed] = await world.polling.follow([Wish(key=KEY, labels={"team": "night"})])
        assert (followed.what, followed.watch) == (
            "created",
            unseen(1, opened=after(600), labels={"team": "night"}),
        )
        assert world.ear.of(FollowingNews) == [FollowingNews(account="default", batch_id=1, what="created")]
        await world.step()
        assert world.upstream.batches == [1]


async def test_a_second_wish_for_the_same_batch_changes_nothing() -> None:
    async with World(validating(1)) as world:
        [followed] = await world.polling.follow([Wish(key=KEY)])
        assert (followed.what, world.ear.of(FollowingNews)) == ("known", [])
        await world.step()
        assert world.upstream.batches == []  # neither is it looked at because of that


async def test_a_wish_for_an_open_watch_that_the_poller_does_not_have_brings_it_in() -> None:
    async with World() as world:
        world.store.put(validating(1))  # somebody else wrote it there
        world.upstream.script(1, shows("ACTIVE"))
        [followed] = await world.polling.follow([Wish(key=KEY)])
        await world.step_until(lambda: world.told != [])
        assert (followed.what, world.ear.of(FollowingNews), world.told) == ("known", [], [("batch.active", 2)])


async def test_a_watch_opened_again_goes_on_with_its_numbers() -> None:
    async with World(validating(1, state=State.STOPPED)) as world:
        world.upstream.script(1, shows("ACTIVE"))
        await world.polling.follow([Wish(key=KEY)])
        await world.step_until(lambda: len(world.upstream.asked) == 1)
        assert world.ear.of(FollowingNews) == [FollowingNews(account="default", batch_id=1, what="reopened")]
        assert world.told == [("batch.active", 2)]


async def test_what_is_stopped_is_looked_at_no_more_and_told_once() -> None:
    async with World(unseen(1), unseen(2)) as world:
        world.upstream.script(2, shows("ACTIVE"))
        assert await world.polling.stop(KEY)
        assert not await world.polling.stop(KEY)
        assert world.ear.of(FollowingNews) == [FollowingNews(account="default", batch_id=1, what="stopped")]
        await world.step(3)
        assert world.upstream.batches == [2]


async def test_a_watch_that_cannot_be_stopped_now_is_followed_on() -> None:
    async with World(unseen(1)) as world:
        world.store.failing = {"stop"}
        with pytest.raises(StoreError):
            await world.polling.stop(KEY)
        assert (len(world.poller.roster), world.ear.of(FollowingNews)) == (1, [])


async def test_a_wish_that_cannot_be_stored_is_not_followed() -> None:
    async with World() as world:
        world.store.failing = {"follow"}
        with pytest.raises(StoreError):
            await world.polling.follow([Wish(key=KEY)])
        assert (len(world.poller.roster), world.ear.of(FollowingNews)) == (0, [])


async def test_of_an_account_that_is_not_followed_any_more_watches_can_still_be_stopped() -> None:
    async with World() as world:
        gone = Key("gone", 1)
        world.store.put(unseen(1, account="gone"))
        assert await world.polling.stop(gone)
        assert (world.polling.next_look(gone), world.polling.last_look(gone)) == (None, None)


async def test_what_is_known_of_a_watch_can_be_asked_by_key() -> None:
    async with World(validating(1)) as world:
        following: Following = world.polling
        assert following.accounts == ("default",)
        assert following.next_look(KEY) == world.poller.next_look(1)
        assert following.last_look(KEY) == world.poller.last_look(1)
        assert following.view("default") == world.poller.view()


async def test_the_keeper_saves_and_reports_every_few_seconds() -> None:
    async with World(validating(1)) as world:
        world.upstream.script(1, shows("VALIDATING"))
        world.clock.turn(minutes=1)
        await world.step()
        keeper = Keeper(world.polling, reports=[world.poller.report], clock=world.clock, every=5.0)
        before = world.clock.now()
        await keeper.step()
        assert world.clock.now() - before == timedelta(seconds=5)
        assert world.stored(1).asked == after(60.2)
        assert len(world.ear.of(Tally)) == 1


async def test_the_keeper_reports_more_often_than_it_saves_where_looks_are_saved_seldom() -> None:
    async with World() as world:
        told: list[datetime] = []

        async def report() -> None:
            told.append(world.clock.now())

        saved: list[datetime] = []

        class Noting(Keeper):
            async def save(self) -> None:
                saved.append(world.clock.now())

        keeper = Noting(world.polling, reports=[report], clock=world.clock, every=12.0)
        begun = world.clock.now()
        for _ in range(6):
            await keeper.step()
        assert [(at - begun).total_seconds() for at in told] == [5, 10, 12, 17, 22, 24]
        assert [(at - begun).total_seconds() for at in saved] == [12, 24]


async def test_what_cannot_be_saved_of_one_account_keeps_nothing_else_from_being_saved_and_reported() -> None:
    refused = AccountRecord(name="default", refused=True, credentials="old", number=1)
    async with World(unseen(1), account=recall("default", "mine", refused)) as world:
        world.upstream.script(1, shows("VALIDATING"))
        world.store.failing = {"save_account"}
        polling = both_accounts(world)
        await world.step_until(lambda: len(world.upstream.asked) == 2)
        keeper = Keeper(
            polling, reports=[each.report for each in polling.pollers.values()], clock=world.clock, every=5.0
        )
        with pytest.raises(StoreError, match="save_account"):
            await keeper.step()
        assert world.stored(1).asked == world.upstream.asked[1][0]
        assert [news.account for news in world.ear.of(Tally) if isinstance(news, Tally)] == ["default", "other"]


async def test_a_report_that_fails_for_another_reason_than_the_store_is_not_hidden() -> None:
    async def report() -> None:
        raise ZeroDivisionError

    polling = Polling({}, store=World().store, clock=FakeClock(), tell=Ear())
    with pytest.raises(ZeroDivisionError):
        await Keeper(polling, reports=[report], clock=FakeClock(), every=5.0).step()
