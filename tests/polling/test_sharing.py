"""Accounts come and go as leases do: polled here as long as it is sure that nobody else does, and handed over in good order."""

import asyncio
import gc
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from weakref import ref

import pytest

from tests.core.making import seen
from tests.fake_leases import LASTS, FakeLeases, Row, Table, taken_over
from tests.fake_store import FakeStore
from tests.fakes import NOON, Ear, FakeClock, FakeUpstream, StillClock, settle_down, shows
from tests.polling.world import after, validating
from watcher.core.account import Account
from watcher.core.answers import Kind, SwitchAnswer
from watcher.core.model import VALIDATING, Key, PageRef
from watcher.core.news import DividedOtherwise, LeasesMoved, LeasesSeen, Stepped, WorkerFailed
from watcher.core.schedule import Pace
from watcher.core.submissions import Order
from watcher.core.transitions import Rules
from watcher.polling.following import Polling
from watcher.polling.holding import KNOWN
from watcher.polling.leased import DOUBT, Leased, Sure
from watcher.polling.poller import Errand, Poller
from watcher.polling.sharing import DESCRIBED, LOADING, STAYS, Sharer
from watcher.polling.shown import from_json
from watcher.polling.standing import Rates
from watcher.ports import Lease, LeaseLost, StoreError
from watcher.workers import Crew

EVERY = LASTS / 4
ORDER = Order(broadcast_id=7, kind="call", name="a batch", request=b"{}", strict=False)


class Here:
    """One replica with its sharer, among fakes; its pollers stand still until somebody wakes them."""

    def __init__(self, table: Table, name: str, shares: Sequence[str], *, store: FakeStore | None = None) -> None:
        self.clock = table.clock
        self.ear = Ear()
        self.leases = FakeLeases(table, name)
        self.store = store or FakeStore(self.clock)
        self.upstreams = {share: FakeUpstream(self.clock) for share in shares}
        self.polling = Polling({}, store=self.store, clock=self.clock, tell=self.ear, rates=dict.fromkeys(shares, 5.0))
        self.made = asyncio.Event()
        self.made.set()
        self.making = 0
        self.slow = set(shares)  # those that are made when `made` is set
        self.crew = Crew(clock=self.clock, tell=self.ear, grace=0.0)
        self.sharer = Sharer(
            shares,
            polling=self.polling,
            store=self.store,
            leases=self.leases,
            make=self._make,
            crew=self.crew,
            clock=self.clock,
            tell=self.ear,
            every=EVERY,
        )

    async def _make(self, lease: Lease, sure: Sure, errand: Errand) -> Poller:
        self.making += 1
        if lease.share in self.slow:
            await self.made.wait()
        return Poller(
            Account(name=lease.share, credentials="mine", proven=True),
            rates=Rates(rate=5.0, concurrency=4),
            pace=Pace(),
            rules=Rules(),
            upstream=Leased(self.upstreams[lease.share], sure=sure, clock=self.clock),
            store=self.store,
            accounts=self.store,
            clock=self.clock,
            tell=self.ear,
            errand=errand,
        )

    async def look(self, *, later: float = 0.0) -> None:
        """One step, so many seconds later, and all that follows from it."""
        self.clock.turn(seconds=later)
        self.sharer.wake()
        await self.sharer.step()
        await settle_down()

    @property
    def here(self) -> set[str]:
        return {share for share, _ in self.polling.here()}

    @property
    def unpolled(self) -> Mapping[str, int]:
        """What nobody polls, as it was told last."""
        *_, last = (news.unpolled for news in self.ear.heard if isinstance(news, LeasesSeen))
        return last

    @property
    def moved(self) -> list[LeasesMoved]:
        return [news for news in self.ear.heard if isinstance(news, LeasesMoved)]


@asynccontextmanager
async def started(there: Here) -> AsyncIterator[Here]:
    """The replica, as it is when it is up."""
    async with there.crew:
        await there.sharer.begin()
        there.sharer.start()
        await settle_down()
        yield there


@pytest.fixture
def clock() -> FakeClock:
    return StillClock()


@pytest.fixture
def table(clock: FakeClock) -> Table:
    return Table(clock)


# Taking


