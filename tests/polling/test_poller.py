import asyncio
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest

from tests.fake_store import FakeStore
from tests.fakes import FAILS, KNOWS_NOTHING, NOON, REFUSES, FakeClock, Reply, StillClock, settle_down, shows
from tests.polling.world import PROVEN, UNKNOWN, World, after, unseen, validating
from watcher.core.account import AccountRecord, Condition, recall
from watcher.core.answers import Kind
from watcher.core.model import Key, LastLook
from watcher.core.news import (
    AccountTold,
    BudgetUsed,
    ConditionChanged,
    Looked,
    SetAside,
    Stepped,
    Tally,
    Throttled,
)
from watcher.core.schedule import Pace
from watcher.polling.keeping import Keeper
from watcher.ports import AccountView, StoreError, Wish


def keeper(world: World) -> Keeper:
    return Keeper(world.polling, reports=(), clock=world.clock, every=5.0)


# Token first, then the choice


async def test_what_is_best_is_chosen_when_the_token_is_there_and_not_before() -> None:
    async with World(validating(1), validating(2)) as world:
        world.upstream.script(1, shows("VALIDATING"))
        world.upstream.script(2, shows("VALIDATING"))
        world.clock.turn(minutes=2)
        world.upstream.before_token = lambda: world.poller.schedule.first(2, "refresh")
        await world.step()
        assert world.upstream.batches == [2]
        assert world.ear.of(Looked) == [Looked(account="default", by="refresh", result="unchanged")]


async def test_a_token_for_which_nothing_is_left_is_let_go() -> None:
    async with World(unseen(1)) as world:
        world.upstream.before_token = lambda: world.poller.drop(1)
        await world.step()
        assert (world.upstream.tokens, world.upstream.batches) == (1, [])


async def test_no_token_is_taken_while_nothing_is_worth_a_request() -> None:
    async with World() as world:
        await world.step(3)
        assert world.upstream.tokens == 0
        assert world.clock.slept == [15.0, 15.0, 15.0]
        assert world.ear.of(Stepped) == [Stepped(account="default", at=after(at)) for at in (0, 15, 30)]
        assert world.poller.last_step == after(30)


async def test_steps_are_told_once_a_second_however_fast_they_come() -> None:
    async with World(*(unseen(batch_id) for batch_id in range(1, 12))) as world:
        for batch_id in range(1, 12):
            world.upstream.script(batch_id, shows("NEW"))
        await world.step(11)
        assert world.ear.of(Stepped) == [Stepped(account="default", at=after(at)) for at in (0, 1, 2)]
        assert world.poller.last_step == after(2)


async def test_a_freeze_that_comes_while_it_waits_for_the_token_holds_it_back() -> None:
    async with World(unseen(1)) as world:

        def freeze() -> None:
            world.poller.standing.account = replace(PROVEN, condition=Condition.THROTTLED, since=NOON, until=after(60))

        world.upstream.before_token = freeze
        await world.step(3)
        assert (world.upstream.tokens, world.upstream.batches) == (1, [])


async def test_a_budget_of_less_than_a_request_a_minute_leaves_signs_of_life_and_is_used() -> None:
    async with World(unseen(1)) as world:
        world.upstream.effective_rate = 1 / 100
        await world.step(3)
        assert world.upstream.tokens == 0
        assert world.poller.last_step == after(30)
        world.upstream.effective_rate = 1 / 10
        await world.step()
        assert world.upstream.batches == [1]


async def test_a_new_watch_ends_the_wait() -> None:
    async with World(clock=StillClock()) as world:
        world.upstream.script(1, shows("NEW"))
        step = asyncio.create_task(world.poller.step())
        await settle_down()
        assert not step.done()
        await world.polling.follow([Wish(key=Key("default", 1))])
        await step
        await world.step()
        assert world.told == [("batch.new", 1)]


# The account's condition


