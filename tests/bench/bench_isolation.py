"""A hundred endpoints, of which thirty are in trouble: what the other seventy feel of them.

Ten hang (their attempts are given up after five seconds), ten answer 500, ten answer after two seconds; the seventy answer after
20 ms. Each gets two events a second. A round with the thirty and a round without, in turns in the same run; measured is from
commit to acceptance, over the whole of each round: also before breakers open.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from itertools import chain
from pathlib import Path

import uvloop

from tests.bench.bench_latency import percentile
from tests.bench.opponent import opponent
from tests.bench.post import SECRETS, delivery
from watcher.app.process import tune_the_interpreter
from watcher.core.endpoint import Endpoint
from watcher.delivery import Limits

GOOD = 70
BAD = ("hang", "fail", "slow")
OF_EACH = 10
A_SECOND = 2.0
SECONDS = 30
ROUNDS = 3


def endpoints(url: str, bad: bool) -> list[Endpoint]:
    """Each with an account of its own, so that an event is owed to one alone."""
    paths = {f"good{number}": f"good{number}/after/20" for number in range(GOOD)}
    if bad:
        paths |= {f"hang{number}": f"hang{number}" for number in range(OF_EACH)}
        paths |= {f"fail{number}": f"fail{number}" for number in range(OF_EACH)}
        paths |= {f"slow{number}": f"slow{number}/after/2000" for number in range(OF_EACH)}
    return [
        Endpoint(
            id=name,
            url=f"{url}/{path}",
            kept_by="settings",
            accounts=(name,),
            timeout=timedelta(seconds=5),
            secrets=SECRETS,
        )
        for name, path in paths.items()
    ]


async def leg(path: Path, hooks: Sequence[Endpoint]) -> list[float]:
    """Seconds from commit to acceptance of all events for the good ones."""
    async with delivery(path, hooks, Limits()) as at_work:
        count = int(A_SECOND * SECONDS)
        watches = {hook.id: await at_work.watches(hook.id, count) for hook in hooks}
        at_work.begin()
        begun = time.monotonic()
        for number in range(count):
            for turn, hook in enumerate(hooks):
                due = begun + (number + turn / len(hooks)) / A_SECOND
                await asyncio.sleep(max(due - time.monotonic(), 0))
                await at_work.happen(watches[hook.id][number])
        await asyncio.sleep(0.5)
        good = [(hook.id, name) for hook, name in _owed(hooks, at_work.committed, count)]
        return [at_work.accepted[key] - at_work.committed[key[1]] for key in good]


def _owed(hooks: Sequence[Endpoint], committed: dict[str, float], count: int) -> list[tuple[Endpoint, str]]:
    """Which event each good endpoint was owed: they were committed in turns."""
    names = list(committed)
    return [
        (hook, names[number * len(hooks) + turn])
        for number in range(count)
        for turn, hook in enumerate(hooks)
        if hook.id.startswith("good")
    ]


async def _run() -> dict[str, float]:
    alone: list[list[float]] = []
    together: list[list[float]] = []
    with opponent() as other, tempfile.TemporaryDirectory() as folder:
        tune_the_interpreter()
        for number in range(ROUNDS):
            alone.append(await leg(Path(folder) / f"alone{number}.db", endpoints(other.url, bad=False)))
            together.append(await leg(Path(folder) / f"together{number}.db", endpoints(other.url, bad=True)))
    ratios = [percentile(b, 0.99) / percentile(a, 0.99) for a, b in zip(alone, together, strict=True)]
    a, b = list(chain.from_iterable(alone)), list(chain.from_iterable(together))
    return {
        "without the thirty: p50, ms": statistics.median(a) * 1000,
        "without the thirty: p99, ms": percentile(a, 0.99),
        "with the thirty: p50, ms": statistics.median(b) * 1000,
        "with the thirty: p99, ms": percentile(b, 0.99),
        "p99 with / without (median of the rounds)": statistics.median(ratios),
        "p99 with / without (all rounds together)": percentile(b, 0.99) / percentile(a, 0.99),
    }


def run() -> dict[str, float]:
    """About three and a half minutes."""
    return uvloop.run(_run())


if __name__ == "__main__":
    for figure, value in run().items():
        print(f"{figure:<60} {value:,.3f}")
