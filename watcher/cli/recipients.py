"""Whom a batch is for, as somebody has them: a CSV with a heading, or JSON; each with the place where it stands."""

import csv
import io
import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from watcher.cli.options import LONGEST_TOLD
from watcher.cli.printing import stop
from watcher.cli.rows import BYTE_ORDER_MARK

DIGITS: Final = re.compile("[0-9]{1,1000}")
"""What is read as a contact's id; the daemon says of longer ones, too, that they are none."""
KEYS: Final[Mapping[str, str]] = {"phone": "phone_number", "contact": "contact_id"}
"""What a column can be, and how the daemon calls it."""
NAMES: Final[Mapping[str, Sequence[str]]] = {
    "phone": ("phone", "phone_number", "phonenumber", "number"),
    "contact": ("contact", "contact_id", "contactid"),
}
"""Headings that are known without being told, in any spelling of capitals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """One of them as the daemon takes it, and where it stands."""

    where: str
    body: Mapping[str, object]


def read_csv(file: Path, columns: Sequence[str], attributes: Sequence[str]) -> list[Recipient]:
    """The rows of a CSV. `columns` say which heading is the phone (or the contact), `attributes` which go along under what name;
    both as NAME=HEADING. Ends the command where they cannot be read."""
    wanted, along = _pairs("--column", columns), _pairs("--attr", attributes)
    for name in wanted:
        if name not in KEYS:
            stop(f"--column {name}: a column is phone or contact: write it as --column phone=HEADING")
    text = _text("--csv", file)
    # Split as a file's lines, and not by `splitlines`: in a name there may be characters at which that begins a new row.
    reader = csv.DictReader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK), newline=""), strict=True)
    try:
        headings = list(reader.fieldnames or ())
        found = wanted or _known(file, headings)
        for option, heading in [*found.items(), *along.items()]:
            if heading not in headings:
                stop(f"--csv {file}: has no heading {heading!r} for {option}; there are: {', '.join(headings)}")
            if headings.count(heading) > 1:
                stop(f"--csv {file}: has the heading {heading!r} more than once: give each column a name of its own")
        return [
            Recipient(where=f"{file} line {reader.line_num}", body=_body(row, found, along)) for row in _filled(reader)
        ]
    except csv.Error as error:
        stop(f"--csv {file} line {reader.line_num}: is not CSV ({error})")


def read_json(file: Path) -> list[Recipient]:
    """The items of a JSON list: objects as the daemon takes them, or phone numbers alone."""
    try:
        items = json.loads(_text("--json", file))
    except ValueError as error:
        stop(f'--json {file}: is not JSON ({error}): write [{{"phone_number": "12135551122"}}]')
    if not isinstance(items, list):
        stop(f'--json {file}: is no list: write [{{"phone_number": "12135551122"}}]')
    return [Recipient(where=f"{file} item {number}", body=_item(item)) for number, item in enumerate(items, 1)]


def told(recipients: Sequence[Recipient], errors: Sequence[Mapping[str, str]]) -> list[str]:
    """What the daemon says is wrong, a line each, with the place of the recipient it is about."""
    lines = []
    for error in errors:
        place = error.get("pointer", "").split("/")[1:]
        if len(place) > 1 and place[0] == "recipients" and place[1].isdigit() and int(place[1]) < len(recipients):
            lines.append(f"{recipients[int(place[1])].where}: {_again(error['message'], recipients)}")
        elif place and place[0]:
            lines.append(f"--{place[0].replace('_', '-')}: {error['message']}")
        else:
            lines.append(error["message"])
    return lines


def _again(message: str, recipients: Sequence[Recipient]) -> str:
    """A word on another recipient, with its place instead of its number."""
    before, of, rest = message.partition("that of recipient ")
    number, _, after = rest.partition(" ")
    if not of or not number.isdigit() or int(number) >= len(recipients):
        return message
    after = after.replace(" (counted from 0)", "").replace("ask for scrub_duplicates", "give --scrub-duplicates")
    return f"{before}that of {recipients[int(number)].where} {after}"


def _item(item: Any) -> Mapping[str, object]:
    return item if isinstance(item, dict) else {"phone_number": item}


def _body(row: Mapping[str, str], columns: Mapping[str, str], attributes: Mapping[str, str]) -> Mapping[str, object]:
    body: dict[str, object] = {}
    for column, heading in columns.items():
        value = (row[heading] or "").strip()
        if value:
            body[KEYS[column]] = int(value) if column == "contact" and DIGITS.fullmatch(value) else value
    if attributes:
        body["attributes"] = {name: row[heading] or "" for name, heading in attributes.items()}
    return body


def _filled(reader: "csv.DictReader[str]") -> Iterator[Mapping[str, str]]:
    """Rows in which anything stands."""
    for row in reader:
        if any(value for value in row.values() if isinstance(value, str)):
            yield row


def _known(file: Path, headings: Sequence[str]) -> dict[str, str]:
    """The column that is known by its heading; ends the command where none is, or several are: nobody is called by guess."""
    fitting = {
        column: [each for each in headings if each.strip().lower().replace(" ", "_") in names]
        for column, names in NAMES.items()
    }
    column, meant = next(((column, found) for column, found in fitting.items() if found), ("", []))
    if not meant:
        stop(
            f"--csv {file}: none of its headings ({', '.join(headings) or 'it has none'}) is known as a phone number: "
            "say which with --column phone=HEADING"
            + ("; if these are several, save the file with commas between them" if _otherwise_parted(headings) else "")
        )
    if len(set(meant)) > 1:
        stop(
            f"--csv {file}: several of its headings ({', '.join(meant)}) may be meant: "
            f"say which with --column {column}=HEADING"
        )
    return {column: meant[0]}


def _otherwise_parted(headings: Sequence[str]) -> bool:
    """Whether what is one heading to us may be several to whoever made the file."""
    return len(headings) == 1 and any(sign in headings[0] for sign in ";\t|")


def _pairs(option: str, given: Sequence[str]) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in given:
        name, equals, heading = text.partition("=")
        if not (name and equals and heading):
            stop(f"{option} {text[:LONGEST_TOLD]}: is not NAME=HEADING: write it as {option} phone=Telephone")
        pairs[name] = heading
    return pairs


def _text(option: str, file: Path) -> str:
    named = "standard input" if str(file) == "-" else str(file)
    try:
        if str(file) == "-":
            return sys.stdin.read()
        with file.open(encoding="utf-8", newline="") as opened:
            return opened.read()
    except OSError as error:
        stop(f"{option} {named}: cannot be read ({error.strerror}): give a file that can")
    except UnicodeDecodeError:
        stop(f"{option} {named}: is not UTF-8 text: save it as UTF-8")
