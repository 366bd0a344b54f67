"""Writes RESULTS.md from what is kept of the last runs."""

import sys
from collections import Counter
from pathlib import Path
from typing import Final

from tests.bench.results import circumstances, section, table
from tests.mutation.explained import reasons
from tests.mutation.kept import Kept
from tests.mutation.mutants import modules, mutants_of

RESULTS: Final = Path(__file__).with_name("RESULTS.md")
HEAD: Final = """# What the tests notice

`make mutation` writes this file. Each mutant is one small change of the code; it is killed when a test fails, or when the tests
take several times as long as ever. One that lives is explained, by itself, in `explained`.
"""
ABOUT: Final = """What every decision of the service is made with, and the guard in front of webhooks. Changed are comparisons and
boundaries, arithmetic, conditions, constants, returned values, default values, statements that are left out, arguments that are
swapped or left out, and functions that have an opposite. Left as they are: docstrings, annotations, decorators, assertions, and
the words of errors that are raised.

Tried with the tests of decisions and of what is right above them, those that run the line that was changed, until one fails.
Seconds are those of one process, beside whatever else the machine had to do."""
COLUMNS: Final = (
    "module",
    "mutants",
    "killed",
    "timed out",
    "explained",
    "unexplained",
    "not tried",
    "killed, % of those tried",
    "seconds",
)


def write() -> None:
    """Ends with 1 where a mutant was not tried, where one lives unexplained, or where fewer than nine in ten were killed."""
    rows, wrong = [], []
    total: Counter[str] = Counter()
    seconds = 0.0
    for module in modules():
        mutants = mutants_of(module)
        if not mutants:
            continue
        kept, told = Kept(module), reasons(module)
        living = [mutant for mutant in mutants if kept.lives(mutant.key)]
        counts = kept.counts()
        untried = [mutant.key for mutant in mutants if kept.outcome(mutant.key) == "not tried"]
        wrong += [f"not tried: {key}" for key in untried]
        unexplained = [mutant.key for mutant in living if mutant.key not in told]
        wrong += [f"lives: {key}" for key in unexplained]
        figures = Counter(
            mutants=len(mutants),
            killed=counts["killed"],
            late=counts["timed out"],
            explained=len(living) - len(unexplained),
            unexplained=len(unexplained),
            untried=len(untried),
        )
        total += figures
        seconds += kept.seconds
        rows.append(_row(module, figures, kept.seconds))
    rows.append(_row("all", total, seconds))
    text = section("mutants", ABOUT, "make mutation", table(COLUMNS, rows), circumstances())
    RESULTS.write_text(f"{HEAD}\n{text}", encoding="utf-8")
    if (total["killed"] + total["late"]) * 10 < total["mutants"] * 9:  # those not tried count as alive
        wrong.append("fewer than nine in ten were killed")
    if wrong:
        sys.exit("\n".join(wrong))


def _row(name: str, figures: Counter[str], seconds: float) -> list[str]:
    counted = [figures[each] for each in ("mutants", "killed", "late", "explained", "unexplained", "untried")]
    tried = figures["mutants"] - figures["untried"]
    share = f"{100 * (figures['killed'] + figures['late']) / tried:.1f}" if tried else "-"
    return [name, *map(str, counted), share, f"{seconds:.0f}"]
