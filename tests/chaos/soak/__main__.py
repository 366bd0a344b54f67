"""A soak to try things out: `python -m tests.chaos.soak [MINUTES [WATCHES]]`, a fifth of it warm-up. It writes nothing."""

import sys
import tempfile
from pathlib import Path

from tests.bench.results import table
from tests.chaos.soak.soak import Plan, soaked

if __name__ == "__main__":
    minutes, watches = (*map(float, sys.argv[1:]), *(20.0, 50_000.0)[len(sys.argv) - 1 :])
    plan = Plan(watches=int(watches), warm_up=minutes * 12, seconds=minutes * 48)
    with tempfile.TemporaryDirectory(prefix="watcher-soak-") as folder:
        outcome = soaked(plan, Path(folder))
    print(table(("figure", "value"), outcome.figures), *(f"WRONG: {each}" for each in outcome.wrong), sep="\n")
    sys.exit(bool(outcome.wrong))
