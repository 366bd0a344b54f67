"""What the parts of an installation on PostgreSQL cost, by which deploy/scaling.md reckons, and how far its simulation and its
formula are from a load that is measured here.

Costs: milliseconds of a core of the database's processes and of ours, WAL bytes (no page written whole, see the document), bytes
on disk with indexes, for how long a commit locks the end of the log. "Reckoned with" is what tests/scaling/figures.py has. Then
processes that commit as fast as they can, 256 changes at once each, every event owed to two endpoints, beside what the simulation
says to that with the costs of this very run: it shall be within half and twice the measured rate. Then changes that come by
chance, so many a second, beside how many transactions the formula makes of them (within 1.2) and how many cores (within 2). And
the lives of some batches, from being followed to the last of their deliveries, beside what the formula says: bytes shall be
within 1.5, cores within 2. Last, what it would cost to have the account first in the key of the events. Durable settings; no
autovacuum, so that it falls into no leg. Client and server share the cores.
"""

import asyncio
import os
import time
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Final, TypeVar

import psutil
import uvloop

from tests.bench.replica import Task, replicas
from tests.scaling.costing import at_rate, costs_of, keys_of, lives_of
from tests.scaling.figures import MEASURED, Figures
from tests.scaling.simulating import as_fast_as_they_can
from tests.scaling.sizing import life_of, total, transactions
from tests.store.postgres_server import DURABLE, Server, running

T = TypeVar("T")
Line = tuple[str, float, float]
"""What it is; as measured; as was said before."""

PROCESSES: Final = (1, 2, 4)
CHANGES: Final = 6_000
"""Of each process."""
AT_ONCE: Final = 256
SECONDS: Final = 5.0
RATES: Final = (50, 200, 800)
LIVES: Final = 2_000
SETTINGS: Final[Mapping[str, str]] = {
    **DURABLE,
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_locks_per_transaction": "256",
}
COSTS: Final = {
    "a batch taken in": "followed",
    "a look saved": "saved",
    "a change with its event, beside its commit": "change",
    "a delivery made": "owed",
    "a delivery claimed and settled": "settled",
    "the same, more for each day that is kept": "settled_a_day",
    "an event heard by another replica": "heard",
    "a page of a list": "listed",
    "a share on the board": "on_board",
    "a share described": "described",
}
COMMITS: Final = {
    "core of the database": "theirs",
    "core of ours": "ours",
    "the end of the log locked": "locked",
}


def tables() -> dict[str, tuple[Sequence[str], Sequence[Sequence[str]]]]:
    """About a minute."""
    with running(SETTINGS) as server:
        measured = _run(costs_of(server))
        rates = _rates(server)
        cost, size = _run(lives_of(server, LIVES))
        keys = _run(keys_of(server))
        even = [(each, _run(at_rate(server, each, SECONDS))) for each in RATES]
    cores = os.cpu_count() or 1
    rated: list[Line] = []
    for each, (rate, free) in zip(PROCESSES, rates, strict=True):
        played = as_fast_as_they_can(each, at_once=AT_ONCE, cores=cores, seconds=SECONDS, figures=measured, free=free)
        rated.append((f"{each} (of the cores {100 * free:.0f} % were free)", rate, played.changes))
    said, said_size = life_of(endpoints=2, saved=1, together=AT_ONCE)
    lived: list[Line] = [
        ("WAL bytes of a batch", cost.wal / LIVES, said.wal),
        ("bytes on disk of a batch", size / LIVES, said_size),
        ("core of the database, ms a batch", 1e3 * cost.theirs / LIVES, 1e3 * said.theirs),
        ("core of ours, ms a batch", 1e3 * cost.ours / LIVES, 1e3 * said.ours),
    ]
    come: list[Line] = []
    for each, (commits, took, theirs) in even:
        many = transactions(each, 1, measured, took=took)
        done = [(each, measured.change), (2 * each, measured.owed), (many, measured.transaction)]
        come.append((f"{each} a second, {1e3 * took:.1f} ms a transaction: transactions a second", commits, many))
        come.append((f"{each} a second: cores of the database", theirs, total(done).theirs))
    return {
        "costs": (("what", "measured", "reckoned with", "ratio"), _rows(_told(measured, MEASURED))),
        "changes a second, from processes that commit as fast as they can": (
            ("processes", "measured", "simulated", "ratio"),
            _rows(rated),
        ),
        "changes that come by chance to one replica": (("what", "measured", "formula", "ratio"), _rows(come)),
        f"the lives of {LIVES:,} batches": (("what", "measured", "formula", "ratio"), _rows(lived)),
        "where the account is in the key of the events": (("what", "last, as it is", "first", "ratio"), _rows(keys)),
    }


