"""What can be seen and done of an account that another replica polls."""

import json
from dataclasses import replace

import pytest

from tests.fakes import FAILS, NOON, FakeClock, settle_down, shows
from tests.polling.replicas import Replicas
from tests.polling.test_submitting import WANTED
from tests.polling.world import after, unseen, validating
from watcher.core.account import Condition
from watcher.core.answers import Kind, SwitchAnswer
from watcher.core.hazard import UNKNOWN, Sight
from watcher.core.learnt import LearntHazard
from watcher.core.lengths import Lengths
from watcher.core.model import Batch, Key, State
from watcher.core.streamrank import Meter, StreamRank
from watcher.polling.answering import SWITCHED
from watcher.polling.elsewhere import FRESH, LEARNT_FRESH, NOBODY, REMEMBERED, STALE
from watcher.polling.following import NOT_ASKED, Polling
from watcher.polling.questions import AGAIN, PATIENCE, Questions
from watcher.polling.shown import Shown, from_json, to_json, together
from watcher.ports import (
    AccountView,
    Broadcast,
    BroadcastView,
    BroadcastWish,
    Lease,
    NotAnswered,
    Soonest,
    Standing,
    StoreError,
    Switched,
    Word,
)

KEY = Key("default", 1)


async def describe(both: Replicas, share: str = "default") -> None:
    """The owner lets the others see how its account stands."""
    shown = to_json(await both.owner.polling.shown("default"))
    await both.store.describe({Lease(share=share, epoch=1): Standing(demand=1.0, shown=shown)})


def learnt_of_minutes() -> LearntHazard:
    learnt = LearntHazard(now=NOON.timestamp())
    for _ in range(40):
        learnt.saw(Sight(UNKNOWN, 0.0, 1.0, ended=False))
        learnt.saw(Sight(UNKNOWN, 1.0, 60.0, ended=True))
    learnt.settle(NOON.timestamp())
    return learnt


# What its owner lets be seen


async def test_an_account_is_seen_as_its_owner_said_it_stands() -> None:
    async with Replicas(validating(1)) as both:
        await describe(both)
        assert await both.other.view("default") == await both.owner.polling.view("default")
        assert (both.other.is_here("default"), both.owner.polling.is_here("default")) == (False, True)
        assert both.other.accounts == ("default", "nobodys")


async def test_what_was_said_is_read_again_after_a_second() -> None:
    async with Replicas(validating(1)) as both:
        assert (await both.other.view("default")).condition == "unpolled"
        await describe(both)
        assert (await both.other.view("default")).condition == "unpolled"
        both.waiting.turn(seconds=FRESH)
        assert (await both.other.view("default")).condition == "ok"


async def test_an_account_of_which_nothing_was_said_for_long_is_polled_by_nobody() -> None:
    async with Replicas(validating(1)) as both:
        await describe(both)
        both.waiting.turn(seconds=STALE.total_seconds())
        last = await both.owner.polling.view("default")
        gone = AccountView(
            name="default",
            condition="unpolled",
            reason=NOBODY,
            until=None,
            rate=5.0,
            effective_rate=5.0,
            in_flight=0,
            open=1,
            overdue=0,
            last_step=last.last_step,
        )
        assert await both.other.view("default") == gone
        never = replace(gone, name="nobodys", rate=2.0, effective_rate=2.0, open=0, last_step=None)
        assert await both.other.view("nobodys") == never


def test_what_is_shown_is_the_same_when_it_was_read_again() -> None:
    view = AccountView(
        name="a",
        condition="throttled",
        reason="CallFire answered 429",
        until=after(9),
        rate=5.0,
        effective_rate=2.5,
        in_flight=1,
        open=3,
        overdue=2,
        last_step=NOON,
        used=1.25,
        looks_per_request=8.0,
        change_percentage=25.0,
    )
    shown = Shown(at=NOON, view=view, coming=3)
    assert from_json(to_json(shown)) == shown == together([shown])
    assert from_json('{"of": "another version"}') is None
    calm = replace(shown, at=after(1), view=replace(view, condition="ok", reason="", until=None, last_step=None))
    unused = replace(calm, view=replace(calm.view, looks_per_request=None, change_percentage=None))
    assert together([calm, shown, unused]) == Shown(
        at=NOON,
        coming=9,
        view=replace(
            view, rate=15.0, effective_rate=7.5, in_flight=3, open=9, overdue=6, used=3.75, change_percentage=25.0
        ),
    )
    assert together([unused]).view.looks_per_request is None


