"""StreamRank of the daemon as a whole: measured against a simulated CallFire, shown with the account, and kept over a restart."""

from pathlib import Path
from typing import Any

from tests.app.house import Daemon, asked, daemon, settings_for
from tests.sockets import http, listening
from watcher.core.news import Attempted, Changed
from watcher.simulator.config import SimulatorConfig
from watcher.simulator.server import serve
from watcher.simulator.world import Workload

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
STILL = SimulatorConfig(latency=0.0, workload=Workload(at_start=0))


async def rank(running: Daemon) -> dict[str, Any]:
    """The figures, once nothing is under way that would change them."""
    while True:
        status, account = await running.get("/v1/accounts/default")
        assert status == 200
        if not account["in_flight"] and not account["open"]:
            figures: dict[str, Any] = account["streamrank"]
            return figures


async def test_what_polling_costs_is_measured_shown_and_kept(tmp_path: Path) -> None:
    async with serve(STILL) as callfire, listening(http(204)) as receiver:
        made = await asked(callfire.control, "/batches", {"count": 5, "validating_for": 0, "end": "ACTIVE"})
        hook = {"WATCHER_WEBHOOK_URL": receiver.url + "/", "WATCHER_WEBHOOK_SECRET": SECRET}
        settings = settings_for(tmp_path, callfire.api, **hook)
        async with daemon(settings) as first:
            assert (await rank(first))["last_run"] == ""
            await first.follow(*made["ids"])
            await first.until(Changed, times=5, status="ACTIVE")
            await first.until(Attempted, times=5, outcome="done")
            before = await rank(first)
        async with daemon(settings) as second:
            assert await rank(second) == before
    assert before["change_yes"] >= 5
    measured = ("total_time_average", "size_download_average")
    assert all(before[f"{way}_{figure}"] > 0 for way in ("polling", "streaming") for figure in measured)
