"""Batch ids as somebody names them: as arguments, or one a line in a file or on standard input, read as they are wanted."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from watcher.cli.arriving import arriving, portions
from watcher.cli.options import GREATEST, LONGEST_TOLD
from watcher.cli.printing import stop

BYTE_ORDER_MARK: Final = "\ufeff"
"""What editors of Windows put before a text."""
AT_ONCE: Final = 10_000
"""Lines of a portion."""
MOST_TOLD: Final = 20
"""Wrong lines that are listed; of more only the number is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What one argument or line names: a row as the daemon takes it, or what is `wrong` with it."""

    where: str
    body: Mapping[str, object]
    wrong: str | None = None


def lines_of(named: Sequence[str], more: Mapping[str, object]) -> Iterator[Line]:
    """The rows that arguments, files and `-` name, each with `more` for what it does not say itself; read as they are wanted.

    Ends the command, before the first, where an argument is not right or a file cannot be read, and where none was named.
    """
    return (line for line in _as_they_come(named, more) if line is not None)


def portions_of(named: Sequence[str], more: Mapping[str, object]) -> Iterator[list[Line]]:
    """As `lines_of`, so many at once; fewer where standard input brings them slowly."""
    return portions(_as_they_come(named, more), AT_ONCE)


def _as_they_come(named: Sequence[str], more: Mapping[str, object]) -> Iterator[Line | None]:
    """None: just now there is none."""
    sources = [(argument, _is_source(argument)) for argument in named]
    alone = [_line(_told(argument), argument, more) for argument, source in sources if not source]
    stop_at_wrong(alone)
    for argument, source in sources:
        if source and argument != "-":
            _require_readable(argument)
    return _some(named, (line for argument, source in sources for line in _lines(argument, source, more)))


def read_ids(named: Sequence[str]) -> list[int]:
    """As `lines_of`, for commands that take ids and nothing else; each id once, in their order. Ends the command where one line
    is not right."""
    lines = list(lines_of(named, {}))
    stop_at_wrong(lines)
    ids = []
    for line in lines:
        if set(line.body) != {"batch_id"} or not isinstance(line.body["batch_id"], int):
            stop(f"{line.where}: only ids are taken here: give numbers, one a line")
        ids.append(line.body["batch_id"])
    return list(dict.fromkeys(ids))


def count_of(named: Sequence[str]) -> int | None:
    """How many lines there are, roughly; None where standard input is among them."""
    if "-" in named:
        return None
    count = 0
    for argument in named:
        if _is_source(argument):
            with Path(argument).open("rb") as file:
                count += sum(1 for _ in file)
        else:
            count += 1
    return count


def stop_at_wrong(lines: Iterable[Line]) -> None:
    """Ends the command with what is wrong, where anything is."""
    wrong = [f"{line.where}: {line.wrong}" for line in lines if line.wrong]
    if wrong:
        rest = [f"and {len(wrong) - MOST_TOLD} more"] if len(wrong) > MOST_TOLD else []
        stop(*wrong[:MOST_TOLD], *rest)


def _some(named: Sequence[str], lines: Iterator[Line | None]) -> Iterator[Line | None]:
    none = True
    for line in lines:
        none = none and line is None
        yield line
    if none:
        empty = " and ".join("standard input" if argument == "-" else argument for argument in named)
        stop(f"no batch is named, {empty} was empty: give ids, a file with one a line, or - for standard input")


def _lines(argument: str, source: bool, more: Mapping[str, object]) -> Iterator[Line | None]:
    """What one argument names."""
    if argument == "-":
        yield from _each("standard input", arriving(sys.stdin), more)
    elif source:
        with Path(argument).open(encoding="utf-8") as file:
            yield from _each(argument, file, more)
    else:
        yield _line(_told(argument), argument, more)


def _each(name: str, lines: Iterable[str | None], more: Mapping[str, object]) -> Iterator[Line | None]:
    number = 0
    try:
        for line in lines:
            if line is None:
                yield None
                continue
            number += 1
            text = (line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line).strip()
            if text and not text.startswith("#"):
                yield _line(f"{name} line {number}", text, more)
    except UnicodeDecodeError:
        stop(f"{name}: is not UTF-8 text: give one id a line")


def _require_readable(argument: str) -> None:
    try:
        Path(argument).open("rb").close()
    except OSError as error:
        stop(f"{argument}: cannot be read ({error.strerror}): see to its permissions")


def _told(argument: str) -> str:
    return argument if len(argument) <= LONGEST_TOLD else argument[:LONGEST_TOLD] + "…"


def _is_source(argument: str) -> bool:
    """Whether it names lines elsewhere. A number is an id, also where a file is called so."""
    return argument == "-" or (not _is_number(argument) and _is_file(argument))


def _is_number(text: str) -> bool:
    return text.isascii() and text.lstrip("+-").isdigit()


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long for a path, or none can be called so
        return False


def _line(where: str, text: str, more: Mapping[str, object]) -> Line:
    body = _body(text)
    return Line(where=where, body={}, wrong=body) if isinstance(body, str) else Line(where=where, body={**more, **body})


def _body(text: str) -> Mapping[str, object] | str:
    """A row as the daemon takes it, or what is wrong with it."""
    if text.startswith("{"):
        try:
            body = json.loads(text, parse_constant=_no_constant)
        except ValueError as error:
            return f'is not JSON ({error}): write {{"batch_id": 13}}, or the id alone'
        return body if isinstance(body, dict) else "is not a JSON object"
    if _is_number(text):
        if len(text) <= 20 and 1 <= int(text) <= GREATEST:
            return {"batch_id": int(text)}
        return f"is not a batch id: give a whole number from 1 to {GREATEST}"
    return "is neither a batch id nor a file: give a whole number from 1, a file with one a line, or -"


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no number in JSON")
