"""A view is at every moment what a list of the same watches would be, and what it tells of its changes leads from one to the
other: over any history."""

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

import jsonpatch
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fake_store import FakeStore
from tests.fakes import FakeClock
from tests.web.house import FakeFollowing
from watcher.core.model import Batch, Key, LastLook, Missing, Seen, State
from watcher.core.transitions import Rules, learn
from watcher.core.viewing import Sight, belongs, counted
from watcher.ports import Change, Soonest, StoreError, Wish
from watcher.web import views
from watcher.web.ordered_view import view_of
from watcher.web.patches import written
from watcher.web.shown import account_shown
from watcher.web.views import name_of
from watcher.web.watch_shown import watch_shown

ACCOUNTS = ("east", "west")


class World:
    """A store, a following, a view of it, and the document of somebody who looks at it from the first moment."""

    def __init__(self, sight: Sight, accounts: Sequence[str] = ACCOUNTS) -> None:
        self.clock = FakeClock()
        self.store = FakeStore(self.clock)
        self.following = FakeFollowing(self.store, self.clock, accounts)
        self.sight = sight
        self.accounts = accounts
        concerned = [name for name in accounts if sight.concerns(name)]
        self.view = view_of(sight, concerned, store=self.store, following=self.following)
        self.document: Any = None
        self.told: list[Any] = []

    def mark(self, key: Key) -> None:
        """As the stream does with what it hears."""
        if self.sight.concerns(key.account):
            self.view.dirty.add(key)
            self.view.uncounted.add(key.account)

    async def look_on(self) -> None:
        """Somebody comes."""
        if not self.view.loaded:
            await self.view.load((await self.store.log_span()).last)
        self.document = json.loads(b"".join(self.view.snapshot()))

    async def go_on(self) -> None:
        """What changed is told, and what nobody tells of is looked for, until there is nothing any more."""
        span = await self.store.log_span()
        while True:
            told = [*await self.view.refresh(), *await self.view.update(span.last)]
            if not told:
                return
            self.take(told)

    def take(self, told: Sequence[Any]) -> None:
        self.told += json.loads(written(told))
        if self.document is not None:
            self.document = jsonpatch.apply_patch(self.document, json.loads(written(told)))

    async def follow(self, key: Key, labels: dict[str, str] | None = None) -> None:
        await self.following.follow([Wish(key=key, labels=labels)])
        self.mark(key)

    async def stop(self, key: Key) -> None:
        if await self.following.stop(key):
            self.following.last.pop(key, None)
            self.mark(key)

    async def relabel(self, key: Key, labels: dict[str, str | None]) -> None:
        if await self.following.relabel(key, labels) is not None:
            self.mark(key)

    async def see(self, key: Key, status: str | None, broadcast_id: int | None = None) -> None:
        """A look at an open watch: with a status, or that it is gone (None)."""
        watch = await self.store.watch(key)
        if watch is None or watch.state is not State.OPEN:
            return
        asked = self.clock.turn(seconds=2)
        look: Seen | Missing = Missing(asked=asked, answered=asked, gone=True)
        if status is not None:
            batch = Batch(id=key.batch_id, status=status, broadcast_id=broadcast_id)
            look = Seen(asked=asked, answered=asked, batch=batch)
        learnt = learn(watch, look, Rules())
        await self.store.commit(Change(watch=learnt.watch, version=watch.version, events=learnt.events))
        self.following.known[key] = learnt.watch
        if learnt.events or learnt.watch.state is not watch.state:
            self.mark(key)
        if learnt.watch.state is not State.OPEN:
            self.following.last.pop(key, None)

    async def look(self, key: Key) -> None:
        """A look that shows nothing new, which nobody tells of, and the store does not know yet."""
        watch = await self.store.watch(key)
        if watch is None or watch.state is not State.OPEN or watch.asked is None:
            return
        asked = self.clock.turn(seconds=1)
        last = self.following.last.get(key)
        looks = max(watch.looks, 0 if last is None else last.looks) + 1
        self.following.last[key] = LastLook(
            batch_id=key.batch_id, asked=asked, answered=asked, looks=looks, size=looks, remaining=None
        )
        self.following.next[key] = asked

    async def expected(self) -> Any:
        """The document as lists would make it now."""
        keys = [key for key, watch in sorted(self.store.watches.items()) if belongs(watch, self.sight)]
        return await self.shown(keys[: self.sight.limit]) | {"more": len(keys) > self.sight.limit}

    async def shown(self, keys: Sequence[Key]) -> dict[str, Any]:
        """The document with these watches."""
        names = [name for name in self.accounts if self.sight.concerns(name)]
        return {
            "watches": {
                name_of(key): watch_shown(self.store.watches[key], self.following).model_dump(mode="json")
                for key in keys
            },
            "accounts": {
                name: account_shown(await self.following.view(name)).model_dump(mode="json") for name in names
            },
            "counts": {name: counted(self.tally(name)) for name in names},
            "endpoints": {},
        }

    def tally(self, account: str) -> dict[tuple[str, str | None], int]:
        tally: dict[tuple[str, str | None], int] = {}
        for watch in self.store.watches.values():
            if watch.account == account:
                tally[watch.state, watch.status] = tally.get((watch.state, watch.status), 0) + 1
        return tally

    async def check(self) -> None:
        shown = dict(self.document)
        assert shown.pop("position") == self.view.position
        assert shown == await self.expected()


