"""What Prometheus gets of a daemon that works: in the format it asks for, and nothing that its own checks find fault with."""

import asyncio
import subprocess
from pathlib import Path

from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics

from tests.app.house import asked, daemon, settings_for
from tests.sockets import http, listening
from watcher.core.news import Attempted, Backlog, Changed, Tally
from watcher.simulator.config import SimulatorConfig
from watcher.simulator.server import serve
from watcher.simulator.world import Workload

EMPTY = SimulatorConfig(latency=0.0, workload=Workload(at_start=0))
OFTEN = {"WATCHER_POLLING__SAVE_INTERVAL": "100ms", "WATCHER_WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;q=0.5"
)


def promtool(text: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)


async def test_a_daemon_that_works_is_scraped_in_either_format(tmp_path: Path) -> None:
    async with (
        serve(EMPTY) as callfire,
        listening(http(200)) as receiver,
        daemon(settings_for(tmp_path, callfire.api, WATCHER_WEBHOOK_URL=receiver.url, **OFTEN)) as running,
    ):
        (batch,) = (await asked(callfire.control, "/batches", {"validating_for": 0, "end": "ERRORS"}))["ids"]
        await running.follow(batch)
        for kind in (Changed, Attempted, Tally, Backlog):
            await running.until(kind)
        answers = {}
        for accept in ("*/*", PROMETHEUS):
            async with running.session.get(f"{running.url}/metrics", headers={"Accept": accept}) as answer:
                answers[accept] = (answer.headers["Content-Type"], await answer.text())
                assert answer.headers["Vary"] == "Accept, Accept-Encoding"
    content_type, text = answers["*/*"]
    assert content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert 'watcher_transitions_total{account="default",from="none",to="errors"} 1.0' in text.splitlines()
    found = await asyncio.to_thread(promtool, text)
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")
    content_type, text = answers[PROMETHEUS]
    assert content_type == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    families = {family.name for family in read_openmetrics(text)}  # type: ignore[no-untyped-call]
    assert {"watcher_transitions", "watcher_deliveries_pending", "process_resident_memory_bytes"} < families
