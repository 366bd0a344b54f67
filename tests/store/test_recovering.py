"""The port's promises about recovery: what an endpoint missed, or got, is sent to it again."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.fakes import NOON, FakeClock
from tests.store.making import LEASE, answered, api_endpoint, claim, endpoint, happen, settle_one, settled
from watcher.core.endpoint import Delivery, DeliveryState
from watcher.core.model import Key
from watcher.core.recovering import DeliveryQuery, Recovered, Recovery, RecoveryState
from watcher.ports import Store

ALL: frozenset[RecoveryState] = frozenset({"dead", "held", "pending", "done", "missing"})
LATER = NOON + timedelta(days=1)
HOUR = timedelta(hours=1)


def recovery(
    *,
    since: datetime = NOON - HOUR,
    until: datetime = NOON + HOUR,
    states: frozenset[RecoveryState] = ALL,
    most: int = 100,
) -> Recovery:
    return Recovery(endpoint_id="hook", since=since, until=until, states=states, most=most)


async def recovered(store: Store, recovery: Recovery, *, dry_run: bool = False) -> Recovered:
    """What came of it a day later."""
    recovered = await store.recover(recovery, LATER, dry_run=dry_run)
    assert recovered is not None
    return recovered


async def in_states(store: Store) -> dict[int, str]:
    """The state of the endpoint's deliveries by batch."""
    shown = await store.deliveries(DeliveryQuery(endpoint_id="hook"))
    return {each.batch_id or 0: str(each.state) for each in reversed(shown)}


@pytest.fixture
async def in_every_state(store: Store) -> list[Delivery]:
    """Batch 1 is missing, 2 done, 3 dead, 4 held, 5 pending for the endpoint."""
    await happen(store, "batch.active", key=Key("default", 1))
    await store.make_endpoint(api_endpoint("hook", types=("batch.*",)), NOON)
    for batch_id in (2, 3, 4):
        await happen(store, "batch.active", key=Key("default", batch_id))
    done, dead, held = await claim(store, NOON)
    await settled(store, answered(done, 200, NOON))
    await settled(store, answered(replace(dead, attempts=10), 500, NOON))
    await settled(store, answered(held, 410, NOON))
    await store.enable_endpoint("hook", send_held=False, now=NOON)
    await happen(store, "batch.active", key=Key("default", 5))
    return [done, dead, held]


async def test_everything_can_be_recovered_with_all_its_attempts(store: Store, in_every_state: list[Delivery]) -> None:
    counts: dict[RecoveryState, int] = {"missing": 1, "done": 1, "dead": 1, "held": 1, "pending": 1}
    assert await recovered(store, recovery()) == Recovered(counts=counts, after=None)
    claimed = await claim(store, LATER)
    assert {(each.due, each.attempts, each.cause, each.state) for each in claimed} == {
        (LATER, 0, "recovery", DeliveryState.PENDING)
    }
    assert await in_states(store) == dict.fromkeys(range(1, 6), "pending")
    assert [each.id for each in claimed[:3]] == [each.id for each in in_every_state]


@pytest.mark.parametrize("dry_run", [True, False])
async def test_of_what_it_was_owed_of_other_accounts_nothing_is_recovered_or_counted(
    store: Store, dry_run: bool
) -> None:
    """Its filter was wider once; whoever recovers now may not see all of that."""
    made = await store.make_endpoint(api_endpoint("hook", accounts=("east", "west")), NOON)
    assert made is not None
    for account in ("east", "west"):
        await happen(store, "batch.active", key=Key(account, 1))
    assert await store.change_endpoint(replace(made, accounts=("east",))) is not None
    only = replace(recovery(), accounts=frozenset({"east"}))
    assert await recovered(store, only, dry_run=dry_run) == Recovered(counts={"pending": 1}, after=None)
    shown = await store.deliveries(DeliveryQuery(endpoint_id="hook"))
    assert {each.account: each.cause for each in shown} == {
        "east": "schedule" if dry_run else "recovery",
        "west": "schedule",
    }


@pytest.mark.parametrize("state", sorted(ALL))
async def test_only_what_is_in_the_states_asked_for_is_recovered(
    store: Store, in_every_state: list[Delivery], state: RecoveryState
) -> None:
    before = await in_states(store)
    batch = {"missing": 1, "done": 2, "dead": 3, "held": 4, "pending": 5}[state]
    only = recovery(states=frozenset({state}))
    assert await recovered(store, only) == Recovered(counts={state: 1}, after=None)
    assert await in_states(store) == before | {batch: "pending"}
    shown = await store.deliveries(DeliveryQuery(endpoint_id="hook"))
    assert [each.batch_id for each in shown if each.cause == "recovery"] == [batch]


async def test_a_dry_run_counts_and_does_nothing(store: Store, in_every_state: list[Delivery]) -> None:
    before = await store.deliveries(DeliveryQuery())
    counted = await recovered(store, recovery(), dry_run=True)
    assert await store.deliveries(DeliveryQuery()) == before
    assert await recovered(store, recovery()) == counted


async def test_what_happened_at_another_time_is_left_alone(store: Store) -> None:
    await store.make_endpoint(api_endpoint("hook"), NOON - HOUR)
    times = [NOON - HOUR, NOON - timedelta(milliseconds=1), NOON, NOON + HOUR / 2, NOON + HOUR, NOON + 2 * HOUR]
    for batch_id, at in enumerate(times, start=1):
        await happen(store, "batch.active", key=Key("default", batch_id), at=at)
    for delivery in await claim(store, NOON):
        await settled(store, answered(delivery, 200, NOON))
    assert (await recovered(store, recovery(since=NOON, until=NOON + HOUR))).counts == {"done": 2}
    assert {each.batch_id for each in await store.deliveries(DeliveryQuery(states=[DeliveryState.PENDING]))} == {3, 4}


