"""Tries the mutants of modules, `python -m tests.mutation [--seconds N] [MODULE …]`, and goes on where it was ended.

Each survivor is shown as a patch with its key; `python -m tests.mutation explain KEY REASON` keeps why it may live. With
`--seconds` it stops after so long, with 75 where mutants are left. All of them, with `results`, write RESULTS.md.
"""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Final

from tests.mutation import explained
from tests.mutation.covering import EVERYTHING, Covering, Scope
from tests.mutation.kept import Kept
from tests.mutation.mutants import Mutant, modules, mutants_of
from tests.mutation.results import write
from tests.mutation.trial import Ground, on_tests

LEFT: Final = 75
BUDGET: Final = 8.0
"""Seconds of tests that are tried on one mutant at first; survivors of it get all there are, with `--all-tests`."""


def main(arguments: list[str]) -> None:
    match arguments:
        case ["explain", key, why]:
            explained.explain(key, why)
        case ["results"]:
            write()
        case _:
            _try(arguments)


def _try(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="core/schedule.py or the like; all by default")
    parser.add_argument(
        "--seconds", type=float, default=float("inf"), help="ends after so long; what is left is tried next time"
    )
    parser.add_argument("--all-tests", action="store_true", help="no limit on the time of the tests of one mutant")
    parser.add_argument("--afresh", action="store_true", help="forgets what was found before")
    parser.add_argument("--test", action="append", metavar="FILE", help="tests to try them with, instead of all")
    parser.add_argument("--sample", type=int, metavar="N", help="so many of them only, drawn by --seed")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=EVERYTHING.folder, help="where it is kept what came of it")
    options = parser.parse_args(arguments)
    until = time.monotonic() + options.seconds
    budget = float("inf") if options.all_tests else BUDGET
    chosen = options.modules or modules()
    unknown = sorted(set(chosen) - set(modules()))
    if unknown:
        sys.exit(f"not tested this way: {', '.join(unknown)}. There are: {', '.join(modules())}")
    scope = Scope(tuple(options.test or EVERYTHING.tests), options.folder)
    kept = {module: Kept(module, scope, afresh=options.afresh) for module in chosen}
    drawn = _drawn(chosen, options.sample, options.seed)

    def open_of(module: str) -> list[Mutant]:
        return [each for each in kept[module].open(budget, explained.reasons(module)) if drawn(each)]

    open_ = {module: open_of(module) for module in chosen}
    if any(open_.values()):
        covering = Covering(scope)

        def work(ground: Ground) -> None:
            for module in chosen:
                _try_module(ground, open_[module], kept[module], until)

        on_tests(covering, budget, work)
    left = sum(len(open_of(module)) for module in chosen)
    for module in chosen:
        _tell(module, kept[module])
    if left:
        print(f"{left} mutants are left: call it again")
        sys.exit(LEFT)


def _drawn(chosen: list[str], sample: int | None, seed: int) -> Callable[[Mutant], bool]:
    """Which mutants are tried: all, or so many of them."""
    if sample is None:
        return lambda mutant: True
    keys = [mutant.key for module in chosen for mutant in mutants_of(module)]
    some = frozenset(Random(seed).sample(keys, min(sample, len(keys))))
    return lambda mutant: mutant.key in some


def _try_module(ground: Ground, mutants: list[Mutant], kept: Kept, until: float) -> None:
    """As many as there is time for. Tests that killed others of the same function come first."""
    killers: dict[str, Counter[str]] = {}
    began = time.monotonic()
    try:
        for mutant in mutants:
            if time.monotonic() > until:
                break
            likely = killers.setdefault(mutant.change.function, Counter())
            was = [kept.test(mutant.key)] if kept.test(mutant.key) else []
            verdict = ground.verdict(mutant, [*was, *(test for test, _ in likely.most_common(5))])
            kept.note(mutant, verdict, ground.budget)
            if verdict.test:
                likely[verdict.test] += 1
        ground.sound(mutants, sorted({test for tests in killers.values() for test in tests if test in ground.items}))
    finally:
        kept.save(time.monotonic() - began)


def _tell(module: str, kept: Kept) -> None:
    """The survivors that nothing explains, and how many of each there are."""
    reasons = explained.reasons(module)
    survivors = [mutant for mutant in mutants_of(module) if kept.lives(mutant.key)]
    for mutant in survivors:
        if mutant.key not in reasons:
            print(f"\n{mutant.key} {kept.outcome(mutant.key)}\n{mutant.diff}")
    counts = kept.counts()
    told = ", ".join(f"{counts[name]} {name}" for name in ("killed", "timed out", "survived", "uncovered"))
    alive = sum(mutant.key in reasons for mutant in survivors)
    print(
        f"{module}: {len(mutants_of(module))} mutants, {told}, {alive} of them explained, {kept.seconds:.0f} s",
        flush=True,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