@pytest.mark.parametrize("condition", [Condition.THROTTLED, Condition.DOWN, Condition.REFUSED])
async def test_an_account_in_trouble_is_asked_nothing_until_its_time_and_then_one_request_alone(
    condition: Condition,
) -> None:
    account = replace(PROVEN, condition=condition, since=NOON, until=after(40))
    async with World(unseen(1), unseen(2), unseen(3), account=account) as world:
        for batch_id in (1, 2, 3):
            world.upstream.script(batch_id, replace(shows("NEW"), gate=asyncio.Event()))
        await world.step(10)
        assert world.upstream.asked == [(after(40.2), 1)]
        assert world.poller.view().in_flight == 1


async def test_a_paused_account_is_asked_nothing() -> None:
    async with World(unseen(1), account=replace(PROVEN, condition=Condition.PAUSED)) as world:
        await world.step(20)
        assert world.upstream.tokens == 0


async def test_only_one_request_is_under_way_until_the_login_has_been_accepted() -> None:
    gate = asyncio.Event()
    async with World(*(unseen(batch_id) for batch_id in range(1, 8)), account=UNKNOWN) as world:
        for batch_id in range(1, 8):
            world.upstream.script(batch_id, replace(shows("NEW"), gate=gate if batch_id == 1 else asyncio.Event()))
        await world.step(5)
        assert world.upstream.batches == [1]
        gate.set()
        await settle_down()
        await world.step(10)
        assert world.upstream.batches == [1, 2, 3, 4, 5]
        assert world.poller.standing.in_flight == 4


async def test_a_wrong_password_costs_three_requests_and_is_told_once_also_after_restarts() -> None:
    clock = FakeClock()
    store = FakeStore(clock)
    watches = [unseen(batch_id) for batch_id in range(1, 7)]
    async with World(*watches, account=UNKNOWN, clock=clock, store=store) as world:
        for watch in watches:
            world.upstream.script(watch.batch_id, REFUSES)
        await world.step_for(600)
        assert len(world.upstream.asked) == 3
        assert world.told == [("account.refused", 1)]
        assert [news.type for news in world.ear.of(AccountTold) if isinstance(news, AccountTold)] == ["account.refused"]
    kept = store.records["default"]
    assert kept == AccountRecord(
        name="default",
        refused=True,
        reason="CallFire answered 401",
        refusals=1,
        probe_at=after(0.6) + timedelta(minutes=15),
        credentials="mine",
        number=1,
    )
    async with World(account=recall("default", "mine", kept), clock=clock, store=store) as again:
        for watch in watches:
            again.upstream.script(watch.batch_id, REFUSES)
        await again.step_until(lambda: clock.now() >= after(890))
        assert again.upstream.tokens == 0
        await again.step_for(1800)
        assert [asked for asked, _ in again.upstream.asked] == [after(900.8)]  # one probe, the next after an hour
        assert again.told == [("account.refused", 1)]


async def test_changed_credentials_are_tried_at_once_by_one_request_and_their_success_is_told() -> None:
    refused = AccountRecord(name="default", refused=True, probe_at=after(3600), credentials="old", number=1)
    async with World(unseen(1), unseen(2), account=recall("default", "mine", refused)) as world:
        world.upstream.script(1, shows("NEW"))
        world.upstream.script(2, shows("NEW"))
        await world.step(2)
        assert world.upstream.asked == [(after(0.2), 1), (after(0.4), 2)]
        assert world.told == [("account.recovered", 2), ("batch.new", 1), ("batch.new", 1)]
        assert world.store.records["default"] == AccountRecord(name="default", credentials="mine", number=2)
        assert world.ear.of(ConditionChanged) == [
            ConditionChanged(account="default", condition="refused", previous="ok", reason="", until=None),  # still
            ConditionChanged(account="default", condition="ok", previous="refused", reason="", until=None),
        ]


async def test_changed_credentials_that_are_refused_as_well_are_tried_once_and_told_no_second_time() -> None:
    refused = AccountRecord(name="default", refused=True, probe_at=after(60), credentials="old", number=1)
    async with World(unseen(1), account=recall("default", "mine", refused)) as world:
        world.upstream.script(1, REFUSES)
        await world.step_for(600)
        assert world.upstream.asked == [(after(0.2), 1)]
        assert world.told == []
        assert world.store.records["default"].probe_at == after(0.2) + timedelta(minutes=15)


