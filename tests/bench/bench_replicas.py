"""Changes and deliveries a second of one, two and four replicas on PostgreSQL, beside bare loops that do the same in this run.

A change is a watch swapped, an event and two deliveries; each replica commits those of its own account, 256 at once. The bare
loops write the same rows with asyncpg, 256 changes in a transaction: a row a statement, by `executemany`, and many rows a
statement, by the store's own statements, without the store. Deliveries are owed before, are claimed by all replicas, sent to one
receiver and settled; the bare loops sign and POST the same with as many in flight in all: 400, as `webhooks.max_in_flight` is, to
a hundred endpoints, and 200 to half as many. A bare loop is at its best with 32 in flight, so there is one of these, too.
Replicas, bare loops and the receiver are processes of their own, the database commits durably, and all share the cores: while the
database writes, the receiver has to wait, so with more in flight less stands still. It ends with the last that is done. Medians
of the rounds, of ratios with the least and the greatest in brackets; ratios are of the slices of a round, which are beside each
other.

What is in the way: of one replica and of its bare loops, the CPU time of a change and of a delivery, by whose it is. Who writes
or sends has one core, and all share the cores there are: no more a second are possible than the tighter of the two leaves room
for, and fewer where one waits for the other. That is what the last table has, of slices in which a replica's sender and store
were watched.
"""

import os
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from multiprocessing.connection import Connection
from typing import Any, Final

from tests.bench.opponent import opponent
from tests.bench.processors import Groups
from tests.bench.replica import Done, Task, replicas
from tests.bench.results import spread
from tests.bench.waiting import BEST
from tests.store.postgres_server import DURABLE, Server, running

REPLICAS: Final = (1, 2, 4)
ROUNDS: Final = 5
CHANGES: Final = 2048
"""Of each replica in a slice."""
DELIVERIES: Final = 10_000
"""Of a slice, over all endpoints."""
PER_ENDPOINT: Final = 4
CORES: Final = os.cpu_count() or 1
SENDS: Final = "who writes or sends"
IN_FLIGHT: Final = (400, 200)
"""In all: as many endpoints have their four."""

Slices = dict[tuple[str, int], list[float]]
"""What came of each slice, by its name and how many processes there were."""
Shares = dict[str, list[dict[str, float]]]
"""Microseconds of CPU time of a delivery by whose they were, for each slice of one process, by its name."""
Leg = tuple[str, float, dict[str, float]]
"""Its name, how many it did a second, and the microseconds of CPU time of one."""
Table = tuple[Sequence[str], Sequence[Sequence[str]]]


def tables() -> dict[str, Table]:
    """About nine minutes."""
    slices: Slices = {}
    shares: Shares = {}
    waits: list[dict[str, float]] = []
    groups = Groups()
    with ExitStack() as stack:
        with groups.begun("the database"):
            server = stack.enter_context(running(DURABLE))
        with groups.begun("the receiver"):
            other = stack.enter_context(opponent())
        with groups.begun(SENDS):
            processes = stack.enter_context(replicas(max(REPLICAS)))
        for turn in range(ROUNDS):
            for count in REPLICAS:
                for name, rate, took in _changes(server, processes[:count], f"r{turn}n{count}", groups):
                    slices.setdefault((name, count), []).append(rate)
                    if count == 1:
                        shares.setdefault(name, []).append(took)
                for in_flight in IN_FLIGHT:
                    for name, rate, took in _deliveries(server, processes[:count], other.url, in_flight, groups):
                        slices.setdefault((f"{name} {in_flight}", count), []).append(rate)
                        if count == 1:
                            shares.setdefault(f"{name} {in_flight}", []).append(took)
            waits.append(_watched(server, processes[0], other.url, groups))
    most = IN_FLIGHT[0]
    return {
        "Changes a second": _changed(slices),
        "CPU time of a change, microseconds": _shares(
            {
                "the bare loop, a row a statement": shares["bare_changes"],
                "the bare loop, many rows a statement": shares["bare_arrays"],
                "a replica": shares["changes"],
            }
        ),
        **{f"Deliveries a second, {each} in flight": _sent(slices, each) for each in IN_FLIGHT},
        f"CPU time of a delivery, microseconds, {most} in flight": _shares(
            {
                "the bare loop": shares[f"bare deliveries {most}"],
                f"the bare loop, {BEST} in flight": shares[f"bare at its best {most}"],
                "a replica": shares[f"deliveries {most}"],
            }
        ),
        f"What the deliveries of a replica wait for, {most} in flight": (
            ("figure", "value"),
            [(name, spread([each[name] for each in waits])) for name in waits[0]],
        ),
    }


def _changes(server: Server, processes: Sequence[Connection], account: str, groups: Groups) -> list[Leg]:
    name = server.make()
    url = server.url(name)
    given = {"url": url, "count": CHANGES, "endpoints": ("hook0", "hook1"), "urls": ("http://a/", "http://b/")}
    _run(processes[:1], "owe", given | {"count": 0, "account": "none"})
    legs = []
    for work in ("bare_changes", "bare_arrays", "changes"):
        before = groups.spent()
        rate, _ = _run(processes, work, given | {"account": f"{account}{work}"})
        legs.append((work, rate, _spent(groups, before, CHANGES * len(processes))))
    server.drop(name)
    return legs


