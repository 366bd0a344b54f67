"""What replicas tell each other of what they store, and how they are notified of it."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from tests.fakes import NOON, Ear, FakeClock
from tests.store.conftest import Say
from tests.store.making import KEY, api_endpoint, follow, happen
from tests.store.postgres_server import Server
from watcher.core.model import Key, Watch
from watcher.core.submissions import Submission, SubmissionState
from watcher.core.tokens import Session, Token
from watcher.ports import BroadcastWish, Change, Followed, Heard, Wish, Word
from watcher.store.postgres import PostgresStore, open_postgres
from watcher.store.postgres_pool import Access
from watcher.store.postgres_saying import IDS_MOST, words_of

PATIENCE = 60.0
"""Seconds after which what is waited for will not come."""
SUBMISSION = Submission(
    id="sub_1", account="default", broadcast_id=14, name="Spring", request=b"{}", created=NOON, holder="me"
)
TOKEN = Token(id="t", name="", digest=b"d", scopes=frozenset({"read"}), created=NOON)
SESSION = Session(digest=b"s", token_digest=b"d", created=NOON, expires=NOON + timedelta(hours=1))


async def said(store: PostgresStore) -> list[Word]:
    """What the other replica heard so far."""
    return [heard.word for heard in await store.heard(0, 1000)]


# What is said


async def test_words_are_heard_by_the_others_in_their_order(postgres: PostgresStore, other: PostgresStore) -> None:
    words = [Word(kind="followed", account="a", body={"ids": [number]}) for number in range(3)]
    begin = await other.last_word()
    await postgres.say(words[:2])
    await postgres.say(words[2:])
    heard = await other.heard(begin, 10)
    assert heard == [
        Heard(number=begin + place, replica=postgres.replica, word=word) for place, word in enumerate(words, start=1)
    ]
    assert await other.heard(begin + 1, 1) == heard[1:2]
    assert await postgres.heard(begin, 10) == []
    assert await other.last_word() == begin + 3


async def test_watches_that_are_followed_are_named_in_one_word(postgres: PostgresStore, other: PostgresStore) -> None:
    keys = [Key("a", 1), Key("a", 2), Key("b", 1)]
    await postgres.follow([Wish(key=key) for key in keys], NOON)
    assert await said(other) == [
        Word(kind="followed", account="a", body={"ids": [1, 2]}),
        Word(kind="followed", account="b", body={"ids": [1]}),
    ]


async def test_of_what_changes_nothing_nothing_is_said(postgres: PostgresStore, other: PostgresStore) -> None:
    await follow(postgres, KEY)
    before = await other.last_word()
    await postgres.follow([Wish(key=KEY)], NOON)
    assert not await postgres.stop(Key("nobody", 1))
    assert await postgres.relabel(Key("nobody", 1), {"a": "b"}) is None
    assert not await postgres.stop_broadcast("nobody", 1)
    assert not await postgres.remove_token("nobody")
    assert await other.last_word() == before


async def test_what_is_stopped_or_told_anew_is_said(postgres: PostgresStore, other: PostgresStore) -> None:
    await follow(postgres, KEY)
    await postgres.follow([Wish(key=KEY, labels={"team": "night"})], NOON)
    await postgres.relabel(KEY, {"team": "day"})
    await postgres.stop(KEY)
    ids = {"ids": [KEY.batch_id]}
    assert (await said(other))[1:] == [
        Word(kind="relabelled", account=KEY.account, body=ids),
        Word(kind="relabelled", account=KEY.account, body=ids),
        Word(kind="stopped", account=KEY.account, body=ids),
    ]


async def test_that_another_part_of_its_account_polls_a_watch_is_said_with_the_change_that_shows_it(
    postgres: PostgresStore, other: PostgresStore
) -> None:
    [watch] = await follow(postgres, KEY)
    shares = ["default@1/2"]
    await postgres.board(shares)
    [lease] = await postgres.take(shares)
    held, before = postgres.held(lease), len(await said(other))
    change = Change(watch=replace(watch, broadcast_id=7), version=watch.version, moves=True)
    assert await held.commit(change) is not None
    assert await held.commit(change) is None  # somebody was faster: it does not move
    assert (await said(other))[before:] == [Word(kind="relabelled", account=KEY.account, body={"ids": [KEY.batch_id]})]


async def test_broadcasts_are_said(postgres: PostgresStore, other: PostgresStore) -> None:
    await postgres.follow_broadcast(BroadcastWish(account="a", broadcast_id=7), NOON)
    await postgres.stop_broadcast("a", 7)
    assert await said(other) == [Word(kind="broadcast", account="a", body={"ids": [7]})] * 2


async def test_of_what_a_poller_follows_by_itself_nothing_is_said_and_of_what_it_sent_the_end(
    postgres: PostgresStore, other: PostgresStore
) -> None:
    await postgres.board(["default"])
    [lease] = await postgres.take(["default"])
    held = postgres.held(lease)
    await held.follow([Wish(key=KEY)], NOON)
    await held.intend(SUBMISSION)
    sent = await held.change_submission(replace(SUBMISSION, state=SubmissionState.SENDING))
    assert sent is not None
    assert await said(other) == []
    await held.change_submission(replace(sent, state=SubmissionState.REFUSED, settled=NOON))
    assert await said(other) == [Word(kind="submission", account="default", body={"id": "sub_1"})]


async def test_a_submission_that_is_handed_in_is_said_once(postgres: PostgresStore, other: PostgresStore) -> None:
    keyed = replace(SUBMISSION, idempotency_key="k")
    await postgres.intend(keyed)
    await postgres.intend(replace(keyed, id="sub_2", name="Autumn"))
    assert await said(other) == [Word(kind="submission", account="default", body={"id": "sub_1"})]


async def test_tokens_sessions_and_endpoints_are_said(postgres: PostgresStore, other: PostgresStore) -> None:
    await postgres.make_token(TOKEN)
    await postgres.make_session(SESSION)
    await postgres.remove_session(SESSION.digest)
    await postgres.remove_token(TOKEN.id)
    assert [word.kind for word in await said(other)] == ["token", "token", "token", "token"]
    before = await other.last_word()
    await postgres.make_endpoint(api_endpoint(), NOON)
    await postgres.disable_endpoint(api_endpoint().id, "by hand")
    await postgres.remove_endpoint(api_endpoint().id)
    assert {heard.word.kind for heard in await other.heard(before, 10)} == {"endpoint"}


async def test_what_is_given_back_is_a_word_to_the_others(postgres: PostgresStore, other: PostgresStore) -> None:
    await postgres.board(["a"])
    await postgres.give_back(await postgres.take(["a"]))
    assert [heard.word.kind for heard in await other.heard(0, 10)] == ["freed"]


async def test_a_word_is_said_with_what_it_tells_of_or_not_at_all(
    postgres: PostgresStore, other: PostgresStore
) -> None:
    await postgres.board(["default"])
    [lease] = await postgres.take(["default"])
    [watch] = await follow(postgres, KEY)
    await postgres.give_back([lease])
    before = await other.last_word()
    with pytest.raises(Exception, match="another process has default"):
        await postgres.held(lease).accept_submission(SUBMISSION, NOON)
    assert (await other.last_word(), watch.key) == (before, KEY)


def test_very_many_batches_are_named_in_several_words() -> None:
    many = [
        Followed(what="created", watch=Watch(account="a", batch_id=number, opened=NOON))
        for number in range(2 * IDS_MOST + 1)
    ]
    words = words_of("follow", (), many, held=False)
    assert [len(list(word.body["ids"])) for word in words] == [IDS_MOST, IDS_MOST, 1]  # type: ignore[call-overload]


async def test_words_are_deleted_after_ten_minutes(postgres: PostgresStore, other: PostgresStore, say: Say) -> None:
    await postgres.say([Word(kind="freed"), Word(kind="token")])
    assert await other.forget_words() == 0
    say("UPDATE words SET at = at - 600001 WHERE number = 1")
    assert await other.forget_words() == 1
    assert [word.kind for word in await said(other)] == ["token"]


# Being notified


async def until(store: PostgresStore, reached: Callable[[list[Heard]], bool], pause: float = 5.0) -> list[Heard]:
    """What was heard when it came to that. It is only looked at after something was noticed, or after the pause."""
    async with asyncio.timeout(PATIENCE):
        while not reached(heard := await store.heard(0, 100)):
            await store.noticed(pause)
    return heard


async def test_who_listens_is_notified_of_words_and_of_events(postgres: PostgresStore, other: PostgresStore) -> None:
    async with asyncio.timeout(PATIENCE):
        await other.noticed(PATIENCE)  # it listens now
        await follow(postgres, KEY)
        await other.noticed(PATIENCE)
        await happen(postgres, "batch.new")
        await other.noticed(PATIENCE)
    assert (await other.log_span()).last == 1


async def test_nobody_is_notified_of_what_it_did_itself(postgres: PostgresStore) -> None:
    async with asyncio.timeout(PATIENCE):
        await postgres.noticed(PATIENCE)  # it listens now
    await follow(postgres, KEY)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await postgres.noticed(PATIENCE)


@pytest.mark.parametrize("pooler", [False, True])
async def test_what_is_said_is_heard_where_nobody_can_be_notified(
    postgres: PostgresStore, url: str, clock: FakeClock, server: Server, pooler: bool
) -> None:
    async with open_postgres(url, tell=Ear(), clock=clock, access=Access(pooler=pooler)) as other:
        if not pooler:
            async with asyncio.timeout(PATIENCE):
                await other.noticed(PATIENCE)
        database = urlsplit(url).path[1:]
        cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
        server.say(cut, database)
        await follow(postgres, KEY)
        [heard] = await until(other, lambda heard: len(heard) == 1)
        assert heard.word == Word(kind="followed", account=KEY.account, body={"ids": [KEY.batch_id]})
        if not pooler:  # and it listens again
            async with asyncio.timeout(PATIENCE):
                while not other.listening.listens:
                    await other.noticed(PATIENCE)