async def test_five_failures_in_a_row_stop_the_account_and_leave_its_watches_as_they_were() -> None:
    watches = [validating(batch_id) for batch_id in range(1, 8)]
    async with World(*watches) as world:
        for watch in watches:
            world.upstream.script(watch.batch_id, FAILS)
        world.clock.turn(minutes=1)
        await world.step(5)
        assert len(world.upstream.asked) == 5
        assert world.poller.view().condition == "down"
        assert list(world.store.watches.values()) == watches
        await world.step()
        assert len(world.upstream.asked) == 5


async def test_a_freeze_is_told_once_and_what_only_lengthens_it_as_such() -> None:
    gate = asyncio.Event()
    async with World(unseen(1), unseen(2)) as world:
        frozen = Reply(kind=Kind.THROTTLED, outcome="429", retry_after=timedelta(seconds=10), gate=gate)
        world.upstream.script(1, frozen)
        world.upstream.script(2, replace(frozen, retry_after=timedelta(seconds=20)))
        await world.step(2)
        world.clock.turn(seconds=0.6)
        gate.set()
        await settle_down()
        assert world.ear.of(Throttled) == [
            Throttled(account="default", until=after(1 + 10 * 1.05)),
            Throttled(account="default", until=after(1 + 20 * 1.05), again=True),
        ]


async def test_a_throttled_watch_keeps_its_place() -> None:
    async with World(unseen(1), unseen(2)) as world:
        world.upstream.script(
            1, Reply(kind=Kind.THROTTLED, outcome="429", retry_after=timedelta(seconds=10)), shows("NEW")
        )
        world.upstream.script(2, shows("NEW"))
        await world.step(5)
        assert world.upstream.batches == [1, 1, 2]
        assert [news.result for news in world.ear.of(Looked) if isinstance(news, Looked)] == [
            "untouched",
            "changed",
            "changed",
        ]


# Many at once


async def test_a_look_that_hangs_holds_no_other_up() -> None:
    async with World(*(unseen(batch_id) for batch_id in range(1, 6))) as world:
        world.upstream.script(1, replace(shows("NEW"), gate=asyncio.Event()))
        for batch_id in range(2, 6):
            world.upstream.script(batch_id, shows("NEW"))
        await world.step(5)
        assert world.upstream.batches == [1, 2, 3, 4, 5]
        assert world.poller.standing.in_flight == 1


async def test_no_more_are_under_way_than_the_settings_allow() -> None:
    async with World(*(unseen(batch_id) for batch_id in range(1, 8)), concurrency=3) as world:
        for batch_id in range(1, 8):
            world.upstream.script(batch_id, replace(shows("NEW"), gate=asyncio.Event()))
        await world.step(12)
        assert world.poller.standing.in_flight == len(world.upstream.asked) == 3


async def test_a_look_that_fails_inside_lands_and_is_not_repeated_at_once() -> None:
    async with World(unseen(1)) as world:
        world.upstream.script(1, Reply(raises=ZeroDivisionError("a mistake of ours")), shows("NEW"))
        await world.step()
        assert [type(error) for error in world.errands.failed] == [ZeroDivisionError]
        assert world.poller.standing.in_flight == 0
        await world.step_until(lambda: len(world.upstream.asked) == 2)
        first, second = (asked for asked, _ in world.upstream.asked)
        assert second - first >= timedelta(seconds=1)
        assert world.told == [("batch.new", 1)]


async def test_a_look_that_is_cut_off_lands() -> None:
    async with World(unseen(1)) as world:
        world.upstream.script(1, replace(shows("NEW"), gate=asyncio.Event()))
        await world.step()
        assert world.poller.standing.in_flight == 1
    assert world.poller.standing.in_flight == 0


# What the store does not take


