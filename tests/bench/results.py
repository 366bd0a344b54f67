"""What a file of results is made of: the machine, a section for each thing that was measured, and its tables."""

import os
import platform
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import aiohttp


def machine() -> str:
    """What it was measured on."""
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


def section(name: str, doc: str, command: str, tables: str) -> str:
    """One of the things measured: what it is about, how it is measured again, and what came of it."""
    when = datetime.now(UTC).strftime("%Y-%m-%d")
    return f"## {name}\n\n{doc.strip()}\n\n`{command}`, {when}\n\n{tables}\n"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def sections_of(text: str) -> dict[str, str]:
    """The sections of a file of results, by name."""
    parts = text.split("\n## ")[1:]
    return {part.split("\n", 1)[0].strip(): "## " + part for part in parts}
