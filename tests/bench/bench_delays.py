"""How late a batch's end is noticed with the daemon's own schedule, beside exponential backoff with the same budget.

In virtual time, so that every run gives the same figures: the workload of polling.md, 20 minutes, three draws of it, answers
at once, each strategy with the same arrivals. Mean and 95th percentile, in seconds from the end of validation to the look.
"""

from collections.abc import Mapping

import numpy as np

from tests.bench.virtual import Backoff, Outcome, Strategy, Worth, play, workload
from watcher.core.schedule import Pace

SECONDS = 20 * 60.0
SEEDS = (1, 2, 3)
LOADS = ((10, 5.0), (100, 5.0), (100, 2.0), (300, 5.0))
"""Batches in flight, requests a second."""


def side_by_side(in_flight: int, rate: float, seconds: float = SECONDS) -> Mapping[str, Outcome]:
    """What each strategy got, over all draws together."""
    got: dict[str, list[Outcome]] = {}
    for seed in SEEDS:
        batches = workload(seed, in_flight=in_flight, seconds=seconds)
        strategies: dict[str, Strategy] = {
            "worth": Worth(Pace()),
            "backoff x1.5": Backoff(1.5),
            "backoff x2": Backoff(2),
        }
        for name, strategy in strategies.items():
            got.setdefault(name, []).append(play(strategy, batches, rate=rate, seconds=seconds))
    return {
        name: Outcome(
            delays=np.concatenate([each.delays for each in outcomes]),
            requests=sum(each.requests for each in outcomes),
        )
        for name, outcomes in got.items()
    }


def run() -> dict[str, float]:
    """About 10 seconds."""
    figures: dict[str, float] = {}
    for in_flight, rate in LOADS:
        load = f"{in_flight} in flight, {rate:g}/s"
        outcomes = side_by_side(in_flight, rate)
        for name, outcome in outcomes.items():
            figures[f"{load}: {name}, mean s"] = outcome.mean
            figures[f"{load}: {name}, p95 s"] = outcome.p95
            figures[f"{load}: {name}, requests"] = outcome.requests
        figures[f"{load}: mean / backoff x1.5's"] = outcomes["worth"].mean / outcomes["backoff x1.5"].mean
    return figures


if __name__ == "__main__":
    print(run())
