"""Changes and deliveries a second of one, two and four replicas on PostgreSQL, beside bare loops that do the same in this run.

A change is a watch swapped, an event and two deliveries; each replica commits those of its own account, 256 at once, and each
bare loop writes the same rows with asyncpg's `executemany`, 256 changes in a transaction. Deliveries are owed before, are claimed
by all replicas, sent to one receiver and settled; the bare loops sign and POST the same with as many in flight in all: 400, as
`webhooks.max_in_flight` is, to a hundred endpoints, and 200 to half as many. Replicas, bare loops and the receiver are processes
of their own, the database commits durably, and all share the cores: while the database writes, the receiver has to wait, so with
more in flight less stands still. Medians of the rounds; ratios are of the slices of a round, which are beside each other.

What is in the way: of one replica and of its bare loop, the CPU time of a delivery by whose it is. Who sends has one core, and
all share the cores there are: no more deliveries a second are possible than the tighter of the two leaves room for, and fewer
where one waits for the other.
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
from tests.bench.replica import Task, replicas
from tests.store.postgres_server import DURABLE, Server, running

REPLICAS: Final = (1, 2, 4)
ROUNDS: Final = 5
CHANGES: Final = 2048
"""Of each replica in a slice."""
DELIVERIES: Final = 10_000
"""Of a slice, over all endpoints."""
PER_ENDPOINT: Final = 4
CORES: Final = os.cpu_count() or 1
SENDS: Final = "who sends"
IN_FLIGHT: Final = (400, 200)
"""In all: as many endpoints have their four."""

Slices = dict[tuple[str, int], list[float]]
"""What came of each slice, by its name and how many processes there were."""
Shares = dict[str, list[dict[str, float]]]
"""Microseconds of CPU time of a delivery by whose they were, for each slice of one process, by its name."""


def tables() -> dict[str, tuple[Sequence[str], Sequence[Sequence[str]]]]:
    """About seven minutes."""
    slices: Slices = {}
    shares: Shares = {}
    groups = Groups()
    with ExitStack() as stack:
        with groups.begun("the database"):
            server = stack.enter_context(running(DURABLE))
        with groups.begun("the receiver"):
            other = stack.enter_context(opponent())
        with groups.begun(SENDS):
            processes = stack.enter_context(replicas(max(REPLICAS)))
        for number in range(ROUNDS):
            for count in REPLICAS:
                for name, rate in _changes(server, processes[:count], f"r{number}n{count}"):
                    slices.setdefault((name, count), []).append(rate)
                for in_flight in IN_FLIGHT:
                    for name, rate, took in _deliveries(server, processes[:count], other.url, in_flight, groups):
                        slices.setdefault((f"{name} {in_flight}", count), []).append(rate)
                        if count == 1:
                            shares.setdefault(f"{name} {in_flight}", []).append(took)
    return {
        "Changes a second": _table(slices, "bare changes", "changes"),
        **{
            f"Deliveries a second, {each} in flight": _table(slices, f"bare deliveries {each}", f"deliveries {each}")
            for each in IN_FLIGHT
        },
        f"CPU time of a delivery, microseconds, {IN_FLIGHT[0]} in flight": _shares(
            {
                "the bare loop": shares[f"bare deliveries {IN_FLIGHT[0]}"],
                "a replica": shares[f"deliveries {IN_FLIGHT[0]}"],
            }
        ),
    }


def _changes(server: Server, processes: Sequence[Connection], account: str) -> list[tuple[str, float]]:
    name = server.make()
    url = server.url(name)
    given = {"url": url, "count": CHANGES, "endpoints": ("hook0", "hook1"), "urls": ("http://a/", "http://b/")}
    _run(processes[:1], "owe", given | {"count": 0, "account": "none"})
    rates = [
        (said, _run(processes, work, given | {"account": work}))
        for said, work in (("bare changes", "bare_changes"), ("changes", "changes"))
    ]
    server.drop(name)
    return rates


def _deliveries(
    server: Server, processes: Sequence[Connection], receiver: str, in_flight: int, groups: Groups
) -> list[tuple[str, float, dict[str, float]]]:
    name = server.make()
    urls = [f"{receiver}/hook{number}" for number in range(in_flight // PER_ENDPOINT)]
    given = {"url": server.url(name), "urls": urls, "per_endpoint": PER_ENDPOINT}
    _run(processes[:1], "owe", given | {"count": DELIVERIES // len(urls), "account": "owed"})
    count = DELIVERIES // len(processes)
    legs = []
    for leg, more in (
        ("bare_deliveries", {"count": count, "in_flight": in_flight // len(processes)}),
        ("deliveries", {"in_flight": in_flight}),
    ):
        before = groups.spent()
        rate = _run(processes, leg, given | more)
        took = {group: (spent - before[group]) / DELIVERIES * 1e6 for group, spent in groups.spent().items()}
        legs.append((leg.replace("_", " "), rate, took))
    server.drop(name)
    return legs


def _run(processes: Sequence[Connection], name: str, given: dict[str, Any]) -> float:
    """How much of it was done a second, by all together."""
    for number, process in enumerate(processes):
        process.send(Task(name, given | {"account": f"{given.get('account', name)}{number}"}))
    for process in processes:
        assert process.recv() == "ready"
    begun = time.perf_counter()
    for process in processes:
        process.send("begin")
    done: int = sum([process.recv() for process in processes])
    return done / (time.perf_counter() - begun)


def _table(slices: Slices, bare: str, ours: str) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    columns = ("replicas", "bare loops", "replicas together", "ratio", "least ratio", "to one bare loop")
    rows = []
    for count in REPLICAS:
        ratios = [mine / other for mine, other in zip(slices[ours, count], slices[bare, count], strict=True)]
        alone = [mine / other for mine, other in zip(slices[ours, count], slices[bare, 1], strict=True)]
        rows.append(
            (
                str(count),
                f"{statistics.median(slices[bare, count]):,.0f}",
                f"{statistics.median(slices[ours, count]):,.0f}",
                f"{statistics.median(ratios):.2f}",
                f"{min(ratios):.2f}",
                f"{statistics.median(alone):.2f}",
            )
        )
    return columns, rows


def _shares(shares: Shares) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
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
