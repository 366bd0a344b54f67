"""What a plan takes from an account's settings and database."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from tests.app.house import settings_for
from watcher.app import CannotStart
from watcher.app.planning import experience
from watcher.clock import SystemClock
from watcher.core.hazard import Sight
from watcher.core.learnt import LearntHazard
from watcher.core.lengths import Lengths, lengths
from watcher.store.opening import migrate
from watcher.store.sqlite import open_store

NOWHERE = "http://127.0.0.1:9"


def taught(ends: int) -> LearntHazard:
    learnt = LearntHazard(now=SystemClock().now().timestamp())
    for _ in range(ends):
        learnt.saw(Sight(3, 9.0, 10.0, True))
    learnt.settle(SystemClock().now().timestamp())
    return learnt


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


async def test_what_was_learnt_is_read_also_while_a_daemon_has_the_database(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, NOWHERE, CALLFIRE_RATE="7", WATCHER_POLLING__MAX_INTERVAL="9m")
    clock, learnt = SystemClock(), taught(30)
    async with open_store(tmp_path / "watcher.db", tell=lambda _: None, clock=clock) as store:
        await store.save_learnt("default", learnt.to_record(), clock.now())
        known = await experience(settings, "default")
    assert (known.account, known.rate, known.pace.max_interval) == ("default", 7.0, 540.0)
    assert abs(clock.now() - known.at) < timedelta(minutes=1)
    assert known.learnt is not None
    assert known.lengths.ends == 30
    assert [(each.smallest, each.largest) for each in known.lengths.sizes] == [(32, 100)]
    assert known.lengths.sizes[0].p50 == pytest.approx(lengths(learnt).sizes[0].p50, rel=0.01)


async def test_it_is_read_when_nobody_has_the_database_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    clock = SystemClock()
    async with open_store(tmp_path / "watcher.db", tell=lambda _: None, clock=clock) as store:
        await store.save_learnt("default", taught(30).to_record(), clock.now())
    before = files(tmp_path)
    assert (await experience(settings_for(tmp_path, NOWHERE), "default")).lengths.ends == 30
    assert files(tmp_path) == before


async def test_before_anything_was_learnt_there_is_nothing(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, NOWHERE)
    nothing = await experience(settings, "default")
    assert (nothing.learnt, nothing.lengths, nothing.absent) == (None, Lengths(ends=0), tmp_path / "watcher.db")
    assert not (tmp_path / "watcher.db").exists()
    migrate(tmp_path / "watcher.db")
    after = await experience(settings, "default")
    assert (after.learnt, after.absent) == (None, None)


async def test_a_database_that_cannot_be_read_is_said_to_be_so(tmp_path: Path) -> None:
    path = tmp_path / "watcher.db"
    path.write_text("no database, but long enough to be taken for one" * 100)
    with pytest.raises(CannotStart, match=r"watcher\.db"):
        await experience(settings_for(tmp_path, NOWHERE), "default")


async def test_a_database_that_lost_its_table_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "watcher.db"
    migrate(path)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE learnt")
    connection.close()
    with pytest.raises(CannotStart, match="learnt"):
        await experience(settings_for(tmp_path, NOWHERE), "default")


async def test_a_database_of_a_newer_version_is_refused_as_that(tmp_path: Path) -> None:
    path = tmp_path / "watcher.db"
    migrate(path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE name IN ('schema', 'compatible')")
    connection.close()
    with pytest.raises(CannotStart, match=r"watcher\.db was made by a newer version .* version 99"):
        await experience(settings_for(tmp_path, NOWHERE), "default")


async def test_a_folder_in_the_databases_place_is_named_as_one(tmp_path: Path) -> None:
    (tmp_path / "watcher.db").mkdir()
    with pytest.raises(CannotStart, match=r"watcher\.db is a folder"):
        await experience(settings_for(tmp_path, NOWHERE), "default")
