"""The port's promises about endpoints that were removed: they are forgotten with the last of their deliveries."""

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.fakes import NOON, FakeClock
from tests.store.conftest import Somebody, Turn
from tests.store.making import answered, api_endpoint, claim, endpoint, happen, settled
from tests.store.test_claims_shared import WAITS
from tests.store.test_forgetting import AGO, LONG_AGO, a_round, older_than
from watcher.core.endpoint import EndpointState
from watcher.core.model import Key
from watcher.core.recovering import DeliveryQuery, Forgotten
from watcher.ports import Store, StoreError
from watcher.store import forgetting
from watcher.store.postgres import PostgresStore
from watcher.store.postgres_work import placed
from watcher.store.rows import millis
from watcher.store.sqlite import SqliteStore
from watcher.store.statements import load
from watcher.store.work import Connection, Statements

DAY = timedelta(days=1)
OLD = older_than(AGO)


async def gone(store: Store, *names: str, made: datetime = LONG_AGO) -> None:
    """Endpoints that were made then, and removed."""
    for name in names or ("hook",):
        assert await store.make_endpoint(api_endpoint(name), made) is not None
        assert await store.remove_endpoint(name)


async def next_version(store: Store, name: str = "hook") -> int:
    """Of the next of its name: 0 where it was forgotten."""
    made = await store.make_endpoint(api_endpoint(name), NOON)
    assert made is not None
    return made.version


async def test_one_that_was_removed_is_forgotten_when_nothing_is_left_of_it(store: Store) -> None:
    await gone(store)
    assert await a_round(store, OLD) == Forgotten(ended=True)
    assert await next_version(store) == 0


async def test_it_goes_in_the_same_round_as_the_last_of_its_deliveries_and_not_before(
    store: Store, clock: FakeClock
) -> None:
    clock.turn(hours=-40 * 24)
    await store.make_endpoint(api_endpoint("hook"), clock.now())
    await happen(store, "batch.new", at=LONG_AGO)
    clock.turn(hours=20 * 24)
    await happen(store, "batch.active", at=clock.now())
    for delivery in await claim(store, clock.now()):
        await settled(store, answered(delivery, 200, clock.now()))
    clock.turn(hours=20 * 24)
    await store.remove_endpoint("hook")
    assert (await a_round(store, OLD, most=1)).deliveries == 1
    [left] = await store.deliveries(DeliveryQuery(endpoint_id="hook"))
    assert left.event_type == "batch.active"
    assert await store.make_endpoint(api_endpoint("other"), LONG_AGO) is not None
    assert (await a_round(store, older_than(NOON - 10 * DAY), most=1)).deliveries == 1
    assert await next_version(store) == 0


@pytest.mark.parametrize("state", ["held", "done"])
async def test_it_stays_where_a_delivery_is_left(store: Store, state: str) -> None:
    await store.make_endpoint(api_endpoint("hook"), LONG_AGO)
    await happen(store, "batch.active")
    if state == "done":
        [delivery] = await claim(store, NOON)
        await settled(store, answered(delivery, 200, NOON))
    await store.remove_endpoint("hook")
    await a_round(store, OLD)
    assert await next_version(store) == 1


async def test_it_stays_where_operators_were_told_something_of_it(store: Store, clock: FakeClock) -> None:
    await store.make_endpoint(api_endpoint("hook", types=("batch.*",)), LONG_AGO)
    clock.turn(hours=-40 * 24)
    await happen(store, "batch.active", at=LONG_AGO)
    [delivery] = await claim(store, LONG_AGO)
    await settled(store, answered(delivery, 410, LONG_AGO))
    await store.remove_endpoint("hook")
    clock.turn(hours=40 * 24)
    assert (await a_round(store, OLD)).deliveries == 1
    again = await store.make_endpoint(api_endpoint("hook"), NOON)
    assert again is not None
    assert (again.version, again.number) == (1, 1)


async def test_it_stays_until_it_is_old_enough(store: Store) -> None:
    await gone(store, made=AGO)
    await a_round(store, OLD)
    assert await next_version(store) == 1


