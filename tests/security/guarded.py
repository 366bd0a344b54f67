"""A daemon as a process of its own that has a secret of every kind, and what can be seen of it from outside."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import psutil

from tests.security.canaries import CANARIES, LOGIN, PAIR, found_in

PATIENCE: Final = 60.0
FILES: Final = {
    "CALLFIRE_PASSWORD": "password",
    "WATCHER_API_TOKEN": "token of the settings",
    "WATCHER_WEBHOOK_SECRET": "secret of the settings' endpoint",
    "WATCHER_TELEMETRY__TRACES_HEADERS": "header of the collector",
}
KEYS: Final = {
    "WATCHER_DATABASE__ENCRYPTION_KEY": "encryption key",
    "WATCHER_DATABASE__OLD_ENCRYPTION_KEYS": "old encryption key",
}
IN_ENVIRONMENT: Final = frozenset({"query of an endpoint", "PGPASSWORD", "OTEL_EXPORTER_OTLP_HEADERS"})
"""What the daemon was given there: it stays in its own, and goes no further."""
SHOWN: Final = frozenset({"query of an endpoint"})
"""What is kept as it is in any case: the URL of an endpoint is no secret to whoever has the database."""
READABLE: Final = frozenset(
    {
        "secret of an endpoint",
        "private key of an endpoint",
        "bearer of an endpoint",
        "password of an endpoint",
        "header of an endpoint",
        "number of a recipient",
    }
)
"""What can be read in a database without a key, as deploy/security.md says."""
ENDPOINTS: Final[tuple[Mapping[str, Any], ...]] = (
    {
        "id": "sound",
        "secret": f"whsec_{CANARIES['secret of an endpoint']}",
        "headers": {"X-Gateway": CANARIES["header of an endpoint"]},
        "authorization": {"bearer": CANARIES["bearer of an endpoint"]},
    },
    {
        "id": "paired",
        "secret": f"whsk_{PAIR}",
        "authorization": {"basic": {"username": "someone", "password": CANARIES["password of an endpoint"]}},
    },
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """One daemon, and what it has written so far."""

    url: str
    process: asyncio.subprocess.Process
    session: aiohttp.ClientSession

    async def answer(self, method: str, path: str, body: object = None, **headers: str) -> str:
        """All of an answer, its headers too."""
        async with self.session.request(method, self.url + path, json=body, headers=headers) as response:
            return f"{response.status} {response.headers} {await response.text()}"

    async def heard(self, stream: str) -> str:
        """The beginning of a stream, up to the first of its data."""
        async with self.session.get(
            f"{self.url}{stream}?after=0" if "events" in stream else self.url + stream
        ) as response:
            told = b""
            while b"\ndata: " not in told:
                told += await asyncio.wait_for(response.content.readuntil(b"\n\n"), PATIENCE)
            return f"{response.headers} {told.decode()}"


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "watcher", *arguments]


async def ran(environ: Mapping[str, str], *arguments: str) -> tuple[int, str]:
    """A command to its end: its exit code, and all that it said."""
    process = await asyncio.create_subprocess_exec(
        *command(*arguments), env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode is not None
    return process.returncode, said.decode()


@asynccontextmanager
async def running(environ: Mapping[str, str], log: Path) -> AsyncIterator[Running]:
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            *command("run", "-o", "json"), env=environ, stdout=asyncio.subprocess.PIPE, stderr=file
        )
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), PATIENCE)
        assert line, "it did not start: its log says why"
        async with aiohttp.ClientSession() as session:
            yield Running(url=json.loads(line)["url"], process=process, session=session)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def until_said(daemon: Running, place: str, what: str) -> None:
    """Returns when it is answered there."""
    async with asyncio.timeout(PATIENCE):
        while what not in await daemon.answer("GET", place):
            pass


def environment(folder: Path, callfire: str, receiver: str, form: str, keys: Mapping[str, str]) -> dict[str, str]:
    """The secrets are in files, each for its user alone, and what the environment is then to be free of; but for those that
    libraries read there."""
    secrets = folder / "secrets"
    secrets.mkdir()
    environ = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH", "TMPDIR") if name in os.environ}
    for variable, name in {**FILES, **keys}.items():
        file = secrets / variable.lower()
        prefix = "whsec_" if "SECRET" in variable else "x-key: " if "HEADERS" in variable else ""
        file.write_text(prefix + CANARIES[name])
        file.chmod(0o600)
        environ[f"{variable}_FILE"] = str(file)
    return environ | {
        "CALLFIRE_LOGIN": LOGIN,
        "CALLFIRE_BASE_URL": callfire,
        "CALLFIRE_RATE": "50",
        "WATCHER_WEBHOOK_URL": f"{receiver}/hook?key={CANARIES['query of an endpoint']}",
        "WATCHER_DATABASE_URL": f"sqlite:///{folder / 'data' / 'watcher.db'}",
        "WATCHER_LISTEN": "127.0.0.1:0",
        "WATCHER_WEBHOOKS__ALLOW_NETWORKS": "127.0.0.0/8",
        "WATCHER_POLLING__MIN_INTERVAL": "50ms",
        "WATCHER_LOG": form,
        "WATCHER_LOG__LEVEL": "debug",
        "PYTHONFAULTHANDLER": "1",
        "PGPASSWORD": CANARIES["PGPASSWORD"],
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={CANARIES['OTEL_EXPORTER_OTLP_HEADERS']}",
    }


def of_processes(parent: int) -> set[tuple[str, str]]:
    """What any user sees of the daemon and of what it started, and what its own user sees of their environment, where it was not
    given it."""
    daemon = psutil.Process(parent)
    found = {each for each in _of_environment(daemon) if each[0] not in IN_ENVIRONMENT}
    for process in (daemon, *daemon.children(recursive=True)):
        found |= found_in("a process list", "\0".join([process.name(), *process.cmdline()]))
        found |= _of_environment(process) if process != daemon else set()
    return found


def _of_environment(process: psutil.Process) -> set[tuple[str, str]]:
    return found_in("an environment", Path(f"/proc/{process.pid}/environ").read_bytes())