async def test_an_account_that_another_replica_divides_differently_is_left_to_it_and_told_of_once(table: Table) -> None:
    other = FakeLeases(table, "two")
    await other.board(["a@1/2", "a@2/2"])
    theirs = await other.take(["a@1/2"])
    there = Here(table, "one", ["a", "b"])
    async with started(there):
        await there.look(later=EVERY)
        await there.look(later=EVERY)
        assert there.here == {"b"}
        assert there.ear.of(DividedOtherwise) == [DividedOtherwise(account="a", shares=("a@1/2",))]
        await other.give_back(theirs)
        await other.board([])
        await there.look(later=EVERY)
        assert there.here == {"a", "b"}
        assert there.ear.of(DividedOtherwise)[1:] == [DividedOtherwise(account="a")]


async def test_who_is_alone_polls_everything_before_it_says_that_it_is_up(table: Table) -> None:
    there = Here(table, "one", ["a", "b"])
    there.store.put(validating(1, account="a"))
    settled = [there.sharer.settled]
    async with there.crew:
        await there.sharer.begin()
        settled.append(there.sharer.settled)
        assert settled == [False, True]
        assert (there.here, len(there.polling.pollers["a"].roster)) == ({"a", "b"}, 1)
        await settle_down()
        assert there.ear.of(Stepped) == []
        there.sharer.start()
        await settle_down()
        assert there.ear.of(Stepped) == [Stepped(account="a", at=NOON), Stepped(account="b", at=NOON)]
    assert there.ear.of(LeasesMoved, LeasesSeen) == [
        LeasesMoved(taken=("a", "b")),
        LeasesSeen(held=2, replicas=1, skew=0.5, unpolled={"a": 1, "b": 1}),
    ]


async def test_at_the_start_a_store_that_fails_is_nothing_to_go_on_with(table: Table) -> None:
    there = Here(table, "one", ["a"])
    there.leases.failing = {"board"}
    async with there.crew:
        with pytest.raises(StoreError):
            await there.sharer.begin()


async def test_a_start_that_is_given_up_leaves_nothing_that_loads(table: Table) -> None:
    there = Here(table, "one", ["a"])
    there.made.clear()
    async with there.crew:
        beginning = asyncio.ensure_future(there.sharer.begin())
        await settle_down()
        beginning.cancel()
        await asyncio.wait([beginning])
        there.made.set()
        await settle_down()
        assert (beginning.cancelled(), there.here) == (True, set())


async def test_many_accounts_are_loaded_together_and_a_few_at_a_time(table: Table) -> None:
    there = Here(table, "one", [f"a{number}" for number in range(20)])
    there.made.clear()
    async with there.crew:
        beginning = asyncio.ensure_future(there.sharer.begin())
        await settle_down()
        assert there.making == LOADING
        there.made.set()
        await beginning
        assert len(there.here) == 20


async def test_what_takes_long_to_load_keeps_nobody_waiting_at_the_start() -> None:
    there = Here(Table(FakeClock()), "one", ["a", "b"])
    there.made.clear()
    there.slow = {"b"}
    async with there.crew:
        await there.sharer.begin()
        there.sharer.start()
        await settle_down()
        assert there.here == {"a"}
        assert {news.account for news in there.ear.heard if isinstance(news, Stepped)} == {"a"}
        there.made.set()
        await settle_down()
        assert there.here == {"a", "b"}


async def test_whoever_comes_while_much_is_still_to_be_loaded_gets_that_at_once() -> None:
    table = Table(FakeClock())
    there = Here(table, "one", [f"a{number}" for number in range(40)])
    there.made.clear()
    async with there.crew:
        await there.sharer.begin()
        there.sharer.start()
        await FakeLeases(table, "two").board(list(table.rows))
        await there.look()
        given = {share for share, owner in table.owners().items() if owner is None}
        assert len(given) == 19
        there.made.set()
        await settle_down()
        assert there.here == table.rows.keys() - given


async def test_what_was_taken_without_an_answer_is_found_by_the_next_look(table: Table) -> None:
    table.rows["a"], table.polling = Row(epoch=1, replica="two"), {"two"}
    async with started(Here(table, "one", ["a"])) as there:
        there.leases.unanswered = {"take"}
        table.gone("two")
        await there.look()
        assert (there.here, table.owners()) == (set(), {"a": "one"})
        await there.look(later=0.1)
        assert there.here == {"a"}