def _rates(server: Server) -> list[tuple[float, float]]:
    """Changes a second of so many processes together, and which part of the cores others left to them and the database."""
    rates = []
    with replicas(max(PROCESSES)) as processes:
        for count in PROCESSES:
            database = server.make()
            given = {"url": server.url(database), "count": CHANGES, "urls": ("http://a/", "http://b/")}
            _at_work(processes[:1], "owe", given | {"count": 0})
            others, begun = _others(), time.perf_counter()
            rate = _at_work(processes[:count], "changes", given)
            whole = (time.perf_counter() - begun) * (os.cpu_count() or 1)
            rates.append((rate, 1 - (_others() - others) / whole))
            server.drop(database)
    return rates


def _others() -> float:
    """Seconds of cores that this process, its children and theirs have not used, and somebody else has."""
    machine = psutil.cpu_times()
    used = sum(machine) - machine.idle - machine.iowait
    us = psutil.Process()
    ours = 0.0
    for each in (*us.children(recursive=True), us):  # who ends meanwhile is among its parent's
        with suppress(psutil.NoSuchProcess):
            times = each.cpu_times()
            ours += times.user + times.system + times.children_user + times.children_system
    return used - ours


def _at_work(processes: Sequence[Connection], name: str, given: Mapping[str, Any]) -> float:
    for number, process in enumerate(processes):
        process.send(Task(name, {**given, "account": f"{name}{number}"}))
    for process in processes:
        assert process.recv() == "ready"
    begun = time.perf_counter()
    for process in processes:
        process.send("begin")
    done: int = sum([process.recv() for process in processes])
    return done / (time.perf_counter() - begun)


def _told(measured: Figures, reckoned: Figures) -> list[Line]:
    """What can be measured again here."""
    told: list[Line] = []
    for what, name in COSTS.items():
        got, said = getattr(measured, name), getattr(reckoned, name)
        told.append((f"{what}: core of the database, ms", 1e3 * got.theirs, 1e3 * said.theirs))
        told.append((f"{what}: core of ours, ms", 1e3 * got.ours, 1e3 * said.ours))
        if said.wal:
            told.append((f"{what}: WAL bytes", got.wal, said.wal))
    for what, name in COMMITS.items():
        (got_first, got_each), (first, each) = getattr(measured.group, name), getattr(reckoned.group, name)
        told.append((f"a commit: {what}, ms", 1e3 * got_first, 1e3 * first))
        told.append((f"a commit: {what}, ms for each change", 1e3 * got_each, 1e3 * each))
    told.append(("a commit: waiting for the disk, ms", 1e3 * measured.group.flush, 1e3 * reckoned.group.flush))
    told += [
        (f"bytes on disk: {name}", getattr(measured, f"{name}_bytes"), getattr(reckoned, f"{name}_bytes"))
        for name in ("watch", "event", "delivery", "attempt")
    ]
    return told


def _rows(lines: Sequence[Line]) -> list[tuple[str, str, str, str]]:
    return [(what, _short(got), _short(said), f"{got / said:.2f}" if said else "-") for what, got, said in lines]


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _run(work: Coroutine[object, object, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)
