"""CallFire's HTTP interface as far as batches go: journal, faults, authentication, budget, then the operation.

All of it is decided, and done, when a request has come in; what takes time comes after, so that what was asked is done even
where the client does not wait for the answer.
"""

import asyncio
import math
import random
from base64 import b64encode
from collections.abc import Callable
from typing import Final

from aiohttp import web

from watcher.simulator.answers import Answer, error, retry_after
from watcher.simulator.config import SimulatorConfig
from watcher.simulator.faults import INSTEAD, Faults
from watcher.simulator.journal import Entry, Journal
from watcher.simulator.operations import Operations, Target, target
from watcher.simulator.sending import send, suffer
from watcher.simulator.world import World

NOBODY: Final = "?"
"""The account of requests without good credentials."""
LATENCY_SIGMA: Final = 0.4
NOTHING: Final = Answer(200)


class Api:
    """Answers requests out of the world, keeps the journal, and lets faults strike."""

    def __init__(self, world: World, config: SimulatorConfig, clock: Callable[[], float]) -> None:
        self.world = world
        self.journal = Journal()
        self._random = random.Random(config.seed)  # not the world's: what is asked must not change what batches come
        self.faults = Faults(self._random.random)
        self.operations = Operations(world, config, self._random)
        self._config = config
        self._clock = clock
        self._logins = {
            "Basic " + b64encode(f"{login}:{password}".encode()).decode(): account
            for account, (login, password) in config.accounts.items()
        }

    def routes(self) -> list[web.RouteDef]:
        """Every method and path: those that CallFire does not have are answered, and counted, too."""
        return [web.route("*", "/{path:.*}", self._handle)]

    async def _handle(self, request: web.Request) -> web.Response:
        at = self._clock()
        account = self._logins.get(request.headers.get("Authorization", ""), NOBODY)
        asked = target(request.method, request.path, self._config.root)
        operation, number, kind = asked if isinstance(asked, Target) else (None, None, None)
        batch_id, broadcast_id = (number, None) if kind is None else (None, number)
        entry = Entry(at=at, account=account, method=request.method, path=request.path, batch_id=batch_id)
        in_a_second = self.journal.arrived(entry)
        try:
            body = await request.read() if request.body_exists else b""
        except web.HTTPRequestEntityTooLarge:
            entry.outcome = "413"
            return send(request, error(413))
        now = self._clock()
        fault = self.faults.strike(account, operation, batch_id, now, broadcast_id)
        if fault is not None and fault.kind in INSTEAD:
            right = NOTHING
        else:
            right = self._right(request, asked, account, in_a_second, body, now)
        entry.outcome = str(right.code) if fault is None else str(fault.code) if fault.kind == "code" else fault.kind
        if self._config.latency > 0:
            await asyncio.sleep(self._config.latency * math.exp(self._random.gauss(0.0, LATENCY_SIGMA)))
        return send(request, right) if fault is None else await suffer(request, fault, right, self._clock())

    def _right(
        self, request: web.Request, asked: Target | Answer, account: str, in_a_second: int, body: bytes, now: float
    ) -> Answer:
        if account == NOBODY:
            return error(401)
        if self._config.budget is not None and in_a_second > self._config.budget:
            return error(429, headers=retry_after(self._config.retry_after, now))
        if isinstance(asked, Answer):
            return asked
        return self.operations.answer(asked, account, request.query, body, now)
