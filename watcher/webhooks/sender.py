"""Sends one signed webhook and says what came of it: deadlines, bounded reading, and every failure as an Attempt.

What follows from an attempt is decided in `core.outbox`. Redirects and proxies of the environment are not followed:
an event goes to the address it is for.
"""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Final

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientConnectorSSLError,
    ClientError,
    ClientPayloadError,
    ClientResponse,
    ClientResponseError,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    NonHttpUrlClientError,
    ServerDisconnectedError,
    TCPConnector,
    TraceConfig,
    TraceConnectionReuseconnParams,
)
from aiohttp.abc import AbstractResolver

from watcher.core.message import MAX_BODY
from watcher.core.model import Attempt, Delivery, Endpoint
from watcher.core.outbox import RETRY_AFTER_CODES
from watcher.core.retry_after import retry_after
from watcher.ports import Clock
from watcher.webhooks.signing import Unsigned, sign

CONNECT: Final = timedelta(seconds=5)
KEEPALIVE: Final = 15.0
"""Seconds an idle connection to a receiver is kept."""

ANSWER_KEPT: Final = 16 * 1024
"""Bytes of an answer that are read, as received; then the connection is closed."""

LOCATION_LENGTH: Final = 2048

AGAIN_WITHIN: Final = 1.0
"""Seconds within which a reused connection must drop for the webhook to be sent again at once."""


@dataclass(slots=True)
class _Connection:
    """Whether the connection of a request had served another before; aiohttp tells it by a trace."""

    reused: bool = False


@asynccontextmanager
async def open_session(
    *, user_agent: str, tls: ssl.SSLContext | None = None, resolver: AbstractResolver | None = None
) -> AsyncIterator[ClientSession]:
    """The session that all endpoints share, closed at the end; delivery bounds how many attempts are in flight.

    `tls` replaces the system's certificates, `resolver` its look-up of names.
    """
    traces = TraceConfig()
    traces.on_connection_reuseconn.append(_note_reuse)
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
        headers={"User-Agent": user_agent, "Content-Type": "application/json"},
        auto_decompress=False,
        trust_env=False,
        raise_for_status=False,
        trace_configs=[traces],
    ) as session:
        yield session


async def _note_reuse(_: ClientSession, context: SimpleNamespace, __: TraceConnectionReuseconnParams) -> None:
    connection = context.trace_request_ctx
    if isinstance(connection, _Connection):
        connection.reused = True


class WebhookSender:
    """Implements the port `Sender` over a session of `open_session`."""

    def __init__(self, *, session: ClientSession, clock: Clock, connect: timedelta = CONNECT) -> None:
        self._session = session
        self._clock = clock
        self._connect = connect.total_seconds()

    async def send(self, endpoint: Endpoint, delivery: Delivery) -> Attempt:
        at = self._clock.now()
        began = self._clock.monotonic()

        def attempt(code: int | None = None, error: str | None = None, answer: "_Answer | None" = None) -> Attempt:
            took = timedelta(seconds=self._clock.monotonic() - began)
            if answer is None:
                return Attempt(at=at, took=took, code=code, error=error)
            return Attempt(
                at=at,
                took=took,
                code=code,
                error=error,
                retry_after=answer.pause(at + took),
                answer=answer.body,
                location=answer.location,
            )

        if len(delivery.body) > MAX_BODY:
            return attempt(error="too_large")
        timestamp = int(at.timestamp())
        try:
            signature = sign(delivery.event_id, timestamp, delivery.body, endpoint.secrets)
        except Unsigned:
            return attempt(error="no_secret")
        headers = {
            "webhook-id": delivery.event_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature,
        }
        answer = _Answer()
        try:
            await self._post(endpoint, delivery.body, headers, answer)
        except (ClientError, OSError, ValueError) as error:
            if answer.code is None or 200 <= answer.code < 300:
                # Accepted is what was accepted to the last byte; any other code has already said that it was not.
                return attempt(error=_kind(error), answer=answer)
        return attempt(answer.code, answer=answer)

    async def _post(self, endpoint: Endpoint, body: bytes, headers: dict[str, str], answer: "_Answer") -> None:
        """Sends, and fills in the answer as far as it comes; sends a second time where the first surely met a connection
        that the receiver had closed meanwhile. Both share the endpoint's time-out."""
        whole = endpoint.timeout.total_seconds()
        began = self._clock.monotonic()
        connection = _Connection()
        try:
            await self._post_once(endpoint.url, body, headers, answer, connection, whole)
        except (ClientError, OSError) as error:
            spent = self._clock.monotonic() - began
            if not (connection.reused and answer.code is None and _dropped(error) and spent < min(AGAIN_WITHIN, whole)):
                raise
            await self._post_once(endpoint.url, body, headers, answer, _Connection(), whole - spent)

    async def _post_once(
        self, url: str, body: bytes, headers: dict[str, str], answer: "_Answer", connection: _Connection, whole: float
    ) -> None:
        response = await self._session.post(
            url,
            data=body,
            headers=headers,
            allow_redirects=False,
            timeout=ClientTimeout(total=whole, connect=self._connect, ceil_threshold=60),
            trace_request_ctx=connection,
        )
        try:
            await answer.take(response)
        finally:
            # Gives back the connection where the answer was read to its end, and closes it where it was not.
            response.close()


@dataclass(slots=True)
class _Answer:
    """What of an answer has come so far."""

    code: int | None = None
    body: bytes = b""
    location: str | None = None
    asked_pause: str | None = None
    date: str | None = None

    async def take(self, response: ClientResponse) -> None:
        self.code = response.status
        if 300 <= response.status < 400:
            location = response.headers.get("Location")
            self.location = None if location is None else location[:LOCATION_LENGTH]
        if response.status in RETRY_AFTER_CODES:
            self.asked_pause, self.date = response.headers.get("Retry-After"), response.headers.get("Date")
        content = response.content
        while len(self.body) < ANSWER_KEPT and not content.at_eof():
            self.body += await content.read(ANSWER_KEPT - len(self.body))

    def pause(self, answered: datetime) -> timedelta | None:
        return retry_after(self.asked_pause, answered, self.date)


def _dropped(error: Exception) -> bool:
    """Whether the connection went away before the first byte of an answer."""
    if isinstance(error, ServerDisconnectedError):
        return isinstance(error.message, str)  # else it is the answer that had begun
    return _kind(error) == "reset"


def _kind(error: Exception) -> str:
    """The kind of failure, for people and metrics."""
    match error:
        case ClientConnectorDNSError():
            return "dns"
        case ClientConnectorCertificateError() | ClientConnectorSSLError() | ssl.SSLError():
            return "tls"
        case NonHttpUrlClientError() | ValueError():  # after tls: a certificate that fails is a ValueError too
            return "bad_url"
        case ClientConnectorError() | ConnectionTimeoutError():
            return "connect"
        case TimeoutError():
            return "timeout"
        case ClientResponseError() | ClientPayloadError():  # not HTTP, or not as much of it as was promised
            return "bad_answer"
        case _:
            return "reset"
