"""The port's promises about what an attempt leads to, and about what is owed."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes import NOON, FakeClock
from tests.store.making import LEASE, answered, claim, endpoint, happen, settle_one, settled, stored
from watcher.core.endpoint import Delivery, DeliveryState, EndpointState
from watcher.core.health import Health
from watcher.core.model import Key
from watcher.core.outbox import Outcome
from watcher.ports import Committed, EventQuery, Owed, Settled, Store

MOMENT = timedelta(milliseconds=1)
FAR = NOON + timedelta(days=30)


async def owed(store: Store, name: str = "hook") -> Owed:
    return next(each for each in await store.owed() if each.endpoint_id == name)


@pytest.fixture
async def one(store: Store) -> Delivery:
    """The only delivery there is, claimed."""
    await store.settle_endpoints([endpoint()])
    await happen(store, "batch.active")
    [delivery] = await claim(store, NOON)
    return delivery


async def test_an_accepted_delivery_is_done_for_good(store: Store, one: Delivery) -> None:
    assert await settled(store, answered(one, 204, NOON)) == "done"
    assert await claim(store, FAR) == []
    assert await owed(store) == Owed(endpoint_id="hook", pending=0, oldest=None)


async def test_a_failed_delivery_is_tried_again_when_it_is_due(store: Store, one: Delivery) -> None:
    assert await settled(store, answered(one, 500, NOON)) == "retried"
    due = NOON + timedelta(seconds=6)
    assert await claim(store, due - MOMENT) == []
    assert await claim(store, due) == [replace(one, due=due, attempts=1)]


async def test_an_attempt_is_never_made_a_fraction_of_a_millisecond_too_early(store: Store, one: Delivery) -> None:
    retried = replace(answered(one, 500, NOON), due=NOON + timedelta(seconds=5, microseconds=1))
    await settle_one(store, retried)
    assert await claim(store, NOON + timedelta(seconds=5)) == []
    [delivery] = await claim(store, NOON + timedelta(seconds=5, milliseconds=1))
    assert timedelta(0) <= delivery.due - (NOON + timedelta(seconds=5, microseconds=1)) < MOMENT


async def test_a_delivery_without_attempts_left_is_dead(store: Store, one: Delivery) -> None:
    worn_out = replace(one, attempts=10)
    assert await settled(store, answered(worn_out, None, NOON)) == "dead"
    assert await claim(store, FAR) == []
    assert (await owed(store)).pending == 0


async def test_an_endpoint_that_asks_for_a_pause_gets_it_for_everything(store: Store) -> None:
    await store.settle_endpoints([endpoint(), endpoint("other")])
    await happen(store, "batch.new", "batch.active")
    first, _ = await claim(store, NOON)
    busy = answered(first, 503, NOON, retry_after=timedelta(minutes=10))
    assert await settled(store, busy) == "returned"
    assert await store.release("mine") == 1
    until = NOON + timedelta(minutes=10, seconds=1)
    assert await claim(store, until - MOMENT) == []
    assert [(each.id, each.paused_until) for each in await store.endpoints()] == [("hook", until), ("other", None)]
    assert len(await claim(store, NOON, "other")) == 2
    assert [(delivery.attempts, delivery.due) for delivery in await claim(store, until)] == [(0, NOON), (0, NOON)]


async def test_a_pause_is_never_made_shorter(store: Store) -> None:
    await store.settle_endpoints([endpoint()])
    await happen(store, "batch.new", "batch.active")
    first, second = await claim(store, NOON)
    await settle_one(store, answered(first, 429, NOON, retry_after=timedelta(hours=1)))
    await settle_one(store, answered(second, 429, NOON, retry_after=timedelta(minutes=1)))
    [paused] = await store.endpoints()
    assert paused.paused_until == NOON + timedelta(hours=1, seconds=1)


async def test_an_endpoint_that_is_gone_is_disabled_and_its_deliveries_are_held(store: Store) -> None:
    await store.settle_endpoints([endpoint(), endpoint("other")])
    await happen(store, "batch.new", "batch.active", "batch.stuck")
    first, *_ = await claim(store, NOON, room=1)
    assert await settled(store, answered(first, 410, NOON)) == "held"
    gone, other = await store.endpoints()
    assert (gone.state, gone.disabled_reason) == (EndpointState.DISABLED, "the receiver answered 410 Gone")
    assert other.state is EndpointState.ACTIVE
    assert await claim(store, FAR) == []
    assert await owed(store) == Owed(endpoint_id="hook", pending=0, oldest=None)
    assert (await owed(store, name="other")).pending == 3 + 1  # it is told


async def test_what_happens_while_an_endpoint_is_disabled_is_held_for_it(store: Store, one: Delivery) -> None:
    await settle_one(store, answered(one, 410, NOON))
    committed = await happen(store, "batch.stuck")
    assert list(committed.deliveries) == [1]
    assert (await owed(store)).pending == 0
    assert await claim(store, FAR) == []


async def test_what_was_on_its_way_when_its_endpoint_was_disabled_is_still_settled(store: Store) -> None:
    await store.settle_endpoints([endpoint()])
    await happen(store, "batch.new", "batch.active", "batch.stuck")
    first, second, third = await claim(store, NOON)
    await settle_one(store, answered(first, 410, NOON))
    assert await settled(store, answered(second, 200, NOON)) == "done"
    assert await settled(store, answered(third, 500, NOON)) == "held"
    assert await store.release("mine") == 0
    assert (await owed(store)).pending == 0
    assert await claim(store, FAR) == []


async def test_who_does_not_hold_the_claim_settles_nothing(store: Store, one: Delivery) -> None:
    assert await settle_one(store, answered(one, 410, NOON), token="yours") is None
    assert await settle_one(store, answered(replace(one, id=99), 200, NOON)) is None
    [still] = await store.endpoints()
    assert still.state is EndpointState.ACTIVE
    assert await settled(store, answered(one, 500, NOON)) == "retried"


async def test_a_delivery_is_settled_once(store: Store, one: Delivery) -> None:
    assert await settled(store, answered(one, 500, NOON)) == "retried"
    assert await settle_one(store, answered(one, 200, NOON)) is None
    assert (await owed(store)).pending == 1


async def test_who_lost_the_claim_to_another_settles_nothing(store: Store, one: Delivery) -> None:
    late = NOON + LEASE + MOMENT
    await claim(store, late, token="yours")
    assert await settle_one(store, answered(one, 410, late)) is None
    assert await settled(store, answered(one, 200, late), token="yours") == "done"
    assert await claim(store, FAR) == []


async def test_what_was_given_back_cannot_be_settled(store: Store, one: Delivery) -> None:
    await store.release("mine")
    assert await settle_one(store, answered(one, 200, NOON)) is None
    assert await claim(store, NOON) == [one]


# What is owed


async def test_what_is_owed_is_counted_by_endpoint(store: Store, clock: FakeClock) -> None:
    await store.settle_endpoints([endpoint("a"), endpoint("b", types=["batch.active"]), endpoint("c", types=["x"])])
    await happen(store, "batch.new")
    clock.turn(seconds=10)
    await happen(store, "batch.active")
    later = NOON + timedelta(seconds=10)
    assert await store.owed() == [
        Owed(endpoint_id="a", pending=2, oldest=NOON),
        Owed(endpoint_id="b", pending=1, oldest=later),
        Owed(endpoint_id="c", pending=0, oldest=None),
    ]
    assert await store.owed("b") == [Owed(endpoint_id="b", pending=1, oldest=later)]


async def test_what_is_claimed_is_still_owed(store: Store, clock: FakeClock) -> None:
    await store.settle_endpoints([endpoint()])
    await happen(store, "batch.new")
    clock.turn(seconds=10)
    await happen(store, "batch.active")
    await claim(store, NOON, room=1)
    assert await owed(store) == Owed(endpoint_id="hook", pending=2, oldest=NOON)
    await claim(store, clock.now())
    assert await owed(store) == Owed(endpoint_id="hook", pending=2, oldest=NOON)


async def test_nobody_is_owed_anything_at_first(store: Store) -> None:
    assert await store.owed() == []


# What follows for the endpoint


def bodies(committed: Committed) -> list[dict[str, Any]]:
    return [json.loads(event.body) for event in committed.events]


async def test_a_delivery_that_changes_nothing_for_its_endpoint_says_so(store: Store, one: Delivery) -> None:
    assert await settle_one(store, answered(one, 200, NOON)) == Settled(outcome="done")
    assert await store.endpoints() == [stored(endpoint())]


async def test_failures_are_counted_and_a_success_ends_them(store: Store) -> None:
    await store.settle_endpoints([endpoint()])
    await happen(store, "batch.new", "batch.active", "batch.stuck")
    first, second, third = await claim(store, NOON)
    assert await settle_one(store, answered(first, 500, NOON)) == Settled(outcome="retried")
    assert await settle_one(store, answered(second, 500, NOON)) == Settled(outcome="retried")
    ended = NOON + timedelta(seconds=1)
    failing = Health(failures_in_a_row=2, failing_since=ended, failed=2)
    assert await store.endpoints() == [stored(endpoint(), health=failing)]
    assert await settle_one(store, answered(third, 200, NOON)) == Settled(outcome="done")
    assert await store.endpoints() == [stored(endpoint())]


async def test_an_endpoint_that_fails_and_recovers_is_told_of_with_deliveries_to_all_others(store: Store) -> None:
    await store.settle_endpoints([endpoint(), endpoint("duty", types=["endpoint.*"]), endpoint("deaf", accounts=["a"])])
    await happen(store, *["batch.stuck"] * 8)
    claimed = await claim(store, NOON, room=8)
    ended = NOON + timedelta(seconds=1)
    answers = [await settle_one(store, answered(each, 500, NOON)) for each in claimed[:5]]
    assert answers[:3] == [Settled(outcome="retried")] * 3
    failed = answers[3]
    assert failed is not None
    [event] = await store.events(EventQuery(types=["endpoint.failing"]))
    assert failed == Settled(outcome="retried", told=Committed(events=[event], deliveries=[1]))
    assert event.id == f"ept_{event.id.split('_')[1]}_hook_1"
    assert (event.account, event.batch_id, event.number, event.endpoint) == ("", None, 1, "hook")
    assert bodies(failed.told)[0]["data"]["failures_in_a_row"] == 4
    opened = Health(
        failures_in_a_row=5,
        failing_since=ended,
        failed=5,
        opened=1,
        open_until=ended + timedelta(seconds=30),
        alarmed=True,
        told={"endpoint.failing": ended},
    )
    assert answers[4] == Settled(outcome="retried", endpoint=stored(endpoint(), health=opened, number=1))
    assert [each for each in await store.endpoints() if each.id == "hook"] == [
        stored(endpoint(), health=opened, number=1)
    ]
    well = await settle_one(store, answered(claimed[5], 200, NOON))
    assert well is not None
    told = {"endpoint.failing": ended, "endpoint.recovered": ended}
    assert well.endpoint == stored(endpoint(), health=Health(told=told), number=2)
    assert [(each.type, each.number, each.id) for each in well.told.events] == [
        ("endpoint.recovered", 2, event.id[:-1] + "2")
    ]
    assert [each.event_type for each in await claim(store, ended, "duty")] == ["endpoint.failing", "endpoint.recovered"]


async def test_an_endpoint_is_told_of_at_most_once_an_hour_and_kind(store: Store, clock: FakeClock) -> None:
    await store.settle_endpoints([endpoint(types=["batch.*"])])
    kinds: list[list[str]] = []
    for hour in range(3):
        at = clock.now()
        await happen(store, *["batch.stuck"] * 2, key=Key("a", hour + 1))
        for delivery in await claim(store, at):
            settled = await settle_one(store, answered(replace(delivery, attempts=10), 500, at))
            assert settled is not None
            kinds.append([event.type for event in settled.told.events])
        clock.turn(minutes=40)
    assert kinds == [["delivery.exhausted"], [], [], ["endpoint.failing"], ["delivery.exhausted"], []]


async def test_what_is_told_of_an_endpoint_is_told_with_the_attempt_or_not_at_all(store: Store) -> None:
    await store.settle_endpoints([endpoint(), endpoint("duty")])
    await happen(store, "batch.active")
    [delivery] = await claim(store, NOON)
    settled = await settle_one(store, answered(delivery, 410, NOON))
    assert settled is not None
    assert settled.endpoint == stored(
        endpoint(),
        state=EndpointState.DISABLED,
        disabled_reason="the receiver answered 410 Gone",
        health=Health(alarmed=True, told={"endpoint.disabled": NOON + timedelta(seconds=1)}),
        number=1,
    )
    [told] = settled.told.events
    assert (told.type, list(settled.told.deliveries)) == ("endpoint.disabled", [1])
    assert await settle_one(store, answered(delivery, 410, NOON)) is None
    assert len(await store.events(EventQuery(types=["endpoint.disabled"]))) == 1


async def test_nothing_is_told_of_a_delivery_that_tells_of_an_endpoint(store: Store) -> None:
    await store.settle_endpoints([endpoint(), endpoint("duty", types=["endpoint.*"])])
    await happen(store, "batch.active")
    [delivery] = await claim(store, NOON)
    await settle_one(store, answered(delivery, 410, NOON))
    [told] = await claim(store, NOON, "duty")
    dead = await settle_one(store, answered(replace(told, attempts=10), 500, NOON))
    assert dead == Settled(outcome="dead")


async def test_what_was_on_its_way_when_its_endpoint_was_disabled_changes_nothing_for_it(store: Store) -> None:
    await store.settle_endpoints([endpoint(types=["batch.*"])])
    await happen(store, *["batch.stuck"] * 8)
    claimed = await claim(store, NOON)
    await store.disable_endpoint("hook", "enough")
    disabled = stored(endpoint(types=["batch.*"]), state=EndpointState.DISABLED, disabled_reason="enough")
    codes: tuple[int, ...] = (500, 500, 500, 500, 500, 410, 200)
    outcomes: tuple[Outcome, ...] = ("held", "held", "held", "held", "held", "held", "done")
    for delivery, code, outcome in zip(claimed[:7], codes, outcomes, strict=True):
        assert await settle_one(store, answered(delivery, code, NOON)) == Settled(outcome=outcome)
    assert await store.endpoints() == [disabled]
    lost = await settle_one(store, answered(replace(claimed[7], attempts=10), 500, NOON))
    assert lost is not None
    assert (lost.outcome, [event.type for event in lost.told.events]) == ("dead", ["delivery.exhausted"])


async def test_an_endpoint_where_nothing_succeeds_for_days_is_given_up_and_what_it_is_owed_is_held(
    store: Store,
) -> None:
    await store.settle_endpoints([endpoint(types=["batch.*"])])
    await happen(store, *["batch.stuck"] * 24)
    claimed = await claim(store, NOON)
    for delivery in claimed[:20]:
        await settle_one(store, answered(replace(delivery, attempts=10), 500, NOON))
    late = NOON + timedelta(days=5)
    last = await settle_one(store, answered(claimed[20], 500, late))
    assert last is not None
    assert last.outcome == "held"
    assert [event.type for event in last.told.events] == ["endpoint.disabled"]
    assert last.endpoint is not None
    assert last.endpoint.state is EndpointState.DISABLED
    assert await store.tally_deliveries("hook") == {DeliveryState.HELD: 4, DeliveryState.DEAD: 20}
