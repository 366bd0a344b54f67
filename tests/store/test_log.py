"""The port's promises about the log as a whole: where it begins, and where it ends."""

from datetime import timedelta

from tests.fakes import NOON, FakeClock
from tests.store.making import endpoint, happen
from watcher.core.model import Key
from watcher.core.recovering import Cutoffs, Forgotten
from watcher.ports import EventQuery, Store
from watcher.ports.log import LogSpan

OLD = NOON - timedelta(days=40)
CUTOFF = NOON - timedelta(days=30)
CUTOFFS = Cutoffs(events=CUTOFF, deliveries=CUTOFF, broadcasts=CUTOFF)


async def test_an_empty_log_begins_and_ends_nowhere(store: Store) -> None:
    assert await store.log_span() == LogSpan(forgotten=0, last=0)


async def test_the_log_ends_where_its_last_event_is(store: Store) -> None:
    for batch_id in (1, 2, 3):
        await happen(store, "batch.active", key=Key("default", batch_id))
    last = (await store.events(EventQuery()))[-1].position
    assert await store.log_span() == LogSpan(forgotten=0, last=last)


async def test_what_was_deleted_is_remembered_also_where_something_older_is_kept(
    store: Store, clock: FakeClock
) -> None:
    await store.settle_endpoints([endpoint("waits", types=["batch.new"])])
    await happen(store, "batch.new", key=Key("default", 1), at=OLD)  # owed, so it stays
    await happen(store, "batch.active", key=Key("default", 2), at=OLD)
    await happen(store, "batch.active", key=Key("default", 3), at=OLD)
    await happen(store, "batch.active", key=Key("default", 4), at=NOON)
    positions = [event.position for event in await store.events(EventQuery())]
    assert (await store.forget(CUTOFFS, Forgotten(), 100)).events == 2
    assert await store.log_span() == LogSpan(forgotten=positions[2], last=positions[3])


async def test_a_log_of_which_everything_was_deleted_still_ends_where_it_did(store: Store) -> None:
    await happen(store, "batch.active", key=Key("default", 2), at=OLD)
    [event] = await store.events(EventQuery())
    assert (await store.forget(CUTOFFS, Forgotten(), 100)).events == 1
    assert await store.log_span() == LogSpan(forgotten=event.position, last=event.position)


async def test_what_is_deleted_later_of_what_is_older_does_not_take_the_mark_back(
    store: Store, clock: FakeClock
) -> None:
    await store.settle_endpoints([endpoint("waits", types=["batch.new"])])
    await happen(store, "batch.new", key=Key("default", 1), at=OLD)
    await happen(store, "batch.active", key=Key("default", 2), at=OLD)
    positions = [event.position for event in await store.events(EventQuery())]
    await store.forget(CUTOFFS, Forgotten(), 100)
    await store.remove_endpoint("waits")
    later = NOON + timedelta(days=80)
    assert (await store.forget(Cutoffs(events=later, deliveries=later, broadcasts=later), Forgotten(), 100)).events == 1
    assert await store.log_span() == LogSpan(forgotten=positions[1], last=positions[1])
