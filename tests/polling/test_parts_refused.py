"""A login that is refused: one part finds out, all parts stop, it is told once, and one of them tries whether it has ended."""

from dataclasses import replace

from tests.fakes import NOON, REFUSES, StillClock, shows
from tests.polling.divided import FIRST, ONE, SECOND, TWO, Divided, Replica, both_ways
from tests.polling.world import unseen
from tests.talking_store import TalkingStore
from watcher.core.account import AccountRecord, Condition
from watcher.core.model import VALIDATING
from watcher.core.news import AccountTold
from watcher.core.parts import LATER, Part
from watcher.polling.parting import OfPart
from watcher.ports import AccountChange

REFUSED = AccountRecord(
    name="default",
    refused=True,
    reason="CallFire answered 401",
    refusals=1,
    probe_at=NOON,
    credentials="mine",
    number=1,
)


def refused(batch_ids: dict[Part, int], *replicas: Replica) -> None:
    for each in replicas:
        for part, upstream in each.upstreams.items():
            upstream.script(batch_ids[part], REFUSES)


async def until_refused(*polled: tuple[Replica, Part]) -> None:
    """Has them polled, one step each, until each has found out by itself, or with the other."""
    for _ in range(20):
        for replica, part in polled:
            replica.clock.turn(minutes=6)
            await replica.step(part)
        if all(replica.pollers[part].account.condition is Condition.REFUSED for replica, part in polled):
            return
    raise AssertionError("it was not refused")


@both_ways
async def test_a_login_that_is_refused_is_told_once_and_stops_all_parts(alone: bool) -> None:
    async with Divided(unseen(1, broadcast_id=FIRST), unseen(2, broadcast_id=SECOND), alone=alone) as there:
        refused({ONE: 1, TWO: 2}, *there.each)
        await until_refused((there.one, ONE))
        await there.hear()
        pollers = (there.one.pollers[ONE], there.two.pollers[TWO])
        conditions = [poller.account.condition for poller in pollers]
        assert conditions == [Condition.REFUSED, Condition.REFUSED]
        first, second = (poller.account.until for poller in pollers)
        assert first is not None
        assert second == first + LATER
        assert [event.type for event in there.store.log] == ["account.refused"]
        assert there.two.upstreams[TWO].tokens == 0


async def test_two_parts_that_find_it_out_at_once_tell_it_once() -> None:
    async with Divided(unseen(1, broadcast_id=FIRST), unseen(2, broadcast_id=SECOND)) as there:
        refused({ONE: 1, TWO: 2}, *there.each)
        await until_refused((there.one, ONE), (there.two, TWO))
        assert [(event.type, event.number) for event in there.store.log] == [("account.refused", 1)]
        pollers = (there.one.pollers[ONE], there.two.pollers[TWO])
        assert [(poller.account.condition, poller.account.number) for poller in pollers] == [(Condition.REFUSED, 1)] * 2
        assert [len(each.ear.of(AccountTold)) for each in there.each] == [1, 0]


async def test_one_part_tries_whether_it_has_ended_and_all_go_on() -> None:
    async with Divided(unseen(1, broadcast_id=FIRST), unseen(2, broadcast_id=SECOND)) as there:
        refused({ONE: 1, TWO: 2}, *there.each)
        await until_refused((there.one, ONE))
        await there.hear()
        there.clock.turn(minutes=16)
        tried = len(there.one.upstreams[ONE].asked)
        await there.one.step(ONE)  # in vain
        assert len(there.one.upstreams[ONE].asked) == tried + 1
        await there.two.step(TWO)  # reads that it was in vain
        assert there.two.upstreams[TWO].tokens == 0
        there.clock.turn(hours=1, minutes=1)
        there.one.upstreams[ONE].script(1, shows(VALIDATING, broadcast_id=FIRST))
        there.two.upstreams[TWO].script(2, shows(VALIDATING, broadcast_id=SECOND))
        await there.one.step(ONE)
        await there.hear()
        await there.two.step(TWO)
        assert [event.type for event in there.store.log if event.batch_id is None] == [
            "account.refused",
            "account.recovered",
        ]
        assert there.two.upstreams[TWO].tokens == 1


async def test_where_the_first_part_has_nothing_to_ask_another_tries() -> None:
    async with Divided(unseen(2, broadcast_id=SECOND)) as there:
        refused({TWO: 2}, there.two)
        await until_refused((there.two, TWO))
        tried = len(there.two.upstreams[TWO].asked)
        there.clock.turn(hours=2)
        await there.two.step(TWO)
        assert len(there.two.upstreams[TWO].asked) == tried + 1


@both_ways
async def test_an_operator_resumes_all_parts(alone: bool) -> None:
    async with Divided(unseen(1, broadcast_id=FIRST), unseen(2, broadcast_id=SECOND), alone=alone) as there:
        refused({ONE: 1, TWO: 2}, *there.each)
        await until_refused((there.two, TWO))
        await there.hear()
        await there.one.polling.resume("default")
        await there.hear()
        pollers = (there.one.pollers[ONE], there.two.pollers[TWO])
        assert [poller.account.until for poller in pollers] == [None, None]


# What is kept of an account


async def test_a_part_keeps_its_own_rate_and_pause_and_the_whole_its_refusal() -> None:
    clock = StillClock()
    store = TalkingStore(clock)
    one, two = OfPart(ONE, store), OfPart(TWO, store)
    assert await two.account("default") is None
    throttled = AccountRecord(name="default", reason="CallFire answered 429", probe_at=NOON, credentials="mine")
    assert await two.save_account(change(throttled)) is not None
    assert await two.account("default") == throttled
    assert await one.account("default") is None
    store.records["default"] = REFUSED
    assert await one.account("default") == await two.account("default") == REFUSED
    store.records["default"] = replace(REFUSED, refused=False, number=2)
    assert await two.account("default") == replace(throttled, number=2)


async def test_a_part_that_was_refused_with_the_whole_goes_on_with_the_whole() -> None:
    store = TalkingStore(StillClock())
    one, two = OfPart(ONE, store), OfPart(TWO, store)
    assert await one.save_account(change(replace(REFUSED, number=0))) is not None
    assert await two.account("default") == replace(REFUSED, number=0)
    assert await two.save_account(change(REFUSED)) is None
    assert store.records["default"] == replace(REFUSED, number=0)
    assert store.records[TWO.share] == AccountRecord(name=TWO.share, credentials="mine")


def change(record: AccountRecord) -> AccountChange:
    return AccountChange(record=record)
