"""The simulator on real sockets of 127.0.0.1, with a clock that only the test turns."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from hypothesis import HealthCheck, settings
from yarl import URL

from watcher.simulator.config import Addresses, SimulatorConfig
from watcher.simulator.server import serve

START: Final = 1_795_435_200.0
"""Noon, in seconds since 1970."""
ACCOUNTS: Final[Mapping[str, tuple[str, str]]] = {"default": ("login", "password"), "other": ("olaf", "sesame")}
STEADY: Final = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For properties: a busy machine breaks none."""
PATIENCE: Final = 60
"""Seconds until a test that waits for something to happen gives up."""


def authorization(account: str) -> str:
    """The header that opens the account."""
    return aiohttp.encode_basic_auth(*ACCOUNTS[account])


def error_object(code: int, message: str) -> dict[str, Any]:
    """CallFire's, as the simulator fills it in."""
    return {
        "httpStatusCode": code,
        "internalCode": 0,
        "message": message,
        "developerMessage": message,
        "helpLink": f"https://developers.callfire.com/errors/{code}",
    }


class Hand:
    """The time, in seconds since 1970, as the test sets it."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def turn(self, seconds: float) -> None:
        self.now += seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """A response as a whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    json: Any = None


@dataclass(slots=True, kw_only=True)
class House:
    """A simulator, and a client that knows its accounts."""

    addresses: Addresses
    session: aiohttp.ClientSession
    clock: Hand

    async def ask(self, method: str, path: str, *, account: str | None = "default", **how: Any) -> Answered:
        """Asks CallFire, at a path below the base path; without credentials where `account` is None."""
        if account is not None:
            how["headers"] = {"Authorization": authorization(account), **how.get("headers", {})}
        return await self.ask_url(method, self.addresses.api + path, **how)

    async def refused(self, method: str, path: str, **how: Any) -> str:
        """What a 400 with CallFire's error object says is wrong."""
        answer = await self.ask(method, path, **how)
        message = answer.json["message"]
        assert (answer.status, answer.json) == (400, error_object(400, message))
        assert isinstance(message, str)
        return message

    async def control(self, method: str, path: str, **how: Any) -> Answered:
        """Asks the control address."""
        return await self.ask_url(method, self.addresses.control + path, **how)

    async def ask_url(self, method: str, url: str, **how: Any) -> Answered:
        """Asks at the address as it is written."""
        there = URL(url, encoded=True)
        async with self.session.request(method, there, allow_redirects=False, **how) as response:
            body = await response.read()
            shown = await response.json() if response.content_type == "application/json" and body else None
            return Answered(status=response.status, headers=response.headers, body=body, json=shown)

    async def more(self, **wanted: Any) -> tuple[list[int], int]:
        """More batches: their ids, and the broadcast of the last one."""
        answer = await self.control("POST", "/batches", json=wanted)
        assert answer.status == 200, answer.json
        return answer.json["ids"], answer.json["broadcast_id"]

    async def batch(self, **wanted: Any) -> int:
        """The id of a new batch; ACTIVE if nothing else is said."""
        [number], _ = await self.more(**{"validating_for": 0.0, "size": 500, **wanted})
        return number

    async def fault(self, kind: str, **more: Any) -> int:
        """A fault in force; its number."""
        answer = await self.control("POST", "/faults", json={"kind": kind, **more})
        assert answer.status == 200, answer.json
        number = answer.json["id"]
        assert isinstance(number, int)
        return number

    async def status(self, batch_id: int, **how: Any) -> int:
        """The code of the answer to a look at the batch."""
        return (await self.ask("GET", f"/campaigns/batches/{batch_id}", **how)).status

    async def outcomes(self) -> list[str]:
        """What became of each request, by the journal."""
        return [each["outcome"] for each in (await self.control("GET", "/requests")).json["requests"]]

    async def happened(self, outcome: str) -> None:
        """Waits until the journal's last request has that outcome."""
        async with asyncio.timeout(PATIENCE):
            while (await self.outcomes())[-1:] != [outcome]:
                pass


@asynccontextmanager
async def open_house(**config: Any) -> AsyncIterator[House]:
    """A simulator without latency and with two accounts, unless said otherwise, at free ports of 127.0.0.1."""
    clock = Hand()
    settings = SimulatorConfig(**{"accounts": ACCOUNTS, "latency": 0.0, **config})
    async with serve(settings, clock=clock) as addresses, aiohttp.ClientSession() as session:
        yield House(addresses=addresses, session=session, clock=clock)
