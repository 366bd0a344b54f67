"""The port's promises about what a person sees of deliveries, and about sending one again."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import NOON, FakeClock
from tests.store.making import LEASE, answered, claim, endpoint, happen, settle_one, settled
from watcher.core.endpoint import AttemptRecord, Delivery, DeliveryState
from watcher.core.model import Key
from watcher.core.recovering import DeliveryDetails, DeliveryQuery, DeliveryView
from watcher.ports import Store
from watcher.store.resending import SPAN
from watcher.store.sqlite import SqliteStore

MOMENT = timedelta(milliseconds=1)
LATER = NOON + timedelta(days=1)


@pytest.fixture
async def one(store: Store) -> Delivery:
    """The only delivery there is, claimed."""
    await store.settle_endpoints([endpoint()])
    await happen(store, "batch.active")
    [delivery] = await claim(store, NOON)
    return delivery


async def view(store: Store, delivery_id: int) -> DeliveryView:
    details = await store.delivery(delivery_id)
    assert details is not None
    return details.view


# What is shown


async def test_a_delivery_is_shown_with_its_attempts(store: Store, one: Delivery) -> None:
    shown = DeliveryView(
        id=one.id,
        endpoint_id="hook",
        position=one.position,
        event_id=one.event_id,
        event_type="batch.active",
        account="default",
        batch_id=13,
        created=NOON,
        due=NOON,
        attempts=0,
        state=DeliveryState.PENDING,
        cause="schedule",
        in_flight=True,
    )
    assert await store.delivery(one.id) == DeliveryDetails(view=shown, attempts=[])
    failed = answered(one, None, NOON)
    await settle_one(store, failed)
    due = NOON + timedelta(seconds=6)
    ended = NOON + timedelta(seconds=1)
    shown = replace(shown, due=due, attempts=1, in_flight=False, error="timeout", ended=ended)
    record = AttemptRecord(attempt=failed.attempt, cause="schedule", outcome="retried", next_due=due)
    assert await store.delivery(one.id) == DeliveryDetails(view=shown, attempts=[record])
    [again] = await claim(store, due)
    await settle_one(store, answered(again, 200, due))
    shown = replace(
        shown, due=None, attempts=2, state=DeliveryState.DONE, code=200, error=None, ended=due + timedelta(seconds=1)
    )
    assert await store.deliveries(DeliveryQuery()) == [shown]


async def test_there_may_be_no_such_delivery(store: Store) -> None:
    assert await store.delivery(99) is None
    assert await store.deliveries(DeliveryQuery()) == []
    assert await store.deliveries(DeliveryQuery(endpoint_id="nobody", states=[DeliveryState.DEAD])) == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (DeliveryQuery(), [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]),
        (DeliveryQuery(limit=3), [10, 9, 8]),
        (DeliveryQuery(before=4), [3, 2, 1]),
        (DeliveryQuery(endpoint_id="a"), [9, 7, 5, 3, 1]),
        (DeliveryQuery(endpoint_id="b", before=8, limit=2), [6, 4]),
        (DeliveryQuery(states=[DeliveryState.PENDING]), [9, 7, 5]),
        (DeliveryQuery(states=[DeliveryState.HELD]), [10, 8, 6, 4, 2]),
        (DeliveryQuery(states=[DeliveryState.HELD, DeliveryState.DEAD], limit=4), [10, 8, 6, 4]),
        (DeliveryQuery(endpoint_id="a", states=[DeliveryState.DEAD, DeliveryState.DONE]), [3, 1]),
        (DeliveryQuery(endpoint_id="a", states=[DeliveryState.DEAD], before=3), []),
        (DeliveryQuery(endpoint_id="b", states=[DeliveryState.PENDING]), []),
    ],
)
async def test_deliveries_are_listed_the_newest_first(store: Store, query: DeliveryQuery, expected: list[int]) -> None:
    await store.settle_endpoints([endpoint("a"), endpoint("b", types=["batch.*"])])
    for batch_id in range(1, 6):
        await happen(store, "batch.new", key=Key("default", batch_id))
    done, dead, _, _, _ = await claim(store, NOON, "a")
    await settle_one(store, answered(done, 200, NOON))
    await store.disable_endpoint("b", "enough")
    await settled(store, answered(replace(dead, attempts=10, event_type="endpoint.failing"), 500, NOON))
    assert [each.id for each in await store.deliveries(query)] == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (DeliveryQuery(account="east"), [(14, "b"), (14, "a"), (13, "b"), (13, "a"), (13, "b"), (13, "a")]),
        (DeliveryQuery(account="east", limit=3), [(13, "b"), (13, "a"), (14, "b")]),
        (DeliveryQuery(account="east", endpoint_id="a"), [(14, "a"), (13, "a"), (13, "a")]),
        (DeliveryQuery(account="east", batch_id=13), [(13, "b"), (13, "a"), (13, "b"), (13, "a")]),
        (DeliveryQuery(account="east", batch_id=13, limit=1), [(13, "b")]),
        (DeliveryQuery(account="east", batch_id=13, endpoint_id="a"), [(13, "a"), (13, "a")]),
        (DeliveryQuery(account="west", batch_id=13), [(13, "b"), (13, "a")]),
        (DeliveryQuery(batch_id=13), 3 * [(13, "b"), (13, "a")]),
        (DeliveryQuery(batch_id=14), [(14, "b"), (14, "a")]),
        (DeliveryQuery(batch_id=15), []),
        (DeliveryQuery(account="west", batch_id=14), []),
        (DeliveryQuery(account="north"), []),
        (DeliveryQuery(account="east", states=(DeliveryState.DONE,)), [(13, "a")]),
        (DeliveryQuery(account="east", states=(DeliveryState.PENDING,)), [(14, "a"), (13, "a")]),
        (DeliveryQuery(account="east", states=(DeliveryState.HELD,)), [(14, "b"), (13, "b"), (13, "b")]),
        (DeliveryQuery(account="west", states=(DeliveryState.HELD, DeliveryState.DONE)), [(13, "b")]),
        (DeliveryQuery(account="east", batch_id=13, states=(DeliveryState.DONE,)), [(13, "a")]),
        (DeliveryQuery(account="east", batch_id=13, states=(DeliveryState.HELD,)), [(13, "b"), (13, "b")]),
        (DeliveryQuery(account="east", batch_id=13, states=(DeliveryState.DEAD,)), []),
        (DeliveryQuery(account="east", batch_id=13, endpoint_id="nobody"), []),
    ],
)
async def test_deliveries_of_one_account_or_batch_are_listed_alone(
    store: Store, query: DeliveryQuery, expected: list[tuple[int, str]]
) -> None:
    await store.settle_endpoints([endpoint("a"), endpoint("b")])
    for account, batch_id in (("east", 13), ("west", 13), ("east", 14), ("east", 13)):
        await happen(store, "batch.new", key=Key(account, batch_id))
    first = next(each for each in await claim(store, NOON, "a") if each.position == 1)
    await settle_one(store, answered(first, 200, NOON))
    await store.disable_endpoint("b", "enough")
    found = await store.deliveries(query)
    assert [each.id for each in found] == sorted((each.id for each in found), reverse=True)
    assert sorted((each.batch_id, each.endpoint_id) for each in found) == sorted(expected)


async def test_the_deliveries_of_an_account_page_without_gap_or_repeat(store: Store) -> None:
    await store.settle_endpoints([endpoint("a"), endpoint("b")])
    for batch_id in range(1, 6):
        await happen(store, "batch.new", key=Key("east", batch_id))
        await happen(store, "batch.new", key=Key("west", batch_id))
    for wanted in (DeliveryQuery(account="east", limit=3), DeliveryQuery(account="east", batch_id=3, limit=1)):
        whole = [each.id for each in await store.deliveries(replace(wanted, limit=100))]
        paged: list[int] = []
        while some := await store.deliveries(replace(wanted, before=paged[-1] if paged else None)):
            paged += [each.id for each in some]
        assert paged == whole != []


async def test_a_delivery_is_under_way_while_its_lease_lasts(store: Store, one: Delivery, clock: FakeClock) -> None:
    clock.turn(seconds=LEASE.total_seconds() - 1)
    assert (await view(store, one.id)).in_flight
    clock.turn(seconds=1)
    assert not (await view(store, one.id)).in_flight
    [again] = await claim(store, clock.now(), token="yours")
    assert (await view(store, one.id)).in_flight
    await store.release("yours")
    assert not (await view(store, again.id)).in_flight


async def test_what_tells_of_an_endpoint_is_shown_without_an_account(store: Store, one: Delivery) -> None:
    await store.settle_endpoints([endpoint(), endpoint("duty")])
    await settle_one(store, answered(one, 410, NOON))
    [told] = await store.deliveries(DeliveryQuery(endpoint_id="duty"))
    assert (told.event_type, told.account, told.batch_id) == ("endpoint.disabled", "", None)


# Sent again


async def prepared(store: Store, state: str) -> Delivery:
    """A delivery in that state, tried before."""
    await store.settle_endpoints([endpoint()])
    await happen(store, "batch.active")
    [delivery] = await claim(store, NOON)
    code, attempts = {"done": (200, 3), "dead": (500, 10), "pending": (500, 3), "held": (410, 3)}[state]
    await settle_one(store, answered(replace(delivery, attempts=attempts), code, NOON))
    if state == "held":
        await store.enable_endpoint("hook", send_held=False, now=NOON)
    assert (await view(store, delivery.id)).state == state
    return delivery


@pytest.mark.parametrize("state", ["done", "dead", "pending", "held"])
async def test_in_whatever_state_a_delivery_is_it_can_be_sent_again_with_all_its_attempts(
    store: Store, state: str
) -> None:
    delivery = await prepared(store, state)
    assert await store.resend(delivery.id, LATER) == "resent"
    shown = await view(store, delivery.id)
    assert (shown.state, shown.due, shown.attempts, shown.cause) == (DeliveryState.PENDING, LATER, 0, "person")
    assert await claim(store, LATER - MOMENT) == []
    [again] = await claim(store, LATER)
    assert again == replace(delivery, due=LATER, cause="person")
    assert await settled(store, answered(again, 500, LATER)) == "retried"
    due = LATER + timedelta(seconds=6)
    [third] = await claim(store, due)
    assert (third.attempts, third.cause) == (1, "schedule")
    await settle_one(store, answered(third, 200, due))
    details = await store.delivery(delivery.id)
    assert details is not None
    assert [each.cause for each in details.attempts] == ["schedule", "person", "schedule"]


async def test_the_cause_stays_while_a_pause_costs_no_attempt(store: Store) -> None:
    delivery = await prepared(store, "done")
    await store.resend(delivery.id, NOON)
    [again] = await claim(store, NOON)
    await settle_one(store, answered(again, 503, NOON, retry_after=timedelta(minutes=1)))
    assert (await view(store, delivery.id)).cause == "person"


async def test_what_is_under_way_is_not_sent_again(store: Store, one: Delivery) -> None:
    assert await store.resend(one.id, NOON + LEASE - MOMENT) == "in_flight"
    assert (await view(store, one.id)).cause == "schedule"
    assert await settled(store, answered(one, 200, NOON)) == "done"


async def test_who_let_his_lease_end_cannot_settle_what_was_sent_again(store: Store, one: Delivery) -> None:
    assert await store.resend(one.id, NOON + LEASE) == "resent"
    assert await settle_one(store, answered(one, 410, NOON)) is None
    assert len(await claim(store, NOON + LEASE, token="yours")) == 1


async def test_nothing_is_sent_again_to_an_endpoint_that_is_not_active(store: Store) -> None:
    delivery = await prepared(store, "done")
    await store.disable_endpoint("hook", "enough")
    assert await store.resend(delivery.id, LATER) == "not_active"
    await store.remove_endpoint("hook")
    assert await store.resend(delivery.id, LATER) == "not_active"
    assert (await view(store, delivery.id)).state is DeliveryState.DONE


async def test_what_there_is_not_cannot_be_sent_again(store: Store) -> None:
    assert await store.resend(99, NOON) == "unknown"


async def test_deliveries_of_an_account_are_found_however_many_of_others_came_since(sqlite: SqliteStore) -> None:
    await sqlite.settle_endpoints([endpoint("a"), endpoint("b")])
    for account in ("east", "west", "east", "west"):
        await happen(sqlite, "batch.new", key=Key(account, 13))
    aside = "UPDATE deliveries SET id = id + ? WHERE position > ?"  # as if so many had come, and been forgotten
    gaps = [(3 * SPAN, 2), (3 * SPAN, 3)]
    await sqlite._writer.run("aside", lambda connection: connection.executemany(aside, gaps).rowcount)
    for limit in (1, 3, 5):
        found = await sqlite.deliveries(DeliveryQuery(account="east", limit=limit))
        assert [each.id for each in found] == [3 * SPAN + 6, 3 * SPAN + 5, 2, 1][:limit]
