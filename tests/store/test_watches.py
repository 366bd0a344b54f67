"""The port's promises about watches: following, stopping, last looks, lists, counts."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.fakes import NOON
from tests.store.making import KEY, follow, last_look
from watcher.core.model import Key, State, Watch
from watcher.core.opened import columns_of
from watcher.ports import UNSET, Change, Followed, Store, Wish

SOON = NOON + timedelta(minutes=5)
LATER = NOON + timedelta(hours=3)

FULL = Watch(
    account=KEY.account,
    batch_id=KEY.batch_id,
    opened=NOON,
    number=7,
    status="VALIDATING",
    since=NOON + timedelta(milliseconds=1),
    name="Prüfung №14 🎈",
    broadcast_id=2**63 - 1,
    created=NOON - timedelta(days=1),
    size=0,
    remaining=0,
    enabled=False,
    asked=NOON + timedelta(milliseconds=2),
    answered=NOON + timedelta(milliseconds=3),
    looks=12,
    missing_since=NOON + timedelta(milliseconds=4),
    missing_count=2,
    refused_count=3,
    aside_until=NOON + timedelta(milliseconds=5),
    stuck_told=1,
    stuck_last=NOON + timedelta(milliseconds=6),
    expires=NOON + timedelta(milliseconds=7),
    labels={"team": "Köln", "empty": ""},
    correlation_id="c-1",
)


async def put(store: Store, watch: Watch) -> Watch:
    """The watch as stored: made, then changed into what is given."""
    [made] = await follow(store, watch.key)
    assert await store.commit(Change(watch=watch, version=made.version)) is not None
    return replace(watch, version=made.version + 1)


async def test_a_new_wish_makes_an_open_watch(store: Store) -> None:
    wish = Wish(key=KEY, labels={"team": "a"}, correlation_id="c-1")
    made = Watch(account="default", batch_id=13, opened=NOON, labels={"team": "a"}, correlation_id="c-1")
    assert await store.follow([wish], NOON) == [Followed(what="created", watch=made)]
    assert await store.watch(KEY) == made


async def test_no_watch_is_none(store: Store) -> None:
    assert await store.watch(KEY) is None


async def test_every_field_of_a_watch_is_kept(store: Store) -> None:
    stored = await put(store, FULL)
    assert await store.watch(KEY) == stored


@pytest.mark.parametrize("enabled", [None, True, False])
async def test_whether_a_batch_is_enabled_may_be_unknown(store: Store, enabled: bool | None) -> None:
    stored = await put(store, replace(FULL, enabled=enabled))
    assert await store.watch(KEY) == stored


async def test_half_a_character_is_kept_as_a_question_mark(database: Store) -> None:
    labels = {"\udc00": "b\ud800"}
    await put(database, replace(FULL, name="a\ud800ü", status="OD\udfffD", correlation_id="\ud800", labels=labels))
    stored = await database.watch(KEY)
    assert stored is not None
    assert (stored.name, stored.status, stored.correlation_id) == ("a?ü", "OD?D", "?")
    assert stored.labels == {"?": "b?"}


async def test_answers_come_in_the_order_of_the_wishes(store: Store) -> None:
    await follow(store, Key("b", 2))
    keys = [Key("b", 3), Key("b", 2), Key("a", 9), Key("b", 1)]
    followed = await store.follow([Wish(key=key) for key in keys], NOON)
    assert [each.watch.key for each in followed] == keys
    assert [each.what for each in followed] == ["created", "known", "created", "created"]


async def test_a_batch_wished_for_twice_at_once_is_made_once(store: Store) -> None:
    first, second = await store.follow([Wish(key=KEY), Wish(key=KEY, labels={"team": "a"})], NOON)
    assert (first.what, second.what) == ("created", "known")
    assert await store.watch(KEY) == second.watch
    assert second.watch.labels == {"team": "a"}


async def test_an_open_watch_is_left_as_it_is(store: Store) -> None:
    stored = await put(store, FULL)
    assert await store.follow([Wish(key=KEY)], LATER) == [Followed(what="known", watch=stored)]
    assert await store.watch(KEY) == stored


async def test_labels_and_correlation_id_replace_earlier_ones(store: Store) -> None:
    stored = await put(store, FULL)
    [followed] = await store.follow([Wish(key=KEY, labels={"team": "b"}, correlation_id="c-2")], LATER)
    changed = replace(stored, labels={"team": "b"}, correlation_id="c-2", version=stored.version + 1)
    assert followed == Followed(what="known", watch=changed, told=True)
    assert await store.watch(KEY) == changed


async def test_labels_can_be_taken_away(store: Store) -> None:
    await put(store, FULL)
    [followed] = await store.follow([Wish(key=KEY, labels={})], LATER)
    assert followed.watch.labels == {}
    assert followed.watch.correlation_id == "c-1"


async def test_a_wish_may_say_in_which_broadcast_the_batch_is(store: Store) -> None:
    made, told = await store.follow([Wish(key=KEY, broadcast_id=9), Wish(key=Key("default", 14))], NOON)
    assert (made.watch.broadcast_id, told.watch.broadcast_id) == (9, None)
    [followed] = await store.follow([Wish(key=told.watch.key, broadcast_id=9)], LATER)
    changed = replace(told.watch, broadcast_id=9, version=told.watch.version + 1)
    assert followed == Followed(what="known", watch=changed, told=True)
    assert await store.watch(told.watch.key) == changed


@pytest.mark.parametrize("state", [State.OPEN, State.SETTLED])
async def test_in_which_broadcast_a_batch_was_seen_counts_more_than_what_is_said(store: Store, state: State) -> None:
    await put(store, replace(FULL, state=state, broadcast_id=14))
    await store.follow([Wish(key=KEY, broadcast_id=9, labels={})], LATER)
    stored = await store.watch(KEY)
    assert stored is not None
    assert (stored.broadcast_id, stored.state, stored.labels) == (14, State.OPEN, {})


async def test_a_watch_opened_again_is_told_in_which_broadcast_it_is(store: Store) -> None:
    await put(store, replace(FULL, state=State.EXPIRED, broadcast_id=None))
    [followed] = await store.follow([Wish(key=KEY, broadcast_id=9)], LATER)
    assert (followed.what, followed.watch.broadcast_id) == ("reopened", 9)
    assert await store.watch(KEY) == followed.watch


@pytest.mark.parametrize("state", list(State))
async def test_who_wishes_for_new_watches_only_changes_nothing_that_is_there(store: Store, state: State) -> None:
    stored = await put(store, replace(FULL, state=state))
    wishes = [Wish(key=key, labels={}, broadcast_id=9, only_new=True) for key in (KEY, Key("default", 14))]
    known, made = await store.follow(wishes, LATER)
    assert known == Followed(what="known", watch=stored)
    assert await store.watch(KEY) == stored
    assert (made.what, made.watch.broadcast_id) == ("created", 9)


async def test_who_read_the_old_labels_cannot_bring_them_back(store: Store) -> None:
    old = await put(store, FULL)
    await store.follow([Wish(key=KEY, labels={"team": "b"})], LATER)
    assert await store.commit(Change(watch=old, version=old.version)) is None


@pytest.mark.parametrize("state", [State.SETTLED, State.EXPIRED])
async def test_what_ended_is_opened_with_its_status(store: Store, state: State) -> None:
    ended = await put(store, replace(FULL, state=state, status="ACTIVE"))
    opened = replace(
        ended,
        state=State.OPEN,
        version=ended.version + 1,
        opened=LATER,
        missing_since=None,
        missing_count=0,
        refused_count=0,
        aside_until=None,
        stuck_told=0,
        stuck_last=None,
        expires=None,
    )
    assert await store.follow([Wish(key=KEY)], LATER) == [Followed(what="reopened", watch=opened)]
    assert await store.watch(KEY) == opened


@pytest.mark.parametrize("state", [State.STOPPED, State.MISSING])
async def test_what_was_stopped_or_missing_is_opened_without_its_status(store: Store, state: State) -> None:
    ended = await put(store, replace(FULL, state=state))
    [followed] = await store.follow([Wish(key=KEY, labels={"team": "b"})], LATER)
    opened = replace(
        ended,
        state=State.OPEN,
        version=ended.version + 1,
        opened=LATER,
        status=None,
        since=None,
        missing_since=None,
        missing_count=0,
        refused_count=0,
        aside_until=None,
        stuck_told=0,
        stuck_last=None,
        expires=None,
        labels={"team": "b"},
    )
    assert followed == Followed(what="reopened", watch=opened)
    assert await store.watch(KEY) == opened


# When it expires


async def test_a_wish_says_when_a_watch_expires_counted_from_now(store: Store) -> None:
    [made] = await store.follow([Wish(key=KEY, expires_in=timedelta(hours=1))], NOON)
    assert made.watch.expires == NOON + timedelta(hours=1)
    [told] = await store.follow([Wish(key=KEY, expires_in=timedelta(minutes=1))], SOON)
    changed = replace(made.watch, expires=SOON + timedelta(minutes=1), version=made.watch.version + 1)
    assert told == Followed(what="known", watch=changed, told=True)
    assert await store.watch(KEY) == changed


async def test_a_wish_that_says_nothing_of_it_leaves_when_an_open_watch_expires(store: Store) -> None:
    stored = await put(store, FULL)
    assert await store.follow([Wish(key=KEY)], LATER) == [Followed(what="known", watch=stored)]
    [followed] = await store.follow([Wish(key=KEY, labels={})], LATER)
    assert followed.watch.expires == FULL.expires


@pytest.mark.parametrize("expires_in", [None, timedelta(days=3)])
async def test_a_watch_opened_again_expires_when_it_is_said_then(store: Store, expires_in: timedelta | None) -> None:
    await put(store, replace(FULL, state=State.EXPIRED))
    [followed] = await store.follow([Wish(key=KEY, expires_in=expires_in)], LATER)
    assert (followed.what, followed.watch.opened) == ("reopened", LATER)
    assert followed.watch.expires == (None if expires_in is None else LATER + expires_in)
    assert await store.watch(KEY) == followed.watch


# Other labels


@pytest.mark.parametrize(
    ("patch", "labels"),
    [
        ({"team": "b"}, {"team": "b", "empty": ""}),
        ({"team": None}, {"empty": ""}),
        ({"team": None, "empty": None, "nothing": None}, {}),
        ({"city": "Köln"}, {"team": "Köln", "empty": "", "city": "Köln"}),
        (None, {}),
    ],
)
@pytest.mark.parametrize("state", [State.OPEN, State.SETTLED, State.MISSING, State.EXPIRED])
async def test_labels_are_changed_one_by_one(
    store: Store, patch: dict[str, str | None] | None, labels: dict[str, str], state: State
) -> None:
    stored = await put(store, replace(FULL, state=state))
    changed = replace(stored, labels=labels, version=stored.version + 1)
    assert await store.relabel(KEY, patch) == changed
    assert await store.watch(KEY) == changed


@pytest.mark.parametrize("correlation_id", ["c-2", None])
async def test_the_correlation_id_is_changed_where_it_is_said(store: Store, correlation_id: str | None) -> None:
    stored = await put(store, FULL)
    changed = replace(stored, correlation_id=correlation_id, version=stored.version + 1)
    assert await store.relabel(KEY, {}, correlation_id) == changed
    assert await store.watch(KEY) == changed


@pytest.mark.parametrize("patch", [{}, {"team": "Köln"}, {"nothing": None}])
async def test_labels_that_are_so_already_change_nothing(store: Store, patch: dict[str, str | None]) -> None:
    stored = await put(store, FULL)
    assert await store.relabel(KEY, patch, UNSET) == stored
    assert await store.relabel(KEY, patch, "c-1") == stored
    assert await store.watch(KEY) == stored


async def test_what_nobody_follows_has_no_labels_to_change(store: Store) -> None:
    assert await store.relabel(KEY, {"team": "b"}) is None
    stored = await put(store, replace(FULL, state=State.STOPPED))
    assert await store.relabel(KEY, {"team": "b"}, None) is None
    assert await store.watch(KEY) == stored


async def test_who_read_labels_before_they_were_changed_cannot_bring_them_back(store: Store) -> None:
    old = await put(store, FULL)
    await store.relabel(KEY, {"team": "b"})
    assert await store.commit(Change(watch=old, version=old.version)) is None


async def test_a_watch_is_stopped_once_and_kept(store: Store) -> None:
    stored = await put(store, FULL)
    assert await store.stop(KEY) is True
    assert await store.stop(KEY) is False
    assert await store.watch(KEY) == replace(stored, state=State.STOPPED, version=stored.version + 1)


async def test_where_there_is_no_watch_there_is_nothing_to_stop(store: Store) -> None:
    assert await store.stop(KEY) is False


async def test_who_read_a_watch_before_it_was_stopped_cannot_open_it(store: Store) -> None:
    stored = await put(store, FULL)
    await store.stop(KEY)
    assert await store.commit(Change(watch=stored, version=stored.version)) is None


async def test_open_watches_are_those_of_the_account_that_are_open(store: Store) -> None:
    watches = await follow(store, *(Key("a", batch_id) for batch_id in range(1, 2502)), Key("b", 7))
    await store.stop(Key("a", 3))
    settled = watches[4]
    await store.commit(Change(watch=replace(settled, state=State.SETTLED, status="ACTIVE"), version=settled.version))
    portions = [portion async for portion in store.open_watches("a")]
    assert len(portions) > 1
    expected = [watch for watch in watches if watch.account == "a" and watch.batch_id not in {3, 5}]
    assert [watch for portion in portions for watch in portion] == expected


async def test_an_account_without_watches_has_no_portions(store: Store) -> None:
    assert [portion async for portion in store.open_watches("a")] == []


async def test_ten_thousand_wishes_are_granted_together(store: Store) -> None:
    keys = [Key("a", batch_id) for batch_id in range(1, 10_001)]
    watches = await follow(store, *keys)
    assert [watch.key for watch in watches] == keys
    assert await store.tally("a") == {("open", None): 10_000}


async def test_the_tally_counts_by_state_and_status(store: Store) -> None:
    watches = await follow(store, *(Key("a", batch_id) for batch_id in range(1, 6)), Key("b", 1))
    ends = [(State.SETTLED, "ACTIVE"), (State.SETTLED, "ACTIVE"), (State.OPEN, "NEW")]
    for watch, (state, status) in zip(watches, ends, strict=False):
        await store.commit(Change(watch=replace(watch, state=state, status=status), version=watch.version))
    await store.stop(Key("a", 5))
    expected = {("settled", "ACTIVE"): 2, ("open", "NEW"): 1, ("open", None): 1, ("stopped", None): 1}
    assert await store.tally("a") == expected
    assert await store.tally("c") == {}


# Last looks


async def test_a_last_look_is_written_down_without_a_new_version(store: Store) -> None:
    [watch] = await follow(store, KEY)
    look = last_look(13, SOON, looks=3, size=20)
    await store.save_looks("default", [look])
    assert await store.watch(KEY) == replace(
        watch, asked=SOON, answered=SOON + timedelta(seconds=1), looks=3, size=20, remaining=20
    )


@pytest.mark.parametrize("earlier", [timedelta(0), timedelta(milliseconds=1), timedelta(days=1)])
async def test_a_look_that_is_not_newer_changes_nothing(store: Store, earlier: timedelta) -> None:
    await follow(store, KEY)
    await store.save_looks("default", [last_look(13, SOON, looks=3, size=20)])
    before = await store.watch(KEY)
    await store.save_looks("default", [last_look(13, SOON - earlier, looks=4, size=30)])
    assert await store.watch(KEY) == before


async def test_looks_at_other_batches_and_of_other_accounts_change_nothing(store: Store) -> None:
    [watch] = await follow(store, KEY)
    await store.save_looks("default", [last_look(14, SOON)])
    await store.save_looks("other", [last_look(13, SOON)])
    assert await store.watch(KEY) == watch
    assert await store.watch(Key("default", 14)) is None


async def test_many_looks_are_saved_together(store: Store) -> None:
    keys = [Key("a", batch_id) for batch_id in range(1, 10_001)]
    await follow(store, *keys)
    await store.save_looks("a", [last_look(key.batch_id, SOON, looks=key.batch_id) for key in keys])
    looks = [watch.looks async for portion in store.open_watches("a") for watch in portion]
    assert looks == [key.batch_id for key in keys]


# Columns


async def test_open_watches_are_given_as_columns_too(store: Store) -> None:
    full = await put(store, FULL)
    await follow(store, *(Key(KEY.account, batch_id) for batch_id in range(20, 24)), Key("b", 7))
    await store.stop(Key(KEY.account, 21))
    portions = [portion async for portion in store.opened(KEY.account)]
    watches = [watch async for portion in store.open_watches(KEY.account) for watch in portion]
    assert [watch.batch_id for watch in watches] == [full.batch_id, 20, 22, 23]
    expected = columns_of(watches)
    assert [status for portion in portions for status in portion.statuses] == expected.statuses
    assert [row for portion in portions for row in portion.table.tolist()] == expected.table.tolist()


async def test_an_account_without_watches_has_no_columns(store: Store) -> None:
    assert [portion async for portion in store.opened("a")] == []


async def test_columns_come_in_portions(store: Store) -> None:
    await follow(store, *(Key("a", batch_id) for batch_id in range(1, 10_001)))
    ids = [portion.column("batch_id").tolist() async for portion in store.opened("a")]
    assert len(ids) > 1
    assert [batch_id for portion in ids for batch_id in portion] == list(range(1, 10_001))