def _deliveries(
    server: Server, processes: Sequence[Connection], receiver: str, in_flight: int, groups: Groups
) -> list[Leg]:
    name, given = _owed(server, processes[0], receiver, in_flight)
    count = DELIVERIES // len(processes)
    legs = []
    for said, leg, more in (
        ("bare deliveries", "bare_deliveries", {"count": count, "in_flight": in_flight // len(processes)}),
        ("bare at its best", "bare_deliveries", {"count": count, "in_flight": BEST // len(processes)}),
        ("deliveries", "deliveries", {"in_flight": in_flight}),
    ):
        before = groups.spent()
        rate, _ = _run(processes, leg, given | more)
        legs.append((said, rate, _spent(groups, before)))
    server.drop(name)
    return legs


def _watched(server: Server, process: Connection, receiver: str, groups: Groups) -> dict[str, float]:
    """What the deliveries of one replica wait for, and how much of the cores is left meanwhile."""
    name, given = _owed(server, process, receiver, IN_FLIGHT[0])
    before = groups.spent()
    rate, (done,) = _run([process], "deliveries", given | {"in_flight": IN_FLIGHT[0], "watched": True})
    spent = sum(_spent(groups, before).values())
    server.drop(name)
    return dict(done.waits) | {"all cores together are busy with it, %": 100 * spent * rate / 1e6 / CORES}


def _owed(server: Server, process: Connection, receiver: str, in_flight: int) -> tuple[str, dict[str, Any]]:
    """A database in which deliveries are owed, and what who sends them is given."""
    name = server.make()
    urls = [f"{receiver}/hook{turn}" for turn in range(in_flight // PER_ENDPOINT)]
    given = {"url": server.url(name), "urls": urls, "per_endpoint": PER_ENDPOINT}
    _run([process], "owe", given | {"count": DELIVERIES // len(urls), "account": "owed"})
    return name, given


def _spent(groups: Groups, before: dict[str, float], count: int = DELIVERIES) -> dict[str, float]:
    return {group: (spent - before[group]) / count * 1e6 for group, spent in groups.spent().items()}


def _run(processes: Sequence[Connection], name: str, given: dict[str, Any]) -> tuple[float, list[Done]]:
    """How much of it was done a second, by all together, until the last was."""
    for turn, process in enumerate(processes):
        process.send(Task(name, given | {"account": f"{given.get('account', name)}{turn}"}))
    for process in processes:
        assert process.recv() == "ready"
    begun = time.monotonic()
    for process in processes:
        process.send("begin")
    done: list[Done] = [process.recv() for process in processes]
    return sum(each.count for each in done) / (max(each.at for each in done) - begun), done


def _ratios(slices: Slices, ours: str, bare: str, count: int, bares: int | None = None) -> str:
    other = slices[bare, count if bares is None else bares]
    return spread([mine / theirs for mine, theirs in zip(slices[ours, count], other, strict=True)], "{:.2f}".format)


def _rates(slices: Slices, count: int, *names: str) -> list[str]:
    return [f"{statistics.median(slices[name, count]):,.0f}" for name in names]


def _changed(slices: Slices) -> Table:
    ours, bare, arrays = "changes", "bare_changes", "bare_arrays"
    columns = (
        "replicas",
        "bare loops, a row a statement",
        "bare loops, many rows a statement",
        "replicas together",
        "ratio",
        "ratio, many rows",
        "to one bare loop",
        "to one, many rows",
    )
    return columns, _beside(slices, ours, bare, arrays)


def _beside(slices: Slices, ours: str, bare: str, other: str) -> Sequence[Sequence[str]]:
    """A row for each number of replicas: how fast both loops and ours are, and ours by as many and by one of each."""
    return [
        (
            str(count),
            *_rates(slices, count, bare, other, ours),
            _ratios(slices, ours, bare, count),
            _ratios(slices, ours, other, count),
            _ratios(slices, ours, bare, count, 1),
            _ratios(slices, ours, other, count, 1),
        )
        for count in REPLICAS
    ]


def _sent(slices: Slices, in_flight: int) -> Table:
    ours, bare, best = (f"{name} {in_flight}" for name in ("deliveries", "bare deliveries", "bare at its best"))
    columns = (
        "replicas",
        "bare loops",
        f"bare loops at their best ({BEST} in flight)",
        "replicas together",
        "ratio",
        "ratio at their best",
        "to one bare loop",
        "to one at its best",
    )
    return columns, _beside(slices, ours, bare, best)


def _shares(shares: Shares) -> Table:
    """Medians of the rounds, and what the cores can do at most."""
    rows = []
    for who, rounds in shares.items():
        medians = {group: statistics.median(each[group] for each in rounds) for group in rounds[0]}
        whole = sum(medians.values())
        rows.append(
            (
                who,
                *(f"{each:.0f}" for each in medians.values()),
                f"{whole:.0f}",
                f"{1e6 / max(whole / CORES, medians[SENDS]):,.0f}",
            )
        )
    return ("", *next(iter(shares.values()))[0], "in all", "a second at most"), rows


if __name__ == "__main__":
    for title, (_, lines) in tables().items():
        print(title, *lines, sep="\n")
