"""One question and its answer over HTTP; which questions are asked again where the answer was lost, and what problems mean.

Nothing is repeated unless that is safe: reads, what is idempotent by itself (PUT, DELETE), and POSTs, which bear a key by which
the watcher does a thing once however often it is asked.
"""

import io
import json
import os
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from watcher.client.errors import NotThere, Refused, TryLater, Unauthorized, Unreachable, WatcherError
from watcher.client.watches import Document

CONNECT: Final = 5.0
"""Seconds to connect in."""
WHOLE: Final = 60.0
"""Seconds for a whole question: ten thousand rows take a moment to store."""
TRIES: Final = 3
"""How often a question is asked whose answer is lost, or that cannot be answered just now."""
AGAIN: Final = 0.2
"""Seconds after which a question is asked again whose answer was lost."""
LONGEST_PAUSE: Final = 5.0
"""Seconds that are waited at most before a question is asked again, whatever the watcher says."""
REPEATABLE: Final = ("GET", "PUT", "DELETE", "POST")
UNDER_WAY: Final = "idempotency-under-way"
SHOWN: Final = ("items", "batch_id", "broadcast_id", "signatures", "event_id", "took", "counts", "scopes", "condition")
"""Keys by which what a watcher shows is known as such: of these each has one at least."""

Sleep = Callable[[float], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was answered. Without a body the document is {}."""

    status: int
    document: Document = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


class _Once:
    """Lets a question out once: aiohttp would ask some again by itself, and nobody would know that an answer was lost."""

    def __init__(self) -> None:
        self._out = False

    async def __call__(
        self, request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        if self._out:
            raise aiohttp.ServerDisconnectedError
        self._out = True
        return await handler(request)


class _Lost(Exception):
    """The question may have arrived or not: no answer came."""


class Connection:
    """Asks one watcher. Raises Unreachable, Unauthorized, NotThere, Refused or TryLater."""

    def __init__(self, session: aiohttp.ClientSession, url: str, sleep: Sleep) -> None:
        self.session = session
        self.url = url
        self.sleep = sleep

    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: Any = None,
        json: object = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        also: Sequence[str] = (),
        within: float = WHOLE,
    ) -> Answer:
        """The answer. A problem of a kind in `also` counts as one; `within` are seconds."""
        headers = dict(headers or {})
        if method == "POST":
            headers.setdefault("Idempotency-Key", secrets.token_hex(16))
        how = {"params": params, "json": json, "headers": headers, "timeout": deadline(within)}
        was_lost = False
        for left in reversed(range(TRIES if method in REPEATABLE else 1)):
            more = {} if data is None else {"data": io.BytesIO(data)}  # the body of an earlier try is read up
            try:
                return await self._once(method, path, also, {**how, **more})
            except _Lost as lost:
                if not left:
                    raise Unreachable(self._nobody(str(lost))) from lost.__cause__
                was_lost = True
                await self.sleep(AGAIN)
            except NotThere:
                if method == "DELETE" and was_lost:
                    return Answer(status=204)  # an earlier try did it, whose answer was lost
                raise
            except TryLater as later:
                if not left or later.kind not in ("store-unavailable", UNDER_WAY):
                    raise
                await self.sleep(min(later.after, LONGEST_PAUSE))
        raise AssertionError  # the last try returns or raises

    async def _once(self, method: str, path: str, also: Sequence[str], how: Mapping[str, Any]) -> Answer:
        try:
            how = {**how, "allow_redirects": False, "middlewares": (_Once(),)}
            async with self.session.request(method, self.url + path, **how) as response:
                return answer_of(self.url, response, await response.read(), also)
        except aiohttp.ConnectionTimeoutError:
            raise Unreachable(self._nobody("it does not accept connections")) from None
        except TimeoutError:
            raise TryLater(f"the daemon at {self.url} does not answer in time: look at its log") from None
        except aiohttp.ClientConnectorError as error:
            raise Unreachable(self._nobody(reason_of(error))) from error
        except aiohttp.ClientError as error:
            raise _Lost(str(error) or type(error).__name__) from error

    def _nobody(self, reason: str) -> str:
        return f"no daemon answers at {self.url} ({reason})"


def reason_of(error: aiohttp.ClientConnectorError) -> str:
    """Why nobody could be connected to, in the system's words where it has some: the loop's own name the address again. The
    numbers of TLS errors are none of the system's."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"the certificate is not trusted: {getattr(error.certificate_error, 'verify_message', error.certificate_error)}"
    if isinstance(error, aiohttp.ClientConnectorSSLError):
        return error.strerror or str(error)
    return os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror or str(error)


def deadline(within: float | None, silence: float | None = None) -> aiohttp.ClientTimeout:
    """Seconds for the whole, and between two parts of it."""
    return aiohttp.ClientTimeout(total=within, sock_connect=CONNECT, sock_read=silence)


def answer_of(url: str, response: aiohttp.ClientResponse, body: bytes, also: Sequence[str] = ()) -> Answer:
    """What the response says; raises what it means where it is a problem."""
    document = _json(body)
    headers = response.headers
    if response.status in (204, 304):
        return Answer(status=response.status, headers=headers)
    if document is None or not (response.headers.get("Server") == "watcher" or _ours(document)):
        raise Unreachable(f"something else answers at {url}", kind="something-else")
    if response.status < 400 or kind_of(document) in also:
        return Answer(status=response.status, document=document, headers=headers)
    raise _problem(response.status, document, headers)


def kind_of(document: Document) -> str:
    """The stable name of a problem."""
    return str(document.get("type", "")).rpartition("/")[2]


def _problem(status: int, document: Document, headers: Mapping[str, str]) -> WatcherError:
    detail = str(document.get("detail") or document.get("title") or f"HTTP {status}")
    kind = kind_of(document)
    if status in (429, 503) or kind == UNDER_WAY:
        after = headers.get("Retry-After", "")
        return TryLater(detail, kind=kind, document=document, after=float(after) if after.isdecimal() else 1.0)
    errors: dict[int, type[WatcherError]] = {401: Unauthorized, 403: Unauthorized, 404: NotThere}
    return errors.get(status, Refused)(detail, kind=kind, document=document)


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
