"""The same batches through this service and through what else is used for such things: how late each tells, and what it costs.

Batches as polling.md has them (sizes, durations, 2 % stuck), made evenly over 240 s at a simulated CallFire, and given to each at
once; one in twelve ends in ERRORS. The budget is 5 requests a second. Nobody is refused for going over it here: what was too much
is counted, and would be answered 429 in life. Delays are from the end of validation to the arrival of the notification, of the
batches that ended within the 240 s; what has not come three minutes later was never told. Each has processes and a CallFire of
its own, all at the same time on one machine; answers take 40 ms. CPU is counted from the first batch on, memory is the most that
all processes had together (PSS). In the last table all of its processes were killed by SIGKILL after 60, 120 and 180 s, and
started again three seconds later; told again are notifications of a batch beyond its first.

- script: a task a batch, pauses by tenacity from 1 s on, x1.5, 60 s at most, aiolimiter for the budget. It notes what it told;
  without notes, as most are, it begins anew after a kill.
- changedetection.io: a watch a batch by its API, with trigger_text, told by apprise (json://), ten workers, and a least interval
  of 1 s, not 3 s as it comes. It never tells of what its first look finds.
- Prometheus: a probe a batch by the blackbox exporter with a regular expression, rules every second, and an Alertmanager that
  waits for nothing. It tells that a batch settled, not how: that would take three probes, of the same budget.

These two have one interval for all batches. It is the shortest with which one look at each batch that often keeps to the budget
over any minute, found from the batches beforehand, which nobody has in life; what was told is taken off their lists at once.
This service has its usual settings, one webhook, and SQLite. Scripts, settings and versions are in tests/bench/peers. One draw of
batches; about twenty-two minutes, some seven for each table, after what is to be installed.
"""

import tempfile
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final

import psutil

from tests.bench.peers.changedetection import changedetection
from tests.bench.peers.course import Load, Make, Run, run
from tests.bench.peers.having import NotToBeHad
from tests.bench.peers.ours import ours
from tests.bench.peers.prometheus import prometheus
from tests.bench.peers.script import script
from watcher.planning.workload import at_once

SEED: Final = 11
SECONDS: Final = 240.0
PATIENCE: Final = 180.0
RATE: Final = 5.0
PATIENCE_TO_BEGIN: Final = 1800.0
"""Seconds until all are installed and have started."""
KILLS: Final = (60.0, 120.0, 180.0)

PEERS: Final[Mapping[str, Make]] = {
    "this service": ours,
    "script with tenacity": partial(script, notes=True),
    "changedetection.io": changedetection,
    "Prometheus, blackbox exporter, Alertmanager": prometheus,
}
FORGETFUL: Final[Mapping[str, Make]] = {"script without notes": partial(script, notes=False)}

Row = Sequence[str]
Table = tuple[Row, Sequence[Row]]


def load(count: int, kills: Sequence[float] = ()) -> Load:
    """So many batches over the usual time."""
    batches = at_once(SEED, count=count, seconds=SECONDS)
    return Load(batches=batches, seconds=SECONDS, rate=RATE, patience=PATIENCE, kills=kills)


def tables() -> Mapping[str, Table]:
    """By title: the columns and the rows."""
    found: dict[str, Table] = {}
    conditions: list[Row] = []
    for title, peers, played, row, columns in (
        ("100 batches", PEERS, load(100), late, LATE),
        ("1,000 batches", PEERS, load(1000), late, LATE),
        ("100 batches, killed three times", {**PEERS, **FORGETFUL}, load(100, KILLS), killed, KILLED),
    ):
        runs, busy = side_by_side(peers, played)
        found[title] = columns, [row(name, each) for name, each in runs.items()]
        longest = max((each.took for each in runs.values() if isinstance(each, Run)), default=0.0)
        conditions.append((title, str(played.every), f"{longest:.0f}", f"{busy:.0f}"))
        print(title, *found[title][1], sep="\n", flush=True)
    return {**found, "conditions": (CONDITIONS, conditions)}


def side_by_side(peers: Mapping[str, Make], played: Load) -> tuple[Mapping[str, Run | str], float]:
    """What came of each, or why it could not be had; and how busy the machine was, in percent of all cores."""

    def begun() -> None:
        psutil.cpu_percent()  # the next answer is since now

    together = threading.Barrier(len(peers), action=begun, timeout=PATIENCE_TO_BEGIN)

    def one(make: Make) -> Run | str:
        with tempfile.TemporaryDirectory(prefix="watcher-peer-") as folder:
            try:
                return run(make, played, Path(folder), ready=together.wait)
            except NotToBeHad as why:
                together.wait()
                return str(why)
            except BaseException:
                together.abort()
                raise

    with ThreadPoolExecutor(len(peers)) as executor:
        futures = {name: executor.submit(one, make) for name, make in peers.items()}
        runs = {name: future.result() for name, future in futures.items()}
    return runs, psutil.cpu_percent()


CONDITIONS: Final = ("", "interval of those that have one, s", "took, s", "the machine was busy, %")
LATE: Final = (
    *("", "told", "never", "mean, s", "p50, s", "p95, s", "max, s"),
    *("requests", "most in a second", "most in a minute (300)", "CPU, s", "memory, MB"),
)
KILLED: Final = (
    "",
    "told",
    "never",
    "told again",
    "before its end",
    "mean, s",
    "max, s",
    "requests",
    "most in a second",
)


def late(name: str, found: Run | str) -> Row:
    """A row of the tables without kills."""
    if isinstance(found, str):
        return skipped(name, found, LATE)
    got = found.measured
    delays = (got.mean, got.quantile(0.5), got.quantile(0.95), got.quantile(1.0))
    return (
        *(name, str(len(got.delays)), str(got.lost), *(f"{each:.2f}" for each in delays)),
        *(f"{got.requests:,}", str(got.second), str(got.minute), f"{found.cpu:.1f}", f"{found.memory / 2**20:.0f}"),
    )


def killed(name: str, found: Run | str) -> Row:
    """A row of the table with kills."""
    if isinstance(found, str):
        return skipped(name, found, KILLED)
    got = found.measured
    return (
        *(name, str(len(got.delays)), str(got.lost), str(got.twice), str(got.early)),
        *(f"{got.mean:.2f}", f"{got.quantile(1.0):.2f}", f"{got.requests:,}", str(got.second)),
    )


def skipped(name: str, why: str, columns: Row) -> Row:
    """The row of one that could not be had."""
    return (name, f"skipped: {why}", *("" for _ in columns[2:]))
