"""A store full of everything that one can hold, made through its port; and all that its port shows of it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from tests.fakes import NOON
from tests.store.making import account_event, answered, api_endpoint, claim, endpoint, event, follow, last_look
from watcher.core.account import AccountRecord
from watcher.core.allowance import LearntRate
from watcher.core.attention import Band
from watcher.core.model import Key, State
from watcher.core.recovering import DeliveryQuery
from watcher.core.submissions import Submission, accepted, begun
from watcher.core.tokens import Session, Token, digest_of
from watcher.core.wishes import BroadcastWish, Wish
from watcher.ports import (
    AccountChange,
    BandQuery,
    Change,
    EventQuery,
    KeptAnswer,
    Store,
    SubmissionQuery,
    WatchQuery,
)

LATER: Final = NOON + timedelta(minutes=5)
ACCOUNTS: Final = ("default", "Ärger", "z")
ANSWER: Final = KeptAnswer(status=201, headers={"ETag": '"ä"'}, body=b'{"a": 1}\n\x1f\x8b\xff\x00')
CI: Final = Token(
    id="tok_1",
    name="ci – für Köln",
    digest=digest_of("one"),
    scopes=frozenset({"read", "write"}),
    accounts=frozenset({"a", "b"}),
    created=NOON,
    expires=LATER,
)
SENDING: Final = Submission(
    id="sub_1",
    account="default",
    broadcast_id=14,
    name="Spring [abc]",
    request=b'{"recipients":[]}',
    created=NOON,
    holder="me",
    labels={"team": "Köln"},
    idempotency_key="once",
    fingerprint=b"\x00\xff",
)
STATES: Final[tuple[tuple[int, State, str | None, Mapping[str, Any]], ...]] = (
    (1, State.OPEN, None, {}),
    (2, State.OPEN, "VALIDATING", {"stuck_told": 2, "stuck_last": LATER, "labels": {"team": "Köln", "q": 'a "b" \\c'}}),
    (3, State.SETTLED, "ACTIVE", {"enabled": True, "size": 6198, "remaining": 0}),
    (4, State.SETTLED, "ERRORS", {"enabled": False, "correlation_id": "ID-4"}),
    (5, State.MISSING, "NEW", {"missing_since": NOON, "missing_count": 3}),
    (6, State.EXPIRED, "ODD", {"expires": LATER, "broadcast_id": 9}),
    (2**63 - 1, State.OPEN, "NEW", {"aside_until": LATER, "refused_count": 1}),
)


async def fill(store: Store) -> None:
    """One or more of everything, in every state."""
    await store.settle_endpoints([endpoint("gone"), endpoint("hook", ordering="batch"), endpoint("quiet", types=["x"])])
    await store.make_endpoint(api_endpoint(types=("batch.errors",), labels={"team": "Köln"}), NOON)
    await store.disable_endpoint("gone", "the receiver answered 410 Gone")
    await _watches(store)
    await _deliveries(store)
    await store.make_token(CI)
    await store.note_used({CI.id: LATER})
    await store.make_session(
        Session(digest=digest_of("s1"), token_digest=CI.digest, created=NOON, expires=NOON + timedelta(days=1))
    )
    await store.begin("ci", "k-1", b"\x00" * 32, NOON)
    await store.finish("ci", "k-1", ANSWER)
    await store.intend(SENDING)
    other = await store.intend(replace(SENDING, id="sub_2", name="Autumn", idempotency_key=None))
    sent = await store.change_submission(begun(other, NOON))
    assert sent is not None
    assert await store.accept_submission(accepted(sent, 77, LATER), LATER) is not None
    await store.save_ranks({"default": b"\x00{", "z": b""})
    await store.save_learnt("default", b"\x00learnt\xff", NOON)


async def _watches(store: Store) -> None:
    for account in ACCOUNTS:
        wishes = [Wish(key=Key(account, batch_id)) for batch_id, *_ in STATES]
        for (_, state, status, fields), followed in zip(STATES, await store.follow(wishes, NOON), strict=True):
            watch = replace(
                followed.watch,
                state=state,
                status=status,
                name=f"Ünï {account}",
                number=1,
                since=NOON,
                asked=NOON,
                answered=LATER,
                looks=1,
                **fields,
            )
            change = Change(watch=watch, version=followed.watch.version, events=[event(watch, 1, "batch.new")])
            assert await store.commit(change) is not None
        await store.save_looks(account, [last_look(1, LATER, looks=4)])
        await follow(store, Key(account, 8))
        await store.stop(Key(account, 8))
    learnt = LearntRate(rate=0.1, wall=1 / 3, probe_at=LATER)
    record = AccountRecord(name="default", refused=True, reason="CallFire answered 401 „nein“", refusals=2, number=1)
    await store.save_account(AccountChange(record=replace(record, learnt_rate=learnt), events=[account_event(1)]))
    wish = BroadcastWish(account="default", broadcast_id=9, kind="call", labels={"team": "Köln"}, correlation_id="c-1")
    await store.follow_broadcast(wish, NOON)
    await store.note_kind("z", 7, "text")


async def _deliveries(store: Store) -> None:
    """In every state: sent, dead, to be tried again, held, and claimed still."""
    now = NOON
    for code in (200, 500, 400, None, 503):
        [delivery, *_] = await claim(store, now, room=1, token=f"t{code}")
        await store.settle([(answered(delivery, code, now), f"t{code}")])
        now += timedelta(seconds=1)
    assert await claim(store, now, room=2)


async def shown(store: Store) -> Mapping[str, Any]:
    """All that the port shows, but for claims."""
    deliveries = await store.deliveries(DeliveryQuery(limit=1000))
    batches = [batch_id for batch_id, *_ in STATES] + [8, 77]
    return {
        "watches": [await store.watch(Key(account, batch)) for account in ACCOUNTS for batch in batches],
        "open": {account: [each async for each in store.open_watches(account)] for account in ACCOUNTS},
        "labelled": await store.find(WatchQuery(labels={"team": "Köln"})),
        "found": [await store.find(WatchQuery(q=words)) for words in ("ünï ä", "id-4", "team:köln", 'a "B" \\C')],
        "bands": [await store.in_band(BandQuery(band=band)) for band in (Band.NEEDS, Band.REST)],
        "tally": {account: await store.tally(account) for account in ACCOUNTS},
        "accounts": [await store.account(account) for account in ACCOUNTS],
        "broadcasts": {account: await store.broadcasts(account) for account in ACCOUNTS},
        "learnt": [await store.learnt(account) for account in ACCOUNTS],
        "ranks": [await store.rank(account) for account in ACCOUNTS],
        "tokens": await store.tokens(),
        "sessions": await store.sessions(),
        "submissions": [await store.submission("default", each) for each in ("sub_1", "sub_2")],
        "listed": await store.submissions(SubmissionQuery(account="default")),
        "unsettled": await store.unsettled("default"),
        "endpoints": await store.endpoints(),
        "owed": await store.owed(),
        "events": await store.events(EventQuery(limit=1000)),
        "span": await store.log_span(),
        "deliveries": [replace(each, in_flight=False) for each in deliveries],
        "attempts": [
            None if found is None else found.attempts
            for found in [await store.delivery(each.id) for each in deliveries]
        ],
    }
