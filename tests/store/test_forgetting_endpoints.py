"""An endpoint that was removed is forgotten when nothing is left of it, by every process; and nothing is taken for another's."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from tests.fakes import NOON, Ear, FakeClock
from tests.store.copies import New, copied, opened
from tests.store.making import answered, api_endpoint, claim, endpoint, happen, owe, settle_one
from tests.store.waiting import Somebody, until_waited_for
from watcher.core.endpoint import EndpointState
from watcher.core.recovering import Cutoffs, Forgotten
from watcher.ports import Store
from watcher.store.kept import KeptStore
from watcher.store.postgres import PostgresStore
from watcher.store.sqlite import open_store

LATER = NOON + timedelta(days=1)
ALL_OLD = Cutoffs(events=LATER, deliveries=LATER, broadcasts=LATER)
NOTHING_OLD = Cutoffs(events=NOON, deliveries=NOON, broadcasts=NOON)


async def in_the_table(store: Store | KeptStore) -> list[str]:
    """The endpoints of which there is a row."""
    rows = await store._read("rows", lambda connection, sql: connection.execute(sql["endpoints"]).fetchall())  # type: ignore[union-attr]
    return [row["id"] for row in rows]


def in_memory(store: Store | KeptStore) -> set[str]:
    names: set[str] = store._remembered.names  # type: ignore[union-attr]
    return names


async def a_round(store: Store | KeptStore, cutoffs: Cutoffs, most: int = 100) -> None:
    portion = await store.forget(cutoffs, Forgotten(), most)
    while not portion.ended:
        portion = await store.forget(cutoffs, portion, most)


async def test_it_stays_as_long_as_a_delivery_or_an_event_about_it_does(database: Store) -> None:
    await owe(database, 1)
    [delivery] = await claim(database, NOON)
    await settle_one(database, answered(delivery, 410, NOON))  # of which endpoint.disabled is told
    await database.remove_endpoint("hook")
    await a_round(database, NOTHING_OLD)
    assert await in_the_table(database) == ["hook"]
    await a_round(database, replace(ALL_OLD, events=NOON))
    await a_round(database, replace(ALL_OLD, events=NOON))
    assert (await in_the_table(database), in_memory(database)) == (["hook"], {"hook"})
    await a_round(database, ALL_OLD)
    await a_round(database, NOTHING_OLD)
    assert (await in_the_table(database), in_memory(database)) == ([], set())


async def test_one_that_was_owed_nothing_is_forgotten_at_once_and_one_that_is_there_is_not(database: Store) -> None:
    for name in ("active", "disabled", "removed"):
        await database.make_endpoint(api_endpoint(name), NOON)
    await database.disable_endpoint("disabled", "enough")
    await database.remove_endpoint("removed")
    await a_round(database, NOTHING_OLD)
    assert (await in_the_table(database), in_memory(database)) == (["active", "disabled"], {"active", "disabled"})


async def test_no_more_are_looked_at_than_asked_for_and_those_that_stay_are_in_nobodys_way(database: Store) -> None:
    owed = [f"a{number}" for number in range(4)]
    for name in owed:
        await database.make_endpoint(api_endpoint(name), NOON)
    await happen(database, "batch.new")
    unused = [f"b{number}" for number in range(3)]
    for name in unused:
        await database.make_endpoint(api_endpoint(name), NOON)
    for name in (*owed, *unused):
        await database.remove_endpoint(name)
    left: list[int] = []
    portion = Forgotten()
    for _ in range(5):
        portion = await database.forget(NOTHING_OLD, portion, 2)
        left.append(len(await in_the_table(database)))
    assert (left, portion.ended) == ([7, 7, 5, 4, 4], True)
    assert await in_the_table(database) == owed


async def test_the_next_of_its_name_goes_on_with_its_numbers_all_the_same(store: Store) -> None:
    former = await store.make_endpoint(api_endpoint("hook"), NOON)
    await happen(store, "batch.new")
    [delivery] = await claim(store, NOON)
    first = await settle_one(store, answered(delivery, 410, NOON))
    await store.remove_endpoint("hook")
    for _ in range(2):
        await a_round(store, ALL_OLD)
    again = await store.make_endpoint(api_endpoint("hook"), NOON)
    assert again == replace(api_endpoint("hook"), created=NOON, version=2, number=2)
    assert former is not None
    assert await store.change_endpoint(former) is None
    await happen(store, "batch.active")
    [delivery] = await claim(store, NOON)
    second = await settle_one(store, answered(delivery, 410, NOON))
    assert first is not None
    assert second is not None
    assert [event.number for told in (first, second) for event in told.told.events] == [1, 3]


async def test_one_of_the_settings_goes_on_behind_what_was_forgotten_too(store: Store) -> None:
    for version in (1, 2):
        await store.make_endpoint(api_endpoint(f"hook {version}"), NOON)
        await store.remove_endpoint(f"hook {version}")
        await a_round(store, NOTHING_OLD)
    await store.settle_endpoints([endpoint("hook")])
    assert await store.endpoints() == [replace(endpoint("hook"), created=NOON, version=2, number=2)]


async def test_it_is_forgotten_over_a_restart_with_the_numbers_kept(path: Path, ear: Ear, clock: FakeClock) -> None:
    async with open_store(path, tell=ear, clock=clock) as store:
        await store.make_endpoint(api_endpoint("hook"), NOON)
        await store.remove_endpoint("hook")
        await a_round(store, NOTHING_OLD)
    async with open_store(path, tell=ear, clock=clock) as store:
        assert in_memory(store) == set()
        made = await store.make_endpoint(api_endpoint("hook"), NOON)
        assert made is not None
        assert (made.version, made.number) == (1, 1)


async def test_in_a_copy_of_the_database_the_numbers_go_on_too(new: New) -> None:
    source, target = new("sqlite"), new("postgres")
    async with opened(source) as store:
        await store.make_endpoint(api_endpoint("hook"), NOON)
        await store.remove_endpoint("hook")
        await a_round(store, NOTHING_OLD)
    await copied(source, target)
    async with opened(target) as store:
        made = await store.make_endpoint(api_endpoint("hook"), NOON)
        assert made is not None
        assert (made.version, made.number) == (1, 1)


# Several processes


@pytest.fixture
async def somebody(url: str) -> AsyncIterator[Somebody]:
    """Another one who has a transaction open in the same database."""
    connection = await asyncpg.connect(url)
    await connection.execute("BEGIN")
    yield connection
    await connection.close()


async def test_what_one_process_forgets_the_others_forget_before_they_go_by_it(
    postgres: PostgresStore, other: PostgresStore
) -> None:
    for name in ("hook", "gone"):
        await postgres.make_endpoint(api_endpoint(name), NOON)
    await happen(other, "batch.new")
    assert in_memory(other) == {"hook", "gone"}
    for name in ("hook", "gone"):
        await postgres.remove_endpoint(name)
    await a_round(postgres, ALL_OLD)
    await a_round(postgres, ALL_OLD)
    assert await in_the_table(postgres) == []
    assert await other.disable_endpoint("hook", "enough") is None
    assert in_memory(other) == {"gone"}
    assert list((await happen(other, "batch.active")).deliveries) == [0]
    assert in_memory(other) == set()


async def test_one_that_is_made_anew_elsewhere_is_not_taken_for_the_one_that_was_forgotten(
    postgres: PostgresStore, other: PostgresStore
) -> None:
    await postgres.make_endpoint(api_endpoint("hook"), NOON)
    await happen(other, "batch.new")
    await postgres.remove_endpoint("hook")
    for _ in range(2):
        await a_round(postgres, ALL_OLD)
    made = await postgres.make_endpoint(api_endpoint("hook", url="https://elsewhere.example/"), NOON)
    assert made is not None
    disabled = replace(made, state=EndpointState.DISABLED, disabled_reason="enough")
    assert await other.disable_endpoint("hook", "enough") == disabled


async def test_one_of_its_name_that_is_made_at_this_moment_is_not_forgotten(
    postgres: PostgresStore, somebody: Somebody
) -> None:
    await postgres.make_endpoint(api_endpoint("hook"), NOON)
    await postgres.remove_endpoint("hook")
    await somebody.execute("UPDATE endpoints SET state = 'active'")
    forgetting = asyncio.create_task(postgres.forget(NOTHING_OLD, Forgotten(), 10))
    await until_waited_for(somebody)
    await somebody.execute("COMMIT")
    await forgetting
    assert [each.id for each in await postgres.endpoints()] == ["hook"]


async def test_its_turn_goes_with_it(postgres: PostgresStore, somebody: Somebody) -> None:
    for name in ("hook", "stays"):
        await postgres.make_endpoint(api_endpoint(name), NOON)
    await postgres.remove_endpoint("hook")
    await a_round(postgres, NOTHING_OLD)
    assert [row["endpoint_id"] for row in await somebody.fetch("SELECT endpoint_id FROM turns")] == ["stays"]
    await owe(postgres, 1, api_endpoint("hook"))
    assert [each.endpoint_id for each in await claim(postgres, LATER, "hook")] == ["hook"]
