"""A CallFire with faults, for one account: the port `Upstream` without a network, its bodies read by the real wire module.

It knows what truly became of each batch, and when by the service's own clock, which is what the service can be held to.
"""

import asyncio
import json
import math
import random
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from tests.chaos.faults.times import VirtualLoop
from watcher.callfire.wire import decipher, decipher_page, no_answer, no_page
from watcher.core.answers import Answer, Kind, PageAnswer, SubmitAnswer, SwitchAnswer
from watcher.core.model import PageRef
from watcher.core.submissions import Order
from watcher.ports import Clock

LATENCY: Final = 0.04
WHOLE: Final = 15.0
"""Seconds a look may take, as the real client has it."""
STALE: Final = 30.0
"""Seconds by which an answer of a cache is old."""
RETRY_AFTER: Final = 7
FINE: Final = 0.01
"""Seconds by which a pause may be shorter: the service reads two clocks, one after the other."""
WINDOWS: Final = (1.0, 10.0)
"""Seconds in which requests are counted against the budget."""

FAULTS: Final = (
    "none",
    "timeout",
    "reset",
    "dns",
    "429",
    "429 with Retry-After",
    "500",
    "503",
    "401",
    "403",
    "404",
    "truncated",
    "garbled",
    "slow",
    "stale",
    "page",
    "some",  # any of the others, now and then
)
CODES: Final = {"429": 429, "429 with Retry-After": 429, "500": 500, "503": 503, "401": 401, "403": 403, "404": 404}


@dataclass(slots=True)
class Life:
    """What truly became of a batch: its statuses, since when by the loop's clock and, once that was reached, by the service's."""

    batch_id: int
    broadcast_id: int
    plan: tuple[tuple[float, str], ...]
    reached: list[tuple[str, datetime]] = field(default_factory=list)
    missing: int = 0  # so often in a row it was said that there is no such batch
    missing_most: int = 0  # of that the most since it was told to be missing
    stale: bool = False  # it was shown as it had been before

    @property
    def name(self) -> str:
        return f"batch {self.batch_id}"

    @property
    def size(self) -> int:
        return 100 + self.batch_id

    @property
    def end(self) -> str:
        return self.plan[-1][1]

    def status(self, at: float) -> str:
        return [status for since, status in self.plan if since <= at or since == self.plan[0][0]][-1]

    def show(self, at: float) -> dict[str, object]:
        """As CallFire's answers have it."""
        shown = {"id": self.batch_id, "broadcastId": self.broadcast_id, "name": self.name, "status": self.status(at)}
        return shown | {"size": self.size, "remaining": self.size, "enabled": True}


