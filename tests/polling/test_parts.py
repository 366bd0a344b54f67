"""An account in parts: each polls its broadcasts, batches move to the part of theirs, and the account is seen as one."""

import asyncio
from dataclasses import replace

import pytest

from tests.fakes import NOON, settle_down, shows
from tests.polling.divided import FIRST, IN_ONE, IN_TWO, ONE, SECOND, TWO, Divided, T, both_ways
from tests.polling.world import unseen, validating
from watcher.core.model import ACTIVE, VALIDATING, Key
from watcher.core.news import Changed, StreamRanked
from watcher.core.submissions import Submission
from watcher.ports import BroadcastWish, Wish

# Whose is what


@both_ways
async def test_each_part_loads_what_is_its_own(alone: bool) -> None:
    watches = [
        validating(1, broadcast_id=FIRST),
        validating(2, broadcast_id=SECOND),
        *map(validating, (50, 51, 52, 53)),
    ]
    async with Divided(*watches, alone=alone) as there:
        unknown = {batch_id for batch_id in (50, 51, 52, 53) if batch_id in IN_ONE}
        assert there.polled == (sorted({1} | unknown), sorted({2, 50, 51, 52, 53} - {1} - unknown))


@both_ways
async def test_what_is_followed_is_polled_by_the_part_of_its_broadcast_or_of_its_number(alone: bool) -> None:
    async with Divided(alone=alone) as there:
        here, away = IN_ONE[0], IN_TWO[0]
        wishes = [Wish(key=Key("default", batch_id)) for batch_id in (here, away)]
        wishes.append(Wish(key=Key("default", IN_ONE[1]), broadcast_id=SECOND))
        await there.two.polling.follow(wishes)
        await there.hear()
        assert there.polled == ([here], sorted([away, IN_ONE[1]]))
        await there.one.polling.stop(Key("default", away))
        await there.hear()
        assert there.polled == ([here], [IN_ONE[1]])


@both_ways
async def test_a_batch_whose_broadcast_is_told_when_it_is_followed_again_moves(alone: bool) -> None:
    batch_id = IN_ONE[0]
    async with Divided(validating(batch_id), alone=alone) as there:
        assert there.polled == ([batch_id], [])
        await there.one.polling.follow([Wish(key=Key("default", batch_id), broadcast_id=SECOND)])
        await there.hear()
        assert there.polled == ([], [batch_id])


@both_ways
async def test_a_batch_moves_when_a_look_shows_its_broadcast(alone: bool) -> None:
    batch_id = IN_ONE[0]
    async with Divided(unseen(batch_id), alone=alone) as there:
        there.one.upstreams[ONE].script(batch_id, shows(VALIDATING, broadcast_id=SECOND))
        there.two.upstreams[TWO].script(batch_id, shows(ACTIVE, broadcast_id=SECOND))
        await there.one.step(ONE)
        await there.hear()
        assert there.polled == ([], [batch_id])
        assert there.two.pollers[TWO].next_look(batch_id) is not None
        assert there.two.upstreams[TWO].asked == []  # it was just looked at
        there.clock.turn(minutes=6)
        await there.two.step(TWO)
        assert [event.type for event in there.store.log] == ["batch.validating", "batch.active"]
        assert there.polled == ([], [])


async def test_a_batch_that_ends_with_the_look_that_shows_its_broadcast_moves_nowhere() -> None:
    batch_id = IN_ONE[0]
    async with Divided(unseen(batch_id)) as there:
        there.one.upstreams[ONE].script(batch_id, shows(ACTIVE, broadcast_id=SECOND))
        await there.one.step(ONE)
        await there.hear()
        assert there.polled == ([], [])
        assert there.store.words() == []


async def test_what_another_part_has_by_now_is_dropped_by_the_look_that_finds_it_out() -> None:
    batch_id = IN_ONE[0]
    async with Divided(validating(batch_id)) as there:
        stored = there.store.watches[Key("default", batch_id)]
        there.store.put(replace(stored, broadcast_id=SECOND, version=9))
        there.one.upstreams[ONE].script(batch_id, shows(ACTIVE, broadcast_id=SECOND))
        there.clock.turn(minutes=6)
        await there.one.step(ONE)
        assert there.polled == ([], [])
        assert there.store.log == []


