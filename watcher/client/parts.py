"""What a watcher is asked about accounts, broadcasts, submissions, endpoints, deliveries and tokens: the parts of a `Watcher`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

from watcher.client.connection import Connection
from watcher.client.errors import NotThere, Refused, Unauthorized
from watcher.client.reading import read
from watcher.client.subscribed import Attempt, Delivery, Endpoint, Recovered, Token
from watcher.client.watches import Account, Broadcast, Document, Submission

PAGE: Final = 1000
SAMPLED: Final = 90.0
"""Seconds for a question that has the watcher ask a receiver."""


async def pages(
    connection: Connection, path: str, query: Sequence[tuple[str, str]], limit: int = PAGE
) -> AsyncIterator[Document]:
    """The items of a list, page by page, as they are wanted."""
    asked = [*query, ("limit", str(limit))]
    while True:
        page = (await connection.ask("GET", path, params=asked)).document
        for item in page["items"]:
            yield item
        if page["next"] is None:
            return
        asked = [*query, ("limit", str(limit)), ("cursor", page["next"])]


def named(*steps: object) -> str:
    """A path; what stands in it cannot lead elsewhere."""
    return "/v1/" + "/".join(quote(str(step), safe="") for step in steps)


def given(**values: Any) -> dict[str, Any]:
    """Those of the values that somebody gave."""
    return {name: value for name, value in values.items() if value is not None}


class Accounts:
    """The accounts whose batches are followed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._names: tuple[str, ...] | None = None

    async def list(self) -> list[Account]:
        """All that there are for the token, with their condition."""
        found = [read(Account, item) async for item in pages(self._connection, "/v1/accounts", (), 1000)]
        self._names = tuple(account.name for account in found)
        return found

    async def show(self, name: str) -> Account:
        """One, with what it has learnt, and its StreamRank figures."""
        return read(Account, (await self._connection.ask("GET", named("accounts", name))).document)

    async def resume(self, name: str) -> Account:
        """Asks CallFire again now, where the account is refused or pauses."""
        return read(Account, (await self._connection.ask("POST", named("accounts", name, "resume"))).document)

    async def meant(self, name: str | None) -> str:
        """That name, or the only one that there is. Refused (`account-wanted`) where there are several, NotThere where there is
        none of that name."""
        names = self._names
        if names is None or (name is not None and name not in names):
            try:
                names = tuple(account.name for account in await self.list())
            except Unauthorized as error:
                if name is None or error.kind != "scope-missing":
                    raise
                return name  # who may not read may know it all the same
        if name is None and len(names) == 1:
            return names[0]
        if name is None:
            raise Refused(
                f"there are several accounts: name one of {', '.join(names)}",
                kind="account-wanted",
                document={"accounts": names},
            )
        if name not in names:
            raise NotThere(
                f"there is no account {name}: there are {', '.join(names)}",
                kind="unknown-account",
                document={"accounts": names},
            )
        return name

    @property
    def several(self) -> bool:
        """Whether more than one is known."""
        return len(self._names or ()) > 1


