"""The port's promises about broadcasts: following and stopping, their kinds, and what an account has learnt."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOON, FakeClock
from watcher.core.broadcasts import Broadcast
from watcher.core.model import BroadcastKind
from watcher.core.wishes import BroadcastWish, FollowedBroadcast
from watcher.ports import Store
from watcher.store.wishes import grant_broadcast

LATER = NOON + timedelta(hours=3)
WISH = BroadcastWish(account="default", broadcast_id=9)
FULL = BroadcastWish(account="default", broadcast_id=9, kind="call", labels={"team": "Köln"}, correlation_id="c-1")
FOLLOWED = Broadcast(
    account="default",
    broadcast_id=9,
    kind="call",
    followed=True,
    opened=NOON,
    labels={"team": "Köln"},
    correlation_id="c-1",
)


async def test_a_wish_makes_a_broadcast_that_is_followed(store: Store) -> None:
    assert await store.follow_broadcast(FULL, NOON) == FollowedBroadcast(what="created", broadcast=FOLLOWED)
    assert await store.broadcasts("default") == [FOLLOWED]


async def test_of_a_broadcast_no_more_than_its_id_need_be_known(store: Store) -> None:
    bare = Broadcast(account="default", broadcast_id=9, followed=True, opened=NOON)
    assert (await store.follow_broadcast(WISH, NOON)).broadcast == bare
    assert await store.broadcasts("default") == [bare]


async def test_the_greatest_id_is_kept(store: Store) -> None:
    await store.follow_broadcast(replace(WISH, broadcast_id=2**63 - 1), NOON)
    assert [each.broadcast_id for each in await store.broadcasts("default")] == [2**63 - 1]


async def test_what_a_second_wish_does_not_say_stays(store: Store) -> None:
    await store.follow_broadcast(FULL, NOON)
    assert await store.follow_broadcast(WISH, LATER) == FollowedBroadcast(what="known", broadcast=FOLLOWED)
    assert await store.broadcasts("default") == [FOLLOWED]


async def test_a_correlation_id_may_be_forgotten(store: Store) -> None:
    await store.follow_broadcast(FULL, NOON)
    bare = replace(FOLLOWED, correlation_id=None)
    for _ in range(2):
        wish = replace(WISH, forgets_correlation=True)
        assert await store.follow_broadcast(wish, LATER) == FollowedBroadcast(what="known", broadcast=bare)
    assert await store.broadcasts("default") == [bare]


async def test_what_a_second_wish_says_replaces_what_was_there(store: Store) -> None:
    await store.follow_broadcast(FULL, NOON)
    wish = replace(WISH, kind="text", labels={}, correlation_id="c-2")
    told = replace(FOLLOWED, kind="text", labels={}, correlation_id="c-2")
    assert await store.follow_broadcast(wish, LATER) == FollowedBroadcast(what="known", broadcast=told)
    assert await store.broadcasts("default") == [told]


async def test_a_stopped_broadcast_is_kept_with_its_kind(store: Store) -> None:
    await store.follow_broadcast(FULL, NOON)
    assert await store.stop_broadcast("default", 9) is True
    assert await store.stop_broadcast("default", 9) is False
    assert await store.broadcasts("default") == [replace(FOLLOWED, followed=False)]


async def test_a_stopped_broadcast_is_followed_anew(store: Store) -> None:
    await store.follow_broadcast(FULL, NOON)
    await store.stop_broadcast("default", 9)
    again = replace(FOLLOWED, opened=LATER)
    assert await store.follow_broadcast(WISH, LATER) == FollowedBroadcast(what="created", broadcast=again)
    assert await store.broadcasts("default") == [again]


async def test_what_nobody_follows_cannot_be_stopped(store: Store) -> None:
    await store.note_kind("default", 9, "call")
    assert await store.stop_broadcast("default", 9) is False
    assert await store.stop_broadcast("default", 10) is False
    assert [each.broadcast_id for each in await store.broadcasts("default")] == [9]


async def test_broadcasts_are_those_of_the_account_in_order(store: Store) -> None:
    for account, broadcast_id in (("b", 3), ("a", 30), ("b", 4), ("a", 4), ("a", 5)):
        await store.follow_broadcast(BroadcastWish(account=account, broadcast_id=broadcast_id), NOON)
    await store.stop_broadcast("a", 4)
    assert [(each.broadcast_id, each.followed) for each in await store.broadcasts("a")] == [
        (4, False),
        (5, True),
        (30, True),
    ]
    assert await store.broadcasts("c") == []


# Kinds


async def test_a_kind_is_remembered_of_a_broadcast_that_nobody_follows(store: Store, clock: FakeClock) -> None:
    at = clock.turn(minutes=1)
    await store.note_kind("default", 9, "text")
    assert await store.broadcasts("default") == [Broadcast(account="default", broadcast_id=9, kind="text", opened=at)]


async def test_a_remembered_kind_stays_when_the_broadcast_is_followed(store: Store) -> None:
    await store.note_kind("default", 9, "text")
    followed = Broadcast(account="default", broadcast_id=9, kind="text", followed=True, opened=LATER)
    assert await store.follow_broadcast(WISH, LATER) == FollowedBroadcast(what="created", broadcast=followed)


@pytest.mark.parametrize("kind", ["call", "text", None])
async def test_what_is_found_out_changes_the_kind_and_nothing_else(store: Store, kind: BroadcastKind | None) -> None:
    await store.follow_broadcast(FULL, NOON)
    await store.note_kind("default", 9, kind)
    assert await store.broadcasts("default") == [replace(FOLLOWED, kind=kind)]


async def test_where_no_kind_is_known_there_is_none_to_forget(store: Store) -> None:
    await store.note_kind("default", 9, None)
    assert await store.broadcasts("default") == []


# What was learnt


async def test_what_was_learnt_comes_back_byte_for_byte(store: Store) -> None:
    assert await store.learnt("a") is None
    record = bytes(range(256)) * 64
    await store.save_learnt("a", record, NOON)
    await store.save_learnt("b", b"", NOON)
    assert (await store.learnt("a"), await store.learnt("b"), await store.learnt("c")) == (record, b"", None)


async def test_what_is_learnt_later_takes_its_place(store: Store) -> None:
    await store.save_learnt("a", b"first", NOON)
    await store.save_learnt("a", b"second", LATER)
    assert await store.learnt("a") == b"second"


# Wishes for one broadcast, one after another

WISHES = st.builds(
    BroadcastWish,
    account=st.just("default"),
    broadcast_id=st.just(9),
    kind=st.sampled_from([None, "call", "text"]),
    labels=st.none() | st.dictionaries(st.sampled_from("ab"), st.sampled_from("xy")),
    correlation_id=st.sampled_from([None, "c-1", "c-2"]),
)


@given(st.lists(WISHES, min_size=1))
def test_of_each_thing_what_was_said_last_counts(wishes: list[BroadcastWish]) -> None:
    broadcast = None
    for number, wish in enumerate(wishes):
        granted = grant_broadcast(broadcast, wish, NOON + timedelta(seconds=number))
        assert granted.what == ("known" if number else "created")
        broadcast = granted.broadcast
    assert broadcast is not None
    assert (broadcast.followed, broadcast.opened) == (True, NOON)
    assert broadcast.kind == next((wish.kind for wish in reversed(wishes) if wish.kind), None)
    assert broadcast.labels == next((wish.labels for wish in reversed(wishes) if wish.labels is not None), {})
    assert broadcast.correlation_id == next((w.correlation_id for w in reversed(wishes) if w.correlation_id), None)


async def test_some_broadcasts_are_read_alone(store: Store) -> None:
    for account, broadcast_id in (("default", 9), ("default", 2**63 - 1), ("default", 4), ("other", 9)):
        await store.follow_broadcast(replace(WISH, account=account, broadcast_id=broadcast_id), NOON)
    asked = await store.broadcasts("default", [2**63 - 1, 9, 8])
    assert [(each.account, each.broadcast_id) for each in asked] == [("default", 9), ("default", 2**63 - 1)]
    assert await store.broadcasts("default", []) == []
