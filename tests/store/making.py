"""Small makers of what the store keeps, with everything that a test does not care about filled in."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tests.fakes import NOON
from watcher.core.endpoint import Attempt, Delivery, Endpoint, Ordering, Secrets, SigningKey
from watcher.core.model import Event, Key, LastLook, Watch
from watcher.core.outbox import Outcome, Settlement, settle
from watcher.ports import Change, Committed, Deliveries, Settled, Store, Wish
from watcher.store.sqlite import SqliteStore

KEY = Key("default", 13)
LEASE = timedelta(seconds=45)


def event(watch: Watch, number: int, kind: str = "batch.active", at: datetime = NOON, **more: object) -> Event:
    data = {"account": watch.account, "batch_id": watch.batch_id, "number": number, **more}
    return Event(type=kind, at=at, account=watch.account, batch_id=watch.batch_id, number=number, data=data)


def account_event(number: int, account: str = "default", kind: str = "account.refused") -> Event:
    return Event(type=kind, at=NOON, account=account, batch_id=None, number=number, data={"account": account})


def endpoint(
    name: str = "hook",
    *,
    types: Sequence[str] = (),
    accounts: Sequence[str] = (),
    url: str = "https://example.com/",
    ordering: Ordering = "none",
) -> Endpoint:
    """One that the settings keep."""
    return Endpoint(
        id=name, url=url, kept_by="settings", types=tuple(types), accounts=tuple(accounts), ordering=ordering
    )


def stored(endpoint: Endpoint, **standing: Any) -> Endpoint:
    """The endpoint as the store shows it that made it at noon."""
    return replace(endpoint, created=NOON, **standing)


SECRETS = Secrets(
    keys=(
        SigningKey(key=b"new" * 10),
        SigningKey(scheme="v1a", key=b"pair" * 16),
        SigningKey(key=b"old" * 10, until=NOON + timedelta(hours=1)),
    ),
    headers={"X-Tenant": "hush-hush"},
    authorization="Bearer mum",
)


def api_endpoint(name: str = "ep_1", **fields: Any) -> Endpoint:
    """One that the API keeps."""
    return replace(Endpoint(id=name, url="https://example.net/", secrets=SECRETS), **fields)


def last_look(batch_id: int, asked: datetime, looks: int = 1, size: int | None = 10) -> LastLook:
    answered = asked + timedelta(seconds=1)
    return LastLook(batch_id=batch_id, asked=asked, answered=answered, looks=looks, size=size, remaining=size)


async def follow(store: Store, *keys: Key) -> list[Watch]:
    """New watches for the keys."""
    return [followed.watch for followed in await store.follow([Wish(key=key) for key in keys], NOON)]


def changed(watch: Watch, **more: Any) -> Change:
    """The next change of the watch, with one event."""
    number = watch.number + 1
    return Change(watch=replace(watch, number=number), version=watch.version, events=[event(watch, number, **more)])


async def happen(store: Store, *kinds: str, key: Key = KEY, at: datetime = NOON, **more: object) -> Committed:
    """One change of the watch with an event of each kind; the watch is made where there is none."""
    watch = await store.watch(key) or (await follow(store, key))[0]
    events = [event(watch, watch.number + count, kind, at, **more) for count, kind in enumerate(kinds, start=1)]
    committed = await store.commit(
        Change(watch=replace(watch, number=watch.number + len(kinds)), version=watch.version, events=events)
    )
    assert committed is not None
    return committed


async def owe(store: Store, count: int, *endpoints: Endpoint) -> None:
    """So many deliveries of one batch to each of the endpoints, which the API keeps."""
    for each in endpoints or (api_endpoint("hook"),):
        assert await store.make_endpoint(each, NOON) is not None
    await happen(store, *["batch.stuck"] * count)


async def claim(
    store: Store, now: datetime, *endpoints: str, room: int = 100, token: str = "mine", retries_first: bool = False
) -> list[Delivery]:
    """What can be claimed now for the endpoints (`hook` where none is named), for LEASE."""
    asked = dict.fromkeys(endpoints or ("hook",), room)
    return await store.claim(asked, token=token, now=now, until=now + LEASE, retries_first=retries_first)


async def settled(store: Store, settlement: Settlement, token: str = "mine") -> Outcome | None:
    """What became of the delivery."""
    settled = await settle_one(store, settlement, token=token)
    return None if settled is None else settled.outcome


async def settle_one(store: Deliveries, settlement: Settlement, *, token: str = "mine") -> Settled | None:
    """What becomes of one attempt that is written down by itself."""
    (settled,) = await store.settle([(settlement, token)])
    return settled


def answered(delivery: Delivery, code: int | None, at: datetime, retry_after: timedelta | None = None) -> Settlement:
    """What follows when the delivery's attempt, a second long, brought the code."""
    error = None if code else "timeout"
    attempt = Attempt(
        at=at, took=timedelta(seconds=1), code=code, error=error, retry_after=retry_after, answer=b"thanks"
    )
    return settle(delivery, attempt, draw=0.0)


async def pragma(sqlite: SqliteStore, text: str) -> int:
    """Says it to the connection that writes."""
    value: int = await sqlite._writer.run("pragma", lambda connection: connection.execute(text).fetchone()[0])
    return value
