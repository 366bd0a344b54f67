"""Runs every benchmark of this folder and writes what it measured to RESULTS.md: `python -m tests.bench [NAME …]`.

Each `bench_NAME.py` has a docstring that says what is compared with what, and `run()`, which gives figures by name, or
`tables()`, which gives columns and rows by title.
"""

import importlib
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.results import machine, section, sections_of, table

HERE = Path(__file__).parent
BY_NAME = {"flames", "peers"}
"""Those that run only where they are named: they install programs of others."""


def main(names: list[str]) -> None:
    """Runs the benchmarks named, all but those of BY_NAME by default; those not run keep their section of RESULTS.md."""
    known = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    unknown = set(names) - set(known)
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(sorted(unknown))}. There are: {', '.join(known)}")
    results = HERE / "RESULTS.md"
    measured: dict[str, str] = {}
    for name in names or [each for each in known if each not in BY_NAME]:
        module = importlib.import_module(f"tests.bench.bench_{name}")
        print(f"{name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
        text = _tables(module.tables()) if hasattr(module, "tables") else _figures(module.run())
        print(text, flush=True)
        measured[name] = section(name, module.__doc__ or "", f"python -m tests.bench {name}", text)
    # Only now: somebody else may have written a section meanwhile.
    sections = sections_of(results.read_text(encoding="utf-8") if results.exists() else "") | measured
    parts = [HEAD.format(machine=machine())] + [sections[name] for name in known if name in sections]
    results.write_text("\n".join(parts), encoding="utf-8")
    print(f"written: {results.relative_to(Path.cwd()) if results.is_relative_to(Path.cwd()) else results}")


HEAD = """# What was measured

`make bench` writes this file; `python -m tests.bench NAME` one section of it. Absolute figures move with the machine,
ratios against the bare loop of the same run hold.

{machine}
"""


def _figures(figures: Mapping[str, float]) -> str:
    return table(("figure", "value"), [(figure, _number(value)) for figure, value in figures.items()])


def _tables(tables: Mapping[str, tuple[Sequence[str], Sequence[Sequence[str]]]]) -> str:
    return "\n\n".join(f"### {title}\n\n{table(columns, rows)}" for title, (columns, rows) in tables.items())


def _number(value: float) -> str:
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


if __name__ == "__main__":
    main(sys.argv[1:])
