"""What holds of answers that are given once among several processes that have one PostgreSQL database."""

import asyncio
from dataclasses import replace

import pytest

from tests.fakes import NOON, Ear, FakeClock
from tests.store.conftest import Somebody
from watcher.ports import KeptAnswer
from watcher.store.postgres import PostgresStore, open_postgres

WHOLE = b"\x00" * 32
ANSWER = KeptAnswer(status=201, headers={}, body=b"{}")


@pytest.fixture
def one(stores: list[PostgresStore]) -> PostgresStore:
    return stores[0]


@pytest.fixture
def other(stores: list[PostgresStore]) -> PostgresStore:
    return stores[1]


async def test_of_two_replicas_that_get_the_same_request_at_once_one_works_on_it(stores: list[PostgresStore]) -> None:
    for number in range(10):
        begun = await asyncio.gather(*(store.begin("ci", f"k-{number}", WHOLE, NOON) for store in stores))
        assert sorted(map(str, begun)) == ["fresh", "under-way", "under-way"]


async def test_the_answer_of_one_is_given_again_by_the_other(one: PostgresStore, other: PostgresStore) -> None:
    await one.begin("ci", "k-1", WHOLE, NOON)
    await other.finish("ci", "k-1", replace(ANSWER, status=500))  # not its own
    await other.abandon("ci", "k-1")
    assert await other.begin("ci", "k-1", WHOLE, NOON) == "under-way"
    await one.finish("ci", "k-1", ANSWER)
    assert await other.begin("ci", "k-1", WHOLE, NOON) == ANSWER


async def test_what_was_under_way_at_a_replica_is_unclear_only_when_that_is_gone(
    one: PostgresStore, other: PostgresStore, somebody: Somebody
) -> None:
    await one.begin("ci", "k-1", WHOLE, NOON)
    assert await other.begin("ci", "k-1", WHOLE, NOON, again=False) == "under-way"
    await somebody.execute("UPDATE replicas SET held_until = 0 WHERE id = $1", one.replica)
    assert await other.begin("ci", "k-1", WHOLE, NOON, again=False) == "unclear"
    assert await other.begin("ci", "k-1", WHOLE, NOON) == "fresh"
    await one.finish("ci", "k-1", replace(ANSWER, status=500))  # it was not gone, only slow
    await other.finish("ci", "k-1", ANSWER)
    assert await one.begin("ci", "k-1", WHOLE, NOON) == ANSWER


async def test_a_replica_that_starts_leaves_what_is_under_way_at_others(
    one: PostgresStore, url: str, clock: FakeClock
) -> None:
    await one.begin("ci", "k-1", WHOLE, NOON)
    async with open_postgres(url, tell=Ear(), clock=clock) as store:
        assert await store.begin("ci", "k-1", WHOLE, NOON) == "under-way"