KEYS = st.builds(Key, st.sampled_from(ACCOUNTS), st.integers(1, 6))
LABELS = st.dictionaries(st.sampled_from(["team", "city"]), st.sampled_from(["a", "b"]), max_size=2)
STEPS = st.one_of(
    st.tuples(st.just("follow"), KEYS, st.none() | LABELS),
    st.tuples(st.just("stop"), KEYS),
    st.tuples(
        st.just("relabel"), KEYS, st.dictionaries(st.sampled_from(["team", "city"]), st.sampled_from(["a", None]))
    ),
    st.tuples(st.just("see"), KEYS, st.sampled_from(["NEW", "VALIDATING", "ACTIVE", "ERRORS", "ODD", None])),
    st.tuples(st.just("see"), KEYS, st.just("NEW"), st.sampled_from([14, 15])),
    st.tuples(st.just("look"), KEYS),
    st.tuples(st.just("go_on")),
    st.tuples(st.just("look_on")),
)
SIGHTS = st.builds(
    Sight,
    accounts=st.sampled_from([None, ("east",), ("east", "west")]),
    status=st.sampled_from([None, None, "NEW", "ACTIVE"]),
    state=st.sampled_from([None, None, State.OPEN, State.MISSING]),
    final=st.sampled_from([None, None, True, False]),
    broadcast_id=st.sampled_from([None, None, None, 14]),
    labels=st.sampled_from([frozenset(), frozenset(), frozenset({("team", "a")})]),
    q=st.sampled_from([None, None, None, "a", "1"]),
    limit=st.sampled_from([1, 2, 3, 100]),
)


async def lived(make: Callable[[], World], history: list[tuple[Any, ...]]) -> None:
    """A world goes through the history; at its end somebody looks at it, and sees what a list shows."""
    world = make()
    for name, *arguments in history:
        if name != "go_on" or world.view.loaded:
            await getattr(world, name)(*arguments)
    if world.document is None:
        await world.look_on()
    await world.go_on()
    await world.check()


@settings(deadline=None)
@given(SIGHTS, st.lists(STEPS, max_size=40))
def test_over_any_history_the_patches_lead_to_what_a_list_shows(sight: Sight, history: list[tuple[Any, ...]]) -> None:
    asyncio.run(lived(lambda: World(sight), history))


async def followed(world: World, *batch_ids: int) -> None:
    for batch_id in batch_ids:
        await world.follow(Key("east", batch_id))


async def test_a_change_costs_what_changed_and_no_more() -> None:
    world = World(Sight())
    await followed(world, 1, 2)
    await world.see(Key("east", 1), "NEW")
    await world.look_on()
    await world.see(Key("east", 1), "ACTIVE")
    await world.go_on()
    await world.check()
    fields = ("status", "since", "final", "state", "looks", "last_look/asked", "last_look/answered")
    expected = {"/position", "/counts/east/active", *(f"/watches/east~11/{name}" for name in fields)}
    assert {each["path"] for each in world.told} == expected


