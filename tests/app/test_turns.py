"""Whose turn it is: a process that asks about accounts for a moment waits until nobody polls them, and polls nothing it lost."""

from collections.abc import Sequence
from datetime import timedelta
from typing import cast

import pytest

from tests.fake_leases import LASTS, FakeLeases, Row, Table
from tests.fakes import FakeClock
from watcher.app.turns import TRY, Turn, in_turn
from watcher.ports import Board, Lease, Store

LEASE = timedelta(seconds=LASTS)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def table(clock: FakeClock) -> Table:
    return Table(clock)


def store_of(leases: FakeLeases) -> Store:
    return cast(Store, leases)


async def test_what_nobody_polls_is_had_at_once_and_given_back_at_the_end(table: Table) -> None:
    mine = FakeLeases(table, "me")
    said: list[str] = []
    async with in_turn(store_of(mine), ["a", "b"], LEASE, table.clock, said.append) as turn:
        assert turn.leases == [Lease(share="a", epoch=1), Lease(share="b", epoch=1)]
        assert (table.owners(), table.polling, turn.is_sure()) == ({"a": "me", "b": "me"}, set(), True)
    assert (table.owners(), said) == ({"a": None, "b": None}, [])


async def test_what_another_process_polls_is_waited_for_and_who_that_is_is_said_once(table: Table) -> None:
    class Waiting(FakeClock):
        async def sleep(self, seconds: float) -> None:
            assert (seconds, table.owners()) == (
                TRY,
                {"a": None, "b": "other"},
            )  # what we cannot use is nobody's meanwhile
            waits.append(seconds)
            if len(waits) == 2:
                table.gone("other")

    class Noted(FakeLeases):
        async def board(self, shares: Sequence[str]) -> Board:
            taking_part.append(bool(shares))
            return await super().board(shares)

    table.rows["b"], table.polling = Row(epoch=4, replica="other"), {"other"}
    waits: list[float] = []
    said: list[str] = []
    taking_part: list[bool] = []
    async with in_turn(store_of(Noted(table, "me")), ["a", "b"], LEASE, Waiting(), said.append) as turn:
        assert [lease.share for lease in turn.leases] == ["a", "b"]
    assert (said, len(waits)) == (["b is polled by process of other"], 2)
    assert taking_part == [True, False, False, False]  # or the others would give it something again and again


async def test_it_is_sure_of_its_turn_as_long_as_it_says_in_time_that_it_is_there(table: Table) -> None:
    clock, mine = table.clock, FakeLeases(table, "me")
    async with in_turn(store_of(mine), ["a"], LEASE, clock, lambda _: None) as turn:
        for _ in range(10):
            await turn.step()
        assert turn.is_sure()
        mine.failing = {"board"}
        for _ in range(4):
            await turn.step()
        assert not turn.is_sure()
        mine.failing = set()
        await turn.step()
        assert not turn.is_sure()  # somebody may have had it meanwhile


async def test_where_the_store_fails_at_the_end_the_leases_run_out_by_themselves(table: Table) -> None:
    mine = FakeLeases(table, "me")
    async with in_turn(store_of(mine), ["a"], LEASE, table.clock, lambda _: None) as turn:
        assert isinstance(turn, Turn)
        mine.failing = {"give_back"}
    assert table.owners() == {"a": "me"}


async def test_who_it_is_that_polls_need_not_be_known(table: Table) -> None:
    table.rows["a"] = Row(epoch=1, replica="other")

    class Waiting(FakeClock):
        async def sleep(self, seconds: float) -> None:
            table.gone("other")

    said: list[str] = []
    async with in_turn(store_of(FakeLeases(table, "me")), ["a"], LEASE, Waiting(), said.append):
        pass
    assert said == ["a is polled by another process"]
