"""How the commands speak: tables for people, JSON for programs, one line a problem on standard error."""

import json
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

STYLES: Final = {
    "NEW": "cyan",
    "VALIDATING": "yellow",
    "ACTIVE": "green",
    "ERRORS": "red",
    "SOURCE_ERROR": "red",
    "gone": "red",
    "refused": "red",
    "timeout": "magenta",
}
UNBOUNDED: Final = 100_000
"""Columns of what is no terminal: nothing is cut off there."""


class Output(StrEnum):
    """What is printed for: a person, or a program."""

    TABLE = "table"
    JSON = "json"


class Stop(Exception):
    """The command ends here: `lines` go to standard error, `code` is the exit code."""

    def __init__(self, *lines: str, code: int = 2) -> None:
        super().__init__(*lines)
        self.lines = lines
        self.code = code


def stop(*lines: str, code: int = 2) -> NoReturn:
    """Ends the command with these lines on standard error."""
    raise Stop(*lines, code=code)


def say(line: str) -> None:
    """One line on standard output, at once."""
    typer.echo(printable(line))
    sys.stdout.flush()


def complain(line: str) -> None:
    """One line on standard error."""
    typer.echo(printable(line), err=True)


def say_json(value: object, *, indent: int | None = None) -> None:
    """A JSON document; on one line where no indent is asked for."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=indent))
    sys.stdout.flush()


def say_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Aligned columns. A word that is a status gets its colour on a terminal."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        cells = ["" if value is None else printable(str(value)) for value in row]
        table.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in cells))
    console().print(table)


def console(*, err: bool = False) -> "Console":
    """Where to print: as wide as the terminal, or without bounds into a file."""
    from rich.console import Console

    there = Console(stderr=err, highlight=False)
    return there if there.is_terminal else Console(stderr=err, highlight=False, width=UNBOUNDED)


def printable(text: str) -> str:
    """Without what a terminal would take for a command: names come from elsewhere."""
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else "\N{REPLACEMENT CHARACTER}" for letter in text
    )
