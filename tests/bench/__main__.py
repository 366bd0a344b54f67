"""Runs every benchmark of this folder and writes what it measured to RESULTS.md: `python -m tests.bench [NAME …]`.

Each `bench_NAME.py` has a docstring that says what is compared with what, and `run()`, which gives figures by name, or
`tables()`, which gives columns and rows by title.
"""

import importlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from tests.bench.limits import limits
from tests.bench.results import circumstances, number, section, sections_of, table
from tests.store.postgres_server import binaries

HERE: Final = Path(__file__).parent
RESULTS: Final = HERE / "RESULTS.md"
KNOWN: Final = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
BY_NAME: Final = {"flames", "peers"}
"""Those that run only where they are named: they install programs of others."""
ON_POSTGRES: Final = {"cold", "million", "replicas", "scaling"}
"""Those in which PostgreSQL takes part."""


def main(names: list[str]) -> None:
    """Runs the benchmarks named, all but those of BY_NAME by default; those not run keep their section of RESULTS.md."""
    unknown = set(names) - set(KNOWN)
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(sorted(unknown))}. There are: {', '.join(KNOWN)}")
    for name in names or [each for each in KNOWN if each not in BY_NAME]:
        module = importlib.import_module(f"tests.bench.bench_{name}")
        print(f"{name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
        measured = circumstances(postgres=_postgres() if name in ON_POSTGRES else "")
        text = _tables(module.tables()) if hasattr(module, "tables") else _figures(module.run())
        print(text, flush=True)
        told = section(name, module.__doc__ or "", f"python -m tests.bench {name}", text, measured)
        # At once, and read only now: another one may end this one, and somebody else may have written a section meanwhile.
        before = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
        RESULTS.write_text(renewed(before, name, told), encoding="utf-8")
        print(f"written: {RESULTS.relative_to(Path.cwd()) if RESULTS.is_relative_to(Path.cwd()) else RESULTS}")


def renewed(results: str, name: str, told: str) -> str:
    """The results with this section, and the limits held against it."""
    sections = sections_of(results) | {name: told}
    return "\n".join([HEAD, limits(sections), *(sections[each] for each in KNOWN if each in sections)])


HEAD: Final = """# What was measured

`make bench` writes this file, but for what `make flames` and `make side-by-side` write; `python -m tests.bench NAME` writes one
section of it. Each section says when it was measured, at which commit (with a `+` where the tree was not that commit's) and on
which machine; one that has no more than a date is from before that was noted. Absolute figures move with the machine, ratios
against the bare loop of the same run hold.
"""


def _postgres() -> str:
    """The version of the server."""
    said = subprocess.run([binaries() / "postgres", "--version"], capture_output=True, text=True, check=True)
    return said.stdout.split()[-1]


def _figures(figures: Mapping[str, float]) -> str:
    return table(("figure", "value"), [(figure, number(value)) for figure, value in figures.items()])


def _tables(tables: Mapping[str, tuple[Sequence[str], Sequence[Sequence[str]]]]) -> str:
    return "\n\n".join(f"### {title}\n\n{table(columns, rows)}" for title, (columns, rows) in tables.items())


if __name__ == "__main__":
    main(sys.argv[1:])