async def test_one_that_was_not_removed_stays_however_old_it_is(store: Store) -> None:
    await store.settle_endpoints([endpoint("named")])
    await store.settle_endpoints([])
    await store.make_endpoint(api_endpoint("hook"), LONG_AGO)
    await store.make_endpoint(api_endpoint("off"), LONG_AGO)
    await store.disable_endpoint("off", "enough")
    before = await store.endpoints()
    await a_round(store, older_than(NOON + DAY))
    assert await store.endpoints() == before


async def test_the_next_of_its_name_is_a_new_one(store: Store) -> None:
    await gone(store)
    await a_round(store, OLD)
    wanted = api_endpoint("hook", url="https://elsewhere.example/", rate=2.0)
    made = await store.make_endpoint(wanted, NOON)
    assert made == replace(wanted, created=NOON)
    assert await store.endpoint("hook") == made
    assert await store.change_endpoint(replace(made, rate=3.0)) == replace(made, rate=3.0, version=1)
    assert list((await happen(store, "batch.new")).deliveries) == [1]
    [delivery] = await claim(store, NOON)
    assert await settled(store, answered(delivery, 200, NOON)) == "done"
    await a_round(store, OLD)
    assert len(await store.deliveries(DeliveryQuery(endpoint_id="hook"))) == 1


async def test_what_was_meant_for_one_that_was_forgotten_does_not_change_the_next_of_its_name(store: Store) -> None:
    old = await store.make_endpoint(api_endpoint("hook"), LONG_AGO)
    assert old is not None
    assert await store.remove_endpoint("hook")
    await a_round(store, OLD)
    made = await store.make_endpoint(api_endpoint("hook", url="https://elsewhere.example/"), NOON)
    assert made is not None
    assert made.version == old.version
    assert await store.change_endpoint(replace(old, rate=3.0)) is None
    assert await store.endpoint("hook") == made


async def test_what_is_on_its_way_to_the_next_of_its_name_is_told_from_what_comes_after(store: Store) -> None:
    await gone(store)
    await a_round(store, OLD)
    await store.make_endpoint(api_endpoint("hook"), NOON)
    await happen(store, "batch.new")
    [delivery] = await claim(store, NOON)
    await store.remove_endpoint("hook")
    await a_round(store, OLD)
    await store.make_endpoint(api_endpoint("hook"), NOON + DAY)
    assert await settled(store, answered(delivery, 500, NOON)) == "held"


async def test_no_more_are_looked_at_than_asked_for_and_those_that_stay_are_not_in_the_way(store: Store) -> None:
    names = [f"ep_{number}" for number in range(7)]
    await gone(store, *names)
    await store.make_endpoint(api_endpoint("ep_0"), LONG_AGO)
    await happen(store, "batch.active")
    await store.remove_endpoint("ep_0")
    portion, looked = Forgotten(), []
    while not portion.ended:
        portion = await store.forget(OLD, portion, 2)
        looked.append((portion.endpoint, portion.ended))
    assert looked == [("ep_1", False), ("ep_3", False), ("ep_5", False), ("ep_5", True)]
    assert [await next_version(store, name) for name in names] == [2, 0, 0, 0, 0, 0, 0]


async def test_where_the_transaction_is_undone_it_is_there_as_before(database: SqliteStore | PostgresStore) -> None:
    def work(connection: Connection, sql: Statements) -> None:
        forgetting.forget(connection, sql, database._remembered, OLD, Forgotten(), 10)
        assert database._remembered.endpoint("hook") is None
        raise LookupError

    await gone(database)
    with pytest.raises(StoreError):
        await database._write("forget", work)
    known = database._remembered.endpoint("hook")
    assert known is not None
    assert known.state is EndpointState.REMOVED
    assert await next_version(database) == 1


async def test_nothing_of_it_stays_in_memory(database: SqliteStore | PostgresStore) -> None:
    await gone(database, *(f"ep_{number}" for number in range(20)))
    assert len(database._remembered._removed) == 20
    await a_round(database, OLD)
    assert len(database._remembered._removed) == 0


