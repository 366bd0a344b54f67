"""The port's promises about retention: what is old goes, in portions; what is still owed stays; the file keeps its size."""

from dataclasses import replace
from datetime import datetime, timedelta

from tests.fakes import NOON, FakeClock
from tests.store.making import answered, claim, endpoint, happen, pragma, settle_one, settled
from watcher.core.model import Key
from watcher.core.recovering import Cutoffs, DeliveryQuery, Forgotten
from watcher.core.wishes import BroadcastWish
from watcher.ports import EventQuery, Store
from watcher.store.sqlite import SqliteStore

LONG_AGO = NOON - timedelta(days=40)
AGO = NOON - timedelta(days=30)


def older_than(at: datetime) -> Cutoffs:
    return Cutoffs(events=at, deliveries=at, broadcasts=at)


async def a_round(store: Store, cutoffs: Cutoffs, most: int = 3) -> Forgotten:
    """All portions up to the end of one round, added up."""
    total = portion = Forgotten()
    while not portion.ended:
        portion = await store.forget(cutoffs, portion, most)
        total = replace(
            portion,
            events=total.events + portion.events,
            deliveries=total.deliveries + portion.deliveries,
            broadcasts=total.broadcasts + portion.broadcasts,
        )
    return total


async def kept(store: Store) -> tuple[list[int], list[int]]:
    """The batches of which there are events, and deliveries."""
    events = [event.batch_id or 0 for event in await store.events(EventQuery())]
    deliveries = [each.batch_id or 0 for each in await store.deliveries(DeliveryQuery())]
    return events, sorted(deliveries)


async def test_what_is_old_and_delivered_is_forgotten_with_its_attempts(store: Store, clock: FakeClock) -> None:
    clock.turn(hours=-40 * 24)
    await store.settle_endpoints([endpoint()])
    for batch_id in range(1, 11):
        await happen(store, "batch.active", key=Key("default", batch_id), at=LONG_AGO)
    for delivery in await claim(store, LONG_AGO):
        await settled(store, answered(delivery, 200, LONG_AGO))
    old = [each.id for each in await store.deliveries(DeliveryQuery())]
    clock.turn(hours=40 * 24)
    await happen(store, "batch.active", key=Key("default", 11))
    forgotten = await a_round(store, older_than(AGO))
    assert (forgotten.events, forgotten.deliveries, forgotten.ended) == (10, 10, True)
    assert await kept(store) == ([11], [11])
    assert [await store.delivery(delivery_id) for delivery_id in old] == [None] * 10
    assert [await store.resend(delivery_id, NOON) for delivery_id in old] == ["unknown"] * 10


async def test_nothing_is_forgotten_before_its_time(store: Store, clock: FakeClock) -> None:
    await store.settle_endpoints([endpoint()])
    await happen(store, "batch.active")
    [delivery] = await claim(store, NOON)
    await settled(store, answered(delivery, 200, NOON))
    assert await a_round(store, older_than(NOON)) == Forgotten(ended=True, delivery=0, position=0)
    assert await kept(store) == ([13], [13])


async def test_what_is_owed_stays_and_what_is_held_stays_for_its_time(store: Store, clock: FakeClock) -> None:
    clock.turn(hours=-40 * 24)
    await store.settle_endpoints([endpoint("pending"), endpoint("held", types=["batch.new"])])
    await happen(store, "batch.new", key=Key("default", 1), at=LONG_AGO)
    await store.disable_endpoint("held", "enough")
    await happen(store, "batch.active", key=Key("default", 2), at=LONG_AGO)
    clock.turn(hours=40 * 24)
    await happen(store, "batch.new", key=Key("default", 3), at=LONG_AGO)  # seen late: its deliveries are young
    forgotten = await a_round(store, older_than(AGO))
    assert (forgotten.events, forgotten.deliveries) == (0, 1)
    states = [(each.batch_id, each.endpoint_id, str(each.state)) for each in await store.deliveries(DeliveryQuery())]
    assert sorted(states) == [
        (1, "pending", "pending"),
        (2, "pending", "pending"),
        (3, "held", "held"),
        (3, "pending", "pending"),
    ]
    for delivery in await claim(store, NOON, "pending"):
        await settled(store, answered(delivery, 200, NOON))
    forgotten = await a_round(store, older_than(AGO))
    assert (forgotten.events, forgotten.deliveries) == (2, 2)
    assert await kept(store) == ([3], [3, 3])  # one of them is held still


async def test_what_a_removed_endpoint_was_owed_is_forgotten_too(store: Store, clock: FakeClock) -> None:
    clock.turn(hours=-40 * 24)
    await store.settle_endpoints([endpoint()])
    await happen(store, "batch.active", at=LONG_AGO)
    await store.remove_endpoint("hook")
    clock.turn(hours=40 * 24)
    assert await kept(store) == ([13], [13])
    await a_round(store, older_than(AGO))
    assert await kept(store) == ([], [])


