"""Batch ids as somebody names them: as arguments, or one a line in a file or on standard input."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from watcher.cli.daemon import Row
from watcher.cli.options import GREATEST, LONGEST_TOLD
from watcher.cli.printing import stop

BYTE_ORDER_MARK: Final = "\ufeff"
"""What editors of Windows put before a text."""
MOST_TOLD: Final = 20
"""Wrong lines that are listed; of more only the number is told."""


def read_rows(named: Sequence[str], more: Mapping[str, object]) -> list[Row]:
    """The rows that arguments, files and `-` name, each with `more` for what it does not say itself.

    Ends the command, before anything is sent, where one of them is not right.
    """
    rows: list[Row] = []
    wrong: list[str] = []
    for argument in named:
        for where, text in _texts(argument):
            body = _body(text)
            if isinstance(body, str):
                wrong.append(f"{where}: {body}")
            else:
                rows.append(Row(where=where, body={**more, **body}))
    if wrong:
        rest = [f"and {len(wrong) - MOST_TOLD} more"] if len(wrong) > MOST_TOLD else []
        stop(*wrong[:MOST_TOLD], *rest)
    if not rows:
        empty = " and ".join("standard input" if argument == "-" else argument for argument in named)
        stop(f"no batch is named, {empty} was empty: give ids, a file with one a line, or - for standard input")
    return rows


def read_ids(named: Sequence[str]) -> list[int]:
    """As `read_rows`, for commands that take ids and nothing else; each id once, in their order."""
    ids = []
    for row in read_rows(named, {}):
        if set(row.body) != {"batch_id"} or not isinstance(row.body["batch_id"], int):
            stop(f"{row.where}: only ids are taken here: give numbers, one a line")
        ids.append(row.body["batch_id"])
    return list(dict.fromkeys(ids))


def _texts(argument: str) -> Iterator[tuple[str, str]]:
    """What one argument names, each with the place it stands in."""
    if argument == "-":
        yield from _lines("standard input", sys.stdin)
    elif not _is_number(argument) and _is_file(argument):
        try:
            with Path(argument).open(encoding="utf-8") as file:
                yield from _lines(argument, file)
        except OSError as error:
            stop(f"{argument}: cannot be read ({error.strerror}): see to its permissions")
    else:
        yield argument if len(argument) <= LONGEST_TOLD else argument[:LONGEST_TOLD] + "…", argument


def _is_number(text: str) -> bool:
    return text.isascii() and text.lstrip("+-").isdigit()


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except OSError:  # too long for a path
        return False


def _lines(name: str, lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    try:
        for number, line in enumerate(lines, 1):
            text = (line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line).strip()
            if text and not text.startswith("#"):
                yield f"{name} line {number}", text
    except UnicodeDecodeError:
        stop(f"{name}: is not UTF-8 text: give one id a line")


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
