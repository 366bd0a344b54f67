"""A simulated CallFire and a daemon that polls it, as processes of their own: what the page is looked at with."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.cli.conftest import ROOT, others_environ, process

TOKEN: Final = "correct-horse-battery-staple"
"""That of the settings, where one is wanted."""
HURRY: Final[Mapping[str, str]] = {
    "WATCHER_POLLING__MIN_INTERVAL": "100ms",
    "WATCHER_POLLING__WORTH": "1ms",
    "WATCHER_WEBHOOKS__ALLOW_NETWORKS": "127.0.0.0/8",
    "WATCHER_LOG": "json",
}


def asked(url: str, body: object = None, *, method: str | None = None, token: str | None = None) -> Any:
    """The JSON that is answered."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"} | ({} if token is None else {"Authorization": f"Bearer {token}"})
    try:
        with urlopen(Request(url, data=data, headers=headers, method=method), timeout=60) as answer:
            text = answer.read()
    except HTTPError as error:
        error.add_note(error.read().decode())
        raise
    return json.loads(text) if text else None


@dataclass(kw_only=True)
class Daemon:
    """A daemon that can be ended and started again, at the same address and with the same database."""

    folder: Path
    environ: Mapping[str, str]
    token: str | None = None
    port: int = 0
    url: str = ""
    _running: "subprocess.Popen[str] | None" = field(default=None, repr=False)

    def start(self) -> None:
        """Returns when it serves."""
        environ = {
            **others_environ(),
            **HURRY,
            **({"CALLFIRE_RATE": "20"} if "CALLFIRE_LOGIN" in self.environ else {}),
            **self.environ,
            "PYTHONPATH": str(ROOT),
            "WATCHER_DATABASE_URL": f"sqlite:///{self.folder}/watcher.db",
            "WATCHER_LISTEN": f"127.0.0.1:{self.port}",
            **({} if self.token is None else {"WATCHER_API_TOKEN": self.token}),
        }
        with (self.folder / "daemon.log").open("a") as log:
            self._running = subprocess.Popen(
                [sys.executable, "-m", "watcher", "run", "-o", "json"],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=self.folder,
                env=environ,
            )
        assert self._running.stdout is not None
        self.url = json.loads(self._running.stdout.readline())["url"]
        self.port = int(self.url.rpartition(":")[2])

    def stop(self) -> None:
        """Ends it as an operator does."""
        running, self._running = self._running, None
        if running is not None:
            assert running.stdout is not None
            running.terminate()
            running.stdout.close()
            assert running.wait(60) == 0, (self.folder / "daemon.log").read_text()[-3000:]

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Asks as a program does."""
        return asked(self.url + path, body, method=method, token=self.token)

    def follow(self, *ids: int, account: str = "default", **labels: str) -> None:
        """Follows the batches."""
        rows = [{"account": account, "batch_id": each, "labels": labels} for each in ids]
        self.ask("POST", "/v1/watches", rows)

    def reader(self) -> str:
        """A token that may only read."""
        made = self.ask("POST", "/v1/tokens", {"name": "reader", "scopes": ["read"]})
        token: str = made["token"]
        return token


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """The simulated CallFire, and daemons that poll it."""

    folder: Path
    control: str
    environ: Mapping[str, str]
    closing: ExitStack

    def add(self, count: int = 1, **plan: object) -> list[int]:
        """Batches that CallFire has from now on: `new_for` and `validating_for` seconds, `end`, `name`…"""
        ids: list[int] = asked(f"{self.control}/batches", {"count": count, **plan})["ids"]
        return ids

    def end(self, batch_id: int) -> None:
        """CallFire is done with the batch from now on."""
        asked(f"{self.control}/batches/{batch_id}/end", method="POST")

    def fault(self, **fault: object) -> None:
        """A fault from now on."""
        asked(f"{self.control}/faults", fault)

    def daemon(self, name: str, token: str | None = None, **environ: str) -> Daemon:
        """One more daemon, started, until the end of the town."""
        folder = self.folder / name
        folder.mkdir()
        made = Daemon(folder=folder, environ={**self.environ, **environ}, token=token)
        self.closing.callback(made.stop)
        made.start()
        return made


@contextmanager
def open_town(folder: Path, *simulating: object) -> Iterator[Town]:
    """Up until the end of the context. `simulating` are options of `watcher simulate`."""
    options = simulating or ("--at-start", 0, "--latency", 0)
    with process("simulate", *options, folder=folder) as simulator, ExitStack() as closing:
        environ = {
            "CALLFIRE_BASE_URL": simulator["api"],
            "CALLFIRE_LOGIN": "login",
            "CALLFIRE_PASSWORD": "password",
        }
        yield Town(folder=folder, control=simulator["control"], environ=environ, closing=closing)
