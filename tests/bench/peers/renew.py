"""Puts the tables that RESULTS.md has into deploy/side-by-side.md: `python -m tests.bench.peers.renew`, after a run."""

import re
from pathlib import Path
from typing import Final

from tests.bench.results import sections_of
from tests.cli.conftest import ROOT

DOCUMENT: Final = ROOT / "deploy" / "side-by-side.md"
RESULTS: Final = Path(__file__).parents[1] / "RESULTS.md"
BELOW: Final = "## Figures\n"


def renewed(document: str, results: str) -> str:
    """The document, with what was measured below its last heading."""
    head, _, _ = document.partition(BELOW)
    found = sections_of(results)["peers"]
    (measured,) = re.findall(r"^`python -m tests\.bench peers`, ([^,\n]*)", found, re.MULTILINE)
    _, _, tables = found.partition("\n### ")
    where = f"Measured {measured}, on the machine that `tests/bench/RESULTS.md` describes."
    return f"{head}{BELOW}\n{where}\n\n### {tables.strip()}\n"


if __name__ == "__main__":
    DOCUMENT.write_text(
        renewed(DOCUMENT.read_text(encoding="utf-8"), RESULTS.read_text(encoding="utf-8")), encoding="utf-8"
    )
