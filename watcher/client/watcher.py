"""The watcher, as Python programs ask it."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import aiohttp

from watcher.client import log
from watcher.client.connection import WHOLE, Answer, Connection, Sleep
from watcher.client.log import Filter, Pursuit
from watcher.client.parts import (
    Accounts,
    Broadcasts,
    Deliveries,
    Endpoints,
    Submissions,
    Tokens,
    given,
    named,
    pages,
)
from watcher.client.patience import Noted, Patience
from watcher.client.reading import read
from watcher.client.rows import Rows, portions
from watcher.client.waiting import FINAL, Ended, Told, Vigil, wait
from watcher.client.watches import Account, Document, Event, Explanation, Key, Looks, Outcome, Submission, Watch

PATIENCE: Final = 60.0
"""Seconds that a watcher which did answer may be silent."""

STILL_UNDER_WAY: Final = 202


def _nothing(_: object) -> None:
    """Nobody is told."""


class Watcher:
    """A watcher at an address: `async with Watcher("http://127.0.0.1:8080") as watcher: …`

    Where `account` is left out, the only account that there is is meant. What is read may be asked again where its answer is
    lost, and so may what is changed: each POST bears a key by which the watcher does it once.

    Raises Unreachable, Unauthorized, NotThere, Refused and TryLater, which are WatcherErrors. `patience` are the seconds for
    which `wait` and `events` bear a watcher that answered and is silent (None: for ever); `noted` is told of it. `sleep` and
    `draw` are for whoever has another clock, or other dice.
    """

    accounts: Accounts
    broadcasts: Broadcasts
    endpoints: Endpoints
    deliveries: Deliveries
    submissions: Submissions
    tokens: Tokens
    _session: aiohttp.ClientSession
    _connection: Connection

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        patience: float | None = PATIENCE,
        noted: Noted = _nothing,
        sleep: Sleep = asyncio.sleep,
        draw: Callable[[], float] = random.random,
    ) -> None:
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"{url!r} is not where a watcher is: write it as http://HOST:PORT")
        self.url = url.rstrip("/")
        self._token = token.strip() if token else None  # it may have been read from a file
        self._most = patience
        self._noted = noted
        self._sleep = sleep
        self._draw = draw

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Whoever asks before it is open is told how to."""
            known = f"{type(self).__name__!r} object has no attribute {name!r}"
            opened = name in Watcher.__annotations__
            raise AttributeError(f"{known} yet: open it with `async with Watcher(…) as watcher`" if opened else known)

    async def __aenter__(self) -> Self:
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        self._session = aiohttp.ClientSession(headers=headers, read_bufsize=2**20)
        self._connection = Connection(self._session, self.url, self._sleep)
        self.accounts = Accounts(self._connection)
        self.broadcasts = Broadcasts(self._connection, self.accounts)
        self.submissions = Submissions(self._connection, self.accounts)
        self.endpoints = Endpoints(self._connection)
        self.deliveries = Deliveries(self._connection)
        self.tokens = Tokens(self._connection)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def ask(self, method: str, path: str, **how: Any) -> dict[str, Any]:
        """The document that is answered to any question, {} where there is none: for what has no method here. Takes `params`,
        `json`, `data` and `headers` as aiohttp does."""
        return dict((await self._connection.ask(method, path, **how)).document)

    # Batches

    async def follow(
        self,
        batch_id: int,
        *,
        account: str | None = None,
        labels: Mapping[str, str] | None = None,
        correlation_id: str | None = None,
        broadcast_id: int | None = None,
        expires_in: str | float | None = None,
    ) -> Watch:
        """Follows the batch; where it is followed already, what is given is set. `expires_in`: seconds, or as in "12h"."""
        body = given(labels=labels, correlation_id=correlation_id, broadcast_id=broadcast_id, expires_in=expires_in)
        return await self._watch("PUT", batch_id, account, json=body)

    async def follow_many(
        self, rows: Rows, *, progress: Callable[[int], None] = _nothing
    ) -> AsyncIterator[Sequence[Outcome]]:
        """Follows very many, streamed in portions of up to 10,000; what became of each. `progress` is told how many were sent.

        Rows that are refused spoil no others. Never more than a portion is held in memory.
        """
        async for portion in portions(rows):
            answer = await self._connection.ask(
                "POST",
                "/v1/watches",
                data=portion.body,
                headers={"Content-Type": "application/x-ndjson"},
                also=("no-good-row",),
            )
            progress(len(portion.where))
            yield portion.outcomes(answer.document)

    async def watch(
        self, batch_id: int, *, account: str | None = None, wait: float | None = None, etag: str | None = None
    ) -> Watch:
        """The batch as last seen, with its transitions.

        With `wait`, up to 60 seconds, it is answered as soon as it changed: from what it was when it had this `etag`, or from now
        on; after that time as it is.
        """
        headers = {} if wait is None else {"Prefer": f"wait={wait:.0f}"}
        headers |= {} if etag is None else {"If-None-Match": etag}
        path = await self._path(batch_id, account)
        answer = await self._connection.ask("GET", path, headers=headers, within=WHOLE + (wait or 0))
        if answer.status == 304:
            answer = await self._connection.ask("GET", path)
        return _watch_in(answer)

    async def watches(
        self,
        *,
        account: str | Sequence[str] | None = None,
        status: str | None = None,
        state: str | None = None,
        final: bool | None = None,
        stuck: bool | None = None,
        overdue: bool | None = None,
        labels: Mapping[str, str] | None = None,
        broadcast_id: int | None = None,
        since: datetime | None = None,
        q: str | None = None,
        portion: int = 1000,
    ) -> AsyncIterator[Watch]:
        """All watches to which all of this applies. `state`: open, settled, missing or expired. `since`: in their present status
        since then or later. `q`: found by that, as a person would: how an id begins, a part of a name or of a label's value, a
        label, a correlation id. They are asked for as they are wanted, a `portion` at a time."""
        accounts = [account] if isinstance(account, str) else account or ()
        query = [("account", name) for name in accounts]
        query += [("label", f"{name}:{value}") for name, value in (labels or {}).items()]
        flags = {"final": final, "stuck": stuck, "overdue": overdue}
        query += [(name, str(flag).lower()) for name, flag in flags.items() if flag is not None]
        told = {
            "status": status,
            "state": state,
            "broadcast": broadcast_id,
            "since": since and since.isoformat(),
            "q": q,
        }
        query += [(name, str(value)) for name, value in told.items() if value is not None]
        async for item in pages(self._connection, "/v1/watches", query, portion):
            yield read(Watch, item)

    async def stop(self, batch_id: int, *, account: str | None = None) -> None:
        """Follows the batch no more."""
        await self._connection.ask("DELETE", await self._path(batch_id, account))

    async def relabel(
        self,
        batch_id: int,
        labels: Mapping[str, str | None] | None = None,
        *,
        account: str | None = None,
        **correlation_id: str | None,
    ) -> Watch:
        """Sets those labels, and takes away those that are None; the others stay. With `correlation_id` that is set too."""
        return await self._watch("PATCH", batch_id, account, json=given(labels=labels) | correlation_id)

    async def refresh(self, batch_id: int, *, account: str | None = None) -> Watch:
        """Has it looked at now; the watch as seen then, or as it is where that takes too long (then it is not `fresh`)."""
        answer = await self._connection.ask("POST", await self._path(batch_id, account, "refresh"))
        return replace(_watch_in(answer), fresh=answer.status != STILL_UNDER_WAY)

    async def explain(self, batch_id: int, *, account: str | None = None) -> Explanation:
        """Why it is looked at when it is. Refused (`not-open`) where it is not looked at any more."""
        path = await self._path(batch_id, account, "explanation")
        return read(Explanation, (await self._connection.ask("GET", path)).document)

    async def looks(self, batch_id: int, *, account: str | None = None) -> Looks:
        """The single looks at it that the watcher remembers."""
        path = await self._path(batch_id, account, "looks")
        return read(Looks, (await self._connection.ask("GET", path)).document)

    async def submit(
        self, broadcast_id: int, *, account: str | None = None, key: str | None = None, **batch: Any
    ) -> Submission:
        """Adds a batch to a broadcast, and follows it; never sent twice. `batch` has the keys of the interface: name, recipients
        or contact_list_id, kind, labels… With a `key` of your own it can be asked again safely, also by another process."""
        path = named("accounts", await self.accounts.meant(account), "broadcasts", broadcast_id, "batches")
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = await self._connection.ask("POST", path, json=batch, headers=headers, within=2 * WHOLE)
        return read(Submission, answer.document)

    async def switch(self, batch_id: int, *, enabled: bool, account: str | None = None) -> Document:
        """Has the batch's contacts called or texted, or not; the batch as CallFire shows it then."""
        path = await self._path(batch_id, account, "enabled")
        return (await self._connection.ask("PUT", path, json={"enabled": enabled})).document

    # Waiting and listening

    async def wait(
        self,
        batch_ids: Iterable[int | Key],
        *,
        account: str | None = None,
        until: str | Collection[str] = FINAL,
        any_: bool = False,
        timeout: float | None = None,
        told: Told = _nothing,
    ) -> Ended:
        """Returns when all batches (or any) have come to a status of `until`, or to an end, or after `timeout` seconds.

        What is not followed is followed. `told` gets each event. The stream of events tells it at once; where that does not
        flow, the batches are asked about every second, and the last one by a question that waits for its change.
        """
        keys = [each if isinstance(each, Key) else Key(await self.accounts.meant(account), each) for each in batch_ids]
        vigil = Vigil(self, keys, until=(until,) if isinstance(until, str) else until, told=told)
        return await wait(self, vigil, any_=any_, timeout=timeout, patience=self.patience())

    def events(
        self,
        *,
        after: int | None = 0,
        follow: bool = False,
        types: str | Sequence[str] = (),
        account: str | None = None,
        batch_id: int | None = None,
        most: int | None = None,
    ) -> AsyncGenerator[Event, None]:
        """The events of the log after a position, `most` of them: those that there are, or with `follow` those to come too.

        With `follow` and `after` None: from now on. Connections that break are opened again; none is missed, none comes twice.
        """
        types = (types,) if isinstance(types, str) else types
        wanted = Filter(types=types, account=account, batch_id=batch_id)
        if follow:
            pursuit = Pursuit(self._connection, wanted, after, self.patience(), self._noted)
            return log.first(pursuit.events(), most)
        return log.first(log.kept(self._connection, wanted, after or 0, most), most)

    async def flow(self, account: str | None = None) -> AsyncGenerator[Event | None, None]:
        """One connection to the stream, from now on: first None as soon as it flows. For who sees to the gaps; else `events`."""
        async for frame in log.frames(self._connection, Filter(account=account).query(), None):
            if frame is None:
                yield None
            elif frame.data and frame.event not in log.NO_EVENTS:
                yield log.event_in(frame)

    async def all_accounts(self) -> Sequence[Account]:
        """As `accounts.list`."""
        return await self.accounts.list()

    def patience(self, *, quiet: bool = False) -> Patience:
        """A new one, for questions that are asked again and again; `quiet` where another tells of silences already."""
        return Patience(self._most, self._sleep, _nothing if quiet else self._noted, self._draw)

    async def _path(self, batch_id: int, account: str | None, *part: str) -> str:
        return named("accounts", await self.accounts.meant(account), "batches", batch_id, *part)

    async def _watch(self, method: str, batch_id: int, account: str | None, **more: Any) -> Watch:
        return _watch_in(await self._connection.ask(method, await self._path(batch_id, account), **more))


def _watch_in(answer: Answer) -> Watch:
    return replace(read(Watch, answer.document), etag=answer.headers.get("ETag"))
