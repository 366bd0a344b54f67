"""A daemon of its own process, as users start it, for benchmarks that ask it over HTTP or look at what it takes."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple


class Running(NamedTuple):
    """Where it answers, and its process."""

    url: str
    pid: int


@contextmanager
def daemon(callfire: str, database: Path, *, rate: float = 5) -> Iterator[Running]:
    """Up at a free port until the end of the context."""
    environment = {
        **os.environ,
        "CALLFIRE_LOGIN": "login",
        "CALLFIRE_PASSWORD": "password",
        "CALLFIRE_BASE_URL": callfire,
        "CALLFIRE_RATE": str(rate),
        "WATCHER_DATABASE_URL": f"sqlite:///{database}",
        "WATCHER_LISTEN": "127.0.0.1:0",
        "WATCHER_LOG": "json",
    }
    with subprocess.Popen(
        [sys.executable, "-m", "watcher", "run"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield Running(process.stdout.readline().split()[-1], process.pid)
        finally:
            process.terminate()
            process.wait(25)
