"""Plans for the interface: played apart, one at a time, kept for a while; and no process is left behind, whatever ends."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, cast
from urllib.request import Request, urlopen

import psutil
import pytest

from tests.app.house import PATIENCE, asked, daemon, settings_for
from tests.cli.conftest import ROOT, process
from tests.core.making import RULES, fresh, seen_watch
from tests.fakes import NOON, Errands, FakeClock, settle_down
from watcher.app.planner import COMMAND, Planner, environment
from watcher.core.learnt import LearntHazard
from watcher.core.news import Looked
from watcher.core.plan import Bought, Load, Point
from watcher.core.ranking import Pace
from watcher.core.roster import Roster
from watcher.planning.bought import to_line
from watcher.ports import Planned, Unplanned
from watcher.simulator.config import SimulatorConfig
from watcher.simulator.server import serve
from watcher.simulator.world import Workload

BOUGHT = Bought(
    load=Load(in_flight=1, arrivals=0.1, duration=10.0, learnt=False, over=30.0, part=1.0),
    rate=5.0,
    points=[Point(rate=5.0, p50=1.0, p95=None)],
)
SAYS = (sys.executable, "-c", f"import sys; sys.stdin.readline(); print({to_line(BOUGHT)!r})")
WAITS = (sys.executable, "-c", "import sys; sys.stdin.read()")
Found = TypeVar("Found")
STOPPING = Unplanned(kind="stopping", detail="the daemon was asked to stop")


@dataclass(slots=True, kw_only=True)
class Scene:
    """Accounts east and west, with open batches, and a planner for them."""

    pollers: dict[str, Any]
    clock: FakeClock
    errands: Errands

    def follow(self, account: str, *batch_ids: int, stuck: bool = False) -> None:
        for batch_id in batch_ids:
            watch = seen_watch("NEW", batch_id=batch_id, stuck_told=1) if stuck else fresh(batch_id)
            self.pollers[account].roster.put(watch)

    async def load_of(self, account: str) -> tuple[Any, bytes]:
        """As polling tells how the account stands, and what it has learnt."""
        poller = self.pollers[account]
        coming = len(poller.roster) - poller.roster.stuck_count()
        return SimpleNamespace(coming=coming, view=SimpleNamespace(rate=5.0)), poller.learnt.to_record()

    def planner(self, command: Sequence[str] = SAYS, deadline: float = PATIENCE) -> Planner:
        return Planner(
            cast(Any, self), pace=Pace(), clock=self.clock, errand=self.errands, command=command, deadline=deadline
        )


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    def poller() -> Any:
        return SimpleNamespace(roster=Roster(RULES), learnt=LearntHazard(now=NOON.timestamp()))

    async with Errands() as errands:
        yield Scene(pollers={"east": poller(), "west": poller()}, clock=FakeClock(), errands=errands)


async def until(found: Callable[[], Found]) -> Found:
    """What is found, once there is any."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if there := found():
                return there
            await settle_down(1)


async def running() -> psutil.Process:
    """The process that plays, once it is there."""

    def found() -> list[psutil.Process]:
        return [each for each in psutil.Process().children() if each.cmdline()[1:] == list(WAITS[1:])]

    return (await until(found))[0]


async def test_a_load_is_played_by_another_process_and_the_answer_is_kept_for_ten_minutes(scene: Scene) -> None:
    scene.follow("east", 1)
    planner = scene.planner()
    first = await planner.plan("east")
    assert first == Planned(account="east", at=NOON, bought=BOUGHT)
    scene.clock.turn(minutes=9.9)
    assert await planner.plan("east") is first
    scene.clock.turn(minutes=0.1)
    assert await planner.plan("east") == Planned(account="east", at=NOON + timedelta(minutes=10), bought=BOUGHT)
    assert scene.errands.names == ["plan east", "plan east"]


async def test_another_load_is_played_anew(scene: Scene) -> None:
    scene.follow("east", *range(1, 9))
    planner = scene.planner()
    await planner.plan("east")
    scene.follow("east", 9, 10)
    await planner.plan("east")
    assert len(scene.errands.names) == 1
    scene.follow("east", 11)
    await planner.plan("east")
    assert len(scene.errands.names) == 2


