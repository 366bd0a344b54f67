"""`watcher health`: how the daemon says it is, for whatever starts it and looks after it. It asks once, and waits for nothing."""

import json
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from watcher.cli.asking import place
from watcher.cli.formats import say_data
from watcher.cli.options import As, Config
from watcher.cli.printing import Output, say_table, stop

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DEADLINE: Final = 8.0
"""Seconds for the answer: a little more than the daemon gives its own checks."""
FAILING: Final = 503


def health(
    live: Annotated[
        bool,
        typer.Option("--live", help="Only whether it is alive: a database that is gone is no reason to restart it."),
    ] = False,
    output: As = Output.TABLE,
    config: Config = None,
) -> None:
    """Say how the daemon is: whether it can do its work, or with --live whether it should be restarted.

    \b
    watcher health              what /readyz says
    watcher health --live       what /livez says; the container image asks this every half a minute

    Exit codes: 0 all is well, 1 something is failing or nobody answers, 2 usage or settings.
    """
    checks = _asked(place(config).url, "/livez" if live else "/readyz")
    rows = [{"name": each["name"], "ok": each["ok"], "detail": each.get("detail", "")} for each in checks]
    if not say_data(rows, output):
        say_table(
            ("", "WHAT", ""), [("ok" if row["ok"] else "WRONG", row["name"], row["detail"] or "") for row in rows]
        )
    if not all(row["ok"] for row in rows):
        raise typer.Exit(1)


def _asked(url: str, path: str) -> "Sequence[Mapping[str, Any]]":
    """The checks that the daemon there made, asked for without a proxy; ends the command where it tells of none."""
    from urllib.error import HTTPError, URLError
    from urllib.request import ProxyHandler, build_opener

    try:
        with build_opener(ProxyHandler({})).open(url + path, timeout=DEADLINE) as response:
            body = response.read()
    except HTTPError as answered:
        with answered:
            body = answered.read() if answered.code == FAILING else b""
    except (URLError, OSError) as error:
        stop(f"no daemon answers at {url} ({_reason(error)}): see its log", code=1)
    try:
        checks: Sequence[Mapping[str, Any]] = json.loads(body)["checks"]
    except (ValueError, KeyError, TypeError):
        stop(f"what answers at {url} is not the daemon: set WATCHER_URL to its address", code=1)
    return checks


def _reason(error: OSError) -> str:
    inner = getattr(error, "reason", error)
    return str(getattr(inner, "strerror", None) or inner)
