"""Receivers with faults: the port `Sender` without a network. What they accepted is remembered, also where nobody was told."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from watcher.core.endpoint import Attempt, Delivery, Endpoint
from watcher.ports import Clock, Handshake

LATENCY: Final = 0.02

FAULTS: Final = (
    "none",
    "500",
    "410",
    "429",
    "429 with Retry-After",
    "hang",
    "reset",
    "lost",  # accepted, and reset before we are told
    "slow",
    "huge",
    "redirect",
    "some",
)
CODES: Final = {"500": 500, "410": 410, "429": 429, "429 with Retry-After": 429, "redirect": 302}


class FaultyReceivers:
    """`faults` is what befalls each endpoint now. `is_logged` says whether an event is in the log: nothing else may be sent."""

    def __init__(self, *, clock: Clock, draw: random.Random, is_logged: Callable[[str], Awaitable[bool]]) -> None:
        self.faults: dict[str, str] = {}
        self.accepted: dict[tuple[str, str], int] = {}
        self.bodies: dict[str, bytes] = {}
        self.flying: Counter[str] = Counter()
        self.attempts: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._of_batch: Counter[tuple[str, str]] = Counter()
        self._clock = clock
        self._draw = draw
        self._is_logged = is_logged

    async def send(self, endpoint: Endpoint, delivery: Delivery) -> Attempt:
        at, began = self._clock.now(), self._clock.monotonic()
        fault = self.faults.get(endpoint.id, "none")
        self.attempts[fault] += 1
        self.flying[endpoint.id] += 1
        batch = (endpoint.id, delivery.event_id.rsplit("_", 1)[0])
        self._of_batch[batch] += 1
        self._check(endpoint, delivery, batch)
        try:
            if not await self._is_logged(delivery.event_id):
                self.wrong.append(f"{delivery.event_id} was sent before it was committed")
            code, error = await self._answer(fault, endpoint, delivery)
        finally:
            self.flying[endpoint.id] -= 1
            self._of_batch[batch] -= 1
        return Attempt(
            at=at,
            took=timedelta(seconds=self._clock.monotonic() - began),
            code=code,
            error=error,
            retry_after=timedelta(seconds=90) if fault == "429 with Retry-After" else None,
            location="https://elsewhere.example" if code == 302 else None,
            answer=b"x" * 16384 if fault == "huge" else b"",
        )

    async def handshake(self, endpoint: Endpoint) -> Handshake:
        raise AssertionError("nobody asks for consent")

    def _check(self, endpoint: Endpoint, delivery: Delivery, batch: tuple[str, str]) -> None:
        if self.bodies.setdefault(delivery.event_id, delivery.body) != delivery.body:
            self.wrong.append(f"{delivery.event_id} came with two bodies")
        if self.flying[endpoint.id] > 4:
            self.wrong.append(f"{endpoint.id} has {self.flying[endpoint.id]} attempts in flight")
        if endpoint.ordering == "batch" and self._of_batch[batch] > 1:
            self.wrong.append(f"two events of {batch} are in flight at once")

    async def _answer(self, fault: str, endpoint: Endpoint, delivery: Delivery) -> tuple[int | None, str | None]:
        if fault == "some":
            fault = self._draw.choice([each for each in FAULTS[:-1] if each != "410"])
        if fault == "hang":
            await asyncio.sleep(endpoint.timeout.total_seconds())
            return None, "timeout"
        await asyncio.sleep(self._draw.uniform(5, 14) if fault == "slow" else LATENCY)
        if fault == "reset":
            return None, "reset"
        if fault in CODES:
            return CODES[fault], None
        key = (endpoint.id, delivery.event_id)
        self.accepted[key] = self.accepted.get(key, 0) + 1
        return (None, "reset") if fault == "lost" else (200, None)
