"""The port's promises about lists of watches: what is asked, in which order, and page by page while things happen."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from tests.fakes import NOON
from tests.store.making import follow
from watcher.core.attention import Band, band_of, in_order, standing_of
from watcher.core.finding import is_found, needle_of
from watcher.core.model import Key, State, Watch
from watcher.ports import BandQuery, Change, Store, WatchQuery, Wish
from watcher.store.lists import NAMED_AT_ONCE

NIGHT, DAY = {"team": "night"}, {"team": "day", "city": "Köln"}


def at(minutes: int) -> datetime:
    return NOON + timedelta(minutes=minutes)


KINDS: list[tuple[State, str | None, datetime | None, dict[str, Any]]] = [
    (State.OPEN, None, None, {"labels": NIGHT, "broadcast_id": 7}),
    (State.OPEN, "NEW", at(5), {"labels": DAY, "stuck_told": 2}),
    (State.SETTLED, "ACTIVE", at(3), {"labels": DAY | {"empty": ""}, "broadcast_id": 7}),
    (State.STOPPED, "ACTIVE", at(3), {"labels": NIGHT, "broadcast_id": 7, "stuck_told": 1}),
    (State.OPEN, "ACTIVE", at(3), {"labels": NIGHT | {"city": "Köln"}, "broadcast_id": 8}),
    (State.MISSING, "NEW", at(1), {"labels": DAY, "stuck_told": 1, "broadcast_id": 7}),
    (State.EXPIRED, "ODD", at(9), {}),
    (State.STOPPED, None, None, {}),
    (State.SETTLED, "ERRORS", at(2), {"labels": NIGHT}),
    (State.OPEN, "VALIDATING", at(4), {"labels": NIGHT, "stuck_told": 1, "broadcast_id": 7}),
    (State.MISSING, None, None, {"broadcast_id": 7}),
]
SHELF = [
    Watch(account=account, batch_id=batch_id, opened=NOON, state=state, status=status, version=1, since=since, **more)
    for account in ("a", "b", "d")
    for batch_id, (state, status, since, more) in enumerate(KINDS, start=1)
]


def matches(watch: Watch, query: WatchQuery) -> bool:
    """Whether the query asks for the watch."""
    asked: Sequence[bool] = [
        watch.state is not State.STOPPED,
        query.accounts is None or watch.account in query.accounts,
        query.status is None or watch.status == query.status,
        query.final is None or watch.final is query.final,
        query.state is None or watch.state is query.state,
        query.stuck is None or (watch.state is State.OPEN and watch.stuck_told > 0) is query.stuck,
        query.broadcast_id is None or watch.broadcast_id == query.broadcast_id,
        query.since is None or (watch.since is not None and watch.since >= query.since),
        all(watch.labels.get(name) == value for name, value in query.labels.items()),
        query.among is None or watch.batch_id in query.among.get(watch.account, []),
        query.q is None or is_found(watch, needle_of(query.q)),
    ]
    return all(asked)


def chosen(query: WatchQuery) -> list[Watch]:
    """What the query must find on the shelf, beginning behind `after`."""
    matching = [watch for watch in SHELF if matches(watch, query)]
    if query.by_since:
        matching.sort(key=lambda watch: (watch.account, watch.since, watch.batch_id))
    behind = matching if query.after is None else [watch for watch in matching if watch.key > query.after]
    return behind[: query.limit]


async def shelve(store: Store) -> None:
    for watch in await follow(store, *(watch.key for watch in SHELF)):
        shelved = next(each for each in SHELF if each.key == watch.key)
        await store.commit(Change(watch=shelved, version=watch.version))


async def paged(store: Store, query: WatchQuery) -> list[Watch]:
    """All pages of the query, one after another."""
    found: list[Watch] = []
    while page := await store.find(query):
        assert len(page) <= query.limit
        found += page
        query = replace(query, after=page[-1].key, after_since=page[-1].since)
    return found


async def test_lists_are_complete_and_in_order(store: Store) -> None:
    await shelve(store)
    accounts = [None, (), ("b",), ("d", "a", "a"), ("c",)]
    places = [None, Key("a", 4), Key("b", 0), Key("b", 11), Key("c", 5), Key("d", 11)]
    statuses = [None, "NEW", "ACTIVE", "ODD", "SOURCE_ERROR"]
    for some, after, status, final, limit in product(accounts, places, statuses, [None, True, False], [1, 3, 100]):
        query = WatchQuery(accounts=some, status=status, final=final, after=after, limit=limit)
        assert await store.find(query) == chosen(query), query


LABELS: list[dict[str, str]] = [{}, NIGHT, DAY, {"city": "Köln"}, {"empty": ""}, {"city": ""}, {"nothing": "x"}]
FILTERS: dict[str, list[Any]] = {
    "status": ["ACTIVE", "NEW", "ODD", "active"],
    "final": [True, False],
    "state": list(State),
    "stuck": [True, False],
    "labels": LABELS[1:],
    "broadcast_id": [7, 8, 9],
    "since": [at(0), at(3), at(3) + timedelta(milliseconds=1), at(10)],
    "among": [{"a": [1, 2, 3, 5, 6], "b": [4, 10, 12]}, {}, {"d": []}],
    "q": ["1", "7", "köln", "team:night", "nothing"],
}


@pytest.mark.parametrize("first", FILTERS)
async def test_any_two_filters_are_asked_together(store: Store, first: str) -> None:
    await shelve(store)
    for second, others in FILTERS.items():
        for one, other, limit in product(FILTERS[first], others, [2, 100]):
            query = WatchQuery(**{first: one} | {second: other}, limit=limit)
            assert await paged(store, query) == chosen(replace(query, limit=100)), query


async def test_many_filters_are_asked_together(store: Store) -> None:
    await shelve(store)
    for labels, broadcast_id, since, among in product(
        [{}, NIGHT], [None, 7], [None, at(3)], [None, {"a": [1, 3, 4, 5, 10], "d": [10]}]
    ):
        for state, stuck, final in product([None, State.OPEN], [None, True, False], [None, False]):
            query = WatchQuery(
                accounts=("a", "d"),
                labels=labels,
                broadcast_id=broadcast_id,
                since=since,
                among=among,
                state=state,
                stuck=stuck,
                final=final,
            )
            assert await store.find(query) == chosen(query), query


async def test_a_filter_goes_on_behind_any_watch_also_one_that_it_does_not_match(store: Store) -> None:
    await shelve(store)
    for query in (
        WatchQuery(labels=NIGHT),
        WatchQuery(broadcast_id=7),
        WatchQuery(stuck=True),
        WatchQuery(state=State.MISSING),
        WatchQuery(state=State.OPEN),
        WatchQuery(among={"a": [1, 2, 3], "b": [1, 5]}),
    ):
        for after in (Key("a", 3), Key("a", 99), Key("b", 4), Key("c", 1), Key("d", 99)):
            asked = replace(query, after=after)
            assert await store.find(asked) == chosen(asked), asked


async def test_more_batches_may_be_named_than_are_asked_for_at_once(store: Store) -> None:
    count = 2 * NAMED_AT_ONCE + 5
    keys = [Key("a", batch_id) for batch_id in range(1, count + 1)]
    await follow(store, *keys)
    named = {"a": [key.batch_id for key in keys]}
    last = count - 3
    await store.follow([Wish(key=Key("a", last), labels=NIGHT)], NOON)
    assert [each.batch_id for each in await store.find(WatchQuery(among=named, labels=NIGHT))] == [last]
    assert [each.batch_id for each in await store.find(WatchQuery(among=named, limit=1500))] == named["a"][:1500]
    behind = WatchQuery(among=named, after=Key("a", NAMED_AT_ONCE), limit=3)
    assert [each.batch_id for each in await store.find(behind)] == named["a"][NAMED_AT_ONCE : NAMED_AT_ONCE + 3]


# What a person searches for


async def search(store: Store, q: str, **more: Any) -> list[int]:
    return [watch.batch_id for watch in await store.find(WatchQuery(q=q, **more))]


async def test_a_watch_is_found_by_what_is_known_of_it_now(store: Store) -> None:
    wish = Wish(key=Key("a", 13), labels={"team": "Nörd"}, correlation_id="Order-77", broadcast_id=90)
    await store.follow([wish, Wish(key=Key("a", 14))], NOON)
    for q in ("13", "90", "NÖR", "team:nörd", "ORDER-77"):
        assert await search(store, q) == [13], q
    for q in ("3", "eam", "order", "team:nör", "autumn"):
        assert await search(store, q) == [], q
    watch = await kept(store, 13)
    change = replace(watch, name="ÄRGER, Autumn", broadcast_id=91)
    assert await store.commit(Change(watch=change, version=watch.version)) is not None
    assert [await search(store, q) for q in ("ärger", "UTUM", "91", "90", "nör")] == [[13], [13], [13], [], [13]]
    await store.relabel(Key("a", 13), {"team": "south"}, None)
    assert [await search(store, q) for q in ("south", "nör", "order-77", "1")] == [[13], [], [], [13, 14]]
    await store.relabel(Key("a", 13), {}, "Order-78")
    assert [await search(store, q) for q in ("south", "order-78")] == [[13], [13]]
    await store.stop(Key("a", 13))
    assert await search(store, "1") == [14]


async def test_what_is_searched_for_is_no_pattern(store: Store) -> None:
    await store.follow([Wish(key=Key("a", 1), labels={"done": "100%_*"}), Wish(key=Key("a", 2))], NOON)
    assert [await search(store, q) for q in ("0%_", "1%", "_", "*", "?", "\ud800")] == [[1], [], [1], [1], [], []]


# Bands


async def test_a_band_is_in_its_order_window_by_window(store: Store) -> None:
    await shelve(store)
    filters: list[dict[str, Any]] = [
        {},
        {"accounts": ("b", "d")},
        {"accounts": ()},
        {"status": "ACTIVE"},
        {"status": "ERRORS", "state": State.SETTLED},
        {"state": State.MISSING},
        {"state": State.OPEN},
        {"final": True},
        {"final": False},
    ]
    for band, asked in product((Band.NEEDS, Band.REST), filters):
        wanted = {
            watch.key: standing_of(watch)
            for watch in SHELF
            if band_of(watch) is band and matches(watch, WatchQuery(**asked))
        }
        expected = in_order(wanted, {})
        query = BandQuery(band=band, **asked)
        assert await store.in_band(query) == expected, query
        assert await store.count_of_band(query) == len(expected), query
        for offset, limit in product((0, 1, 3, 99), (0, 1, 2)):
            window = replace(query, offset=offset, limit=limit)
            assert await store.in_band(window) == expected[offset : offset + limit], window


async def test_a_watch_changes_its_band_with_what_becomes_of_it(store: Store) -> None:
    async def bands() -> list[list[int]]:
        found = [await store.in_band(BandQuery(band=band)) for band in (Band.NEEDS, Band.REST)]
        return [[key.batch_id for key in keys] for keys in found]

    (watch,) = await follow(store, Key("a", 1))
    assert await bands() == [[], []]
    for changed, expected in (
        ({"status": "NEW", "stuck_told": 1}, [[1], []]),
        ({"status": "VALIDATING", "stuck_told": 0}, [[], []]),
        ({"status": "ACTIVE", "state": State.SETTLED}, [[], [1]]),
        ({"status": "ERRORS"}, [[1], []]),
    ):
        watch = replace(await kept(store, 1), **changed)
        assert await store.commit(Change(watch=watch, version=watch.version)) is not None
        assert await bands() == expected
    await store.stop(Key("a", 1))
    assert await bands() == [[], []]
    await follow(store, Key("a", 1))
    assert await bands() == [[], []]  # it is told anew


async def test_the_accounts_that_have_watches_are_known(store: Store) -> None:
    assert await store.watched_accounts() == []
    await follow(store, Key("d", 1), Key("a", 1), Key("a", 2))
    await store.stop(Key("d", 1))
    assert await store.watched_accounts() == ["a", "d"]


# While things happen


async def test_what_is_made_while_somebody_pages_leaves_nothing_out_and_doubles_nothing(store: Store) -> None:
    await follow(store, *(Key("a", batch_id) for batch_id in (2, 4, 6, 8)))
    first = await store.find(WatchQuery(limit=2))
    await follow(store, Key("a", 1), Key("a", 5), Key("b", 1))
    rest = await store.find(WatchQuery(after=first[-1].key))
    assert [each.key for each in (*first, *rest)] == [*((Key("a", number)) for number in (2, 4, 5, 6, 8)), Key("b", 1)]


async def test_who_pages_by_since_sees_what_changes_meanwhile_at_the_end(store: Store) -> None:
    watches = await follow(store, *(Key("a", batch_id) for batch_id in (1, 2, 3)))
    for watch in watches:
        await seen(store, watch, "NEW", at(watch.batch_id))
    first = await store.find(WatchQuery(since=at(0), limit=2))
    changed = [await seen(store, await kept(store, batch_id), "VALIDATING", at(9)) for batch_id in (1, 3)]
    last = first[-1]
    rest = await store.find(WatchQuery(since=at(0), after=last.key, after_since=last.since))
    assert [each.batch_id for each in first] == [1, 2]
    assert rest == changed


async def seen(store: Store, watch: Watch, status: str, since: datetime) -> Watch:
    """The watch in that status since then."""
    change = Change(watch=replace(watch, status=status, since=since), version=watch.version)
    assert await store.commit(change) is not None
    return await kept(store, watch.batch_id)


async def kept(store: Store, batch_id: int) -> Watch:
    watch = await store.watch(Key("a", batch_id))
    assert watch is not None
    return watch


# Labels, as lists go by them


async def test_a_watch_is_listed_by_the_labels_that_it_has_now(store: Store) -> None:
    await store.follow([Wish(key=Key("a", 1), labels={"team": "night", "city": "Köln"})], NOON)
    await store.relabel(Key("a", 1), {"team": "day", "city": None, "floor": "2"})

    async def listed(**labels: str) -> list[int]:
        return [each.batch_id for each in await store.find(WatchQuery(labels=labels))]

    assert [await listed(team="night"), await listed(city="Köln")] == [[], []]
    assert [await listed(team="day"), await listed(floor="2"), await listed(team="day", floor="2")] == [[1], [1], [1]]
    await store.follow([Wish(key=Key("a", 1), labels={})], NOON)
    assert [await listed(team="day"), await listed(floor="2")] == [[], []]


async def test_an_odd_label_finds_what_has_it(store: Store) -> None:
    odd = {'a"b': "\\ö'\n", "$.x": "[1]", "1": "true", "": ""}
    await store.follow([Wish(key=Key("a", 1), labels=odd), Wish(key=Key("a", 2), labels={"1": "1"})], NOON)
    for name, value in odd.items():
        assert [each.batch_id for each in await store.find(WatchQuery(labels={name: value}))] == [1]
    assert [each.batch_id for each in await store.find(WatchQuery(labels=odd))] == [1]


async def test_half_a_character_in_a_label_finds_nothing_and_breaks_nothing(store: Store) -> None:
    await follow(store, Key("a", 1))
    assert await store.find(WatchQuery(labels={"team": "\ud800"})) == []
