"""Pages, as the poller asks for them and takes them in."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from tests.fake_store import FakeStore
from tests.fakes import FAILS, KNOWS_NOTHING, NOON, REFUSES, FakeClock, Reply, lists, shows
from tests.polling.world import UNKNOWN, World, after, validating
from watcher.core.account import Account, Condition
from watcher.core.answers import Kind
from watcher.core.model import ACTIVE, NEW, VALIDATING, Batch, Key, State
from watcher.core.news import Following, Looked
from watcher.core.wishes import BroadcastWish
from watcher.ports import BroadcastView, Followed, StoreError, Wish

BROADCAST = 14


def member(batch_id: int, status: str = VALIDATING, **fields: object) -> Batch:
    return replace(Batch(id=batch_id, status=status, broadcast_id=BROADCAST), **fields)  # type: ignore[arg-type]


def world_of(*batch_ids: int, **kept: object) -> World:
    """Watches of one broadcast, all seen at noon; and single looks that show nothing new."""
    world = World(*(validating(batch_id, broadcast_id=BROADCAST) for batch_id in batch_ids), **kept)  # type: ignore[arg-type]
    for batch_id in batch_ids:
        world.upstream.script(batch_id, shows(VALIDATING, broadcast_id=BROADCAST))
    return world


def results(world: World) -> list[tuple[str, str]]:
    return [(news.by, news.result) for news in world.ear.of(Looked) if isinstance(news, Looked)]


async def follow(world: World, **wish: object) -> None:
    await world.polling.follow_broadcast(
        BroadcastWish(account="default", broadcast_id=BROADCAST, **wish)  # type: ignore[arg-type]
    )


# One request for many


async def test_a_page_tells_of_all_its_watches_for_one_request() -> None:
    async with world_of(1, 2, 3) as world:
        world.upstream.script_listing("call", BROADCAST, lists(member(1, ACTIVE), member(2), member(3, ACTIVE)))
        await world.step_until(lambda: bool(world.upstream.paged))
        assert (world.upstream.tokens, world.upstream.batches) == (1, [])
        assert [world.stored(batch_id).state for batch_id in (1, 2, 3)] == [State.SETTLED, State.OPEN, State.SETTLED]
        assert sorted(world.told) == [("batch.active", 2), ("batch.active", 2)]
        assert sorted(results(world)) == [("page", "changed"), ("page", "changed"), ("page", "unchanged")]


async def test_a_window_seen_on_a_page_is_that_of_the_last_look_and_the_answer() -> None:
    async with world_of(1, 2) as world:
        world.upstream.script_listing("call", BROADCAST, lists(member(1, ACTIVE), member(2)))
        await world.step_until(lambda: bool(world.told))
        (event,) = world.store.log
        assert b'"after":"2026-11-23T12:00:00.000Z"' in event.body.replace(b" ", b"")


async def test_what_a_page_cannot_record_counts_as_not_seen() -> None:
    async with world_of(1, 2) as world:
        world.upstream.script_listing("call", BROADCAST, lists(member(1, ACTIVE), member(2, ACTIVE)))
        world.store.failing.add("commit")
        await world.step_until(lambda: bool(world.upstream.paged))
        assert [type(error) for error in world.errands.failed] == [StoreError]
        assert world.told == []
        world.store.failing.discard("commit")
        await world.step_until(lambda: len(world.told) == 2)


async def test_a_page_that_fails_in_an_unknown_way_is_not_asked_for_again_at_once() -> None:
    async with world_of(1, 2) as world:
        world.upstream.script_listing("call", BROADCAST, Reply(raises=RuntimeError("ours")))
        await world.step_for(20)
        asked = [at for at, _ in world.upstream.paged]
        assert [str(error) for error in world.errands.failed] == ["ours"] * len(asked)
        assert all(later - earlier >= timedelta(seconds=1) for earlier, later in pairwise(asked))


# Kinds


async def test_whether_it_is_a_call_or_a_text_broadcast_is_found_out_by_trying_and_kept() -> None:
    async with world_of(1, 2) as world:
        world.upstream.script_listing("text", BROADCAST, lists(member(1), member(2)))
        await world.step_until(lambda: len(world.upstream.paged) == 4)
        assert [ref.kind for ref in world.upstream.pages] == ["call", "text", "text", "text"]
        (kept,) = await world.store.broadcasts("default")
        assert (kept.kind, kept.followed) == ("text", False)
        assert world.poller.account.condition is Condition.OK
    again = World(clock=world.clock, store=world.store, upstream=world.upstream)
    async with again:
        before = len(again.upstream.paged)
        await again.step_until(lambda: len(again.upstream.paged) > before)
        assert again.upstream.pages[before].kind == "text"


async def test_a_kind_that_cannot_be_kept_is_found_out_again() -> None:
    async with world_of(1, 2) as world:
        world.upstream.script_listing("text", BROADCAST, lists(member(1), member(2)))
        world.store.failing.add("note_kind")
        await world.step_until(lambda: len(world.upstream.paged) == 3)
        assert world.errands.failed == []
        assert await world.store.broadcasts("default") == []


@pytest.mark.parametrize(
    "refusal",
    [KNOWS_NOTHING, Reply(kind=Kind.FORBIDDEN, outcome="403"), Reply(kind=Kind.GARBAGE, outcome="bad_body")],
)
async def test_where_there_is_no_listing_single_looks_go_on_and_it_is_tried_again_later(refusal: Reply) -> None:
    async with world_of(1, 2) as world:
        world.upstream.script_listing("call", BROADCAST, refusal)
        world.upstream.script_listing("text", BROADCAST, refusal)
        await world.step_for(14 * 60)
        assert [ref.kind for ref in world.upstream.pages] == ["call", "text"]
        assert {1, 2} == set(world.upstream.batches)
        assert world.poller.account.condition is Condition.OK
        world.upstream.script_listing("call", BROADCAST, lists(member(1), member(2, ACTIVE)))
        await world.step_until(lambda: bool(world.told), most=10_000)
        assert len(world.upstream.paged) == 3


async def test_a_listing_that_fails_rests_for_a_while() -> None:
    async with world_of(1, 2) as world:
        world.upstream.script_listing("call", BROADCAST, FAILS)
        await world.step_for(60)
        assert len(world.upstream.paged) <= 4
        assert set(world.upstream.batches) == {1, 2}
        assert ("page", "unanswered") in results(world)


async def test_a_page_that_made_no_sense_once_is_asked_for_again_soon_where_pages_made_sense_before() -> None:
    garbage = Reply(kind=Kind.GARBAGE, outcome="bad_body")
    for bad in (1, 2):
        async with World() as world:
            listed = lists(member(7, ACTIVE), member(8, ACTIVE))
            world.upstream.script_listing("call", BROADCAST, lists(member(7, ACTIVE)), *[garbage] * bad, listed)
            await follow(world)
            await world.step_until(lambda: len(world.upstream.paged) == 1 + bad, most=1000)  # noqa: B023
            failed = world.clock.now()
            await world.step_until(lambda: len(world.told) == 2, most=1000)
            assert world.clock.now() - failed < timedelta(seconds=150)


# The account


async def test_a_throttled_page_keeps_its_place() -> None:
    async with world_of(1, 2) as world:
        world.upstream.script_listing(
            "call",
            BROADCAST,
            Reply(kind=Kind.THROTTLED, outcome="429", retry_after=timedelta(seconds=10)),
            lists(member(1), member(2)),
        )
        await world.step_until(lambda: len(world.upstream.paged) == 2)
        first, second = (at for at, _ in world.upstream.paged)
        assert timedelta(seconds=10) <= second - first <= timedelta(seconds=12)
        assert world.upstream.batches == [1]  # after trouble a single look is tried before anything else
        assert results(world)[0] == ("page", "untouched")


@pytest.mark.parametrize("retry_after", [timedelta(seconds=1), None])
async def test_where_pages_alone_are_throttled_single_looks_go_on_at_nearly_their_rate(
    retry_after: timedelta | None,
) -> None:
    async with world_of(*range(1, 41)) as world:
        throttled = Reply(kind=Kind.THROTTLED, outcome="429", retry_after=retry_after)
        world.upstream.script_listing("call", BROADCAST, throttled)
        await world.step_for(600)
        assert len(world.upstream.paged) <= 8
        assert len(world.upstream.asked) > 1000
        world.upstream.script_listing("call", BROADCAST, lists(*(member(batch_id) for batch_id in range(1, 41))))
        await world.step_for(1200)
        pages = len(world.upstream.paged)
        assert pages > 20
        world.upstream.script_listing("call", BROADCAST, throttled)
        await world.step_until(lambda: len(world.upstream.paged) == pages + 4, most=5000)
        three, four = (at for at, _ in world.upstream.paged[-2:])
        assert four - three >= timedelta(seconds=60)


async def test_a_storm_in_which_nothing_is_answered_does_not_tell_against_pages() -> None:
    throttled = Reply(kind=Kind.THROTTLED, outcome="429", retry_after=timedelta(seconds=1))
    async with world_of(1, 2) as world:
        for batch_id in (1, 2):
            world.upstream.script(batch_id, throttled)
        world.upstream.script_listing("call", BROADCAST, *[throttled] * 9, lists(member(1), member(2)))
        await world.step_until(lambda: bool(world.ear.of(Looked)) and world.clock.now() > after(60), most=5000)
        assert world.poller.schedule.listings.all_off < NOON.timestamp()


async def test_a_refused_login_is_found_out_by_single_looks_three_of_them() -> None:
    async with world_of(1, 2, account=UNKNOWN) as world:
        world.upstream.script(1, REFUSES)
        world.upstream.script(2, REFUSES)
        world.upstream.script_listing("call", BROADCAST, REFUSES)
        await world.step_for(300)
        assert (len(world.upstream.asked), world.upstream.paged) == (3, [])
        assert world.poller.account.condition is Condition.REFUSED


async def test_a_refused_login_is_found_out_by_pages_where_there_is_no_watch() -> None:
    async with World(account=UNKNOWN) as world:
        world.upstream.script_listing("call", BROADCAST, REFUSES)
        await follow(world, kind="call")
        await world.step_for(600)
        assert len(world.upstream.paged) == 3
        assert world.told == [("account.refused", 1)]
        world.upstream.script_listing("call", BROADCAST, lists(member(7, ACTIVE)))
        await world.step_for(600)
        assert world.told[1:] == [("account.recovered", 2), ("batch.active", 1)]


REFUSED = Account(
    name="default", credentials="mine", condition=Condition.REFUSED, until=after(900), since=NOON, refusals=1, number=1
)


@pytest.mark.parametrize("kind", [Kind.FORBIDDEN, Kind.GARBAGE])
async def test_a_refused_account_is_probed_by_one_page_where_there_is_nothing_else_to_ask_for(kind: Kind) -> None:
    async with World(account=REFUSED) as world:
        for broadcast_id in range(1, 11):
            world.upstream.script_listing("call", broadcast_id, Reply(kind=kind, outcome="403"))
            await world.polling.follow_broadcast(
                BroadcastWish(account="default", broadcast_id=broadcast_id, kind="call")
            )
        await world.step_for(1700)
        assert len(world.upstream.paged) == 1
        assert world.poller.view().condition is Condition.REFUSED
        for broadcast_id in range(1, 11):
            world.upstream.script_listing("call", broadcast_id, lists(member(broadcast_id, ACTIVE)))
        await world.step_for(4 * 3600)
        assert world.poller.account.condition is Condition.OK
        assert len([name for name, _ in world.told if name == "batch.active"]) == 10


async def test_a_refused_account_whose_probe_finds_no_broadcast_there_is_refused_no_more() -> None:
    async with World(account=REFUSED) as world:
        await follow(world, kind="call")
        await world.step_for(1000)
        assert world.poller.account.condition is Condition.OK
        assert world.told == [("account.recovered", 2)]


async def test_after_trouble_a_single_look_is_tried_before_the_page_of_a_followed_broadcast() -> None:
    async with World(validating(1), account=replace(REFUSED, condition=Condition.DOWN)) as world:
        world.upstream.script(1, shows(VALIDATING))
        world.upstream.script_listing("call", BROADCAST, FAILS)
        await follow(world, kind="call")
        await world.step_until(lambda: bool(world.upstream.paged or world.upstream.asked))
        assert world.upstream.batches == [1]


async def test_a_followed_broadcast_is_listed_again_a_quarter_of_an_hour_after_a_long_outage_at_the_latest() -> None:
    async with World() as world:
        world.upstream.script_listing("call", BROADCAST, FAILS)
        await follow(world, kind="call")
        await world.step_for(3 * 3600)
        world.upstream.script_listing("call", BROADCAST, lists(member(7, ACTIVE)))
        over = world.clock.now()
        await world.step_until(lambda: bool(world.told), most=20_000)
        assert world.clock.now() - over <= timedelta(minutes=16)


# Following a whole broadcast


async def test_a_followed_broadcast_finds_its_batches_also_later_ones() -> None:
    async with World() as world:
        world.upstream.script_listing("call", BROADCAST, lists(member(7, NEW), member(8, ACTIVE)))
        await follow(world, labels={"team": "a"}, correlation_id="c-1")
        await world.step_until(lambda: len(world.told) == 2)
        assert sorted(world.told) == [("batch.active", 1), ("batch.new", 1)]
        assert world.stored(7).labels == {"team": "a"}
        assert world.stored(8).correlation_id == "c-1"
        world.upstream.script_listing("call", BROADCAST, lists(member(7, NEW), member(8, ACTIVE), member(9, NEW)))
        await world.step_until(lambda: len(world.told) == 3, most=1000)
        assert world.told[-1] == ("batch.new", 1)
        assert len(world.upstream.asked) == 0
        found = [news.batch_id for news in world.ear.of(Following) if isinstance(news, Following)]
        assert found == [7, 8, 9]


async def test_following_it_again_asks_nothing_and_replaces_the_labels() -> None:
    async with World() as world:
        listed = [member(batch_id, ACTIVE) for batch_id in range(1, 251)]
        world.upstream.script_listing("call", BROADCAST, lists(*listed))
        await follow(world, labels={"team": "a"})
        await world.step_until(lambda: len(world.told) == 250, most=1000)
        await follow(world, labels={"team": "b"})
        await follow(world, kind="call")
        await world.step_for(5)
        assert len(world.upstream.paged) <= 4
        world.upstream.script_listing("call", BROADCAST, lists(*listed, member(251, NEW)))
        await world.step_until(lambda: len(world.told) == 251, most=1000)
        assert world.stored(251).labels == {"team": "b"}


async def test_a_kind_that_a_person_names_is_believed_until_callfire_shows_another() -> None:
    async with World() as world:
        world.upstream.script_listing("text", BROADCAST, lists(member(7)))
        await follow(world, kind="text")
        await world.step_until(lambda: bool(world.told))
        await follow(world, kind="call")
        world.upstream.script_listing("text", BROADCAST, lists(member(7), member(8, ACTIVE)))
        await world.step_until(lambda: len(world.told) == 2)
        assert [ref.kind for ref in world.upstream.pages] == ["text", "call", "text"]
        view = (await world.polling.broadcasts("default", [BROADCAST])).get(BROADCAST)
        assert view is not None
        assert (view.broadcast.kind, view.note) == ("text", "")


async def test_a_wrong_kind_that_is_named_again_and_again_is_tried_once() -> None:
    async with World() as world:
        world.upstream.script_listing("text", BROADCAST, lists(member(7)))
        for _ in range(30):
            await follow(world, kind="call")
            await world.step_for(1)
        kinds = [ref.kind for ref in world.upstream.pages]
        assert (kinds[:2], kinds.count("call")) == (["call", "text"], 1)
        await world.polling.stop_broadcast("default", BROADCAST)
        await follow(world, kind="call")
        await world.step_for(5)
        assert [ref.kind for ref in world.upstream.pages].count("call") == 2


async def test_a_quiet_followed_broadcast_costs_little() -> None:
    async with World() as world:
        world.upstream.script_listing("call", BROADCAST, lists(member(8, ACTIVE)))
        await follow(world)
        await world.step_for(3600)
        assert 12 <= len(world.upstream.paged) <= 360


async def test_batches_that_were_stopped_or_have_settled_stay_so() -> None:
    async with World() as world:
        listed = lists(member(7), member(8, ACTIVE))
        world.upstream.script_listing("call", BROADCAST, listed)
        await follow(world)
        await world.step_until(lambda: len(world.told) == 2)
        await world.polling.stop(Key("default", 7))
        await world.step_for(120)
        assert (world.stored(7).state, world.stored(8).state) == (State.STOPPED, State.SETTLED)
    async with World(clock=world.clock, store=world.store, upstream=world.upstream) as again:
        before = len(again.upstream.paged)
        await again.step_until(lambda: len(again.upstream.paged) > before + 1, most=1000)
        assert (again.stored(7).state, again.stored(8).state) == (State.STOPPED, State.SETTLED)
        assert len(again.told) == 2


async def test_batches_that_could_not_be_followed_are_found_again() -> None:
    async with World() as world:
        world.upstream.script_listing("call", BROADCAST, lists(member(7)))
        await follow(world)
        world.store.failing.add("follow")
        await world.step_until(lambda: bool(world.upstream.paged))
        assert [type(error) for error in world.errands.failed] == [StoreError]
        world.store.failing.discard("follow")
        await world.step_until(lambda: bool(world.told), most=1000)


async def test_a_batch_that_is_followed_but_was_lost_from_sight_is_polled_from_the_page_on_that_shows_it() -> None:
    async with World() as world:
        world.upstream.script_listing("call", BROADCAST, lists(member(7)), lists(member(7, ACTIVE)))
        world.store.put(
            validating(7, broadcast_id=BROADCAST)
        )  # as where a wish was kept and its answer was not awaited
        await follow(world)
        await world.step_until(lambda: bool(world.told), most=100)
        assert world.told == [("batch.active", 2)]
        assert world.ear.of(Following) == []


async def test_what_a_page_shows_of_known_batches_counts_where_the_new_ones_could_not_be_followed() -> None:
    async with world_of(1, 2) as world:
        await follow(world)
        world.upstream.script_listing("call", BROADCAST, lists(member(1, ACTIVE), member(2), member(3)))
        world.store.failing.add("follow")
        await world.step_until(lambda: bool(world.told))
        assert {type(error) for error in world.errands.failed} == {StoreError}
        assert world.told == [("batch.active", 2)]


async def test_a_page_that_is_cancelled_while_it_waits_for_the_store_records_nothing_more() -> None:
    async with world_of(1, 2) as world:
        gate = asyncio.Event()
        follow_as_ever = world.store.follow

        async def late(wishes: Sequence[Wish], now: datetime) -> list[Followed]:
            if any(wish.only_new for wish in wishes):
                await gate.wait()
            return await follow_as_ever(wishes, now)

        world.store.follow = late  # type: ignore[method-assign]
        world.upstream.script_listing("call", BROADCAST, lists(member(1, ACTIVE), member(2), member(3)))
        world.clock.turn(seconds=5)
        await follow(world)
        await world.step_until(lambda: bool(world.upstream.paged))
        assert world.told == []
        commits = world.store.done["commit"]
        # Leaving the world cancels what still waits for the store.
    assert world.store.done["commit"] == commits


async def test_a_large_broadcast_is_swept_from_end_to_end_also_where_nothing_is_counted() -> None:
    for counted in (True, False):
        async with World() as world:
            world.upstream.script_listing(
                "call", BROADCAST, lists(*(member(batch_id, ACTIVE) for batch_id in range(1, 251)), counted=counted)
            )
            await follow(world)
            await world.step_until(lambda: len(world.told) == 250, most=1000)
            assert sorted(ref.offset for ref in world.upstream.pages) == [0, 100, 200]


async def test_following_stops_finding_new_ones_and_keeps_those_that_are_followed() -> None:
    async with World() as world:
        world.upstream.script_listing("call", BROADCAST, lists(member(7)))
        world.upstream.script(7, shows(VALIDATING, broadcast_id=BROADCAST))
        await follow(world)
        await world.step_until(lambda: bool(world.told))
        await world.polling.stop_broadcast("default", BROADCAST)
        await world.polling.stop_broadcast("default", BROADCAST)
        await world.polling.stop_broadcast("default", 99)
        world.upstream.script_listing("call", BROADCAST, lists(member(7), member(8)))
        await world.step_for(600)
        assert Key("default", 8) not in world.store.watches
        assert world.stored(7).state is State.OPEN
        assert await world.poller.broadcast_views([99]) == {}


async def test_a_broadcast_is_shown_as_it_stands() -> None:
    async with World() as world:
        world.upstream.script_listing("text", BROADCAST, lists(member(7), member(8), member(9, ACTIVE)))
        await follow(world)
        view = (await world.polling.broadcasts("default", [BROADCAST])).get(BROADCAST)
        assert view is not None
        assert (view.batches, view.listed, view.note, view.broadcast.kind) == (0, None, "", None)
        await world.step_until(lambda: len(world.told) == 3)
        view = (await world.polling.broadcasts("default", [BROADCAST])).get(BROADCAST)
        assert view is not None
        assert (view.batches, view.note, view.broadcast.kind) == (2, "", "text")
        assert view.listed is not None
        assert view.listed > NOON


async def test_what_was_found_out_of_a_broadcast_that_nobody_follows_is_shown_as_the_store_has_it() -> None:
    async with world_of(1, 2) as world:
        await follow(world, labels={"team": "blue"})
        await world.polling.stop_broadcast("default", BROADCAST)
        world.upstream.script_listing("text", BROADCAST, lists(member(1), member(2)))
        await world.step_until(lambda: len(world.upstream.paged) == 3)
        (kept,) = await world.store.broadcasts("default")
        assert (kept.kind, kept.labels) == ("text", {"team": "blue"})
        views = await world.polling.broadcasts("default", [99, BROADCAST])
        assert views == {BROADCAST: BroadcastView(broadcast=kept, batches=2)}
        assert world.poller.paging._followed == {}


async def test_what_keeps_a_broadcast_from_being_listed_is_said() -> None:
    async with World() as world:
        await follow(world, kind="call")
        await world.step_for(60)
        view = (await world.polling.broadcasts("default", [BROADCAST])).get(BROADCAST)
        assert view is not None
        assert view.note == "CallFire answered 404"
        assert len(world.upstream.paged) <= 2


async def test_a_broadcast_that_is_followed_is_so_after_a_restart() -> None:
    clock = FakeClock()
    store = FakeStore(clock)
    await store.follow_broadcast(BroadcastWish(account="default", broadcast_id=BROADCAST, kind="call"), NOON)
    async with World(clock=clock, store=store) as world:
        world.upstream.script_listing("call", BROADCAST, lists(member(7)))
        await world.step_until(lambda: bool(world.told))
        assert world.upstream.pages[0].kind == "call"


async def test_a_batch_that_no_page_shows_is_asked_for_by_itself() -> None:
    async with world_of(1, 2, 3) as world:
        world.upstream.script_listing("call", BROADCAST, lists(member(1), member(2)))
        world.upstream.script(3, shows(ACTIVE))
        await world.step_until(lambda: bool(world.told))
        assert world.upstream.batches == [3]
        assert world.clock.now() < after(60)


async def test_who_registers_a_batch_may_say_which_broadcast_it_is_in() -> None:
    async with World() as world:
        world.upstream.script_listing("call", BROADCAST, lists(member(1), member(2), member(3)))
        await world.polling.follow(
            [Wish(key=Key("default", batch_id), broadcast_id=BROADCAST) for batch_id in (1, 2, 3)]
        )
        await world.step_until(lambda: len(world.told) == 3)
        assert (len(world.upstream.paged), world.upstream.batches) == (1, [])
