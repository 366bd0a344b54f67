"""The daemon as a whole: what it does when its login is refused, when it is asked to stop, and when its parts fail."""

import asyncio
import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from tests.app.house import PATIENCE, asked, daemon, settings_for
from tests.cli.conftest import ROOT, process
from watcher.app import Parts
from watcher.app.daemon import loop_factory
from watcher.core.news import AccountTold, Changed, Looked, Stepped
from watcher.ports import Store, StoreError
from watcher.simulator.config import Addresses, SimulatorConfig
from watcher.simulator.server import serve
from watcher.simulator.world import Workload

QUICK = SimulatorConfig(latency=0.0, workload=Workload(at_start=20, stuck_share=0.0, scale=0.001, new_lasts=0.01))


async def ids(callfire: Addresses) -> list[int]:
    return [batch["id"] for batch in (await asked(callfire.control, "/truth"))["batches"]]


async def outcomes(callfire: Addresses) -> Counter[str]:
    """How often CallFire gave which answer, in all its life."""
    return Counter(request["outcome"] for request in (await asked(callfire.control, "/requests"))["requests"])


async def test_a_wrong_password_costs_three_requests_and_is_told_once_also_after_a_restart(tmp_path: Path) -> None:
    async with serve(QUICK) as callfire:
        wrong = settings_for(tmp_path, callfire.api, CALLFIRE_PASSWORD="wrong")
        async with daemon(wrong) as first:
            await first.follow(*await ids(callfire))
            await first.until(AccountTold)
        async with daemon(wrong) as second:
            await second.follow(*await ids(callfire))
            await second.until(Stepped)
            _, account = await second.get("/v1/accounts/default")
            _, log = await second.get("/v1/events")
        assert await outcomes(callfire) == {"401": 3}
        assert account["condition"] == "refused"
        assert [event["type"] for event in log["items"]] == ["account.refused"]

        async with daemon(settings_for(tmp_path, callfire.api)) as third:
            await third.until(Changed, times=20)
            _, log = await third.get("/v1/events")
        assert Counter(event["type"].partition(".")[0] for event in log["items"])["account"] == 2
        assert [event["type"] for event in log["items"] if event["data"].get("batch_id") is None] == [
            "account.refused",
            "account.recovered",
        ]


async def test_what_flies_when_it_is_asked_to_stop_is_finished_and_kept(tmp_path: Path) -> None:
    async with serve(replace(QUICK, workload=Workload(at_start=0))) as callfire:
        made = await asked(callfire.control, "/batches", {"validating_for": 0, "end": "ERRORS"})
        await asked(callfire.control, "/faults", {"kind": "slow", "seconds": 0.5})
        settings = settings_for(tmp_path, callfire.api)
        async with daemon(settings) as first:
            await first.follow(*made["ids"])
            while not await outcomes(callfire):  # each question takes its time: the request is on its way
                assert not first.ended.done()
            assert not any(isinstance(news, Looked) for news in first.heard)
        assert await outcomes(callfire) == {"slow": 1}
        async with daemon(settings) as second:
            _, log = await second.get("/v1/events")
        assert [event["type"] for event in log["items"]] == ["batch.errors"]


async def test_a_store_that_fails_makes_it_not_ready_and_leaves_it_alive(tmp_path: Path) -> None:
    class Failing:
        def __init__(self, real: Store) -> None:
            self._real = real

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

        async def ping(self) -> None:
            raise StoreError("disk I/O error")

    def failing(parts: Parts) -> Parts:
        return replace(parts, store=cast(Store, Failing(parts.store)))

    async with serve(QUICK) as callfire, daemon(settings_for(tmp_path, callfire.api), failing) as running:
        status, ready = await running.get("/readyz")
        assert status == 503
        assert {check["name"]: check["ok"] for check in ready["checks"]} == {
            "store": False,
            "started": True,
            "serving": True,
        }
        assert "disk" not in str(ready)
        status, alive = await running.get("/livez")
        assert status == 200
        assert {check["name"] for check in alive["checks"]} == {"loop", "poller:default"}


def test_asked_twice_it_ends_at_once(tmp_path: Path) -> None:
    """The first time it waits for what flies, which here never comes down."""
    with process("simulate", "--latency", 0, folder=tmp_path) as simulator:
        asyncio.run(asked(simulator["control"], "/faults", {"kind": "hang"}))
        environ = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "CALLFIRE_BASE_URL": simulator["api"],
            "CALLFIRE_LOGIN": "login",
            "CALLFIRE_PASSWORD": "password",
            "WATCHER_LISTEN": "127.0.0.1:0",
            "WATCHER_POLLING__LOOK_TIMEOUT": "1m",
        }
        with subprocess.Popen(
            [sys.executable, "-m", "watcher", "run", "-o", "json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env=environ,
        ) as running:
            assert running.stdout is not None
            assert running.stderr is not None
            url = running.stdout.readline().split('"')[3]
            asyncio.run(asked(url, "/v1/watches", [{"batch_id": 1}]))
            while not asyncio.run(asked(simulator["control"], "/requests"))["requests"]:
                assert running.poll() is None
            running.send_signal(signal.SIGTERM)
            assert any("stop" in line for line in iter(running.stderr.readline, ""))
            assert running.poll() is None
            running.send_signal(signal.SIGTERM)
            assert running.wait(PATIENCE) == 128 + signal.SIGTERM


def test_without_uvloop_it_runs_on_asyncios_own_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvloop", None)
    assert loop_factory() is None
