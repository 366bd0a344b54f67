"""The rehearsal of a bad day: a backup is made while the daemon runs, the database is lost, and the backup takes its place."""

import asyncio
import json
import subprocess
from collections import defaultdict
from functools import partial
from pathlib import Path

from tests.app.house import asked, daemon, settings_for
from tests.sockets import Heard, http, listening
from watcher.app.backing_up import back_up
from watcher.core.news import Attempted, Changed
from watcher.simulator.config import SimulatorConfig
from watcher.simulator.server import serve
from watcher.simulator.world import Workload

DOCUMENT = Path(__file__).parents[2] / "deploy" / "lifecycle.md"
RESTORE = [line for line in DOCUMENT.read_text().splitlines() if line.startswith(("rm ", "install "))]
EMPTY = SimulatorConfig(latency=0.0, workload=Workload(at_start=0))
LONG = {"validating_for": 3600, "end": "ACTIVE"}
ENDED = {"validating_for": 0, "end": "ERRORS"}
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

Told = tuple[int, int, str]
"""A batch, the number of its change, and its status."""


def told(request: Heard) -> tuple[str, Told]:
    """The id of a webhook, and what it tells."""
    data = json.loads(request.body)["data"]
    return request.headers["webhook-id"], (data["batch_id"], data["number"], data["status"])


def restore(folder: Path) -> None:
    """As the document has it."""
    for command in RESTORE:
        subprocess.run(command, shell=True, cwd=folder, check=True)


async def test_a_restored_backup_loses_nothing_it_had_and_tells_nothing_under_another_number(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    async with serve(EMPTY) as callfire, listening(http(200)) as receiver:
        hook = {"WATCHER_WEBHOOK_URL": receiver.url, "WATCHER_WEBHOOK_SECRET": SECRET}
        settings = settings_for(folder, callfire.api, **hook)
        made = {**LONG, "count": 2}
        first, second = (await asked(callfire.control, "/batches", made))["ids"]
        ended, later = (await asked(callfire.control, "/batches", {**ENDED, "count": 2}))["ids"]
        async with daemon(settings) as running:
            await running.follow(first, second, ended)
            await running.until(Attempted, times=3, outcome="done")
            _, before = await running.get("/v1/events")
            target = tmp_path / "backup.db"
            backup = partial(back_up, settings.database, target, force=False, advance=lambda _: None)
            assert (await asyncio.to_thread(backup)).rows["events"] == 3

            await asked(callfire.control, f"/batches/{first}/end", {})
            await running.follow(later)
            await running.until(Attempted, times=5, outcome="done")
        for file in folder.glob("watcher.db*"):
            file.write_bytes(b"lost" * 5000)
        (folder / "watcher.db-wal").write_bytes(b"lost" * 5000)
        await asked(callfire.control, f"/batches/{second}/end", {})

        await asyncio.to_thread(restore, tmp_path)
        async with daemon(settings) as running:
            await running.until(Changed, times=2, status="ACTIVE", number=2)
            await running.follow(later)
            await running.until(Changed, batch_id=later, number=1)
            await running.becomes(lambda: len(receiver.heard) >= 8)
            _, after = await running.get("/v1/events")
    assert len(RESTORE) == 2
    assert after["items"][:3] == before["items"]
    by_id: dict[str, list[Told]] = defaultdict(list)
    for request in receiver.heard:
        event_id, what = told(request)
        by_id[event_id].append(what)
    assert sorted(by_id.values()) == sorted(
        [
            [(first, 1, "VALIDATING")],
            [(first, 2, "ACTIVE")] * 2,
            [(second, 1, "VALIDATING")],
            [(second, 2, "ACTIVE")],
            [(ended, 1, "ERRORS")],
            [(later, 1, "ERRORS")] * 2,
        ]
    )
