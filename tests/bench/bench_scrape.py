"""What a scrape costs: with a million watches, and with as many accounts and endpoints as there can be series for.

A daemon of its own, filled with watches beforehand, which asks a lean other side 50 times a second all the while; scraped over
HTTP, as Prometheus does. Then the metrics by themselves, in this process, of so many accounts and endpoints at which all goes
well, beside the library's own `generate_latest` of the same registry, in turns in the same run. The ratio is that of a scrape
before which every number has changed, so that no line can be written as it was.
"""

import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Final

import aiohttp
import numpy as np
from prometheus_client import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from tests.bench.bench_reads import fill
from tests.bench.daemons import daemon
from tests.bench.opponent import opponent
from tests.telemetry.reference import working
from watcher.telemetry.metrics import Metrics
from watcher.telemetry.samples import Count, Level, Spread

WATCHES: Final = 1_000_000
RATE: Final = 50.0
WARM: Final = 15.0
SCRAPES: Final = 100
ROUNDS: Final = 5
SIZES: Final = ((1, 1), (10, 20), (100, 100), (1_000, 1_000))
FORMATS: Final = {"text": "text/plain", "OpenMetrics": "application/openmetrics-text"}

Table = tuple[Sequence[str], Sequence[Sequence[str]]]


async def _scraped(url: str, accept: str) -> tuple[list[float], int]:
    """Milliseconds of each scrape, and how many lines the last one had."""
    took, body = list[float](), b""
    async with aiohttp.ClientSession(headers={"Accept": accept}) as session:
        for _ in range(SCRAPES):
            began = time.perf_counter()
            async with session.get(f"{url}/metrics") as response:
                body = await response.read()
                assert response.status == 200, body
            took.append(1000 * (time.perf_counter() - began))
            await asyncio.sleep(0.1)  # the gauges of watches change meanwhile
    return took, sum(not line.startswith(b"#") for line in body.splitlines())


def _over_http() -> Table:
    columns = ("watches", "format", "series", "p50, ms", "p99, ms", "most, ms")
    rows: list[Sequence[str]] = []
    for watches in (1_000, WATCHES):
        with opponent() as other, tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "watcher.db"
            asyncio.run(fill(path, watches))
            with daemon(other.url, path, rate=RATE) as there:
                time.sleep(WARM)
                for name, accept in FORMATS.items():
                    took, series = asyncio.run(_scraped(there.url, accept))
                    half, most = np.percentile(took, [50, 99])
                    rows.append((f"{watches:,}", name, f"{series:,}", f"{half:.2f}", f"{most:.2f}", f"{max(took):.2f}"))
    return columns, rows


def _change(metrics: Metrics) -> None:
    """Every number is another one."""
    for series in metrics.catalogue.series:
        for child in list(series._children.values()):
            if isinstance(child, Spread):
                child.observe(0.1)
            elif isinstance(child, Count | Level):
                child.inc()


def _by_themselves() -> Table:
    columns = ("accounts", "endpoints", "series", "format", "unchanged, ms", "all changed, ms", "library, ms", "ratio")
    rows: list[Sequence[str]] = []
    for accounts, endpoints in SIZES:
        metrics = working(accounts, endpoints)
        registry = metrics.catalogue.registry
        bare: dict[str, Callable[[], bytes]] = {
            "text": partial(generate_latest, registry),
            "OpenMetrics": partial(generate_openmetrics, registry),
        }
        for name, accept in FORMATS.items():
            same, changed, library = [], [], []
            for _ in range(ROUNDS):
                _change(metrics)
                changed.append(_took(lambda: metrics.render(accept)))  # noqa: B023 # it is called at once
                same.append(_took(lambda: metrics.render(accept)))  # noqa: B023
                library.append(_took(bare[name]))
            series = sum(not line.startswith(b"#") for line in metrics.render(accept)[0].splitlines())
            ours, other = statistics.median(changed), statistics.median(library)
            times = (f"{each:.2f}" for each in (statistics.median(same), ours, other))
            rows.append((f"{accounts:,}", f"{endpoints:,}", f"{series:,}", name, *times, f"{ours / other:.2f}"))
    return columns, rows


def _took(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return 1000 * (time.perf_counter() - began)


def tables() -> dict[str, Table]:
    """About two minutes, most of them for filling the database."""
    return {"Over HTTP": _over_http(), "Beside the library": _by_themselves()}


if __name__ == "__main__":
    print(json.dumps(tables(), indent=1))
