"""What the tests of webhooks share: an endpoint and a delivery, a session that may reach this machine, an attempt as expected."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any, Final

from aiohttp.abc import AbstractResolver, ResolveResult

from tests.fakes import NOON, FakeClock
from tests.sockets import Reply, listening
from watcher.core.addresses import Network
from watcher.core.endpoint import Attempt, Delivery, Endpoint, Form, Secrets, SigningKey, Timings
from watcher.webhooks.guard import Guard
from watcher.webhooks.sender import WebhookSender, open_session

AGENT: Final = "callfire-batch-watcher/1"
KEY: Final = SigningKey(key=bytes(range(32)))
LOOPBACK: Final[Sequence[Network]] = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
DELIVERY: Final = Delivery(
    id=1,
    endpoint_id="default",
    position=7,
    event_id="evt_ab_default_13_3",
    event_type="batch.active",
    body=(
        '{"type":"batch.active","timestamp":"2026-11-23T12:00:00.000Z",'
        '"data":{"account":"default","batch_id":13,"name":"Zoë"}}'
    ).encode(),
    created=NOON,
    due=NOON,
)
NOTHING: Final = timedelta(0)
NEW: Final = Timings(connect=NOTHING, first_byte=NOTHING)
"""Of an answer over a new connection to a literal address, while the clock stands still."""
REUSED: Final = Timings(first_byte=NOTHING)


def endpoint(
    url: str,
    *,
    timeout: float = 15.0,
    form: Form = "plain",
    secrets: Secrets = Secrets(keys=(KEY,)),  # noqa: B008 # it is frozen
    rate: float | None = None,
) -> Endpoint:
    return Endpoint(id="default", url=url, timeout=timedelta(seconds=timeout), form=form, secrets=secrets, rate=rate)


@asynccontextmanager
async def sending(
    *,
    clock: FakeClock | None = None,
    guard: Guard | None = None,
    tls: ssl.SSLContext | None = None,
    resolver: AbstractResolver | None = None,
    proxy: str | None = None,
    connect: float = 5.0,
    traced: float = 0.0,
) -> AsyncIterator[WebhookSender]:
    """A sender over a session of its own, which trusts nobody unless told: to read the system's certificates takes time."""
    guard, tls = guard or Guard(LOOPBACK), tls or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    async with open_session(user_agent=AGENT, guard=guard, tls=tls, resolver=resolver, proxy=proxy) as session:
        yield WebhookSender(
            session=session, clock=clock or FakeClock(), connect=timedelta(seconds=connect), traced=traced
        )


async def send_to(*replies: Reply, timeout: float = 15.0, delivery: Delivery = DELIVERY) -> Attempt:
    """One delivery to a receiver that replies so."""
    async with listening(*replies) as receiver, sending() as sender:
        return await sender.send(endpoint(receiver.url, timeout=timeout), delivery)


def answered(code: int | None, answer: bytes = b"", **more: Any) -> Attempt:
    """An answer over a new connection to this machine."""
    attempt = Attempt(at=NOON, took=NOTHING, code=code, answer=answer, address="127.0.0.1", timings=NEW)
    return replace(attempt, **more)


def failed(error: str, detail: str, **more: Any) -> Attempt:
    """A failure before any connection."""
    return replace(Attempt(at=NOON, took=NOTHING, code=None, error=error, detail=detail), **more)


class Names(AbstractResolver):
    """Resolves every name as told: to addresses, or to an error, or never."""

    def __init__(self, *answers: list[str] | OSError | ValueError | None) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer is None:
            await asyncio.Event().wait()
        if not isinstance(answer, list):
            raise answer or AssertionError
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0) for address in answer
        ]

    async def close(self) -> None:
        raise AssertionError("whoever made it closes it")