# Several processes


@pytest.fixture
def one(stores: list[PostgresStore], turn: Turn) -> PostgresStore:
    return stores[0]


@pytest.fixture
def other(stores: list[PostgresStore]) -> PostgresStore:
    return stores[1]


async def test_whoever_makes_one_of_its_name_waits_until_it_is_forgotten_and_loses_nothing(
    one: PostgresStore, other: PostgresStore, somebody: Somebody
) -> None:
    await gone(one)
    values = {"ids": json.dumps(["hook"]), "cutoff": millis(AGO)}
    text, names, _ = placed(load("postgres")["forget_endpoints"])
    async with somebody.transaction():
        assert await somebody.fetchval(text, *(values[name] for name in names)) == "hook"
        making = asyncio.ensure_future(other.make_endpoint(api_endpoint("hook"), NOON))
        while not await somebody.fetchval(WAITS):  # noqa: ASYNC110 -- nobody says when it waits
            await asyncio.sleep(0)
    made = await making
    assert made is not None
    assert await other.endpoint("hook") == made
    assert list((await happen(one, "batch.new")).deliveries) == [1]
    assert len(await claim(one, NOON)) == 1


async def test_one_that_somebody_has_locked_stays_until_the_next_round(one: PostgresStore, somebody: Somebody) -> None:
    await gone(one, "hook", "left", "turn")
    async with somebody.transaction():
        await somebody.execute("SELECT 1 FROM endpoints WHERE id = 'hook' FOR UPDATE")
        await somebody.execute("SELECT 1 FROM turns WHERE endpoint_id = 'turn' FOR UPDATE")
        assert (await a_round(one, OLD)).ended
    count = "SELECT array_agg(id ORDER BY id) FROM endpoints"
    assert await somebody.fetchval(count) == ["hook", "turn"]
    await a_round(one, OLD)
    assert await somebody.fetchval(count) is None
    assert await somebody.fetchval("SELECT count(*) FROM turns") == 0


async def test_what_another_process_knew_of_it_is_not_taken_for_the_next_of_its_name(
    one: PostgresStore, other: PostgresStore
) -> None:
    await one.make_endpoint(api_endpoint("hook"), LONG_AGO)
    await one.make_endpoint(api_endpoint("seen"), LONG_AGO)
    await one.remove_endpoint("seen")
    await happen(other, "batch.new", key=Key("default", 1))  # knows one as it was, and the other as removed
    await one.remove_endpoint("hook")
    await a_round(one, older_than(NOON + DAY))
    for name in ("hook", "seen"):
        made = await one.make_endpoint(api_endpoint(name, url="https://elsewhere.example/"), NOON)
        assert made is not None
        assert made.version == 0
        disabled = replace(made, state=EndpointState.DISABLED, disabled_reason="enough")
        assert await other.disable_endpoint(name, "enough") == disabled


async def test_one_that_another_process_removed_and_forgot_is_owed_nothing_and_not_there(
    one: PostgresStore, other: PostgresStore
) -> None:
    await one.make_endpoint(api_endpoint("hook"), LONG_AGO)
    await other.disable_endpoint("hook", "enough")
    await other.enable_endpoint("hook", send_held=False, now=NOON)
    await one.remove_endpoint("hook")
    await a_round(one, OLD)
    assert [each.id for each in other._remembered.endpoints] == ["hook"]
    assert list((await happen(other, "batch.new")).deliveries) == [0]
    assert await other.disable_endpoint("hook", "enough") is None


async def test_what_is_locked_and_not_there_any_more_is_forgotten_too(one: PostgresStore, other: PostgresStore) -> None:
    await one.make_endpoint(api_endpoint("hook"), LONG_AGO)
    await other.disable_endpoint("hook", "enough")
    await one.remove_endpoint("hook")
    await a_round(one, OLD)
    assert await other.enable_endpoint("hook", send_held=True, now=NOON) is None
    assert other._remembered.endpoint("hook") is None
