"""A copy of a database: all of it, the same on both sides, whatever breaks it off, and of use from the first moment on."""

import asyncio
import os
import signal
import sys
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from tests.fakes import NOON
from tests.store.copies import New, copied, finished, full, opened
from tests.store.full import ANSWER, LATER, shown
from tests.store.making import claim, happen
from tests.store.postgres_server import Server
from watcher.app import CannotStart
from watcher.core.model import Key
from watcher.ports import DeliveryQuery, UnusableStore
from watcher.store.copying import TABLES

PAIRS = [("sqlite", "postgres"), ("postgres", "postgres"), ("postgres", "sqlite")]


@pytest.mark.parametrize(("kind", "other"), PAIRS)
async def test_a_copy_shows_what_its_source_shows(new: New, kind: str, other: str) -> None:
    source, target = new(kind), new(other)
    before = await full(source)
    done = await copied(source, target)
    assert [table.name for table in done.tables] == [table.name for table in TABLES]
    assert [table.name for table in done.tables if not table.rows] == []
    for url in (source, target):
        async with opened(url) as store:
            assert await shown(store) == before
            assert await store.begin("ci", "k-1", b"\x00" * 32, NOON) == ANSWER


async def test_whoever_opens_a_copy_goes_on_where_the_source_ended(new: New) -> None:
    source, target = new("sqlite"), new("postgres")
    before = await full(source)
    await copied(source, target)
    async with opened(target) as store:
        committed = await happen(store, "batch.new", key=Key("new", 1))
        assert [each.position for each in committed.events] == [before["span"].last + 1]
        assert committed.events[0].id.startswith(before["events"][0].id[:12])
        taken = await claim(store, LATER)
        assert len(taken) == len({each.id for each in taken}) > 2  # also what the source's process had claimed
        newest = max(each.id for each in before["deliveries"])
        assert max(each.id for each in await store.deliveries(DeliveryQuery())) > newest


async def test_a_copy_that_is_killed_after_any_portion_goes_on_from_there(new: New) -> None:
    source, target = new("sqlite"), new("postgres")
    before = await full(source)
    kills = 0
    while not await finished(source, target, steps=kills):
        kills += 1
        with pytest.raises(UnusableStore, match="is a copy that is not finished: go on with `watcher db copy"):
            async with opened(target):
                pass
    assert kills > 2 * len(TABLES)
    async with opened(target) as store:
        assert await shown(store) == before


async def test_a_copy_into_sqlite_that_is_killed_is_for_nothing_but_to_be_finished(new: New, tmp_path: Path) -> None:
    source, target = new("sqlite"), new("sqlite")
    before = await full(source)
    assert not await finished(source, target, steps=20)
    with pytest.raises(UnusableStore, match="is a copy that is not finished"):
        async with opened(target):
            pass
    assert await finished(source, target)
    async with opened(target) as store:
        assert await shown(store) == before


async def test_a_copy_whose_process_is_killed_in_the_middle_of_a_portion_goes_on(
    new: New, server: Server, tmp_path: Path
) -> None:
    source, target = new("sqlite"), new("postgres")
    before = await full(source)
    assert not await finished(source, target, steps=1)
    other = await asyncpg.connect(target)
    async with other.transaction():
        await other.execute("LOCK TABLE deliveries")
        command = [sys.executable, "-m", "watcher", "db", "copy", source, target]
        ours = {"PYTHONPATH": str(Path(__file__).parents[2]), "CALLFIRE_LOGIN": "anna", "CALLFIRE_PASSWORD": "hunter2"}
        environ = {name: value for name, value in os.environ.items() if not name.startswith("WATCHER_")} | ours
        process = await asyncio.create_subprocess_exec(*command, cwd=tmp_path, env=environ)
        while not await other.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            assert process.returncode is None
        process.kill()
        assert await process.wait() == -signal.SIGKILL
    await other.close()
    assert await finished(source, target)
    async with opened(target) as store:
        assert await shown(store) == before


async def test_where_the_target_takes_no_more_the_copy_goes_on_when_it_does(new: New, server: Server) -> None:
    source, target = new("sqlite"), new("postgres")
    before = await full(source)
    assert not await finished(source, target, steps=1)
    name = urlsplit(target).path[1:]
    server.say("ALTER TABLE attempts ADD CONSTRAINT no_room CHECK (id < 3)", name)
    with pytest.raises(CannotStart, match=r"^postgresql:\S+ refused it.*no_room"):
        await copied(source, target)
    server.say("ALTER TABLE attempts DROP CONSTRAINT no_room", name)
    assert await finished(source, target)
    async with opened(target) as store:
        assert await shown(store) == before
