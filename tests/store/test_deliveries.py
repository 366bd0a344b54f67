"""The port's promises about endpoints and deliveries: claims under a lease, settling, giving back, what is owed."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import NOON, FakeClock
from tests.store.making import LEASE, answered, claim, endpoint, happen
from watcher.core.message import body_of
from watcher.core.model import Delivery, DeliveryState, EndpointState, Event, Key
from watcher.ports import Owed, Store

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


# Claims


async def test_a_claim_brings_everything_that_is_sent(store: Store, one: Delivery) -> None:
    told = Event(
        type="batch.active",
        at=NOON,
        account="default",
        batch_id=13,
        number=1,
        data={"account": "default", "batch_id": 13, "number": 1},
    )
    assert one == Delivery(
        id=one.id,
        endpoint_id="hook",
        position=one.position,
        event_id=one.event_id,
        event_type="batch.active",
        body=body_of(told),
        created=NOON,
        due=NOON,
        attempts=0,
        state=DeliveryState.PENDING,
    )
    assert one.event_id.endswith("_default_13_1")


async def test_a_claim_takes_the_oldest_due_first_and_no_more_than_there_is_room(
    store: Store, clock: FakeClock
) -> None:
    await store.settle_endpoints([endpoint()])
    for batch_id in range(1, 6):
        await happen(store, "batch.new", key=Key("default", batch_id))
        clock.turn(seconds=1)
    first, second = await claim(store, clock.now(), room=2)
    assert [first.due, second.due] == [NOON, NOON + timedelta(seconds=1)]
    rest = await claim(store, clock.now(), room=100)
    assert [delivery.due for delivery in rest] == [NOON + timedelta(seconds=seconds) for seconds in (2, 3, 4)]
    assert await claim(store, clock.now()) == []


async def test_what_is_not_due_yet_is_not_claimed(store: Store) -> None:
    await store.settle_endpoints([endpoint()])
    await happen(store, "batch.new")
    assert await claim(store, NOON - MOMENT) == []
    assert len(await claim(store, NOON)) == 1


async def test_only_endpoints_with_room_are_served(store: Store) -> None:
    await store.settle_endpoints([endpoint("one"), endpoint("two"), endpoint("three")])
    await happen(store, "batch.new", "batch.active")
    claimed = await store.claim({"two": 1, "three": 0, "nobody": 5}, token="mine", now=NOON, until=NOON + LEASE)
    assert [(delivery.endpoint_id, delivery.event_type) for delivery in claimed] == [("two", "batch.new")]


async def test_of_two_who_claim_at_once_each_gets_what_the_other_does_not(store: Store) -> None:
    await store.settle_endpoints([endpoint()])
    await happen(store, *["batch.stuck"] * 10)
    mine, yours = await asyncio.gather(claim(store, NOON, room=6), claim(store, NOON, room=6, token="yours"))
    ids = [delivery.id for delivery in (*mine, *yours)]
    assert len(ids) == len(set(ids)) == 10


async def test_a_claim_holds_until_its_lease_ends(store: Store, one: Delivery) -> None:
    assert await claim(store, NOON + LEASE - MOMENT, token="yours") == []
    assert await claim(store, NOON + LEASE + MOMENT, token="yours") == [one]


async def test_what_is_given_back_can_be_claimed_again(store: Store) -> None:
    await store.settle_endpoints([endpoint()])
    await happen(store, *["batch.stuck"] * 5)
    mine = await claim(store, NOON, room=3)
    await claim(store, NOON, room=1, token="yours")
    assert await store.release("mine") == 3
    assert await store.release("mine") == 0
    again = await claim(store, NOON, token="theirs")
    assert [delivery.id for delivery in again if delivery in mine] == [delivery.id for delivery in mine]
    assert len(again) == 4


# Settling


async def test_an_accepted_delivery_is_done_for_good(store: Store, one: Delivery) -> None:
    assert await store.settle(answered(one, 204, NOON), token="mine") == "done"
    assert await claim(store, FAR) == []
    assert await owed(store) == Owed(endpoint_id="hook", pending=0, oldest=None)


async def test_a_failed_delivery_is_tried_again_when_it_is_due(store: Store, one: Delivery) -> None:
    assert await store.settle(answered(one, 500, NOON), token="mine") == "retried"
    due = NOON + timedelta(seconds=6)
    assert await claim(store, due - MOMENT) == []
    assert await claim(store, due) == [replace(one, due=due, attempts=1)]


async def test_an_attempt_is_never_made_a_fraction_of_a_millisecond_too_early(store: Store, one: Delivery) -> None:
    retried = replace(answered(one, 500, NOON), due=NOON + timedelta(seconds=5, microseconds=1))
    await store.settle(retried, token="mine")
    assert await claim(store, NOON + timedelta(seconds=5)) == []
    [delivery] = await claim(store, NOON + timedelta(seconds=5, milliseconds=1))
    assert timedelta(0) <= delivery.due - (NOON + timedelta(seconds=5, microseconds=1)) < MOMENT


async def test_a_delivery_without_attempts_left_is_dead(store: Store, one: Delivery) -> None:
    worn_out = replace(one, attempts=10)
    assert await store.settle(answered(worn_out, None, NOON), token="mine") == "dead"
    assert await claim(store, FAR) == []
    assert (await owed(store)).pending == 0


async def test_an_endpoint_that_asks_for_a_pause_gets_it_for_everything(store: Store) -> None:
    await store.settle_endpoints([endpoint(), endpoint("other")])
    await happen(store, "batch.new", "batch.active")
    first, _ = await claim(store, NOON)
    busy = answered(first, 503, NOON, retry_after=timedelta(minutes=10))
    assert await store.settle(busy, token="mine") == "returned"
    assert await store.release("mine") == 1
    until = NOON + timedelta(minutes=10, seconds=1)
    assert await claim(store, until - MOMENT) == []
    assert [(each.id, each.paused_until) for each in await store.endpoints()] == [("hook", until), ("other", None)]
    assert len(await claim(store, NOON, "other")) == 2
    assert [delivery.attempts for delivery in await claim(store, until)] == [0, 0]


async def test_a_pause_is_never_made_shorter(store: Store) -> None:
    await store.settle_endpoints([endpoint()])
    await happen(store, "batch.new", "batch.active")
    first, second = await claim(store, NOON)
    await store.settle(answered(first, 429, NOON, retry_after=timedelta(hours=1)), token="mine")
    await store.settle(answered(second, 429, NOON, retry_after=timedelta(minutes=1)), token="mine")
    [paused] = await store.endpoints()
    assert paused.paused_until == NOON + timedelta(hours=1, seconds=1)


async def test_an_endpoint_that_is_gone_is_disabled_and_its_deliveries_are_held(store: Store) -> None:
    await store.settle_endpoints([endpoint(), endpoint("other")])
    await happen(store, "batch.new", "batch.active", "batch.stuck")
    first, *_ = await claim(store, NOON, room=1)
    assert await store.settle(answered(first, 410, NOON), token="mine") == "held"
    gone, other = await store.endpoints()
    assert (gone.state, gone.disabled_reason) == (EndpointState.DISABLED, "the receiver answered 410 Gone")
    assert other.state is EndpointState.ACTIVE
    assert await claim(store, FAR) == []
    assert await owed(store) == Owed(endpoint_id="hook", pending=0, oldest=None)
    assert (await owed(store, name="other")).pending == 3


async def test_what_happens_while_an_endpoint_is_disabled_is_held_for_it(store: Store, one: Delivery) -> None:
    await store.settle(answered(one, 410, NOON), token="mine")
    committed = await happen(store, "batch.stuck")
    assert list(committed.deliveries) == [1]
    assert (await owed(store)).pending == 0
    assert await claim(store, FAR) == []


async def test_what_was_on_its_way_when_its_endpoint_was_disabled_is_still_settled(store: Store) -> None:
    await store.settle_endpoints([endpoint()])
    await happen(store, "batch.new", "batch.active", "batch.stuck")
    first, second, third = await claim(store, NOON)
    await store.settle(answered(first, 410, NOON), token="mine")
    assert await store.settle(answered(second, 200, NOON), token="mine") == "done"
    assert await store.settle(answered(third, 500, NOON), token="mine") == "held"
    assert await store.release("mine") == 0
    assert (await owed(store)).pending == 0
    assert await claim(store, FAR) == []


async def test_who_does_not_hold_the_claim_settles_nothing(store: Store, one: Delivery) -> None:
    assert await store.settle(answered(one, 410, NOON), token="yours") is None
    assert await store.settle(replace(answered(one, 200, NOON), delivery_id=99), token="mine") is None
    [still] = await store.endpoints()
    assert still.state is EndpointState.ACTIVE
    assert await store.settle(answered(one, 500, NOON), token="mine") == "retried"


async def test_a_delivery_is_settled_once(store: Store, one: Delivery) -> None:
    assert await store.settle(answered(one, 500, NOON), token="mine") == "retried"
    assert await store.settle(answered(one, 200, NOON), token="mine") is None
    assert (await owed(store)).pending == 1


async def test_who_lost_the_claim_to_another_settles_nothing(store: Store, one: Delivery) -> None:
    late = NOON + LEASE + MOMENT
    await claim(store, late, token="yours")
    assert await store.settle(answered(one, 410, late), token="mine") is None
    assert await store.settle(answered(one, 200, late), token="yours") == "done"
    assert await claim(store, FAR) == []


async def test_what_was_given_back_cannot_be_settled(store: Store, one: Delivery) -> None:
    await store.release("mine")
    assert await store.settle(answered(one, 200, NOON), token="mine") is None
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


# Endpoints kept by the settings


async def test_endpoints_are_those_of_the_settings_without_their_secrets(store: Store) -> None:
    first = replace(endpoint("a", types=["batch.*"], accounts=["x", "y"]), timeout=timedelta(seconds=2.5))
    second = endpoint("b")
    await store.settle_endpoints([replace(second, secrets=(b"hush",)), first])
    assert await store.endpoints() == [first, second]


async def test_a_known_endpoint_is_updated_and_keeps_its_state(store: Store, one: Delivery) -> None:
    pause = answered(one, 503, NOON, retry_after=timedelta(minutes=10))
    await store.settle(pause, token="mine")
    changed = replace(endpoint(types=["batch.new"]), timeout=timedelta(seconds=3))
    await store.settle_endpoints([changed])
    assert await store.endpoints() == [replace(changed, paused_until=pause.pause_until)]
    assert await claim(store, NOON + timedelta(minutes=10)) == []
    assert list((await happen(store, "batch.active", "batch.new")).deliveries) == [0, 1]


async def test_at_another_url_an_endpoint_that_was_gone_gets_what_was_held_for_it(store: Store) -> None:
    await store.settle_endpoints([endpoint(), endpoint("other")])
    await happen(store, "batch.new", "batch.active")
    first, second = await claim(store, NOON)
    await store.settle(answered(first, 410, NOON), token="mine")
    await store.settle(answered(second, 500, NOON), token="mine")
    await happen(store, "batch.stuck")
    moved = endpoint(url="https://example.org/")
    await store.settle_endpoints([moved, endpoint("other")])
    assert await store.endpoints() == [moved, endpoint("other")]
    assert [(each.event_type, each.due, each.attempts) for each in await claim(store, NOON)] == [
        ("batch.new", NOON, 1),
        ("batch.active", NOON, 1),
        ("batch.stuck", NOON, 0),
    ]


async def test_at_another_url_a_pause_that_the_former_receiver_asked_for_is_over(store: Store, one: Delivery) -> None:
    await store.settle(answered(one, 503, NOON, retry_after=timedelta(hours=24)), token="mine")
    moved = endpoint(url="https://example.org/")
    await store.settle_endpoints([moved])
    assert await store.endpoints() == [moved]
    assert await claim(store, NOON) == [one]


async def test_an_endpoint_that_the_settings_no_longer_name_is_owed_nothing_new(store: Store) -> None:
    await store.settle_endpoints([endpoint("a"), endpoint("b")])
    await happen(store, "batch.new")
    for _ in range(2):
        await store.settle_endpoints([endpoint("b")])
        assert await store.endpoints() == [replace(endpoint("a"), state=EndpointState.REMOVED), endpoint("b")]
    assert list((await happen(store, "batch.active")).deliveries) == [1]
    assert {each.endpoint_id: each.pending for each in await store.owed()} == {"a": 0, "b": 2}
    assert await claim(store, FAR, "a") == []


async def test_an_endpoint_that_the_settings_name_again_gets_what_it_was_owed(store: Store) -> None:
    await store.settle_endpoints([endpoint()])
    await happen(store, "batch.new", "batch.validating")
    [failed, _] = await claim(store, NOON)
    await store.settle(answered(failed, 500, NOON), token="mine")
    await store.release("mine")
    await store.settle_endpoints([])
    await happen(store, "batch.active")
    await store.settle_endpoints([endpoint()])
    assert await store.endpoints() == [endpoint()]
    await happen(store, "batch.stuck")
    assert [(each.event_type, each.attempts) for each in await claim(store, NOON)] == [
        ("batch.new", 1),
        ("batch.validating", 0),
        ("batch.stuck", 0),
    ]


async def test_what_is_on_its_way_when_its_endpoint_is_removed_is_still_settled(store: Store) -> None:
    await store.settle_endpoints([endpoint()])
    await happen(store, "batch.new", "batch.active", "batch.stuck")
    first, second, third = await claim(store, NOON)
    await store.settle_endpoints([])
    assert await store.settle(answered(first, 200, NOON), token="mine") == "done"
    assert await store.settle(answered(second, 500, NOON), token="mine") == "held"
    assert await store.settle(answered(third, 410, NOON), token="mine") == "held"
    assert await store.endpoints() == [replace(endpoint(), state=EndpointState.REMOVED)]


async def test_an_endpoint_that_is_gone_stays_so_however_often_the_settings_drop_and_name_it(
    store: Store, one: Delivery
) -> None:
    await store.settle(answered(one, 410, NOON), token="mine")
    gone = replace(endpoint(), state=EndpointState.DISABLED, disabled_reason="the receiver answered 410 Gone")
    for endpoints, state in (([endpoint()], "disabled"), ([], "removed"), ([endpoint()], "disabled")):
        await store.settle_endpoints(endpoints)
        assert await store.endpoints() == [replace(gone, state=EndpointState(state))]
        assert list((await happen(store, "batch.stuck")).deliveries) == [0 if state == "removed" else 1]
    assert await claim(store, FAR) == []
