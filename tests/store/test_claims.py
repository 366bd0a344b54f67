"""The port's promises about claims under a lease: who gets what, fairly and in order."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import NOON, FakeClock
from tests.store.making import LEASE, answered, api_endpoint, claim, endpoint, happen, settled
from watcher.core.endpoint import Delivery, DeliveryState
from watcher.core.message import body_of
from watcher.core.model import Event, Key
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


# First attempts and retries


async def owed_of_both_kinds(store: Store, firsts: int, retries: int) -> None:
    """So many deliveries that failed once, and so many that were never tried; all due a minute after noon."""
    await store.settle_endpoints([endpoint()])
    for batch_id in range(retries):
        await happen(store, "batch.stuck", key=Key("old", batch_id + 1))
    for delivery in await claim(store, NOON):
        await settled(store, answered(delivery, 500, NOON))
        await happen(store, "batch.new", "batch.active", key=Key("well", delivery.id))
        for well in await claim(store, NOON):  # so that the breaker stays closed
            await settled(store, answered(well, 200, NOON))
    for batch_id in range(firsts):
        await happen(store, "batch.new", key=Key("new", batch_id + 1))


@pytest.mark.parametrize(
    ("firsts", "retries", "room", "retries_first", "expected"),
    [
        (9, 9, 4, False, (2, 2)),
        (9, 9, 4, True, (2, 2)),
        (9, 9, 5, False, (3, 2)),
        (9, 9, 5, True, (2, 3)),
        (9, 9, 1, False, (1, 0)),
        (9, 9, 1, True, (0, 1)),
        (9, 1, 6, True, (5, 1)),
        (1, 9, 6, False, (1, 5)),
        (9, 0, 6, True, (6, 0)),
        (0, 9, 6, False, (0, 6)),
        (2, 3, 9, False, (2, 3)),
        (9, 9, 0, True, (0, 0)),
    ],
)
async def test_first_attempts_and_retries_share_the_room(
    store: Store, firsts: int, retries: int, room: int, retries_first: bool, expected: tuple[int, int]
) -> None:
    await owed_of_both_kinds(store, firsts, retries)
    claimed = await claim(store, NOON + timedelta(minutes=1), room=room, retries_first=retries_first)
    kinds = [delivery.attempts for delivery in claimed]
    assert (kinds.count(0), kinds.count(1)) == expected
    for kind in (0, 1):
        due = [(delivery.due, delivery.id) for delivery in claimed if delivery.attempts == kind]
        assert due == sorted(due)
        rest = await claim(store, NOON + timedelta(minutes=1), token="yours")
        assert all((each.due, each.id) > due[-1] for each in rest if due and each.attempts == kind)
        await store.release("yours")


async def test_what_is_claimed_already_takes_nobody_elses_turn(store: Store) -> None:
    await owed_of_both_kinds(store, 4, 4)
    later = NOON + timedelta(minutes=1)
    claimed = [await claim(store, later, room=2, retries_first=bool(turn % 2)) for turn in range(4)]
    assert [sorted(delivery.attempts for delivery in each) for each in claimed] == [[0, 1]] * 4
    assert len({delivery.id for each in claimed for delivery in each}) == 8
    assert await claim(store, later) == []


# Endpoints to which nothing may be sent


async def test_nothing_is_claimed_of_an_endpoint_while_its_breaker_is_open_and_then_one_alone(store: Store) -> None:
    await store.settle_endpoints([endpoint(), endpoint("other")])
    await happen(store, *["batch.stuck"] * 12)
    for delivery in await claim(store, NOON, room=5):
        await settled(store, answered(delivery, 500, NOON))
    opens = NOON + timedelta(seconds=31)
    assert await claim(store, opens - MOMENT) == []
    assert len(await claim(store, opens - MOMENT, "other", token="others")) == 12 + 1  # it is told of the failures
    [probe] = await claim(store, opens)
    assert await claim(store, opens + LEASE - MOMENT, token="yours") == []
    assert await settled(store, answered(probe, 500, opens)) == "retried"
    again = opens + timedelta(seconds=61)
    assert await claim(store, again - MOMENT) == []
    [probe] = await claim(store, again, token="lost")
    [probe] = await claim(store, again + LEASE, token="again")  # whoever had it before is gone
    assert await settled(store, answered(probe, 200, again), token="again") == "done"
    assert len(await claim(store, again + LEASE)) == 11


async def test_what_was_under_way_when_the_breaker_opened_is_waited_for_before_the_probe(store: Store) -> None:
    await store.settle_endpoints([endpoint()])
    await happen(store, *["batch.stuck"] * 8)
    *failing, slow = await claim(store, NOON, room=6)
    for delivery in failing:
        await settled(store, answered(delivery, 500, NOON))
    opens = NOON + timedelta(seconds=31)
    assert await claim(store, opens, token="yours") == []
    await settled(store, answered(slow, 500, NOON))
    assert len(await claim(store, opens, token="yours")) == 1


# Order within a batch


def told(claimed: list[Delivery]) -> list[tuple[str, int]]:
    """Of which batches they are, and of what number."""
    return [(delivery.event_id.split("_")[-2], int(delivery.event_id.split("_")[-1])) for delivery in claimed]


@pytest.fixture
async def ordered(store: Store) -> Store:
    """The events of two batches are owed to an endpoint that wants them in order, and to one that does not care."""
    await store.settle_endpoints([endpoint(ordering="batch"), endpoint("other")])
    await happen(store, "batch.new", "batch.validating", "batch.active", key=Key("a", 1))
    await happen(store, "batch.new", "batch.active", key=Key("a", 2))
    return store


async def test_of_each_batch_one_event_alone_is_under_way_where_that_is_wanted(ordered: Store) -> None:
    assert told(await claim(ordered, NOON)) == [("1", 1), ("2", 1)]
    assert await claim(ordered, NOON, token="yours") == []
    assert len(await claim(ordered, NOON, "other", token="others")) == 5


async def test_later_events_wait_until_the_earlier_one_is_done_or_dead(ordered: Store) -> None:
    first, other = await claim(ordered, NOON)
    assert await settled(ordered, answered(first, 200, NOON)) == "done"
    assert await settled(ordered, answered(other, 500, NOON)) == "retried"
    [second] = await claim(ordered, NOON)
    assert told([second]) == [("1", 2)]
    assert await settled(ordered, answered(replace(second, attempts=10), 500, NOON)) == "dead"
    [third] = await claim(ordered, NOON)
    assert told([third]) == [("1", 3)]
    again = NOON + timedelta(seconds=6)
    assert told(await claim(ordered, again - MOMENT)) == []
    assert told(await claim(ordered, again)) == [("2", 1)]


async def test_what_happens_next_in_a_batch_waits_for_what_happened_before(ordered: Store) -> None:
    first, _ = await claim(ordered, NOON)
    await happen(ordered, "batch.stuck", key=Key("a", 1))
    assert await claim(ordered, NOON) == []
    await ordered.release("mine")
    assert [told([delivery])[0] for delivery in await claim(ordered, NOON)] == [("1", 1), ("2", 1)]
    for number in (2, 3, 4):
        await settled(ordered, answered(first, 200, NOON))
        [first] = await claim(ordered, NOON)
        assert told([first]) == [("1", number)]


async def test_a_batch_of_the_same_number_in_another_account_is_another(store: Store) -> None:
    await store.settle_endpoints([endpoint(ordering="batch")])
    for account in ("a", "b"):
        await happen(store, "batch.new", "batch.active", key=Key(account, 1))
    assert len(await claim(store, NOON)) == 2


async def test_an_older_event_that_is_sent_again_goes_first_when_the_one_under_way_has_ended(ordered: Store) -> None:
    first, _ = await claim(ordered, NOON)
    await settled(ordered, answered(first, 200, NOON))
    [second] = await claim(ordered, NOON)
    assert await ordered.resend(first.id, NOON) == "resent"
    assert await claim(ordered, NOON) == []
    assert await settled(ordered, answered(second, 500, NOON)) == "retried"
    later = NOON + timedelta(seconds=30)
    [again] = await claim(ordered, later)
    assert again.id == first.id
    await settled(ordered, answered(again, 200, later))
    assert told(await claim(ordered, later)) == [("1", 2)]


async def test_a_batch_that_has_to_wait_takes_nobody_elses_turn(store: Store, clock: FakeClock) -> None:
    await store.settle_endpoints([endpoint(ordering="batch")])
    await happen(store, "batch.new", "batch.active", key=Key("a", 1))
    [first] = await claim(store, NOON)
    await settled(store, answered(first, 200, NOON))
    await claim(store, NOON)
    await store.resend(first.id, NOON)  # due before the other batch, but its own has one under way
    later = clock.turn(seconds=1)
    await happen(store, "batch.new", key=Key("a", 2))
    assert told(await claim(store, later, room=1, token="yours")) == [("2", 1)]


async def test_an_order_that_is_wanted_later_holds_for_what_is_pending_and_held(store: Store) -> None:
    unordered = await store.make_endpoint(api_endpoint("hook"), NOON)
    assert unordered is not None
    await happen(store, "batch.new", "batch.active", "batch.stuck")
    first, _, _ = await claim(store, NOON)
    await store.release("mine")
    ordered = await store.change_endpoint(replace(unordered, ordering="batch"))
    assert ordered is not None
    assert await claim(store, NOON) == [first]
    await store.release("mine")
    await store.disable_endpoint("hook", "enough")
    await happen(store, "batch.unstuck")
    await store.enable_endpoint("hook", send_held=True, now=NOON)
    for _ in range(4):
        [only] = await claim(store, NOON)
        await settled(store, answered(only, 200, NOON))
    assert await claim(store, NOON) == []
    await happen(store, "batch.new", "batch.active")
    assert await store.change_endpoint(replace(ordered, ordering="none")) is not None
    assert len(await claim(store, NOON)) == 2


async def test_an_order_that_is_wanted_while_one_is_on_its_way_holds_behind_that_one(store: Store) -> None:
    unordered = await store.make_endpoint(api_endpoint("hook"), NOON)
    assert unordered is not None
    await happen(store, "batch.new", "batch.active", "batch.stuck")
    [flying] = await claim(store, NOON, room=1)
    assert await store.change_endpoint(replace(unordered, ordering="batch")) is not None
    assert await claim(store, NOON) == []
    assert await settled(store, answered(flying, 200, NOON)) == "done"
    [second] = await claim(store, NOON)
    assert await settled(store, answered(second, 200, NOON)) == "done"
    [third] = await claim(store, NOON)
    assert [each.event_type for each in (flying, second, third)] == ["batch.new", "batch.active", "batch.stuck"]
