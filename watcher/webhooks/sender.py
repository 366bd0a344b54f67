"""Sends one signed webhook and says what came of it: deadlines, bounded reading, and every failure as an Attempt.

What follows from an attempt is decided in `core.outbox`. Redirects and proxies of the environment are not followed:
an event goes to the address it is for.
"""

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from aiohttp import BaseConnector, ClientError, ClientTimeout, DefaultResolver
from aiohttp.abc import AbstractResolver
from yarl import URL

from watcher.core.addresses import host_of, host_refusal, is_address, url_fault
from watcher.core.endpoint import Attempt, Delivery, Endpoint
from watcher.core.headers import header_refusal, sendable
from watcher.core.message import MAX_BODY
from watcher.core.tracing import traceparent
from watcher.http.deadlines import Deadlines
from watcher.http.exchange import Destination, Question, destination_of, exchange
from watcher.ports import Clock, Handshake
from watcher.webhooks.answer import Answer
from watcher.webhooks.connection import Connector, FewCandidates, tls_context
from watcher.webhooks.failures import NO_URL, Failure, dropped, failed, failure_of
from watcher.webhooks.forms import message_of
from watcher.webhooks.guard import Guard
from watcher.webhooks.handshake import answered_handshake, handshake_headers
from watcher.webhooks.journey import JOURNEY, Journey
from watcher.webhooks.signing import Signers, Unsigned, sign

CONNECT: Final = timedelta(seconds=5)
ORIGIN: Final = "callfire-batch-watcher"

AGAIN_WITHIN: Final = 1.0
"""Seconds within which a reused connection must drop for the webhook to be sent again at once."""

REMEMBERED: Final = 1024
"""So many URLs that were looked at are remembered: they are the same for most deliveries."""

