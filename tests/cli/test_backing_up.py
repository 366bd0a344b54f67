"""`watcher db backup`: what it prints, and what it refuses."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Watcher
from watcher.store.migrations import migrations
from watcher.store.opening import migrate

HERE = {"WATCHER_DATABASE_URL": "sqlite:///watcher.db"}
KEY = "a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2U="
VERSION = migrations("sqlite")[-1].number


def test_a_person_is_told_what_the_backup_has_and_needs_no_login_of_an_account(watcher: Watcher) -> None:
    migrate(Path("watcher.db"))
    result = watcher("db", "backup", "backup.db", **HERE)
    size = Path("backup.db").stat().st_size
    said = f"backup.db has all of watcher.db: 0 rows, {size} bytes, tables of version {VERSION}\n"
    assert (result.exit_code, result.stdout, result.stderr) == (0, said, "")
    again = watcher("db", "backup", "backup.db", **HERE)
    assert (again.exit_code, again.stdout) == (2, "")
    assert again.stderr == "backup.db is there already: name another file, or give --force to replace it\n"
    forced = watcher("db", "backup", "backup.db", "--force", **HERE, WATCHER_DATABASE__ENCRYPTION_KEY=KEY)
    assert forced.stdout.splitlines()[1:] == [
        "secrets are encrypted in it: keep database.encryption_key, in another place"
    ]


def test_a_program_gets_the_rows_of_each_table(watcher: Watcher) -> None:
    migrate(Path("watcher.db"))
    document = json.loads(watcher("db", "backup", "backup.db", "-o", "json", **HERE).stdout)
    tables = document.pop("tables")
    assert (set(tables.values()), "events" in tables) == ({0}, True)
    assert document == {
        "database": "sqlite:///watcher.db",
        "file": "backup.db",
        "version": VERSION,
        "bytes": Path("backup.db").stat().st_size,
        "rows": 0,
    }


@pytest.mark.parametrize(
    ("url", "said"),
    [
        (
            "postgresql://anna:hunter2@db/watcher",
            "postgresql://anna@db/watcher is backed up with PostgreSQL's own tools: pg_dump --format=custom --file=backup.db",
        ),
        ("mysql://db", "environment variable WATCHER_DATABASE_URL: is not a database: "),
        ("sqlite:///no.db", "no.db is no database of the daemon's: name the one that is to be backed up\n"),
    ],
)
def test_what_cannot_be_backed_up_is_refused_with_the_remedy(watcher: Watcher, url: str, said: str) -> None:
    result = watcher("db", "backup", "backup.db", WATCHER_DATABASE_URL=url)
    assert (result.exit_code, result.stdout, result.stderr[: len(said)]) == (2, "", said)
    assert not Path("backup.db").exists()
