"""Asks a running daemon over HTTP: where it is, what it answers, and its problems as one line each."""

import io
import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import aiohttp

if TYPE_CHECKING:
    from watcher.settings import Http

CONNECT: Final = 5.0
"""Seconds to connect in."""
WHOLE: Final = 60.0
"""Seconds for a whole request: ten thousand rows take a moment to store."""
MOST_ROWS: Final = 10_000
MOST_BYTES: Final = 3_500_000
"""What the daemon takes at once is a little more."""
PAGE: Final = 1000
PLACES: Final[Mapping[str, str]] = {"batch": "batches", "broadcast": "broadcasts"}
"""Where the daemon has what can be followed."""
NOT_FOLLOWED: Final = ("not-followed", "broadcast-not-followed")
NOT_FOUND: Final = ("unknown-endpoint", "unknown-delivery")
"""The kinds of its problems with what is not."""
SHOWN: Final = ("items", "batch_id", "broadcast_id", "signatures", "event_id", "took", "counts")
"""Keys by which what a watcher shows is known as such: of these each has one at least."""

Document = Mapping[str, Any]
"""What the daemon shows, as it came."""


class DaemonError(Exception):
    """The daemon did not do it; the message says why and what to do."""


class NoDaemon(DaemonError):
    """Nothing answers at the address, or something that is no watcher."""


class NotFound(DaemonError):
    """The daemon has no such thing."""


class NotFollowed(NotFound):
    """The daemon does not follow that batch, or that broadcast."""


class Refusal(DaemonError):
    """The daemon refuses it: `kind` is the stable name of its problem, `document` the problem as it came."""

    def __init__(self, said: str, document: Document) -> None:
        super().__init__(said)
        self.kind = _kind(document)
        self.document = document


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the daemon is, and what to show it. `named`: somebody gave the address, it was not only to be expected."""

    url: str
    token: str | None = None
    named: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A batch to follow, as the daemon takes it, and where it was named."""

    where: str
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a row: created, known or reopened, or why it was refused (`error`)."""

    row: Row
    result: str | None
    account: str | None = None
    batch_id: int | None = None
    error: str | None = None


def place_of(config: Path | None, environ: Mapping[str, str]) -> Place:
    """The daemon that WATCHER_URL names, or the one that these settings would start. Raises DaemonError and BadSettings.

    A token of the settings file is for the daemon of that file: it is never sent to an address from WATCHER_URL.
    """
    from watcher.settings import load_http

    url = environ.get("WATCHER_URL")
    if url:
        try:
            parts = urlsplit(url)
            good = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and parts.port != 0
        except ValueError:
            good = False
        if not good:
            raise DaemonError("environment variable WATCHER_URL: is not a URL: write it as http://HOST:PORT")
        mine = {name: value for name, value in environ.items() if name.startswith("WATCHER_API_TOKEN")}
        http = load_http(Path(os.devnull), mine)
        return Place(url=url.rstrip("/"), token=_token(http), named=True)
    http = load_http(config, environ)
    if http.listen.port == 0:
        raise DaemonError(
            "the settings let the daemon take any port: set WATCHER_URL to the address it said at its start"
        )
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(http.listen.host, http.listen.host)  # noqa: S104 -- not listened on
    host = f"[{host}]" if ":" in host and not host.startswith("[") else host
    return Place(url=f"http://{host}:{http.listen.port}", token=_token(http))


@asynccontextmanager
async def reach(place: Place) -> "AsyncIterator[Daemon]":
    """A connection to the daemon; whether one answers shows at the first question."""
    headers = {"Authorization": f"Bearer {place.token}"} if place.token else {}
    timeout = aiohttp.ClientTimeout(total=WHOLE, sock_connect=CONNECT)
    async with aiohttp.ClientSession(headers=headers, timeout=timeout) as session:
        yield Daemon(session, place.url)


class Daemon:
    """The questions. Each raises NoDaemon where none answers, Refusal where it refuses, NotFound for what is not there."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url
        self._several = False

    async def accounts(self) -> list[Document]:
        """All accounts with their condition."""
        return list((await self.ask("GET", "/v1/accounts"))["items"])

    async def account(self, name: str | None) -> str:
        """The account of that name, or the only one there is."""
        names = [account["name"] for account in await self.accounts()]
        self._several = len(names) > 1
        if name is None and len(names) == 1:
            return str(names[0])
        if name is None:
            raise DaemonError(f"there are several accounts: name one with --account ({', '.join(names)})")
        if name not in names:
            raise DaemonError(f"there is no account {name}: --account takes one of {', '.join(names)}")
        return name

    async def follow(self, rows: Sequence[Row]) -> AsyncIterator[list[Outcome]]:
        """Follows the batches, a portion at a time."""
        for portion in _portions(rows):
            body = io.BytesIO(b"\n".join(line for _, line in portion))
            answer = await self.ask(
                "POST",
                "/v1/watches",
                data=body,
                headers={"Content-Type": "application/x-ndjson"},
                also=("no-good-row",),
            )
            yield [_outcome(portion[item["row"]][0], item) for item in answer["items"]]

    async def watch(self, account: str, batch_id: int) -> Document:
        """The watch with its transitions."""
        return await self._ask_of("GET", account, "batch", batch_id)

    async def explanation(self, account: str, batch_id: int) -> Document:
        """Why the batch is looked at when it is. NotFollowed also where it is not looked at any more."""
        document = await self._ask_of("GET", account, "batch", batch_id, part="/explanation", also=("not-open",))
        if _kind(document) != "not-open":
            return document
        if document["state"] == "open":
            raise NotFollowed(str(document["detail"]))
        ended = f"batch {batch_id} of account {account} is {document['state']}: it is not looked at any more"
        raise NotFollowed(f"{ended}; {self._add(account, str(batch_id))} follows it again")

    async def unfollow(self, account: str, batch_id: int) -> None:
        """Stops following the batch."""
        await self._ask_of("DELETE", account, "batch", batch_id)

    async def follow_broadcast(self, account: str, broadcast_id: int, body: Document) -> Document:
        """Follows the broadcast as a whole; how it stands."""
        return await self._ask_of("PUT", account, "broadcast", broadcast_id, json=body)

    async def broadcast(self, account: str, broadcast_id: int) -> Document:
        """How the broadcast stands."""
        return await self._ask_of("GET", account, "broadcast", broadcast_id)

    async def unfollow_broadcast(self, account: str, broadcast_id: int) -> None:
        """Finds no more batches in it; those that were found are followed on."""
        await self._ask_of("DELETE", account, "broadcast", broadcast_id)

    async def watches(
        self, *, account: str | None = None, status: str | None = None, final: bool | None = None
    ) -> AsyncIterator[Document]:
        """All watches that match, in the order of account and batch id."""
        query = {"limit": str(PAGE)}
        query |= {} if account is None else {"account": account}
        query |= {} if status is None else {"status": status}
        query |= {} if final is None else {"final": str(final).lower()}
        while True:
            page = await self.ask("GET", "/v1/watches", params=query)
            for item in page["items"]:
                yield item
            if page["next"] is None:
                return
            query["cursor"] = page["next"]

    async def events(
        self,
        *,
        after: int,
        limit: int = PAGE,
        types: Sequence[str] = (),
        account: str | None = None,
        batch: int | None = None,
    ) -> tuple[list[Document], int]:
        """Events after a position in the log, and the position to go on from."""
        query = [("after", str(after)), ("limit", str(limit)), *(("type", kind) for kind in types)]
        query += [] if account is None else [("account", account)]
        query += [] if batch is None else [("batch_id", str(batch))]
        page = await self.ask("GET", "/v1/events", params=query)
        return list(page["items"]), int(page["next"])

    async def _ask_of(
        self, method: str, account: str, what: str, number: int, *, part: str = "", **more: Any
    ) -> Document:
        try:
            return await self.ask(method, f"/v1/accounts/{account}/{PLACES[what]}/{number}{part}", **more)
        except NotFollowed:
            named = f"--broadcast {number}" if what == "broadcast" else str(number)
            raise NotFollowed(
                f"{what} {number} of account {account} is not followed: {self._add(account, named)} follows it"
            ) from None

    def _add(self, account: str, named: str) -> str:
        """The command that follows it; with the account where there are several."""
        return f"`watcher add {named}{f' --account {account}' if self._several else ''}`"

    async def ask(self, method: str, path: str, *, also: Sequence[str] = (), **more: Any) -> Document:
        """The answer's document, {} where it has none. A problem of a kind in `also` counts as an answer."""
        try:
            async with self._session.request(method, self._url + path, allow_redirects=False, **more) as response:
                named = response.headers.get("Server") == "watcher"
                document = _json(await response.read())
                status = response.status
        except TimeoutError:
            raise DaemonError(f"the daemon at {self._url} does not answer in time: look at its log") from None
        except aiohttp.ClientConnectorError as error:
            raise NoDaemon(self._nobody(error.strerror or str(error))) from error
        except aiohttp.ClientError as error:
            raise NoDaemon(self._nobody(str(error) or type(error).__name__)) from error
        if status == 204:
            return {}
        if document is None or not (named or _ours(document)):
            raise NoDaemon(f"something else answers at {self._url}: set WATCHER_URL to the daemon's address")
        if status < 400 or _kind(document) in also:
            return document
        raise _refusal(status, document)

    def _nobody(self, reason: str) -> str:
        return f"no daemon answers at {self._url} ({reason}): start it with `watcher run`, or set WATCHER_URL"


