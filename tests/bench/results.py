"""What a file of results is made of: a section for each thing that was measured, on what, and its tables."""

import os
import platform
import sqlite3
import statistics
import subprocess
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import aiohttp

ROOT: Final = Path(__file__).parents[2]
MEASURED: Final = (":/", ":!*/RESULTS.md", ":!tests/bench/flames", ":!deploy/side-by-side.md")
"""What makes a tree another one: all but what measuring itself writes."""


def circumstances(*, postgres: str = "") -> str:
    """When, at which commit and on what something is measured: asked for before it is. `postgres` is the server's version, where
    one takes part."""
    at = commit(ROOT)
    when = datetime.now(UTC).strftime("%Y-%m-%d") + (f" at {at}" if at else "")
    return f"{when}, on {machine()}" + (f", PostgreSQL {postgres}" if postgres else "")


def commit(root: Path) -> str:
    """Which commit the tree is of, with a `+` where it differs from it; nothing where that is not known."""
    asked = (("rev-parse", "--short", "HEAD"), ("status", "--porcelain", "--", *MEASURED))
    said = []
    for arguments in asked:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            return ""
        said.append(done.stdout.strip())
    return said[0] + ("+" if said[1] else "")


def machine() -> str:
    """What it is measured on."""
    cpu = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return (
        f"{os.cpu_count()} cores ({cpu}), {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, aiohttp {aiohttp.__version__}, SQLite {sqlite3.sqlite_version}"
    )


def section(name: str, doc: str, command: str, tables: str, measured: str) -> str:
    """One of the things measured: what it is about, how it is measured again, in which circumstances it was `measured`, and what
    came of it."""
    return f"## {name}\n\n{doc.strip()}\n\n`{command}`, {measured}\n\n{tables}\n"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float) -> str:
    """As many digits as tell something."""
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def spread(values: Sequence[float], form: Callable[[float], str] = number) -> str:
    """The median of some rounds, and in brackets the least and the greatest."""
    return f"{form(statistics.median(values))} ({form(min(values))} to {form(max(values))})"


def sections_of(text: str) -> dict[str, str]:
    """The sections of a file of results, by name."""
    parts = text.split("\n## ")[1:]
    return {part.split("\n", 1)[0].strip(): "## " + part for part in parts}


def cells_of(section: str) -> Mapping[tuple[str, str, str], str]:
    """What stands in the tables of a section, by the table's title, the row's first cell or its first two, and the column.
    Without a title it is what is in the first table that has such a cell."""
    cells: dict[tuple[str, str, str], str] = {}
    title, columns = "", list[str]()
    for line in section.splitlines():
        if line.startswith("### "):
            title = line[4:]
        if not line.startswith("| "):
            columns = []
            continue
        row = [cell.strip() for cell in line[1:-1].split(" | ")]
        for column, cell in zip(columns, row, strict=False):
            for name in (row[0], ", ".join(row[:2])):
                cells[title, name, column] = cell
                cells.setdefault(("", name, column), cell)
        columns = columns or row
    return cells
