"""What holds of endpoints, and of what is done by hand, among several processes that have one PostgreSQL database."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import NOON
from tests.store.conftest import Turn
from tests.store.making import LEASE, answered, api_endpoint, claim, endpoint, happen, owe, settle_one
from watcher.core.endpoint import Delivery, EndpointState
from watcher.core.recovering import DeliveryQuery, Recovered, Recovery
from watcher.ports import Settled, Store, Word
from watcher.store.postgres import PostgresStore


@pytest.fixture
def one(stores: list[PostgresStore]) -> PostgresStore:
    return stores[0]


@pytest.fixture
def other(stores: list[PostgresStore]) -> PostgresStore:
    return stores[1]


async def kinds(store: Store, after: int = 0) -> list[Word]:
    """What the others say of endpoints."""
    return [heard.word for heard in await store.heard(after, 100) if heard.word.kind == "endpoint"]


def about(name: str) -> Word:
    return Word(kind="endpoint", body={"id": name})


# Endpoints


async def test_a_breaker_that_opens_at_one_is_open_at_all_and_they_are_told(
    one: PostgresStore, other: PostgresStore
) -> None:
    await owe(one, 12)
    begin = await other.last_word()
    for each in (await claim(one, NOON))[:5]:
        await settle_one(one, answered(each, 500, NOON))
    assert await claim(other, NOON) == []
    assert await kinds(other, begin) == [about("hook")]
    assert (await other.endpoints())[0].health.opened == 1


async def test_failures_at_several_count_together(stores: list[PostgresStore]) -> None:
    await owe(stores[0], 8)
    found = [await claim(store, NOON, room=2) for store in stores]
    for store, claimed in zip(stores, found, strict=True):
        await store.settle([(answered(each, 500, NOON), "mine") for each in claimed])
    [hook] = await stores[0].endpoints()
    assert (hook.health.failures_in_a_row, hook.health.opened) == (6, 1)


async def test_what_is_done_to_an_endpoint_at_one_holds_at_the_other_at_once(
    one: PostgresStore, other: PostgresStore
) -> None:
    await owe(one, 4)
    first, second, third, _ = await claim(other, NOON)
    begin = await other.last_word()
    await one.disable_endpoint("hook", "enough")
    assert await claim(other, NOON) == []
    assert await settle_one(other, answered(first, 500, NOON)) == Settled(outcome="held")
    assert await other.resend(second.id, NOON + 2 * LEASE) in ("in_flight", "not_active")
    await one.enable_endpoint("hook", send_held=True, now=NOON)
    assert [each.id for each in await claim(other, NOON + timedelta(hours=1))] == [first.id]
    [hook] = await one.endpoints()
    assert await one.change_endpoint(replace(hook, url="https://elsewhere.example/")) is not None
    assert await settle_one(other, answered(second, 500, NOON)) == Settled(outcome="returned")
    assert (await one.endpoints())[0].health.failures_in_a_row == 0
    await one.remove_endpoint("hook")
    assert await settle_one(other, answered(third, 500, NOON)) == Settled(outcome="held")
    assert await claim(other, NOON) == []
    assert await kinds(other, begin) == [about("hook")] * 4


async def test_one_of_two_who_make_or_change_the_same_endpoint_at_once_does(stores: list[PostgresStore]) -> None:
    made = await asyncio.gather(*(store.make_endpoint(api_endpoint("hook"), NOON) for store in stores))
    [hook] = [each for each in made if each is not None]
    changed = await asyncio.gather(
        *(store.change_endpoint(replace(hook, description=f"{place}")) for place, store in enumerate(stores))
    )
    [after] = [each for each in changed if each is not None]
    assert await stores[0].endpoint("hook") == after
    assert after.version == hook.version + 1


async def test_an_event_is_owed_to_an_endpoint_that_another_process_has_just_made(
    one: PostgresStore, other: PostgresStore
) -> None:
    assert list((await happen(one, "batch.new")).deliveries) == [0]
    await other.make_endpoint(api_endpoint(), NOON)
    assert list((await happen(one, "batch.active")).deliveries) == [1]
    await other.remove_endpoint(api_endpoint().id)
    assert list((await happen(one, "batch.errors")).deliveries) == [0]


async def test_an_endpoint_made_at_one_is_known_at_the_other_to_whoever_recovers(
    one: PostgresStore, other: PostgresStore
) -> None:
    await happen(one, "batch.new")
    await one.make_endpoint(api_endpoint("hook"), NOON)
    recovery = Recovery(endpoint_id="hook", since=NOON - LEASE, until=NOON + LEASE)
    for dry_run in (True, False):
        recovered = await other.recover(recovery, NOON, dry_run=dry_run)
        assert recovered == Recovered(counts={"missing": 1}, after=None)
    assert len(await claim(one, NOON)) == 1


async def test_an_endpoint_of_the_settings_that_all_name_is_made_once(stores: list[PostgresStore]) -> None:
    await asyncio.gather(*(store.settle_endpoints([endpoint("a"), endpoint("b")]) for store in stores))
    found = await stores[0].endpoints()
    assert [(each.id, each.version, each.state) for each in found] == [
        ("a", 0, EndpointState.ACTIVE),
        ("b", 0, EndpointState.ACTIVE),
    ]


# What a person does


@pytest.fixture
async def flying(one: PostgresStore, turn: Turn) -> Delivery:
    """A delivery that one process has claimed, at noon by the database's clock."""
    await owe(one, 1)
    [delivery] = await claim(one, NOON)
    return delivery


async def test_what_is_under_way_at_one_is_so_at_the_other(other: PostgresStore, flying: Delivery, turn: Turn) -> None:
    async def seen() -> tuple[object, ...]:
        [view] = await other.deliveries(DeliveryQuery())
        recovery = Recovery(endpoint_id="hook", since=NOON, until=NOON + LEASE, states=frozenset({"pending"}))
        recovered = await other.recover(recovery, NOON, dry_run=True)
        assert recovered is not None
        return view.in_flight, recovered.counts, await other.resend(flying.id, NOON)

    assert await seen() == (True, {}, "in_flight")
    await turn(NOON + LEASE)
    assert await seen() == (False, {"pending": 1}, "resent")


async def test_after_it_is_sent_again_the_late_end_of_the_attempt_before_changes_nothing(
    one: PostgresStore, other: PostgresStore, flying: Delivery, turn: Turn
) -> None:
    await turn(NOON + LEASE)
    assert await other.resend(flying.id, NOON) == "resent"
    assert await settle_one(one, answered(flying, 200, NOON)) is None
