"""A backup has all that there was at one moment, or is not there at all."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import NOON
from tests.store.copies import full, opened
from tests.store.full import shown
from watcher.ports import UnusableStore
from watcher.store import opening
from watcher.store.backing_up import BackedUp, back_up
from watcher.store.copying import TABLES
from watcher.store.migrations import migrations
from watcher.store.rows import millis

ACCOUNT = "INSERT INTO accounts (name, refused, reason, refusals, credentials, number) VALUES (?, 0, ?, 0, '', 1)"


def backed_up(source: Path, target: Path, *, force: bool = False) -> BackedUp:
    return back_up(source, target, force=force, now=NOON, advance=lambda _: None)


def asked(path: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(statement).fetchall()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """One with a few accounts, which nobody has."""
    path = tmp_path / "watcher.db"
    opening.migrate(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(ACCOUNT, [(f"a{number}", "x" * 1000) for number in range(3000)])
    return path


async def test_a_backup_shows_what_the_database_shows(tmp_path: Path) -> None:
    before = await full(f"sqlite:///{tmp_path / 'watcher.db'}")
    target = tmp_path / "backup.db"
    done = backed_up(tmp_path / "watcher.db", target)
    assert done.rows.keys() == {table.name for table in TABLES}
    async with opened(f"sqlite:///{target}") as store:
        restored = await shown(store)
    to_be_sent = {"listed", "submissions", "unsettled"}  # which is another matter
    assert {name for name in before if restored[name] != before[name]} == to_be_sent


def test_what_is_written_meanwhile_is_not_in_it_and_waits_for_nothing(database: Path) -> None:
    target = database.with_name("backup.db")
    shares: list[float] = []
    with closing(opening.connect(database, migrations("sqlite"))[0]) as writer:

        def advance(share: float) -> None:
            shares.append(share)
            writer.execute(ACCOUNT, (f"b{len(shares)}", ""))

        done = back_up(database, target, force=False, now=NOON, advance=advance)
        assert writer.execute("SELECT count(*) FROM accounts").fetchone()[0] == 3000 + len(shares)
    assert (shares[-1], len(shares) > 1) == (1.0, True)
    assert done == BackedUp(version=migrations("sqlite")[-1].number, size=target.stat().st_size, rows=done.rows)
    assert asked(target, "SELECT count(*) FROM accounts") == [(done.rows["accounts"],)] == [(3000,)]


def test_it_is_one_file_that_only_its_owner_can_read(database: Path) -> None:
    target = database.with_name("backup.db")
    backed_up(database, target)
    assert target.stat().st_mode & 0o777 == 0o600
    assert asked(target, "PRAGMA journal_mode") == [("delete",)]
    others = {file.name for file in database.parent.iterdir()} - {"watcher.db", "watcher.db.lock"}
    assert others == {"backup.db"}


async def test_what_was_to_be_sent_counts_as_under_way_in_it(tmp_path: Path) -> None:
    """It may have been sent by the time the backup is restored, and then it calls people twice."""
    source, target = tmp_path / "watcher.db", tmp_path / "backup.db"
    await full(f"sqlite:///{source}")
    with closing(sqlite3.connect(source)) as connection, connection:
        connection.execute("UPDATE submissions SET state = 'intended', tries = 0, sent = NULL, settled = NULL")
    backed_up(source, target)
    (count,) = asked(source, "SELECT count(*) FROM submissions")[0]
    doubtful = [("sending", 1, millis(NOON), None, 0)] * count
    assert doubtful == asked(target, "SELECT state, tries, sent, ended, absences FROM submissions") != []
    assert asked(source, "SELECT DISTINCT state FROM submissions") == [("intended",)]


def test_an_older_database_can_be_backed_up_before_it_is_brought_to_newer_tables(tmp_path: Path) -> None:
    source, target = tmp_path / "watcher.db", tmp_path / "backup.db"
    opening.connect(source, migrations("sqlite")[:1])[0].close()
    done = backed_up(source, target)
    assert (done.version, opening.schema_version(target), "submissions" in done.rows) == (1, 1, False)


def test_a_backup_that_is_there_is_replaced_only_where_that_is_wanted(database: Path) -> None:
    target = database.with_name("backup.db")
    target.write_text("precious")
    with pytest.raises(UnusableStore, match=r"backup\.db is there already: name another file, or give --force"):
        backed_up(database, target)
    assert target.read_text() == "precious"
    backed_up(database, target, force=True)
    assert asked(target, "SELECT count(*) FROM accounts") == [(3000,)]


def test_one_that_was_made_meanwhile_is_not_replaced_either(database: Path) -> None:
    target = database.with_name("backup.db")

    def advance(_: float) -> None:
        target.write_text("precious")

    with pytest.raises(UnusableStore, match=r"backup\.db is there already"):
        back_up(database, target, force=False, now=NOON, advance=advance)
    assert target.read_text() == "precious"


def test_of_two_disks_it_is_the_backups_that_is_full_and_nothing_is_left_on_it(database: Path) -> None:
    def advance(_: float) -> None:
        full = sqlite3.OperationalError("database or disk is full")
        full.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise full

    before = sorted(database.parent.iterdir())
    with pytest.raises(
        UnusableStore, match=r"nothing was written to .*b\.db: its disk is full: make room, or name a file"
    ):
        back_up(database, database.with_name("b.db"), force=False, now=NOON, advance=advance)
    assert sorted(database.parent.iterdir()) == before


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        ("no.db", "backup.db", r"no\.db is no database of the daemon's: name the one that is to be backed up"),
        ("watcher.db", "watcher.db", r"watcher\.db belongs to the database itself: name another file"),
        ("watcher.db", "link.db", r"link\.db belongs to the database itself: name another file"),
        ("watcher.db", "watcher.db-wal", r"watcher\.db-wal belongs to the database itself: name another file"),
        ("watcher.db", "pipe", r"pipe is no file but a device, a pipe or the like: name a file"),
        ("watcher.db", ".", r"is a folder: name a file in it, for example .*watcher\.db"),
        (
            "watcher.db",
            "none/backup.db",
            r"none/backup\.db cannot be made \(No such file or directory\): name a file in",
        ),
    ],
)
def test_what_cannot_be_backed_up_is_refused_with_the_remedy(
    database: Path, source: str, target: str, said: str
) -> None:
    (database.parent / "link.db").hardlink_to(database)
    os.mkfifo(database.parent / "pipe")
    before = sorted(database.parent.iterdir())
    with pytest.raises(UnusableStore, match=said):
        backed_up(database.parent / source, database.parent / target, force=True)
    assert sorted(database.parent.iterdir()) == before


@pytest.mark.parametrize("place", [100, 150])
def test_a_damaged_database_is_no_backup(database: Path, place: int) -> None:
    with database.open("r+b") as file:
        file.seek(place * 4096)
        file.write(b"\xff" * 4096)
    before = sorted(database.parent.iterdir())
    with pytest.raises(UnusableStore, match="damaged: stop the daemon and restore the last backup"):
        backed_up(database, database.with_name("backup.db"))
    assert [file for file in sorted(database.parent.iterdir()) if file.suffix == ".db"] == [
        file for file in before if file.suffix == ".db"
    ]
