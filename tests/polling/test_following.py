from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from tests.fake_store import FakeStore
from tests.fakes import Ear, FakeClock, FakeUpstream, shows
from tests.polling.world import World, after, unseen, validating
from watcher.core.account import AccountRecord, recall
from watcher.core.hazard import UNKNOWN, Sight
from watcher.core.model import Key, State
from watcher.core.news import Following as FollowingNews
from watcher.core.news import Tally
from watcher.core.schedule import Pace
from watcher.core.transitions import Rules
from watcher.polling.following import Polling
from watcher.polling.keeping import Keeper
from watcher.polling.poller import Poller
from watcher.polling.standing import Rates
from watcher.ports import (
    Broadcast,
    BroadcastView,
    BroadcastWish,
    FollowedBroadcast,
    Following,
    LeaseLost,
    Soonest,
    StoreError,
    Wish,
)

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


async def test_what_is_known_of_a_watch_and_of_durations_is_told_by_its_account() -> None:
    async with World(validating(1)) as world:
        polling = both_accounts(world)
        assert polling.eta(KEY) is None  # of too little
        for _ in range(40):
            world.poller.learnt.saw(Sight(UNKNOWN, 0.0, 1.0, ended=False))
            world.poller.learnt.saw(Sight(UNKNOWN, 1.0, 60.0, ended=True))
        world.poller.learnt.settle(world.clock.now().timestamp())
        world.poller.schedule.hazard = world.poller.learnt.hazard
        eta = polling.eta(KEY)
        assert eta is not None
        assert eta.p50 < eta.p90
        soonest = polling.soonest("default", 1)
        ((end, batch_id),) = soonest.first
        assert (soonest.total, batch_id) == (1, 1)
        assert end == pytest.approx(eta.p50.timestamp(), abs=0.001)
        asked: tuple[dict[str, Any], ...] = ({"status": "NEW"}, {"final": True}, {"among": [2]})
        assert [polling.soonest("default", 9, **each).total for each in asked] == [0, 0, 0]
        assert polling.soonest("other", 9) == polling.soonest("nobody", 9) == Soonest(total=0)
        explanation = await polling.explain(KEY)
        assert explanation is not None
        assert (explanation.rank, explanation.threshold) == (0, Pace().worth)
        learnt = await polling.lengths("default")
        assert (learnt.ends, [(each.smallest, each.largest) for each in learnt.sizes]) == (40, [(None, None)])
        assert (await polling.lengths("other")).ends == 0
        for nobodys in (Key("default", 2), Key("other", 1), Key("nobody", 1)):
            assert polling.eta(nobodys) is None
            assert await polling.explain(nobodys) is None


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
        assert await following.view("default") == world.poller.view()


# Broadcasts


class FakePoller:
    """Notes what a poller is told of broadcasts."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, object]] = []

    def follow_broadcast(self, broadcast: Broadcast) -> None:
        self.heard.append(("follow", broadcast))

    def stop_broadcast(self, broadcast_id: int) -> None:
        self.heard.append(("stop", broadcast_id))

    async def broadcast_views(self, broadcast_ids: Sequence[int]) -> dict[int, BroadcastView]:
        return {9: BroadcastView(broadcast=WHOLE, batches=2)} if 9 in broadcast_ids else {}


WHOLE = Broadcast(account="default", broadcast_id=9, kind="call", followed=True, opened=after(60))
WISH = BroadcastWish(account="default", broadcast_id=9, kind="call")


def polling_by(poller: FakePoller) -> tuple[Polling, FakeStore]:
    """The account's polling in the hands of that poller, a minute after noon."""
    clock = FakeClock()
    clock.turn(minutes=1)
    store = FakeStore(clock)
    return Polling(cast("dict[str, Poller]", {"default": poller}), store=store, clock=clock, tell=Ear()), store


