"""A stretch of wire between the store and PostgreSQL that can be cut at the worst moment: beside a COMMIT."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final, Literal

PORT: Final = ".s.PGSQL.5432"
"""What PostgreSQL's socket is called in its folder."""
COMMIT: Final = b"COMMIT\x00"

Cut = Literal["before", "after"]


class Wire:
    """Hands everything on; with `cut` set, the next COMMIT is the last thing that it hands on, or the first that it does not.

    With `dead` set nobody gets through any more.
    """

    def __init__(self, server: Path) -> None:
        self._server = server
        self.cut: Cut | None = None
        self.cuts = 0
        self.dies = False
        self.dead = False
        self.serving: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        task = asyncio.current_task()
        assert task is not None
        self.serving.add(task)
        if self.dead:
            await _close(writer)
            return
        there, away = await asyncio.open_unix_connection(str(self._server / PORT))
        back = asyncio.create_task(self._hand_back(there, writer), name="back")
        try:
            while said := await reader.read(65536):
                cut = self.cut if COMMIT in said else None
                if cut is not None:
                    self.cut, self.dead = None, self.dies
                    self.cuts += 1
                if cut == "after":
                    back.cancel()
                    await asyncio.wait([back])
                    away.write(said)
                    await there.read(65536)  # it was committed, and nobody is told
                if cut is not None:
                    break
                away.write(said)
        except ConnectionError:
            pass
        finally:
            back.cancel()
            await asyncio.wait([back])
            await _close(away)
            await _close(writer)

    async def _hand_back(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while said := await there.read(65536):
            writer.write(said)
        writer.close()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(ConnectionError):
        await writer.wait_closed()


@asynccontextmanager
async def wired(server: Path, folder: Path) -> AsyncIterator[Wire]:
    """A wire to the server in its folder; its own end is in the folder given."""
    wire = Wire(server)
    listening = await asyncio.start_unix_server(wire.serve, str(folder / PORT))
    try:
        yield wire
    finally:
        listening.close()
        if wire.serving:
            await asyncio.wait(wire.serving)
