"""Transactions of two processes that meet on PostgreSQL: neither undoes what the other did, nor is it told of the other."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest

from tests.fakes import NOON, Ear, FakeClock
from tests.store.making import KEY, api_endpoint, claim, event, follow, happen, owe
from tests.store.waiting import Somebody, until_waited_for
from watcher.core.broadcasts import Broadcast
from watcher.core.model import Key
from watcher.core.recovering import Cutoffs, Forgotten
from watcher.core.submissions import Submission, accepted
from watcher.core.wishes import BroadcastWish, Followed
from watcher.ports import Change, EventQuery, Lease, StoreError
from watcher.ports.once import KEPT_FOR
from watcher.store.postgres import PostgresStore, open_postgres
from watcher.store.postgres_pool import Access
from watcher.store.statements import load
from watcher.store.work import Connection

WISH = BroadcastWish(account="default", broadcast_id=14, labels={"team": "north"})
SUBMISSION = Submission(
    id="sub_1",
    account="default",
    broadcast_id=14,
    name="Spring [abc]",
    request=None,
    created=NOON,
    holder="me",
    idempotency_key="k",
)
DEADLOCK = "DO $$ BEGIN RAISE EXCEPTION 'met' USING ERRCODE = 'deadlock_detected'; END $$"


@pytest.fixture
async def somebody(url: str) -> AsyncIterator[Somebody]:
    """Another one who has a transaction open in the same database."""
    connection = await asyncpg.connect(url)
    await connection.execute("BEGIN")
    yield connection
    await connection.close()


async def made(somebody: Somebody, table: str, **columns: Any) -> None:
    """A row like the one that there is, but for those columns."""
    text = f"INSERT INTO {table} SELECT (jsonb_populate_record({table}, $1)).* FROM {table} LIMIT 1"
    await somebody.execute(text, json.dumps(columns))


# Broadcasts


async def test_a_kind_that_is_found_out_meanwhile_stays_known(postgres: PostgresStore, somebody: Somebody) -> None:
    await postgres.follow_broadcast(replace(WISH, labels={}), NOON)
    await somebody.execute("UPDATE broadcasts SET kind = 'text'")
    following = asyncio.create_task(postgres.follow_broadcast(WISH, NOON))
    await until_waited_for(somebody)
    await somebody.execute("COMMIT")
    after = Broadcast(
        account="default", broadcast_id=14, kind="text", followed=True, opened=NOON, labels={"team": "north"}
    )
    assert (await following).broadcast == after
    assert await postgres.broadcasts("default") == [after]


async def test_a_broadcast_that_two_begin_to_follow_at_once_is_new_to_one_of_them(
    postgres: PostgresStore, somebody: Somebody
) -> None:
    await postgres.follow_broadcast(replace(WISH, broadcast_id=1), NOON)
    await made(somebody, "broadcasts", broadcast_id=14, correlation_id="theirs", labels='{"team": "south"}')
    following = asyncio.create_task(postgres.follow_broadcast(WISH, NOON + timedelta(minutes=1)))
    await until_waited_for(somebody)
    await somebody.execute("COMMIT")
    followed = await following
    assert followed.what == "known"
    assert followed.broadcast == Broadcast(
        account="default",
        broadcast_id=14,
        followed=True,
        opened=NOON,
        labels={"team": "north"},
        correlation_id="theirs",
    )
    assert (await postgres.broadcasts("default"))[1] == followed.broadcast


# Submissions


async def test_of_two_that_ask_with_the_same_key_at_once_the_second_gets_what_the_first_wrote_down(
    postgres: PostgresStore, somebody: Somebody
) -> None:
    await postgres.intend(replace(SUBMISSION, id="sub_0", name="other", idempotency_key=None))
    await made(somebody, "submissions", id="sub_1", name=SUBMISSION.name, idempotency_key="k")
    intending = asyncio.create_task(postgres.intend(replace(SUBMISSION, id="sub_2", name="Spring [xyz]")))
    await until_waited_for(somebody)
    await somebody.execute("COMMIT")
    assert await intending == SUBMISSION


async def accepted_beside(postgres: PostgresStore, somebody: Somebody, submission: Submission) -> Followed:
    """What is followed when CallFire has accepted the batch, while somebody else's transaction ends."""
    accepting = asyncio.create_task(postgres.accept_submission(accepted(submission, 13, NOON), NOON))
    await until_waited_for(somebody)
    await somebody.execute("COMMIT")
    outcome = await accepting
    assert outcome is not None
    return outcome[1]


