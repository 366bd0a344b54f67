"""Runs every benchmark of this folder and writes what it measured to RESULTS.md: `python -m tests.bench [NAME …]`.

Each `bench_NAME.py` has a docstring that says what is compared with what, and `run()`, which gives figures by name.
"""

import importlib
import os
import platform
import sqlite3
import sys
from collections.abc import Mapping
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
    sections = _sections(results.read_text(encoding="utf-8") if results.exists() else "")
    for name in names or known:
        module = importlib.import_module(f"tests.bench.bench_{name}")
        print(f"{name}: {(module.__doc__ or '').splitlines()[0]}", flush=True)
        figures: Mapping[str, float] = module.run()
        for figure, value in figures.items():
            print(f"  {figure:<70} {_number(value)}", flush=True)
        sections[name] = _section(name, module.__doc__ or "", figures)
    text = [HEAD.format(machine=_machine())] + [sections[name] for name in known if name in sections]
    results.write_text("\n".join(text), encoding="utf-8")
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


def _section(name: str, doc: str, figures: Mapping[str, float]) -> str:
    rows = "\n".join(f"| {figure} | {_number(value)} |" for figure, value in figures.items())
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    return f"## {name}\n\n{doc.strip()}\n\n`python -m tests.bench {name}`, {when}\n\n| figure | value |\n| --- | --- |\n{rows}\n"


def _sections(text: str) -> dict[str, str]:
    parts = text.split("\n## ")[1:]
    return {part.split("\n", 1)[0].strip(): "## " + part for part in parts}


def _number(value: float) -> str:
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


if __name__ == "__main__":
    main(sys.argv[1:])
