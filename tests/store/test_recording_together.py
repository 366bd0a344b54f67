"""What is written of many watches at once on PostgreSQL is what would be written of them one after another."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from tests.fakes import NOON
from tests.store.making import KEY, claim, endpoint, event, follow, happen, last_look
from tests.store.waiting import Somebody, until_waited_for
from watcher.core.model import Key, State, Watch
from watcher.ports import Change, Committed, EventQuery, StoreError, Wish
from watcher.store.postgres import PostgresStore
from watcher.store.postgres_recording import Changed, commit
from watcher.store.recording import told
from watcher.store.rows import millis, values_of_watch
from watcher.store.work import Answers, Connection

KEYS = [Key("default", batch_id) for batch_id in range(1, 41)]


@pytest.fixture
async def somebody(url: str) -> AsyncIterator[Somebody]:
    """Another one who has a transaction open in the same database."""
    connection = await asyncpg.connect(url)
    await connection.execute("BEGIN")
    yield connection
    await connection.close()


class Counted:
    """A connection that counts what it is asked."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.asked = 0

    def execute(self, statement: str, values: Any = (), /) -> Answers:
        self.asked += 1
        return self._connection.execute(statement, values)

    def executemany(self, statement: str, values: Iterable[Any], /) -> None:
        raise AssertionError(statement)


def numbered(watch: Watch, *numbers: int, version: int | None = None) -> Change:
    """A change of the watch with the events of these numbers."""
    return Change(
        watch=replace(watch, number=numbers[-1]),
        version=watch.version if version is None else version,
        events=[event(watch, number) for number in numbers],
    )


async def commit_all(store: PostgresStore, *changes: Change) -> list[Committed | None]:
    """What becomes of changes that wait for the same commit."""
    return await asyncio.gather(*map(store.commit, changes))


# Changes


async def test_many_changes_ask_as_much_as_one(postgres: PostgresStore) -> None:
    await postgres.settle_endpoints([endpoint("one"), endpoint("two")])
    watches = await follow(postgres, *KEYS)
    counts = [await asked_for(postgres, watches[:1]), await asked_for(postgres, watches[1:])]
    assert counts == [3, 3]
    assert len(await postgres.events(EventQuery())) == len(KEYS)


async def asked_for(store: PostgresStore, watches: Sequence[Watch]) -> int:
    """How often the database is asked while it takes a change of each of the watches."""
    changes = [
        Changed(
            store._remembered,
            values_of_watch(watch, watch.version + 1) | {"was": watch.version},
            [told(event(watch, 1), "origin")],
            millis(NOON),
        )
        for watch in watches
    ]

    def work(connection: Connection) -> int:
        counted = Counted(connection)
        commit(counted, store._sql, changes)
        return counted.asked

    return await store.writer.run("commit", work)


async def test_changes_that_wait_together_follow_each_other_in_the_log(postgres: PostgresStore) -> None:
    await postgres.settle_endpoints([endpoint("one"), endpoint("two", types=["batch.new"])])
    watches = await follow(postgres, *KEYS)
    committed = await commit_all(postgres, *(numbered(watch, 1, 2) for watch in watches))
    events = await postgres.events(EventQuery())
    assert [(each.batch_id, each.number) for each in events] == [(key.batch_id, n) for key in KEYS for n in (1, 2)]
    first = events[0].position
    assert [each.position for each in events] == list(range(first, first + 2 * len(KEYS)))
    pairs = [events[place : place + 2] for place in range(0, len(events), 2)]
    assert committed == [Committed(events=pair, deliveries=[1, 1]) for pair in pairs]
    assert await postgres.watch(KEYS[7]) == replace(watches[7], number=2, version=watches[7].version + 1)


async def test_of_two_changes_that_read_the_same_watch_the_second_is_refused(postgres: PostgresStore) -> None:
    one, two = await follow(postgres, *KEYS[:2])
    refused = replace(numbered(one, 1), watch=replace(one, number=1, state=State.SETTLED))
    first, second, other = await commit_all(postgres, numbered(one, 1), refused, numbered(two, 1))
    assert (first is None, second, other is None) == (False, None, False)
    assert await postgres.watch(KEYS[0]) == replace(one, number=1, version=one.version + 1)


async def test_a_change_may_wait_together_with_the_one_before_it(postgres: PostgresStore) -> None:
    one, two = await follow(postgres, *KEYS[:2])
    changes = [numbered(one, 1), numbered(one, 2, version=one.version + 1), numbered(two, 1)]
    assert None not in await commit_all(postgres, *changes)
    assert [each.number for each in await postgres.events(EventQuery(account="default", batch_id=1))] == [1, 2]
    assert await postgres.watch(KEYS[0]) == replace(one, number=2, version=one.version + 2)


