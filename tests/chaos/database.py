"""A PostgreSQL that a campaign may end, start again, and make read-only: what it said was committed outlives all of it."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from tests.store.cutting import PORT
from tests.store.postgres_server import NOBODY, SETTINGS, Server, binaries

DURABLE: Final[Mapping[str, str]] = {
    **SETTINGS,
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "autovacuum": "on",
    "log_min_messages": "warning",
}
"""As for the tests, but that a commit is in the operating system's hands before it is told: the machine itself does not fail."""
HOW: Final = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}

How = Literal["smart", "fast", "immediate"]


@dataclass(slots=True)
class Database:
    """One server, in a folder of its own, and its process while there is one."""

    server: Server
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def socket(self) -> Path:
        return self.server.folder / PORT

    def start(self) -> None:
        """Returns when it answers."""
        user = NOBODY if os.geteuid() == 0 else None
        setpriv = shutil.which("setpriv")  # ends the server when whoever started it is gone, also where that was killed
        with_us = () if setpriv is None else (setpriv, "--pdeathsig", "QUIT", "--")
        folder = self.server.folder
        with (folder / "log").open("ab") as output:
            self.process = subprocess.Popen(
                [
                    *with_us,
                    self.server.programs / "postgres",
                    "-D",
                    folder / "data",
                    "-k",
                    folder,
                    *(f"-c{name}={value}" for name, value in DURABLE.items()),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                user=user,
                cwd="/",
            )
        while not self.server.answers():
            assert self.process.poll() is None, (folder / "log").read_text()

    def stop(self, how: How) -> None:
        """Fast ends every session first; immediate ends as if it had been killed, and has to recover at the next start."""
        assert self.process is not None
        self.process.send_signal(HOW[how])
        self.process.wait(60)
        self.process = None

    def read_only(self, on: bool) -> None:
        """Whether transactions that do not say otherwise may only read."""
        value = "on" if on else "off"
        self.server.run(
            *("psql", "-h", str(self.server.folder), "-U", "postgres", "-qAtX", "-v", "ON_ERROR_STOP=1"),
            *("-c", "SET default_transaction_read_only = off"),
            *("-c", f"ALTER SYSTEM SET default_transaction_read_only = {value}"),
            *("-c", "SELECT pg_reload_conf()"),
        )

    def end_sessions(self) -> int:
        """Ends every session of the replicas but ours; how many there were."""
        ended = self.server.say(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return int(ended)


@contextmanager
def serving() -> Iterator[Database]:
    """A server as long as the context lasts, and no longer than this process, however that ends."""
    folder = Path(tempfile.mkdtemp(prefix="watcher-chaos-"))
    server = Server(folder=folder, programs=binaries())
    database = Database(server)
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, NOBODY)
        server.run(
            "initdb", "-D", str(folder / "data"), *("-U", "postgres", "-A", "trust", "-E", "UTF8"), "--no-locale"
        )
        database.start()
        yield database
    finally:
        if database.process is not None:
            database.stop("immediate")
        shutil.rmtree(folder)
