"""Runs every benchmark of this folder and writes what it measured to RESULTS.md: `python -m tests.bench [NAME …]`.

Each `bench_NAME.py` has a docstring that says what is compared with what, and `run()`, which gives figures by name, or
`tables()`, which gives columns and rows by title.
"""

import importlib
import os
import platform
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

HERE = Path(__file__).parent


def main(names: list[str]) -> None:
    """Runs the benchmarks named, all by default; those not run keep their section of RESULTS.md."""
    known = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))
    unknown = set(names) - set(known)
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(sorted(unknown))}. There are: {', '.join(known)}")
    results = HERE / "RESULTS.md"
    measured: dict[str, str] = {}
    for name in names or known:
        module = importlib.import_module(f"tests.bench.bench_{name}")
        print(f"{name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
        text = _tables(module.tables()) if hasattr(module, "tables") else _figures(module.run())
        print(text, flush=True)
        measured[name] = _section(name, module.__doc__ or "", text)
    # Only now: somebody else may have written a section meanwhile.
    sections = _sections(results.read_text(encoding="utf-8") if results.exists() else "") | measured
    parts = [HEAD.format(machine=_machine())] + [sections[name] for name in known if name in sections]
    results.write_text("\n".join(parts), encoding="utf-8")
    print(f"written: {results.relative_to(Path.cwd()) if results.is_relative_to(Path.cwd()) else results}")


HEAD = """# What was measured

`make bench` writes this file; `python -m tests.bench NAME` one section of it. Absolute figures move with the machine,
ratios against the bare loop of the same run hold.

{machine}
"""


def _machine() -> str:
    cpu = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return (
        f"Machine: {os.cpu_count()} cores ({cpu}), {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, aiohttp {aiohttp.__version__}, SQLite {sqlite3.sqlite_version}."
    )


def _section(name: str, doc: str, tables: str) -> str:
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    return f"## {name}\n\n{doc.strip()}\n\n`python -m tests.bench {name}`, {when}\n\n{tables}\n"


def _figures(figures: Mapping[str, float]) -> str:
    return _rows(("figure", "value"), [(figure, _number(value)) for figure, value in figures.items()])


def _tables(tables: Mapping[str, tuple[Sequence[str], Sequence[Sequence[str]]]]) -> str:
    return "\n\n".join(f"### {title}\n\n{_rows(columns, rows)}" for title, (columns, rows) in tables.items())


def _rows(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _sections(text: str) -> dict[str, str]:
    parts = text.split("\n## ")[1:]
    return {part.split("\n", 1)[0].strip(): "## " + part for part in parts}


def _number(value: float) -> str:
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


if __name__ == "__main__":
    main(sys.argv[1:])
