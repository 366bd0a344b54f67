"""The command line as a whole: help that teaches, refusals that help, and exit codes that mean something."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

import watcher as package
from tests.cli.conftest import Watcher
from watcher.cli.program import Commands, program

ROOT = Path(__file__).parents[2]
COMMANDS = [
    *("run", "demo", "simulate", "check", "health", "plan"),
    *("add", "ls", "show", "explain", "refresh", "label", "rm", "events", "wait", "submit", "switch", "listen"),
    *("completion", "accounts", "endpoints", "deliveries", "submissions", "db", "token"),
]
GROUPS = {
    "accounts": ["ls", "show", "resume"],
    "endpoints": ["ls", "show", "add", "set", "rm", "test", "rotate", "enable", "disable", "recover", "secret"],
    "deliveries": ["ls", "show", "resend"],
    "submissions": ["ls", "show", "withdraw"],
    "db": ["migrate", "copy", "backup", "key"],
    "token": ["new", "ls", "rm", "random"],
}


def test_help_names_every_command_and_the_exit_codes(watcher: Watcher) -> None:
    said = watcher("--help").stdout
    assert [line.split()[0] for line in said.partition("Commands:")[2].splitlines() if line.strip()] == COMMANDS
    assert "Exit codes: 0 done" in said


@pytest.mark.parametrize("group", GROUPS)
def test_the_help_of_a_group_names_its_commands(watcher: Watcher, group: str) -> None:
    said = watcher(group, "--help").stdout
    assert [line.split()[0] for line in said.partition("Commands:")[2].splitlines() if line.strip()] == GROUPS[group]


@pytest.mark.parametrize(
    "command",
    [
        *(command for command in COMMANDS if command not in GROUPS),
        *(f"{group} {command}" for group, commands in GROUPS.items() for command in commands),
    ],
)
def test_each_help_shows_how_it_is_used(watcher: Watcher, command: str) -> None:
    result = watcher(*command.split(), "--help")
    assert result.exit_code == 0
    assert f"    watcher {command}" in result.stdout.replace("  watcher", "    watcher") or command == "demo"


def test_whatever_is_printed_for_a_person_can_be_had_as_json() -> None:
    """But for what is no report: the simulator's address, which is JSON anyway, and a shell's script."""

    def without(command: Any, name: str = "") -> list[str]:
        if isinstance(command, TyperGroup):
            return [each for step, inner in command.commands.items() for each in without(inner, f"{name} {step}")]
        options = {option for parameter in command.params for option in parameter.opts}
        return [] if {"-o", "--output"} <= options or command.hidden else [name.strip()]

    assert without(typer.main.get_command(program)) == ["simulate", "completion"]


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
    heavy = ["aiohttp", "asyncio", "numpy", "pydantic", "rich.table", "sqlite3", "structlog", "urllib.request"]
    heavy += ["watcher.app", "watcher.settings"]
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


@pytest.mark.parametrize(
    "arguments", [("show", "abc"), ("show", "0"), ("ls", "--limit", "0"), ("events", "--batch", 2**63)]
)
def test_what_is_no_whole_number_is_said_with_the_remedy(watcher: Watcher, arguments: tuple[str, ...]) -> None:
    said = watcher(*arguments).stderr.splitlines()[-1]
    assert said.endswith(f": {arguments[-1]} is not a whole number from 1: give one, such as 13.")


def test_a_mistake_of_ours_is_one_line_and_its_place_where_asked_for() -> None:
    program = typer.Typer(cls=Commands, rich_markup_mode=None, pretty_exceptions_enable=False)
    program.callback()(lambda: None)
    program.command("fall")(lambda: _fall(KeyError("inside")))
    result = CliRunner().invoke(program, ["fall"])
    line = "KeyError: 'inside': this is a bug: please report it; set WATCHER_DEBUG=1 to see where\n"
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", line)
    shown = CliRunner().invoke(program, ["fall"], env={"WATCHER_DEBUG": "1"}).stderr
    assert "in _fall\n" in shown
    assert shown.endswith(line)


@pytest.mark.parametrize("many", [1, 3])
def test_a_lack_of_memory_is_no_mistake_of_ours(many: int) -> None:
    program = typer.Typer(cls=Commands, rich_markup_mode=None, pretty_exceptions_enable=False)
    program.callback()(lambda: None)
    program.command("fall")(lambda: _fall(*(MemoryError() for _ in range(many))))
    result = CliRunner().invoke(program, ["fall"])
    said = "no memory was left: give this process more, or ask less of it\n"
    assert (result.exit_code, result.stdout, result.stderr) == (2, "", said)


def _fall(*errors: Exception) -> None:
    raise ExceptionGroup("several tasks", errors)


@pytest.mark.parametrize(
    "arguments", [("--help",), ("ls", "-h"), ("db", "-h"), ("check", "--reference"), ("token", "random")]
)
def test_a_full_disk_under_standard_output_is_one_line(arguments: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "watcher", *arguments],
            cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (
        2,
        "standard output cannot be written (No space left on device): give it a place that has room\n",
    )


def test_a_full_disk_under_standard_error_changes_no_exit_code() -> None:
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "watcher", "ls", "-c", "nowhere"], cwd=ROOT, stderr=full, check=False
        )
    assert ended.returncode == 2


@pytest.mark.parametrize("arguments", [("--help",), ("check", "--reference")])
def test_a_reader_that_goes_away_is_no_trouble(arguments: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone:
        ended = subprocess.run(
            [sys.executable, "-m", "watcher", *arguments],
            cwd=ROOT, stdout=gone, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
        assert (ended.returncode, ended.stderr) == (1, "")


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