async def test_changes_without_events_and_with_some_wait_together(postgres: PostgresStore) -> None:
    await postgres.settle_endpoints([endpoint()])
    one, two = await follow(postgres, *KEYS[:2])
    silent = Change(watch=replace(one, missing_count=1), version=one.version)
    nothing, told_of = await commit_all(postgres, silent, numbered(two, 1))
    [recorded] = await postgres.events(EventQuery())
    assert (nothing, told_of) == (
        Committed(events=[], deliveries=[]),
        Committed(events=[recorded], deliveries=[1]),
    )


async def test_an_event_that_is_there_already_spoils_its_own_change_alone(postgres: PostgresStore) -> None:
    one, two, three = await follow(postgres, *KEYS[:3])
    await happen(postgres, "batch.new", key=KEYS[1])
    spoilt = replace(numbered(two, 1), version=two.version + 1)
    answers = await asyncio.gather(
        postgres.commit(numbered(one, 1)),
        postgres.commit(spoilt),
        postgres.commit(numbered(three, 1)),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers] == [Committed, StoreError, Committed]
    assert await postgres.watch(KEYS[1]) == replace(two, number=1, version=two.version + 1)


async def test_of_a_lane_the_first_may_go_and_those_that_are_made_with_it_are_behind(postgres: PostgresStore) -> None:
    await postgres.settle_endpoints([endpoint(ordering="batch")])
    one, two = await follow(postgres, *KEYS[:2])
    before = await happen(postgres, "batch.new", key=KEYS[1])
    committed = await commit_all(postgres, numbered(one, 1, 2), numbered(two, 2, version=two.version + 1))
    assert None not in committed
    firsts = {before.events[0].id, (await postgres.events(EventQuery(account="default", batch_id=1)))[0].id}
    assert {each.event_id for each in await claim(postgres, NOON)} == firsts


# Watches


async def test_two_replicas_that_follow_a_new_batch_make_it_once(postgres: PostgresStore, somebody: Somebody) -> None:
    [there] = await follow(postgres, Key("other", 1))
    first_made = {"account": "default", "labels": '{"made": "first"}'}
    await somebody.execute(
        "INSERT INTO watches SELECT (jsonb_populate_record(watches, $1)).* FROM watches", json.dumps(first_made)
    )
    wishes = [
        Wish(key=Key("default", 2)),
        Wish(key=Key("default", 1), labels={"made": "second"}),
        Wish(key=Key("default", 1)),
    ]
    following = asyncio.create_task(postgres.follow(wishes, NOON))
    await until_waited_for(somebody)
    await somebody.execute("COMMIT")
    new, first, again = await following
    assert (new.what, first.what, again.what) == ("created", "known", "known")
    assert (first.told, first.watch) == (
        True,
        replace(there, account="default", labels={"made": "second"}, version=there.version + 1),
    )
    assert await postgres.watch(Key("default", 1)) == first.watch == again.watch
    assert await postgres.watch(Key("default", 2)) == new.watch


async def test_labels_are_put_on_what_somebody_else_was_about_to_change(
    postgres: PostgresStore, somebody: Somebody
) -> None:
    [before] = await follow(postgres, KEY)
    await somebody.execute("UPDATE watches SET number = 1, version = version + 1")
    labelling = asyncio.create_task(postgres.relabel(KEY, {"team": "north"}))
    await until_waited_for(somebody)
    await somebody.execute("COMMIT")
    after = replace(before, number=1, version=before.version + 2, labels={"team": "north"})
    assert await labelling == after == await postgres.watch(KEY)


async def test_of_looks_that_wait_together_the_newest_stays(postgres: PostgresStore) -> None:
    one, two = await follow(postgres, *KEYS[:2])
    late, early = NOON + timedelta(minutes=2), NOON + timedelta(minutes=1)
    await asyncio.gather(
        postgres.save_looks("default", [last_look(1, late, looks=3), last_look(2, early)]),
        postgres.save_looks("default", [last_look(1, early, looks=2)]),
        postgres.save_looks("default", []),
    )
    seen = [await postgres.watch(key) for key in KEYS[:2]]
    assert seen == [
        replace(one, asked=late, answered=late + timedelta(seconds=1), looks=3, size=10, remaining=10),
        replace(two, asked=early, answered=early + timedelta(seconds=1), looks=1, size=10, remaining=10),
    ]