async def test_events_that_are_a_little_out_of_order_are_all_found(store: Store) -> None:
    await store.make_endpoint(api_endpoint("hook"), NOON)
    for batch_id in range(1, 41):
        at = NOON + timedelta(seconds=batch_id - 50 * (batch_id % 3 == 0))
        await happen(store, "batch.active", key=Key("default", batch_id), at=at)
    window = recovery(since=NOON, until=NOON + timedelta(seconds=20), most=7)
    inside = sum(0 <= batch_id - 50 * (batch_id % 3 == 0) < 20 for batch_id in range(1, 41))
    found = 0
    portion = await recovered(store, window, dry_run=True)
    while portion.after is not None:
        found += sum(portion.counts.values())
        portion = await recovered(store, replace(window, after=portion.after), dry_run=True)
    assert found + sum(portion.counts.values()) == inside


async def test_a_recovery_goes_on_where_the_last_portion_ended(store: Store) -> None:
    for batch_id in range(1, 8):
        await happen(store, "batch.active", key=Key("default", batch_id))
    await store.make_endpoint(api_endpoint("hook"), NOON)
    portions: list[int] = []
    after: int | None = 0
    while after is not None:
        portion = await recovered(store, replace(recovery(most=3), after=after))
        portions.append(portion.counts.get("missing", 0))
        after = portion.after
    assert [count for count in portions if count] == [3, 3, 1]
    assert [each.position for each in await claim(store, LATER)] == sorted(
        each.position for each in await store.deliveries(DeliveryQuery())
    )


async def test_only_what_the_endpoint_wants_is_missing(store: Store) -> None:
    await happen(store, "batch.new", key=Key("a", 1), broadcast_id=7, labels={"team": "x"})
    await happen(store, "batch.new", key=Key("a", 2), broadcast_id=8, labels={"team": "x"})
    await happen(store, "batch.new", key=Key("a", 3), broadcast_id=7, labels={"team": "y"})
    await happen(store, "batch.active", key=Key("a", 4), broadcast_id=7, labels={"team": "x"})
    await happen(store, "batch.new", key=Key("b", 5), broadcast_id=7, labels={"team": "x"})
    wanted = api_endpoint("hook", types=("batch.new",), accounts=("a",), broadcasts=(7,), labels={"team": "x"})
    await store.make_endpoint(wanted, NOON)
    assert (await recovered(store, recovery())).counts == {"missing": 1}
    assert [each.batch_id for each in await store.deliveries(DeliveryQuery())] == [1]


async def test_what_tells_of_endpoints_is_recovered_for_others_only(store: Store) -> None:
    await store.settle_endpoints([endpoint("bad")])
    await happen(store, "batch.active")
    [delivery] = await claim(store, NOON, "bad")
    await settle_one(store, answered(delivery, 410, NOON))
    await store.make_endpoint(api_endpoint("hook", types=("endpoint.*",)), NOON)
    assert (await recovered(store, recovery())).counts == {"missing": 1}
    await store.enable_endpoint("bad", send_held=False, now=NOON)
    about_itself = replace(recovery(), endpoint_id="bad")
    assert (await recovered(store, about_itself, dry_run=True)).counts == {"held": 1}


async def test_what_is_under_way_is_left_alone(store: Store) -> None:
    await store.settle_endpoints([endpoint()])
    await happen(store, "batch.new", "batch.active")
    flying, _ = await claim(store, NOON, room=2)
    again = NOON + timedelta(seconds=1)
    assert await store.recover(recovery(), again, dry_run=False) == Recovered(counts={}, after=None)
    await settled(store, answered(flying, 200, NOON))
    ended = await store.recover(recovery(), again, dry_run=False)
    assert ended == Recovered(counts={"done": 1}, after=None)
    late = await store.recover(recovery(), NOON + LEASE, dry_run=True)
    assert late == Recovered(counts={"pending": 2}, after=None)


async def test_an_endpoint_that_is_not_active_recovers_in_a_dry_run_only(store: Store) -> None:
    await store.settle_endpoints([endpoint()])
    await happen(store, "batch.new")
    await store.disable_endpoint("hook", "enough")
    assert await store.recover(recovery(), LATER, dry_run=False) is None
    assert await store.recover(recovery(), LATER, dry_run=True) == Recovered(counts={"held": 1}, after=None)
    await store.remove_endpoint("hook")
    for dry_run in (True, False):
        assert await store.recover(recovery(), LATER, dry_run=dry_run) is None
        assert await store.recover(replace(recovery(), endpoint_id="x"), LATER, dry_run=dry_run) is None


async def test_what_is_recovered_keeps_the_order_that_its_endpoint_wants(store: Store) -> None:
    await happen(store, "batch.new", "batch.validating")
    await store.make_endpoint(api_endpoint("hook", ordering="batch"), NOON)
    await happen(store, "batch.active")
    [active] = await claim(store, NOON)
    await store.release("mine")
    await recovered(store, recovery())
    told: list[str] = []
    for _ in range(3):
        [only] = await claim(store, LATER)
        told.append(only.event_type)
        await settled(store, answered(only, 200, LATER))
    assert told == ["batch.new", "batch.validating", "batch.active"]
    assert await claim(store, LATER) == []
    assert active.event_type == "batch.active"


async def test_an_empty_log_has_nothing_to_recover(store: Store, clock: FakeClock) -> None:
    await store.settle_endpoints([endpoint()])
    assert await recovered(store, recovery()) == Recovered(counts={}, after=None)
