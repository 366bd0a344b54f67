"""Programs of the stack: each a process with a log of its own, that can be killed, and started again at the same address."""

import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import client as http_client
from pathlib import Path
from typing import Final
from urllib.request import urlopen

PATIENCE: Final = 60.0
"""Seconds until a program must be up: the machine may have much else to do."""
UNCLAIMED: Final = range(10_000, 32_768)
"""Ports below those that Linux gives to whoever asks for any."""
FAREWELL: Final = 45.0
"""Seconds for a program to end in order: the daemon's requests in flight have 20 of them."""


@dataclass(slots=True, kw_only=True)
class Program:
    """`up` is an address that answers when it is up. Its working directory is where its log is."""

    name: str
    command: Sequence[str]
    url: str
    log: Path
    up: str
    environ: Mapping[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def pid(self) -> int:
        assert self.process is not None, f"{self.name} does not run"
        return self.process.pid

    @property
    def runs(self) -> bool:
        """Whether it does, whoever ended it."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Returns when it is up. It does not outlive this process, however that ends; nor does Ctrl-C reach it before us."""
        setpriv = shutil.which("setpriv")
        with_us = () if setpriv is None else (setpriv, "--pdeathsig", "KILL", "--")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*with_us, *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.log.parent,
                env=dict(self.environ),
                start_new_session=True,
            )
        wait_for(self._answers, PATIENCE, f"{self.name} to be up")

    def kill(self) -> None:
        """SIGKILL."""
        self._end(signal.SIGKILL, PATIENCE)

    def stop(self) -> None:
        """Ends it as an operator does; nothing where it has ended by itself."""
        if self.process is not None:
            self._end(signal.SIGTERM, FAREWELL)

    def _end(self, number: signal.Signals, seconds: float) -> None:
        assert self.process is not None, f"{self.name} does not run"
        self.process.send_signal(number)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(PATIENCE)
        self.process = None

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, f"{self.name} ended: {self.log.read_text(errors='replace')[-2000:]}"
        with urlopen(self.up, timeout=5) as answer:
            return bool(answer.status == 200)


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> float:
    """How long it took until it held; an exception of the network counts as not yet."""
    began = time.monotonic()
    while True:
        with suppress(OSError, http_client.HTTPException):
            if condition():
                return time.monotonic() - began
        assert time.monotonic() - began < seconds, f"waited {seconds:g} s for {what}"
        time.sleep(0.1)


def a_port(wanted: int) -> int:
    """That one, or where it is taken (or 0) one that is free, and that no client is given by chance until it is used."""
    tried = wanted or secrets.choice(UNCLAIMED)  # whatever a test has seeded
    with socket.socket() as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            found.bind(("127.0.0.1", tried))
        except OSError:
            return a_port(0)
    return tried
