"""How the commands speak: tables for people, JSON for programs, one line a problem on standard error."""

import io
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

STYLES: Final = {
    "NEW": "cyan",
    "VALIDATING": "yellow",
    "ACTIVE": "green",
    "ERRORS": "red",
    "SOURCE_ERROR": "red",
    "gone": "red",
    "refused": "red",
    "timeout": "magenta",
    "missing": "red",
    "expired": "magenta",
    "active": "green",
    "paused": "yellow",
    "open": "red",
    "disabled": "red",
    "dead": "red",
    "held": "magenta",
    "pending": "yellow",
    "done": "green",
    "ok": "green",
    "WRONG": "red",
}
GAP: Final = 2
"""Columns between two cells."""
UNBOUNDED: Final = 100_000
"""Columns of what is no terminal: nothing is cut off there."""


class Output(StrEnum):
    """What is printed for: a person (wide: with every column), or a program."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"


class Stop(Exception):
    """The command ends here: `lines` go to standard error, `code` is the exit code."""

    def __init__(self, *lines: str, code: int = 2) -> None:
        super().__init__(*lines)
        self.lines = lines
        self.code = code


def stop(*lines: str, code: int = 2) -> NoReturn:
    """Ends the command with these lines on standard error."""
    raise Stop(*lines, code=code)


@contextmanager
def printing() -> Iterator[None]:
    """Where standard output cannot be written the command ends, saying so; BrokenPipeError where its reader went away."""
    try:
        yield
        sys.stdout.flush()
    except OSError as error:
        # What could not be written would be tried again when the process ends, and change its exit code.
        sys.stdout = io.StringIO()
        if isinstance(error, BrokenPipeError):
            raise
        raise Stop(f"standard output cannot be written ({error.strerror}): give it a place that has room") from error


def say(line: str) -> None:
    """One line on standard output, at once."""
    with printing():
        typer.echo(printable(line))


def complain(line: str) -> None:
    """One line on standard error; where that cannot be written, there is nobody to be told."""
    try:
        typer.echo(printable(line), err=True)
        sys.stderr.flush()
    except OSError:
        sys.stderr = io.StringIO()  # else it would be tried again when the process ends, and change its exit code


def say_json(value: object, *, indent: int | None = None) -> None:
    """A JSON document; on one line where no indent is asked for."""
    with printing():
        typer.echo(json.dumps(value, ensure_ascii=False, indent=indent))


def say_table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, spare: Sequence[str] = ()) -> None:
    """Aligned columns, as `table` makes them."""
    there = console()
    with printing():
        there.print(table(there, headings, rows, spare=spare))


def table(
    there: "Console", headings: Sequence[str], rows: Iterable[Sequence[object]], *, spare: Sequence[str] = ()
) -> "Table":
    """Aligned columns. A word that is a status gets its colour on a terminal.

    Where the terminal is too narrow, the columns in `spare` are left out, the first of them first.
    """
    from rich.table import Table
    from rich.text import Text

    cells = [["" if value is None else printable(str(value)) for value in row] for row in rows]
    shown = _fitting(headings, cells, spare, there.width)
    made = Table(box=None, pad_edge=False, header_style="bold", show_header=any(headings))
    for column in shown:
        made.add_column(headings[column], overflow="fold")
    for row in cells:
        # What stands in the first column is a name, also where it is called as a status is.
        made.add_row(*(Text(row[column], style=STYLES.get(row[column], "") if column else "") for column in shown))
    return made


def _fitting(headings: Sequence[str], cells: Sequence[Sequence[str]], spare: Sequence[str], width: int) -> list[int]:
    """The columns that are shown in that width, by their places."""
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) for column in zip(headings, *cells, strict=True)]
    shown, rest = list(range(len(headings))), list(spare)
    while rest and sum(widths[column] + GAP for column in shown) - GAP > width:
        shown.remove(headings.index(rest.pop(0)))
    return shown


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
