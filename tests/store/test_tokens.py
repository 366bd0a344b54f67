"""The ports' promises about tokens and sessions, and about whose accounts things belong to."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from tests.fakes import NOON, Ear, FakeClock
from tests.store.making import KEY, api_endpoint, endpoint, happen
from watcher.core.model import Key
from watcher.core.tokens import Session, Token, digest_of
from watcher.ports import DeliveryQuery, EventQuery, Store
from watcher.store.sqlite import SqliteStore, open_store

LATER = NOON + timedelta(hours=3)
CI = Token(
    id="tok_1",
    name="ci – für Köln",
    digest=digest_of("one"),
    scopes=frozenset({"read", "write"}),
    accounts=frozenset({"a", "b"}),
    created=NOON,
    expires=LATER,
)
ROOT = Token(id="tok_0", name="root", digest=digest_of("two"), scopes=frozenset({"admin"}), created=NOON)


def session(of: Token, secret: str, hours: int = 1) -> Session:
    return Session(
        digest=digest_of(secret), token_digest=of.digest, created=NOON, expires=NOON + timedelta(hours=hours)
    )


async def test_a_token_is_kept_as_it_was_made(store: Store) -> None:
    nobody = replace(CI, id="tok_2", digest=digest_of("three"), accounts=frozenset(), created=LATER)
    for token in (nobody, CI, ROOT):
        assert await store.make_token(token) is True
    assert await store.tokens() == [ROOT, CI, nobody]


async def test_of_one_id_or_one_digest_there_is_one_token(store: Store) -> None:
    assert await store.make_token(CI) is True
    assert await store.make_token(replace(ROOT, id=CI.id)) is False
    assert await store.make_token(replace(ROOT, digest=CI.digest)) is False
    assert await store.tokens() == [CI]


async def test_a_token_that_is_removed_takes_its_sessions_along(store: Store) -> None:
    for token in (CI, ROOT):
        await store.make_token(token)
    mine, other = session(CI, "s1"), session(ROOT, "s2")
    for each in (mine, session(CI, "s3"), other):
        await store.make_session(each)
    assert await store.remove_token(CI.id) is True
    assert await store.remove_token(CI.id) is False
    assert await store.tokens() == [ROOT]
    assert await store.sessions() == [other]


async def test_when_a_token_was_used_never_goes_back(store: Store) -> None:
    for token in (CI, ROOT):
        await store.make_token(token)
    await store.note_used({CI.id: LATER, "tok_gone": LATER})
    await store.note_used({CI.id: NOON, ROOT.id: NOON})
    assert await store.tokens() == [replace(ROOT, used=NOON), replace(CI, used=LATER)]


async def test_sessions_are_kept_until_they_are_over(store: Store) -> None:
    short, long, longer = session(CI, "s1", 1), session(CI, "s2", 2), session(ROOT, "s3", 3)
    for each in (longer, short, long):
        await store.make_session(each)
    assert await store.sessions() == [short, long, longer]
    assert await store.forget_sessions(NOON + timedelta(hours=2)) == 2
    assert await store.forget_sessions(NOON + timedelta(hours=2)) == 0
    assert await store.sessions() == [longer]
    assert await store.remove_session(longer.digest) is True
    assert await store.remove_session(longer.digest) is False
    assert await store.sessions() == []


async def test_an_endpoints_accounts_are_those_of_its_filter(store: Store) -> None:
    await store.settle_endpoints([endpoint("all"), endpoint("some", accounts=("a", "b"))])
    await store.make_endpoint(api_endpoint("gone", accounts=("a",)), NOON)
    await store.remove_endpoint("gone")
    assert [await store.accounts_of_endpoint(each) for each in ("all", "some", "gone", "never")] == [
        [],
        ["a", "b"],
        None,
        None,
    ]


async def test_a_delivery_is_of_its_events_account_and_its_endpoints(store: Store) -> None:
    await store.settle_endpoints([endpoint("all")])
    await store.make_endpoint(api_endpoint("some", accounts=("a", "b")), NOON)
    await store.make_endpoint(api_endpoint("gone", accounts=("a",)), NOON)
    await happen(store, "batch.new", key=Key("a", 1))
    numbers = {each.endpoint_id: each.id for each in await store.deliveries(DeliveryQuery())}
    await store.remove_endpoint("gone")
    assert await store.accounts_of_delivery(numbers["all"]) == ("a", [])
    assert await store.accounts_of_delivery(numbers["some"]) == ("a", ["a", "b"])
    assert await store.accounts_of_delivery(numbers["gone"]) is None
    assert await store.accounts_of_delivery(max(numbers.values()) + 1) is None


async def test_events_are_those_of_the_accounts_that_are_asked_for(store: Store) -> None:
    for account in ("a", "b", "c", "a"):
        await happen(store, "batch.new", key=Key(account, 1))
    some = await store.events(EventQuery(accounts=("a", "c")))
    assert [each.account for each in some] == ["a", "c", "a"]
    assert await store.events(EventQuery(accounts=("a", "c"), after=some[0].position)) == some[1:]
    assert await store.events(EventQuery(accounts=())) == []
    assert await store.events(EventQuery(account="b", accounts=("a",))) == []
    assert await store.events(EventQuery(account="b", batch_id=1, accounts=("a",))) == []
    assert len(await store.events(EventQuery(account="b", batch_id=1, accounts=("b",)))) == 1


async def test_tokens_and_sessions_outlive_the_process(path: Path, clock: FakeClock, ear: Ear) -> None:
    async with open_store(path, tell=ear, clock=clock) as store:
        await store.make_token(CI)
        await store.make_session(session(CI, "s1"))
    async with open_store(path, tell=ear, clock=clock) as store:
        assert (await store.tokens(), await store.sessions()) == ([CI], [session(CI, "s1")])


async def test_no_secret_is_in_the_file(sqlite: SqliteStore, path: Path) -> None:
    secret = "wat_this-is-the-secret"
    await sqlite.make_token(replace(CI, digest=digest_of(secret)))
    await sqlite.make_session(session(CI, secret + "-of-a-session"))
    await happen(sqlite, "batch.new", key=KEY)
    kept = b"".join(each.read_bytes() for each in path.parent.iterdir())
    assert CI.name.encode() in kept
    assert b"this-is-the-secret" not in kept