@both_ways
async def test_a_followed_broadcast_is_one_parts(alone: bool) -> None:
    async with Divided(alone=alone) as there:
        for broadcast_id in (FIRST, SECOND):
            await there.one.polling.follow_broadcast(BroadcastWish(account="default", broadcast_id=broadcast_id))
        await there.hear()
        followed = [part.paging._followed.keys() for part in (there.one.pollers[ONE], there.two.pollers[TWO])]
        assert followed == [{FIRST}, {SECOND}]
        for each in there.each:
            seen = await there.answered(each.polling.broadcasts("default", [SECOND, FIRST, 999]))
            assert {broadcast_id: (view.broadcast.followed, view.note) for broadcast_id, view in seen.items()} == {
                SECOND: (True, ""),
                FIRST: (True, ""),
            }
        assert await there.one.polling.stop_broadcast("default", SECOND)
        await there.hear()
        assert not there.two.pollers[TWO].paging._followed
        assert not (await there.two.polling.broadcasts("default", [SECOND]))[SECOND].broadcast.followed


async def test_a_page_does_not_take_what_another_part_polls_as_long_as_that_does() -> None:
    batch_id = IN_TWO[0]
    async with Divided(validating(batch_id)) as there:
        await there.one.polling.follow_broadcast(BroadcastWish(account="default", broadcast_id=FIRST, kind="call"))
        await there.one.pollers[ONE].paging._found(FIRST, [batch_id])
        assert there.polled == ([], [batch_id])


async def test_who_missed_words_catches_up_with_what_is_its_own() -> None:
    async with Divided() as there:
        there.store.put(unseen(1, broadcast_id=FIRST), unseen(2, broadcast_id=SECOND))
        await there.store.follow_broadcast(BroadcastWish(account="default", broadcast_id=FIRST), NOON)
        there.clock.turn(minutes=6)
        await there.hear()
        assert there.polled == ([1], [2])
        assert there.one.pollers[ONE].paging._followed.keys() == {FIRST}
        assert not there.two.pollers[TWO].paging._followed


# Submissions and switches


@both_ways
async def test_a_submission_is_its_broadcasts_parts_wherever_it_is_handed_in(alone: bool) -> None:
    async with Divided(alone=alone) as there:
        for number, broadcast_id in enumerate((FIRST, SECOND)):
            await there.one.desk.submit(submission(f"s{number}", broadcast_id))
        await there.hear()
        pollers = (there.one.pollers[ONE], there.two.pollers[TWO])
        assert [[case.submission.id for case in poller.submitter.cases] for poller in pollers] == [["s0"], ["s1"]]
        withdrawn = await there.answered(there.one.desk.withdraw("default", "s1"))
        assert withdrawn is not None
        assert withdrawn.over
        assert list(there.two.pollers[TWO].submitter.cases) == []


async def test_each_part_goes_on_with_its_own_submissions_after_a_start() -> None:
    there = Divided()
    for number, broadcast_id in enumerate((FIRST, SECOND)):
        await there.store.intend(submission(f"s{number}", broadcast_id))
    async with there:
        pollers = (there.one.pollers[ONE], there.two.pollers[TWO])
        assert [[case.submission.id for case in poller.submitter.cases] for poller in pollers] == [["s0"], ["s1"]]


async def test_a_batch_is_switched_by_the_part_that_polls_it() -> None:
    async with Divided(validating(1, broadcast_id=SECOND)) as there:
        asked = asyncio.ensure_future(there.one.desk.switch("default", 1, False, 60.0))
        await settle_down()
        await there.two.listener.hearing.read()
        await settle_down()
        assert [part.submitter.switches.wanted for part in (there.one.pollers[ONE], there.two.pollers[TWO])] == [
            False,
            True,
        ]
        asked.cancel()


def submission(name: str, broadcast_id: int) -> Submission:
    return Submission(
        id=name,
        account="default",
        broadcast_id=broadcast_id,
        kind="call",
        holder="somebody",
        name="a batch",
        created=NOON,
        request=b"{}",
    )


# The account as one


async def test_what_is_asked_about_a_watch_is_answered_by_its_part_wherever_that_is() -> None:
    async with Divided(validating(1, broadcast_id=FIRST), validating(2, broadcast_id=SECOND)) as there:
        for batch_id, part in ((1, ONE), (2, TWO)):
            explained = await there.answered(there.one.polling.explain(Key("default", batch_id)))
            assert explained is not None
            assert explained.part == part.share
        assert await there.one.polling.explain(Key("default", IN_ONE[-1])) is None
        assert (await there.answered(there.one.polling.past_looks(Key("default", 2)))).looks == ()
        there.clock.turn(minutes=6)
        assert await there.answered(there.one.polling.overdue("default")) == [1, 2]