async def test_what_was_forgotten_while_it_was_under_way_cannot_be_settled(store: Store, clock: FakeClock) -> None:
    clock.turn(hours=-40 * 24)
    await store.settle_endpoints([endpoint()])
    await happen(store, "batch.active", at=LONG_AGO)
    clock.turn(hours=40 * 24)
    [delivery] = await claim(store, NOON)
    await store.disable_endpoint("hook", "enough")
    await a_round(store, older_than(AGO))
    assert await settle_one(store, answered(delivery, 410, NOON)) is None
    assert await store.release("mine") == 0


async def test_a_delivery_goes_with_its_event(store: Store) -> None:
    await store.settle_endpoints([endpoint()])
    await happen(store, "batch.active", at=LONG_AGO)
    [delivery] = await claim(store, NOON)
    await settled(store, answered(delivery, 200, NOON))
    forgotten = await a_round(store, older_than(AGO))
    assert (forgotten.events, forgotten.deliveries) == (1, 1)
    assert await kept(store) == ([], [])


async def test_events_and_deliveries_have_times_of_their_own(store: Store) -> None:
    await store.settle_endpoints([endpoint()])
    await happen(store, "batch.active")
    [delivery] = await claim(store, NOON)
    await settled(store, answered(delivery, 200, NOON))
    later = NOON + timedelta(days=1)
    await a_round(store, Cutoffs(events=NOON, deliveries=later, broadcasts=NOON))
    assert await kept(store) == ([13], [])


async def test_the_order_of_a_batch_goes_on_behind_what_was_forgotten(store: Store, clock: FakeClock) -> None:
    clock.turn(hours=-40 * 24)
    await store.settle_endpoints([endpoint(ordering="batch")])
    await happen(store, "batch.new", at=LONG_AGO)
    clock.turn(hours=40 * 24)
    await happen(store, "batch.active", "batch.stuck")
    await store.disable_endpoint("hook", "enough")
    await a_round(store, older_than(AGO))
    await store.enable_endpoint("hook", send_held=True, now=NOON)
    assert [each.event_type for each in await claim(store, NOON)] == ["batch.active"]


async def test_no_more_rows_are_looked_at_than_asked_for(store: Store, clock: FakeClock) -> None:
    clock.turn(hours=-40 * 24)
    await store.settle_endpoints([endpoint()])
    for batch_id in range(1, 8):
        await happen(store, "batch.active", key=Key("default", batch_id), at=LONG_AGO)
    for delivery in await claim(store, LONG_AGO):
        await settled(store, answered(delivery, 200, LONG_AGO))
    clock.turn(hours=40 * 24)
    portion = Forgotten()
    counts: list[tuple[int, int, bool]] = []
    for _ in range(4):
        portion = await store.forget(older_than(AGO), portion, 3)
        counts.append((portion.events, portion.deliveries, portion.ended))
    assert counts == [(3, 3, False), (3, 3, False), (1, 1, True), (0, 0, True)]


async def test_what_was_found_out_of_broadcasts_that_nobody_follows_is_forgotten(
    store: Store, clock: FakeClock
) -> None:
    clock.turn(hours=-40 * 24)
    for broadcast_id in (1, 2, 3):
        await store.note_kind("default", broadcast_id, "call")
    await store.follow_broadcast(BroadcastWish(account="default", broadcast_id=4), LONG_AGO)
    await store.follow_broadcast(BroadcastWish(account="default", broadcast_id=2), LONG_AGO)
    clock.turn(hours=40 * 24)
    await store.note_kind("default", 5, "text")
    forgotten = await a_round(store, older_than(AGO), most=1)
    assert forgotten.broadcasts == 2
    assert [each.broadcast_id for each in await store.broadcasts("default")] == [2, 4, 5]


async def test_the_file_of_steady_use_keeps_its_size(sqlite: SqliteStore, clock: FakeClock) -> None:
    await sqlite.settle_endpoints([endpoint()])
    sizes: list[int] = []
    for _ in range(8):
        now = clock.turn(hours=24)
        for batch_id in range(1, 31):
            await happen(sqlite, "batch.stuck", "batch.unstuck", key=Key("default", batch_id), at=now)
        for delivery in await claim(sqlite, now):
            answer = answered(delivery, 200, now)
            await settled(sqlite, replace(answer, attempt=replace(answer.attempt, answer=b"x" * 3000)))
        await a_round(sqlite, older_than(now - timedelta(hours=25)), most=20)
        sizes.append(await pragma(sqlite, "PRAGMA page_count"))
    assert len(await sqlite.deliveries(DeliveryQuery(limit=1000))) == 120
    a_day = sizes[1] - sizes[0]
    assert max(sizes) - sizes[2] < a_day / 10
