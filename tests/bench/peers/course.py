"""One run of one peer: batches come to a simulated CallFire, the peer is given each at once, and is killed in between where that
is asked for. Noted is what CallFire and the receiver know, and what the peer takes of the machine."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Final

from tests.bench.peers.measuring import Measured, Noted, interval, measured
from tests.bench.peers.peer import OWN, Peer, Place, kill, port, program, start, stop
from tests.bench.peers.receiving import Receiver, receiving
from tests.bench.peers.usage import Usage
from tests.chaos.campaign import http
from tests.stack.processes import Program
from watcher.planning.workload import Validation

Make = Callable[[Place], Peer]

TICK: Final = 0.05
LOOKED: Final = 0.5
"""Seconds between two looks at what the peer takes."""
AGAIN: Final = 0.5
"""Seconds until a peer that did not answer is given a batch once more."""
AWAY: Final = 3.0
"""Seconds until what was killed is started again."""
ERRORS: Final = 12
"""One batch in so many ends in ERRORS, the others in ACTIVE."""
LATENCY: Final = 0.04


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Batches, and for how many seconds they come. What ended by then must have been told `patience` seconds later; for `linger`
    seconds is listened in any case. `kills` are moments, in seconds from the first batch."""

    batches: Sequence[Validation]
    seconds: float
    rate: float
    patience: float
    linger: float = 10.0
    kills: Sequence[float] = ()
    least: int = 1
    """The shortest interval, in seconds, that a peer with one for all is given."""

    @property
    def every(self) -> int:
        """The interval of a peer that has one for all batches."""
        return interval(self.batches, rate=self.rate, least=self.least)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What came of it. CPU in seconds from the first batch to the end, after `took` seconds; memory in bytes."""

    measured: Measured
    cpu: float
    memory: float
    took: float


@dataclass(kw_only=True)
class _Course:
    """While it runs. The peer is started by a thread that stays: its processes end with the thread that started them."""

    peer: Peer
    load: Load
    control: str
    receiver: Receiver
    starter: ThreadPoolExecutor
    began: float = 0.0
    waiting: list[tuple[int, float]] = field(default_factory=list)
    """Batches of which the peer does not know, and those it may be asked to drop: with when that is tried."""
    told: list[tuple[int, float]] = field(default_factory=list)
    dropping: list[tuple[int, float]] = field(default_factory=list)
    taken: int = 0
    starting: "Future[None] | None" = None

    def step(self, coming: list[Validation], kills: list[float]) -> None:
        """What is due now."""
        now = time.time()
        if kills and now >= self.began + kills[0]:
            del kills[0]
            kill(self.peer)
            self.starting = self.starter.submit(self._again)
        while coming and now >= self.began + coming[0].begins:
            self.waiting.append((self._born(coming.pop(0)), now))
        self._hear()
        if self.starting is None or self.starting.done():
            self.waiting = _tried(self.waiting, now, self.peer.follow)
            self.dropping = _tried(self.dropping, now, self.peer.drop)

    def _born(self, batch: Validation) -> int:
        plan = {
            "size": batch.size,
            "validating_for": batch.ends - batch.begins,
            "kind": "calls",
            "end": "ACTIVE" if batch.batch_id % ERRORS else "ERRORS",
        }
        (number,) = http(f"{self.control}/batches", plan)["ids"]
        return int(number)

    def _hear(self) -> None:
        for at, body in self.receiver.since(self.taken):
            self.taken += 1
            for number in self.peer.settled(json.loads(body)):
                if number not in {told for told, _ in self.told}:
                    self.dropping.append((number, at))
                self.told.append((number, at))

    def _again(self) -> None:
        time.sleep(AWAY)
        start(self.peer)

    def ends(self) -> dict[int, float]:
        """Of the batches that ended while they came."""
        truth = http(f"{self.control}/truth")["batches"]
        ends = {batch["id"]: batch["changes"][-1]["at"] / 1000 for batch in truth}
        return {number: ended for number, ended in ends.items() if ended <= self.began + self.load.seconds}


def _tried(waiting: list[tuple[int, float]], now: float, how: Callable[[int], None]) -> list[tuple[int, float]]:
    """Those that are still to be tried, because the peer did not answer or it is not yet time."""
    left = []
    for number, due in waiting:
        if due > now:
            left.append((number, due))
            continue
        try:
            how(number)
        except (OSError, HTTPException):
            left.append((number, now + AGAIN))
    return left


def run(make: Make, load: Load, folder: Path, *, ready: Callable[[], object] = lambda: None) -> Run:
    """From the first batch until all that ended was told, or patience is over. NotToBeHad where the peer cannot be installed. The
    peer has started when `ready` is called; the first batch comes when that returns."""
    with receiving() as receiver, _simulated(folder, load) as (simulator, api), ThreadPoolExecutor(1) as starter:
        place = Place(folder=folder, api=api, receiver=receiver.url, rate=load.rate, every=load.every)
        peer = make(place)
        try:
            starter.submit(start, peer).result()
            ready()
            course = _Course(peer=peer, load=load, control=simulator.url, receiver=receiver, starter=starter)
            return _measured(course)
        finally:
            stop(peer)


def _measured(course: _Course) -> Run:
    peer, load = course.peer, course.load
    usage = Usage(pids=lambda: [each.pid for each in peer.programs if each.runs])
    usage.begin()
    coming, kills, looked = list(load.batches), list(load.kills), 0.0
    course.began = time.time()
    while not _over(course, coming):
        course.step(coming, kills)
        if time.monotonic() >= looked + LOOKED:
            usage.look()
            looked = time.monotonic()
        time.sleep(TICK)
    usage.look()
    took = time.time() - course.began
    if course.starting is not None:
        course.starting.result()
    asked = [each["at"] / 1000 for each in http(f"{course.control}/requests")["requests"]]
    noted = Noted(ends=course.ends(), told=course.told, asked=asked)
    return Run(measured=measured(noted), cpu=usage.cpu, memory=usage.peak, took=took)


def _over(course: _Course, coming: Sequence[Validation]) -> bool:
    later = time.time() - course.began - course.load.seconds
    if coming or later < course.load.linger:
        return False
    return later >= course.load.patience or course.ends().keys() <= {number for number, _ in course.told}


@contextmanager
def _simulated(folder: Path, load: Load) -> Iterator[tuple[Program, str]]:
    """A CallFire without batches that refuses nothing: the process, and the API's address."""
    at, control = port(), port()
    config = json.dumps({"latency": LATENCY, "port": at, "control_port": control})
    place = Place(folder=folder, api="", receiver="", rate=load.rate, every=0)
    command = (sys.executable, "-m", "tests.chaos.peers", "simulator", config)
    simulator = program(place, "simulator", command, port=control, up="/state", environ=OWN)
    try:
        simulator.start()
        yield simulator, f"http://127.0.0.1:{at}/v2"
    finally:
        simulator.stop()