class Broadcasts:
    """Broadcasts that are followed as a whole."""

    def __init__(self, connection: Connection, accounts: Accounts) -> None:
        self._connection = connection
        self._accounts = accounts

    async def follow(
        self,
        broadcast_id: int,
        *,
        account: str | None = None,
        kind: str | None = None,
        labels: Mapping[str, str] | None = None,
        correlation_id: str | None = None,
    ) -> Broadcast:
        """Follows every batch of it, also those to come. `kind` is call or text; else it is found out."""
        body = given(kind=kind, labels=labels, correlation_id=correlation_id)
        return await self._ask("PUT", broadcast_id, account, json=body)

    async def list(self, *, account: str | None = None, followed: bool | None = None) -> AsyncIterator[Broadcast]:
        """Those of which something is known; with `followed` only those that are, or are not."""
        query = [] if account is None else [("account", account)]
        query += [] if followed is None else [("followed", str(followed).lower())]
        async for item in pages(self._connection, "/v1/broadcasts", query):
            yield read(Broadcast, item)

    async def relabel(
        self,
        broadcast_id: int,
        labels: Mapping[str, str | None] | None = None,
        *,
        account: str | None = None,
        **correlation_id: str | None,
    ) -> Broadcast:
        """Sets those labels, and takes away those that are None, for batches that are found from now on."""
        return await self._ask("PATCH", broadcast_id, account, json=given(labels=labels) | correlation_id)

    async def show(self, broadcast_id: int, *, account: str | None = None) -> Broadcast:
        """How it stands."""
        return await self._ask("GET", broadcast_id, account)

    async def stop(self, broadcast_id: int, *, account: str | None = None) -> None:
        """Finds no more batches in it; those that were found are followed on."""
        await self._connection.ask("DELETE", await self._path(broadcast_id, account))

    async def _ask(self, method: str, broadcast_id: int, account: str | None, **more: Any) -> Broadcast:
        answer = await self._connection.ask(method, await self._path(broadcast_id, account), **more)
        return read(Broadcast, answer.document)

    async def _path(self, broadcast_id: int, account: str | None) -> str:
        return named("accounts", await self._accounts.meant(account), "broadcasts", broadcast_id)


class Submissions:
    """What was sent to CallFire, and is to be. `Watcher.submit` makes one."""

    def __init__(self, connection: Connection, accounts: Accounts) -> None:
        self._connection = connection
        self._accounts = accounts

    async def list(self, *, account: str | None = None, settled: bool | None = None) -> AsyncIterator[Submission]:
        """The newest first; with `settled` False those that something is still to be done about."""
        query = [] if settled is None else [("settled", str(settled).lower())]
        async for item in pages(self._connection, named("accounts", await self._meant(account), "submissions"), query):
            yield read(Submission, item)

    async def show(self, submission_id: str, *, account: str | None = None) -> Submission:
        """How it stands."""
        return await self._ask("GET", submission_id, account)

    async def withdraw(self, submission_id: str, *, account: str | None = None) -> Submission:
        """Has nothing more done about it; what CallFire has stays there."""
        return await self._ask("DELETE", submission_id, account)

    async def _ask(self, method: str, submission_id: str, account: str | None) -> Submission:
        path = named("accounts", await self._meant(account), "submissions", submission_id)
        return read(Submission, (await self._connection.ask(method, path)).document)

    async def _meant(self, account: str | None) -> str:
        return await self._accounts.meant(account)


