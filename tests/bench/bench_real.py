"""The daemon as users run it, over sockets, against the simulator: how late it is, beside the same workload in virtual time.

The workload of polling.md, 100 in flight and 5 requests a second, for five minutes, once registered batch by batch as it comes;
delays run from the end of validation, as the simulator has it, to the answer that showed it. And what a quiet account costs: ten
batches that are stuck, in one broadcast, over two minutes.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from watcher.core.ranking import Pace
from watcher.planning.daemon import Daemon
from watcher.planning.play import CallFire, play
from watcher.planning.workload import Validation, steady

SECONDS: Final = 300.0
RATE: Final = 5.0
IN_FLIGHT: Final = 100
LATENCY: Final = 0.04
SEED: Final = 11
STUCK: Final = 10
QUIET_SECONDS: Final = 120.0


@dataclass(frozen=True, slots=True)
class Running:
    """Addresses: the daemon's interface, and the simulator's control."""

    url: str
    control: str


def http(url: str, body: object = None) -> Any:
    """One request to one of our own servers on loopback; the JSON of the answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


@contextmanager
def running(folder: Path) -> Iterator[Running]:
    """A simulator without batches, and a daemon with an empty database."""
    with ExitStack() as stack:
        simulator = stack.enter_context(_process("simulate", "--at-start", "0", "--latency", str(LATENCY)))
        told = json.loads(_line(simulator))
        daemon = stack.enter_context(
            _process(
                "run",
                CALLFIRE_LOGIN="login",
                CALLFIRE_PASSWORD="password",
                CALLFIRE_BASE_URL=told["api"],
                CALLFIRE_RATE=str(RATE),
                WATCHER_DATABASE_URL=f"sqlite:///{folder / 'watcher.db'}",
                WATCHER_LISTEN="127.0.0.1:0",
                WATCHER_LOG="json",
            )
        )
        yield Running(_line(daemon).split()[-1], told["control"])


@contextmanager
def _process(*arguments: str, **environment: str) -> "Iterator[subprocess.Popen[str]]":
    process = subprocess.Popen(
        [sys.executable, "-m", "watcher", *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def _live(there: Running, batches: Sequence[Validation], seconds: float) -> None:
    """Has the batches come, each at its moment, and registers each at once."""
    began = time.time()
    for each in batches:
        time.sleep(max(began + each.begins - time.time(), 0.0))
        (number,) = http(
            f"{there.control}/batches",
            {"size": each.size, "validating_for": each.ends - each.begins, "kind": "calls"},
        )["ids"]
        http(f"{there.url}/v1/watches", [{"batch_id": number}])
    time.sleep(max(began + seconds - time.time(), 0.0))


def _delays(there: Running) -> list[float]:
    """Of every batch that has ended, once all of them are found."""
    ended: dict[int, float] = {}
    found: dict[int, float] = {}
    for _ in range(120):
        truth = http(f"{there.control}/truth")
        ended = {
            batch["id"]: batch["changes"][-1]["at"] / 1000
            for batch in truth["batches"]
            if batch["changes"][-1]["at"] < truth["now"] - 30_000
        }
        found = _found(there)
        if ended.keys() <= found.keys():
            return [found[batch_id] - ended[batch_id] for batch_id in ended]
        time.sleep(1)
    raise AssertionError(f"never found: {sorted(ended.keys() - found.keys())}")


def _found(there: Running) -> dict[int, float]:
    """When each batch was answered to be done, in epoch seconds."""
    found: dict[int, float] = {}
    after = 0
    while True:
        page = http(f"{there.url}/v1/events?after={after}&limit=1000")
        for event in page["items"]:
            if event["data"].get("final"):
                found[event["data"]["batch_id"]] = datetime.fromisoformat(event["data"]["window"]["by"]).timestamp()
        if page["next"] == after:
            return found
        after = page["next"]


def run(seconds: float = SECONDS) -> dict[str, float]:
    """About eight minutes."""
    batches = steady(SEED, in_flight=IN_FLIGHT, seconds=seconds)
    virtual = play(Daemon(Pace()), CallFire(batches=batches), rate=RATE, seconds=seconds, latency=LATENCY)
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as there:
        _live(there, batches, seconds)
        spent = http(f"{there.control}/budget")["default"]
        delays = np.array(_delays(there))
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as there:
        created = http(f"{there.control}/batches", {"count": STUCK, "validating_for": 7200, "kind": "calls"})
        http(f"{there.url}/v1/watches", [{"batch_id": number} for number in created["ids"]])
        time.sleep(QUIET_SECONDS)
        before = http(f"{there.control}/budget")["default"]["total"]
        time.sleep(QUIET_SECONDS)
        quiet_rate = (http(f"{there.control}/budget")["default"]["total"] - before) / QUIET_SECONDS
    return {
        "virtual: mean s": virtual.mean,
        "virtual: p95 s": virtual.quantile(0.95),
        "virtual: requests": virtual.requests,
        "daemon: mean s": float(delays.mean()),
        "daemon: p95 s": float(np.quantile(delays, 0.95)),
        "daemon: requests": spent["total"],
        "daemon: most requests in any second": spent["most_in_a_second"],
        "daemon's mean / virtual": float(delays.mean()) / virtual.mean,
        "ten stuck batches: requests a second": quiet_rate,
    }


if __name__ == "__main__":
    print(json.dumps(run(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS), indent=1))