async def test_what_another_one_leaves_lying_is_taken_after_a_round(table: Table) -> None:
    async with started(Here(table, "two", ["a"])) as there:
        table.gone("two")
        table.polling |= {"one"}  # whose it would be, and who does not look
        await there.look()
        assert table.owners() == {"a": None}
        await there.look(later=EVERY / 2)
        assert table.owners() == {"a": None}
        await there.look(later=EVERY / 2)
        assert table.owners() == {"a": "two"}


async def test_an_account_that_cannot_be_loaded_is_tried_again_by_the_next_look(table: Table) -> None:
    table.rows["b"], table.polling = Row(epoch=1, replica="two"), {"two"}
    there = Here(table, "one", ["a", "b"])
    async with started(there):
        there.store.failing = {"rank"}
        table.gone("two")
        await there.look()
        assert (there.here, len(there.ear.of(WorkerFailed)), there.sharer.settled) == ({"a"}, 1, True)
        assert there.unpolled == {"a": 0, "b": 1}
        await there.look(later=0.1)
        assert there.unpolled == {"a": 0, "b": 1}
        there.store.failing = set()
        await there.look(later=0.1)
        assert there.here == {"a", "b"}
        await there.look(later=0.1)
        assert there.unpolled == {"a": 0, "b": 0}


async def test_who_loads_what_another_one_had_is_ready_to_be_asked_all_the_while(table: Table) -> None:
    table.rows["b"], table.polling = Row(epoch=1, replica="two"), {"two"}
    async with started(Here(table, "one", ["a", "b"])) as there:
        there.made.clear()
        table.gone("two")
        await there.look()
        assert (there.here, there.sharer.settled) == ({"a"}, True)


async def test_while_others_are_still_loaded_one_that_is_makes_nobody_look(table: Table) -> None:
    table.rows |= {"a": Row(epoch=1, replica="two"), "b": Row(epoch=1, replica="two")}
    table.polling = {"two"}
    async with started(Here(table, "one", ["a", "b"])) as there:
        there.made.clear()
        there.slow = {"b"}
        table.gone("two")
        await there.look()
        looking = asyncio.ensure_future(there.sharer.step())
        await settle_down()
        assert (there.here, looking.done()) == ({"a"}, False)
        there.made.set()
        await looking
        assert (there.here, all(row.shown for row in table.rows.values())) == ({"a", "b"}, True)


# Other settings


async def test_an_account_that_the_settings_no_longer_have_is_given_back_and_one_they_add_is_taken(
    table: Table,
) -> None:
    there = Here(table, "one", ["a", "b", "c"])
    there.store.put(validating(1, account="a"))
    there.sharer.share_out(["a", "b"])
    async with started(there):
        kept = there.polling.pollers["b"]
        there.sharer.share_out(["b", "c"])
        await there.look()
        assert (there.here, table.owners()) == ({"b", "c"}, {"a": None, "b": "one", "c": "one"})
        assert there.polling.pollers["b"] is kept
        await there.look(later=EVERY)
        assert there.here == {"b", "c"}
        there.sharer.share_out(["a", "b", "c"])
        await there.look(later=EVERY)
        await there.look(later=EVERY)
        assert (there.here, len(there.polling.pollers["a"].roster)) == ({"a", "b", "c"}, 1)


async def test_an_account_that_is_set_otherwise_is_given_back_and_taken_by_a_new_poller(table: Table) -> None:
    there = Here(table, "one", ["a", "b"])
    async with started(there):
        before = dict(there.polling.pollers)
        there.sharer.share_out(["a", "b"], ["b"])
        for _ in range(3):
            await there.look(later=EVERY)
        assert (there.here, there.making) == ({"a", "b"}, 3)
        assert [there.polling.pollers[share] is before[share] for share in ("a", "b")] == [True, False]
        assert [moved.given_back for moved in there.moved if moved.given_back] == [("b",)]


async def test_what_is_set_otherwise_and_would_go_to_another_replica_anyhow_is_given_back_once(table: Table) -> None:
    shares = ["a", "b", "c", "d"]
    there = Here(table, "one", shares)
    async with started(there):
        await FakeLeases(table, "two").board(shares)
        there.sharer.share_out(shares, shares)
        await there.look()
        assert sorted(share for moved in there.moved for share in moved.given_back) == shares


