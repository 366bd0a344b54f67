"""The daemon as a process of its own, with a secret of every kind, through work and failures to a crash: each byte that it wrote,
answered, showed or left is searched for them. Those of a daemon in this process are in tests/app/test_secrets.py."""

import json
import os
import re
import signal
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, Final

import pytest

from tests.app.house import asked
from tests.security.canaries import CANARIES, FORMS, LOGIN, forms, found_in, found_in_files
from tests.security.guarded import (
    ENDPOINTS,
    KEYS,
    READABLE,
    SHOWN,
    Running,
    environment,
    of_processes,
    ran,
    running,
    until_said,
)
from tests.sockets import http, listening
from watcher.simulator.config import SimulatorConfig
from watcher.simulator.server import serve
from watcher.simulator.world import Workload

DOCUMENT: Final[Mapping[str, Any]] = json.loads((Path(__file__).parents[2] / "deploy/openapi.json").read_text())
STREAMS: Final = ("/v1/events/stream", "/v1/stream")
QUERIES: Final = {"/v1/events": "?limit=1000", "/v1/deliveries": "?limit=1000", "/v1/endpoints": "?recent=true"}
NAMES: Final[Mapping[str, Sequence[str]]] = {
    "account": ("default", "none"),
    "endpoint_id": ("sound", "paired", "default"),
    "delivery_id": ("1", "2", "3"),
    "token_id": ("none",),
    "name": ("main.js",),
    "kind": ("token-wrong",),
}


def places(**names: str) -> Iterator[str]:
    """Everything that can be read, by the document; but for streams, and plans, of which test_memory.py has the process."""
    for path, methods in DOCUMENT["paths"].items():
        if "get" not in methods or path in STREAMS or path.endswith("/plan"):
            continue
        known = {**NAMES, **{name: (value,) for name, value in names.items()}}
        wanted = re.findall(r"{(\w+)}", path)
        for values in product(*(known[name] for name in wanted)):
            yield path.format(**dict(zip(wanted, values, strict=True))) + QUERIES.get(path, "")


def test_a_canary_is_found_however_it_was_written() -> None:
    """Else the tests below would show nothing."""
    for name, secret in CANARIES.items():
        for written in (f"x{secret}y", json.dumps({"a": secret}), repr(secret), f"{LOGIN}:{secret}"):
            assert (name, "here") in found_in("here", written), (name, written)
        assert len(FORMS[name]) > 5
    assert forms("canary-of-a-bearer") >= {b"canary-of-a-bearer", b"canary-of-a-bearer".hex().encode()}


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
            shown_once = [
                await daemon.answer(
                    "POST", "/v1/tokens", {"name": "ci", "scopes": ["read"]}, **{"Idempotency-Key": "1"}
                ),
                await daemon.answer("POST", "/v1/endpoints", {"url": receiver.url}, **{"Idempotency-Key": "2"}),
            ]
            drawn = [secret for each in shown_once for secret in re.findall(r'"(?:wat_|whsec_)([^"]+)"', each)]
            assert len(drawn) == 2, shown_once
            await daemon.answer("POST", "/v1/endpoints/sound/test", {"type": "batch.active"})
            await asked(callfire.control, "/faults", {"kind": "code", "code": 503, "share": 0.3})
            await daemon.answer("POST", "/v1/watches", [{"batch_id": each["id"]} for each in batches[1:]])
            recipient = {"phone_number": CANARIES["number of a recipient"]}
            path = f"/v1/accounts/default/broadcasts/{batches[0]['broadcast_id']}/batches"
            sent = await daemon.answer("POST", path, {"name": "autumn", "recipients": [recipient]}, Prefer="wait=1")
            submission = re.search(r'"(sub_\w+)"', sent)
            assert submission is not None, sent
            found |= found_in("a submission", sent)
            for each in ("default", "sound", "paired"):
                await until_said(daemon, f"/v1/endpoints/{each}/deliveries", '"code":503')
            await asked(callfire.control, "/faults", {"kind": "code", "code": 401})
            await daemon.answer("POST", "/v1/watches", [{"batch_id": batches[0]["id"]}])
            await until_said(daemon, "/v1/accounts/default", '"refused"')
            ids = {name: str(batches[0][name]) for name in ("broadcast_id",)} | {"batch_id": str(batches[1]["id"])}
            answered = {
                place: await daemon.answer("GET", place) for place in places(submission_id=submission[1], **ids)
            }
            assert sum(each.startswith("200 ") for each in answered.values()) > 25, answered
            assert [place for place, told in answered.items() for secret in drawn if secret in told] == []
            for place, told in (answered | {place: await daemon.heard(place) for place in STREAMS}).items():
                found |= found_in(place, told)
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
    whole = b"".join(file.read_bytes() for file in (tmp_path / "data").iterdir())
    # A token is written down nowhere, also where it was asked for with an Idempotency-Key.
    assert [any(form in whole for form in forms(secret)) for secret in drawn] == [False, not sealed]
    assert not any(form in log.read_bytes() for secret in drawn for form in forms(secret))
    assert not [each for each in (tmp_path, tmp_path / "data", Path()) if list(each.glob("core*"))]


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
