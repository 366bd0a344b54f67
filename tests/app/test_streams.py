"""The streams of a real daemon: what its pollers see is told at once, and they end as soon as it is asked to stop."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import jsonpatch

from tests.app.house import PATIENCE, asked, daemon, settings_for
from watcher.simulator.config import SimulatorConfig
from watcher.simulator.server import serve
from watcher.simulator.world import Workload

QUICK = SimulatorConfig(latency=0.0, workload=Workload(at_start=20, stuck_share=0.0, scale=0.001, new_lasts=0.01))


async def told(answer: aiohttp.ClientResponse) -> tuple[str, Any]:
    """The next event of a stream that bears data."""
    while True:
        lines = (await answer.content.readuntil(b"\n\n")).decode().splitlines()
        fields = dict(line.partition(": ")[::2] for line in lines)
        if "data" in fields:
            return fields["event"], json.loads(fields["data"])


async def test_what_the_pollers_see_comes_over_the_streams_which_end_when_the_daemon_does(tmp_path: Path) -> None:
    async with (
        asyncio.timeout(3 * PATIENCE),
        serve(QUICK) as callfire,
        daemon(settings_for(tmp_path, callfire.api, WATCHER_HTTP__STREAMS="2")) as running,
        running.session.get(f"{running.url}/v1/stream") as page,
        running.session.get(f"{running.url}/v1/events/stream") as events,
    ):
        async with running.session.get(f"{running.url}/v1/stream") as third:
            assert (third.status, (await third.json())["type"]) == (503, "/problems/too-many-streams")
        kind, document = await told(page)
        assert (kind, document["watches"]) == ("data", {})
        batches = [batch["id"] for batch in (await asked(callfire.control, "/truth"))["batches"]]
        await running.follow(*batches)
        heard: list[Any] = []
        while sum(event["data"]["final"] for event in heard) < len(batches):
            heard.append((await told(events))[1])
        _, log = await running.get("/v1/events?limit=1000")
        assert heard == log["items"][: len(heard)]
        while sum(watch["final"] for watch in document["watches"].values()) < len(batches):
            kind, patch = await told(page)
            assert kind == "patch"
            document = jsonpatch.apply_patch(document, patch)
        _, listed = await running.get("/v1/watches?limit=1000")
        assert document["watches"] == {f"{each['account']}/{each['batch_id']}": each for each in listed["items"]}
        running.stop.set()
        for stream in (page, events):
            kind, problem = await told(stream)
            while kind == "patch":
                kind, problem = await told(stream)
            assert (kind, problem["type"]) == ("error", "/problems/stopping")
            assert await stream.content.read() == b""