class FaultyCallFire:
    """One account of it. `fault` is what befalls its answers now."""

    def __init__(self, rate: float, *, loop: VirtualLoop, clock: Clock, draw: random.Random) -> None:
        self.effective_rate = rate
        self.fault = "none"
        self.lives: dict[int, Life] = {}
        self.tokens = 0
        self.requests: Counter[str] = Counter()
        self.flying: Counter[int | PageRef] = Counter()
        self.wrong: list[str] = []
        self._loop = loop
        self._clock = clock
        self._draw = draw
        self._next = -math.inf
        self._frozen = -math.inf
        self._recent: deque[float] = deque()
        self._configured = rate

    # What is true

    def add(self, life: Life) -> None:
        self.lives[life.batch_id] = life

    def turn(self) -> None:
        """Notes which statuses were reached by now, and when by the service's clock."""
        now = self._loop.time()
        for life in self.lives.values():
            while len(life.reached) < len(life.plan) and life.plan[len(life.reached)][0] <= now:
                life.reached.append((life.plan[len(life.reached)][1], self._clock.now()))

    # The port

    def limit(self, rate: float) -> None:
        self.effective_rate = rate

    def own(self, sure: Callable[[], bool]) -> None:
        self._next = self._loop.time() + 1 / self.effective_rate

    async def token(self, within: float = math.inf) -> bool:
        left = self._next - self._loop.time()
        if left > within:
            await asyncio.sleep(within)
            return False
        await asyncio.sleep(max(left, 0.0))
        self._next = max(self._next, self._loop.time()) + 1 / self.effective_rate
        self.tokens += 1
        return True

    async def look(self, batch_id: int) -> Answer:
        asked = self._begin(batch_id)
        fault = self._befalls("batch")
        try:
            life = self.lives[batch_id]
            shown, failure, code = await self._answer(fault, lambda: self._batch(fault, life))
        finally:
            self.flying[batch_id] -= 1
        if failure is not None:
            return no_answer(batch_id, failure, failure, asked=asked, answered=self._clock.now())
        answer = decipher(batch_id, code, self._headers(fault), shown, asked=asked, answered=self._clock.now())
        if answer.kind is Kind.SEEN:
            life.missing = 0
        life.missing += code == 404
        life.missing_most = max(life.missing_most, life.missing)
        return answer

    async def page(self, ref: PageRef) -> PageAnswer:
        asked = self._begin(ref)
        fault = self._befalls("page")
        try:
            shown, failure, code = await self._answer(fault, lambda: self._page(fault, ref))
        finally:
            self.flying[ref] -= 1
        if failure is not None:
            return no_page(ref, failure, failure, asked=asked, answered=self._clock.now())
        if code == 200 and ref.kind != "call":
            code = 404  # the broadcasts are of the other kind
        answer = decipher_page(ref, code, self._headers(fault), shown, asked=asked, answered=self._clock.now())
        for batch in answer.page.items if answer.page is not None else ():
            self.lives[batch.id].missing = 0
        return answer

    async def submit(self, order: Order, leave: Callable[[], Awaitable[None]]) -> SubmitAnswer:
        raise AssertionError("nobody adds a batch")

    async def switch(self, batch_id: int, enabled: bool) -> SwitchAnswer:
        raise AssertionError("nobody switches a batch")

    # What befalls it

    def _begin(self, what: int | PageRef) -> datetime:
        now = self._loop.time()
        self.turn()
        self.requests[self.fault] += 1
        self.flying[what] += 1
        if self.flying[what] > 1:
            self.wrong.append(f"{what} was asked about twice at once")
        if sum(self.requests.values()) > self.tokens:
            self.wrong.append("a request went out without a token")
        self.wrong += self._over_budget(now)
        if now < self._frozen:
            self.wrong.append(f"asked {self._frozen - now:.3f} s before the end of a Retry-After")
        return self._clock.now()

    def _over_budget(self, now: float) -> Iterator[str]:
        """Rule 4: no window has more requests than its length allows, and one. By our own clock, whatever the limiter says."""
        recent = self._recent
        recent.append(now)
        while recent[0] <= now - max(WINDOWS):
            recent.popleft()
        for window in WINDOWS:
            count = sum(at > now - window + FINE for at in recent)
            if count > self._configured * window + 1:
                yield f"{count} requests within {window:g} s, at a rate of {self._configured:g}"

    def _befalls(self, operation: str) -> str:
        fault = self.fault
        if fault == "some":
            return self._draw.choice(FAULTS[:-1]) if self._draw.random() < 0.4 else "none"
        return fault

    async def _answer(self, fault: str, show: Callable[[], Any]) -> tuple[bytes, str | None, int]:
        """The body, or the kind of failure; and the code."""
        if fault == "timeout":
            await asyncio.sleep(WHOLE)
            return b"", "timeout", 0
        await asyncio.sleep(LATENCY)
        if fault in ("reset", "dns"):
            return b"", fault, 0
        if fault in CODES:
            if fault == "429 with Retry-After":
                self._frozen = max(self._frozen, self._loop.time() + RETRY_AFTER - FINE)
            return b'{"message": "no"}', None, CODES[fault]
        body = json.dumps(show()).encode()
        if fault == "truncated":
            return body[: self._draw.randrange(len(body))], None, 200
        if fault == "garbled":
            at = self._draw.randrange(len(body))
            return body[:at] + self._draw.choice([b"\xff", b"\x00"]) + body[at:], None, 200
        if fault == "slow":
            await asyncio.sleep(self._draw.uniform(5, WHOLE - 1))  # what it shows is as old
        return body, None, 200

    def _headers(self, fault: str) -> dict[str, str]:
        return {"Retry-After": str(RETRY_AFTER)} if fault == "429 with Retry-After" else {}

    def _batch(self, fault: str, life: Life) -> dict[str, object]:
        now = self._loop.time()
        self.turn()
        if fault == "stale":
            life.stale = True
            now -= STALE
        return life.show(now)

    def _page(self, fault: str, ref: PageRef) -> dict[str, object]:
        rows = [self._batch(fault, life) for life in self.lives.values() if life.broadcast_id == ref.broadcast_id]
        total = len(rows)
        if fault == "page":  # some are missing, some are there twice, the order and the total are not right
            rows = [each for each in rows * 2 if self._draw.random() < 0.4]
            self._draw.shuffle(rows)
            total = self._draw.choice([0, 1, total, total * 2])
        rows = rows[ref.offset : ref.offset + ref.limit]
        return {"items": rows, "offset": ref.offset, "limit": ref.limit, "totalCount": total}
