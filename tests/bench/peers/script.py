"""The backoff script, with a note of what it told or, as most have it, without."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.bench.peers.having import environment
from tests.bench.peers.peer import HERE, LOGIN, Place, program
from tests.stack.processes import Program

REQUIREMENTS: Final = ("aiohttp==3.14.5", "aiolimiter==1.3.0", "tenacity==9.2.1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """`listed` is the file that it reads batches from."""

    process: Program
    listed: Path

    @property
    def programs(self) -> Sequence[Program]:
        return [self.process]

    def follow(self, number: int) -> None:
        with self.listed.open("a", encoding="utf-8") as file:
            file.write(f"{number}\n")

    def drop(self, number: int) -> None:
        """It is the script's to know."""

    def settled(self, body: Any) -> Sequence[int]:
        return [body["id"]]


def script(place: Place, *, notes: bool) -> Script:
    """Not started yet. NotToBeHad."""
    python = environment("script", REQUIREMENTS) / "python"
    listed = place.folder / "batches.txt"
    listed.touch()
    told = (place.folder / "told.txt",) if notes else ()
    command = (python, HERE / "backoff.py", listed, place.api, *LOGIN, place.receiver, place.rate, *told)
    return Script(process=program(place, "script", command, port=0, up=f"{place.receiver}up"), listed=listed)
