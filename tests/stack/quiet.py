"""The whole stack with 1,000 batches and more that are validated at any moment, and nothing wrong: only Watchdog may fire.

Batches come at random and are validated for 10 minutes as a median, one in 16 ends in ERRORS; three endpoints take every webhook.
What fired, and what only began to, is read from Prometheus's own series ALERTS over the whole time.
"""

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

import psutil

from tests.chaos.campaign import http
from tests.stack.alarms import Alarm
from tests.stack.stack import Stack, standing
from tests.stack.traffic import SPREAD, Traffic, flowing

WATCHES: Final = 1100
"""A tenth more than 1,000: how many there are at once varies by chance."""
MEDIAN: Final = 600.0
"""Seconds that half of the batches are validated for at most."""
EVERY: Final = MEDIAN * math.exp(SPREAD**2 / 2) / WATCHES
"""Seconds between two batches that come: as many as end."""
STEP: Final = 15
"""Seconds between two samples of a series, as Prometheus evaluates its rules."""
SETTLING: Final = 60.0
"""Seconds until all are followed and looked at; then the first figures are taken."""


class Taken(NamedTuple):
    """What a replica takes of the machine: memory in MiB, and processor seconds since it was started."""

    memory: float
    seconds: float


class Quiet(NamedTuple):
    """What there is to tell, and what fired."""

    figures: Sequence[Sequence[str]]
    fired: Sequence[str]


def quiet(folder: Path, seconds: float) -> Quiet:
    """So long of it."""
    alarms: list[Alarm] = []
    with standing(folder, hear=alarms.append) as stack:
        traffic = Traffic(stack=stack, median=MEDIAN, every=EVERY)
        began = time.time()
        with flowing(traffic):
            traffic.fill(WATCHES)
            time.sleep(min(SETTLING, seconds / 4))
            at_first = [taken(each.pid) for each in stack.replicas]
            measured = time.time()
            while time.time() < began + seconds:
                time.sleep(min(30.0, max(began + seconds - time.time(), 0.1)))
                say(stack, began)
        ended = time.time()
        at_last = [taken(each.pid) for each in stack.replicas]
        states = alerts(stack, began, ended)
        figures = [
            ("lasted, min", f"{(ended - began) / 60:.1f}"),
            ("batches that were followed", f"{WATCHES + traffic.come.total():,}"),
            *((f"followed and not ended at once: {name}", value) for name, value in bounds(stack, began, ended)),
            *((name, f"{value:,.0f}") for name, value in totals(stack)),
            *consumption(at_first, at_last, ended - measured),
            ("event loop's lag, p99 of 5 min: worst, s", f"{worst_lag(stack, began, ended):.3f}"),
            *((f"samples of ALERTS: {name}", f"{count:,}") for name, count in sorted(states.items())),
            ("notifications to the dead man's switch", f"{sum(each.name == 'Watchdog' for each in alarms):,}"),
            ("other notifications", f"{sum(each.name != 'Watchdog' for each in alarms):,}"),
        ]
    fired = [name for name in states if name != "Watchdog firing" and name.endswith("firing")]
    fired += [each.line() for each in alarms if each.name != "Watchdog"]
    return Quiet(figures, fired)


def say(stack: Stack, began: float) -> None:
    """A line of how it goes."""
    firing = [labels["alertname"] for labels, _ in stack.figures('ALERTS{alertstate="firing"}')]
    there = sum(value for _, value in stack.figures('watcher_watches{status=~"unseen|new|validating"}'))
    print(f"{(time.time() - began) / 60:5.1f} min: {there:.0f} followed, firing: {', '.join(firing)}", flush=True)


def series(stack: Stack, expr: str, began: float, ended: float) -> Sequence[tuple[Mapping[str, str], Sequence[float]]]:
    """The values of each series over that time."""
    asked = urlencode({"query": expr, "start": began, "end": ended, "step": STEP})
    found: Any = http(f"{stack.prometheus.url}/api/v1/query_range?{asked}")["data"]["result"]
    return [(each["metric"], [float(value) for _, value in each["values"]]) for each in found]


def alerts(stack: Stack, began: float, ended: float) -> Mapping[str, int]:
    """How many samples there are of each alert, firing or pending."""
    counted: dict[str, int] = {}
    for labels, values in series(stack, "ALERTS", began, ended):
        name = f"{labels['alertname']} {labels['alertstate']}"
        counted[name] = counted.get(name, 0) + len(values)
    return counted


def bounds(stack: Stack, began: float, ended: float) -> Sequence[tuple[str, str]]:
    """The least and the most batches that were not validated yet, from when all had come."""
    ((_, values),) = series(
        stack, 'sum(watcher_watches{status=~"unseen|new|validating"})', began + SETTLING, max(ended, began + SETTLING)
    )
    return [("least", f"{min(values):,.0f}"), ("most", f"{max(values):,.0f}")]


def totals(stack: Stack) -> Sequence[tuple[str, float]]:
    """What the replicas counted since their start."""
    names = {
        "requests to CallFire": "sum(watcher_upstream_requests_total)",
        "looks at batches": "sum(watcher_looks_total)",
        "changes of batches": "sum(watcher_transitions_total)",
        "webhooks accepted": 'sum(watcher_deliveries_total{outcome="done"})',
        "webhooks not accepted at first": 'sum(watcher_deliveries_total{outcome!="done"}) or vector(0)',
    }
    return [(name, stack.figures(expr)[0][1]) for name, expr in names.items()]


def worst_lag(stack: Stack, began: float, ended: float) -> float:
    """Of either replica, at any time."""
    found = series(stack, "instance:watcher_event_loop_lag_seconds:p99_5m", began, ended)
    return max((value for _, values in found for value in values if not math.isnan(value)), default=math.nan)


def taken(pid: int) -> Taken:
    """As the operating system counts it."""
    process = psutil.Process(pid)
    spent = process.cpu_times()
    return Taken(process.memory_info().rss / 2**20, spent.user + spent.system)


def consumption(at_first: Sequence[Taken], at_last: Sequence[Taken], seconds: float) -> list[tuple[str, str]]:
    """Of each replica, at the beginning and at the end."""
    figures = []
    for number, (first, last) in enumerate(zip(at_first, at_last, strict=True), 1):
        figures += [
            (f"replica {number}: memory at begin, MiB", f"{first.memory:.0f}"),
            (f"replica {number}: memory at end, MiB", f"{last.memory:.0f}"),
            (f"replica {number}: share of a core", f"{(last.seconds - first.seconds) / seconds:.1%}"),
        ]
    return figures
