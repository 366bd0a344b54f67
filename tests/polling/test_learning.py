import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import FAILS, NOON, Reply, settle_down, shows
from tests.polling.world import World, after, unseen, validating
from watcher.core.answers import Kind
from watcher.core.model import Key, Seen, State
from watcher.core.news import Changed, Looked, UnknownStatus
from watcher.core.news import Following as FollowingNews
from watcher.core.transitions import Rules
from watcher.polling.learning import TRIES
from watcher.ports import StoreError, Wish

KEY = Key("default", 1)


def results(world: World) -> list[str]:
    return [news.result for news in world.ear.of(Looked) if isinstance(news, Looked)]


# What a look leaves behind


async def test_a_look_is_told_with_what_was_recorded_for_it() -> None:
    async with World(validating(1, created=after(-60), since=after(-50))) as world:
        world.upstream.script(1, shows("VALIDATING"), shows("ACTIVE"))
        world.clock.turn(seconds=30)
        await world.step_until(lambda: len(world.ear.of(Looked)) == 2)
        told = [news for news in world.ear.of(Looked) if isinstance(news, Looked)]
        assert [(news.batch_id, [each.type for each in news.events]) for news in told] == [
            (1, []),
            (1, ["batch.active"]),
        ]
        looks = [news.look for news in told]
        assert [isinstance(look, Seen) and look.batch.status for look in looks] == ["VALIDATING", "ACTIVE"]


async def test_a_change_is_committed_and_then_told() -> None:
    watch = validating(1, created=after(-60), since=after(-50))
    async with World(watch) as world:
        world.upstream.script(1, shows("ACTIVE", size=6198, remaining=6198))
        world.clock.turn(seconds=59.8)
        await world.step()
        assert world.stored(1) == replace(
            watch,
            version=2,
            number=2,
            state=State.SETTLED,
            status="ACTIVE",
            since=after(60),
            asked=after(60),
            answered=after(60),
            looks=2,
            size=6198,
            remaining=6198,
        )
        assert world.ear.of(Changed, UnknownStatus) == [
            Changed(
                account="default",
                batch_id=1,
                type="batch.active",
                number=2,
                position=1,
                status="ACTIVE",
                previous="VALIDATING",
                at=after(60),
                window=60.0,
                validation=120.0,
                deliveries=0,
                size=len(world.store.log[0].body),
            )
        ]
        assert results(world) == ["changed"]
        assert len(world.poller.roster) == 0


async def test_what_is_recorded_without_an_event_is_told_all_the_same() -> None:
    """A batch that was ACTIVE already when it was followed again: whoever shows it as open does so no longer."""
    async with World(validating(1, status="ACTIVE", since=after(-50))) as world:
        world.upstream.script(1, shows("ACTIVE"))
        world.clock.turn(seconds=59.8)
        await world.step()
        assert world.stored(1).state is State.SETTLED
        assert world.told == []
        assert world.ear.of(FollowingNews) == [FollowingNews(account="default", batch_id=1, what="amended")]


async def test_of_a_first_look_neither_window_nor_validation_is_known() -> None:
    async with World(unseen(1)) as world:
        world.upstream.script(1, shows("ACTIVE", created=after(-60)))
        await world.step()
        [changed] = world.ear.of(Changed)
        assert isinstance(changed, Changed)
        assert (changed.window, changed.validation) == (None, None)


async def test_a_status_nobody_knows_is_told_as_such_when_it_appears() -> None:
    async with World(validating(1)) as world:
        world.upstream.script(1, shows("BAKING"))
        world.clock.turn(minutes=1)
        await world.step_until(lambda: len(world.upstream.asked) == 2)
        assert world.ear.of(UnknownStatus) == [UnknownStatus(account="default", batch_id=1, status="BAKING")]
        assert world.told == [("batch.unknown", 2)]
        assert results(world) == ["changed", "unchanged"]


async def test_a_transition_seen_by_the_look_that_ends_the_watch_is_told_as_the_transition() -> None:
    watch = validating(1, status="NEW", opened=NOON)
    async with World(watch, rules=Rules(max_age=timedelta(minutes=5))) as world:
        world.upstream.script(1, shows("VALIDATING"))
        world.clock.turn(minutes=6)
        await world.step()
        told = [(news.type, news.previous, news.window) for news in world.ear.of(Changed) if isinstance(news, Changed)]
        assert told == [("batch.validating", "NEW", 360.2), ("watch.expired", "VALIDATING", None)]


async def test_an_unchanged_look_writes_nothing_at_once_and_is_saved_by_the_keeper() -> None:
    async with World(validating(1)) as world:
        world.upstream.script(1, shows("VALIDATING", size=10))
        world.clock.turn(seconds=59.8)
        before = world.store.done.copy()
        await world.step()
        assert world.store.done == before
        await world.poller.learner.save_looks()
        saved = validating(1, asked=after(60), answered=after(60), looks=2, size=10)
        assert world.stored(1) == saved
        await world.poller.learner.save_looks()
        assert world.store.done["save_looks"] == 1
        assert world.told == []


