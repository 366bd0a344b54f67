"""The port's promises about endpoints that the settings keep."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import NOON
from tests.store.making import SECRETS, answered, api_endpoint, claim, endpoint, happen, settle_one, settled, stored
from watcher.core.endpoint import Delivery, EndpointState
from watcher.core.health import Health
from watcher.ports import Store
from watcher.store.standing import NOT_NAMED

MOMENT = timedelta(milliseconds=1)
FAR = NOON + timedelta(days=30)
GONE = "the receiver answered 410 Gone"
TOLD = Health(alarmed=True, told={"endpoint.disabled": NOON + timedelta(seconds=1)})
"""The health of one that was disabled by 410 at noon, also when it was enabled again."""


@pytest.fixture
async def one(store: Store) -> Delivery:
    """The only delivery there is, claimed."""
    await store.settle_endpoints([endpoint()])
    await happen(store, "batch.active")
    [delivery] = await claim(store, NOON)
    return delivery


async def types_due(store: Store, name: str = "hook") -> list[str]:
    """What can be claimed at noon."""
    return [delivery.event_type for delivery in await claim(store, NOON, name)]


async def kept(store: Store, name: str = "hook") -> dict[str, int]:
    """What the endpoint has, by state; what was claimed is not given back."""
    return {str(state): count for state, count in (await store.tally_deliveries(name)).items()}


async def test_endpoints_are_those_of_the_settings_without_their_secrets(store: Store) -> None:
    first = replace(endpoint("a", types=["batch.*"], accounts=["x", "y"]), timeout=timedelta(seconds=2.5))
    second = replace(
        endpoint("b", ordering="batch"),
        description="for the duty",
        broadcasts=(1, 2),
        labels={"team": "ü"},
        concurrency=7,
        rate=0.5,
        form="cloudevents",
    )
    await store.settle_endpoints([replace(second, secrets=SECRETS), first])
    assert await store.endpoints() == [stored(first), stored(second)]


async def test_a_known_endpoint_is_updated_and_keeps_its_state(store: Store, one: Delivery) -> None:
    pause = answered(one, 503, NOON, retry_after=timedelta(minutes=10))
    await settle_one(store, pause)
    changed = replace(endpoint(types=["batch.new"]), timeout=timedelta(seconds=3))
    await store.settle_endpoints([changed])
    assert await store.endpoints() == [stored(changed, paused_until=pause.pause_until, version=1)]
    assert await claim(store, NOON + timedelta(minutes=10)) == []
    assert list((await happen(store, "batch.active", "batch.new")).deliveries) == [0, 1]


async def test_an_endpoint_that_is_named_as_before_is_as_before(store: Store) -> None:
    for _ in range(2):
        await store.settle_endpoints([endpoint()])
        assert await store.endpoints() == [stored(endpoint())]


async def test_at_another_url_an_endpoint_that_was_gone_gets_what_was_held_for_it(store: Store) -> None:
    await store.settle_endpoints([endpoint(), endpoint("other")])
    await happen(store, "batch.new", "batch.active")
    first, second = await claim(store, NOON)
    await settle_one(store, answered(first, 410, NOON))
    await settle_one(store, answered(second, 500, NOON))
    await happen(store, "batch.stuck")
    moved = endpoint(url="https://example.org/")
    await store.settle_endpoints([moved, endpoint("other")])
    hook, _ = await store.endpoints()
    assert hook == stored(moved, version=1, health=TOLD, number=1)
    assert [(each.event_type, each.due, each.attempts) for each in await claim(store, NOON)] == [
        ("batch.new", NOON, 1),
        ("batch.active", NOON, 1),
        ("batch.stuck", NOON, 0),
    ]


async def test_at_another_url_a_pause_that_the_former_receiver_asked_for_is_over(store: Store, one: Delivery) -> None:
    await settle_one(store, answered(one, 503, NOON, retry_after=timedelta(hours=24)))
    moved = endpoint(url="https://example.org/")
    await store.settle_endpoints([moved])
    assert await store.endpoints() == [stored(moved, version=1)]
    assert await claim(store, NOON) == [one]


async def test_what_happens_while_the_settings_do_not_name_an_endpoint_is_held_for_it(store: Store) -> None:
    await store.settle_endpoints([endpoint("a"), endpoint("b")])
    await happen(store, "batch.new")
    unnamed = stored(endpoint("a"), state=EndpointState.DISABLED, disabled_reason=NOT_NAMED)
    for _ in range(2):
        await store.settle_endpoints([endpoint("b")])
        assert await store.endpoints() == [unnamed, stored(endpoint("b"))]
    assert list((await happen(store, "batch.active")).deliveries) == [2]
    assert {each.endpoint_id: each.pending for each in await store.owed()} == {"a": 0, "b": 2}
    assert await kept(store, "a") == {"held": 2}
    assert await claim(store, FAR, "a") == []


async def test_an_endpoint_that_the_settings_name_again_gets_all_that_was_held_for_it(store: Store) -> None:
    await store.settle_endpoints([endpoint()])
    await happen(store, "batch.new", "batch.validating")
    [failed, _] = await claim(store, NOON)
    await settle_one(store, answered(failed, 500, NOON))
    await store.release("mine")
    await store.settle_endpoints([])
    await happen(store, "batch.active")
    await store.settle_endpoints([endpoint()])
    assert await store.endpoints() == [stored(endpoint())]
    await happen(store, "batch.stuck")
    assert [(each.event_type, each.attempts) for each in await claim(store, NOON)] == [
        ("batch.new", 1),
        ("batch.validating", 0),
        ("batch.active", 0),
        ("batch.stuck", 0),
    ]


async def test_what_is_on_its_way_when_its_endpoint_is_taken_out_is_still_settled(store: Store) -> None:
    await store.settle_endpoints([endpoint()])
    await happen(store, "batch.new", "batch.active", "batch.stuck")
    first, second, third = await claim(store, NOON)
    await store.settle_endpoints([])
    assert await settled(store, answered(first, 200, NOON)) == "done"
    assert await settled(store, answered(second, 500, NOON)) == "held"
    assert await settled(store, answered(third, 410, NOON)) == "held"
    [unnamed] = await store.endpoints()
    assert (unnamed.state, unnamed.disabled_reason) == (EndpointState.DISABLED, NOT_NAMED)


async def test_an_endpoint_that_is_gone_stays_so_however_often_the_settings_drop_and_name_it(
    store: Store, one: Delivery
) -> None:
    await settle_one(store, answered(one, 410, NOON))
    for endpoints in ([endpoint()], [], [endpoint()]):
        await store.settle_endpoints(endpoints)
        gone = stored(endpoint(), state=EndpointState.DISABLED, disabled_reason=GONE, health=TOLD, number=1)
        assert await store.endpoints() == [gone]
        assert list((await happen(store, "batch.stuck")).deliveries) == [1]
    assert await claim(store, FAR) == []


async def test_one_that_an_operator_disabled_stays_so_over_restarts(store: Store) -> None:
    await store.settle_endpoints([endpoint()])
    await store.disable_endpoint("hook", "maintenance")
    await store.settle_endpoints([endpoint()])
    [still] = await store.endpoints()
    assert (still.state, still.disabled_reason) == (EndpointState.DISABLED, "maintenance")


async def test_one_that_an_operator_disabled_while_the_settings_did_not_name_it_stays_so_when_they_do(
    store: Store,
) -> None:
    for named in ([endpoint()], []):
        await store.settle_endpoints(named)
    await store.disable_endpoint("hook", "maintenance")
    await store.settle_endpoints([endpoint()])
    [still] = await store.endpoints()
    assert (still.state, still.disabled_reason) == (EndpointState.DISABLED, "maintenance")


async def test_the_settings_take_over_an_endpoint_of_the_api_with_what_it_is_owed(store: Store) -> None:
    await store.make_endpoint(api_endpoint("hook", url="https://example.com/"), NOON)
    await happen(store, "batch.new")
    await store.settle_endpoints([endpoint()])
    assert await store.endpoints() == [stored(endpoint(), version=1)]
    assert await types_due(store) == ["batch.new"]
    await store.settle_endpoints([])
    [unnamed] = await store.endpoints()
    assert unnamed.disabled_reason == NOT_NAMED


async def test_the_settings_leave_those_of_the_api_alone(store: Store) -> None:
    made = await store.make_endpoint(api_endpoint(), NOON)
    await store.settle_endpoints([])
    assert await store.endpoints() == [made]


async def test_one_that_was_removed_and_is_named_again_begins_anew(store: Store) -> None:
    await store.settle_endpoints([endpoint()])
    await happen(store, "batch.new")
    await store.settle_endpoints([])
    assert await store.remove_endpoint("hook") is True
    await store.settle_endpoints([endpoint()])
    assert await store.endpoints() == [stored(endpoint(), version=1)]
    assert await kept(store) == {"held": 1}
    await happen(store, "batch.active")
    assert await types_due(store) == ["batch.active"]