def _token(http: "Http") -> str | None:
    return None if http.token is None else http.token.get_secret_value()


def _portions(rows: Sequence[Row]) -> list[list[tuple[Row, bytes]]]:
    """The rows in as few portions as the daemon takes at once."""
    portions: list[list[tuple[Row, bytes]]] = []
    size = MOST_BYTES
    for row in rows:
        line = json.dumps(row.body).encode()
        if size + len(line) + 1 > MOST_BYTES or len(portions[-1]) == MOST_ROWS:
            portions.append([])
            size = 0
        portions[-1].append((row, line))
        size += len(line) + 1
    return portions


def _outcome(row: Row, item: Document) -> Outcome:
    if "error" in item:
        return Outcome(row=row, result=None, error=str(item["error"].get("detail", "refused")))
    return Outcome(row=row, result=item["result"], account=item["account"], batch_id=item["batch_id"])


def _json(text: bytes) -> Document | None:
    try:
        document = json.loads(text)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _ours(document: Document) -> bool:
    """Whether it can only be a watcher's: a proxy may have put another name into the header Server."""
    kind = str(document.get("type", ""))
    return kind.startswith("/problems/") or not document.keys().isdisjoint(SHOWN)


def _kind(document: Document) -> str:
    return str(document.get("type", "")).rpartition("/")[2]


def _refusal(status: int, document: Document) -> DaemonError:
    detail = str(document.get("detail") or document.get("title") or f"HTTP {status}")
    if _kind(document) == "token-wrong":
        return DaemonError(
            "the daemon does not accept the token: set WATCHER_API_TOKEN to the one that the daemon was started with"
        )
    if status == 401:
        return DaemonError(f"the daemon wants its token: set WATCHER_API_TOKEN ({detail})")
    if _kind(document) in NOT_FOLLOWED:
        return NotFollowed(detail)
    return NotFound(detail) if _kind(document) in NOT_FOUND else Refusal(detail, document)