async def test_a_batch_that_is_accepted_and_found_at_once_is_followed_with_what_was_asked_for(
    postgres: PostgresStore, somebody: Somebody
) -> None:
    submission = replace(SUBMISSION, labels={"team": "north"})
    await postgres.intend(submission)
    [found] = await follow(postgres, Key("default", 1))
    await made(somebody, "watches", batch_id=13)
    followed = await accepted_beside(postgres, somebody, submission)
    after = replace(found, batch_id=13, broadcast_id=14, labels={"team": "north"}, version=found.version + 1)
    assert followed.watch == after == await postgres.watch(KEY)


async def test_a_batch_that_is_accepted_while_it_changes_gets_what_was_asked_for(
    postgres: PostgresStore, somebody: Somebody
) -> None:
    submission = replace(SUBMISSION, labels={"team": "north"})
    await postgres.intend(submission)
    [found] = await follow(postgres, KEY)
    await somebody.execute("UPDATE watches SET number = 1, version = version + 1")
    followed = await accepted_beside(postgres, somebody, submission)
    after = replace(found, number=1, broadcast_id=14, labels={"team": "north"}, version=found.version + 2)
    assert followed.watch == after == await postgres.watch(KEY)


# Endpoints


async def test_an_endpoint_that_changes_at_this_moment_is_disabled_as_it_is_then(
    postgres: PostgresStore, somebody: Somebody
) -> None:
    await owe(postgres, 1)
    await somebody.execute("UPDATE endpoints SET number = 7")
    disabling = asyncio.create_task(postgres.disable_endpoint("hook", "enough"))
    await until_waited_for(somebody)
    await somebody.execute("COMMIT")
    disabled = await disabling
    assert disabled is not None
    assert (disabled.disabled_reason, disabled.number) == ("enough", 7)
    assert await postgres.endpoint("hook") == disabled


async def test_what_was_read_of_endpoints_by_what_came_to_nothing_is_read_again(
    postgres: PostgresStore, url: str, clock: FakeClock
) -> None:
    [watch] = await follow(postgres, KEY)
    async with open_postgres(url, tell=Ear(), clock=clock) as other:
        await other.make_endpoint(api_endpoint(), NOON)
    twice = [event(watch, 1), event(watch, 1)]
    with pytest.raises(StoreError):
        await postgres.commit(Change(watch=watch, version=watch.version, events=twice))
    assert list((await happen(postgres, "batch.new")).deliveries) == [1]


# Forgetting


async def test_a_broadcast_that_is_followed_again_at_this_moment_is_not_forgotten(
    postgres: PostgresStore, somebody: Somebody
) -> None:
    await postgres.follow_broadcast(WISH, NOON)
    await postgres.stop_broadcast("default", 14)
    await somebody.execute("UPDATE broadcasts SET followed = 1")
    cutoffs = Cutoffs(events=NOON, deliveries=NOON, broadcasts=NOON + timedelta(days=1))
    forgetting = asyncio.create_task(postgres.forget(cutoffs, Forgotten(), 10))
    await until_waited_for(somebody)
    await somebody.execute("COMMIT")
    assert (await forgetting).broadcasts == 0
    assert [each.followed for each in await postgres.broadcasts("default")] == [True]


async def test_a_key_that_stands_for_another_request_from_this_moment_on_is_not_forgotten(
    postgres: PostgresStore, somebody: Somebody
) -> None:
    later = NOON + KEPT_FOR
    await postgres.begin("me", "k", b"old", NOON)
    await somebody.execute("UPDATE once SET at = at + 86400000, fingerprint = 'new'")
    beginning = asyncio.create_task(postgres.begin("me", "other", b"old", later))
    await until_waited_for(somebody)
    await somebody.execute("COMMIT")
    assert await beginning == "fresh"
    assert await postgres.begin("me", "k", b"old", later) == "other"


async def test_what_is_sent_again_at_this_moment_is_not_forgotten_and_its_event_neither(
    postgres: PostgresStore, somebody: Somebody
) -> None:
    await owe(postgres, 2)
    await somebody.execute("UPDATE deliveries SET state = 'done'; COMMIT")
    await somebody.execute("BEGIN; UPDATE deliveries SET state = 'pending' WHERE position = 1")
    later = NOON + timedelta(days=1)
    cutoffs = Cutoffs(events=later, deliveries=NOON, broadcasts=NOON)
    forgetting = asyncio.create_task(postgres.forget(cutoffs, Forgotten(), 10))
    await until_waited_for(somebody)
    await somebody.execute("COMMIT")
    await forgetting
    assert [each.position for each in await postgres.events(EventQuery())] == [1]
    assert [each.position for each in await claim(postgres, later)] == [1]


