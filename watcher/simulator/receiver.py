"""A receiver of webhooks: verifies signatures by hand, keeps all that came, and can be as unreliable as asked."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from watcher.simulator.questions import since
from watcher.simulator.server import listening, stop_signal
from watcher.simulator.verifying import fault_of, key_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverConfig:
    """The first `fail_first` requests, and all within the first `fail_for` seconds, are answered `fail_code` (with `retry_after`
    in seconds, where given); then a `fail_share` of them, drawn from `seed`. `slow` is how long each answer takes, in seconds."""

    secret: str
    host: str = "127.0.0.1"
    port: int = 0
    fail_first: int = 0
    fail_for: float = 0.0
    fail_share: float = 0.0
    fail_code: int = 503
    retry_after: int | None = None
    slow: float = 0.0
    seed: int = 1


class Receiver:
    """Answers POSTs at `/`; `GET /journal?since=` shows what came."""

    def __init__(self, config: ReceiverConfig, clock: Callable[[], float]) -> None:
        self._config = config
        self._clock = clock
        self._began = clock()
        self._key = key_of(config.secret)
        self._random = random.Random(config.seed)
        self._begun = 0
        self._journal: list[dict[str, object]] = []

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/", self._receive), web.get("/journal", self._show)]

    async def _receive(self, request: web.Request) -> web.Response:
        now = self._clock()
        body = await request.read()
        code = self._code(now)
        if self._config.slow:
            await asyncio.sleep(self._config.slow)
        self._journal.append(
            {
                "id": request.headers.get("webhook-id"),
                "timestamp": request.headers.get("webhook-timestamp"),
                "at": now * 1000,
                "verified": fault_of([self._key], request.headers, body, now) is None,
                "answered": code,
                "body": _parsed(body),
            }
        )
        pause = self._config.retry_after
        headers = {"Retry-After": str(pause)} if code >= 400 and pause is not None else None
        return web.Response(status=code, headers=headers)

    def _code(self, now: float) -> int:
        config = self._config
        self._begun += 1
        failing = self._begun <= config.fail_first or now - self._began < config.fail_for
        return config.fail_code if failing or self._random.random() < config.fail_share else 204

    async def _show(self, request: web.Request) -> web.Response:
        start = since(request)
        received = self._journal[start:]
        return web.json_response({"received": received, "next": start + len(received)})


def _parsed(body: bytes) -> object:
    """The body, where it is JSON that the journal can show: not NaN, and not nested as deep as can be read but not written."""
    try:
        parsed: object = json.loads(body)
        json.dumps([[[[parsed]]]], allow_nan=False)
    except (ValueError, RecursionError):
        return None
    return parsed


@asynccontextmanager
async def receive(config: ReceiverConfig, *, clock: Callable[[], float] = time.time) -> AsyncIterator[str]:
    """The receiver, while the context lasts; its URL."""
    async with listening(Receiver(config, clock).routes(), config.host, config.port) as port:
        yield f"http://{config.host}:{port}/"


async def run(config: ReceiverConfig, announce: Callable[[str], None]) -> None:
    """The receiver until SIGTERM or SIGINT."""
    stopped = stop_signal()
    async with receive(config) as url:
        announce(url)
        await stopped.wait()
