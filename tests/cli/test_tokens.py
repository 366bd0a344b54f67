"""`watcher token`: over the daemon's interface, and in the database where no daemon has it."""

import json
import re
from pathlib import Path

from tests.cli.conftest import Watcher
from tests.cli.interface import Interface
from watcher.core.tokens import PREFIX
from watcher.store.lock import ProcessLock

LOGIN = {"CALLFIRE_LOGIN": "a", "CALLFIRE_PASSWORD": "b"}
SECRET = re.compile(rf"{PREFIX}[\w-]{{43}}\n")


def test_a_token_is_made_listed_and_removed_by_the_daemon(watcher: Watcher, there: Interface) -> None:
    made = watcher("token", "new", "--name", "me", "--scope", "admin", WATCHER_URL=there.url)
    assert (made.exit_code, bool(SECRET.fullmatch(made.stdout))) == (0, True)
    assert re.fullmatch(r"token tok_\w{16} is made: this is its secret, shown this once\n", made.stderr)
    environ = {"WATCHER_URL": there.url, "WATCHER_API_TOKEN": made.stdout.strip()}
    other = watcher(
        *("token", "new", "--name", "ci", "--scope", "read", "--scope", "write", "--account", "default"),
        *("--expires", "90d", "-o", "json"),
        **environ,
    )
    shown = json.loads(other.stdout)
    assert (shown["scopes"], shown["accounts"], shown["expires"]) == (
        ["read", "write"],
        ["default"],
        "2027-02-21T12:00:00.000Z",
    )
    listed = json.loads(watcher("token", "ls", "-o", "json", **environ).stdout)
    assert [each["name"] for each in listed] in (["me", "ci"], ["ci", "me"])
    assert not any("token" in each for each in listed)
    rows = sorted(line.split()[1:4] for line in watcher("token", "ls", **environ).stdout.splitlines()[1:])
    assert rows == [["ci", "read", "write"], ["me", "admin", "all"]]
    removed = watcher("token", "rm", shown["id"], **environ)
    assert (removed.exit_code, removed.stdout) == (0, f"token {shown['id']} is removed\n")
    again = watcher("token", "rm", shown["id"], **environ)
    assert again.exit_code == 1
    assert f"There is no token '{shown['id']}'" in again.stderr


def test_what_the_daemon_refuses_names_the_option(watcher: Watcher, there: Interface) -> None:
    first = watcher("token", "new", "--name", "me", "--scope", "read", WATCHER_URL=there.url)
    assert (first.exit_code, "scope admin" in first.stderr) == (2, True)
    refused = watcher("token", "new", "--name", "me", "--scope", "read", "--account", "x", WATCHER_URL=there.url)
    assert refused.exit_code == 2
    assert refused.stderr.startswith("--account: There is no account 'x'.")


def test_what_is_no_token_is_refused_before_anybody_is_asked(watcher: Watcher) -> None:
    for arguments in (("--name", "", "--scope", "read"), ("--name", "ci", "--scope", "read", "--expires", "soon")):
        assert watcher("token", "new", *arguments, **LOGIN).exit_code == 2
    for more in (("--name", "ci"), ("--name", "ci", "--scope", "everything"), ("--scope", "read")):
        assert watcher("token", "new", *more, **LOGIN).exit_code == 2
    assert not Path("var").exists()


def test_where_no_daemon_runs_the_database_itself_is_changed(watcher: Watcher) -> None:
    said = "no daemon has var/watcher.db open: it is read and changed directly"
    empty = watcher("token", "ls", "-o", "json", **LOGIN)
    assert (empty.stdout, empty.stderr, Path("var").exists()) == ("[]\n", f"{said}\n", False)
    assert watcher("token", "rm", "tok_1", **LOGIN).exit_code == 1
    first = watcher("token", "new", "--name", "ci", "--scope", "read", **LOGIN)
    assert (first.exit_code, "scope admin" in first.stderr) == (2, True)
    made = watcher("token", "new", "--name", "me", "--scope", "admin", **LOGIN)
    assert (made.exit_code, bool(SECRET.fullmatch(made.stdout)), made.stderr.splitlines()[0]) == (0, True, said)
    arguments = ("token", "new", "--name", "ci", "--scope", "read", "--account", "default", "--expires", "1h")
    ci = json.loads(watcher(*arguments, "-o", "json", **LOGIN).stdout)
    listed = json.loads(watcher("token", "ls", "-o", "json", **LOGIN).stdout)
    assert {each["name"]: each["accounts"] for each in listed} == {"me": None, "ci": ["default"]}
    assert ci["expires"] in [each["expires"] for each in listed]
    unknown = watcher("token", "new", "--name", "x", "--scope", "read", "--account", "x", **LOGIN)
    assert (unknown.exit_code, unknown.stderr.splitlines()[-1]) == (2, "there is no account x: there are default")
    me = next(each["id"] for each in listed if each["name"] == "me")
    last = watcher("token", "rm", me, **LOGIN)
    assert (last.exit_code, "the last token with the scope admin" in last.stderr) == (2, True)
    removed = watcher("token", "rm", ci["id"], "-o", "json", **LOGIN)
    assert (removed.exit_code, json.loads(removed.stdout)) == (0, {"id": ci["id"], "removed": True})
    assert watcher("token", "rm", me, **LOGIN).exit_code == 0
    assert watcher("token", "ls", "-o", "json", **LOGIN).stdout == "[]\n"


def test_where_the_settings_have_a_token_the_first_one_may_be_any(watcher: Watcher) -> None:
    made = watcher("token", "new", "--name", "ci", "--scope", "read", WATCHER_API_TOKEN="x" * 32, **LOGIN)
    assert (made.exit_code, bool(SECRET.fullmatch(made.stdout))) == (0, True)


def test_a_database_that_is_in_use_is_left_to_whoever_has_it(watcher: Watcher) -> None:
    Path("var").mkdir()
    lock = ProcessLock(Path("var/watcher.db"))
    try:
        result = watcher("token", "ls", WATCHER_LISTEN="127.0.0.1:1", **LOGIN)
    finally:
        lock.release()
    assert result.exit_code == 2
    assert "no daemon answers at http://127.0.0.1:1" in result.stderr


def test_who_has_no_settings_asks_a_daemon(watcher: Watcher) -> None:
    result = watcher("token", "ls", WATCHER_LISTEN="127.0.0.1:1")
    assert (result.exit_code, "no daemon answers at http://127.0.0.1:1" in result.stderr) == (2, True)
    empty = watcher("token", "rm", "", WATCHER_URL="http://127.0.0.1:1")
    assert (empty.exit_code, empty.stderr) == (2, "ID: is empty: name a token as `watcher token ls` shows it\n")


def test_where_nobody_can_tell_whether_a_daemon_runs_one_is_asked(watcher: Watcher) -> None:
    Path("file").write_text("")
    result = watcher(
        "token", "ls", WATCHER_DATABASE_URL="sqlite:///file/watcher.db", WATCHER_LISTEN="127.0.0.1:1", **LOGIN
    )
    assert (result.exit_code, "no daemon answers at http://127.0.0.1:1" in result.stderr) == (2, True)


def test_a_database_that_cannot_be_opened_is_told_with_its_remedy(watcher: Watcher) -> None:
    Path("var").mkdir()
    Path("var/watcher.db").write_text("this is no database, and was never meant to be one")
    result = watcher("token", "ls", **LOGIN)
    assert (result.exit_code, "is not a SQLite database" in result.stderr) == (2, True)
