"""What one replica hears of what the others do: each thing once, whatever it is notified of."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import NOON, settle_down, shows
from tests.polling.replicas import Replicas
from tests.polling.test_submitting import TAKEN, WANTED
from tests.polling.world import after, unseen, validating
from watcher.core.account import Condition
from watcher.core.model import ACTIVE, Event, Key, State
from watcher.core.news import AccountTold, Changed, EndpointTold, Following
from watcher.core.submissions import SubmissionState
from watcher.polling.hearing import EVERY, FORGOTTEN, GATHER, PORTION, TIDY, Ends, ends_of
from watcher.ports import BroadcastWish, StoreError, Wish, Word

KEY = Key("default", 1)


def event(number: int, **fields: object) -> Event:
    made = Event(type="batch.new", at=NOON, account="default", batch_id=1, number=number, data={})
    return replace(made, **fields)  # type: ignore[arg-type]


# Watches


async def test_what_is_followed_elsewhere_is_polled_here_and_told_to_whoever_waits() -> None:
    async with Replicas() as both:
        both.owner.upstream.script(1, shows("NEW"))
        [followed] = await both.other.follow([Wish(key=KEY)])
        news = Following(account="default", batch_id=1, what="created")
        assert (followed.what, both.ear.of(Following)) == ("created", [news])
        assert 1 not in both.owner.poller.roster
        await both.hear()
        assert both.at_owner.ear.heard == [news]
        assert both.owner.ear.of(Following) == []  # in logs and metrics it counts where it was asked for
        await both.owner.step()
        assert both.owner.upstream.batches == [1]


async def test_what_is_stopped_elsewhere_is_polled_no_more() -> None:
    async with Replicas(unseen(1), unseen(2)) as both:
        both.owner.upstream.script(2, shows("NEW"))
        assert await both.other.stop(KEY)
        await both.hear()
        assert both.at_owner.ear.heard == [Following(account="default", batch_id=1, what="stopped")]
        await both.owner.step(3)
        assert set(both.owner.upstream.batches) == {2}


async def test_when_a_watch_expires_is_known_where_it_is_polled() -> None:
    async with Replicas(validating(1)) as both:
        await both.other.follow([Wish(key=KEY, expires_in=timedelta(minutes=1))])
        await both.hear()
        assert both.at_owner.ear.heard == [Following(account="default", batch_id=1, what="relabelled")]
        assert both.owner.poller.roster.minds(1, after(61))


async def test_other_labels_are_told_to_whoever_waits() -> None:
    async with Replicas(validating(1)) as both:
        await both.other.relabel(KEY, {"team": "night"})
        await both.hear()
        assert both.at_owner.ear.heard == [Following(account="default", batch_id=1, what="relabelled")]


async def test_what_is_heard_twice_is_done_once() -> None:
    async with Replicas(unseen(1)) as both:
        both.owner.upstream.script(1, shows("ACTIVE"))
        await both.there.say([Word(kind="followed", account="default", body={"ids": [1]})] * 2)
        await both.owner.step_until(lambda: both.owner.told != [])
        await both.hear()  # it has ended since
        assert (1 in both.owner.poller.roster, both.owner.told) == (False, [("batch.active", 1)])


async def test_very_many_are_read_in_portions() -> None:
    async with Replicas() as both:
        keys = [Key("default", number) for number in range(1, PORTION + 3)]
        await both.other.follow([Wish(key=key) for key in keys])
        await both.hear()
        assert len(both.owner.poller.roster) == len(keys)


async def test_of_accounts_that_are_not_polled_here_only_whoever_waits_is_told() -> None:
    async with Replicas() as both:
        await both.owner.polling.follow([Wish(key=KEY)])
        await both.hear()
        assert both.at_other.ear.heard == [Following(account="default", batch_id=1, what="created")]


# Broadcasts, accounts, submissions


async def test_a_broadcast_that_is_followed_elsewhere_is_listed_here() -> None:
    async with Replicas() as both:
        await both.other.follow_broadcast(BroadcastWish(account="default", broadcast_id=9, kind="call"))
        await both.there.follow_broadcast(BroadcastWish(account="default", broadcast_id=10), NOON)
        await both.hear()
        views = await both.owner.polling.broadcasts("default", [9, 10, 11])
        assert {each: view.broadcast.followed for each, view in views.items()} == {9: True, 10: True}
        await both.other.stop_broadcast("default", 9)
        await both.hear()
        views = await both.owner.polling.broadcasts("default", [9])
        assert not views[9].broadcast.followed


async def test_an_account_is_resumed_from_elsewhere() -> None:
    async with Replicas(validating(1)) as both:
        both.owner.poller.standing.account = replace(both.owner.poller.account, condition=Condition.PAUSED)
        await both.other.resume("default")
        await both.hear()
        assert both.owner.poller.account.condition is Condition.OK


async def test_a_batch_that_is_handed_in_elsewhere_is_sent_here_and_its_end_is_heard_there() -> None:
    async with Replicas() as both:
        both.owner.upstream.script_submit(TAKEN)
        stored = await both.desk.submit(WANTED)
        over = both.desk.over(stored)
        assert over is not None
        await both.hear()
        both.owner.upstream.script(TAKEN.batch_id or 0, shows("NEW"))
        await both.owner.step_until(lambda: both.owner.upstream.submitted != [])
        await settle_down()
        await both.hear()
        assert over.is_set()
        done = await both.desk.submission("default", WANTED.id)
        assert done is not None
        assert (done.state, both.desk.over(done)) == (SubmissionState.ACCEPTED, None)


async def test_a_submission_that_is_settled_elsewhere_is_dropped_here() -> None:
    async with Replicas() as both:
        await both.desk.submit(WANTED)
        await both.hear()
        assert len(list(both.owner.poller.submitter.cases)) == 1
        stored = await both.store.submission("default", WANTED.id)
        assert stored is not None
        await both.there.change_submission(replace(stored, state=SubmissionState.WITHDRAWN, settled=NOON))
        await both.hear()
        assert list(both.owner.poller.submitter.cases) == []


# Events


async def test_events_of_others_are_told_to_whoever_waits_and_our_own_are_not() -> None:
    async with Replicas(unseen(1)) as both:
        both.owner.upstream.script(1, shows("NEW"))
        await both.owner.step()
        for news in both.owner.ear.heard:
            both.at_owner.hearing.told(news)
        both.store._record([event(1, batch_id=None), event(1, account="", batch_id=None, endpoint="crm")])
        await both.hear()
        account = AccountTold(account="default", type="batch.new", position=2, deliveries=1)
        told = EndpointTold(endpoint="crm", type="batch.new", position=3, deliveries=1)
        [changed, *others] = both.at_other.ear.heard
        assert both.at_owner.ear.heard == others == [account, told]
        assert isinstance(changed, Changed)
        assert (changed.account, changed.batch_id, changed.position, changed.number) == ("default", 1, 1, 1)
        await both.hear()
        assert len(both.at_other.ear.heard) == 3


async def test_what_was_there_before_the_beginning_is_not_told() -> None:
    async with Replicas() as both:
        both.store._record([event(1)])
        await both.store.say([Word(kind="freed")])
        assert await ends_of(both.there) == Ends(event=1, word=1)


async def test_our_own_events_behind_those_of_others_are_not_told_either() -> None:
    async with Replicas() as both:
        both.store._record([event(1), event(2)])
        own = Changed(
            account="default",
            batch_id=1,
            type="batch.new",
            number=2,
            position=2,
            status=ACTIVE,
            previous=None,
            at=NOON,
        )
        both.at_other.hearing.told(own)
        await both.hear()
        assert [getattr(news, "position", None) for news in both.at_other.ear.heard] == [1]


async def test_a_log_of_many_events_is_read_to_its_end() -> None:
    async with Replicas() as both:
        both.store._record([event(number) for number in range(1, 2 * PORTION + 2)])
        await both.hear()
        assert len(both.at_other.ear.of(Changed)) == 2 * PORTION + 1


# Others


async def test_what_is_to_be_heeded_is_heeded_once_for_many_words() -> None:
    async with Replicas() as both:
        await both.store.say([Word(kind="token"), Word(kind="freed"), Word(kind="token")])
        await both.hear()
        assert (both.at_other.heeded, both.at_owner.heeded) == (["token", "freed"], [])


async def test_what_the_store_did_not_give_is_read_the_next_time() -> None:
    async with Replicas() as both:
        await both.other.follow([Wish(key=KEY)])
        both.store.failing = {"find"}
        with pytest.raises(StoreError):
            await both.at_owner.hearing.read()
        both.store.failing = set()
        await both.hear()
        assert 1 in both.owner.poller.roster


async def test_the_workers_step_goes_on_where_the_store_does_not_answer() -> None:
    async with Replicas() as both:
        both.store.failing = {"last_word"}
        await both.at_owner.hearing.step()
        both.store.failing = set()
        await both.other.follow([Wish(key=KEY)])
        await both.at_owner.hearing.step()
        assert 1 in both.owner.poller.roster


async def test_a_word_that_makes_no_sense_is_heard_once() -> None:
    async with Replicas() as both:
        await both.there.say([Word(kind="followed", account="default", body={"of": "another version"})])
        await both.other.follow([Wish(key=KEY)])
        with pytest.raises(KeyError):
            await both.at_owner.hearing.read()
        await both.hear()
        assert 1 in both.owner.poller.roster


async def test_who_was_away_for_longer_than_words_are_kept_compares_itself_with_the_store() -> None:
    async with Replicas(validating(1), validating(2)) as both:
        await both.there.stop(Key("default", 1))
        await both.there.follow([Wish(key=Key("default", 3))], NOON)
        await both.there.follow_broadcast(BroadcastWish(account="default", broadcast_id=9), NOON)
        await both.there.intend(WANTED)
        both.store.said.clear()  # they were deleted meanwhile
        both.clock.turn(seconds=FORGOTTEN.total_seconds())
        await both.at_owner.hearing.read()
        await settle_down()
        roster = both.owner.poller.roster
        assert [number in roster for number in (1, 2, 3)] == [False, True, True]
        assert list(await both.owner.polling.broadcasts("default", [9])) == [9]
        assert [case.submission.id for case in both.owner.poller.submitter.cases] == [WANTED.id]
        assert both.at_owner.heeded == ["endpoint", "token", "freed"]
        assert both.owner.errands.failed == []


async def test_a_watch_that_settled_while_it_caught_up_is_not_taken_in() -> None:
    async with Replicas(validating(1)) as both:
        both.store.put(validating(1, state=State.SETTLED, status=ACTIVE))
        both.clock.turn(seconds=FORGOTTEN.total_seconds())
        await both.at_owner.hearing.read()
        await settle_down()
        assert 1 not in both.owner.poller.roster


async def test_old_words_are_deleted_every_minute_until_there_are_none() -> None:
    async with Replicas() as both:
        for _ in range(int(TIDY) - 1):
            await both.at_owner.hearing.step()
        assert both.store.tidied == 0
        for _ in range(10):
            await both.at_owner.hearing.step()
        assert both.store.tidied == 2


async def test_it_is_read_every_second_and_not_more_often_than_can_be() -> None:
    async with Replicas() as both:
        await both.at_owner.hearing.step()
        assert both.clock.now() == after(EVERY)
        both.store.quick = True  # somebody says something at once
        await both.at_owner.hearing.step()
        assert both.clock.now() == after(EVERY + GATHER)
