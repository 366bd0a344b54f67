"""Running, checking and migrating: what is done with the settings on this machine."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import pytest

from tests.cli.conftest import Scene, Watcher
from tests.cli.interface import PATIENCE
from watcher.cli.serving import told
from watcher.settings import reference
from watcher.store.migrations import migrations
from watcher.store.opening import Migrated, connect

LOGIN = {"CALLFIRE_LOGIN": "anna", "CALLFIRE_PASSWORD": "hunter2"}
ANYWHERE = {"WATCHER_LISTEN": "127.0.0.1:0"}


def running(
    tmp_path: Path, environ: Mapping[str, str], stdout: int | IO[str] = subprocess.PIPE
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "watcher", "run"],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **LOGIN, **environ},
    )


def test_the_daemon_says_its_address_and_ends_when_asked(tmp_path: Path) -> None:
    with running(tmp_path, {**ANYWHERE, "WATCHER_API_TOKEN": "short"}) as daemon:
        assert daemon.stdout is not None
        assert daemon.stderr is not None
        assert daemon.stdout.readline().startswith("watcher serves http://127.0.0.1:")
        daemon.send_signal(signal.SIGINT)
        assert daemon.wait(PATIENCE) == 0, daemon.stderr.read()
        assert daemon.stderr.readline() == (
            "warning: environment variable WATCHER_API_TOKEN: is shorter than 16 characters: "
            "make one with `watcher token random`\n"
        )
    assert (tmp_path / "var" / "watcher.db").exists()


def test_a_daemon_whose_announcement_nobody_hears_runs_on(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone, running(tmp_path, ANYWHERE, gone) as daemon:
        assert daemon.stderr is not None
        assert json.loads(daemon.stderr.readline())["event"] == "daemon.started"
        daemon.terminate()
        assert json.loads(daemon.stderr.readline())["event"] == "daemon.stopping"
        assert (daemon.wait(PATIENCE), daemon.stderr.read()) == (0, "")


def test_a_daemon_whose_announcement_finds_no_room_says_so_and_runs_on(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full, running(tmp_path, ANYWHERE, full) as daemon:
        assert daemon.stderr is not None
        assert json.loads(daemon.stderr.readline())["event"] == "daemon.started"
        assert daemon.stderr.readline().startswith("standard output cannot be written (No space left on device): ")
        daemon.terminate()
        assert daemon.wait(PATIENCE) == 0, daemon.stderr.read()


def test_a_port_in_use_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        daemon = running(tmp_path, {"WATCHER_LISTEN": address})
        said, complained = daemon.communicate(timeout=PATIENCE)
    assert (daemon.returncode, said) == (2, "")
    assert complained.splitlines()[-1].startswith(f"Cannot listen on {address}: the port is in use")


def test_a_second_daemon_on_one_database_is_refused(watcher: Watcher, scene: Scene, tmp_path: Path) -> None:
    environ = {**ANYWHERE, "WATCHER_DATABASE_URL": "sqlite:///one.db"}
    with running(tmp_path, environ) as first:
        assert first.stdout is not None
        assert first.stderr is not None
        assert first.stdout.readline(), first.stderr.read()
        with running(tmp_path, environ) as second:
            _, complained = second.communicate(timeout=PATIENCE)
        assert second.returncode == 2, complained
        assert "one.db" in complained
        assert "Traceback" not in complained
        checked = watcher("check", **LOGIN, **environ)
        assert checked.exit_code == 0
        migrated = watcher("db", "migrate", **LOGIN, **environ)
        assert migrated.exit_code == 2
        assert "one.db" in migrated.stderr
        first.terminate()
        assert first.wait(PATIENCE) == 0, first.stderr.read()


def test_check_says_that_all_is_well_and_makes_nothing(watcher: Watcher) -> None:
    result = watcher("check", "-o", "json", **LOGIN, WATCHER_LISTEN="127.0.0.1:0")
    assert result.exit_code == 0
    findings = json.loads(result.stdout)
    assert findings[0] == {"name": "settings", "ok": True, "detail": "good, from the environment"}
    assert all(finding["ok"] for finding in findings)
    assert list(Path().iterdir()) == []
    lines = watcher("check", **LOGIN, WATCHER_LISTEN="127.0.0.1:0").stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["ok", finding["name"]] for finding in findings]


def test_check_names_every_source(watcher: Watcher) -> None:
    Path("w.toml").write_text("[polling]\nworth = 1\n")
    result = watcher("check", "-c", "w.toml", "-o", "json", **LOGIN, WATCHER_LISTEN="127.0.0.1:0")
    assert json.loads(result.stdout)[0]["detail"] == "good, from w.toml and the environment"


def test_check_says_what_is_wrong_and_ends_with_2(watcher: Watcher) -> None:
    Path("folder").mkdir()
    result = watcher("check", **LOGIN, WATCHER_LISTEN="127.0.0.1:0", WATCHER_DATABASE_URL="sqlite:///folder")
    assert result.exit_code == 2
    assert [line.split()[1] for line in result.stdout.splitlines() if line.startswith("WRONG")] == ["database"]


def test_check_tells_a_program_each_problem_of_the_settings(watcher: Watcher) -> None:
    result = watcher("check", "-o", "json", CALLFIRE_LOGIN="anna", WATCHER_LISTEN="8080")
    assert result.exit_code == 2
    problems = result.stderr.splitlines()
    assert len(problems) == 2
    assert json.loads(result.stdout) == [{"name": "settings", "ok": False, "detail": line} for line in problems]


def test_check_prints_or_asks_upstream_but_not_both(watcher: Watcher) -> None:
    result = watcher("check", "--print", "--upstream", **LOGIN)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "--print asks nobody: leave out --upstream, or give it alone\n"


@pytest.mark.parametrize(("password", "code"), [("password", 0), ("wrong", 2)])
def test_check_tries_the_login_where_asked(watcher: Watcher, scene: Scene, password: str, code: int) -> None:
    environ = {**scene.environ, "CALLFIRE_PASSWORD": password}
    result = watcher("check", "--upstream", **environ)
    assert result.exit_code == code
    assert [line.split()[0] for line in result.stdout.splitlines() if "account default" in line] == [
        "WRONG" if code else "ok"
    ]


def test_check_prints_the_settings_and_where_they_came_from(watcher: Watcher) -> None:
    result = watcher("check", "--print", **LOGIN, CALLFIRE_RATE="2.5")
    lines = [line.split(maxsplit=2) for line in result.stdout.splitlines()]
    assert ["accounts.default.rate", "2.5", "environment variable CALLFIRE_RATE"] in [
        [cell.strip() for cell in line] for line in lines
    ]
    assert "hunter2" not in result.output
    document = json.loads(watcher("check", "--print", "-o", "json", **LOGIN).stdout)
    assert {"key": "polling.worth", "value": "0.1s", "from": "default"} in document


def test_check_gives_the_table_of_all_settings(watcher: Watcher) -> None:
    assert watcher("check", "--reference").stdout == reference()


def test_migrating_says_from_where_to_where(watcher: Watcher) -> None:
    first = json.loads(watcher("db", "migrate", "-o", "json", **LOGIN).stdout)
    newest = migrations("sqlite")[-1].number
    assert first == {"database": "sqlite:///var/watcher.db", "from": 0, "to": newest, "waiting": []}
    assert watcher("db", "migrate", **LOGIN).stdout == f"var/watcher.db has version {first['to']} already\n"
    Path("var/watcher.db").unlink()
    assert watcher("db", "migrate", **LOGIN).stdout == f"var/watcher.db was brought from version 0 to {first['to']}\n"


def test_migrating_says_what_waits() -> None:
    assert told("the database", Migrated(before=6, after=8, waiting=("0007_contract_more", "0008_aside_by_name"))) == [
        "the database was brought from version 6 to 8",
        "0007_contract_more waits until no older process has the database: give this command again then",
        "0008_aside_by_name is being taken by another process, or could not be: give this command again",
    ]


def test_migrating_an_older_database_says_from_where_it_came(watcher: Watcher) -> None:
    Path("var").mkdir()
    connect(Path("var/watcher.db"), migrations("sqlite")[:1])[0].close()
    newest = migrations("sqlite")[-1].number
    assert watcher("db", "migrate", **LOGIN).stdout == f"var/watcher.db was brought from version 1 to {newest}\n"
