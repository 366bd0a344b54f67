"""People are told by the whole daemon: a mail comes, one that is refused is tried again and shown, and no secret gets out."""

import asyncio
import io
import json
import os
import signal
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from tests.app.house import PATIENCE, asked, daemon, settings_for
from tests.mailbox import mailbox
from tests.sockets import hang, http, listening
from watcher.app import check
from watcher.app.assembly import endpoints_of
from watcher.core.endpoint import Endpoint, Secrets
from watcher.core.news import Attempted, EndpointTold, Reloaded
from watcher.core.notification import ACTED_ON
from watcher.settings import Settings, shown
from watcher.simulator.config import SimulatorConfig
from watcher.simulator.server import serve
from watcher.simulator.world import Workload
from watcher.telemetry.logs import configure

pytestmark = [
    pytest.mark.usefixtures("logging_as_it_was"),
    pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning"),
]

QUIET = SimulatorConfig(latency=0.0, workload=Workload(at_start=0))
PASSWORD = "what-only-the-mailbox-must-know"
NOBODY = "http://127.0.0.1:9"
ENDPOINT = "/v1/endpoints/oncall"


def told_by(folder: Path, callfire: str, url: str, **environ: str) -> Settings:
    """Settings with one endpoint, for people."""
    people = {"WATCHER_ENDPOINTS__ONCALL__KIND": "apprise", "WATCHER_ENDPOINTS__ONCALL__APPRISE_URL": url}
    return settings_for(folder, callfire, **people, **environ)


def in_files(folder: Path) -> list[str]:
    """Which files of the database have the password."""
    return [file.name for file in folder.iterdir() if PASSWORD.encode() in file.read_bytes()]


async def end_one(running: Any, callfire: Any) -> int:
    """One more batch is followed, and has ended with errors; its id."""
    (batch_id,) = (await asked(callfire.control, "/batches", {"validating_for": 0, "end": "ERRORS"}))["ids"]
    await running.follow(batch_id)
    return int(batch_id)


def test_an_endpoint_of_the_settings_is_all_that_they_say_of_it(tmp_path: Path) -> None:
    url = "slack://T1/B1/secret"
    more = {"WATCHER_ENDPOINTS__ONCALL__RATE": "0.5"}
    plain, all_types = (
        endpoints_of(told_by(tmp_path, NOBODY, url, **more, **types))["oncall"]
        for types in ({}, {"WATCHER_ENDPOINTS__ONCALL__TYPES": "*"})
    )
    assert plain == Endpoint(
        id="oncall",
        url="apprise:slack://…",
        kept_by="settings",
        types=ACTED_ON,
        rate=0.5,
        secrets=Secrets(apprise_url=url),
    )
    assert plain.kind == "apprise"
    assert all_types == replace(plain, types=("*",))


async def test_a_mail_comes_and_one_that_is_refused_is_shown_and_comes_when_it_is_sent_again(tmp_path: Path) -> None:
    log = io.StringIO()
    configure(format="json", level="debug", stream=log)
    found = []
    async with serve(QUIET) as callfire, mailbox() as box:
        settings = told_by(tmp_path, callfire.api, box.url(PASSWORD), WATCHER_LOG__LEVEL="debug")
        async with daemon(settings) as running:
            first = await end_one(running, callfire)
            await running.until(Attempted, endpoint="oncall", outcome="done", code=200)
            assert [mail["Subject"] for mail in box.mails] == [f"Batch {first} has errors: API {first}"]

            box.accepts = False
            second = await end_one(running, callfire)
            await running.until(Attempted, endpoint="oncall", outcome="retried", error="not_accepted")
            _, owed = await running.get("/v1/deliveries?endpoint=oncall&state=pending")
            (delivery,) = owed["items"]
            assert (delivery["batch_id"], delivery["attempts"], delivery["error"]) == (second, 1, "not_accepted")
            _, whole = await running.get(f"/v1/deliveries/{delivery['id']}")
            assert [(each["outcome"], each["detail"]) for each in whole["history"]] == [
                ("retried", "the service did not accept it")
            ]

            box.accepts = True
            await running.ask("POST", f"/v1/deliveries/{delivery['id']}/resend")
            await running.until(Attempted, endpoint="oncall", times=2, outcome="done")
            test = await running.ask("POST", f"{ENDPOINT}/test", {"type": "batch.stuck"})
            assert (test["accepted"], test["code"]) == (True, 200)
            assert [mail["Subject"] for mail in box.mails[1:]] == [
                f"Batch {second} has errors: API {second}",
                "Test: Batch 13 is stuck in VALIDATING: Sample",
            ]
            for place in ("/v1/endpoints", ENDPOINT, f"/v1/deliveries/{delivery['id']}", "/v1/events", "/metrics"):
                async with running.session.get(running.url + place) as answer:
                    found += [place] if PASSWORD in await answer.text() else []
        findings = await check(settings, upstream=False)
        told = json.dumps([*(asdict(row) for row in shown(settings)), *(asdict(each) for each in findings)])
    assert '"apprise:mailto://…: E-Mail"' in told.replace("\\u2026", "…")
    found += ["check"] if PASSWORD in told + repr(settings) else []
    found += in_files(tmp_path)
    found += ["the log"] if PASSWORD in log.getvalue() else []
    assert found == []
    assert "delivery.retried" in log.getvalue()