async def test_where_there_are_more_than_are_shown_the_next_one_takes_the_place_of_one_that_goes() -> None:
    world = World(Sight(limit=2))
    await followed(world, 1, 3, 5)
    await world.look_on()
    assert (list(world.document["watches"]), world.document["more"]) == (["east/1", "east/3"], True)
    await world.stop(Key("east", 1))
    await world.go_on()
    await world.check()
    assert (sorted(world.document["watches"]), world.document["more"]) == (["east/3", "east/5"], False)
    await world.follow(Key("east", 2))
    await world.go_on()
    await world.check()
    assert (sorted(world.document["watches"]), world.document["more"]) == (["east/2", "east/3"], True)


async def test_looks_are_shown_for_so_many_watches_at_once_and_then_for_the_others() -> None:
    world = World(Sight())
    many = range(1, views.LOOKS_MOST + 51)
    await followed(world, *many)
    for batch_id in many:
        await world.see(Key("east", batch_id), "VALIDATING")
    await world.look_on()
    for batch_id in many:
        await world.look(Key("east", batch_id))
    world.view.dirty.clear()
    shown: list[int] = []
    for _ in range(3):
        await world.view.refresh()
        shown.append(len(world.view.dirty))
        world.take(await world.view.update(0))
    assert shown == [views.LOOKS_MOST, 50, 0]
    await world.check()


async def test_what_the_store_could_not_say_is_asked_again() -> None:
    world = World(Sight(limit=2))
    await followed(world, 1, 2, 3)
    await world.look_on()
    await world.stop(Key("east", 1))
    world.store.failing.add("find")
    with pytest.raises(StoreError):
        await world.view.update(0)
    world.store.failing = {"tally"}
    with pytest.raises(StoreError):
        await world.view.refresh()
    world.store.failing.clear()
    await world.go_on()
    await world.check()
    assert sorted(world.document["watches"]) == ["east/2", "east/3"]


async def test_a_place_that_cannot_be_filled_now_is_filled_later() -> None:
    world = World(Sight(limit=1))
    await followed(world, 1, 2)
    await world.look_on()
    await world.stop(Key("east", 1))
    real, calls = world.store.find, 0

    async def once(query: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise StoreError("disk full")
        return await real(query)

    world.store.find = once  # type: ignore[method-assign]
    world.take(await world.view.update(0))
    assert world.document["watches"] == {}
    await world.go_on()
    await world.check()


async def test_a_view_whose_reading_was_broken_off_is_read_from_the_start() -> None:
    world = World(Sight())
    await followed(world, *range(1, 2 * views.TURN))
    reading = asyncio.ensure_future(world.view.load(0))
    while not world.view._keys:  # noqa: ASYNC110 -- turns of the loop are all that is waited for
        await asyncio.sleep(0)
    reading.cancel()
    await asyncio.wait([reading])
    await world.look_on()
    await world.check()
    await world.stop(Key("east", 1))
    await world.go_on()
    await world.check()


async def test_many_watches_are_written_in_pieces() -> None:
    world = World(Sight(limit=10_000))
    await followed(world, *range(1, 401))
    await world.look_on()
    assert len(list(world.view.snapshot())) > 2
    await world.check()
    assert len(world.document["watches"]) == 400


async def test_looks_of_another_replica_are_shown_when_the_store_has_them() -> None:
    world = World(Sight())
    for account in ("east", "west"):
        await world.follow(Key(account, 1))
        await world.see(Key(account, 1), "NEW")
    world.following.away = {"east": Soonest(total=1)}
    world.view.dirty.clear()
    await world.look_on()
    for account in ("east", "west"):
        at = world.clock.turn(seconds=9)
        look = LastLook(batch_id=1, asked=at, answered=at, looks=2, size=None, remaining=None)
        await world.store.save_looks(account, [look])
    await world.go_on()
    looks = {name: watch["looks"] for name, watch in world.document["watches"].items()}
    assert looks == {"east/1": 2, "west/1": 1}  # of our own it would have been told
    await world.see(Key("east", 1), "ACTIVE")
    await world.go_on()
    assert world.document["watches"]["east/1"]["state"] == "settled"
