"""Kills anywhere: the daemon on either store, killed at every point by name and at random moments, in rounds.

A round has a database of its own, and is held against what truly happened. Two of five are under a heavy load. What was found is
kept: a campaign that was ended goes on from there.
"""

import hashlib
import json
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from itertools import cycle, islice
from pathlib import Path
from typing import Final

from tests.chaos.crashing import ALL_POINTS, DIED
from tests.chaos.environment import ACCOUNT
from tests.chaos.evidence import Evidence, broken, by_account, fullest
from tests.chaos.followers import attending
from tests.chaos.kept import STORES, Place, place_on
from tests.chaos.killing import MOMENT, killing
from tests.chaos.loads import HEAVY, LATEST, LIGHT, TIGHT, Load
from tests.chaos.nursery import ROOT, Nursery, nursery
from tests.chaos.outcome import Outcome
from tests.chaos.telling import Round, figures_of
from tests.store.postgres_server import Server

DONE: Final = ROOT / "build" / "kills"
"""Where the rounds that are done are kept, by what the code was."""
ROUNDS: Final = 5
RUNS: Final = 40
"""In a round; at points each of them comes as often as the others."""
STILL: Final = 60.0
"""Seconds without anything new after which what is owed is taken to be lost."""


@contextmanager
def loaded() -> Iterator[Nursery]:
    """A nursery of the code as it is."""
    ours = nursery(ROOT)
    try:
        yield ours
    finally:
        ours.end()


def evidence_of(
    folder: Path,
    nursery: Nursery,
    place: Place,
    *,
    points: Sequence[str],
    runs: int,
    seed: int,
    tight: bool = False,
    load: Load = LIGHT,
    still: float = STILL,
) -> tuple[Evidence, dict[str, int]]:
    """What a round leaves, and how often it was killed how. First some batches come in calm, so that it is seen whether anybody
    waits for the endpoint that does not answer. Then so many runs, each of which ends at one of the points in turn; a point may
    be a random moment. `tight`: the budget is, and CallFire does not fail, which would have it asked less; else it fails at
    times."""
    fails = {"fail_share": load.fail_share}
    rate, mixed = (TIGHT, 0.0) if tight else (load.rate, load.mixed)
    with killing(folder, nursery, place, rate=rate, seed=seed, fails=fails, mixed=mixed, load=load) as ours:
        if not tight:
            ours.fault(operation="submit", kind="lost", code=0, share=0.1)
        ours.start()
        ours.anchor(3)
        ours.calm(batches=7, seconds=1.5)
        ours.kill()
        followers = ours.followers()
        with attending(*followers):
            for point in islice(cycle(points), runs):
                if point == MOMENT:
                    ours.die_by_chance(MOMENT)
                else:
                    ours.die_at(point, _nth(point, ours.draw, load))
            ours.start()
            ours.settle(still)
            ours.hear_out(followers, still)
        return replace(ours.gather(), streams=[each.got for each in followers]), dict(ours.kills)


def _nth(point: str, draw: random.Random, load: Load) -> int:
    """At which call of the point a run ends: any of those that there may be."""
    return draw.randint(1, load.deepest.get(point.partition(":")[2], LATEST))


def round_of(
    folder: Path,
    nursery: Nursery,
    place: Place,
    *,
    points: Sequence[str],
    runs: int,
    seed: int,
    tight: bool = False,
    load: Load = LIGHT,
) -> Round:
    """What a round went through."""
    began = time.monotonic()
    evidence, kills = evidence_of(folder, nursery, place, points=points, runs=runs, seed=seed, tight=tight, load=load)
    journals = (evidence.received, *evidence.others)
    return Round(
        kills=kills,
        batches=len(evidence.followed),
        submitted=len(evidence.submitted),
        events=len(evidence.events),
        webhooks=sum(map(len, journals)),
        repeated=sum(len(each) - len({came["id"] for came in each}) for each in journals),
        requests=len(evidence.requests),
        seconds=time.monotonic() - began,
        wrong=[f"rule {wrong.rule}: {wrong.words}" if wrong.rule else wrong.words for wrong in broken(evidence)],
        fullest=fullest(by_account(evidence.requests)[ACCOUNT], 1.0)[0],
        tight=tight,
        heavy=load is HEAVY,
        died=[json.loads(line) for line in evidence.said["log"].splitlines() if DIED in line],
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
                            load=HEAVY if number % 2 else LIGHT,
                        )
                        print(f"{name}: {told.events} events, {told.seconds:.0f} s {told.wrong or ''}", flush=True)
                        file.write_text(json.dumps(asdict(told)), encoding="utf-8")
                    all_of_it.append(Round(**json.loads(file.read_text(encoding="utf-8"))))
    wrong = [f"{store}: {each}" for store, rounds_of in done.items() for told in rounds_of for each in told.wrong]
    return Outcome(figures=figures_of(done), wrong=wrong)


def _code() -> str:
    """The code that is tried: rounds of another one do not count."""
    digest = hashlib.sha256()
    for part in ("watcher", "tests/chaos"):
        for file in sorted((ROOT / part).rglob("*")):
            if file.suffix in (".py", ".sql"):
                digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
