"""The daemon as a process of its own, with a secret of every kind, through work and failures to a crash: each byte that it wrote,
answered, showed or left is searched for them. Those of a daemon in this process are in tests/app/test_secrets.py."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
import psutil
import pytest

from tests.app.house import asked
from tests.security.canaries import CANARIES, FORMS, LOGIN, PAIR, forms, found_in, found_in_files
from tests.sockets import http, listening
from watcher.simulator.config import SimulatorConfig
from watcher.simulator.server import serve
from watcher.simulator.world import Workload

PATIENCE: Final = 30.0
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
SHOWN: Final = frozenset({"query of an endpoint"})
"""What is kept as it is in any case: the URL of an endpoint is no secret to whoever has the database."""
PLACES: Final = (
    "/livez", "/readyz", "/metrics", "/openapi.json", "/docs", "/", "/nowhere", "/v1/session", "/v1/tokens", "/v1/accounts",
    "/v1/accounts/default", "/v1/accounts/default/submissions", "/v1/watches", "/v1/broadcasts",
    "/v1/events?limit=1000", "/v1/endpoints?recent=true", "/v1/endpoints/sound", "/v1/endpoints/paired", "/v1/endpoints/default",
    "/v1/endpoints/sound/deliveries", "/v1/deliveries?limit=1000", "/v1/deliveries/1",
)  # fmt: skip
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


def test_a_canary_is_found_however_it_was_written() -> None:
    """Else the tests below would show nothing."""
    for name, secret in CANARIES.items():
        for written in (f"x{secret}y", json.dumps({"a": secret}), repr(secret), f"{LOGIN}:{secret}"):
            assert (name, "here") in found_in("here", written), (name, written)
        assert len(FORMS[name]) > 5
    assert forms("canary-of-a-bearer") >= {b"canary-of-a-bearer", b"canary-of-a-bearer".hex().encode()}


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


def environment(folder: Path, callfire: str, receiver: str, form: str, keys: Mapping[str, str]) -> dict[str, str]:
    """The secrets are in files, each for its user alone: what the environment is then to be free of."""
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
    }


def of_processes(parent: int) -> set[tuple[str, str]]:
    """What any user sees of the daemon and of what it started, and what its own user sees of their environment."""
    found = set()
    for process in (psutil.Process(parent), *psutil.Process(parent).children(recursive=True)):
        found |= found_in("a process list", "\0".join(process.cmdline()))
        found |= found_in("an environment", Path(f"/proc/{process.pid}/environ").read_bytes())
    return {(name, place) for name, place in found if name not in SHOWN}  # that one was given so


async def wrong_ways(daemon: Running) -> set[tuple[str, str]]:
    """What is answered to requests that fail, with a secret in each of their parts."""
    token, password = CANARIES["token of the settings"], CANARIES["password"]
    asks = [
        daemon.answer("GET", "/v1/watches", Authorization=f"Bearer {token}x"),
        daemon.answer("GET", "/v1/watches", Authorization=f"Basic {token}"),
        daemon.answer("POST", "/v1/session", {"token": f"{token}x"}, Origin=daemon.url, Authorization=""),
        daemon.answer(
            "POST", "/v1/endpoints", {"url": "ftp://x", "secret": f"whsec_{CANARIES['secret of an endpoint']}!"}
        ),
        daemon.answer("POST", "/v1/endpoints", {"url": f"https://user:{token}@example.com/"}),
        daemon.answer("POST", "/v1/endpoints", {"url": "https://e.example/", "headers": {"X": f"{token}\r\nY: z"}}),
        daemon.answer(
            "POST", "/v1/endpoints", {"url": "https://e.example/", "authorization": {"bearer": f"{token} x"}}
        ),
        daemon.answer("POST", "/v1/endpoints/sound/rotate", {"secret": f"whsec_{password}"}),
        daemon.answer("POST", "/v1/watches", [{"batch_id": "x"}], **{"Idempotency-Key": "é" + token}),
    ]
    return {each for ask in asks for each in found_in("a refusal", await ask)}


@pytest.mark.parametrize(("form", "sealed"), [("json", True), ("console", False)])
async def test_no_secret_leaves_the_daemon_in_any_form_to_its_last_moment(
    tmp_path: Path, form: str, sealed: bool
) -> None:
    (tmp_path / "data").mkdir()
    log = tmp_path / "log"
    quick = Workload(at_start=6, stuck_share=0.0, scale=0.001, new_lasts=0.01)
    simulated = SimulatorConfig(latency=0.0, accounts={"default": (LOGIN, CANARIES["password"])}, workload=quick)
    async with serve(simulated) as callfire, listening(http(503)) as receiver:
        environ = environment(tmp_path, callfire.api, receiver.url, form, KEYS if sealed else {})
        batches = (await asked(callfire.control, "/truth"))["batches"]
        async with running(environ, log) as daemon:
            found = found_in("a refusal", await daemon.answer("GET", "/v1/watches"))
            daemon.session.headers["Authorization"] = f"Bearer {CANARIES['token of the settings']}"
            for body in ENDPOINTS:
                made = await daemon.answer("POST", "/v1/endpoints", {"url": receiver.url, **body})
                assert made.startswith("201 "), made
            found |= await wrong_ways(daemon)
            await daemon.answer("POST", "/v1/endpoints/sound/test", {"type": "batch.active"})
            await asked(callfire.control, "/faults", {"kind": "code", "code": 503, "share": 0.3})
            await daemon.answer("POST", "/v1/watches", [{"batch_id": each["id"]} for each in batches[1:]])
            recipient = {"phone_number": CANARIES["number of a recipient"]}
            path = f"/v1/accounts/default/broadcasts/{batches[0]['broadcast_id']}/batches"
            await daemon.answer("POST", path, {"name": "autumn", "recipients": [recipient]}, Prefer="wait=1")
            for each in ("default", "sound", "paired"):
                await until_said(daemon, f"/v1/endpoints/{each}/deliveries", '"code":503')
            await asked(callfire.control, "/faults", {"kind": "code", "code": 401})
            await daemon.answer("POST", "/v1/watches", [{"batch_id": batches[0]["id"]}])
            await until_said(daemon, "/v1/accounts/default", '"refused"')
            for place in PLACES:
                found |= found_in(place, await daemon.answer("GET", place))
            found |= of_processes(daemon.process.pid)
            code, said = await ran(environ, "db", "backup", str(tmp_path / "data" / "backup.db"))
            assert code == 0, said
            found |= found_in("db backup", said)
            code, said = await ran(environ, "check", *(("--print",) if sealed else ()))
            assert "endpoint" in said
            found |= found_in("check", said)
            daemon.process.send_signal(signal.SIGABRT)
            await daemon.process.wait()
    kept = found_in_files(tmp_path / "data")
    found |= found_in_files(tmp_path, but=[*(tmp_path / "secrets").iterdir(), *(tmp_path / "data").iterdir()])
    written = log.read_text()
    for said in ("request.answered", "delivery.retried", "account.refused", "Fatal Python error", "File "):
        assert said in written, "what was provoked is not in the log at all"
    assert found == set()
    assert {name for name, _ in kept} == (SHOWN if sealed else SHOWN | READABLE)
    assert not [each for each in (tmp_path, tmp_path / "data", Path()) if list(each.glob("core*"))]


async def until_said(daemon: Running, place: str, what: str) -> None:
    """Returns when it is answered there."""
    async with asyncio.timeout(PATIENCE):
        while what not in await daemon.answer("GET", place):
            pass


async def test_a_database_that_cannot_be_reached_is_told_of_without_its_password(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text(CANARIES["database password"])
    password.chmod(0o600)
    environ = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ} | {
        "CALLFIRE_LOGIN": LOGIN,
        "CALLFIRE_PASSWORD": CANARIES["password"],
        "WATCHER_DATABASE_URL": "postgresql://someone@127.0.0.1:9/watcher",
        "WATCHER_DATABASE__PASSWORD_FILE": str(password),
        "WATCHER_LOG__LEVEL": "debug",
    }
    for arguments in (("run",), ("check",)):
        code, said = await ran(environ, *arguments)
        assert code == 2, said
        assert "127.0.0.1:9" in said
        assert found_in("said", said) == set()
