"""All that goes on beside the watches that stay: batches come, are followed, end and are removed; endpoints and tokens are made
and removed, streams opened and closed, pages read, and the settings changed and read again.

Each of these is a task of its own that does one thing again and again. What it asks for is answered, or the campaign has failed.
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from aiohttp import ClientSession, ClientTimeout

from tests.chaos.soak.trends import Point

ACCOUNT: Final = "default"
SECRET: Final = "whsec_b25lIHRoYXQgc3RhbmRzIG5vd2hlcmUgZWxzZQ=="
TOKEN: Final = "token-of-an-operator-0123456789-abcdef"
LONG: Final = 100_000.0
"""Seconds that a batch is validated which does not end as long as the campaign lasts."""
TOGETHER: Final = 5_000
"""Rows of one request."""
ENDS: Final = ("ACTIVE", "ACTIVE", "ACTIVE", "ACTIVE", "ERRORS", "SOURCE_ERROR")
READ: Final = (
    "/v1/watches?limit=100",
    "/v1/watches?limit=100&state=open&q=API",
    "/v1/events?limit=100",
    "/v1/accounts",
    "/v1/endpoints",
    "/v1/deliveries?limit=50",
    "/",
    "/metrics",
)
OK: Final = 300

Json = Any


@dataclass(kw_only=True)
class Churn:
    """`pace` is how many things of a kind happen where one would in the campaign. `answers` is how long each page took, and
    when, `delays` how long each webhook came after the answer that it goes back to."""

    url: str
    pid: int
    control: str
    receiver: str
    other: str
    """A receiver for endpoints that come and go."""
    config: Path
    written: Callable[[bool], str]
    """The settings, without or with what comes and goes."""
    session: ClientSession
    pace: float = 1.0
    draw: random.Random = field(default_factory=lambda: random.Random(10))
    answers: list[Point] = field(default_factory=list)
    delays: list[Point] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    staying: list[int] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    """Answers that nobody should get, by what was asked."""
    _heard: int = 0

    async def ask(self, method: str, path: str, body: object = None) -> Json:
        """The daemon's answer, where it is JSON."""
        async with self.session.request(method, self.url + path, json=body) as answer:
            if answer.status >= OK:
                self.refused[f"{method} {path.partition('?')[0]}: {answer.status} {(await answer.text())[:200]}"] += 1
                return None
            return await answer.json() if answer.content_type == "application/json" else await answer.read()

    async def added(self, count: int, **plan: object) -> list[int]:
        """More batches at CallFire."""
        async with self.session.post(f"{self.control}/batches", json={"count": count, **plan}) as answer:
            return list((await answer.json())["ids"])

    async def follow(self, batches: Sequence[int]) -> None:
        await self.ask("POST", "/v1/watches", [{"account": ACCOUNT, "batch_id": number} for number in batches])

    async def fill(self, count: int) -> None:
        """So many watches that stay, each with its broadcast: then a page shows many of them for the first time."""
        self.staying = await self.added(count, new_for=0.0, validating_for=LONG)
        async with self.session.get(f"{self.control}/truth?since={self.staying[0] - 1}") as answer:
            rows = [
                {"account": ACCOUNT, "batch_id": each["id"], "broadcast_id": each["broadcast_id"]}
                for each in (await answer.json())["batches"]
            ]
        for begin in range(0, count, TOGETHER):
            await self.ask("POST", "/v1/watches", rows[begin : begin + TOGETHER])

    async def flow(self) -> None:
        """Some batches that are validated for seconds, and removed when they have ended for seconds."""
        lasts = self.draw.uniform(0.5, 15.0)
        some = await self.added(4, new_for=0.5, validating_for=lasts, end=self.draw.choice(ENDS))
        await self.follow(some)
        await asyncio.sleep(lasts + 5.0)
        for number in some:
            await self.ask("DELETE", f"/v1/accounts/{ACCOUNT}/batches/{number}")
        self.done["batches that came, ended and were removed"] += len(some)

    async def turn(self) -> None:
        """Two that stay are not followed for a while."""
        some = [self.staying.pop(self.draw.randrange(len(self.staying))) for _ in range(2)]
        for number in some:
            await self.ask("DELETE", f"/v1/accounts/{ACCOUNT}/batches/{number}")
        await asyncio.sleep(2.0)
        await self.follow(some)
        self.staying += some
        self.done["watches removed and followed again"] += len(some)

    async def endpoint(self) -> None:
        """One more for a while, tested, rotated and removed."""
        made = await self.ask("POST", "/v1/endpoints", {"url": self.other, "types": ["batch.active", "batch.errors"]})
        if made is None:
            return
        await self.ask("POST", f"/v1/endpoints/{made['id']}/test")
        await asyncio.sleep(3.0)
        await self.ask("POST", f"/v1/endpoints/{made['id']}/rotate", {"grace": "5s"})
        await self.ask("GET", f"/v1/endpoints/{made['id']}/deliveries")
        await asyncio.sleep(3.0)
        await self.ask("DELETE", f"/v1/endpoints/{made['id']}")
        self.done["endpoints made and removed"] += 1

    async def token(self) -> None:
        """One more for a moment."""
        made = await self.ask("POST", "/v1/tokens", {"name": "for a moment", "scopes": ["read"]})
        if made is not None:
            await self.ask("DELETE", f"/v1/tokens/{made['id']}")
            self.done["tokens made and removed"] += 1

    async def stream(self) -> None:
        """A client of a stream that goes after some seconds, as a rule without a word."""
        path = self.draw.choice(
            ["/v1/events/stream", "/v1/events/stream?after=0", "/v1/stream", "/v1/stream?limit=100"]
        )
        length = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(self.draw.uniform(0.5, 6.0)), self.session.get(self.url + path) as answer:
                if answer.status >= OK:
                    self.refused[f"GET {path}: {answer.status}"] += 1
                async for some in answer.content.iter_any():
                    length += len(some)
        self.done["streams opened and closed"] += 1
        self.done["bytes of streams"] += length

    async def page(self) -> None:
        """One of the pages, a watch, or a look at one now; how long it took."""
        began = time.monotonic()
        number = self.done["pages read"] % (len(READ) + 2)
        if number < len(READ):
            await self.ask("GET", READ[number])
        else:
            batch = f"/v1/accounts/{ACCOUNT}/batches/{self.draw.choice(self.staying)}"
            await (self.ask("GET", batch) if number % 2 else self.ask("POST", f"{batch}/refresh"))
        self.answers.append((began, time.monotonic() - began))
        self.done["pages read"] += 1

    async def reload(self) -> None:
        """The settings are changed, and read again: an account and an endpoint come or go."""
        self.config.write_text(self.written(self.done["reloads"] % 2 == 0), encoding="utf-8")
        os.kill(self.pid, signal.SIGHUP)
        self.done["reloads"] += 1

    async def hear(self) -> None:
        """What the receiver got since it was last asked, and how long after the answer that it goes back to."""
        async with self.session.get(f"{self.receiver}journal?since={self._heard}") as answer:
            told = await answer.json()
        self._heard = told["next"]
        now = time.monotonic() - time.time()
        for each in told["received"]:
            self.done["webhooks"] += 1
            window = ((each["body"] or {}).get("data") or {}).get("window")
            if window is not None and each["answered"] < OK:
                self.delays.append((each["at"] / 1000 + now, each["at"] / 1000 - _seconds(window["by"])))

    async def run(self) -> None:
        """All of it, until it is cancelled."""
        kinds: list[tuple[float, Callable[[], Coroutine[object, object, None]]]] = [
            (1.0, self.flow),
            (1.0, self.turn),
            (0.4, self.endpoint),
            (0.2, self.token),
            (2.0, self.stream),
            (4.0, self.page),
            (0.1, self.reload),
            (0.5, self.hear),
        ]
        async with asyncio.TaskGroup() as group:
            for rate, kind in kinds:
                group.create_task(self._again(rate * self.pace, kind, group), name=kind.__name__)

    async def _again(
        self, rate: float, kind: Callable[[], Coroutine[object, object, None]], group: asyncio.TaskGroup
    ) -> None:
        """One after the other begins, whether those before have ended or not: what is slow does not make less of it."""
        while True:
            await asyncio.sleep(1.0 / rate)
            group.create_task(kind(), name=kind.__name__)


def _seconds(instant: str) -> float:
    """RFC 3339 -> Unix seconds."""
    return datetime.fromisoformat(instant).timestamp()


def session() -> ClientSession:
    """Of an operator, with a deadline for each answer."""
    return ClientSession(timeout=ClientTimeout(total=60), headers={"Authorization": f"Bearer {TOKEN}"})
