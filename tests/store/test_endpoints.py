"""The port's promises about endpoints, most of all those that the API keeps."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import NOON, FakeClock
from tests.store.making import SECRETS, answered, api_endpoint, claim, endpoint, happen, settle_one, settled, stored
from watcher.core.endpoint import DeliveryState, EndpointState, Secrets
from watcher.core.health import Health
from watcher.core.model import Key
from watcher.ports import DeliveryQuery, EventQuery, Owed, Settled, Store

MOMENT = timedelta(milliseconds=1)
FAR = NOON + timedelta(days=30)
GONE = "the receiver answered 410 Gone"
TOLD = Health(alarmed=True, told={"endpoint.disabled": NOON + timedelta(seconds=1)})
"""The health of one that was disabled by 410 at noon, also when it was enabled again."""


async def types_due(store: Store, name: str = "hook") -> list[str]:
    """What can be claimed at noon."""
    return [delivery.event_type for delivery in await claim(store, NOON, name)]


async def kept(store: Store, name: str = "hook") -> dict[str, int]:
    """What the endpoint has, by state; what was claimed is not given back."""
    return {str(state): count for state, count in (await store.tally_deliveries(name)).items()}


async def test_an_endpoint_that_is_made_is_kept_with_its_secrets_and_owed_the_very_next_event(
    store: Store, clock: FakeClock
) -> None:
    await happen(store, "batch.new")
    wanted = api_endpoint(
        types=("batch.*",), broadcasts=(7,), labels={"a": "b"}, concurrency=2, rate=1.5, form="cloudevents-binary"
    )
    later = NOON + timedelta(minutes=1)
    made = await store.make_endpoint(replace(wanted, broadcasts=(), labels={}), later)
    assert made == replace(wanted, broadcasts=(), labels={}, created=later)
    assert await store.endpoints() == [made]
    assert await store.endpoint("ep_1") == made
    assert list((await happen(store, "batch.active")).deliveries) == [1]
    assert await types_due(store, "ep_1") == ["batch.active"]


async def test_filters_look_at_broadcasts_and_labels(store: Store) -> None:
    await store.make_endpoint(api_endpoint("ep_1", broadcasts=(7,)), NOON)
    await store.make_endpoint(api_endpoint("ep_2", labels={"team": "a"}), NOON)
    assert list((await happen(store, "batch.new", broadcast_id=7)).deliveries) == [1]
    assert list((await happen(store, "batch.new", broadcast_id=8, key=Key("b", 1))).deliveries) == [0]
    assert list((await happen(store, "batch.new", labels={"team": "a", "x": "y"}, key=Key("c", 1))).deliveries) == [1]
    assert list((await happen(store, "batch.new", labels={"team": "b"}, key=Key("d", 1))).deliveries) == [0]


async def test_an_id_that_is_taken_makes_nothing(store: Store) -> None:
    await store.settle_endpoints([endpoint()])
    made = await store.make_endpoint(api_endpoint(), NOON)
    for name in ("hook", "ep_1"):
        assert await store.make_endpoint(api_endpoint(name, url="https://example.org/"), NOON) is None
    assert await store.endpoints() == [made, stored(endpoint())]


async def test_an_endpoint_is_changed_where_nobody_did_meanwhile(store: Store) -> None:
    made = await store.make_endpoint(api_endpoint(), NOON)
    assert made is not None
    rotated = replace(made, secrets=Secrets(keys=SECRETS.keys[:1]), description="rotated")
    changed = await store.change_endpoint(rotated)
    assert changed == replace(rotated, version=1)
    assert await store.endpoints() == [changed]
    assert await store.change_endpoint(replace(made, description="late")) is None
    assert await store.change_endpoint(replace(made, id="ep_2")) is None
    assert await store.endpoints() == [changed]


async def test_a_change_leaves_how_an_endpoint_stands_as_it_is(store: Store) -> None:
    made = await store.make_endpoint(api_endpoint("hook"), NOON)
    assert made is not None
    await happen(store, "batch.new")
    [delivery] = await claim(store, NOON)
    await settle_one(store, answered(delivery, 410, NOON))
    changed = await store.change_endpoint(replace(made, types=("batch.*",), url="https://example.org/"))
    assert changed == replace(
        made,
        types=("batch.*",),
        url="https://example.org/",
        version=1,
        state=EndpointState.DISABLED,
        disabled_reason=GONE,
        health=TOLD,
        number=1,
    )
    assert await store.endpoints() == [changed]
    assert await claim(store, FAR) == []


async def test_at_another_url_a_pause_and_an_open_breaker_are_void(store: Store) -> None:
    made = await store.make_endpoint(api_endpoint("hook"), NOON)
    assert made is not None
    await happen(store, *["batch.stuck"] * 7)
    *failing, busy, _ = await claim(store, NOON)
    for delivery in failing:
        await settle_one(store, answered(delivery, 500, NOON))
    await settle_one(store, answered(busy, 429, NOON, retry_after=timedelta(hours=1)))
    await store.release("mine")
    assert await claim(store, NOON) == []
    moved = await store.change_endpoint(replace(made, url="https://example.org/"))
    assert moved is not None
    assert (moved.paused_until, moved.health.opened, moved.health.failures_in_a_row) == (None, 0, 0)
    assert len(await claim(store, NOON)) == 7


async def test_a_disabled_endpoint_keeps_its_first_reason_and_what_it_is_owed_is_held(store: Store) -> None:
    made = await store.make_endpoint(api_endpoint("hook"), NOON)
    assert made is not None
    await happen(store, "batch.new")
    disabled = replace(made, state=EndpointState.DISABLED, disabled_reason="enough")
    assert await store.disable_endpoint("hook", "enough") == disabled
    assert await store.disable_endpoint("hook", "more than enough") == disabled
    assert await store.endpoints() == [disabled]
    await happen(store, "batch.active")
    assert await kept(store) == {"held": 2}
    assert await store.owed() == [Owed(endpoint_id="hook", pending=0, oldest=None)]
    assert await claim(store, FAR) == []


async def test_an_enabled_endpoint_gets_what_was_held_at_once(store: Store) -> None:
    made = await store.make_endpoint(api_endpoint("hook"), NOON)
    assert made is not None
    await happen(store, "batch.new", "batch.active", "batch.errors")
    retried, gone, _ = await claim(store, NOON)
    await settle_one(store, answered(retried, 500, NOON))
    await settle_one(store, answered(gone, 410, NOON))
    await store.release("mine")
    await happen(store, "batch.stuck")
    enabled = await store.enable_endpoint("hook", send_held=True, now=NOON)
    assert enabled == replace(made, health=TOLD, number=1)
    assert await store.endpoints() == [enabled]
    assert await kept(store) == {"pending": 4}
    assert await types_due(store) == ["batch.new", "batch.active", "batch.errors", "batch.stuck"]


async def test_what_was_held_can_stay_held_when_its_endpoint_is_enabled(store: Store) -> None:
    await store.make_endpoint(api_endpoint("hook"), NOON)
    await happen(store, "batch.new")
    await store.disable_endpoint("hook", "enough")
    await happen(store, "batch.active")
    await store.enable_endpoint("hook", send_held=False, now=NOON)
    await happen(store, "batch.stuck")
    assert await kept(store) == {"held": 2, "pending": 1}
    assert await types_due(store) == ["batch.stuck"]
    await store.disable_endpoint("hook", "again")
    await store.enable_endpoint("hook", send_held=True, now=NOON)
    assert await kept(store) == {"pending": 3}
    assert await types_due(store) == ["batch.new", "batch.active"]


async def test_to_enable_an_active_endpoint_ends_its_pause_and_closes_its_breaker(store: Store) -> None:
    made = await store.make_endpoint(api_endpoint("hook"), NOON)
    await happen(store, *["batch.stuck"] * 7)
    *failing, busy, _ = await claim(store, NOON)
    for delivery in failing:
        await settle_one(store, answered(delivery, 500, NOON))
    await settle_one(store, answered(busy, 429, NOON, retry_after=timedelta(hours=1)))
    await store.release("mine")
    enabled = await store.enable_endpoint("hook", send_held=True, now=NOON)
    assert enabled is not None
    told = {"endpoint.failing": NOON + timedelta(seconds=1)}
    assert enabled == replace(made or enabled, health=Health(alarmed=True, told=told), number=1)
    assert len(await claim(store, NOON)) == 2  # the others are tried again when their time has come
    assert len(await claim(store, NOON + timedelta(seconds=6))) == 5


async def test_a_removed_endpoint_is_nowhere_and_owed_nothing_new(store: Store) -> None:
    await store.make_endpoint(api_endpoint("hook"), NOON)
    await happen(store, "batch.new")
    assert await store.remove_endpoint("hook") is True
    assert await store.remove_endpoint("hook") is False
    assert list((await happen(store, "batch.active")).deliveries) == [0]
    assert (await store.endpoints(), await store.owed()) == ([], [])
    assert (await store.endpoint("hook"), await store.endpoint("nobody"), await store.owed("hook")) == (None, None, [])
    assert await claim(store, FAR) == []
    assert await store.disable_endpoint("hook", "gone") is None
    assert await store.enable_endpoint("hook", send_held=True, now=NOON) is None
    [delivery] = await store.deliveries(DeliveryQuery())
    assert delivery.state is DeliveryState.HELD


async def test_what_is_on_its_way_when_its_endpoint_is_removed_is_still_settled(store: Store) -> None:
    await store.make_endpoint(api_endpoint("hook"), NOON)
    await happen(store, "batch.new", "batch.active", "batch.stuck", "batch.errors")
    first, second, third, fourth = await claim(store, NOON)
    await store.remove_endpoint("hook")
    assert await settled(store, answered(first, 200, NOON)) == "done"
    assert await settled(store, answered(second, 500, NOON)) == "held"
    assert await settled(store, answered(third, 410, NOON)) == "held"
    assert await settled(store, answered(replace(fourth, attempts=10), 500, NOON)) == "dead"
    assert len(await store.events(EventQuery())) == 4


async def test_the_id_of_a_removed_endpoint_is_free_and_what_was_held_for_the_former_stays_held(store: Store) -> None:
    former = await store.make_endpoint(api_endpoint("hook", ordering="batch"), NOON)
    await happen(store, "batch.new", "batch.active")
    first, *_ = await claim(store, NOON)
    await settle_one(store, answered(first, 410, NOON))
    await store.remove_endpoint("hook")
    later = NOON + timedelta(days=1)
    again = await store.make_endpoint(api_endpoint("hook"), later)
    assert again == replace(api_endpoint("hook"), created=later, version=1, number=1)
    assert former is not None
    assert await store.change_endpoint(former) is None  # it was the former's
    assert await claim(store, FAR) == []
    await happen(store, "batch.stuck")
    assert await types_due(store) == ["batch.stuck"]
    assert await kept(store) == {"held": 2, "pending": 1}
    [delivery] = await claim(store, FAR)
    disabled = await settle_one(store, answered(delivery, 410, FAR))
    assert disabled is not None
    assert [event.number for event in disabled.told.events] == [2]


async def test_what_failed_on_its_way_to_a_removed_endpoint_is_not_sent_to_the_next_of_its_name(store: Store) -> None:
    await store.make_endpoint(api_endpoint("hook"), NOON)
    await happen(store, "batch.new")
    [delivery] = await claim(store, NOON)
    await store.remove_endpoint("hook")
    assert await settled(store, answered(delivery, 500, NOON)) == "held"
    await store.make_endpoint(api_endpoint("hook"), NOON)
    assert await kept(store) == {"held": 1}
    assert await claim(store, FAR) == []


@pytest.mark.parametrize("code", [410, 429, 500])
async def test_what_the_receiver_at_the_former_url_answers_is_nothing_to_the_one_at_the_present(
    store: Store, code: int
) -> None:
    made = await store.make_endpoint(api_endpoint("hook"), NOON)
    assert made is not None
    await happen(store, *["batch.stuck"] * 6)
    flying = await claim(store, NOON)
    moved = await store.change_endpoint(replace(made, url="https://example.org/"))
    for delivery in flying[:5]:
        late = answered(replace(delivery, attempts=10), code, NOON, retry_after=timedelta(hours=1))
        assert await settle_one(store, late) == Settled(outcome="returned")
    assert await settle_one(store, answered(flying[5], 200, NOON)) == Settled(outcome="done")
    assert await store.endpoints() == [moved]
    assert [delivery.due for delivery in await claim(store, NOON)] == [NOON] * 5


@pytest.mark.parametrize("code", [410, 429, 500])
async def test_what_is_on_its_way_to_a_removed_endpoint_is_nothing_to_the_next_of_its_name(
    store: Store, code: int
) -> None:
    await store.make_endpoint(api_endpoint("hook"), NOON)
    await happen(store, "batch.new", "batch.active")
    first, second = await claim(store, NOON)
    await store.remove_endpoint("hook")
    again = await store.make_endpoint(api_endpoint("hook"), NOON + timedelta(seconds=1))
    late = answered(first, code, NOON, retry_after=timedelta(hours=1))
    assert await settle_one(store, late) == Settled(outcome="held")
    assert await settle_one(store, answered(second, 200, NOON)) == Settled(outcome="done")
    assert await store.endpoints() == [again]
    assert await claim(store, FAR) == []


async def test_of_an_endpoint_that_is_not_there_nothing_comes(store: Store) -> None:
    assert await store.disable_endpoint("hook", "why") is None
    assert await store.enable_endpoint("hook", send_held=True, now=NOON) is None
    assert await store.change_endpoint(api_endpoint()) is None
    assert await store.remove_endpoint("hook") is False
    assert dict(await store.tally_deliveries("hook")) == {}


async def test_deliveries_are_counted_by_endpoint_and_state(store: Store) -> None:
    await store.settle_endpoints([endpoint(), endpoint("other")])
    await happen(store, "batch.new", "batch.active", "batch.stuck")
    done, dead, _ = await claim(store, NOON)
    await settle_one(store, answered(done, 200, NOON))
    await settle_one(store, answered(replace(dead, attempts=10), 500, NOON))
    tally = await store.tally_deliveries("hook")
    assert tally == {DeliveryState.PENDING: 1, DeliveryState.DEAD: 1}
