"""Asks CallFire over HTTP: one request for each token, within deadlines and bounds, and every failure is an Answer.

Proxies of the environment and .netrc are not used: credentials go to CallFire's own address and nowhere else.
"""

import asyncio
import io
import math
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final, Literal, NamedTuple

from aiohttp import (
    ClientConnectionError,
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorSSLError,
    ClientError,
    ClientHandlerType,
    ClientRequest,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)
from aiohttp.abc import AbstractResolver
from aiohttp.connector import Connection

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
from watcher.ports import Clock

CONNECT: Final = timedelta(seconds=5)
WHOLE: Final = timedelta(seconds=15)
KEEPALIVE: Final = 30.0
"""Seconds an idle connection is kept: shorter than servers do as a rule, so that few are found closed when used again."""
_FAILURES: Final = (ClientError, OSError, UnicodeError)
"""What aiohttp raises where no answer comes; a time-out is an OSError, a name that cannot be one a UnicodeError."""


@asynccontextmanager
async def open_session(
    *, user_agent: str, tls: ssl.SSLContext | None = None, resolver: AbstractResolver | None = None
) -> AsyncIterator[ClientSession]:
    """The session that all accounts share, closed at the end.

    It has no limit of connections: each account bounds its own requests, and a shared limit would let one in trouble
    starve the others. `tls` replaces the system's certificates, `resolver` its look-up of names.
    """
    connector = TCPConnector(
        limit=0,
        keepalive_timeout=KEEPALIVE,
        ttl_dns_cache=30,
        ssl=True if tls is None else tls,
        resolver=resolver,
    )
    async with ClientSession(
        connector=connector,
        cookie_jar=DummyCookieJar(),
        headers={"User-Agent": user_agent},
        request_class=_Punctual,
        auto_decompress=False,  # unpacked by the wire module, which knows when to stop
        trust_env=False,
        raise_for_status=False,
    ) as session:
        yield session


class _Heard(NamedTuple):
    """An answer as it came in: `body` still packed, and `truncated` where there was more of it."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool


class CallFire:
    """CallFire for one account. Implements the port `Upstream`."""

    def __init__(
        self,
        account: str,
        *,
        access: Access,
        session: ClientSession,
        budget: Budget,
        clock: Clock,
        tell: Tell,
        connect: timedelta = CONNECT,
        whole: timedelta = WHOLE,
    ) -> None:
        self._account = account
        self._access = access
        self._server = str(access.batches.origin())
        self._session = session
        self._budget = budget
        self._clock = clock
        self._tell = tell
        # No limit of connections, so `connect` is spent on connecting and never on waiting for a free one.
        self._timeout = ClientTimeout(total=whole.total_seconds(), connect=connect.total_seconds(), ceil_threshold=60)

    @property
    def effective_rate(self) -> float:
        return self._budget.rate

    def limit(self, rate: float) -> None:
        self._budget.rate = rate

    def own(self, sure: Callable[[], bool]) -> None:
        self._budget.own(sure)

    async def token(self, within: float = math.inf) -> bool:
        return await self._budget.token(within)

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
        send = _OneSend(self._budget, leave)  # from here on the token counts, however long the body takes to write
        body = await asyncio.to_thread(body_of, order)  # of tens of thousands of recipients, perhaps
        began, asked = self._clock.monotonic(), self._clock.now()
        sent = await self._send(submit_request(self._access, order, body), send)
        answer = decipher_submit(sent, asked=asked, answered=self._clock.now())
        self._tell_of("submit", answer, began)
        return answer

    async def switch(self, batch_id: int, enabled: bool) -> SwitchAnswer:
        began, asked = self._clock.monotonic(), self._clock.now()
        sent = await self._send(switch_request(self._access, batch_id, enabled=enabled), _OneSend(self._budget))
        answer = decipher_switch(batch_id, sent, asked=asked, answered=self._clock.now())
        self._tell_of("switch", answer, began)
        return answer

    async def _send(self, request: Request, send: "_OneSend") -> Sent:
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

    async def _ask(self, request: Request, send: "_OneSend | None" = None) -> _Heard:
        """Sends the request once. Raises _FAILURES where no answer came."""
        response = await self._session.request(
            request.method,
            request.url,
            headers=request.headers,
            data=None if request.body is None else io.BytesIO(request.body),  # which may be megabytes
            allow_redirects=False,
            timeout=self._timeout,
            middlewares=(send or _OneSend(self._budget),),
        )
        try:
            body, truncated = await _read(response)
        finally:
            # Gives back the connection where the body was read to its end, and closes it where it was not.
            response.close()
        return _Heard(response.status, response.headers, body, truncated)


class _OneSend:
    """Lets one request out, and none after it.

    aiohttp sends a GET again by itself when a connection that was kept turns out to be closed. That would be two
    requests for one token. Middleware is asked before each of them. When its token was given it is not told: it takes the
    moment it was made, when the asking begins, which is as soon as the poller has the token and has chosen.

    `leave` is called when nothing but the request itself is left to do, and `departed` says whether any of it may have left.
    """

    __slots__ = ("_budget", "_leave", "_sent", "_set_out", "departed")

    def __init__(self, budget: Budget, leave: Callable[[], Awaitable[None]] | None = None) -> None:
        self._budget = budget
        self._leave = leave
        self._set_out = time.monotonic()
        self._sent = False
        self.departed = False

    async def __call__(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        if self._sent:
            raise ClientConnectionError("the connection was closed before an answer came")
        self._sent = True
        if isinstance(request, _Punctual):
            request.permit = self
        return await handler(request)

    async def on_time(self) -> None:
        """Returns when the budget lets the request out now, however long ago it set out."""
        if self._leave is not None:
            await self._leave()
        await self._budget.on_time(self._set_out)
        self.departed = True


class _Punctual(ClientRequest):
    """A request that asks once more, when its connection stands, whether it may go out now.

    Tracing has a hook at that moment too, and costs each request a seventh more.
    """

    permit: _OneSend | None = None

    async def send(self, conn: Connection) -> ClientResponse:
        if self.permit is not None:
            await self.permit.on_time()
        return await super().send(conn)


async def _read(response: ClientResponse) -> tuple[bytes, bool]:
    """The body as received, and whether there was more of it than MAX_BODY.

    Where the code says all (any but 200), it is not lost for a body that does not come to its end.
    """
    chunks: list[bytes] = []
    room = MAX_BODY + 1
    content = response.content
    try:
        while room > 0 and not content.at_eof():
            chunk = await content.read(room)
            chunks.append(chunk)
            room -= len(chunk)
    except (ClientError, OSError):
        if response.status == 200:
            raise
    body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    return body[:MAX_BODY], room <= 0


def _outcome(error: Exception) -> str:
    """The kind of failure, for people and metrics."""
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
    return str(error) or type(error).__name__