async def test_what_is_taken_while_the_settings_change_is_not_loaded_with_those_of_before() -> None:
    table = Table(FakeClock())
    there = Here(table, "one", [f"a{number}" for number in range(LOADING + 2)])
    there.made.clear()
    async with there.crew:
        await there.sharer.begin()
        there.sharer.start()
        first, last = f"a{LOADING}", f"a{LOADING + 1}"
        there.sharer.share_out([share for share in table.rows if share != first], [last])
        there.made.set()
        await settle_down()
        assert (there.making, len(there.here)) == (LOADING, LOADING)
        for _ in range(3):
            await there.look(later=EVERY)
        assert (there.making, there.here) == (LOADING + 1, table.rows.keys() - {first})
        assert table.owners()[first] is None


# Being sure


async def test_nothing_is_asked_when_the_lease_may_be_anothers_by_now(table: Table) -> None:
    there = Here(table, "one", ["a"])
    async with started(there):
        upstream = there.polling.pollers["a"]._upstream
        assert await upstream.token()
        there.clock.turn(seconds=LASTS)
        there.clock.slept.clear()
        assert not await upstream.token(15.0)
        assert there.clock.slept == [DOUBT]
        for ask in (upstream.look(1), upstream.switch(1, enabled=True)):
            with pytest.raises(StoreError, match="not known"):
                await ask
        await there.look()
        assert await upstream.token()
    assert there.upstreams["a"].asked == []


async def test_a_token_that_came_too_late_is_none(table: Table) -> None:
    there = Here(table, "one", ["a"])
    async with started(there):

        def stand_still() -> None:
            there.clock.turn(seconds=LASTS)

        there.upstreams["a"].before_token = stand_still
        assert not await there.polling.pollers["a"]._upstream.token()


async def test_what_flies_when_it_is_not_sure_any_more_is_no_failure_to_tell_of(table: Table) -> None:
    there = Here(table, "one", ["a"])
    async with started(there):
        there.clock.turn(seconds=LASTS)

        async def look() -> None:
            await there.polling.pollers["a"]._upstream.look(1)

        there.sharer._holdings["a"].team.errand("look a", look())
        await settle_down()
        assert (there.here, there.ear.of(WorkerFailed)) == ({"a"}, [])


async def test_a_look_that_fails_leaves_what_is_here_and_is_not_told_twice(table: Table) -> None:
    async with started(Here(table, "one", ["a"])) as there:
        there.leases.failing = {"board"}
        await there.look(later=LASTS)
        assert (there.here, there.sharer.settled, there.ear.of(WorkerFailed)) == ({"a"}, False, [])
        there.leases.failing = set()
        await there.look()
        assert there.sharer.settled


async def test_a_batch_is_not_sent_where_writing_it_down_took_longer_than_the_lease(clock: FakeClock) -> None:
    upstream, sure = FakeUpstream(clock), [True, False]
    upstream.script_submit(ZeroDivisionError())
    leased = Leased(upstream, sure=lambda: sure.pop(0), clock=clock)
    written: list[bool] = []

    async def leave() -> None:
        written.append(True)

    with pytest.raises(StoreError, match="not known"):
        await leased.submit(ORDER, leave)
    assert (written, upstream.submitted) == ([True], [])


async def test_who_is_sure_asks_as_ever(clock: FakeClock) -> None:
    upstream = FakeUpstream(clock)
    leased = Leased(upstream, sure=lambda: True, clock=clock)
    upstream.script(1, shows("VALIDATING"))
    upstream.script_switch(SwitchAnswer(batch_id=1, asked=NOON, answered=NOON, kind=Kind.SEEN, outcome="200"))
    ref = PageRef(broadcast_id=7, kind="call", offset=0, limit=10)
    leased.limit(2.0)
    leased.own(lambda: True)
    assert (await leased.look(1)).kind is Kind.SEEN
    assert (await leased.page(ref)).page is None
    assert (await leased.switch(1, enabled=True)).outcome == "200"
    assert (leased.effective_rate, upstream.paged, upstream.switched) == (2.0, [(NOON, ref)], [(1, True)])
    assert len(upstream.owners) == 2


# Losing


async def test_what_another_one_has_taken_over_is_dropped_as_it_is(table: Table) -> None:
    there = Here(table, "one", ["a", "b"])
    there.store.put(validating(1, account="a"))
    async with started(there):
        table.polling |= {"two"}
        taken_over(table, "a", "two")
        await there.look()
        assert (there.here, there.moved[-1]) == ({"b"}, LeasesMoved(lost=("a",)))
    assert (there.store.done["save_looks"], there.leases.given) == (0, [])


