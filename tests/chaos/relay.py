"""A stretch of wire that a campaign controls: between a replica and PostgreSQL, or between a replica and CallFire.

It hands on, is silent, refuses, or cuts a connection right after a COMMIT went through, so that nobody is told what became of it.
What goes through is noted where the campaign wants to know who asked CallFire for what.
"""

import asyncio
import base64
import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, NamedTuple

COMMIT: Final = b"COMMIT\x00"
LOGIN: Final = re.compile(rb"\r\nauthorization: basic ([A-Za-z0-9+/=]+)\r\n", re.IGNORECASE)

LOOKS: Final = 0.01
"""Seconds after which it looks again what time it is."""
PATIENCE: Final = 60.0
"""Seconds after which what is waited for will not come."""

Mood = Literal["open", "silent", "closed"]


class Asked(NamedTuple):
    """A request that came through, between two moments in Unix seconds: a wire that stood still notes it late. Whose login it
    had."""

    since: float
    at: float
    login: str


@dataclass(slots=True)
class Relay:
    """One wire. `there` is a socket's path, or a host and a port; `port` is where its own end is, on 127.0.0.1."""

    there: Path | tuple[str, int]
    port: int = 0
    cuts: int = 0
    """How many COMMITs were cut off so far."""
    asked: list[Asked] = field(default_factory=list)
    _mood: Mood = "open"
    _to_cut: int = 0
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _opened: asyncio.Event = field(default_factory=asyncio.Event)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _over: asyncio.Event = field(default_factory=asyncio.Event)
    _up: threading.Event = field(default_factory=threading.Event)
    _looked: tuple[float, float] = (0.0, 0.0)
    """When it looked for the last two times: what it notes now came after the first of them."""

    def be(self, mood: Mood) -> None:
        """Silent: whoever connects or asks hears nothing until it is open again. Closed: connections end, new ones do too."""
        asyncio.run_coroutine_threadsafe(self._be(mood), self._loop).result(PATIENCE)

    def cut_commits(self, count: int) -> None:
        """The next so many COMMITs go through, and no answer to them comes back."""
        self._loop.call_soon_threadsafe(self._cut, count)

    def end(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)

    def run(self) -> None:
        """The wire's own thread."""
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._live())

    def wait(self) -> None:
        """Returns when it listens."""
        assert self._up.wait(PATIENCE)

    async def _live(self) -> None:
        self._opened.set()
        server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._look()
        self._up.set()
        await self._over.wait()
        server.close()
        await self._drop()

    async def _drop(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _be(self, mood: Mood) -> None:
        self._mood = mood
        if mood == "silent":
            self._opened.clear()
        else:
            self._opened.set()
        if mood == "closed":
            await self._drop()

    def _cut(self, count: int) -> None:
        self._to_cut = count

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._serve(reader, writer), name="relayed")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        away: asyncio.StreamWriter | None = None
        try:
            await self._opened.wait()
            if self._mood == "closed":
                return
            there, away = await self._connect()
            back = asyncio.create_task(self._hand_back(there, writer), name="back")
            try:
                await self._hand_on(reader, away, there, back)
            finally:
                back.cancel()
                await asyncio.wait([back])
        except OSError:
            pass  # one end is gone: so is the other
        finally:
            for each in (away, writer):
                if each is not None:
                    each.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if isinstance(self.there, Path):
            return await asyncio.open_unix_connection(str(self.there))
        return await asyncio.open_connection(*self.there)

    async def _hand_on(
        self,
        reader: asyncio.StreamReader,
        away: asyncio.StreamWriter,
        there: asyncio.StreamReader,
        back: "asyncio.Task[None]",
    ) -> None:
        while said := await reader.read(65536):
            await self._opened.wait()
            self._note(said)
            if COMMIT in said and self._to_cut:
                self._to_cut -= 1
                self.cuts += 1
                back.cancel()
                await asyncio.wait([back])
                away.write(said)
                async with asyncio.timeout(PATIENCE):
                    await there.read(65536)  # it was committed, or not, and nobody is told
                return
            away.write(said)
            await away.drain()

    async def _hand_back(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while said := await there.read(65536):
                await self._opened.wait()
                writer.write(said)
                await writer.drain()
        writer.close()

    def _note(self, said: bytes) -> None:
        for found in LOGIN.finditer(said):
            login = base64.b64decode(found[1]).decode().partition(":")[0]
            self.asked.append(Asked(self._looked[0], time.time(), login))

    def _look(self) -> None:
        """Again and again, behind all that had come by then."""
        self._looked = (self._looked[1], time.time())
        self._loop.call_later(LOOKS, self._look)


@contextmanager
def relays(there: Sequence[Path | tuple[str, int]]) -> Iterator[list[Relay]]:
    """A wire to each of these, as long as the context lasts."""
    wires = [Relay(each) for each in there]
    threads = [threading.Thread(target=wire.run, name="relay") for wire in wires]
    for thread in threads:
        thread.start()
    try:
        for wire in wires:
            wire.wait()
        yield wires
    finally:
        for wire in wires:
            wire.end()
        for thread in threads:
            thread.join(PATIENCE)


def address(url: str) -> tuple[str, int]:
    """Host and port of a URL."""
    host, _, port = url.split("/")[2].partition(":")
    return host, int(port)
