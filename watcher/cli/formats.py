"""What is found, in the form that was asked for: a table for people (wide: every column), or JSON, NDJSON, CSV for programs."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from watcher.cli.printing import Output, complain, console, say, say_json, say_table, table
from watcher.cli.times import now

if TYPE_CHECKING:
    from rich.table import Table

Document = Mapping[str, Any]
PEOPLE: Final = (Output.TABLE, Output.WIDE)
LINES: Final = (Output.NDJSON, Output.CSV)
"""What is read line by line: each item is told as it comes."""
KEPT: Final = ("labels", "data", "error")
"""Objects that are one cell of a CSV: their keys are others in every row."""
ENDING: Final = "\r\n"
"""Of a row of CSV. The library quotes a cell with what ends a row, and none that begins another one with something else."""
FORMULA: Final = re.compile(r"[=@\t\r\uff1d\uff0b\uff0d\uff20]|[+-](?![0-9.,]+\Z)")
"""How a text begins that a spreadsheet would work out rather than show; a number with its sign is one, and does no harm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: its heading in tables, its name in CSV; its value there, and how it is `short` in a table for people.

    Where a terminal is too narrow the columns with the greatest `spare` are left out first, and those with 0 never. `wide`: only
    there, and in CSV. `rare`: left out of tables where no row has it.
    """

    heading: str
    name: str
    value: Callable[[Document], object] | None = None
    short: Callable[[Document, datetime], object] | None = None
    spare: int = 0
    wide: bool = False
    rare: bool = False

    def of(self, item: Document) -> object:
        return item.get(self.name) if self.value is None else self.value(item)


class Listing:
    """Prints items: for programs that read lines each as it comes, else all at the end."""

    def __init__(self, columns: Sequence[Column], output: Output) -> None:
        self._columns = columns
        self._output = output
        self._items: list[Document] = []
        self._begun = False

    def take(self, item: Document) -> None:
        """One more."""
        if self._output is Output.NDJSON:
            say_json(item)
        elif self._output is Output.CSV:
            self._head()
            say(_line([column.of(item) for column in self._columns]))
        else:
            self._items.append(item)

    def end(self) -> None:
        """There are no more."""
        if self._output is Output.JSON:
            say_json(self._items, indent=2)
        elif self._output is Output.CSV:
            self._head()
        elif self._output is not Output.NDJSON:
            say_columns(self._items, self._columns, wide=self._output is Output.WIDE)

    def _head(self) -> None:
        if not self._begun:
            self._begun = True
            say(_line([column.name for column in self._columns]))


def say_list(items: Iterable[Document], columns: Sequence[Column], output: Output) -> None:
    """All of them."""
    listing = Listing(columns, output)
    for item in items:
        listing.take(item)
    listing.end()


def say_some(found: Sequence[Document], limit: int, columns: Sequence[Column], output: Output) -> None:
    """A list, of which one more than the limit may have been found: then whoever reads it is told that there are more."""
    say_list(found[:limit], columns, output)
    tell_of_more(len(found), limit, output)


def tell_of_more(found: int, limit: int, output: Output) -> None:
    """Says so to people where more were found than shown."""
    if found > limit and output in PEOPLE:
        complain(f"there are more than {limit}: see them with --limit")


def say_one(document: Document, output: Output, say_it: Callable[[], object], columns: Sequence[Column] = ()) -> None:
    """One thing: to a person as `say_it` does."""
    if not say_data(document, output, columns):
        say_it()


def by_line(output: Output) -> Output:
    """That output, where this one goes on while it is read: of JSON a document a line."""
    return Output.NDJSON if output is Output.JSON else output


def say_lines(document: Document, output: Output) -> None:
    """A document for a program that reads lines while this one goes on."""
    say_data(document, by_line(output))


def say_data(value: Any, output: Output, columns: Sequence[Column] = ()) -> bool:
    """A document, or several, for programs; False where it is for a person. Without columns a CSV has those that there are."""
    several = isinstance(value, list)
    if output is Output.JSON:
        say_json(value, indent=2)
    elif output is Output.NDJSON:
        for item in value if several else [value]:
            say_json(item)
    elif output is Output.CSV:
        items = value if several else [value]
        flat = items if columns else [_flat(item) for item in items]
        found = dict.fromkeys(key for item in flat for key in item)
        say_list(flat, columns or [Column(heading=key, name=key) for key in found], output)
    else:
        return False
    return True


def say_columns(items: Sequence[Document], columns: Sequence[Column], *, wide: bool = False) -> None:
    """A table of them, with a line an item."""
    headings, cells, spare = _parts(items, columns, wide=wide)
    say_table(headings, cells, spare=spare)


def tabled(items: Sequence[Document], columns: Sequence[Column], *, wide: bool = False) -> "Table":
    """A table of them for the terminal as it is now."""
    headings, cells, spare = _parts(items, columns, wide=wide)
    return table(console(), headings, cells, spare=spare)


def _parts(
    items: Sequence[Document], columns: Sequence[Column], *, wide: bool
) -> tuple[list[str], list[list[object]], list[str]]:
    """Headings, cells, and which columns can be left out, the first of them first."""
    at = now()
    shown = [
        column
        for column in columns
        if wide or not (column.wide or (column.rare and all(column.of(item) is None for item in items)))
    ]
    cells = [[_cell(column, item, at, wide=wide) for column in shown] for item in items]
    spare = sorted((column for column in shown if column.spare and not wide), key=lambda column: -column.spare)
    headings = [column.heading for column in shown]
    return headings, cells, [column.heading for column in spare]


def _cell(column: Column, item: Document, at: datetime, *, wide: bool) -> object:
    value = column.of(item) if wide or column.short is None else column.short(item, at)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return " ".join(f"{key}={each}" for key, each in value.items())
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else value


def _line(values: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator=ENDING).writerow([_text(value) for value in values])
    return text.getvalue().removesuffix(ENDING)


def _text(value: object) -> object:
    """As it stands in a cell of a CSV. A name comes from elsewhere and must not become a formula: a spreadsheet shows what
    stands after an apostrophe as it is."""
    if isinstance(value, str):
        return f"'{value}" if FORMULA.match(value) else value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False)
    return "" if value is None else value


def _flat(document: Document, before: str = "") -> dict[str, Any]:
    """`{"a": {"b": 1}}` as `{"a.b": 1}`."""
    flat: dict[str, Any] = {}
    for key, value in document.items():
        if isinstance(value, Mapping) and key not in KEPT:
            flat |= _flat(value, f"{before}{key}.")
        else:
            flat[before + key] = value
    return flat