async def test_a_change_that_cannot_be_recorded_does_not_count_as_seen_and_is_told_by_a_later_look() -> None:
    async with World(validating(1)) as world:
        world.upstream.script(1, shows("ACTIVE"))
        world.clock.turn(minutes=1)
        world.store.failing = {"commit"}
        await world.step()
        assert [type(error) for error in world.errands.failed] == [StoreError]
        assert world.stored(1) == validating(1)
        assert world.polling.last_look(Key("default", 1)) == LastLook(
            batch_id=1, asked=NOON, answered=NOON, looks=1, size=None, remaining=None
        )
        await world.step_until(lambda: len(world.upstream.asked) == 2)
        world.store.failing = set()
        await world.step_until(lambda: len(world.upstream.asked) == 3)
        asked = [asked for asked, _ in world.upstream.asked]
        assert min(later - sooner for sooner, later in pairwise(asked)) >= timedelta(seconds=1)
        assert world.told == [("batch.active", 2)]
        assert world.stored(1).number == 2


async def test_a_refusal_that_cannot_be_kept_stops_all_requests_and_is_kept_later() -> None:
    async with World(unseen(1), account=UNKNOWN) as world:
        world.upstream.script(1, REFUSES)
        world.store.failing = {"save_account"}
        await world.step_for(60)
        assert len(world.upstream.asked) == 3
        assert (world.told, world.store.records, world.errands.failed) == ([], {}, [])
        with pytest.raises(StoreError):
            await keeper(world).save()
        world.store.failing = set()
        await keeper(world).save()
        await keeper(world).save()
        assert world.told == [("account.refused", 1)]
        assert world.store.done["save_account"] == 1
        assert world.store.records["default"].refused


async def test_an_answer_counts_for_its_watch_even_where_the_account_cannot_be_kept() -> None:
    refused = AccountRecord(name="default", refused=True, credentials="old", number=1)
    async with World(unseen(1), account=recall("default", "mine", refused)) as world:
        world.upstream.script(1, shows("NEW"))
        world.store.failing = {"save_account"}
        await world.step()
        assert world.told == [("batch.new", 1)]


async def test_refused_and_recovered_while_the_store_fails_are_told_in_order() -> None:
    async with World(unseen(1), account=UNKNOWN) as world:
        world.upstream.script(1, REFUSES, REFUSES, REFUSES, shows("NEW"))
        world.store.failing = {"save_account"}
        await world.step_until(lambda: len(world.upstream.asked) == 4)
        world.store.failing = set()
        await keeper(world).save()
        assert world.told == [("batch.new", 1), ("account.refused", 1), ("account.recovered", 2)]
        assert world.store.records["default"] == AccountRecord(name="default", credentials="mine", number=2)


async def test_an_older_record_of_the_account_is_never_written_over_a_newer() -> None:
    async with World(unseen(1), account=UNKNOWN) as world:
        world.upstream.script(1, REFUSES, REFUSES, REFUSES, shows("NEW"))
        world.store.failing = {"save_account"}
        await world.step_until(lambda: len(world.upstream.asked) == 3)
        world.store.failing = set()
        world.store.gates["save_account"] = gate = asyncio.Event()
        saving = asyncio.create_task(keeper(world).save())  # the refusal, which the store is slow to take
        await world.step_until(lambda: len(world.upstream.asked) == 4)
        gate.set()
        await saving
        await settle_down()
        assert world.told == [("account.refused", 1), ("account.recovered", 2), ("batch.new", 1)]
        assert world.store.records["default"] == AccountRecord(name="default", credentials="mine", number=2)


# Starting


async def test_at_the_start_what_was_never_seen_goes_first_and_nothing_is_told_by_itself() -> None:
    watches = [validating(1), validating(2), unseen(3), validating(4), validating(5)]
    async with World(*watches) as world:
        for watch in watches:
            world.upstream.script(watch.batch_id, shows("VALIDATING"))
        world.clock.turn(minutes=20)
        await world.step(5)
        assert world.upstream.batches[0] == 3
        assert sorted(world.upstream.batches) == [1, 2, 3, 4, 5]
        assert world.told == [("batch.validating", 1)]


async def test_what_was_asked_by_a_clock_that_has_been_set_back_since_holds_no_change_up() -> None:
    async with World(validating(1, seen=after(86_400), opened=NOON)) as world:
        world.upstream.script(1, shows("VALIDATING"), shows("ACTIVE"))
        await world.step_until(lambda: len(world.upstream.asked) == 2)
        assert world.told == [("batch.active", 2)]
        assert world.stored(1).asked == world.upstream.asked[1][0]
        assert [news.result for news in world.ear.of(Looked) if isinstance(news, Looked)] == ["unchanged", "changed"]


