"""No secret leaves the daemon: not in its log at level debug, its answers, its metrics, its settings as shown, its database."""

import base64
import io
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal, cast

import pytest

from tests.app.house import asked, daemon, settings_for
from tests.sockets import http, listening
from watcher.app import Parts, check
from watcher.core.news import AccountTold, Attempted, Changed, WorkerFailed
from watcher.ports import Store
from watcher.settings import shown
from watcher.simulator.config import SimulatorConfig
from watcher.simulator.server import serve
from watcher.simulator.world import Workload
from watcher.telemetry.logs import configure

LOGIN = "the-login-of-the-api"
PASSWORD = "the-words-that-callfire-knows"
TOKEN = "what-whoever-asks-us-must-bear"
KEY = "C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
MADE = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BEARER = "what-the-receiver-asks-us-to-bear"
HEADER = "what-only-the-gateway-must-know"
SEALING = base64.b64encode(b"what-encrypts-the-secrets-there.").decode()
SECRETS = {
    "the password": PASSWORD.encode(),
    "the password in base64": base64.b64encode(PASSWORD.encode()).rstrip(b"="),
    "login and password": base64.b64encode(f"{LOGIN}:{PASSWORD}".encode()),
    "the token": TOKEN.encode(),
    "the signing key": KEY.encode(),
    "the signing key's bytes": base64.b64decode(KEY),
    "the key of an endpoint that was made": MADE.encode(),
    "its bytes": base64.b64decode(MADE),
    "its token": BEARER.encode(),
    "its header": HEADER.encode(),
    "the encryption key": SEALING.encode(),
    "the encryption key's bytes": base64.b64decode(SEALING),
    "the signing key's bytes, as a repr has them": repr(base64.b64decode(KEY))[2:-1].encode(),
}
BATCHES = 5
PLACES = (
    "/livez",
    "/readyz",
    "/metrics",
    "/v1/accounts",
    "/v1/accounts/default",
    "/v1/accounts/nobody",
    "/v1/watches",
    "/v1/events",
    "/v1/endpoints",
    "/v1/endpoints/made",
    "/v1/endpoints/default",
    "/v1/deliveries",
    "/v1/deliveries/1",
)


pytestmark = pytest.mark.usefixtures("logging_as_it_was")


class Stumbling:
    """A store that fails, at the first call of two methods, in a way nobody foresaw."""

    def __init__(self, real: Store) -> None:
        self._real = real
        self._sound = {"claim", "events"}

    def __getattr__(self, name: str) -> Any:
        if name in self._sound:
            self._sound.discard(name)
            raise ZeroDivisionError(f"{name} of {self._real!r}")
        return getattr(self._real, name)


def stumbling(parts: Parts) -> Parts:
    return replace(parts, store=cast(Store, Stumbling(parts.store)))


def found_in(place: str, written: str | bytes) -> list[str]:
    """Which secrets stand there."""
    text = written.encode() if isinstance(written, str) else written
    return [f"{name} in {place}" for name, secret in SECRETS.items() if secret in text]


def found_in_files(folder: Path) -> list[str]:
    """The same of the database, its log and its lock."""
    files = sorted(folder.iterdir())
    assert files
    return [each for file in files for each in found_in(file.name, file.read_bytes())]


@pytest.mark.parametrize("form", ["json", "console"])
async def test_no_secret_is_written_anywhere_whatever_goes_wrong(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], form: Literal["json", "console"]
) -> None:
    log = io.StringIO()
    configure(format=form, level="debug", stream=log)
    found: list[str] = []
    quick = Workload(at_start=BATCHES, stuck_share=0.0, scale=0.001, new_lasts=0.01)
    callfires = SimulatorConfig(latency=0.0, accounts={"default": (LOGIN, PASSWORD)}, workload=quick)
    async with serve(callfires) as callfire, listening(http(503)) as receiver:
        settings = settings_for(
            tmp_path,
            callfire.api,
            CALLFIRE_LOGIN=LOGIN,
            CALLFIRE_PASSWORD=PASSWORD,
            WATCHER_API_TOKEN=TOKEN,
            WATCHER_WEBHOOK_URL=receiver.url,
            WATCHER_WEBHOOK_SECRET=f"whsec_{KEY}",
            WATCHER_DATABASE__ENCRYPTION_KEY=SEALING,
            WATCHER_LOG__LEVEL="debug",
        )
        forbidden, later, *rest = [batch["id"] for batch in (await asked(callfire.control, "/truth"))["batches"]]
        await asked(callfire.control, "/faults", {"kind": "code", "code": 403, "batch_ids": [forbidden]})
        async with daemon(settings, stumbling) as running:
            for wrong in ({}, {"Authorization": f"Bearer {TOKEN}x"}, {"Authorization": f"Basic {TOKEN}"}):
                async with running.session.get(f"{running.url}/v1/watches", headers=wrong) as refused:
                    assert refused.status == 401
                    found += found_in("a refusal", str(refused.headers) + await refused.text())
            running.session.headers["Authorization"] = f"Bearer {TOKEN}"
            async with running.session.get(f"{running.url}/v1/events") as failed:
                assert failed.status == 500
                found += found_in("a mistake", await failed.text())
            await running.until(WorkerFailed)
            made = {"id": "made", "url": receiver.url, "secret": f"whsec_{MADE}", "headers": {"X-Gateway": HEADER}}
            await running.ask("POST", "/v1/endpoints", {**made, "authorization": {"bearer": BEARER}})
            await running.ask("POST", "/v1/endpoints/made/test", {"type": "batch.active"})
            await running.follow(forbidden, *rest)
            await running.until(Changed, times=len(rest))
            await running.until(Attempted, endpoint="default")
            await running.until(Attempted, endpoint="made")
            await asked(callfire.control, "/faults", {"kind": "code", "code": 401})
            await running.follow(later)
            await running.until(AccountTold)
            for place in (*PLACES, f"/v1/accounts/default/batches/{rest[0]}"):
                async with running.session.get(running.url + place) as answer:
                    found += found_in(place, str(answer.headers) + await answer.text())
            found += found_in_files(tmp_path)

        findings = await check(settings, upstream=True)
        told = json.dumps([*(asdict(row) for row in shown(settings)), *(asdict(row) for row in findings)])
        found += found_in("check", told + repr(settings) + str(settings))
    found += found_in_files(tmp_path)
    written = log.getvalue()
    out, err = capfd.readouterr()
    found += found_in("the log", written) + found_in("stdout", out) + found_in("stderr", err)
    assert found == []
    for said in ("worker.failed", "request.failed", "delivery.retried", "account.refused", "request.answered"):
        assert said in written, "what was provoked is not in the log at all"
