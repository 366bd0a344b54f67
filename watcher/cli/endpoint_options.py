"""How an endpoint is set up by command: the options of `watcher endpoints add` and `set`, and the body that they make."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from watcher.cli.options import LONGEST_TOLD, labels_of, read_secret, whole
from watcher.cli.printing import stop


class Ordering(StrEnum):
    """Which deliveries wait for which."""

    NONE = "none"
    BATCH = "batch"


class Form(StrEnum):
    """What is posted."""

    PLAIN = "plain"
    CLOUDEVENTS = "cloudevents"
    CLOUDEVENTS_BINARY = "cloudevents-binary"


class Signatures(StrEnum):
    """With what is signed: a shared secret, a key pair, or both."""

    V1 = "v1"
    V1A = "v1a"
    BOTH = "both"


class Verification(StrEnum):
    """What the receiver must answer before its endpoint is made."""

    NONE = "none"
    PING = "ping"
    CLOUDEVENTS = "cloudevents"


class Resettable(StrEnum):
    """What can be set back to what it is where nothing is said."""

    DESCRIPTION = "description"
    TYPES = "types"
    ACCOUNTS = "accounts"
    BROADCASTS = "broadcasts"
    LABELS = "labels"
    TIMEOUT = "timeout"
    CONCURRENCY = "concurrency"
    RATE = "rate"
    ORDERING = "ordering"
    FORM = "form"
    HEADERS = "headers"
    AUTHORIZATION = "authorization"


Description = Annotated[str | None, typer.Option(help="For whoever reads the list.")]
Types = Annotated[
    list[str] | None, typer.Option("--type", help="Only events of this type, or batch.*; several times. Else all.")
]
Accounts = Annotated[
    list[str] | None, typer.Option("--account", "-a", help="Only events of this account; several times.")
]
InBroadcasts = Annotated[
    list[int] | None,
    typer.Option("--broadcast", parser=whole, metavar="ID", help="Only batches of this broadcast; several times."),
]
Labels = Annotated[
    list[str] | None,
    typer.Option("--label", "-l", metavar="KEY=VALUE", help="Only batches with this label; several: with all of them."),
]
Timeout = Annotated[
    str | None,
    typer.Option(metavar="DURATION", help="For a whole attempt: 1s to 30s, else webhooks.timeout.", show_default=False),
]
Concurrency = Annotated[
    int | None,
    typer.Option(parser=whole, metavar="COUNT", help="Attempts under way at once, else webhooks.per_endpoint."),
]
Rate = Annotated[float | None, typer.Option(metavar="NUMBER", help="Deliveries a second at most, fractions too.")]
Order = Annotated[Ordering | None, typer.Option("--ordering", help="batch: events of a batch one after the other.")]
InForm = Annotated[Form | None, typer.Option("--form", help="The event as it is, or as a CloudEvent.")]
Headers = Annotated[
    list[str] | None, typer.Option("--header", metavar="'NAME: VALUE'", help="Sent along; several times.")
]
HeaderFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Headers that others must not see, one 'NAME: VALUE' a line.")
]
BearerFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="A token, sent as Authorization: Bearer; - for standard input.")
]
BasicFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="USER:PASSWORD, sent as Authorization: Basic; - for standard input.")
]
SecretFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="A secret of your own, whsec_… or whsk_…; - for standard input. Else one is made."
    ),
]


KEYS: Final = (
    *("url", "description", "types", "accounts", "broadcasts"),
    *("timeout", "concurrency", "rate", "ordering", "form"),
)
"""What is sent as it was given."""


def set_up(given: Mapping[str, Any]) -> dict[str, Any]:
    """What somebody said of how an endpoint is set up, as the daemon takes it; ends the command where it makes no sense.

    `given` has the values of all options above, by the names of the command's arguments.
    """
    said = {key: given[key] for key in KEYS}
    said |= {"labels": labels_of(given["labels"]) if given["labels"] else None}
    said |= {"headers": _headers(given["headers"] or (), given["header_file"])}
    said |= {"authorization": _authorization(given["bearer_file"], given["basic_file"])}
    return {key: value for key, value in said.items() if value not in (None, [], ())}


def _headers(given: Sequence[str], file: Path | None) -> Mapping[str, str] | None:
    """By name; None where none are said."""
    lines = [("--header", text) for text in given]
    if file is not None:
        lines += [(f"--header-file {file}", line) for line in _lines(file) if line.strip()]
    found: dict[str, str] = {}
    for where, line in lines:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            stop(f"{where}: a header is not NAME: VALUE: write it as 'X-Team: north'")  # not repeated: it may be secret
        if name.strip().lower() in {known.lower() for known in found}:
            stop(f"{where}: the header {name.strip()[:LONGEST_TOLD]} is given twice: give it once")
        found[name.strip()] = value.strip()
    return found or None


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        stop(f"--header-file {file}: cannot be read ({error.strerror}): give a file with one header a line")
    except UnicodeDecodeError:
        stop(f"--header-file {file}: is not UTF-8 text: give a file with one header a line")


def _authorization(bearer_file: Path | None, basic_file: Path | None) -> Mapping[str, object] | None:
    if bearer_file is not None and basic_file is not None:
        raise typer.BadParameter("One Authorization is sent: give --bearer-file or --basic-file.")
    if bearer_file is not None:
        return {"bearer": read_secret("--bearer-file", bearer_file)}
    if basic_file is None:
        return None
    username, colon, password = read_secret("--basic-file", basic_file).partition(":")
    if not colon:
        stop(f"--basic-file {basic_file}: is not USER:PASSWORD: write both on one line, a colon between them")
    return {"basic": {"username": username, "password": password}}