async def test_a_watch_opened_by_a_clock_that_has_been_set_back_since_is_looked_at_all_the_same() -> None:
    """Its age, its next look and how long it is set aside are those of the time that it is now."""
    ahead = after(3000)
    later = unseen(2, opened=ahead, aside_until=ahead + timedelta(hours=1))
    async with World(validating(1, seen=ahead, opened=ahead), later) as world:
        world.upstream.script(1, shows("VALIDATING"))
        world.upstream.script(2, shows("VALIDATING"))
        assert world.poller.next_look(2) is not None
        await world.step_until(lambda: world.upstream.batches.count(1) > 1)
        assert world.clock.now() < after(60)
        await world.step_until(lambda: 2 in world.upstream.batches, most=5000)
        assert world.clock.now() < after(2 * 3600)


async def test_a_question_that_will_not_do_is_told_with_what_callfire_says() -> None:
    async with World(unseen(1)) as world:
        world.upstream.script(1, Reply(kind=Kind.UNFIT, outcome="400"))
        await world.step()
        assert world.ear.of(SetAside) == [SetAside(account="default", batch_id=1, outcome="400", detail=None)]


# What it says of itself


async def test_the_report_says_what_is_owed_and_what_was_spent() -> None:
    watches = [unseen(1), unseen(2), validating(3, stuck_told=1, stuck_last=NOON)]
    async with World(*watches, pace=Pace(max_interval=10.0)) as world:
        world.upstream.script(1, shows("ACTIVE"))
        world.upstream.script(2, KNOWS_NOTHING)
        await world.step(2)
        world.clock.turn(seconds=19.6)
        await world.poller.report()
        [spent] = world.ear.of(BudgetUsed)
        assert isinstance(spent, BudgetUsed)
        assert replace(spent, used=round(spent.used, 6)) == BudgetUsed(
            account="default", configured=5.0, effective=5.0, used=0.1
        )
        [tally] = world.ear.of(Tally)
        assert isinstance(tally, Tally)
        assert replace(tally, expected_wait=0.0) == Tally(
            account="default",
            by_status={"unseen": 1, "new": 0, "validating": 1, "unknown": 0, "active": 1},
            overdue=2,
            oldest_look_age=20.0,
            stuck=1,
            expected_wait=0.0,
        )
        assert tally.expected_wait > 1.0


async def test_a_report_in_the_moment_of_the_last_one_claims_no_rate() -> None:
    async with World() as world:
        await world.poller.report()
        assert world.ear.of(BudgetUsed) == [BudgetUsed(account="default", configured=5.0, effective=5.0, used=0.0)]


async def test_an_account_is_shown_as_it_is() -> None:
    held = replace(PROVEN, condition=Condition.DOWN, reason="5 failures in a row, the last 503", until=after(30))
    async with World(unseen(1), account=held) as world:
        shown = AccountView(
            name="default",
            condition="down",
            reason="5 failures in a row, the last 503",
            until=after(30),
            rate=5.0,
            effective_rate=5.0,
            in_flight=0,
            open=1,
            overdue=0,
            last_step=NOON,
            used=0.0,
            looks_per_request=None,
            change_percentage=None,
        )
        assert world.poller.view() == shown
        assert await world.polling.view("default") == shown
        world.clock.turn(seconds=31)
        assert world.poller.view() == replace(shown, until=None)


async def test_the_next_look_is_when_it_is_worth_it_but_not_before_the_account_may_be_asked() -> None:
    async with World(unseen(1), validating(2)) as world:
        assert world.poller.next_look(1) == NOON
        sooner = world.poller.next_look(2)
        assert sooner is not None
        assert after(1) <= sooner < after(60)
        assert world.poller.next_look(3) is None
        world.poller.standing.account = replace(PROVEN, condition=Condition.DOWN, until=after(60))
        assert world.poller.next_look(1) == world.poller.next_look(2) == after(60)
        assert world.poller.last_look(1) is None
        assert world.poller.last_look(2) is not None
