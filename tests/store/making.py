"""Small makers of what the store keeps, with everything that a test does not care about filled in."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tests.fakes import NOON
from watcher.core.model import Attempt, Delivery, Endpoint, Event, Key, LastLook, Watch
from watcher.core.outbox import Settlement, settle
from watcher.ports import Change, Committed, Store, Wish

KEY = Key("default", 13)
LEASE = timedelta(seconds=45)


def event(watch: Watch, number: int, kind: str = "batch.active", at: datetime = NOON) -> Event:
    data = {"account": watch.account, "batch_id": watch.batch_id, "number": number}
    return Event(type=kind, at=at, account=watch.account, batch_id=watch.batch_id, number=number, data=data)


def account_event(number: int, account: str = "default", kind: str = "account.refused") -> Event:
    return Event(type=kind, at=NOON, account=account, batch_id=None, number=number, data={"account": account})


def endpoint(
    name: str = "hook", *, types: Sequence[str] = (), accounts: Sequence[str] = (), url: str = "https://example.com/"
) -> Endpoint:
    return Endpoint(id=name, url=url, types=tuple(types), accounts=tuple(accounts))


def last_look(batch_id: int, asked: datetime, looks: int = 1, size: int | None = 10) -> LastLook:
    answered = asked + timedelta(seconds=1)
    return LastLook(batch_id=batch_id, asked=asked, answered=answered, looks=looks, size=size, remaining=size)


async def follow(store: Store, *keys: Key) -> list[Watch]:
    """New watches for the keys."""
    return [followed.watch for followed in await store.follow([Wish(key=key) for key in keys], NOON)]


async def happen(store: Store, *kinds: str, key: Key = KEY) -> Committed:
    """One change of the watch with an event of each kind; the watch is made where there is none."""
    watch = await store.watch(key) or (await follow(store, key))[0]
    events = [event(watch, watch.number + count, kind) for count, kind in enumerate(kinds, start=1)]
    committed = await store.commit(
        Change(watch=replace(watch, number=watch.number + len(kinds)), version=watch.version, events=events)
    )
    assert committed is not None
    return committed


async def claim(store: Store, now: datetime, *endpoints: str, room: int = 100, token: str = "mine") -> list[Delivery]:
    """What can be claimed now for the endpoints (`hook` where none is named), for LEASE."""
    return await store.claim(dict.fromkeys(endpoints or ("hook",), room), token=token, now=now, until=now + LEASE)


def answered(delivery: Delivery, code: int | None, at: datetime, retry_after: timedelta | None = None) -> Settlement:
    """What follows when the delivery's attempt, a second long, brought the code."""
    error = None if code else "timeout"
    attempt = Attempt(
        at=at, took=timedelta(seconds=1), code=code, error=error, retry_after=retry_after, answer=b"thanks"
    )
    return settle(delivery, attempt, draw=0.0)
