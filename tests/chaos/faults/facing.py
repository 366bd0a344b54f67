"""The campaign: walks in which every two faults come together, and all four kinds at once as often as there is time for, and what
came of them."""

import random
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from tests.chaos.faults.matrix import all_pairs, everything, pairwise, shrunk, steady, unmet, walks
from tests.chaos.faults.phases import Faults, Walked
from tests.chaos.faults.walking import walk
from tests.chaos.outcome import Outcome
from tests.store.postgres_server import Server

LENGTH: Final = 8
"""Sets of faults in a walk."""
LASTING: Final = 15
"""Seconds of each, by the service's clock."""
ENOUGH: Final = 5
"""Walks that went wrong after which nothing more is learnt by others."""


def face(server: Server, *, seconds: float, seed: int) -> Outcome:
    """Each fault of CallFire and of receivers by itself and every two faults together, on PostgreSQL and on SQLite, however long
    that takes; then all four at once on SQLite, in an order of the seed's, until the time is over."""
    draw, began = random.Random(seed), time.monotonic()
    print(f"seed {seed}", flush=True)
    pairs, rest = pairwise(draw), everything()
    draw.shuffle(rest)
    always = [*walks(steady(), LENGTH), *walks(pairs, LENGTH)]
    shared = _face(always, (), draw, began + seconds, server)
    alone = _face(always, walks(rest, LENGTH), draw, began + seconds, None)
    figures = [
        (f"{database}: {name}", value)
        for database, faced in (("PostgreSQL", shared), ("SQLite", alone))
        for name, value in faced.figures
    ]
    verdict = "Nothing was lost, doubled, invented or late for whom nothing befell."
    return Outcome(figures=figures, wrong=[*shared.wrong, *alone.wrong], verdict=verdict)


def _face(
    always: Sequence[Sequence[Faults]],
    more: Sequence[Sequence[Faults]],
    draw: random.Random,
    until: float,
    server: Server | None,
) -> Outcome:
    """Walks all of the first ways, and of the others as many as there is time for."""
    began = time.monotonic()
    sum_of, wrong = Walked(), list[str]()
    gone: Counter[Faults] = Counter()
    slowest = 0
    count = 0
    for phases in (*always, *more):
        if (count >= len(always) and time.monotonic() > until) or len(wrong) >= ENOUGH:
            break
        count += 1
        seed = draw.randrange(10**9)
        walked = walk(phases, seed=seed, lasting=LASTING, server=server)
        gone.update(phases)
        slowest = max(slowest, walked.rounds)
        for name in ("steps", "events", "requests", "attempts", "seconds"):
            setattr(sum_of, name, getattr(sum_of, name) + getattr(walked, name))
        sum_of.failed.update(walked.failed)
        if walked.wrong:
            wrong.append(report(phases, seed, walked, server))
            print(wrong[-1], flush=True)
    took = time.monotonic() - began
    missing, pairs = len(unmet(gone)), len(all_pairs())
    if missing:
        wrong.append(f"{missing} of {pairs} pairs of faults never came together")
    figures = [
        ("walks, sets of faults in them", f"{count}, {sum(gone.values())}"),
        ("every two faults together", f"{pairs - missing} of {pairs}"),
        ("all four kinds at once", f"{len(gone)} of {len(everything())}"),
        ("steps, after each of which everything was checked", f"{sum_of.steps}"),
        ("steps a second", f"{sum_of.steps / took:.0f}"),
        ("time that passed for the service, h", f"{sum_of.seconds / 3600:.1f}"),
        ("events", f"{sum_of.events}"),
        ("requests to CallFire", f"{sum_of.requests}"),
        ("attempts at webhooks", f"{sum_of.attempts}"),
        ("answers of the store that failed or came late", f"{sum_of.failed.total()}"),
        ("half minutes until nothing was owed any more: most", f"{slowest}"),
        ("took, s", f"{took:.0f}"),
    ]
    return Outcome(figures=figures, wrong=wrong)


def report(phases: Sequence[Faults], seed: int, walked: Walked, server: Server | None) -> str:
    """What went wrong, and the least with which it does again."""

    def fails(fewer: Sequence[Faults]) -> bool:
        return bool(walk(fewer, seed=seed, lasting=LASTING, server=server).wrong)

    least = shrunk(phases, fails)
    again = walk(least, seed=seed, lasting=LASTING, server=server).wrong or walked.wrong
    return f"{again[0]} (seed {seed}, {LASTING} s each of {[tuple(each) for each in least]})"
