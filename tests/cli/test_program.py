"""The command line as a whole: help that teaches, refusals that help, and exit codes that mean something."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import watcher as package
from tests.cli.conftest import Watcher

ROOT = Path(__file__).parents[2]
COMMANDS = ["run", "demo", "simulate", "check", "add", "ls", "show", "rm", "events", "wait", "db", "endpoints", "token"]


def test_help_names_every_command_and_the_exit_codes(watcher: Watcher) -> None:
    said = watcher("--help").stdout
    assert [line.split()[0] for line in said.partition("Commands:")[2].splitlines() if line.strip()] == COMMANDS
    assert "Exit codes: 0 done" in said


@pytest.mark.parametrize("command", ["run", "demo", "simulate", "check", "add", "ls", "events", "wait"])
def test_each_help_shows_how_it_is_used(watcher: Watcher, command: str) -> None:
    result = watcher(command, "--help")
    assert result.exit_code == 0
    assert f"watcher {command}" in result.stdout or command == "demo"


def test_the_help_of_wait_tells_its_exit_codes(watcher: Watcher) -> None:
    said = watcher("wait", "--help").stdout
    for line in (
        "5  CallFire refused",
        "4  a batch is gone",
        "1  a batch ended",
        "3  timed out",
        "0  ACTIVE",
        "130  Ctrl-C",
    ):
        assert line in said


def test_help_loads_nothing_heavy() -> None:
    """What makes `watcher --help` quick: no command's own modules are imported for it."""
    heavy = ["aiohttp", "numpy", "pydantic", "rich.table", "sqlite3", "structlog", "watcher.app", "watcher.settings"]
    script = f"import sys, watcher.cli.program; print([name for name in {heavy} if name in sys.modules])"
    # Without coverage, which a subprocess of a test measures too, and which loads some of these by itself.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    said = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=alone, capture_output=True, text=True, check=True
    )
    assert said.stdout == "[]\n"


def test_the_version_is_that_of_the_package(watcher: Watcher) -> None:
    assert watcher("--version").stdout == f"watcher {package.__version__}\n"


def test_python_m_watcher_is_the_command() -> None:
    said = subprocess.run([sys.executable, "-m", "watcher", "-h"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert said.stdout.startswith("Usage: watcher ")


@pytest.mark.parametrize(
    "arguments",
    [
        ("no-such-command",),
        ("show",),
        ("show", "abc"),
        ("show", "0"),
        ("ls", "--limit", "0"),
        ("run", "--colour"),
        ("add",),
    ],
)
def test_usage_errors_end_with_2(watcher: Watcher, arguments: tuple[str, ...]) -> None:
    result = watcher(*arguments)
    assert result.exit_code == 2
    assert "Usage:" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("arguments", [("run",), ("check",), ("check", "--print"), ("db", "migrate")])
def test_bad_settings_end_with_2_and_one_problem_a_line(watcher: Watcher, arguments: tuple[str, ...]) -> None:
    result = watcher(*arguments, CALLFIRE_LOGIN="anna", CALLFIRE_RATE="fast", WATCHER_LISTN="x")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "environment variable WATCHER_LISTN: is not known: did you mean WATCHER_LISTEN?",
        (
            "accounts.default.password: is missing (environment variable CALLFIRE_LOGIN asks for it): "
            "set CALLFIRE_PASSWORD (or CALLFIRE_PASSWORD_FILE), or password in [accounts.default] of the settings file"
        ),
        "environment variable CALLFIRE_RATE: must be a valid number, not 'fast': for example CALLFIRE_RATE=5",
    ]


def test_bad_settings_of_the_interface_are_told_by_every_command_that_asks_the_daemon(watcher: Watcher) -> None:
    for arguments in (("ls",), ("wait", "13")):
        result = watcher(*arguments, WATCHER_LISTEN="8080")
        assert result.exit_code == 2
        assert result.stderr.startswith("environment variable WATCHER_LISTEN: is not HOST:PORT: ")