async def test_an_unanswered_look_is_only_told() -> None:
    async with World(validating(1)) as world:
        world.upstream.script(1, FAILS)
        world.clock.turn(minutes=1)
        await world.step()
        assert results(world) == ["unanswered"]
        assert world.stored(1) == validating(1)


@pytest.mark.parametrize("answer", [FAILS, Reply(kind=Kind.GARBAGE, outcome="bad_body")])
async def test_a_watch_that_is_never_answered_expires_all_the_same(answer: Reply) -> None:
    async with World(unseen(1), validating(2)) as world:
        world.upstream.script(1, answer)
        world.upstream.script(2, answer)
        world.clock.turn(hours=24 * 7)
        await world.step(2)
        assert world.told == [("watch.expired", 1), ("watch.expired", 2)]


async def test_a_batch_that_may_not_be_there_yet_is_looked_at_again_and_nothing_is_recorded() -> None:
    async with World(unseen(1)) as world:
        world.upstream.script(1, Reply(kind=Kind.NOT_FOUND, outcome="404"), shows("NEW"))
        await world.step_until(lambda: len(world.upstream.asked) == 2)
        assert world.clock.now() < after(30)
        assert results(world) == ["missing", "changed"]
        assert world.told == [("batch.new", 1)]


async def test_a_request_that_will_not_do_sets_the_watch_aside() -> None:
    async with World(validating(1)) as world:
        world.upstream.script(1, Reply(kind=Kind.UNFIT, outcome="400"))
        world.clock.turn(minutes=1)
        await world.step()
        assert world.stored(1).aside_until == after(60.2) + timedelta(hours=1)
        await world.step_for(3500)
        assert len(world.upstream.asked) == 1


async def test_a_watch_followed_again_after_it_had_ended_is_settled_by_the_next_look() -> None:
    watch = validating(1, status="ACTIVE", state=State.SETTLED)
    async with World(watch) as world:
        world.upstream.script(1, shows("ACTIVE"))
        await world.polling.follow([Wish(key=KEY)])
        await world.step_until(lambda: len(world.upstream.asked) == 1)
        assert world.stored(1).state is State.SETTLED
        assert (world.told, len(world.poller.roster)) == ([], 0)


# When others are faster


async def test_who_lost_the_race_for_a_watch_learns_from_it_as_it_is_now() -> None:
    async with World(validating(1)) as world:

        async def relabel() -> None:
            world.store.put(replace(world.stored(1), version=7, labels={"team": "night"}))

        world.store.meanwhile["watch"] = relabel
        world.upstream.script(1, shows("ACTIVE"))
        world.clock.turn(minutes=1)
        await world.step()
        assert world.told == [("batch.active", 2)]
        stored = world.stored(1)
        assert (stored.version, stored.labels, stored.status) == (8, {"team": "night"}, "ACTIVE")


async def test_a_change_that_somebody_else_recorded_meanwhile_is_not_recorded_again() -> None:
    async with World(validating(1)) as world:

        async def record() -> None:
            done = replace(world.stored(1), version=2, number=2, status="ACTIVE", state=State.SETTLED)
            world.store.put(done)

        world.store.meanwhile["watch"] = record
        world.upstream.script(1, shows("ACTIVE"))
        world.clock.turn(minutes=1)
        await world.step()
        assert world.told == []
        assert results(world) == ["overtaken"]
        assert len(world.poller.roster) == 0


async def test_a_look_that_is_always_beaten_is_given_up_and_a_later_one_tells() -> None:
    async with World(validating(1)) as world:

        async def touch() -> None:
            world.store.put(replace(world.stored(1), version=world.stored(1).version + 1))
            if world.store.done["watch"] < TRIES:
                world.store.meanwhile["watch"] = touch

        world.store.meanwhile["watch"] = touch
        world.upstream.script(1, shows("ACTIVE"))
        world.clock.turn(minutes=1)
        await world.step()
        assert (results(world), world.told) == (["overtaken"], [])
        await world.step_until(lambda: len(world.upstream.asked) == 2)
        assert (results(world), world.told) == (["overtaken", "changed"], [("batch.active", 2)])


async def test_an_answer_asked_for_before_the_last_one_seen_is_dropped() -> None:
    async with World(validating(1)) as world:
        world.clock.turn(minutes=1)
        world.upstream.script(1, replace(shows("NEW"), gate=(gate := asyncio.Event())))
        await world.step()
        world.store.put(replace(world.stored(1), version=2, looks=2, asked=after(61), answered=after(62)))
        world.clock.turn(seconds=5)
        gate.set()
        await settle_down()
        assert (results(world), world.told) == (["overtaken"], [])


# Stopped and opened again in the middle of a look


async def test_a_look_at_a_watch_that_was_stopped_meanwhile_is_dropped() -> None:
    async with World(validating(1)) as world:
        world.upstream.script(1, replace(shows("ACTIVE"), gate=(gate := asyncio.Event())))
        world.clock.turn(minutes=1)
        await world.step()
        assert await world.polling.stop(KEY)
        gate.set()
        await settle_down()
        assert (results(world), world.told) == (["overtaken"], [])
        assert world.stored(1).state is State.STOPPED