class Endpoints:
    """Who gets webhooks."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list(self, *, recent: bool = False) -> list[Endpoint]:
        """All of them, in the order of ids; with `recent` also how the last hour's attempts went."""
        return [read(Endpoint, item) async for item in pages(self._connection, "/v1/endpoints", _recent(recent))]

    async def show(self, endpoint_id: str, *, recent: bool = False) -> Endpoint:
        """How it is set up, and how it stands; with `recent` also how the last hour's attempts went."""
        return await self._ask("GET", endpoint_id, params=_recent(recent))

    async def make(self, url: str, **set_up: Any) -> Endpoint:
        """A new one, with its `secrets`, this once. `set_up` has the keys of the interface: id, types, labels, rate…"""
        answer = await self._connection.ask("POST", "/v1/endpoints", json={"url": url, **set_up}, within=SAMPLED)
        return read(Endpoint, answer.document)

    async def change(self, endpoint_id: str, **set_up: Any) -> Endpoint:
        """Sets up anew what is given, None being what it is where nothing is said; the rest stays."""
        return await self._ask("PATCH", endpoint_id, json=set_up)

    async def remove(self, endpoint_id: str) -> None:
        """Deletes it; what it was owed is not sent any more."""
        await self._connection.ask("DELETE", self._path(endpoint_id))

    async def enable(self, endpoint_id: str, *, send_held: bool = True) -> Endpoint:
        """It gets webhooks again, and what was held for it."""
        return await self._ask("POST", endpoint_id, "enable", json={"send_held": send_held})

    async def disable(self, endpoint_id: str, *, reason: str | None = None) -> Endpoint:
        """What happens is held for it from now on."""
        return await self._ask("POST", endpoint_id, "disable", json=given(reason=reason))

    async def rotate(
        self, endpoint_id: str, *, grace: str | float | None = None, secret: str | None = None
    ) -> Endpoint:
        """New keys, their `secrets` this once; the old ones sign along for the grace, as in "24h"."""
        return await self._ask("POST", endpoint_id, "rotate", json=given(grace=grace, secret=secret))

    async def test(self, endpoint_id: str, event_type: str = "ping") -> Attempt:
        """Sends a signed sample now; what came of it, whatever the receiver said."""
        path = self._path(endpoint_id, "test")
        answer = await self._connection.ask("POST", path, json={"type": event_type}, within=SAMPLED)
        return read(Attempt, answer.document)

    async def recover(
        self,
        endpoint_id: str,
        *,
        since: str,
        until: str | None = None,
        states: Sequence[str] = (),
        after: int = 0,
        dry_run: bool = False,
    ) -> Recovered:
        """Sends again what it missed: a portion. While `after` of the answer is not None, ask again with what it says."""
        body = given(since=since, until=until, states=list(states) or None, after=after, dry_run=dry_run)
        answer = await self._connection.ask("POST", self._path(endpoint_id, "recover"), json=body)
        return read(Recovered, answer.document)

    async def _ask(self, method: str, endpoint_id: str, *part: str, **more: Any) -> Endpoint:
        return read(Endpoint, (await self._connection.ask(method, self._path(endpoint_id, *part), **more)).document)

    def _path(self, endpoint_id: str, *part: str) -> str:
        return named("endpoints", endpoint_id, *part)


def _recent(recent: bool) -> Sequence[tuple[str, str]]:
    return [("recent", "true")] if recent else []


class Deliveries:
    """What endpoints are owed, and were."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list(
        self,
        *,
        endpoint: str | None = None,
        account: str | None = None,
        batch_id: int | None = None,
        states: Sequence[str] = (),
    ) -> AsyncIterator[Delivery]:
        """Deliveries, the newest first. `batch_id` is one of the `account`, or of any where none is given."""
        alone = endpoint is not None and account is None and batch_id is None
        path = named("endpoints", endpoint, "deliveries") if alone else named("deliveries")
        told = {} if alone else given(endpoint=endpoint, account=account, batch_id=batch_id)
        query = [*(("state", state) for state in states), *((name, str(value)) for name, value in told.items())]
        async for item in pages(self._connection, path, query):
            yield read(Delivery, item)

    async def show(self, delivery_id: int) -> Delivery:
        """One, with its attempts as `history`."""
        return read(Delivery, (await self._connection.ask("GET", named("deliveries", delivery_id))).document)

    async def resend(self, delivery_id: int) -> Delivery:
        """Sends it again, with a full schedule of attempts."""
        return read(Delivery, (await self._connection.ask("POST", named("deliveries", delivery_id, "resend"))).document)


class Tokens:
    """Who may ask."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def list(self) -> list[Token]:
        """All of them; secrets are never shown again."""
        return [read(Token, item) async for item in pages(self._connection, "/v1/tokens", ())]

    async def make(
        self,
        name: str,
        *,
        scopes: Sequence[str],
        accounts: Sequence[str] | None = None,
        expires_in: str | float | None = None,
    ) -> Token:
        """A new one, with its secret as `token`, this once. Scopes: read, write, submit, admin; `accounts` None means all."""
        body = {"name": name, "scopes": list(scopes)} | given(
            accounts=None if accounts is None else [*accounts], expires_in=expires_in
        )
        return read(Token, (await self._connection.ask("POST", "/v1/tokens", json=body)).document)

    async def remove(self, token_id: str) -> None:
        """It is good for nothing from now on."""
        await self._connection.ask("DELETE", named("tokens", token_id))