PROXY_REFUSED: Final = 407
"""What only a proxy answers: Proxy Authentication Required."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSession:
    """The connections that all endpoints share, and what guards them."""

    connector: BaseConnector
    guard: Guard
    user_agent: str
    proxy: str | None = None


@asynccontextmanager
async def open_session(
    *,
    user_agent: str,
    guard: Guard,
    tls: ssl.SSLContext | None = None,
    resolver: AbstractResolver | None = None,
    proxy: str | None = None,
) -> AsyncIterator[WebhookSession]:
    """Closed at the end; delivery bounds how many attempts are in flight.

    `tls` (of `tls_context`) replaces the system's certificates, `resolver` its look-up of names, which stays the caller's to
    close. `proxy` is an http:// URL. Raises ValueError where `tls` does not verify.
    """
    names = FewCandidates(resolver or DefaultResolver())
    try:
        async with Connector(guard=guard, tls=tls or tls_context(), resolver=names) as connector:
            yield WebhookSession(connector=connector, guard=guard, user_agent=user_agent, proxy=proxy)
    finally:
        if resolver is None:
            await names.close()


class WebhookSender:
    """Implements the port `Sender`. `origin` is how we call ourselves when we ask for consent, `traced` the share of events whose
    traces are kept."""

    def __init__(
        self,
        *,
        session: WebhookSession,
        clock: Clock,
        origin: str = ORIGIN,
        connect: timedelta = CONNECT,
        traced: float = 0.0,
    ) -> None:
        self._session = session
        self._clock = clock
        self._origin = origin
        self._traced = traced
        self._limits = ClientTimeout(connect=connect.total_seconds(), ceil_threshold=60)
        self._deadlines = Deadlines()
        self._route = lru_cache(REMEMBERED)(self._look_at)
        self._signer = Signers()

    async def send(self, endpoint: Endpoint, delivery: Delivery) -> Attempt:
        at = self._clock.now()
        message = message_of(delivery, endpoint.form)
        if max(len(message.body), len(delivery.body)) > MAX_BODY:
            return _unsent(at, failed("too_large", f"the event has {len(message.body)} bytes, more than {MAX_BODY}"))
        timestamp = int(at.timestamp())
        try:
            signature = sign(
                delivery.event_id, timestamp, message.body, endpoint.secrets.signing(at), signer=self._signer
            )
        except Unsigned:
            return _unsent(at, failed("no_secret", "there is no secret to sign with"))
        headers = {
            **_custom(endpoint),
            **message.headers,
            "webhook-id": delivery.event_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature,
            # A sample, which nobody is owed, is sent past everything that traces hear of.
            "traceparent": traceparent(delivery.event_id, self._clock.draw(), self._traced if delivery.id else 0.0),
        }
        attempt, _ = await self._ask("POST", endpoint, headers, message.body, at)
        return attempt

    async def handshake(self, endpoint: Endpoint) -> Handshake:
        headers = {**_custom(endpoint), **handshake_headers(endpoint, self._origin)}
        attempt, answer = await self._ask("OPTIONS", endpoint, headers, None, self._clock.now())
        return answered_handshake(attempt, answer.headers, self._origin)

    async def _ask(
        self, method: str, endpoint: Endpoint, headers: Mapping[str, str], body: bytes | None, at: datetime
    ) -> tuple[Attempt, Answer]:
        """Asks, a second time where the first surely met a connection that the receiver had closed meanwhile. Both share the
        endpoint's time-out."""
        answer = Answer()
        route = self._route(endpoint.url)
        if isinstance(route, Failure):
            return _unsent(at, route), answer
        authorization = endpoint.secrets.authorization
        if authorization is not None and not sendable(authorization):
            return _unsent(at, failed("no_secret", "the endpoint's authorization cannot be sent; set it anew")), answer
        clock = self._clock.monotonic
        whole, began = endpoint.timeout.total_seconds(), clock()
        spent, journey = 0.0, Journey(clock=clock, began=began, named=route.named)
        failure: Failure | None = None
        question = Question(destination=route.destination, method=method, headers=headers, body=body)
        for last in (False, True):
            here = JOURNEY.set(journey)
            try:
                with self._deadlines.within(whole - spent):
                    await exchange(self._session.connector, question, answer, self._limits)
                break
            except (ClientError, OSError, ValueError) as error:
                spent = clock() - began
                if not last and journey.reused and dropped(error, journey) and spent < min(AGAIN_WITHIN, whole):
                    journey = Journey(clock=clock, began=clock(), named=route.named)
                    continue
                if answer.code is None or 200 <= answer.code < 300:
                    # Accepted is what was accepted to the last byte; any other code has already said that it was not.
                    failure = failure_of(error, journey, proxied=self._session.proxy is not None, tls=route.tls)
                break
            finally:
                JOURNEY.reset(here)
        if answer.code == PROXY_REFUSED and self._session.proxy is not None:
            failure = failed("proxy", f"the proxy answered {PROXY_REFUSED}")
        took = timedelta(seconds=clock() - began)
        attempt = Attempt(
            at=at,
            took=took,
            code=None if failure else answer.code,
            error=failure.kind if failure else None,
            detail=failure.detail if failure else None,
            retry_after=answer.pause(at + took),
            answer=answer.body,
            location=answer.location,
            address=journey.address,
            timings=journey.timings(),
            server=route.server,
            traceparent=headers.get("traceparent", ""),
        )
        return attempt, answer

    def _look_at(self, url: str) -> "_Route | Failure":
        session = self._session
        fault = url_fault(url)
        if fault is not None:
            return failed("bad_url", f"the URL {fault}")
        why = host_refusal(url, session.guard.allowed)
        if why is not None:
            return failed("refused", f"the URL {why}")
        try:
            destination = destination_of(
                URL(url),
                headers={"User-Agent": session.user_agent, "Accept-Encoding": "identity"},
                proxy=session.proxy,
            )
        except ValueError:
            return NO_URL
        named = session.proxy is None and not is_address(host_of(url))
        server = str(destination.request.url.origin())
        return _Route(destination=destination, server=server, named=named, tls=url.lower().startswith("https:"))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Route:
    """What a URL tells: where requests go, at which server (https://HOST), whether its host is a name to look up, and whether TLS
    follows."""

    destination: Destination
    server: str
    named: bool
    tls: bool


def _custom(endpoint: Endpoint) -> dict[str, str]:
    """The headers that the subscriber wants, but for those that would be refused when they are set."""
    kept = endpoint.secrets
    headers = {name: value for name, value in kept.headers.items() if header_refusal(name, value) is None}
    return headers if kept.authorization is None else {**headers, "Authorization": kept.authorization}


def _unsent(at: datetime, failure: Failure) -> Attempt:
    return Attempt(at=at, took=timedelta(0), code=None, error=failure.kind, detail=failure.detail)
