"""What a crash could show: whatever of ours is printed in a traceback, and the memory of the process that plays plans. That of
the daemon holds every secret, which is why it leaves no core file (tests/app/test_process.py)."""

import asyncio
import gc
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from tests.app.house import Daemon, asked, daemon
from tests.security.canaries import CANARIES, LOGIN, found_in, found_plain
from tests.security.guarded import ENDPOINTS, KEYS, PATIENCE, environment, of_processes, running
from tests.sockets import hang, listening
from watcher.settings import load
from watcher.simulator.config import SimulatorConfig
from watcher.simulator.server import serve
from watcher.simulator.world import Workload

STILL = SimulatorConfig(latency=0.0, accounts={"default": (LOGIN, CANARIES["password"])}, workload=Workload(at_start=0))
TOKEN = {"Authorization": f"Bearer {CANARIES['token of the settings']}"}
PLAN = "/v1/accounts/default/plan"
OURS = re.compile(r"watcher\.(?!simulator)")
QUESTION = b'"in_flight"'
"""What the process that plays was told, and has in its memory."""


def memory_of(process: psutil.Process) -> Iterator[bytes]:
    """What it wrote there itself: its heap, its stack, and whatever else is of no file."""
    maps = [line.split() for line in Path(f"/proc/{process.pid}/maps").read_text().splitlines()]
    with Path(f"/proc/{process.pid}/mem").open("rb", buffering=0) as memory:
        for place, rights, _, _, inode, *name in maps:
            if rights.startswith("rw") and inode == "0" and name not in (["[vvar]"], ["[vsyscall]"]):
                first, last = (int(each, 16) for each in place.split("-"))
                memory.seek(first)
                with suppress(OSError):  # it was given back meanwhile
                    yield memory.read(last - first)


async def child_of(process: int) -> psutil.Process:
    """The process that it started."""
    async with asyncio.timeout(PATIENCE):
        while not (children := psutil.Process(process).children()):  # noqa: ASYNC110 -- nobody tells
            await asyncio.sleep(0)
        return children[0]


async def test_the_process_that_plays_plans_has_no_secret_in_its_memory_its_environment_or_its_name(
    tmp_path: Path,
) -> None:
    (tmp_path / "data").mkdir()
    async with serve(STILL) as callfire, listening(hang) as receiver:
        made = await asked(callfire.control, "/batches", {"count": 200, "validating_for": 3600, "end": "ACTIVE"})
        environ = environment(tmp_path, callfire.api, receiver.url, "json", KEYS)
        async with running(environ, tmp_path / "log") as there:
            there.session.headers.update(TOKEN)
            await there.answer("POST", "/v1/watches", [{"batch_id": each} for each in made["ids"]])
            planned = asyncio.create_task(there.answer("GET", PLAN))
            child = await child_of(there.process.pid)
            async with asyncio.timeout(PATIENCE):
                while not any(QUESTION in part for part in memory_of(child)):  # noqa: ASYNC110 -- nobody tells
                    await asyncio.sleep(0)
            child.suspend()
            of_memory = {each for part in memory_of(child) for each in found_plain("memory", part)}
            found = of_memory | of_processes(there.process.pid)
            of_daemon = {
                each for part in memory_of(psutil.Process(there.process.pid)) for each in found_plain("", part)
            }
            child.kill()
            answered = await planned
    assert found | found_in("a plan that failed", answered) == set()
    assert '"/problems/plan-failed"' in answered
    assert {name for name, _ in of_daemon} >= {"password", "encryption key"}, "a memory that has them shows none either"


async def submit(there: Daemon, broadcast_id: int) -> None:
    """A batch is on its way to CallFire."""
    body = {"name": "autumn", "recipients": [{"phone_number": CANARIES["number of a recipient"]}]}
    path = f"{there.url}/v1/accounts/default/broadcasts/{broadcast_id}/batches"
    async with there.session.post(path, json=body, headers={"Prefer": "wait=0"}) as answer:
        assert answer.status == 202, await answer.text()


async def test_nothing_of_the_program_shows_a_secret_where_it_is_printed(tmp_path: Path) -> None:
    """Each object of a class of ours that is there while requests are under way, with what it is made of."""
    (tmp_path / "data").mkdir()
    async with serve(STILL) as callfire, listening(hang) as receiver:
        made = await asked(callfire.control, "/batches", {"count": 3, "validating_for": 3600, "end": "ACTIVE"})
        environ = environment(tmp_path, callfire.api, receiver.url, "json", KEYS)
        settings = load(Path(os.devnull), environ | {"WATCHER_WEBHOOKS__TIMEOUT": "3s"})
        async with daemon(settings) as there:
            there.session.headers.update(TOKEN)
            for body in ENDPOINTS:
                await there.ask("POST", "/v1/endpoints", {"url": receiver.url, **body})
            await there.follow(*made["ids"])
            async with asyncio.timeout(PATIENCE):
                while len(receiver.heard) < 3:  # noqa: ASYNC110 -- the other end of a socket is waited for
                    await asyncio.sleep(0)
            await asked(callfire.control, "/faults", {"kind": "slow", "seconds": 2})
            await submit(there, (await asked(callfire.control, "/truth"))["batches"][0]["broadcast_id"])
            gc.unfreeze()  # what was there when the daemon began: else it is not among the objects
            ours = [each for each in gc.get_objects() if OURS.match(f"{type(each).__module__}")]
            found = {fault for each in ours for fault in found_in(type(each).__qualname__, repr(each))}
    assert found | found_in("settings", f"{settings}") == set()
    kinds = {type(each).__qualname__ for each in ours}
    assert kinds >= {
        "Settings",
        "Account",
        "Endpoint",
        "Delivery",
        "Question",
        "Seal",
        "SigningKey",
        "Submission",
        "WebhookSender",
    }
