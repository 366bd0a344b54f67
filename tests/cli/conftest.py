"""What tests of the commands share: a clean environment, the commands themselves, and a real daemon beside a simulator."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.request import Request, urlopen

import pytest
from click.testing import Result
from typer.testing import CliRunner

from tests.cli.interface import PATIENCE, Interface
from watcher.cli.program import program

Watcher = Callable[..., Result]

ROOT = Path(__file__).parents[2]
OTHERS = ("WATCHER_", "CALLFIRE_", "COVERAGE_")
"""How variables begin that a daemon of the tests must not have. It is not measured either: what it does is, in the tests of its
parts."""


def others_environ() -> dict[str, str]:
    """The environment without them."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OTHERS)}


@pytest.fixture(autouse=True)
def _logging_stays_as_it_is(logging_as_it_was: None) -> None:
    """`run` in this process says where log lines go."""


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of whoever runs the tests has a part in them."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith(("WATCHER_", "CALLFIRE_")):
            monkeypatch.delenv(name)


@pytest.fixture
def watcher() -> Watcher:
    """Runs a command in this process."""

    def run(*arguments: object, input: str | None = None, **environ: str) -> Result:  # noqa: A002
        return CliRunner().invoke(program, [str(each) for each in arguments], input=input, env=environ)  # type: ignore[return-value]

    return run


@pytest.fixture
def there() -> Iterator[Interface]:
    """The interface without anything that polls."""
    interface = Interface()
    yield interface
    interface.close()


def timeless(text: str) -> str:
    """The text, with THEN for each moment that is told by how far it is from now."""
    return re.sub(r"in \d+ (s|min|h|d)\b|\d+ (s|min|h|d) ago|(?<=  )now\b", "THEN", text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A simulator and a daemon that polls it."""

    control: str
    environ: Mapping[str, str]
    url: str

    def add(self, **plan: object) -> int:
        """Adds a batch to the simulated CallFire; its id."""
        request = Request(f"{self.control}/batches", data=json.dumps({"count": 1, **plan}).encode())
        with urlopen(request) as answer:
            (batch_id,) = json.load(answer)["ids"]
        return int(batch_id)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Both, as processes of their own, on free ports."""
    folder = tmp_path_factory.mktemp("scene")
    with process("simulate", "--at-start", 0, "--latency", 0, folder=folder) as simulator:
        environ = {
            "CALLFIRE_BASE_URL": simulator["api"],
            "CALLFIRE_LOGIN": "login",
            "CALLFIRE_PASSWORD": "password",
            "CALLFIRE_RATE": "50",
            "WATCHER_LISTEN": "127.0.0.1:0",
            "WATCHER_POLLING__MIN_INTERVAL": "50ms",
            "WATCHER_POLLING__WORTH": "1ms",
        }
        with process("run", "-o", "json", folder=folder, **environ) as daemon:
            yield Scene(control=simulator["control"], environ=environ, url=daemon["url"])


@contextmanager
def process(*arguments: object, folder: Path, **environ: str) -> Iterator[dict[str, str]]:
    """A command as a process of its own, until the end of the context; what its first line says."""
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(
            [sys.executable, "-m", "watcher", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environ},
        ) as running,
    ):
        assert running.stdout is not None
        try:
            said = running.stdout.readline()
            assert said, complaints_of(running, complaints)
            yield json.loads(said)
        finally:
            running.terminate()
            assert running.wait(PATIENCE) == 0, complaints_of(running, complaints)


def complaints_of(process: "subprocess.Popen[str]", complaints: IO[str]) -> str:
    """How a process that is to have ended did, and the end of what it said on standard error."""
    with suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE)
    complaints.seek(0)
    return f"it ended with {process.returncode}: {complaints.read()[-3000:]}"