async def test_parts_of_an_account_are_seen_as_one() -> None:
    async with Replicas(validating(1)) as both:
        for part in ("default@1/2", "default@2/2"):
            await describe(both, part)
        view = await both.other.view("default")
        assert (view.name, view.rate, view.open) == ("default", 10.0, 2)


# What the store has


async def test_what_an_account_has_learnt_and_costs_is_read_from_the_store() -> None:
    async with Replicas() as both:
        assert await both.other.lengths("default") == Lengths(ends=0)
        assert await both.other.streamrank("default") == StreamRank()
        await both.store.save_learnt("default", learnt_of_minutes().to_record(), NOON)
        meter = Meter()
        meter.polled(NOON, took=1.0, size=10)
        await both.store.save_ranks({"default": meter.to_record()})
        assert (await both.other.lengths("default")).ends == 40
        assert await both.other.streamrank("default") == meter.rank()


async def test_what_is_expected_of_a_watch_is_worked_out_from_what_is_stored() -> None:
    async with Replicas(validating(1), unseen(2)) as both:
        watches = [both.owner.stored(1), both.owner.stored(2), validating(3, state=State.SETTLED)]
        assert (both.other.eta(KEY), both.other.next_look(KEY), both.other.last_look(KEY)) == (None, None, None)
        both.owner.poller.learnt = learnt_of_minutes()
        both.owner.poller.schedule.hazard = both.owner.poller.learnt.hazard
        await both.other.acquaint(watches)
        assert both.other.eta(KEY) is None  # nothing was learnt that was kept
        assert both.other.next_look(Key("default", 2)) == NOON
        await both.store.save_learnt("default", both.owner.poller.learnt.to_record(), NOON)
        both.waiting.turn(seconds=LEARNT_FRESH)
        await both.other.acquaint(watches)
        theirs = both.owner.polling.eta(KEY)
        ours = both.other.eta(KEY)
        assert theirs is not None
        assert ours is not None
        assert ours.p50.timestamp() == pytest.approx(theirs.p50.timestamp(), rel=1e-3)
        assert both.other.eta(Key("default", 3)) is None
        assert both.other.next_look(KEY) is not None
        await both.owner.polling.acquaint(watches)  # which it is already


async def test_no_look_is_expected_before_the_account_may_be_asked() -> None:
    async with Replicas(validating(1)) as both:
        standing = both.owner.poller.standing
        standing.account = replace(standing.account, condition=Condition.THROTTLED, until=after(900))
        await describe(both)
        await both.other.acquaint([both.owner.stored(1)])
        assert both.other.next_look(KEY) == after(900)


async def test_of_very_many_watches_what_was_expected_first_is_forgotten() -> None:
    async with Replicas() as both:
        await both.other.acquaint([unseen(1)])
        await both.other.acquaint([unseen(number) for number in range(2, REMEMBERED + 2)])
        assert both.other.next_look(KEY) is None
        assert both.other.next_look(Key("default", 2)) is not None


async def test_the_load_that_a_plan_is_made_for() -> None:
    async with Replicas(validating(1), validating(2, stuck_told=1)) as both:
        await describe(both)
        here, learnt = await both.owner.polling.load_of("default")
        there, unlearnt = await both.other.load_of("default")
        assert (here.coming, there, learnt) == (1, here, LearntHazard(now=NOON.timestamp()).to_record())
        assert LearntHazard.from_record(unlearnt, NOON.timestamp()).seen_ends == 0


# What its owner is asked for


