"""The port's promises about changes (rules 1 and 2), accounts, and the log of events."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import NOON
from tests.store.making import KEY, account_event, claim, endpoint, event, follow, happen
from watcher.core.account import AccountRecord
from watcher.core.allowance import LearntRate
from watcher.core.message import body_of
from watcher.core.model import Key, Recorded, State
from watcher.ports import AccountChange, Change, Committed, EventQuery, Store, StoreError

RECORD = AccountRecord(
    name="default",
    refused=True,
    reason="401 Unauthorized",
    refusals=2,
    probe_at=NOON + timedelta(hours=1),
    credentials="f00d",
    number=1,
    learnt_rate=LearntRate(rate=5 / 3, wall=1.7, probe_at=NOON + timedelta(minutes=10)),
)


async def owed_in_all(store: Store) -> int:
    return sum(owed.pending for owed in await store.owed())


async def test_a_change_its_event_and_its_deliveries_are_stored_together(store: Store) -> None:
    await store.settle_endpoints([endpoint("one"), endpoint("two")])
    [watch] = await follow(store, KEY)
    changed = replace(watch, status="ACTIVE", state=State.SETTLED, number=1)
    told = event(watch, 1)
    committed = await store.commit(Change(watch=changed, version=watch.version, events=[told]))
    [recorded] = await store.events(EventQuery())
    assert committed == Committed(events=[recorded], deliveries=[2])
    assert await store.watch(KEY) == replace(changed, version=watch.version + 1)
    assert recorded == Recorded(
        position=recorded.position,
        id=recorded.id,
        type="batch.active",
        at=NOON,
        account="default",
        batch_id=13,
        number=1,
        body=body_of(told),
    )
    assert [delivery.event_id for delivery in await claim(store, NOON, "one", "two")] == [recorded.id] * 2


async def test_a_change_without_events_is_stored(store: Store) -> None:
    [watch] = await follow(store, KEY)
    changed = replace(watch, missing_count=1)
    assert await store.commit(Change(watch=changed, version=watch.version)) == Committed(events=[], deliveries=[])
    assert await store.watch(KEY) == replace(changed, version=watch.version + 1)


async def test_two_changes_of_one_version_are_stored_once(store: Store) -> None:
    await store.settle_endpoints([endpoint()])
    [watch] = await follow(store, KEY)
    first = Change(watch=replace(watch, number=1, status="NEW"), version=0, events=[event(watch, 1, "batch.new")])
    second = Change(watch=replace(watch, number=1, status="ACTIVE"), version=0, events=[event(watch, 1)])
    assert await store.commit(first) is not None
    assert await store.commit(second) is None
    assert await store.watch(KEY) == replace(first.watch, version=1)
    assert [recorded.type for recorded in await store.events(EventQuery())] == ["batch.new"]
    assert await owed_in_all(store) == 1


async def test_of_many_changes_at_once_one_is_stored(store: Store) -> None:
    [watch] = await follow(store, KEY)
    change = Change(watch=replace(watch, number=1), version=0, events=[event(watch, 1)])
    results = await asyncio.gather(*(store.commit(change) for _ in range(20)))
    assert sum(result is not None for result in results) == 1
    assert len(await store.events(EventQuery())) == 1


async def test_a_change_of_a_watch_that_is_not_there_is_not_stored(store: Store) -> None:
    [watch] = await follow(store, KEY)
    stranger = replace(watch, batch_id=14)
    assert await store.commit(Change(watch=stranger, version=0, events=[event(stranger, 1)])) is None
    assert await store.events(EventQuery()) == []


async def test_a_repeated_number_is_refused_and_nothing_of_its_change_remains(store: Store) -> None:
    await store.settle_endpoints([endpoint()])
    await happen(store, "batch.new")
    before = await store.watch(KEY)
    assert before is not None
    changed = replace(before, status="ACTIVE")
    with pytest.raises(StoreError):
        await store.commit(Change(watch=changed, version=before.version, events=[event(before, 2), event(before, 1)]))
    assert await store.watch(KEY) == before
    assert [recorded.number for recorded in await store.events(EventQuery())] == [1]
    assert await owed_in_all(store) == 1


async def test_a_change_that_is_refused_spoils_none_that_came_with_it(store: Store) -> None:
    watches = await follow(store, *(Key("default", batch_id) for batch_id in range(1, 31)))
    await happen(store, "batch.new", key=Key("default", 10))
    changes = [
        Change(watch=watch, version=1 if watch.batch_id == 10 else 0, events=[event(watch, 1)]) for watch in watches
    ]
    results = await asyncio.gather(*map(store.commit, changes), return_exceptions=True)
    assert [isinstance(result, Committed) for result in results] == [watch.batch_id != 10 for watch in watches]
    assert isinstance(results[9], StoreError)
    assert sorted(each.batch_id or 0 for each in await store.events(EventQuery())) == list(range(1, 31))


async def test_several_events_of_a_change_keep_their_order(store: Store) -> None:
    committed = await happen(store, "batch.unstuck", "batch.active")
    assert [(recorded.number, recorded.type) for recorded in committed.events] == [
        (1, "batch.unstuck"),
        (2, "batch.active"),
    ]
    assert committed.events[0].position < committed.events[1].position
    assert list(committed.events) == await store.events(EventQuery())


async def test_only_who_subscribed_is_owed_an_event(store: Store) -> None:
    await store.settle_endpoints(
        [
            endpoint("all"),
            endpoint("ends", types=["batch.active", "batch.errors"]),
            endpoint("accounts", types=["account.*"]),
            endpoint("other", accounts=["other"]),
        ]
    )
    committed = await happen(store, "batch.active", "batch.stuck")
    assert list(committed.deliveries) == [2, 1]
    owed = {owed.endpoint_id: owed.pending for owed in await store.owed()}
    assert owed == {"all": 2, "ends": 1, "accounts": 0, "other": 0}


async def test_a_new_endpoint_is_owed_what_happens_from_now_on(store: Store) -> None:
    assert list((await happen(store, "batch.new")).deliveries) == [0]
    await store.settle_endpoints([endpoint()])
    assert list((await happen(store, "batch.active")).deliveries) == [1]
    assert [delivery.event_type for delivery in await claim(store, NOON)] == ["batch.active"]


async def test_an_id_tells_account_batch_and_number(store: Store) -> None:
    await store.save_account(AccountChange(record=RECORD, events=[account_event(3)]))
    await happen(store, "batch.new", "batch.active")
    ids = [recorded.id for recorded in await store.events(EventQuery())]
    origin = ids[0].split("_")[1]
    assert ids == [f"acc_{origin}_default_3", f"evt_{origin}_default_13_1", f"evt_{origin}_default_13_2"]


# Accounts


async def test_nothing_is_kept_of_an_account_at_first(store: Store) -> None:
    assert await store.account("default") is None


async def test_an_account_is_kept_with_its_events_and_deliveries(store: Store) -> None:
    await store.settle_endpoints([endpoint()])
    committed = await store.save_account(AccountChange(record=RECORD, events=[account_event(1)]))
    assert await store.account("default") == RECORD
    [recorded] = await store.events(EventQuery())
    assert committed == Committed(events=[recorded], deliveries=[1])
    assert (recorded.type, recorded.batch_id, recorded.number) == ("account.refused", None, 1)


async def test_an_account_is_changed_without_events(store: Store) -> None:
    calm = AccountRecord(name="default", credentials="f00d", number=2)
    await store.save_account(AccountChange(record=RECORD))
    assert await store.save_account(AccountChange(record=calm)) == Committed(events=[], deliveries=[])
    assert await store.account("default") == calm


async def test_a_learnt_rate_is_kept_to_the_last_digit_and_without_a_wall_too(store: Store) -> None:
    passed = replace(RECORD, learnt_rate=LearntRate(rate=0.1 + 0.2))
    await store.save_account(AccountChange(record=passed))
    assert await store.account("default") == passed


async def test_a_repeated_number_of_an_account_is_refused_with_its_record(store: Store) -> None:
    await store.save_account(AccountChange(record=RECORD, events=[account_event(1)]))
    with pytest.raises(StoreError):
        await store.save_account(AccountChange(record=replace(RECORD, refusals=9), events=[account_event(1)]))
    assert await store.account("default") == RECORD
    assert len(await store.events(EventQuery())) == 1


async def test_of_two_that_share_an_account_the_one_is_told_that_the_other_was_faster(store: Store) -> None:
    first = AccountChange(record=RECORD, events=[account_event(1)], shared=True)
    assert await store.save_account(first) is not None
    late = replace(RECORD, refusals=9)
    assert await store.save_account(AccountChange(record=late, events=[account_event(1)], shared=True)) is None
    assert await store.account("default") == RECORD
    assert len(await store.events(EventQuery())) == 1
    assert await store.save_account(AccountChange(record=late, shared=True)) == Committed(events=[], deliveries=[])
    assert await store.account("default") == late
    well = AccountRecord(name="default", credentials="f00d", number=2)
    assert await store.save_account(AccountChange(record=well, events=[account_event(2)], shared=True)) is not None
    assert await store.account("default") == well


# The log


@pytest.fixture
async def log(store: Store) -> list[Recorded]:
    """Six events of two accounts."""
    await happen(store, "batch.new", key=Key("a", 1))
    await happen(store, "batch.new", "batch.active", key=Key("b", 1))
    await store.save_account(AccountChange(record=RECORD, events=[account_event(1, "a")]))
    await happen(store, "batch.active", key=Key("a", 1))
    await happen(store, "batch.new", key=Key("a", 2))
    return await store.events(EventQuery())


async def test_the_log_is_in_the_order_of_positions(log: list[Recorded]) -> None:
    told = [(each.account, each.batch_id, each.type) for each in log]
    assert told == [
        ("a", 1, "batch.new"),
        ("b", 1, "batch.new"),
        ("b", 1, "batch.active"),
        ("a", None, "account.refused"),
        ("a", 1, "batch.active"),
        ("a", 2, "batch.new"),
    ]
    positions = [each.position for each in log]
    assert positions == sorted(set(positions))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (EventQuery(limit=2), [0, 1]),
        (EventQuery(types=["batch.active", "account.refused"]), [2, 3, 4]),
        (EventQuery(types=["batch.active"], limit=1), [2]),
        (EventQuery(account="a"), [0, 3, 4, 5]),
        (EventQuery(account="c"), []),
        (EventQuery(batch_id=1), [0, 1, 2, 4]),
        (EventQuery(account="a", batch_id=1), [0, 4]),
        (EventQuery(account="a", batch_id=1, limit=1), [0]),
        (EventQuery(account="b", batch_id=1, types=["batch.active"]), [2]),
    ],
)
async def test_the_log_is_searched(store: Store, log: list[Recorded], query: EventQuery, expected: list[int]) -> None:
    assert await store.events(query) == [log[place] for place in expected]


@pytest.mark.parametrize("account", [None, "a"])
@pytest.mark.parametrize("batch_id", [None, 1])
async def test_the_log_is_read_on_after_a_position(
    store: Store, log: list[Recorded], account: str | None, batch_id: int | None
) -> None:
    query = EventQuery(account=account, batch_id=batch_id)
    found = await store.events(query)
    assert len(found) > 1
    assert await store.events(replace(query, after=found[0].position)) == found[1:]
    assert await store.events(replace(query, after=found[-1].position)) == []


async def test_a_store_that_works_answers_a_ping(store: Store) -> None:
    await store.ping()
    await asyncio.gather(store.ping(), store.ping())