async def test_a_look_that_is_asked_for_is_made_by_the_part_that_polls_the_batch() -> None:
    async with Divided(validating(1, broadcast_id=SECOND)) as there:
        looked = await there.one.polling.refresh(Key("default", 1))
        assert looked is not None
        there.two.upstreams[TWO].script(1, shows(VALIDATING, broadcast_id=SECOND))
        there.clock.turn(seconds=2)
        await there.hear()
        await there.two.step(TWO)
        await there.hear()
        assert await looked
        assert await there.one.polling.refresh(Key("default", IN_ONE[-1])) is None
        nobodys = await there.one.polling.refresh(Key("default", IN_TWO[-1]))
        await there.hear()
        assert nobodys is not None
        assert not await nobodys


@both_ways
async def test_an_account_is_shown_as_the_sum_of_its_parts(alone: bool) -> None:
    watches = [
        validating(1, broadcast_id=FIRST),
        validating(2, broadcast_id=SECOND),
        validating(3, broadcast_id=SECOND),
    ]
    async with Divided(*watches, alone=alone) as there:
        described = {
            part.share: each.polling.shown_of(poller) for each in there.each for part, poller in each.pollers.items()
        }
        there.store.shown = lambda: as_it_is(described)  # type: ignore[method-assign]
        there.one.store.shown = there.two.store.shown = there.store.shown  # type: ignore[method-assign]
        for each in there.each:
            view = await each.polling.view("default")
            assert (view.name, view.rate, view.effective_rate, view.open, view.condition) == (
                "default",
                5.0,
                5.0,
                3,
                "ok",
            )
            assert each.polling.is_here("default") is alone
            load, _ = await each.polling.load_of("default")
            assert load.coming == 3


async def as_it_is(value: T) -> T:
    return value


@both_ways
async def test_what_ends_soonest_is_told_of_all_parts(alone: bool) -> None:
    watches = [
        validating(1, broadcast_id=FIRST),
        validating(2, broadcast_id=SECOND),
        validating(3, broadcast_id=SECOND),
    ]
    async with Divided(*watches, alone=alone) as there:
        polling = there.one.polling
        here = polling.soonest("default", 2)
        away = await there.answered(polling.soonest_elsewhere(["default"], 2))
        found = here if alone else away["default"]
        assert (found.total, [batch_id for _, batch_id in found.first]) == (3, [1, 2])
        assert bool(away) is not alone


async def test_what_is_known_of_a_watch_at_once_is_so_where_its_part_is() -> None:
    mine, theirs = validating(1, broadcast_id=FIRST), validating(2, broadcast_id=SECOND)
    async with Divided(mine, theirs) as there:
        await there.one.polling.acquaint([mine, theirs])
        for watch in (mine, theirs):
            assert there.one.polling.next_look(watch.key) is not None
        assert [there.one.polling.last_look(watch.key) is None for watch in (mine, theirs)] == [False, True]


async def test_the_first_part_alone_keeps_what_there_is_one_of() -> None:
    async with Divided(validating(1, broadcast_id=FIRST), validating(2, broadcast_id=SECOND)) as there:
        there.clock.turn(minutes=6)
        for each, part, broadcast_id, batch_id in ((there.one, ONE, FIRST, 1), (there.two, TWO, SECOND, 2)):
            each.upstreams[part].script(batch_id, shows(ACTIVE, broadcast_id=broadcast_id))
            await each.step(part)
            each.polling.ranks.hear(next(iter(each.ear.of(Changed))))
            await each.polling.keep(part.share)
            await each.polling.ranks.report()
        assert set(there.store.learnt_records) == {"default"}
        assert there.store.done["save_learnt"] == there.store.done["save_ranks"] == 1
        assert [len(each.ear.of(StreamRanked)) for each in there.each] == [1, 0]
        assert (await there.two.polling.streamrank("default")) == (await there.one.polling.streamrank("default"))
        counts = [await each.learner.by_status() for each in (there.one.pollers[ONE], there.two.pollers[TWO])]
        assert [count.get("active") for count in counts] == [2, None]


async def test_the_figures_go_with_the_first_part() -> None:
    async with Divided(alone=True) as there:
        ranks = there.one.polling.ranks
        there.one.polling.dismiss(ONE.share)
        await ranks.report()
        assert there.one.ear.of(StreamRanked) == []
        assert ranks.change_percentage("default") is None
        there.one.polling.dismiss(TWO.share)
        with pytest.raises(KeyError):
            ranks.change_percentage("default")