async def test_the_interface_shows_and_stops_it_and_sets_up_none(tmp_path: Path) -> None:
    async with daemon(told_by(tmp_path, NOBODY, "slack://T1/B1/secret")) as running:
        _, shown_now = await running.get(ENDPOINT)
        assert [shown_now[key] for key in ("kind", "url", "kept_by", "types", "keys", "form")] == [
            *("apprise", "apprise:slack://…", "settings", list(ACTED_ON), [], "plain")
        ]
        assert (await running.ask("POST", f"{ENDPOINT}/disable", {}))["condition"] == "disabled"
        assert (await running.ask("POST", f"{ENDPOINT}/enable", {}))["condition"] == "active"
        for method, path, body, status in (
            ("POST", "/v1/endpoints", {"id": "more", "url": "slack://T1/B1/secret", "kind": "apprise"}, 422),
            ("PATCH", ENDPOINT, {"url": "https://example.org/"}, 409),
            ("POST", f"{ENDPOINT}/rotate", {}, 409),
            ("DELETE", ENDPOINT, None, 409),
        ):
            async with running.session.request(method, running.url + path, json=body) as answer:
                assert (answer.status, "settings" in await answer.text()) == (status, True)


async def test_a_url_of_which_apprise_makes_nothing_is_reported_at_once_and_dead_until_it_is_mended(
    tmp_path: Path,
) -> None:
    async with serve(QUIET) as callfire, mailbox() as box:
        now = [told_by(tmp_path, callfire.api, "slack://T1")]
        assert [each.ok for each in await check(now[0], upstream=False) if each.name == "endpoint oncall"] == [False]
        async with daemon(now[0], read=lambda: now[0]) as running:
            await end_one(running, callfire)
            await running.until(Attempted, endpoint="oncall", outcome="dead", error="bad_url")
            await running.until(EndpointTold, endpoint="oncall", type="endpoint.failing")
            now[0] = told_by(tmp_path, callfire.api, box.url())
            os.kill(os.getpid(), signal.SIGHUP)
            await running.until(Reloaded, error=None)
            await running.ask("POST", f"{ENDPOINT}/recover", {"since": "2026-01-01T00:00:00Z"})
            await asyncio.wait_for(box.came.wait(), PATIENCE)


async def test_one_who_hangs_is_late_and_the_daemon_ends_all_the_same(tmp_path: Path) -> None:
    async with serve(QUIET) as callfire, listening(hang) as receiver, listening(http(204)) as hook:
        environ = {
            "WATCHER_ENDPOINTS__ONCALL__TIMEOUT": "1s",
            "WATCHER_WEBHOOK_URL": hook.url + "/",
            "WATCHER_WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        }
        url = f"json://127.0.0.1:{receiver.port}/?rto=30"
        async with daemon(told_by(tmp_path, callfire.api, url, **environ)) as running:
            await end_one(running, callfire)
            await running.until(Attempted, endpoint="default", outcome="done")
            await running.until(Attempted, endpoint="oncall", outcome="retried", error="timeout")
