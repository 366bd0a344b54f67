"""The daemon as a whole, to clients that wait: for a change, for a look, and when it is asked to stop."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from tests.app.house import PATIENCE, Daemon, asked, daemon, settings_for
from watcher.app import Parts
from watcher.core.model import Key, Watch
from watcher.core.news import Changed, Looked
from watcher.ports import Store
from watcher.simulator.config import SimulatorConfig
from watcher.simulator.server import serve
from watcher.simulator.world import Workload

EMPTY = SimulatorConfig(latency=0.0, workload=Workload(at_start=0))
LONG = {"Prefer": "wait=60"}
"""For longer than the test is willing to wait."""


async def waited(running: Daemon, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, object], str]:
    """What is answered to a client that would wait for longer than we do: status, body, and ETag."""
    async with (
        asyncio.timeout(PATIENCE),
        running.session.request(method, running.url + path, headers=LONG | headers) as answer,
    ):
        assert answer.headers["Preference-Applied"] == "wait=60"
        return answer.status, await answer.json() if answer.status != 304 else {}, answer.headers["ETag"]


async def test_who_waits_hears_of_each_change_as_soon_as_it_is_known(tmp_path: Path) -> None:
    async with serve(EMPTY) as callfire, daemon(settings_for(tmp_path, callfire.api)) as running:
        made = await asked(callfire.control, "/batches", {"validating_for": 0.5, "end": "ACTIVE"})
        (batch_id,) = made["ids"]
        await running.follow(batch_id)
        path = f"/v1/accounts/default/batches/{batch_id}"
        tag, told = '"none"', []
        while "ACTIVE" not in told:
            status, watch, tag = await waited(running, path, **{"If-None-Match": tag})
            assert status == 200
            told.append(watch["status"])
        assert len(set(told)) == len(told)


async def test_a_look_that_is_asked_for_is_shown_when_it_has_come(tmp_path: Path) -> None:
    async with serve(EMPTY) as callfire:
        made = await asked(callfire.control, "/batches", {"validating_for": 3600, "end": "ACTIVE"})
        (batch_id,) = made["ids"]
        async with daemon(settings_for(tmp_path, callfire.api)) as running:
            await running.follow(batch_id)
            await running.until(Changed)
            status, watch, _ = await waited(running, f"/v1/accounts/default/batches/{batch_id}/refresh", "POST")
            assert (status, watch["state"]) == (200, "open")
            await running.until(Looked, by="refresh")


async def test_who_waits_when_it_is_asked_to_stop_is_answered_first(tmp_path: Path) -> None:
    asked_for = asyncio.Event()

    class Heard:
        """The store; it tells when somebody has asked for a watch."""

        def __init__(self, real: Store) -> None:
            self._real = real

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

        async def watch(self, key: Key) -> Watch | None:
            asked_for.set()
            return await self._real.watch(key)

    def heard(parts: Parts) -> Parts:
        return replace(parts, store=cast(Store, Heard(parts.store)))

    async with serve(EMPTY) as callfire:
        made = await asked(callfire.control, "/batches", {"validating_for": 3600, "end": "ACTIVE"})
        (batch_id,) = made["ids"]
        path = f"/v1/accounts/default/batches/{batch_id}"
        async with daemon(settings_for(tmp_path, callfire.api), heard) as running:
            await running.follow(batch_id)
            await running.until(Changed)
            async with running.session.get(running.url + path) as answer:
                tag = answer.headers["ETag"]
            asked_for.clear()
            async with asyncio.TaskGroup() as group:
                held = group.create_task(waited(running, path, **{"If-None-Match": tag}))
                await asked_for.wait()  # from before that on it waits
                running.stop.set()
            assert held.result()[0] == 304