async def test_without_a_batch_that_will_end_there_is_nothing_to_plan(scene: Scene) -> None:
    scene.follow("east", 1, 2, stuck=True)
    planner = scene.planner()
    refused = await planner.plan("east")
    assert isinstance(refused, Unplanned)
    assert refused.kind == "nothing-to-plan"
    assert scene.errands.names == []


async def test_who_asks_for_the_same_account_waits_along_and_for_another_is_told_to_come_again(scene: Scene) -> None:
    scene.follow("east", 1)
    scene.follow("west", 2)
    planner = scene.planner(WAITS)
    both = [asyncio.create_task(planner.plan("east")) for _ in range(2)]
    await running()
    refused = await planner.plan("west")
    assert isinstance(refused, Unplanned)
    assert refused.kind == "plan-under-way"
    assert scene.errands.names == ["plan east"]
    planner.end()
    assert await asyncio.gather(*both) == [STOPPING, STOPPING]


async def test_a_client_that_leaves_stops_no_play(scene: Scene) -> None:
    scene.follow("east", 1)
    planner = scene.planner()
    gone = asyncio.create_task(planner.plan("east"))
    await until(lambda: scene.errands.names)
    gone.cancel()
    assert await planner.plan("east") == Planned(account="east", at=NOON, bought=BOUGHT)
    assert scene.errands.names == ["plan east"]


@pytest.mark.parametrize(
    ("command", "deadline", "detail"),
    [
        (WAITS, 0.05, "it took more than 0.05 s: ask when the machine has less to do"),
        ((sys.executable, "-c", "raise SystemExit(3)"), PATIENCE, "the process that plays it ended without an answer"),
        ((sys.executable, "-c", "print('[]')"), PATIENCE, "the process that plays it ended without an answer"),
        (("/nowhere/python",), PATIENCE, "the process that plays it cannot be started"),
    ],
)
async def test_a_play_that_fails_is_told_and_leaves_room_for_the_next(
    scene: Scene, command: Sequence[str], deadline: float, detail: str
) -> None:
    scene.follow("east", 1)
    planner = scene.planner(command, deadline)
    for _ in range(2):
        refused = await planner.plan("east")
        assert isinstance(refused, Unplanned)
        assert (refused.kind, refused.detail[: len(detail)]) == ("plan-failed", detail)
    assert scene.errands.running == 0
    assert len(scene.errands.failed) == 2


async def test_at_the_end_the_process_is_gone_and_whoever_waits_is_told(scene: Scene) -> None:
    scene.follow("east", 1)
    planner = scene.planner(WAITS)
    waiting = asyncio.create_task(planner.plan("east"))
    process = await running()
    planner.end()
    assert await waiting == STOPPING
    assert not process.is_running()
    assert await planner.plan("east") == STOPPING
    assert scene.errands.failed == []


async def test_an_errand_that_is_cut_off_takes_its_process_along(scene: Scene) -> None:
    scene.follow("east", 1)
    planner = scene.planner(WAITS)
    waiting = asyncio.create_task(planner.plan("east"))
    process = await running()
    await scene.errands.__aexit__()
    assert await waiting == STOPPING
    assert not process.is_running()


def test_the_process_that_plays_gets_no_secrets_and_the_same_code() -> None:
    root = str(Path(__file__).parents[2])
    secrets = ("CALLFIRE_PASSWORD", "WATCHER_API_TOKEN", "PGPASSWORD", "OTEL_EXPORTER_OTLP_HEADERS")
    assert environment(dict.fromkeys(secrets, "x") | {"PATH": "/bin"}) == {
        "PATH": "/bin",
        "PYTHONPATH": root,
        "OPENBLAS_NUM_THREADS": "1",
    }
    assert environment({"PYTHONPATH": "/other"})["PYTHONPATH"] == f"{root}{os.pathsep}/other"


