"""The daemon as a whole: what it does when its login is refused, when it is asked to stop, and when its parts fail."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.app.house import PATIENCE, asked, daemon, settings_for
from tests.cli.conftest import ROOT, process
from tests.fakes import NOON, Ear, FakeClock, settle_down
from tests.sockets import http, listening
from watcher.app import CannotStart, Parts, run
from watcher.app.working import Daemon
from watcher.core.news import AccountTold, Attempted, Changed, EndpointChanged, LeasesSeen, Looked, Stepped
from watcher.ports import Board, Check, Leases, Store, StoreError
from watcher.simulator.config import Addresses, SimulatorConfig
from watcher.simulator.server import serve
from watcher.simulator.world import Workload
from watcher.store.opening import migrate
from watcher.workers import Pulse

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


async def test_a_request_that_its_client_does_not_end_lets_nothing_new_begin(tmp_path: Path) -> None:
    async with serve(replace(QUICK, workload=Workload(at_start=0))) as callfire:
        made = await asked(callfire.control, "/batches", {"count": 50, "validating_for": 3600, "end": "ACTIVE"})
        async with daemon(settings_for(tmp_path, callfire.api)) as running:
            await running.follow(*made["ids"])
            await running.until(Looked, times=3)
            host, port = running.url.removeprefix("http://").split(":")
            _, half = await asyncio.open_connection(host, int(port))
            half.write(f"POST /v1/watches HTTP/1.1\r\nHost: {host}\r\nContent-Length: 100\r\n\r\n[".encode())
            await half.drain()
            await running.get("/readyz")  # behind it, so the half one has come in
            running.stop.set()
            await settle_down()
            before = await outcomes(callfire)
            for _ in range(200):  # each takes its time: many times that between two looks
                assert (await outcomes(callfire)).total() <= before.total() + 4, "more than may have been in flight"
            assert not running.ended.done()
            half.transport.abort()


async def test_a_database_that_is_locked_is_no_reason_for_a_traceback(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, "http://127.0.0.1:9")
    path = tmp_path / "watcher.db"
    migrate(path)
    shell = sqlite3.connect(path, isolation_level=None)
    shell.execute("BEGIN IMMEDIATE")
    with pytest.raises(CannotStart, match=f"^{path} is locked by another program"):
        await run(settings, announce=lambda _: None)
    shell.close()


async def test_a_store_that_fails_while_all_is_wired_is_why_it_cannot_start(tmp_path: Path) -> None:
    full = StoreError("the disk of here is full: make room")

    class Failing:
        def __init__(self, real: Store) -> None:
            self._real = real

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

        async def settle_endpoints(self, endpoints: object) -> None:
            raise full

    with pytest.raises(CannotStart, match=r"^the disk of here is full: make room$") as refusal:
        await run(
            settings_for(tmp_path, "http://127.0.0.1:9"),
            announce=lambda _: None,
            decorate=lambda parts: replace(parts, store=cast(Store, Failing(parts.store))),
        )
    assert refusal.value.__cause__ is full


async def test_where_it_cannot_listen_nothing_was_begun(tmp_path: Path) -> None:
    told: list[object] = []
    async with serve(QUICK) as callfire:
        port = callfire.api.split(":")[2].split("/")[0]
        settings = settings_for(tmp_path, callfire.api, WATCHER_LISTEN=f"127.0.0.1:{port}")
        with pytest.raises(CannotStart, match="the port is in use"):
            await run(settings, announce=told.append, decorate=lambda parts: replace(parts, tell=told.append))
    assert not any(isinstance(news, Stepped) for news in told)


async def test_an_endpoint_that_is_disabled_is_told_at_every_start(tmp_path: Path) -> None:
    hook = {"WATCHER_WEBHOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
    empty = replace(QUICK, workload=Workload(at_start=0))
    async with serve(empty) as callfire, listening(http(410)) as receiver:
        gone = settings_for(tmp_path, callfire.api, WATCHER_WEBHOOK_URL=receiver.url, **hook)
        for sends in (True, False):
            made = await asked(callfire.control, "/batches", {"validating_for": 0, "end": "ERRORS"})
            async with daemon(gone) as running:
                await running.follow(*made["ids"])
                await running.until(EndpointChanged)
                await running.until(Changed)
            told = [news for news in running.heard if isinstance(news, EndpointChanged)]
            assert told == [
                EndpointChanged(endpoint="default", state="disabled", reason="the receiver answered 410 Gone")
            ]
            assert any(isinstance(news, Attempted) for news in running.heard) is sends


async def test_a_store_whose_threads_ended_is_a_reason_to_start_it_anew(tmp_path: Path) -> None:
    class Dead:
        alive = False

        def __init__(self, real: Store) -> None:
            self._real = real

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

    def dead(parts: Parts) -> Parts:
        return replace(parts, store=cast(Store, Dead(parts.store)))

    async with serve(QUICK) as callfire, daemon(settings_for(tmp_path, callfire.api), dead) as running:
        status, alive = await running.get("/livez")
    assert (status, [check["name"] for check in alive["checks"] if not check["ok"]]) == (503, ["store-threads"])


@pytest.mark.parametrize("behind", [59, 60])
def test_that_a_poller_stands_still_is_told_to_anybody_and_of_which_account_to_nobody(behind: int) -> None:
    clock = FakeClock()
    pollers = {
        "east": SimpleNamespace(last_step=NOON),
        "west": SimpleNamespace(last_step=NOON - timedelta(seconds=behind)),
    }
    polling = SimpleNamespace(here=lambda: list(pollers.items()))
    parts: Any = {"polling": polling, "sharer": SimpleNamespace(settled=True), "store": SimpleNamespace(alive=True)}
    pulse = Pulse(clock=clock, tell=Ear())
    there = Daemon(
        **parts,
        hearing=cast(Any, None),
        subscriptions=cast(Any, None),
        planner=cast(Any, None),
        pulse=pulse,
        others=(),
        crew=cast(Any, None),
        clock=clock,
    )
    (check,) = (each for each in there.live() if each.name == "pollers")
    says = "one takes no steps: last_step in GET /v1/accounts says whose"
    assert check == Check(name="pollers", ok=behind < 60, detail="" if behind < 60 else says)


async def test_who_is_asked_to_stop_is_not_ready_any_more_begins_nothing_new_and_gives_back() -> None:
    done: list[str] = []
    errands: list[Any] = []

    async def does(what: str) -> None:
        done.append(what)

    crew = SimpleNamespace(hire=lambda _: None, rest=lambda: does("rest"), errand=lambda _, work: errands.append(work))
    there = Daemon(
        cast(Any, SimpleNamespace(here=list)),
        cast(Any, SimpleNamespace(settled=True, skewed="", start=lambda: None, leave=lambda: does("leave"))),
        hearing=cast(Any, None),
        subscriptions=cast(Any, None),
        planner=cast(Any, None),
        pulse=Pulse(clock=FakeClock(), tell=Ear()),
        others=(),
        crew=cast(Any, crew),
        store=cast(Any, SimpleNamespace(alive=True, ping=lambda: does("ping"))),
        clock=FakeClock(),
    )
    there.begin()
    assert [check for check in await there.ready() if not check.ok] == []
    await there.rest()
    await errands.pop()
    assert [check for check in await there.ready() if not check.ok] == [
        Check(name="serving", ok=False, detail="asked to stop")
    ]
    assert all(check.ok for check in there.live())
    assert done == ["ping", "rest", "leave", "ping"]


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
            "leases": True,
            "clock": True,
            "serving": True,
        }
        assert "disk" not in str(ready)
        status, alive = await running.get("/livez")
        assert status == 200
        assert {check["name"]: check["ok"] for check in alive["checks"]} == {
            "loop": True,
            "store-threads": True,
            "pollers": True,
        }


class Elsewhere:
    """Leases in a database whose clock goes otherwise."""

    def __init__(self, real: Leases, clock: SimpleNamespace) -> None:
        self._real = real
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def board(self, shares: Sequence[str]) -> Board:
        return replace(await self._real.board(shares), skew=self._clock.skew)


async def test_with_a_clock_that_is_far_from_the_databases_it_does_not_start_and_is_not_ready(tmp_path: Path) -> None:
    clock = SimpleNamespace(skew=0.0)

    def elsewhere(parts: Parts) -> Parts:
        return replace(parts, leases=cast(Leases, Elsewhere(parts.leases, clock)))

    async with serve(QUICK) as callfire:
        settings = settings_for(tmp_path, callfire.api)
        async with daemon(settings, elsewhere) as running:
            assert (await running.get("/readyz"))[0] == 200
            clock.skew = -61.0
            await running.until(LeasesSeen, skew=clock.skew)
            status, ready = await running.get("/readyz")
        said = "this machine's clock is 61 s behind the database's: set it right"
        assert status == 503
        assert [(check["name"], check["detail"]) for check in ready["checks"] if not check["ok"]] == [("clock", said)]
        with pytest.raises(CannotStart, match=said):
            async with daemon(settings, elsewhere):
                raise AssertionError


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
