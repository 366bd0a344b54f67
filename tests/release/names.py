"""The names that the project promises to keep: commands, settings, metrics, paths, events.

`python -m tests.release.names` writes those of today to names.txt, as a step of each release.
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import typer
from typer.core import TyperGroup

from tests.release.changelog import sections
from watcher.cli.program import program
from watcher.settings.keys import dotted, keys
from watcher.telemetry.catalogue import Catalogue

PROJECT: Final = Path(__file__).parents[2]
PROMISED: Final = Path(__file__).with_name("names.txt")
"""Those of the newest release, one a line."""


def today() -> list[str]:
    """What there is now."""
    interface: Any = json.loads((PROJECT / "deploy" / "openapi.json").read_text(encoding="utf-8"))
    operations = (
        f"{method.upper()} {path}"
        for path, item in interface["paths"].items()
        for method in item
        if method in {"get", "put", "post", "patch", "delete"}
    )
    metrics = (each.name for each in Catalogue("").series)
    settings = (dotted(key.path) for key in keys())
    return sorted(
        {
            *_commands("watcher", typer.main.get_command(program)),
            *settings,
            *metrics,
            *operations,
            *interface["webhooks"],
        }
    )


def promised() -> list[str]:
    """What there was with the newest release."""
    return PROMISED.read_text(encoding="utf-8").splitlines()


def unexplained(before: Iterable[str], now: Iterable[str], text: str) -> list[str]:
    """What is not there any more, and is not named under Removed or Changed by what the changelog says since."""
    newest = sections(text)[:2]
    told = " ".join(line for each in newest for kind in ("Removed", "Changed") for line in each.changes.get(kind, ()))
    return sorted(name for name in {*before} - {*now} if f"`{name}`" not in told)


def _commands(words: str, command: Any) -> Iterator[str]:
    if isinstance(command, TyperGroup):
        for name, each in command.commands.items():
            if not each.hidden:
                yield from _commands(f"{words} {name}", each)
    else:
        yield words


if __name__ == "__main__":
    PROMISED.write_text("\n".join(today()) + "\n", encoding="utf-8")