def test_the_process_that_plays_ends_with_whoever_asked() -> None:
    """Standard input ends in the same way when a daemon is killed; what it is at then is of no use to anybody."""
    with subprocess.Popen(COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        question = '{"in_flight": 200, "rate": 50, "pace": {}, "learnt": "", "at": "2026-11-23T12:00:00+00:00"}\n'  # for a while
        process.stdin.write(question.encode())
        process.stdin.close()
        assert process.wait(timeout=PATIENCE) == 1


async def test_the_daemon_plays_its_own_load_while_it_goes_on(tmp_path: Path) -> None:
    still = SimulatorConfig(latency=0.0, workload=Workload(at_start=0))
    async with serve(still) as callfire:
        made = await asked(callfire.control, "/batches", {"count": 250, "validating_for": 3600, "end": "ACTIVE"})
        settings = settings_for(tmp_path, callfire.api, CALLFIRE_RATE="0.5")
        async with daemon(settings) as there:
            status, problem = await there.get("/v1/accounts/default/plan")
            assert (status, problem["type"]) == (409, "/problems/nothing-to-plan")
            await there.follow(*made["ids"])
            status, plan = await there.get("/v1/accounts/default/plan")
            await there.until(Looked, times=1)
    assert (status, plan["rate"], plan["load"]["in_flight"]) == (200, 0.5, 250)
    assert [point["rate"] for point in plan["points"]] == [0.125, 0.25, 0.5, 1.0, 2.0]


async def test_a_daemon_that_stops_waits_for_no_plan(tmp_path: Path) -> None:
    before = psutil.Process().children()
    still = SimulatorConfig(latency=0.0, workload=Workload(at_start=0))
    async with serve(still) as callfire:
        made = await asked(callfire.control, "/batches", {"count": 100, "validating_for": 3600, "end": "ACTIVE"})
        async with daemon(settings_for(tmp_path, callfire.api)) as there:
            await there.follow(*made["ids"])
            waiting = asyncio.create_task(there.get("/v1/accounts/default/plan"))
            children = await until(lambda: [each for each in psutil.Process().children() if each not in before])
            there.stop.set()
            status, problem = await waiting
            assert (status, problem["type"]) == (503, "/problems/stopping")
            assert await there.ended == 0
    assert not [child for child in children if child.is_running()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_daemon_that_ends_leaves_no_process_behind(tmp_path: Path, number: signal.Signals) -> None:
    with process("simulate", "--at-start", 0, "--latency", 0, folder=tmp_path) as callfire:
        request = Request(f"{callfire['control']}/batches", json.dumps({"count": 100, "validating_for": 3600}).encode())
        with urlopen(request, timeout=PATIENCE) as answer:
            ids = json.load(answer)["ids"]
        environ = {
            **os.environ,
            "CALLFIRE_BASE_URL": callfire["api"],
            "CALLFIRE_LOGIN": "login",
            "CALLFIRE_PASSWORD": "password",
            "WATCHER_DATABASE_URL": f"sqlite:///{tmp_path}/watcher.db",
            "WATCHER_LISTEN": "127.0.0.1:0",
            "PYTHONPATH": str(ROOT),
        }
        command = [sys.executable, "-m", "watcher", "run", "-o", "json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environ) as running:
            try:
                children = playing(running, ids)
                running.send_signal(number)
                assert running.wait(PATIENCE) == (0 if number is signal.SIGTERM else -number)
                _, left = psutil.wait_procs(children, timeout=PATIENCE)
                assert left == []
            finally:
                running.kill()


def playing(daemon: "subprocess.Popen[bytes]", ids: Sequence[int]) -> list[psutil.Process]:
    """Has the daemon play a load of these batches; the process that does."""
    assert daemon.stdout is not None
    url = json.loads(daemon.stdout.readline())["url"]
    rows = json.dumps([{"batch_id": each} for each in ids]).encode()
    with urlopen(Request(f"{url}/v1/watches", rows, {"Content-Type": "application/json"}), timeout=PATIENCE):
        pass
    host, _, port = url.removeprefix("http://").partition(":")
    deadline = time.monotonic() + PATIENCE
    with socket.create_connection((host, int(port))) as asking:
        asking.sendall(f"GET /v1/accounts/default/plan HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        while not (children := psutil.Process(daemon.pid).children()):
            assert time.monotonic() < deadline
        return children
