"""`watcher db copy`: what it prints, and what it refuses."""

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Watcher
from watcher.store.copying import TABLES
from watcher.store.lock import ProcessLock
from watcher.store.opening import migrate

LOGIN = {"CALLFIRE_LOGIN": "anna", "CALLFIRE_PASSWORD": "hunter2"}
SOURCE, TARGET = "sqlite:///one.db", "sqlite:///two.db"
KEY = "a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2U="


@pytest.fixture
def source() -> Path:
    """A database with one account."""
    path = Path("one.db")
    migrate(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO accounts (name, refused, reason, refusals, credentials, number) VALUES ('a', 0, '', 0, '', 1)"
        )
    return path


def test_a_person_is_told_of_each_table_and_what_to_do_next(watcher: Watcher, source: Path) -> None:
    result = watcher("db", "copy", SOURCE, TARGET, **LOGIN)
    assert (result.exit_code, result.stderr) == (0, "")
    heading, *rows, last = result.stdout.splitlines()
    assert heading.split() == ["TABLE", "ROWS", "CHECKSUM"]
    assert [row.split()[:2] for row in rows] == [[table.name, str(int(table.name == "accounts"))] for table in TABLES]
    assert last == "two.db has all of one.db: set database.url to it"
    assert watcher("check", **LOGIN, WATCHER_DATABASE_URL=TARGET, WATCHER_LISTEN="127.0.0.1:0").exit_code == 0


def test_a_program_gets_a_line_for_each_table(watcher: Watcher, source: Path) -> None:
    result = watcher("db", "copy", SOURCE, TARGET, "-o", "json", **LOGIN)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(line["table"], line["rows"]) for line in lines] == [
        (table.name, int(table.name == "accounts")) for table in TABLES
    ]
    assert {len(line["checksum"]) for line in lines} == {16}


def test_that_secrets_need_their_key_is_said(watcher: Watcher, source: Path) -> None:
    with closing(sqlite3.connect(source)) as connection, connection:
        connection.execute(
            "INSERT INTO endpoints (id, url, types, accounts, timeout, state, sealed) "
            "VALUES ('ep_1', 'https://example.com/', '[]', '[]', 15000, 'active', x'01020304')"
        )
    result = watcher("db", "copy", SOURCE, TARGET, **LOGIN)
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == ("secrets are encrypted in it as they were: keep database.encryption_key")
    other = watcher("db", "copy", SOURCE, "sqlite:///three.db", **LOGIN, WATCHER_DATABASE__ENCRYPTION_KEY=KEY)
    assert other.exit_code == 2
    assert other.stderr.startswith("one.db: the secrets of endpoint ep_1 cannot be read: ")
    assert not Path("three.db").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("one.db", TARGET), "SOURCE: is not a database: write sqlite:///PATH, sqlite:////PATH from the root, or"),
        ((SOURCE, "postgresql://db"), "TARGET: names no database: write postgresql://USER@HOST:PORT/NAME"),
        ((SOURCE, SOURCE), "one.db cannot be copied into itself: name another database"),
        (("sqlite:///no.db", TARGET), "no.db is not there: name the database that is to be copied"),
        ((SOURCE, "postgresql://anna:hunter2@127.0.0.1:1/w"), "postgresql://127.0.0.1:1/w cannot be reached"),
    ],
)
def test_what_cannot_be_copied_is_refused_with_the_remedy(
    watcher: Watcher, source: Path, given: tuple[str, str], said: str
) -> None:
    result = watcher("db", "copy", *given, **LOGIN)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(said)
    assert "hunter2" not in result.stderr


def test_the_daemon_is_to_be_stopped_first(watcher: Watcher, source: Path) -> None:
    lock = ProcessLock(source)
    result = watcher("db", "copy", SOURCE, TARGET, **LOGIN)
    lock.release()
    assert result.exit_code == 2
    assert result.stderr == f"one.db is in use by process {os.getpid()}: end that one, or name another database\n"


def test_a_copy_that_is_not_whole_is_refused_by_all_other_commands(watcher: Watcher) -> None:
    migrate(Path("two.db"))
    with closing(sqlite3.connect("two.db")) as connection, connection:
        connection.execute('INSERT INTO meta VALUES (\'copy\', \'{"origin": "abc", "tables": {}}\')')
    environ = {**LOGIN, "WATCHER_DATABASE_URL": TARGET, "WATCHER_LISTEN": "127.0.0.1:0"}
    why = "two.db is a copy that is not finished: go on with `watcher db copy SOURCE TARGET`, or remove it"
    for arguments in (("run",), ("db", "migrate"), ("token", "ls")):
        result = watcher(*arguments, **environ)
        assert result.exit_code == 2
        assert result.stderr.splitlines()[-1] == why
    checked = watcher("check", **environ)
    assert checked.exit_code == 2
    assert why in checked.stdout
