"""What several commands take, and the settings as they are given on the command line."""

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from watcher.cli.printing import Output, complain, stop
from watcher.cli.times import wire_time

if TYPE_CHECKING:
    from watcher.settings import Settings

GREATEST: Final = 2**63 - 1
"""The greatest batch id."""
LONGEST_TOLD: Final = 60
"""Characters of an argument that are repeated."""


def account_names(incomplete: str) -> list[str]:
    """Accounts that begin so, for completion."""
    from watcher.cli.names import account_names as known

    return known(incomplete)


def endpoint_ids(incomplete: str) -> list[str]:
    """Endpoints whose ids begin so, for completion."""
    from watcher.cli.names import endpoint_ids as known

    return known(incomplete)


Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Settings file; else the one WATCHER_CONFIG names, else config/watcher.toml."),
]
As = Annotated[Output, typer.Option("--output", "-o", help="For a person, wide with every column; or for a program.")]
Account = Annotated[
    str | None,
    typer.Option(
        "--account",
        "-a",
        help="Account by its name in the settings; not needed where there is one.",
        autocompletion=account_names,
    ),
]


def whole(text: object) -> int:
    """A whole number from 1, as an option or argument takes it."""
    number = str(text)
    if number.isascii() and number.isdigit() and 1 <= len(number) <= 19 and 1 <= int(number) <= GREATEST:
        return int(number)
    raise typer.BadParameter(f"{number[:LONGEST_TOLD]} is not a whole number from 1: give one, such as 13.")


BatchId = Annotated[int, typer.Argument(parser=whole, metavar="ID", help="Batch id.")]
Ids = Annotated[
    list[str], typer.Argument(metavar="ID...", help="Batch ids; a file with one a line; - for standard input.")
]
Limit = Annotated[int, typer.Option(parser=whole, metavar="COUNT", help="How many at most.")]


def seconds_of(option: str, text: str) -> float:
    """A duration as somebody writes it, in seconds; ends the command where it is none."""
    from watcher.settings.values import duration

    try:
        return duration(text).total_seconds()
    except ValueError:
        stop(f"{option} {text[:LONGEST_TOLD]}: is not a duration: write 90s, 30m or 2h")


def labels_of(given: Sequence[str]) -> dict[str, str]:
    """What several --label say; ends the command where one of them is none."""
    pairs = [(text, *text.partition("=")) for text in given]
    for text, key, equals, _ in pairs:
        if not key or not equals:
            stop(f"--label {text}: is not KEY=VALUE: write it as --label team=north")
    return {key: value for _, key, _, value in pairs}


def moment_of(option: str, text: str, now: datetime) -> str:
    """A moment as somebody writes it, as RFC 3339: a date, a time with its offset, or how long ago; ends the command else."""
    from watcher.settings.values import duration

    moment = None
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(text)
        if len(text) == len("2026-11-23"):
            moment = moment.replace(tzinfo=UTC)
    with suppress(ValueError, OverflowError):
        moment = now - duration(text)
    if moment is None or moment.tzinfo is None:
        stop(
            f"{option} {text[:LONGEST_TOLD]}: is no moment: write 2026-11-23T09:00:00Z, 2026-11-23, or how long ago as 24h"
        )
    return wire_time(moment)


def read_secret(option: str, file: Path) -> str:
    """The secret that a file holds, or standard input where it is `-`; ends the command where there is none."""
    named = "standard input" if str(file) == "-" else str(file)
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
    except OSError as error:
        stop(f"{option} {named}: cannot be read ({error.strerror}): give the file that holds the secret")
    except UnicodeDecodeError:
        stop(f"{option} {named}: is not UTF-8 text: give the file that holds the secret, and nothing else")
    secret = text.strip()
    if not secret or "\n" in secret:
        stop(
            f"{option} {named}: {'has several lines' if secret else 'is empty'}: it must hold the secret, and nothing else"
        )
    return secret


def environment() -> Mapping[str, str]:
    """The process's environment, read here and handed on."""
    return dict(os.environ)


def settings_in_force(config: Path | None) -> "Settings":
    """The settings, their warnings on standard error; ends the command where they cannot be used."""
    from watcher.settings import BadSettings, load

    try:
        settings = load(config, environment())
    except BadSettings as bad:
        stop(*map(str, bad.problems))
    for warning in settings.warnings:
        complain(f"warning: {warning}")
    return settings


def account_of(settings: "Settings", name: str | None) -> str:
    """The account that is meant; ends the command where that is not clear."""
    names = list(settings.accounts)
    if name is None:
        if len(names) > 1:
            stop(f"there are several accounts: name one with --account ({', '.join(names)})")
        return names[0]
    if name not in names:
        stop(f"there is no account {name}: --account takes one of {', '.join(names)}")
    return name