async def test_a_write_that_is_refused_tells_that_the_account_is_lost(table: Table) -> None:
    there = Here(table, "one", ["a"])
    async with started(there):
        holding = there.sharer._holdings["a"]

        async def write() -> None:
            raise LeaseLost("another process has a now")

        holding.team.errand("look a", write())
        holding.team.errand("look a", write())
        await settle_down()
        assert (there.here, there.moved[-1], there.ear.of(WorkerFailed)) == (set(), LeasesMoved(lost=("a",)), [])
        there.sharer.lost("a")
        assert len(there.moved) == 2  # it is said once


async def test_other_failures_of_an_account_leave_it_here_and_are_told(table: Table) -> None:
    there = Here(table, "one", ["a"])
    async with started(there):

        async def stumble() -> None:
            raise ZeroDivisionError

        there.sharer._holdings["a"].team.errand("look a", stumble())
        await settle_down()
        assert (there.here, len(there.ear.of(WorkerFailed))) == ({"a"}, 1)


async def test_who_waits_for_a_look_at_an_account_that_is_lost_is_told_that_none_came(table: Table) -> None:
    there = Here(table, "one", ["a"])
    there.store.put(validating(1, account="a"))
    async with started(there):
        look = await there.polling.refresh(Key("a", 1))
        assert look is not None
        there.sharer.lost("a")
        assert look.result() is False


# Giving back


async def test_who_has_too_much_lets_end_what_flies_keeps_it_and_gives_back(table: Table) -> None:
    there = Here(table, "one", ["a", "b"])
    there.store.put(validating(1, account="a"), validating(1, account="b"))
    async with started(there):
        answer = asyncio.Event()
        poller = there.polling.pollers["b"]

        async def look() -> None:
            await answer.wait()
            poller.roster.note(seen(VALIDATING, after(1), batch_id=1))

        there.sharer._holdings["b"].team.errand("look b", look())
        table.polling |= {"two"}
        await there.look(later=0.1)
        assert (there.here, table.owners()) == ({"a", "b"}, {"a": "one", "b": "one"})
        answer.set()
        await settle_down()
        assert (there.here, table.owners()) == ({"a"}, {"a": "one", "b": None})
        assert there.moved[-1] == LeasesMoved(given_back=("b",))
    assert there.store.done["save_looks"] == 1


async def test_of_what_was_given_back_nothing_is_remembered(table: Table) -> None:
    there = Here(table, "one", ["a", "b"])
    there.store.put(validating(1, account="b"))
    async with started(there):
        poller = ref(there.polling.pollers["b"])
        table.polling |= {"two"}
        await there.look(later=0.1)
        gc.collect()
        assert (there.here, len(there.upstreams["b"].owners), poller()) == ({"a"}, 1, None)


async def test_what_came_back_stays(table: Table) -> None:
    async with started(Here(table, "one", ["a", "b"])) as there:
        table.polling |= {"two"}
        await there.look(later=0.1)
        assert table.owners() == {"a": "one", "b": None}
        await there.look(later=0.1)
        await there.look(later=EVERY)  # the other one does not come for it
        assert table.owners() == {"a": "one", "b": "one"}
        for _ in range(4):
            await there.look(later=EVERY)
        assert (table.owners(), there.leases.given) == ({"a": "one", "b": "one"}, [("b",), ("a",)])
        for _ in range(4):
            await there.look(later=EVERY)
        assert len(there.leases.given) == 2
        await there.look(later=STAYS)
        assert len(there.leases.given) == 3


async def test_what_came_back_from_one_that_is_gone_is_given_to_the_next(table: Table) -> None:
    async with started(Here(table, "one", ["a", "b"])) as there:
        table.polling |= {"two"}
        await there.look(later=0.1)
        taken_over(table, "b", "two")
        await there.look(later=EVERY)
        table.gone("two")
        await there.look(later=EVERY)
        assert table.owners() == {"a": "one", "b": "one"}
        table.polling |= {"three"}
        await there.look(later=EVERY)
        assert (table.owners(), there.leases.given) == ({"a": "one", "b": None}, [("b",), ("b",)])