# Leases


@pytest.mark.parametrize(("end", "taken"), [("COMMIT", 0), ("ROLLBACK", 1)])
async def test_from_an_owner_that_says_at_this_moment_that_it_is_there_nothing_is_taken(
    postgres: PostgresStore, somebody: Somebody, end: str, taken: int
) -> None:
    await postgres.board(["a"])
    await made(somebody, "replicas", id="slow", held_until=0)
    await somebody.execute("UPDATE leases SET replica = 'slow'; COMMIT")
    await somebody.execute("BEGIN; UPDATE replicas SET held_until = clock_ms() + 3600000 WHERE id = 'slow'")
    assert await postgres.take(["a"]) == []
    await somebody.execute(end)
    assert len(await postgres.take(["a"])) == taken


async def test_of_two_that_divide_an_account_differently_one_finds_what_the_other_took_just_before(
    postgres: PostgresStore, somebody: Somebody
) -> None:
    await postgres.board(["a", "a@1/2", "a@2/2"])
    await made(somebody, "replicas", id="other", held_until=2**53)
    await somebody.execute("COMMIT; BEGIN")
    await somebody.execute(load("postgres")["take_in_turn"])
    await somebody.execute("UPDATE leases SET replica = 'other' WHERE share = 'a@1/2'")
    taking = asyncio.create_task(postgres.take(["a"]))
    await until_waited_for(somebody)
    await somebody.execute("COMMIT")
    assert await taking == []


async def test_what_a_forgotten_owner_had_is_taken(postgres: PostgresStore, somebody: Somebody) -> None:
    await postgres.board(["a"])
    await somebody.execute("UPDATE leases SET replica = 'forgotten'; COMMIT")
    assert await postgres.take(["a"]) == [Lease(share="a", epoch=1)]


async def test_whoever_writes_is_there_from_then_on(postgres: PostgresStore, somebody: Somebody) -> None:
    await somebody.execute("UPDATE replicas SET held_until = 0; COMMIT")
    assert [replica.id for replica in (await postgres.board(["a"])).replicas] == [postgres.replica]


# Groups


async def test_what_became_of_a_commit_is_known_only_when_the_server_is_done_with_it(
    postgres: PostgresStore, somebody: Somebody
) -> None:
    await somebody.execute("UPDATE replicas SET commits = 1000 WHERE id = $1", postgres.replica)
    finding_out = asyncio.create_task(postgres.writer._find_out(1000, ConnectionError("lost")))
    await until_waited_for(somebody)
    await somebody.execute("COMMIT")
    await finding_out
    with pytest.raises(ConnectionError, match="lost"):
        await postgres.writer._find_out(1001, ConnectionError("lost"))


async def test_a_job_that_is_kept_waiting_spoils_none_that_waits_for_the_same_commit(
    url: str, clock: FakeClock, somebody: Somebody
) -> None:
    async with open_postgres(url, tell=Ear(), clock=clock, access=Access(lock=timedelta(milliseconds=50))) as store:
        await follow(store, KEY)
        await somebody.execute("SELECT FROM watches FOR UPDATE")
        done = await asyncio.gather(
            store.relabel(KEY, {"team": "north"}),
            store.follow_broadcast(WISH, NOON),
            store.stop(KEY),
            store.save_learnt("default", b"much", NOON),
            return_exceptions=True,
        )
        assert [isinstance(each, StoreError) for each in done] == [True, False, True, False]
        assert [each.broadcast_id for each in await store.broadcasts("default")] == [14]
        assert await store.learnt("default") == b"much"


async def test_a_job_that_meets_with_others_again_and_again_spoils_none_that_waits_for_the_same_commit(
    postgres: PostgresStore,
) -> None:
    tries = 0

    def meet(asked: Connection) -> int:
        nonlocal tries
        tries += 1
        if tries <= 4:
            asked.execute(DEADLOCK)
        return tries

    meeting = postgres.writer.run("meet", meet)
    met, _ = await asyncio.gather(meeting, postgres.save_learnt("default", b"much", NOON))
    assert met == 5
    assert await postgres.learnt("default") == b"much"
