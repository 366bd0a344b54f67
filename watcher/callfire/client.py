"""Asks CallFire over HTTP: one request for each token, within deadlines and bounds, and every failure is an Answer.

Proxies of the environment and .netrc are not used: credentials go to CallFire's own address and nowhere else.
"""

import asyncio
import math
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal

from aiohttp import (
    BaseConnector,
    ClientConnectionError,
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorSSLError,
    ClientError,
    ClientResponseError,
    ClientTimeout,
    ServerDisconnectedError,
    StreamReader,
    TCPConnector,
)
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import RawResponseMessage

from watcher.callfire.bodies import MAX_BODY
from watcher.callfire.limits import Budget
from watcher.callfire.submit import Sent, body_of, decipher_submit, decipher_switch, submit_request, switch_request
from watcher.callfire.wire import (
    Access,
    Request,
    batch_request,
    decipher,
    decipher_page,
    no_answer,
    no_page,
    page_request,
)
from watcher.core.answers import Answer, PageAnswer, SubmitAnswer, SwitchAnswer
from watcher.core.model import PageRef
from watcher.core.news import Answered, Tell
from watcher.core.submissions import Order
from watcher.http.deadlines import Deadlines
from watcher.http.exchange import Destination, Question, destination_of, exchange
from watcher.http.files import NO_FILE, no_file_left
from watcher.ports import Clock

CONNECT: Final = timedelta(seconds=5)
WHOLE: Final = timedelta(seconds=15)
KEEPALIVE: Final = 30.0
"""Seconds an idle connection is kept: shorter than servers do as a rule, so that few are found closed when used again."""
_FAILURES: Final = (ClientError, OSError, UnicodeError)
"""What aiohttp raises where no answer comes; a time-out is an OSError, a name that cannot be one a UnicodeError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The connections that all accounts share, and as whom we ask."""

    connector: BaseConnector
    user_agent: str


@asynccontextmanager
async def open_session(
    *, user_agent: str, tls: ssl.SSLContext | None = None, resolver: AbstractResolver | None = None
) -> AsyncIterator[Session]:
    """Closed at the end.

    It has no limit of connections: each account bounds its own requests, and a shared limit would let one in trouble
    starve the others. `tls` replaces the system's certificates, `resolver` its look-up of names.
    """
    async with TCPConnector(
        limit=0,
        keepalive_timeout=KEEPALIVE,
        ttl_dns_cache=30,
        ssl=True if tls is None else tls,
        resolver=resolver,
    ) as connector:
        yield Session(connector=connector, user_agent=user_agent)