async def test_who_leaves_gives_everything_back_at_once_and_takes_no_part_any_more(table: Table) -> None:
    async with started(Here(table, "one", ["a", "b", "c"])) as there:
        await there.crew.rest()
        await there.sharer.leave()
        assert (there.here, table.polling) == (set(), set())
        assert table.owners() == {"a": None, "b": None, "c": None}
        assert [sorted(each) for each in there.leases.given] == [["a", "b", "c"]]


async def test_who_leaves_while_an_account_is_being_loaded_does_not_wait_for_it(table: Table) -> None:
    table.rows["b"], table.polling = Row(epoch=1, replica="two"), {"two"}
    async with started(Here(table, "one", ["a", "b"])) as there:
        there.made.clear()
        table.gone("two")
        await there.look()
        assert there.here == {"a"}
        await there.sharer.leave()
        assert (there.here, table.owners()) == (set(), {"a": None, "b": None})
        await there.look()  # a look that was under way takes nothing more
        assert table.owners() == {"a": None, "b": None}


async def test_who_leaves_gives_back_also_what_it_took_without_hearing_so(table: Table) -> None:
    table.rows["a"], table.polling = Row(epoch=1, replica="two"), {"two"}
    async with started(Here(table, "one", ["a"])) as there:
        there.leases.unanswered = {"take"}
        table.gone("two")
        await there.look()
        assert table.owners() == {"a": "one"}
        await there.crew.rest()
        await there.sharer.leave()
        assert (table.owners(), table.polling) == ({"a": None}, set())


async def test_what_cannot_be_kept_is_given_back_all_the_same(table: Table) -> None:
    there = Here(table, "one", ["a", "b"])
    there.store.put(validating(1, account="a"), validating(1, account="b"))
    async with started(there):
        there.polling.pollers["b"].roster.note(seen(VALIDATING, after(1), batch_id=1))
        there.store.failing = {"save_looks"}
        table.polling |= {"two"}
        await there.look(later=0.1)
        assert (there.here, table.owners()) == ({"a"}, {"a": "one", "b": None})
        assert there.moved[-1] == LeasesMoved(given_back=("b",))


async def test_what_cannot_be_given_back_is_not_polled_here_until_it_is_found_again(table: Table) -> None:
    async with started(Here(table, "one", ["a", "b"])) as there:
        there.leases.failing = {"give_back"}
        table.polling |= {"two"}
        await there.look(later=0.1)
        assert (there.here, there.moved[-1]) == ({"a"}, LeasesMoved(given_back=("b",)))
        table.gone("two")
        await there.look(later=0.1)
        assert (there.here, there.moved[-1]) == ({"a", "b"}, LeasesMoved(taken=("b",)))


async def test_who_leaves_while_the_store_fails_ends_all_the_same(table: Table) -> None:
    async with started(Here(table, "one", ["a"])) as there:
        there.leases.failing = {"board", "give_back"}
        await there.sharer.leave()
        assert there.here == set()


async def test_two_that_share_come_to_have_half_each_and_one_has_all_when_the_other_leaves(table: Table) -> None:
    shares = [f"a{number}" for number in range(10)]
    one, two = Here(table, "one", shares), Here(table, "two", shares)
    async with started(one), started(two):
        for _ in range(6):
            await one.look(later=0.3)
            await two.look(later=0.3)
        assert (len(one.here), len(two.here), one.here & two.here) == (5, 5, set())
        await two.sharer.leave()
        await one.look()
        assert one.here == set(shares)


# What the others see


async def test_the_others_see_how_an_account_stands_and_how_much_work_it_is(table: Table) -> None:
    there = Here(table, "one", ["a"])
    there.store.put(validating(1, account="a"))
    async with started(there):
        await there.look(later=0)  # at once, or they take it for polled by nobody
        shown = from_json(table.rows["a"].shown)
        assert shown is not None
        assert (shown.view.name, shown.view.open, table.rows["a"].demand) == ("a", 1, 1.0)
        there.polling.pollers["a"].usage.sent(there.clock.now().timestamp())
        await there.look(later=KNOWN)
        assert table.rows["a"].demand == pytest.approx(0.05)  # one request in a minute: it is looked after all the same


async def test_who_has_nothing_has_nothing_to_say(table: Table) -> None:
    table.rows["a"], table.polling = Row(epoch=1, replica="one"), {"one"}
    async with started(Here(table, "two", ["a"])) as there:
        there.leases.failing = {"describe"}
        await there.look(later=DESCRIBED)
    assert there.here == set()