async def test_a_look_that_is_asked_for_elsewhere_is_made_here_and_stored_before_it_is_told() -> None:
    async with Replicas(validating(1)) as both:
        both.clock.turn(seconds=5)
        both.owner.upstream.script(1, shows("VALIDATING"))
        look = await both.other.refresh(KEY)
        assert look is not None
        await both.hear()
        assert not look.done()
        await both.owner.step_until(lambda: both.store.words("refreshed") != [])
        assert both.owner.stored(1).asked == both.owner.upstream.asked[0][0]
        await both.hear()
        assert (look.result(), len(both.other.questions)) == (True, 0)


async def test_a_look_that_callfire_does_not_answer_is_told_as_such() -> None:
    async with Replicas(validating(1)) as both:
        both.clock.turn(seconds=5)
        both.owner.upstream.script(1, FAILS)
        look = await both.other.refresh(KEY)
        assert look is not None
        await both.hear()
        await both.owner.step_until(lambda: both.store.words("refreshed") != [])
        await both.hear()
        assert look.result() is False


async def test_a_look_at_a_watch_that_is_not_open_is_not_made() -> None:
    async with Replicas() as both:
        look = await both.other.refresh(KEY)
        assert look is not None
        await both.hear()
        await both.hear()
        assert look.result() is False
        assert await both.other.refresh(Key("unknown", 1)) is None


async def test_a_look_that_was_asked_for_while_nobody_polled_the_account_is_made_by_whoever_does_then() -> None:
    async with Replicas(unseen(1)) as both:
        poller = both.owner.polling.pollers.pop("default")
        look = await both.other.refresh(KEY)
        assert look is not None
        await both.hear()
        both.owner.polling.pollers["default"] = poller
        for _ in range(3):
            both.waiting.turn(seconds=AGAIN)
            await both.at_other.hearing.read()
        await both.hear()
        both.owner.upstream.script(1, shows("NEW"))
        await both.owner.step()
        await both.hear()
        assert (look.result(), len(both.owner.upstream.asked)) == (True, 1)
        said = [word.kind for word in both.store.words()]
        assert (said.count("refresh"), said.count("refreshed")) == (4, 1)


async def test_who_waits_for_a_look_for_long_waits_in_vain() -> None:
    async with Replicas() as both:
        look = await both.other.refresh(Key("nobodys", 1))
        given_up = await both.other.refresh(Key("nobodys", 1))
        assert look is not None
        assert given_up is not None
        both.waiting.turn(seconds=PATIENCE - 1)
        await both.at_other.hearing.read()
        assert not look.done()
        given_up.cancel()
        both.waiting.turn(seconds=1)
        await both.at_other.hearing.read()
        await settle_down()
        assert (look.result(), len(both.other.questions)) == (False, 0)


async def test_a_look_that_nobody_can_be_asked_for_is_not_waited_for() -> None:
    async with Replicas() as both:
        both.there.failing = {"say"}
        with pytest.raises(StoreError):
            await both.other.refresh(KEY)
        await settle_down()
        assert len(both.other.questions) == 0


async def test_a_watch_is_explained_by_whoever_polls_it() -> None:
    async with Replicas(validating(1)) as both:
        found = await both.answered(both.other.explain(KEY))
        assert found == await both.owner.polling.explain(KEY)
        assert found is not None
        assert await both.answered(both.other.explain(Key("default", 2))) is None
        assert await both.other.explain(Key("unknown", 1)) is None


async def test_past_looks_are_told_by_whoever_made_them() -> None:
    async with Replicas(unseen(1)) as both:
        both.owner.upstream.script(1, shows("NEW"))
        await both.owner.step()
        found = await both.answered(both.other.past_looks(KEY))
        assert found == await both.owner.polling.past_looks(KEY)
        assert len(found.looks) == 1


