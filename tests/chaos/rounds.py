"""Kills anywhere: the daemon on either store, killed at every point by name and at random moments, in rounds.

A round has a database of its own, and is held against what truly happened. What it found is kept: a campaign that was ended
goes on from there.
"""

import hashlib
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Final

from tests.chaos.breaking import ROOT
from tests.chaos.crashing import POINTS, SUBMIT_POINTS
from tests.chaos.evidence import broken, by_account, fullest
from tests.chaos.kept import STORES, Place, place_on
from tests.chaos.killing import ACCOUNT, Killing, killing
from tests.chaos.nursery import Nursery, nursery
from tests.chaos.outcome import Figure, Outcome
from tests.store.postgres_server import Server

ALL_POINTS: Final = (*POINTS, *SUBMIT_POINTS)
MOMENT: Final = "random moment"
DONE: Final = ROOT / "build" / "kills"
"""Where the rounds that are done are kept, by what the code was."""
ROUNDS: Final = 5
RUNS: Final = 40
"""In a round; at points each of them comes as often as the others."""
ROOMY: Final = 40.0
"""Requests a second that are never all spent, so that points are reached quickly."""
TIGHT: Final = 8.0
"""Requests a second that are all spent where CallFire does not fail: one too many after a restart is seen."""
STILL: Final = 60.0
"""Seconds without anything new after which what is owed is taken to be lost."""
LATEST: Final = 3
"""At the how manieth call of a point it ends at the latest."""
WORDS: Final = {
    "batches": "batches followed",
    "submitted": "of them submitted",
    "events": "events",
    "webhooks": "webhooks that came",
    "repeated": "of them again, under the same id",
    "requests": "requests to CallFire",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a round went through, and what was wrong in the end. `fullest` are the requests of the second with the most."""

    kills: dict[str, int]
    batches: int
    submitted: int
    events: int
    webhooks: int
    repeated: int
    requests: int
    seconds: float
    wrong: list[str]
    fullest: int = 0
    tight: bool = False


@contextmanager
def loaded() -> Iterator[Nursery]:
    """A nursery of the code as it is."""
    ours = nursery(ROOT)
    try:
        yield ours
    finally:
        ours.end()


def round_of(
    folder: Path, nursery: Nursery, place: Place, *, points: Sequence[str], runs: int, seed: int, tight: bool = False
) -> Round:
    """So many runs, each of which ends at one of the points in turn; a point may be a random moment. `tight`: the budget is, and
    CallFire does not fail, which would have it asked less; else it fails at times."""
    began = time.monotonic()
    fails = {"fail_share": 0.01}
    rate, mixed = (TIGHT, 0.0) if tight else (ROOMY, 0.05)
    with killing(folder, nursery, place, rate=rate, seed=seed, fails=fails, mixed=mixed) as ours:
        if not tight:
            ours.fault(operation="submit", kind="lost", code=0, share=0.1)
        ours.anchor(3)
        for point in islice(cycle(points), runs):
            if point == MOMENT:
                ours.die_by_chance(MOMENT)
            else:
                ours.die_at(point, _nth(point, ours.draw))
        ours.start()
        ours.settle(STILL)
        return replace(_told(ours, time.monotonic() - began), tight=tight)


def _nth(point: str, draw: random.Random) -> int:
    """What is followed or intended again is not asked for again within a run."""
    return 1 if point.endswith(("follow", "intend")) else draw.randint(1, LATEST)


def _told(ours: Killing, seconds: float) -> Round:
    evidence = ours.gather()
    return Round(
        kills=dict(ours.kills),
        batches=len(evidence.followed),
        submitted=len(evidence.submitted),
        events=len(evidence.events),
        webhooks=len(evidence.received),
        repeated=len(evidence.received) - len({each["id"] for each in evidence.received}),
        requests=len(evidence.requests),
        seconds=seconds,
        wrong=[f"rule {wrong.rule}: {wrong.words}" if wrong.rule else wrong.words for wrong in broken(evidence)],
        fullest=fullest(by_account(evidence.requests)[ACCOUNT], 1.0)[0],
    )


def kill_anywhere(server: Server, folder: Path, *, rounds: int = ROUNDS, runs: int = RUNS) -> Outcome:
    """All rounds, but for those that are done already."""
    done: dict[str, list[Round]] = {store: [] for store in STORES}
    kept = DONE / _code()
    kept.mkdir(parents=True, exist_ok=True)
    with loaded() as nursery:
        for number in range(rounds):
            for store, all_of_it in done.items():
                for manner, points in (("points", ALL_POINTS), ("moments", (MOMENT,))):
                    name = f"{store}-{manner}-{number}-{runs}"
                    file = kept / f"{name}.json"
                    if not file.exists():
                        own = folder / name
                        own.mkdir()
                        told = round_of(
                            own,
                            nursery,
                            place_on(store, server, own),
                            points=points,
                            runs=runs,
                            seed=number,
                            tight=manner == "moments" and number % 2 == 0,
                        )
                        print(f"{name}: {told.events} events, {told.seconds:.0f} s {told.wrong or ''}", flush=True)
                        file.write_text(json.dumps(asdict(told)), encoding="utf-8")
                    all_of_it.append(Round(**json.loads(file.read_text(encoding="utf-8"))))
    return _outcome(done)


def _code() -> str:
    """The code that is tried: rounds of another one do not count."""
    digest = hashlib.sha256()
    for part in ("watcher", "tests/chaos"):
        for file in sorted((ROOT / part).rglob("*")):
            if file.suffix in (".py", ".sql"):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


def _outcome(done: dict[str, list[Round]]) -> Outcome:
    """A row for each figure, with both stores in it."""
    figures: list[Figure] = [("stores", " + ".join(done))]
    for what in ("batches", "submitted", "events", "webhooks", "repeated", "requests"):
        sums = (sum(getattr(each, what) for each in rounds) for rounds in done.values())
        figures.append((WORDS[what], " + ".join(map(str, sums))))
    kills = [sum((Counter(each.kills) for each in rounds), Counter[str]()) for rounds in done.values()]
    figures.append(("runs", " + ".join(str(each.total()) for each in kills)))
    figures += [
        (f"killed {point.replace(':', ' ')}", " + ".join(str(each[point]) for each in kills))
        for point in (*ALL_POINTS, MOMENT)
    ]
    most = (max(each.fullest for each in rounds if each.tight) for rounds in done.values())
    words = f"rounds with a tight budget: most requests within a second, where {TIGHT + 1:.0f} may be"
    figures.append((words, " + ".join(map(str, most))))
    for store, rounds in done.items():
        each = sorted(told.seconds / max(sum(told.kills.values()), 1) for told in rounds)
        figures.append((f"{store}: seconds a run, by round", f"{each[0]:.2f} to {each[-1]:.2f}"))
    wrong = [f"{store}: {each}" for store, rounds in done.items() for told in rounds for each in told.wrong]
    return Outcome(figures=figures, wrong=wrong)
