"""How the commands speak: tables for people, JSON for programs, one line a problem on standard error."""

import io
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from itertools import zip_longest
from typing import TYPE_CHECKING, Final, NoReturn

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
JOINERS: Final = "\u200c\u200d"
"""They shape letters of some scripts, and join several pictures into one: nothing that a terminal could take for a command."""


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
        print(printable(line))


def say_line(line: str) -> None:
    """As `say`, of what names stand in that come from elsewhere: it stays one line. On a terminal a status has its colour."""
    from rich.text import Text

    there, text = console(), Text(printable(in_line(line)))
    if not there.is_terminal:
        say(text.plain)
        return
    for status, style in STYLES.items():
        if status.isupper():
            text.highlight_regex(rf"\b{status}\b", style)
    with printing():
        there.print(text, soft_wrap=True)


def complain(line: str) -> None:
    """One line on standard error; where that cannot be written, there is nobody to be told."""
    try:
        print(printable(in_line(line)), file=sys.stderr)
        sys.stderr.flush()
    except OSError:
        sys.stderr = io.StringIO()  # else it would be tried again when the process ends, and change its exit code


def say_json(value: object, *, indent: int | None = None) -> None:
    """A JSON document; on one line where no indent is asked for. What a terminal would take for a command is escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    with printing():
        print("".join(map(_escaped, text)) if printable(text) != text else text)


def say_table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, spare: Sequence[str] = ()) -> None:
    """Aligned columns, as `table` makes them; without its art, which takes its time, where nobody looks on."""
    there = console()
    with printing():
        if there.is_terminal:
            there.print(table(there, headings, rows, spare=spare))
        else:
            print("".join(map("{}\n".format, _lines(headings, _cells(headings, rows)))), end="")


def table(
    there: "Console", headings: Sequence[str], rows: Iterable[Sequence[object]], *, spare: Sequence[str] = ()
) -> "Table":
    """Aligned columns. A word that is a status gets its colour on a terminal.

    Where the terminal is too narrow, the columns in `spare` are left out, the first of them first.
    """
    from rich.table import Table
    from rich.text import Text

    cells = _cells(headings, rows)
    shown = _fitting(headings, cells, spare, there.width)
    made = Table(box=None, pad_edge=False, header_style="bold", show_header=any(headings))
    for column in shown:
        made.add_column(headings[column], overflow="fold")
    for row in cells:
        # What stands in the first column is a name, also where it is called as a status is.
        made.add_row(*(Text(row[column], style=STYLES.get(row[column], "") if column else "") for column in shown))
    return made


def _cells(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> list[list[str]]:
    """What stands in a table, so that it can be shown."""
    cells = [["" if value is None else printable(str(value)) for value in row] for row in rows]
    if not any(headings):
        return cells  # it is one thing, of which all is shown
    return [[in_line(cell) for cell in row] for row in cells]


def _lines(headings: Sequence[str], cells: Sequence[Sequence[str]]) -> Iterator[str]:
    """The table as text: every column as wide as the widest of its cells, of which one may have several lines."""
    from rich.cells import cell_len

    table = [[cell.split("\n") for cell in row] for row in ([headings] if any(headings) else []) + [*cells]]
    widths = [
        max((cell_len(line) for cell in column for line in cell), default=0) for column in zip(*table, strict=True)
    ]
    for row in table:
        for line in zip_longest(*row, fillvalue=""):
            padded = (part + " " * (width - cell_len(part)) for part, width in zip(line, widths, strict=True))
            yield (" " * GAP).join(padded).rstrip()


def _fitting(headings: Sequence[str], cells: Sequence[Sequence[str]], spare: Sequence[str], width: int) -> list[int]:
    """The columns that are shown in that width, by their places."""
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) for column in zip(headings, *cells, strict=True)]
    shown, rest = list(range(len(headings))), list(spare)
    while rest and sum(widths[column] + GAP for column in shown) - GAP > width:
        shown.remove(headings.index(rest.pop(0)))
    return shown


def console(*, err: bool = False) -> "Console":
    """Where to print: as wide as the terminal, or without bounds and colours into a file, also where somebody asks all programs
    for colours (FORCE_COLOR)."""
    from rich.console import Console

    from watcher.cli.options import environment

    there = Console(stderr=err, highlight=False)
    if there.is_terminal and (there.file.isatty() or environment().get("TTY_COMPATIBLE") == "1"):
        return there
    return Console(stderr=err, highlight=False, width=UNBOUNDED, force_terminal=False)


def printable(text: str) -> str:
    """Without what a terminal would take for a command: names come from elsewhere."""
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" or letter in JOINERS else "\N{REPLACEMENT CHARACTER}"
        for letter in text
    )


def in_line(text: str) -> str:
    """With blanks for what would begin a new line, or jump in it."""
    return text.replace("\n", " ").replace("\t", " ")


def _escaped(letter: str) -> str:
    return letter if printable(letter) == letter else json.dumps(letter)[1:-1]
