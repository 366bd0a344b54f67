"""The daemon in this process, on free ports, beside a simulated CallFire: real sockets, real time, nothing slept for."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import aiohttp

from watcher.app import Parts, run
from watcher.app.working import USUAL, Patience
from watcher.core.news import LeasesMoved, News
from watcher.settings import Settings, load

PATIENCE: Final = 50.0
"""Seconds after which what is waited for will not come: fewer than the 60 that a client may ask the daemon to wait."""
LEAVING: Final = 20.0
"""Seconds in which it ends: fewer than it has where something in flight does not come down."""

Decorate = Callable[[Parts], Parts]


@dataclass(slots=True)
class Daemon:
    """One that runs. `heard` is the news of its pollers and its deliverer."""

    session: aiohttp.ClientSession
    stop: asyncio.Event
    ended: "asyncio.Task[int]"
    url: str = ""
    heard: list[News] = field(default_factory=list)
    _turned: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, news: News) -> None:
        self.heard.append(news)
        self._turned.set()

    async def until(self, kind: type, times: int = 1, **fields: object) -> None:
        """Waits until that kind of news was heard so often, with those values in its fields."""

        def meant(news: News) -> bool:
            return isinstance(news, kind) and all(getattr(news, name) == value for name, value in fields.items())

        async with asyncio.timeout(PATIENCE):
            while sum(map(meant, self.heard)) < times:
                self._turned.clear()
                await self._turned.wait()

    async def becomes(self, reached: Callable[[], bool]) -> None:
        """Waits until it is so, as far as news of this daemon can bring it about."""
        async with asyncio.timeout(PATIENCE):
            while not reached():
                self._turned.clear()
                await self._turned.wait()

    @property
    def accounts(self) -> set[str]:
        """The shares that it polls, by what it has told."""
        here: set[str] = set()
        for news in self.heard:
            if isinstance(news, LeasesMoved):
                here = (here | set(news.taken)) - set(news.given_back) - set(news.lost)
        return here

    async def get(self, path: str) -> tuple[int, Any]:
        async with self.session.get(self.url + path) as answer:
            return answer.status, await answer.json()

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """What the interface answers where it does what it is asked for."""
        async with self.session.request(method, self.url + path, json=body) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json() if answer.status != 204 else None

    async def follow(self, *batch_ids: int) -> None:
        rows = [{"batch_id": batch_id} for batch_id in batch_ids]
        async with self.session.post(f"{self.url}/v1/watches", json=rows) as answer:
            assert answer.status == 200, await answer.text()


def settings_for(folder: Path, callfire: str, **environ: str) -> Settings:
    """Quick settings for a simulated CallFire; `environ` adds to them."""
    given: Mapping[str, str] = {
        "CALLFIRE_BASE_URL": callfire,
        "CALLFIRE_LOGIN": "login",
        "CALLFIRE_PASSWORD": "password",
        "CALLFIRE_RATE": "50",
        "WATCHER_DATABASE_URL": f"sqlite:///{folder / 'watcher.db'}",
        "WATCHER_LISTEN": "127.0.0.1:0",
        "WATCHER_WEBHOOKS__ALLOW_NETWORKS": "127.0.0.0/8",
        "WATCHER_POLLING__MIN_INTERVAL": "50ms",
        "WATCHER_POLLING__WORTH": "1ms",
        "WATCHER_LOG__LEVEL": "error",
    }
    return load(Path(os.devnull), {**given, **environ})


@asynccontextmanager
async def daemon(
    settings: Settings,
    decorate: Decorate = lambda parts: parts,
    *,
    read: Callable[[], Settings] | None = None,
    patience: Patience = USUAL,
) -> AsyncIterator[Daemon]:
    """Runs it while the context lasts, and asks it to stop at the end; it must then end well. `read` gives the settings that
    are there when it is to read them again."""
    up: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()

    def ours(parts: Parts) -> Parts:
        def tell(news: News) -> None:
            parts.tell(news)
            running.hear(news)

        return decorate(replace(parts, tell=tell))

    async with aiohttp.ClientSession() as session:
        begun = run(settings, announce=up.set_result, decorate=ours, stop=stop, read=read, patience=patience)
        ended = asyncio.create_task(begun, name="daemon")
        running = Daemon(session, stop, ended)
        await asyncio.wait((up, ended), timeout=PATIENCE, return_when=asyncio.FIRST_COMPLETED)
        if ended.done():
            ended.result()
        running.url = up.result()
        try:
            yield running
        finally:
            amiss = sys.exception()
            stop.set()
            try:
                async with asyncio.timeout(LEAVING):
                    assert await ended == 0
            except Exception as error:
                if amiss is None:
                    raise
                amiss.add_note(f"After that the daemon did not end well either: {error!r}")


async def asked(control: str, path: str, body: object = None) -> Any:
    """What the simulator's control address answers."""
    async with (
        aiohttp.ClientSession() as session,
        session.request("GET" if body is None else "POST", control + path, json=body) as answer,
    ):
        assert answer.status == 200, await answer.text()
        return await answer.json()
