"""Opening a SQLite database: its place, its lock, and every way in which it cannot be opened."""

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes import Ear, FakeClock
from tests.store.making import KEY, follow
from watcher.ports import UnusableStore
from watcher.store.lock import ProcessLock
from watcher.store.migrations import migrations
from watcher.store.opening import migrate, outlook, schema_version
from watcher.store.sqlite import open_store

NEWEST = migrations("sqlite")[-1].number


async def opened(path: Path) -> None:
    """Opens and closes it."""
    async with open_store(path, tell=Ear(), clock=FakeClock()):
        pass


def contents(folder: Path) -> dict[str, bytes]:
    """What is in the folder, but for lock files."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".lock"}


async def test_a_new_database_is_for_its_owners_eyes_only(path: Path, clock: FakeClock, ear: Ear) -> None:
    async with open_store(path, tell=ear, clock=clock) as store:
        await follow(store, KEY)
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == dict.fromkeys(["watcher.db", "watcher.db-shm", "watcher.db-wal", "watcher.db.lock"], 0o600)


async def test_missing_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "var" / "lib" / "watcher.db"
    await opened(path)
    assert path.is_file()


async def test_commits_are_made_to_outlive_a_power_cut(path: Path, clock: FakeClock, ear: Ear) -> None:
    def told(connection: sqlite3.Connection) -> tuple[int, str]:
        synchronous = connection.execute("PRAGMA synchronous").fetchone()[0]
        return synchronous, connection.execute("PRAGMA journal_mode").fetchone()[0]

    async with open_store(path, tell=ear, clock=clock) as store:
        assert await store._writer.run("told", told) == (2, "wal")


# One process


def holder_of(path: Path) -> subprocess.Popen[bytes]:
    """Another process that has the lock."""
    program = (
        "import pathlib, sys; from watcher.store.lock import ProcessLock;"
        "lock = ProcessLock(pathlib.Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    return holder


async def test_a_second_store_on_one_database_is_refused(path: Path, clock: FakeClock, ear: Ear) -> None:
    async with open_store(path, tell=ear, clock=clock) as store:
        with pytest.raises(UnusableStore) as refusal:
            await opened(path)
        with pytest.raises(UnusableStore, match="is in use by process"):
            migrate(path)
        assert len(await follow(store, KEY)) == 1
    assert str(refusal.value) == f"{path} is in use by process {os.getpid()}: end that one, or name another database"
    await opened(path)


async def test_another_process_is_refused_until_this_one_is_gone(path: Path) -> None:
    with holder_of(path) as holder:
        with pytest.raises(UnusableStore, match=f"is in use by process {holder.pid}: end that one"):
            await opened(path)
        holder.kill()
    await opened(path)


async def test_a_second_name_of_one_database_has_the_same_lock(path: Path, clock: FakeClock, ear: Ear) -> None:
    other = path.with_name("other.db")
    other.symlink_to(path)
    async with open_store(path, tell=ear, clock=clock):
        with pytest.raises(UnusableStore, match=f"{other} is in use by process {os.getpid()}"):
            await opened(other)
    async with open_store(other, tell=ear, clock=clock):
        with pytest.raises(UnusableStore, match="is in use by process"):
            await opened(path)


def test_a_lock_that_was_let_go_names_nobody(path: Path) -> None:
    ProcessLock(path).release()
    assert path.with_name("watcher.db.lock").read_bytes() == b""


# What cannot be opened


async def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(UnusableStore, match=rf"{tmp_path} is a folder: name a file in it"):
        await opened(tmp_path)
    assert contents(tmp_path) == {}


async def test_what_is_no_file_is_named(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(UnusableStore, match=r"watcher\.db"):
        await opened(path)


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnusableStore, match=rf"{tmp_path}/file cannot be made: .*Make it, or name"):
        await opened(tmp_path / "file" / "watcher.db")


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may write everywhere, so this is somebody else."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that everybody can find."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        path.chmod(0o777)
        yield path
        path.chmod(0o777)


@pytest.fixture
def read_only(public: Path) -> Path:
    """A folder that may not be written."""
    public.chmod(0o555)
    return public


@pytest.fixture
def unreadable(public: Path) -> Path:
    """A file that may not be read."""
    path = public / "watcher.db"
    path.touch(0o000)
    return path


async def test_a_folder_that_may_not_be_written_is_named(read_only: Path) -> None:
    path = read_only / "watcher.db"
    with as_nobody(), pytest.raises(UnusableStore) as refusal:
        await opened(path)
    assert str(refusal.value) == (
        f"{path}.lock cannot be made: Permission denied. Give the user of this process the right to write {read_only}, "
        "or name a database in another folder"
    )
    assert contents(read_only) == {}


async def test_a_file_that_may_not_be_read_is_named(unreadable: Path) -> None:
    with as_nobody(), pytest.raises(UnusableStore, match=rf"{unreadable} cannot be opened: Permission denied. Give"):
        await opened(unreadable)
    with as_nobody(), pytest.raises(UnusableStore, match=rf"{unreadable} cannot be opened: check"):
        schema_version(unreadable)


def scribbled(path: Path) -> dict[str, bytes]:
    """A file of something else, and what is in its folder."""
    path.write_text("shopping list: " + "apples, " * 1000)
    return contents(path.parent)


async def test_a_file_that_is_no_database_is_named_and_left_alone(path: Path) -> None:
    before = scribbled(path)
    with pytest.raises(UnusableStore, match=rf"{path} is not a SQLite database: name another file"):
        await opened(path)
    with pytest.raises(UnusableStore, match="is not a SQLite database"):
        schema_version(path)
    assert contents(path.parent) == before


async def test_the_database_of_another_program_is_left_alone(path: Path) -> None:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE meta (name TEXT, value TEXT)")
    other.execute("INSERT INTO meta VALUES ('schema', '1')")
    other.commit()
    other.close()
    before = contents(path.parent)
    with pytest.raises(UnusableStore, match=rf"{path} is the database of another program: name another file"):
        await opened(path)
    assert contents(path.parent) == before


async def test_a_database_of_a_newer_version_is_left_alone(path: Path) -> None:
    await opened(path)
    newer = sqlite3.connect(path)
    newer.execute("UPDATE meta SET value = '99' WHERE name IN ('schema', 'compatible')")
    newer.commit()
    newer.close()
    before = contents(path.parent)
    with pytest.raises(UnusableStore) as refusal:
        await opened(path)
    with pytest.raises(UnusableStore, match="Nothing was changed"):
        migrate(path)
    assert str(refusal.value) == (
        f"{path} was made by a newer version of this program (its tables are version 99, this one knows {NEWEST}): "
        "install that one, or restore a backup from before. Nothing was changed"
    )
    assert contents(path.parent) == before
    assert schema_version(path) == 99


async def test_a_database_that_is_locked_is_named_with_the_remedy_and_let_go(path: Path) -> None:
    """It costs the patience of one connection: five seconds."""
    await opened(path)
    shell = sqlite3.connect(path, isolation_level=None)
    shell.execute("BEGIN IMMEDIATE")
    with pytest.raises(
        UnusableStore, match=rf"^{path} is locked by another program .*: let it end \(database is locked\)$"
    ):
        await opened(path)
    shell.execute("ROLLBACK")
    shell.close()
    assert sorted(each.name for each in path.parent.iterdir()) == ["watcher.db", "watcher.db.lock"]
    await opened(path)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("DROP TABLE meta", "no such table: meta"),
        ("DELETE FROM meta WHERE name = 'schema'", "does not say which version its tables are: it is damaged"),
        ("UPDATE meta SET value = 'one' WHERE name = 'schema'", "does not say which version its tables are"),
    ],
)
async def test_a_database_without_a_version_is_damaged(path: Path, damage: str, said: str) -> None:
    await opened(path)
    damaged = sqlite3.connect(path)
    damaged.execute(damage)
    damaged.commit()
    damaged.close()
    with pytest.raises(UnusableStore, match=rf"{path}.*{said}"):
        await opened(path)


# What the next start will find


def test_the_outlook_of_a_place_without_a_database_changes_nothing_there(tmp_path: Path) -> None:
    path = tmp_path / "var" / "lib" / "watcher.db"
    assert outlook(path) == f"{path} will be made at the first start"
    assert contents(tmp_path) == {}


async def test_the_outlook_of_a_database_leaves_it_as_it_is(path: Path) -> None:
    await opened(path)
    before = {each.name: each.read_bytes() for each in path.parent.iterdir()}
    assert outlook(path) == f"{path} can be read and written"
    assert {each.name: each.read_bytes() for each in path.parent.iterdir()} == before


def test_the_outlook_of_an_older_database_says_what_it_will_be_brought_to(path: Path) -> None:
    path.touch()
    assert outlook(path) == f"{path} will be brought to version {NEWEST} at the next start (its tables are version 0)"
    assert [(each.name, each.stat().st_size) for each in path.parent.iterdir()] == [("watcher.db", 0)]


async def test_the_outlook_of_a_database_in_use_names_the_process(path: Path, clock: FakeClock, ear: Ear) -> None:
    async with open_store(path, tell=ear, clock=clock):
        assert await asyncio.to_thread(outlook, path) == f"{path} is in use by process {os.getpid()}"
    ProcessLock(path).release()


async def test_where_no_start_can_succeed_the_outlook_says_why(path: Path) -> None:
    (path.parent / "file").touch()
    await opened(path)
    newer = sqlite3.connect(path)
    newer.execute("UPDATE meta SET value = '99' WHERE name IN ('schema', 'compatible')")
    newer.commit()
    newer.close()
    text = path.with_name("text.db")
    text.write_text("shopping list: " + "apples, " * 1000)
    for place, why in (
        (path, "was made by a newer version of this program"),
        (text, "is not a SQLite database"),
        (path.parent, "is a folder: name a file in it"),
        (path.parent / "file" / "a" / "watcher.db", "file is no folder: name another database"),
    ):
        with pytest.raises(UnusableStore, match=why):
            outlook(place)


def test_where_nothing_may_be_written_the_outlook_says_so(read_only: Path) -> None:
    with as_nobody(), pytest.raises(UnusableStore, match=rf"^{read_only} may not be written: give the user of this"):
        outlook(read_only / "a" / "watcher.db")
    assert contents(read_only) == {}


def test_where_the_file_may_not_be_read_the_outlook_says_so(unreadable: Path) -> None:
    with as_nobody(), pytest.raises(UnusableStore, match=rf"^{unreadable} cannot be opened"):
        outlook(unreadable)