async def test_a_broadcast_is_stored_and_the_poller_told() -> None:
    poller = FakePoller()
    polling, store = polling_by(poller)
    following: Following = polling
    followed = FollowedBroadcast(what="created", broadcast=WHOLE)
    assert await following.follow_broadcast(WISH) == followed
    assert await following.stop_broadcast("default", 9) is True
    assert await following.stop_broadcast("default", 9) is False
    assert poller.heard == [("follow", WHOLE), ("stop", 9), ("stop", 9)]
    assert await store.broadcasts("default") == [replace(WHOLE, followed=False)]
    assert await following.broadcasts("default", [9, 10]) == {9: BroadcastView(broadcast=WHOLE, batches=2)}


async def test_a_broadcast_that_cannot_be_stored_is_not_followed() -> None:
    poller = FakePoller()
    polling, store = polling_by(poller)
    store.failing = {"follow_broadcast", "stop_broadcast"}
    with pytest.raises(StoreError):
        await polling.follow_broadcast(WISH)
    with pytest.raises(StoreError):
        await polling.stop_broadcast("default", 9)
    assert poller.heard == []


async def test_of_an_account_that_is_not_followed_any_more_broadcasts_can_still_be_stopped() -> None:
    polling, store = polling_by(FakePoller())
    await store.follow_broadcast(replace(WISH, account="gone"), after(0))
    assert await polling.stop_broadcast("gone", 9)
    assert await polling.broadcasts("gone", [9]) == {}


async def test_who_wishes_for_new_watches_only_brings_no_ended_one_back() -> None:
    async with World(validating(1, state=State.SETTLED)) as world:
        [followed] = await world.polling.follow([Wish(key=KEY, only_new=True)])
        assert (followed.what, len(world.poller.roster), world.ear.of(FollowingNews)) == ("known", 0, [])


async def test_the_keeper_saves_and_reports_every_few_seconds() -> None:
    async with World(validating(1)) as world:
        world.upstream.script(1, shows("VALIDATING"))
        world.clock.turn(minutes=1)
        await world.step()
        keeper = Keeper(world.polling, reports=(), clock=world.clock, every=5.0)
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
        kept: list[datetime] = []

        class Noting(Keeper):
            async def save(self, *, learnt: bool = True) -> None:
                (kept if learnt else saved).append(world.clock.now())

        keeper = Noting(world.polling, reports=[report], clock=world.clock, every=12.0)
        begun = world.clock.now()
        for _ in range(18):
            await keeper.step()
        assert [(at - begun).total_seconds() for at in told[:6]] == [5, 10, 12, 17, 22, 24]
        assert [(at - begun).total_seconds() for at in saved] == [12, 24, 36, 48, 72]
        assert [(at - begun).total_seconds() for at in kept] == [60]


async def test_what_cannot_be_saved_of_one_account_keeps_nothing_else_from_being_saved_and_reported() -> None:
    refused = AccountRecord(name="default", refused=True, credentials="old", number=1)
    async with World(unseen(1), account=recall("default", "mine", refused)) as world:
        world.upstream.script(1, shows("VALIDATING"))
        world.store.failing = {"save_account"}
        polling = both_accounts(world)
        await world.step_until(lambda: len(world.upstream.asked) == 2)
        keeper = Keeper(polling, reports=(), clock=world.clock, every=5.0)
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


async def test_an_account_that_turns_out_to_be_anothers_keeps_nothing_else_from_being_saved() -> None:
    async with World(unseen(1)) as world:
        world.upstream.script(1, shows("VALIDATING"))
        polling = both_accounts(world)
        await world.step()
        lost: list[str] = []

        async def save() -> None:
            raise LeaseLost("another process has other now")

        polling.pollers["other"].standing.save = save  # type: ignore[method-assign]
        keeper = Keeper(polling, reports=(), clock=world.clock, every=5.0, lost=lost.append)
        await keeper.save()
        assert (lost, world.stored(1).asked) == (["other"], world.upstream.asked[0][0])
