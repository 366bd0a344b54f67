"""The daemon and the commands on PostgreSQL, chosen by database.url alone."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from tests.app.house import asked, daemon, settings_for
from tests.chaos.relay import relays
from tests.store.making import api_endpoint
from tests.store.postgres_server import Server
from watcher.app import Finding, check, migrate
from watcher.app.assembly import Town, open_kept_store
from watcher.app.planning import experience
from watcher.app.tokens import is_in_use, kept_tokens
from watcher.app.working import Patience
from watcher.clock import SystemClock
from watcher.core.news import Changed, Looked
from watcher.settings import Settings
from watcher.simulator.config import SimulatorConfig
from watcher.simulator.server import serve
from watcher.simulator.world import Workload
from watcher.store.migrations import migrations
from watcher.store.opening import Migrated

NOWHERE = "http://127.0.0.1:9"
NEWEST = migrations("postgres")[-1].number


@pytest.fixture
def settings(url: str, tmp_path: Path) -> Settings:
    return settings_for(tmp_path, NOWHERE, WATCHER_DATABASE_URL=url)


async def test_the_daemon_keeps_everything_in_postgresql(url: str, tmp_path: Path) -> None:
    quick = replace(SimulatorConfig(port=0), workload=Workload(at_start=0))
    async with serve(quick) as callfire:
        made = await asked(callfire.control, "/batches", {"validating_for": 0, "end": "ERRORS"})
        settings = settings_for(tmp_path, callfire.api, WATCHER_DATABASE_URL=url)
        async with daemon(settings) as first:
            await first.follow(*made["ids"])
            await first.until(Changed)
            assert (await first.get("/readyz"))[0] == 200
        async with daemon(settings) as second:
            _, log = await second.get("/v1/events")
    assert [event["type"] for event in log["items"]] == ["batch.errors"]
    assert not (tmp_path / "watcher.db").exists()


async def test_where_the_database_says_nothing_any_more_the_daemon_stops_all_the_same(
    server: Server, url: str, tmp_path: Path
) -> None:
    place = url.partition("?")[0].rpartition("/")[2]
    quick = replace(SimulatorConfig(port=0), workload=Workload(at_start=0))
    with relays([next(server.folder.glob(".s.PGSQL.*[0-9]"))]) as [wire]:
        behind = f"postgresql://postgres@127.0.0.1:{wire.port}/{place}"
        async with serve(quick) as callfire:
            made = await asked(callfire.control, "/batches", {"validating_for": 3600, "end": "ACTIVE"})
            settings = settings_for(tmp_path, callfire.api, WATCHER_DATABASE_URL=behind)
            async with daemon(settings, patience=Patience(flying=0.1, leaving=0.1)) as stopped:
                await stopped.follow(*made["ids"])
                await stopped.until(Looked)
                await asyncio.to_thread(wire.be, "silent")


async def test_a_database_is_looked_at_migrated_and_looked_at_again(settings: Settings) -> None:
    place = settings.database.place
    said = [(await check(settings, upstream=False))[0]]
    assert await migrate(settings) == Migrated(before=0, after=NEWEST)
    assert await migrate(settings) == Migrated(before=NEWEST, after=NEWEST)
    said.append((await check(settings, upstream=False))[0])
    async with open_kept_store(settings, tell=Town().tell, clock=SystemClock()) as store:
        said.append((await check(settings, upstream=False))[0])
        await store.make_endpoint(api_endpoint(), SystemClock().now())
    assert said[:2] == [
        Finding(name="database", ok=True, detail=f"{place} will get its tables at the first start"),
        Finding(name="database", ok=True, detail=f"{place} can be read and written"),
    ]
    assert said[2].detail.startswith(f"{place} is in use by process ")
    secrets = [finding for finding in await check(settings, upstream=False) if finding.name == "secrets"]
    assert [finding.detail.partition(":")[0] for finding in secrets] == [
        "those of 1 endpoint in the database can be read by whoever has its tables"
    ]


async def test_a_database_that_cannot_be_reached_is_found(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, NOWHERE, WATCHER_DATABASE_URL="postgresql://anna:hunter2@127.0.0.1:1/watcher")
    found = (await check(settings, upstream=False))[0]
    assert (found.ok, found.detail.partition(" (")[0]) == (
        False,
        "postgresql://127.0.0.1:1/watcher cannot be reached: check that it runs, and the address",
    )


async def test_what_was_learnt_is_read_beside_whoever_has_the_database(settings: Settings) -> None:
    found = await experience(settings, "default")
    assert (found.learnt, found.absent) == (None, None)
    assert not await is_in_use(settings)


async def test_tokens_are_kept_in_it(settings: Settings) -> None:
    assert await kept_tokens(settings) == []
