"""A walk: the service goes through one set of faults after another, in one process and in time that is turned, until all is
well."""

import asyncio
import random
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.faults.databases import Database, PostgresDatabase, SqliteFile
from tests.chaos.faults.phases import Faults, Walked
from tests.chaos.faults.times import VirtualLoop
from tests.chaos.faults.world import World
from tests.store.postgres_server import Server


def walk(phases: Sequence[Faults], *, seed: int, lasting: int = 20, server: Server | None = None) -> Walked:
    """Goes through these phases, `lasting` seconds each, until everything is well again and nothing is owed; what came of it.
    On SQLite, or on PostgreSQL where there is a server."""
    memory = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="watcher-faults-", dir=memory if memory.is_dir() else None))
    try:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            loop = runner.get_loop()
            assert isinstance(loop, VirtualLoop)
            database = SqliteFile(folder) if server is None else PostgresDatabase(server, loop)
            return runner.run(_walk(loop, database, phases, random.Random(seed), lasting))
    finally:
        shutil.rmtree(folder)


async def _walk(
    loop: VirtualLoop, database: Database, phases: Sequence[Faults], draw: random.Random, lasting: int
) -> Walked:
    walked = Walked()
    loop.set_exception_handler(lambda _, context: _note(walked, context["message"]))
    world = World(loop, database, draw, walked)
    try:
        middle = len(phases) // 2
        async with world.running():
            await world.go_through(phases[:middle], lasting)
        async with world.running():  # what was under way stays so over a restart
            await world.go_through(phases[middle:], lasting)
            await world.calm_down()
        if not walked.wrong:
            await world.start_again()
    finally:
        world.count()
        await database.close()
    return walked


def _note(walked: Walked, message: str) -> None:
    """What nobody heard of but the loop. asyncpg tells it of what was cut off at the end, and rolls that back."""
    if not message.startswith("Resetting connection with an active transaction"):
        walked.wrong.append(f"unheard: {message}")
