"""A view in the order of what needs a person: over any history, its patches lead to what all watches in order would show."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from math import inf
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import NOON
from tests.web.test_views import ACCOUNTS, KEYS, LABELS, World, lived
from watcher.core.attention import Band, in_order, standing_of
from watcher.core.model import Key, State, Watch
from watcher.core.viewing import Sight, belongs
from watcher.ports import Eta, Soonest, StoreError
from watcher.web.orders import Narrow, Wide, Window, order_of
from watcher.web.views import PORTION, TURN, name_of


class OrderedWorld(World):
    """With the order beside the rows; etas are what the history says."""

    async def follow(self, key: Key, labels: dict[str, str] | None = None) -> None:
        """Of an account that is polled no more nothing is followed that was not followed before."""
        if key.account in self.accounts or not self.view.loaded:
            await super().follow(key, labels)

    async def expect(self, key: Key, minutes: int | None) -> None:
        """A look has it expected to have ended then."""
        self.mark(key)
        self.following.etas.pop(key, None)
        if minutes is not None:
            at = NOON + timedelta(minutes=minutes)
            self.following.etas[key] = Eta(p50=at, p90=at)

    def in_order(self) -> list[Key]:
        """All that belong here, in their order."""
        standings = {key: standing_of(each) for key, each in self.store.watches.items() if belongs(each, self.sight)}
        expected = {
            key: eta.p50.timestamp() for key, eta in self.following.etas.items() if key.account in self.accounts
        }
        return in_order(standings, expected)

    async def expected(self) -> Any:
        ordered, end = self.in_order(), self.sight.offset + self.sight.limit
        window = ordered[self.sight.offset : end]
        needing = [key for key in ordered if standing_of(self.store.watches[key]).band is Band.NEEDS]
        whole = await self.shown(window)
        return whole | {
            "order": [name_of(key) for key in window],
            "total": len(ordered),
            "attention": len(needing),
            "more": len(ordered) > end,
        }


STEPS = st.one_of(
    st.tuples(st.just("follow"), KEYS, st.none() | LABELS),
    st.tuples(st.just("stop"), KEYS),
    st.tuples(st.just("relabel"), KEYS, st.dictionaries(st.just("team"), st.sampled_from(["a", "b", None]))),
    st.tuples(st.just("see"), KEYS, st.sampled_from(["NEW", "VALIDATING", "ACTIVE", "ACTIVE", "ERRORS", "ODD", None])),
    st.tuples(st.just("see"), KEYS, st.just("NEW"), st.just(14)),
    st.tuples(st.just("expect"), KEYS, st.none() | st.integers(1, 4)),
    st.tuples(st.just("go_on")),
    st.tuples(st.just("look_on")),
)
SIGHTS = st.builds(
    Sight,
    accounts=st.sampled_from([None, ("east",), ("east", "west")]),
    status=st.sampled_from([None, None, None, "NEW", "ACTIVE", "ERRORS", "ODD"]),
    state=st.sampled_from([None, None, None, State.OPEN, State.SETTLED, State.MISSING]),
    final=st.sampled_from([None, None, None, True, False]),
    broadcast_id=st.sampled_from([None, None, None, 14]),
    labels=st.sampled_from([frozenset(), frozenset(), frozenset({("team", "a")})]),
    q=st.sampled_from([None, None, None, "a", "1"]),
    order=st.just("attention"),
    offset=st.sampled_from([0, 0, 1, 4, 20]),
    limit=st.sampled_from([1, 3, 100]),
)


@settings(deadline=None)
@given(SIGHTS, st.lists(STEPS, max_size=40), st.sampled_from([ACCOUNTS, ("east",)]))
def test_over_any_history_the_patches_lead_to_the_window_in_its_order(
    sight: Sight, history: list[tuple[Any, ...]], accounts: Sequence[str]
) -> None:
    """Also where an account is polled no more, whose watches are still there."""
    asyncio.run(lived(lambda: OrderedWorld(sight, accounts), history))


async def a_world(**sight: Any) -> OrderedWorld:
    """Six watches: 1 ERRORS, 2 to 4 open of which 3 ends first, 5 and 6 ACTIVE."""
    world = OrderedWorld(Sight(order="attention", **sight))
    for batch_id in range(1, 7):
        await world.follow(Key("east", batch_id))
        status = {1: "ERRORS", 5: "ACTIVE", 6: "ACTIVE"}.get(batch_id, "VALIDATING")
        await world.see(Key("east", batch_id), status)
    await world.expect(Key("east", 3), 5)
    world.view.dirty.clear()
    await world.look_on()
    return world


async def test_what_changes_is_in_its_place_with_the_next_patch() -> None:
    world = await a_world()
    assert world.document["order"] == [f"east/{each}" for each in (1, 3, 2, 4, 6, 5)]
    await world.see(Key("east", 4), "SOURCE_ERROR")
    await world.see(Key("east", 3), "ACTIVE")
    world.take(await world.view.update(0))
    assert world.document["order"] == [f"east/{each}" for each in (4, 1, 2, 3, 6, 5)]
    assert world.document["attention"] == 2
    assert [each["path"] for each in world.told if each["path"].startswith("/order")] == ["/order"]
    await world.go_on()
    await world.check()


async def test_how_many_there_are_and_need_somebody_is_right_with_the_next_patch() -> None:
    world = await a_world(limit=2)
    await world.stop(Key("east", 1))
    for batch_id in (7, 8):
        await world.follow(Key("east", batch_id))
    world.take(await world.view.update(0))
    assert (world.document["total"], world.document["attention"]) == (7, 0)


async def test_a_watch_that_is_just_changing_is_shown_once() -> None:
    """The store has it among those that need a person already, while polling has it among the open ones still."""
    world = await a_world()
    key = Key("east", 3)
    before = world.following.known[key]
    await world.see(key, "ERRORS")
    world.following.known[key] = before
    world.take(await world.view.update(0))
    assert world.document["order"] == [f"east/{each}" for each in (3, 1, 2, 4, 6, 5)]


async def test_looks_are_shown_at_the_slow_beat() -> None:
    world = await a_world(limit=3)
    await world.look(Key("east", 3))
    world.view.dirty.clear()
    world.take(await world.view.refresh())
    world.take(await world.view.update(0))
    assert world.document["watches"]["east/3"]["looks"] == 2
    await world.check()


async def test_a_row_that_stays_in_the_window_is_not_read_again() -> None:
    world = await a_world(limit=3)
    before = world.store.done["find"]
    await world.see(Key("east", 6), "NEW")  # nothing: it has ended
    world.mark(Key("east", 6))
    assert await world.view.update(0) == []
    assert world.store.done["find"] == before


async def test_a_window_begins_where_it_is_wanted() -> None:
    for offset, expected in ((0, [1, 3]), (1, [3, 2]), (3, [4, 6]), (5, [5]), (6, []), (99, [])):
        world = await a_world(offset=offset, limit=2)
        assert world.document["order"] == [f"east/{each}" for each in expected]
        assert (world.document["total"], world.document["more"]) == (6, offset < 4)
        await world.check()


async def test_the_order_moves_with_what_is_expected_at_the_slow_beat() -> None:
    world = await a_world()
    await world.expect(Key("east", 4), 1)
    world.view.dirty.clear()
    behind = [world.view.behind]
    world.take(await world.view.refresh())
    behind.append(world.view.behind)
    world.take(await world.view.update(0))
    assert [*behind, world.view.behind] == [False, True, False]
    assert world.document["order"] == [f"east/{each}" for each in (1, 4, 3, 2, 6, 5)]


async def test_what_the_store_could_not_say_of_the_order_is_asked_again() -> None:
    world = await a_world()
    await world.see(Key("east", 3), "ERRORS")
    for failing in ("in_band", "find"):
        world.store.failing = {failing}
        with pytest.raises(StoreError):
            await world.view.update(0)
        assert world.view.dirty
    world.store.failing = {"count_of_band"}
    with pytest.raises(StoreError):
        await world.view.refresh()
    world.store.failing = {"tally"}
    with pytest.raises(StoreError):
        await world.view.refresh()
    world.store.failing.clear()
    await world.go_on()
    await world.check()


async def test_of_more_than_can_be_put_in_order_so_many_are_and_it_is_said_that_there_are_more() -> None:
    world = OrderedWorld(Sight(order="attention", q="1", limit=2))
    order = Narrow(world.sight, store=world.store, following=world.following, most=4)

    async def follow(*batch_ids: int) -> Window:
        for batch_id in batch_ids:
            await world.follow(Key("east", batch_id))
        await order.take([Key("east", batch_id) for batch_id in batch_ids])
        return await order.window()

    await order.load()
    first, second = Key("east", 1), Key("east", 10)
    assert await follow(1, 2) == Window(keys=[first], total=1, attention=0, more=False)
    assert await follow(10, 11, 12) == Window(keys=[first, second], total=4, attention=0, more=True)
    assert await follow(13) == Window(keys=[first, second], total=4, attention=0, more=True)
    read = world.store.done["find"]
    await order.renew()
    assert world.store.done["find"] == read  # there is no room
    for batch_id in (11, 12):
        await world.stop(Key("east", batch_id))
    await order.take([Key("east", 11), Key("east", 12)])
    assert await order.window() == Window(keys=[first, second], total=2, attention=0, more=True)
    world.store.failing = {"find"}
    with pytest.raises(StoreError):
        await order.renew()
    world.store.failing.clear()
    assert await order.window() == Window(keys=[first, second], total=2, attention=0, more=True)
    await order.renew()  # those that there was no room for come up
    assert await order.window() == Window(keys=[first, second], total=3, attention=0, more=True)
    await follow(14, 15)
    await order.load()
    assert await order.window() == Window(keys=[first, second], total=4, attention=0, more=True)


async def test_of_just_so_many_as_can_be_put_in_order_there_are_no_more() -> None:
    world = OrderedWorld(Sight(order="attention", q="1"))
    order = Narrow(world.sight, store=world.store, following=world.following, most=2)
    for batch_id in (1, 10):
        await world.follow(Key("east", batch_id))
    await order.load()
    assert await order.window() == Window(keys=[Key("east", 1), Key("east", 10)], total=2, attention=0, more=False)


async def test_only_what_a_search_needs_is_remembered_here() -> None:
    world = OrderedWorld(Sight(order="attention"))
    store, following = world.store, world.following
    wide = (Sight(), Sight(accounts=("east",)), Sight(status="NEW", state=State.OPEN, final=False))
    narrow = (Sight(q="x"), Sight(labels=frozenset({("a", "b")})), Sight(broadcast_id=1), Sight(stuck=False))
    for sights, expected in ((wide, Wide), (narrow, Narrow)):
        assert [type(order_of(each, store=store, following=following)) for each in sights] == [expected] * len(sights)


async def test_all_watches_of_accounts_that_are_polled_no_more_are_shown() -> None:
    world = OrderedWorld(Sight(order="attention", offset=PORTION - 1, limit=3), ("east",))
    count = PORTION + 2
    world.store.put(*(Watch(account="west", batch_id=each, opened=NOON) for each in range(1, count)))
    await world.follow(Key("east", 9))
    await world.look_on()
    assert world.document["order"] == [f"west/{each}" for each in range(PORTION - 1, PORTION + 2)]
    await world.stop(Key("west", 1))
    world.take(await world.view.update(0))
    await world.check()
    assert world.document["total"] == count - 1


async def test_a_search_that_finds_many_is_read_to_its_end_and_forgets_what_does_not_match_any_more() -> None:
    world = OrderedWorld(Sight(order="attention", labels=frozenset({("team", "a")}), offset=PORTION, limit=9))
    made = Watch(account="east", batch_id=1, opened=NOON, labels={"team": "a"})
    world.store.put(*(replace(made, batch_id=each) for each in range(1, PORTION + 3)))
    await world.look_on()
    assert world.document["order"] == [f"east/{each}" for each in (PORTION + 1, PORTION + 2)]
    await world.relabel(Key("east", 5), {"team": "b"})
    await world.go_on()
    await world.check()
    assert world.document["order"] == [f"east/{PORTION + 2}"]


async def test_an_order_with_more_rows_than_get_a_turn_at_once_is_shown() -> None:
    world = OrderedWorld(Sight(order="attention"))
    for batch_id in range(1, 2 * TURN):
        await world.follow(Key("east", batch_id))
    await world.look_on()
    await world.check()


async def test_what_another_replica_polls_is_in_the_order_that_it_says() -> None:
    world = OrderedWorld(Sight(order="attention"))
    for batch_id in (1, 2, 3):
        await world.follow(Key("east", batch_id))
    await world.follow(Key("west", 7))
    await world.expect(Key("west", 7), 5)
    soon = NOON.timestamp()
    world.following.away = {"east": Soonest(total=3, first=((soon, 3), (soon + 600, 1), (inf, 2)))}
    await world.look_on()
    assert world.document["order"] == ["east/3", "west/7", "east/1", "east/2"]
    assert world.document["total"] == 4
    world.following.away = {"east": Soonest(total=3, first=((soon, 2), (inf, 1), (inf, 3)))}
    await world.go_on()
    assert world.document["order"] == ["east/2", "west/7", "east/1", "east/3"]
    await world.stop(Key("east", 2))
    world.take(await world.view.update(0))
    assert world.document["order"] == ["west/7", "east/1", "east/3"]


async def test_of_a_search_what_another_replica_polls_is_in_the_order_that_is_expected_here() -> None:
    world = OrderedWorld(Sight(order="attention", labels=frozenset({("team", "a")})))
    for batch_id in (1, 2, 3):
        await world.follow(Key("east", batch_id), {"team": "a"})
    world.following.away = {"east": Soonest(total=3)}
    await world.expect(Key("east", 3), 5)
    await world.look_on()
    assert world.document["order"] == ["east/3", "east/1", "east/2"]
    assert set(world.following.acquainted) == {Key("east", batch_id) for batch_id in (1, 2, 3)}
    await world.expect(Key("east", 2), 1)
    await world.relabel(Key("east", 3), {"team": "b"})
    world.take(await world.view.update(0))
    assert world.document["order"] == ["east/2", "east/1"]