async def test_what_is_overdue_and_what_ends_soonest_is_told_by_whoever_polls() -> None:
    async with Replicas(validating(1), validating(2)) as both:
        both.clock.turn(hours=1)
        assert await both.answered(both.other.overdue("default")) == [1, 2]
        assert await both.other.overdue("unknown") == ()
        soonest = await both.answered(both.other.soonest_elsewhere(["default", "unknown"], 1))
        assert soonest == {"default": both.owner.polling.soonest("default", 1)}
        assert await both.owner.polling.soonest_elsewhere(["default"], 1) == {}
        assert both.other.soonest("default", 1) == Soonest(total=0)


async def test_broadcasts_are_shown_as_whoever_polls_them_sees_them_or_as_they_are_kept() -> None:
    async with Replicas(validating(1, broadcast_id=9)) as both:
        await both.owner.polling.follow_broadcast(BroadcastWish(account="default", broadcast_id=9, kind="call"))
        found = await both.answered(both.other.broadcasts("default", [9, 10]))
        assert found == await both.owner.polling.broadcasts("default", [9])
        assert found[9].batches == 1
        assert await both.other.broadcasts("default", [10]) == {}
        assert await both.other.broadcasts("unknown", [9]) == {}
        await both.store.note_kind("default", 11, "text")  # nobody follows it
        known = Broadcast(account="default", broadcast_id=11, kind="text", opened=NOON)
        assert await both.answered(both.other.broadcasts("default", [11])) == {11: BroadcastView(broadcast=known)}
        hasty = Polling({}, store=both.there, clock=FakeClock(), tell=both.ear, rates={"default": 5.0})
        kept = Broadcast(account="default", broadcast_id=9, kind="call", followed=True, opened=NOON)
        assert await hasty.broadcasts("default", [9]) == {9: BroadcastView(broadcast=kept, note=NOT_ASKED)}


async def test_who_is_not_answered_in_time_is_told_so() -> None:
    async with Replicas(validating(1)) as both:
        hasty = Questions(store=both.there, clock=FakeClock())
        with pytest.raises(NotAnswered, match="whoever polls account 'default' did not answer within 2 s"):
            await hasty.ask("explanation", "default", id=1)
        await both.hear()  # the answer comes too late, and is nobody's
        assert [word.kind for word in both.store.words()] == ["ask", "answer"]
        assert len(hasty) == len(both.other.questions) == 0


async def test_an_answer_to_others_is_not_ours() -> None:
    async with Replicas() as both:
        await both.store.say(
            [
                Word(kind="answer", body={"question": "three 1", "given": {}}),
                Word(kind="refreshed", body={"question": "three 1", "answered": True}),
                Word(kind="submission", account="default", body={"id": "sub_of_others"}),
                Word(kind="resume", account="nobodys"),
            ]
        )
        await both.hear()
        assert both.at_other.ear.heard == []


# Submissions


async def test_a_batch_is_withdrawn_from_elsewhere() -> None:
    async with Replicas() as both:
        await both.desk.submit(WANTED)
        await both.hear()
        withdrawn = await both.answered(both.desk.withdraw("default", WANTED.id))
        assert withdrawn is not None
        assert withdrawn.over


async def test_a_batch_is_switched_from_elsewhere() -> None:
    async with Replicas(validating(1)) as both:
        assert await both.answered(both.desk.switch("default", 1, enabled=False, wait=0.0)) == Switched()
        assert [word.kind for word in both.store.words()] == ["ask", "answer"]


def test_what_came_of_switching_is_the_same_when_it_was_read_again() -> None:
    answer = SwitchAnswer(batch_id=1, asked=NOON, answered=after(1), kind=Kind.SEEN, outcome="204")
    switched = Switched(answer=answer, batch=Batch(id=1, status="VALIDATING", created=NOON, enabled=False))
    told = json.loads(json.dumps(SWITCHED.dump_python(switched, mode="json")))
    assert SWITCHED.validate_python(told) == switched


async def test_a_switch_that_nobody_answers_was_not_asked_for_in_time() -> None:
    async with Replicas() as both:
        hasty = Polling({}, store=both.there, clock=FakeClock(), tell=both.ear, rates={"default": 5.0})
        both.desk._polling = hasty
        assert await both.desk.switch("default", 1, enabled=False, wait=0.0) == Switched()