async def test_a_watch_stopped_between_commit_and_answer_is_not_looked_at_any_more() -> None:
    async with World(validating(1, status="NEW")) as world:
        world.store.meanwhile["commit"] = lambda: world.polling.stop(KEY)
        world.upstream.script(1, shows("VALIDATING"))
        world.clock.turn(minutes=1)
        await world.step()
        assert world.told == [("batch.validating", 2)]
        assert len(world.poller.roster) == 0


@pytest.mark.parametrize("operation", ["watch", "commit"])
async def test_a_watch_opened_again_while_its_end_is_learnt_stays_open(operation: str) -> None:
    async with World(validating(1)) as world:
        world.upstream.script(1, replace(shows("ACTIVE"), gate=(gate := asyncio.Event())), shows("ACTIVE"))
        world.clock.turn(minutes=1)
        await world.step()
        if operation == "watch":
            await world.polling.stop(KEY)
        world.store.meanwhile[operation] = lambda: world.polling.follow([Wish(key=KEY)])
        gate.set()
        await settle_down()
        assert len(world.poller.roster) == 1
        await world.step_until(lambda: len(world.upstream.asked) == 2)
        assert world.told == [("batch.active", 2)]
        assert len(world.poller.roster) == 0


# What cannot be saved now


async def test_looks_that_cannot_be_saved_are_saved_later() -> None:
    async with World(validating(1)) as world:
        world.upstream.script(1, shows("VALIDATING"))
        world.clock.turn(minutes=1)
        await world.step()
        world.store.failing = {"save_looks"}
        with pytest.raises(StoreError):
            await world.poller.learner.save_looks()
        world.store.failing = set()
        await world.poller.learner.save_looks()
        assert world.stored(1).asked == after(60.2)


async def test_looks_whose_saving_is_cut_off_are_saved_at_the_next_chance() -> None:
    async with World(validating(1)) as world:
        world.upstream.script(1, shows("VALIDATING"))
        world.clock.turn(minutes=1)
        await world.step()
        world.store.gates["save_looks"] = asyncio.Event()
        saving = asyncio.create_task(world.poller.learner.save_looks())
        await settle_down()
        saving.cancel()
        await asyncio.wait([saving])
        await world.poller.learner.save_looks()
        assert world.stored(1).asked == after(60.2)


# Counting


async def test_watches_that_end_are_counted_by_how_they_ended() -> None:
    ended = [
        unseen(11, status="ERRORS", state=State.SETTLED),
        unseen(12, status="VALIDATING", state=State.EXPIRED),
        unseen(13, status="NEW", state=State.STOPPED),
    ]
    async with World(unseen(1), unseen(2), *ended) as world:
        world.upstream.script(1, shows("ACTIVE"))
        world.upstream.script(2, Reply(kind=Kind.GONE, outcome="410"))
        none = {"unseen": 2, "new": 0, "validating": 0, "unknown": 0, "errors": 1, "expired": 1}
        assert await world.poller.learner.by_status() == none
        await world.step(2)
        counted = none | {"unseen": 0, "active": 1, "missing": 1}
        assert await world.poller.learner.by_status() == counted
        assert world.store.done["tally"] == 1
        await world.polling.follow([Wish(key=Key("default", 11))])
        assert await world.poller.learner.by_status() == {
            "unseen": 0,
            "new": 0,
            "validating": 0,
            "unknown": 0,
            "expired": 1,
            "active": 1,
            "missing": 1,
        }
        assert world.store.done["tally"] == 2


async def test_counts_that_cannot_be_taken_are_taken_later() -> None:
    async with World(unseen(1, status="ACTIVE", state=State.SETTLED)) as world:
        world.store.failing = {"tally"}
        with pytest.raises(StoreError):
            await world.poller.learner.by_status()
        world.store.failing = set()
        assert (await world.poller.learner.by_status())["active"] == 1


async def test_what_is_recorded_while_it_is_counted_is_counted_once_in_the_end() -> None:
    async with World(validating(1)) as world:
        world.upstream.script(1, shows("ACTIVE"))
        world.clock.turn(minutes=1)
        world.store.meanwhile["tally"] = world.step  # it ends after the count, and is known before the answer
        await world.poller.learner.by_status()
        assert (await world.poller.learner.by_status())["active"] == 1


async def test_what_is_being_recorded_when_it_is_counted_is_counted_once_in_the_end() -> None:
    async with World(validating(1)) as world:
        world.upstream.script(1, shows("ACTIVE"))
        world.clock.turn(minutes=1)
        heard = asyncio.Event()
        world.store.meanwhile["commit"] = heard.wait  # it is committed, and its answer comes after the count
        await world.step()
        await world.poller.learner.by_status()
        heard.set()
        await settle_down()
        assert (await world.poller.learner.by_status())["active"] == 1
