"""What looks have told of durations: it goes into the schedule, is kept, and is there again after a restart."""

import numpy as np
import pytest

from tests.fakes import shows
from tests.polling.world import World, after, validating
from watcher.core.hazard import Sight, scale_free
from watcher.core.learnt import LearntHazard
from watcher.core.model import ACTIVE, VALIDATING, Key
from watcher.polling.keeping import Keeper
from watcher.ports import StoreError

MANY = range(1, 31)


def keeper(world: World) -> Keeper:
    return Keeper(world.polling, reports=(), clock=world.clock, every=5.0)


async def see_them_end(world: World) -> None:
    """Thirty batches of 800 contacts, seen unfinished at noon, end within a minute."""
    for batch_id in MANY:
        world.upstream.script(batch_id, shows(VALIDATING, size=800), shows(ACTIVE, size=800))
    await world.step_until(lambda: len(world.told) == len(MANY), most=1000)


async def test_what_was_learnt_is_put_to_use_with_the_next_report() -> None:
    async with World(*(validating(batch_id, size=800) for batch_id in MANY)) as world:
        await world.poller.report()
        await see_them_end(world)
        assert np.array_equal(world.poller.schedule.hazard.rates, scale_free().rates)
        await world.poller.report()
        early = np.flatnonzero(world.poller.learnt.ends.sum(axis=0))
        learnt = world.poller.schedule.hazard.rates[5, early]
        assert learnt.max() > 2 * scale_free().rates[5, early].max()


async def test_a_watch_has_an_eta_once_enough_ends_of_its_size_were_seen() -> None:
    async with World(*(validating(batch_id, size=800) for batch_id in (*MANY, 99))) as world:
        world.upstream.script(99, shows(VALIDATING, size=800))
        assert world.polling.eta(Key("default", 99)) is None
        await see_them_end(world)
        await world.poller.report()
        eta = world.polling.eta(Key("default", 99))
        assert eta is not None
        assert after(0) < eta.p50 < eta.p90
        assert (await world.polling.lengths("default")).ends == len(MANY)


async def test_it_is_kept_when_batches_have_ended_and_not_otherwise() -> None:
    async with World(*(validating(batch_id, size=800) for batch_id in MANY)) as world:
        for batch_id in MANY:
            world.upstream.script(batch_id, shows(VALIDATING, size=800))
        await world.step_for(10)
        await keeper(world).save()
        assert world.store.learnt_records == {}
        await see_them_end(world)
        await keeper(world).save()
        assert world.store.done["save_learnt"] == 1
        await keeper(world).save()
        assert world.store.done["save_learnt"] == 1
        kept = LearntHazard.from_record(world.store.learnt_records["default"], world.clock.now().timestamp())
        assert kept.ends.sum() == pytest.approx(world.poller.learnt.ends.sum(), rel=1e-3)


async def test_what_could_not_be_kept_is_kept_the_next_time() -> None:
    async with World(*(validating(batch_id, size=800) for batch_id in MANY)) as world:
        await see_them_end(world)
        world.store.failing.add("save_learnt")
        with pytest.raises(StoreError):
            await keeper(world).save()
        world.store.failing.discard("save_learnt")
        await keeper(world).save()
        assert "default" in world.store.learnt_records


async def test_it_is_not_kept_every_time_that_looks_are_saved_but_once_a_minute_and_at_the_end() -> None:
    async with World(*(validating(batch_id, size=800) for batch_id in MANY)) as world:
        await see_them_end(world)
        keeping = keeper(world)
        for _ in range(11):
            await keeping.step()
        assert world.store.done["save_learnt"] == 0
        await keeping.step()
        assert world.store.done["save_learnt"] == 1
        world.poller.learnt.saw(Sight(size=5, then=1.0, now=2.0, ended=True))
        await keeping.step()
        assert world.store.done["save_learnt"] == 1
        await keeping.save()
        assert world.store.done["save_learnt"] == 2