@dataclass(slots=True)
class Heard:
    """An answer as it came in: `body` still packed, and `truncated` where there was more of it."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    truncated: bool = False

    async def take(self, message: RawResponseMessage, content: StreamReader) -> None:
        """Reads the body as received, up to MAX_BODY. Where the code says all (any but 200), it is not lost for a body that does
        not come to its end."""
        self.status, self.headers = message.code, message.headers
        chunks: list[bytes] = []
        room = MAX_BODY + 1
        try:
            while room > 0 and not content.at_eof():
                chunk = await content.read(room)
                chunks.append(chunk)
                room -= len(chunk)
        except (ClientError, OSError):
            if self.status == 200:
                raise
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        self.body, self.truncated = body[:MAX_BODY], room <= 0


class CallFire:
    """CallFire for one account. Implements the port `Upstream`."""

    def __init__(
        self,
        account: str,
        *,
        access: Access,
        session: Session,
        budget: Budget,
        clock: Clock,
        tell: Tell,
        connect: timedelta = CONNECT,
        whole: timedelta = WHOLE,
    ) -> None:
        self._account = account
        self._access = access
        self._server = str(access.batches.origin())
        self._connector = session.connector
        self._there = destination_of(access.batches, headers={"User-Agent": session.user_agent, **access.headers})
        self._budget = budget
        self._asking = _Leaving(budget)  # of all that changes nothing: nobody asks whether that departed
        self._clock = clock
        self._tell = tell
        # No limit of connections, so `connect` is spent on connecting and never on waiting for a free one.
        self._limits = ClientTimeout(connect=connect.total_seconds(), ceil_threshold=60)
        self._whole = whole.total_seconds()
        self._deadlines = Deadlines()

    @property
    def effective_rate(self) -> float:
        return self._budget.rate

    def limit(self, rate: float) -> None:
        self._budget.rate = rate

    def own(self, sure: Callable[[], bool]) -> None:
        self._budget.own(sure)

    def token(self, within: float = math.inf) -> Coroutine[object, object, bool]:
        return self._budget.token(within)

    async def look(self, batch_id: int) -> Answer:
        began, asked = self._clock.monotonic(), self._clock.now()
        try:
            heard = await self._ask(batch_request(self._access, batch_id))
        except _FAILURES as error:
            answer = no_answer(batch_id, _outcome(error), _reason(error), asked=asked, answered=self._clock.now())
        else:
            answer = decipher(
                batch_id,
                heard.status,
                heard.headers,
                heard.body,
                asked=asked,
                answered=self._clock.now(),
                truncated=heard.truncated,
            )
        self._tell_of("batch", answer, began)
        return answer

    async def page(self, ref: PageRef) -> PageAnswer:
        began, asked = self._clock.monotonic(), self._clock.now()
        try:
            heard = await self._ask(page_request(self._access, ref))
        except _FAILURES as error:
            answer = no_page(ref, _outcome(error), _reason(error), asked=asked, answered=self._clock.now())
        else:
            answer = decipher_page(
                ref,
                heard.status,
                heard.headers,
                heard.body,
                asked=asked,
                answered=self._clock.now(),
                truncated=heard.truncated,
            )
        self._tell_of("page", answer, began)
        return answer

    async def submit(self, order: Order, leave: Callable[[], Awaitable[None]]) -> SubmitAnswer:
        body = await asyncio.to_thread(body_of, order)  # of tens of thousands of recipients, perhaps
        began, asked = self._clock.monotonic(), self._clock.now()
        sent = await self._send(submit_request(self._access, order, body), _Leaving(self._budget, leave))
        answer = decipher_submit(sent, asked=asked, answered=self._clock.now())
        self._tell_of("submit", answer, began)
        return answer

    async def switch(self, batch_id: int, enabled: bool) -> SwitchAnswer:
        began, asked = self._clock.monotonic(), self._clock.now()
        sent = await self._send(switch_request(self._access, batch_id, enabled=enabled), _Leaving(self._budget))
        answer = decipher_switch(batch_id, sent, asked=asked, answered=self._clock.now())
        self._tell_of("switch", answer, began)
        return answer

    async def _send(self, request: Request, send: "_Leaving") -> Sent:
        """Sends a request that changes something; what came of it, also where no answer came."""
        try:
            heard = await self._ask(request, send)
        except _FAILURES as error:
            return Sent(failure=_outcome(error), detail=_reason(error), departed=send.departed)
        return Sent(status=heard.status, headers=heard.headers, body=heard.body, truncated=heard.truncated)

    def _tell_of(
        self,
        operation: Literal["batch", "page", "submit", "switch"],
        answer: Answer | PageAnswer | SubmitAnswer | SwitchAnswer,
        began: float,
    ) -> None:
        self._tell(
            Answered(
                account=self._account,
                operation=operation,
                outcome=answer.outcome,
                took=self._clock.monotonic() - began,
                size=answer.size,
                server=self._server,
                answer=answer,
            )
        )

    async def _ask(self, request: Request, send: "_Leaving | None" = None) -> Heard:
        """Sends the request once. Raises _FAILURES where no answer came."""
        heard = Heard()
        question = Question(
            destination=Destination(self._there.request, request.target, self._there.common),
            method=request.method,
            headers=request.headers,
            body=request.body,
        )
        with self._deadlines.within(self._whole):
            await exchange(self._connector, question, heard, self._limits, (send or self._asking).on_time)
        return heard


class _Leaving:
    """Lets a request out when its time has come, once its connection stands.

    `leave` is called when nothing but the request itself is left to do, and `departed` says whether any of it may have left.
    """

    __slots__ = ("_budget", "_leave", "departed")

    def __init__(self, budget: Budget, leave: Callable[[], Awaitable[None]] | None = None) -> None:
        self._budget = budget
        self._leave = leave
        self.departed = False

    async def on_time(self, connection: ResponseHandler) -> None:
        """Returns when the budget lets the request out. Raises where the connection came to its end, or was sent what nobody
        asked for, which would be taken for the answer."""
        if self._leave is not None:
            await self._leave()
        await self._budget.on_time()
        if connection.should_close:
            raise connection.exception() or ClientConnectionError("it sent what was not asked for")
        self.departed = True


def _outcome(error: Exception) -> str:
    """The kind of failure, for people and metrics."""
    if no_file_left(error):
        return "files"
    if isinstance(error, TimeoutError):
        return "timeout"
    if isinstance(error, (ClientConnectorDNSError, UnicodeError)):  # a name that cannot be one, or is unknown
        return "dns"
    if isinstance(error, (ClientConnectorCertificateError, ClientConnectorSSLError, ssl.SSLError)):
        return "tls"
    if isinstance(error, ClientResponseError):  # what came is not HTTP
        return "bad_body"
    return "reset"


def _reason(error: Exception) -> str:
    if no_file_left(error):
        return NO_FILE
    if isinstance(error, ServerDisconnectedError):
        return "the connection was closed before an answer came"
    return str(error) or type(error).__name__
