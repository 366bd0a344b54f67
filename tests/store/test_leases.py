"""Leases: one owner for each share, whose writes nobody mistakes for those of a former one."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from tests.fakes import Ear, FakeClock
from tests.store.conftest import Say
from tests.store.making import KEY, changed, follow
from watcher.core.model import Key, LastLook
from watcher.core.news import WriteFenced
from watcher.ports import EventQuery, Held, Lease, LeaseLost, Standing, Store
from watcher.store.leases import pairs
from watcher.store.postgres import PostgresStore, open_postgres
from watcher.store.postgres_work import placed
from watcher.store.statements import load

GONE = "UPDATE replicas SET held_until = 0"


async def owners(store: Store, *shares: str) -> list[str | None]:
    return [held.replica for held in (await store.board(shares)).shares]


# What holds for every store


async def test_shares_are_nobodys_until_they_are_taken(store: Store) -> None:
    before = await store.board(["b", "a"])
    assert [(held.share, held.replica) for held in before.shares] == [("b", None), ("a", None)]
    [lease] = await store.take(["a"])
    assert lease.share == "a"
    after = await store.board(["b", "a"])
    assert list(after.shares) == [
        replace(before.shares[0], replica=None),
        Held(share="a", epoch=lease.epoch, replica=after.me),
    ]
    assert [replica.id for replica in after.replicas] == [after.me] == [store.replica]


async def test_what_is_taken_is_not_taken_again(store: Store) -> None:
    await store.board(["a", "b"])
    await store.take(["a"])
    assert [lease.share for lease in await store.take(["a", "b"])] == ["b"]


async def test_what_is_given_back_is_nobodys(store: Store) -> None:
    await store.board(["a"])
    await store.give_back(await store.take(["a"]))
    assert await owners(store, "a") == [None]
    assert len(await store.take(["a"])) == 1


async def test_whoever_has_a_lease_writes(store: Store) -> None:
    [watch] = await follow(store, KEY)
    await store.board([KEY.account])
    [lease] = await store.take([KEY.account])
    assert await store.held(lease).commit(changed(watch)) is not None


async def test_what_an_owner_says_of_its_share_is_shown(store: Store) -> None:
    await store.board(["a", "b"])
    [lease] = await store.take(["a"])
    await store.describe({lease: Standing(demand=2.5, shown="{}")})
    assert await store.shown() == {"a": "{}"}


# What holds among several processes


async def test_a_share_that_one_has_the_other_cannot_take(postgres: PostgresStore, other: PostgresStore) -> None:
    await postgres.board(["a", "b"])
    [lease] = await postgres.take(["a"])
    await other.board(["a", "b"])
    [second] = await other.take(["a", "b"])
    assert (lease, second) == (Lease(share="a", epoch=1), Lease(share="b", epoch=1))
    board = await postgres.board(["a", "b"])
    assert [held.replica for held in board.shares] == [postgres.replica, other.replica]
    assert {replica.id for replica in board.replicas} == {postgres.replica, other.replica}


async def test_work_with_shares_that_were_not_asked_about_is_seen(
    postgres: PostgresStore, other: PostgresStore
) -> None:
    await postgres.board(["a", "b", "c"])
    taken = await postgres.take(["a", "b"])
    await postgres.describe({lease: Standing(demand=2.5, shown="{}") for lease in taken if lease.share == "a"})
    assert (await other.board(["b", "c"])).elsewhere == {postgres.replica: 2.5}
    assert (await other.board(["a", "b", "c"])).elsewhere == {}


async def test_of_many_that_take_the_same_shares_at_once_each_gets_its_own(
    postgres: PostgresStore, url: str, clock: FakeClock
) -> None:
    shares = [f"a{number}" for number in range(40)]
    await postgres.board(shares)

    async def taken() -> list[Lease]:
        async with open_postgres(url, tell=Ear(), clock=clock) as store:
            await store.board(shares)
            found = await store.take(shares)
            await together.wait()
            return found

    together = asyncio.Barrier(4)
    found = await asyncio.gather(*(taken() for _ in range(4)))
    assert sorted(lease.share for leases in found for lease in leases) == sorted(shares)


async def test_the_shares_of_a_replica_that_is_gone_are_taken_in_a_new_epoch(
    postgres: PostgresStore, other: PostgresStore, say: Say
) -> None:
    await postgres.board(["a"])
    [first] = await postgres.take(["a"])
    say(GONE)
    await other.board(["a"])
    assert await other.take(["a"]) == [replace(first, epoch=2)]


async def test_whoever_lost_a_lease_without_knowing_writes_nothing_for_it_and_goes_on_with_the_rest(
    postgres: PostgresStore, other: PostgresStore, say: Say, ear: Ear
) -> None:
    theirs, ours = Key("a", 1), Key("b", 1)
    watches = await follow(postgres, theirs, ours)
    await postgres.board(["a", "b"])
    leases = {lease.share: lease for lease in await postgres.take(["a", "b"])}
    say(GONE)
    await other.board(["a", "b"])
    await other.take(["a"])
    lost, kept = postgres.held(leases["a"]), postgres.held(leases["b"])
    look = LastLook(batch_id=1, asked=watches[0].opened, answered=watches[0].opened, looks=1, size=None, remaining=None)
    done = await asyncio.gather(
        lost.commit(changed(watches[0])),
        lost.save_looks("a", [look]),
        kept.commit(changed(watches[1])),
        postgres.relabel(theirs, {"team": "sales"}),
        return_exceptions=True,
    )
    assert [type(each) for each in done[:2]] == [LeaseLost, LeaseLost]
    assert str(done[0]) == "another process has a now"
    assert done[2] is not None
    assert [(event.account, event.number) for event in await other.events(EventQuery())] == [("b", 1)]
    kept_watch = await other.watch(theirs)
    assert kept_watch is not None
    assert (kept_watch.labels, kept_watch.number, kept_watch.asked) == ({"team": "sales"}, 0, None)
    assert ear.of(WriteFenced) == [WriteFenced(operation="save_looks"), WriteFenced(operation="commit")]


async def test_an_account_is_left_to_whoever_divides_it_differently_as_long_as_that_polls_any_of_it(
    postgres: PostgresStore, other: PostgresStore, say: Say
) -> None:
    halves, whole = ["a@1/2", "a@2/2", "b"], ["a", "b"]
    await postgres.board(halves)
    [lease] = await postgres.take(["a@1/2"])
    board = await other.board(whole)
    assert (list(board.others), await owners(other, *whole)) == (["a@1/2"], [None, None])
    assert [each.share for each in await other.take(whole)] == ["b"]
    assert list((await postgres.board(halves)).others) == []
    assert [each.share for each in await postgres.take(halves)] == ["a@2/2"]
    await postgres.give_back([lease])
    assert await other.take(["a"]) == []
    say(GONE)
    await other.ping()
    assert [each.share for each in await other.take(["a"])] == ["a"]
    assert list((await postgres.board(halves)).others) == ["a"]


async def test_two_that_divide_an_account_differently_do_not_both_find_it_free(
    postgres: PostgresStore, other: PostgresStore
) -> None:
    await postgres.board(["a"])
    await other.board(["a@1/2", "a@2/2"])
    found = await asyncio.gather(postgres.take(["a"]), other.take(["a@1/2", "a@2/2"]))
    assert sorted(map(len, found)) in ([0, 1], [0, 2])


async def test_an_epoch_that_is_over_is_no_lease_even_where_the_same_replica_has_the_share_again(
    postgres: PostgresStore, other: PostgresStore
) -> None:
    [watch] = await follow(postgres, KEY)
    await postgres.board([KEY.account])
    [first] = await postgres.take([KEY.account])
    await postgres.give_back([first])
    [second] = await postgres.take([KEY.account])
    with pytest.raises(LeaseLost):
        await postgres.held(first).commit(changed(watch))
    assert await postgres.held(second).commit(changed(watch)) is not None
    await postgres.give_back([first])  # no longer ours to give
    assert await owners(other, KEY.account) == [postgres.replica]


async def test_a_share_is_not_taken_over_in_the_middle_of_its_owners_transaction(
    postgres: PostgresStore, other: PostgresStore, url: str, say: Say
) -> None:
    await postgres.board(["a"])
    [lease] = await postgres.take(["a"])
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    await transaction.start()
    text, names, _ = placed(load("postgres")["leases_in_force"])
    values = {"replica": postgres.replica, "held": pairs([lease])}
    assert len(await connection.fetch(text, *(values[name] for name in names))) == 1
    say(GONE)
    await other.board(["a"])
    assert await other.take(["a"]) == []
    await transaction.rollback()
    assert len(await other.take(["a"])) == 1
    await connection.close()


async def test_a_replica_that_is_closed_leaves_all_to_the_others(
    postgres: PostgresStore, url: str, clock: FakeClock
) -> None:
    async with open_postgres(url, tell=Ear(), clock=clock) as store:
        await store.board(["a"])
        await store.take(["a"])
    board = await postgres.board(["a"])
    assert [held.replica for held in board.shares] == [None]
    assert [replica.id for replica in board.replicas] == [postgres.replica]


async def test_a_process_that_asks_for_no_share_takes_no_part(postgres: PostgresStore, other: PostgresStore) -> None:
    await postgres.board(["a"])
    await other.ping()
    assert [replica.id for replica in (await postgres.board(["a"])).replicas] == [postgres.replica]
    await other.board(["a"])
    assert len((await postgres.board(["a"])).replicas) == 2
    await other.board([])
    assert len((await postgres.board(["a"])).replicas) == 1


async def test_the_clocks_of_machine_and_database_are_compared(postgres: PostgresStore, clock: FakeClock) -> None:
    first = await postgres.board(["a"])
    clock.turn(seconds=3600)
    assert 3500 < (await postgres.board(["a"])).skew - first.skew < 3601


async def test_replicas_that_were_not_there_for_a_day_are_forgotten_by_the_next_that_comes(
    postgres: PostgresStore, url: str, clock: FakeClock, say: Say
) -> None:
    """Each start of a process is another one."""
    there = "INSERT INTO replicas (id, name, version, keys, polls, started, held_until, commits) "
    aged = "SELECT 'r_' || age, '', 0, '', FALSE, 0, clock_ms() - age, 1 FROM unnest(ARRAY[3600000, 86500000]) AS aged (age)"
    say(there + aged)
    async with open_postgres(url, tell=Ear(), clock=clock):
        assert say("SELECT string_agg(id, ',' ORDER BY id) FROM replicas WHERE id LIKE 'r\\_%'").strip() == "r_3600000"
