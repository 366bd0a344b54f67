"""What all that are compared have in common: processes that are given batches, and tell a receiver which of them settled."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from tests.cli.conftest import ROOT, others_environ
from tests.stack.processes import Program, a_port

HERE: Final = Path(__file__).parent
OWN: Final = {"PYTHONPATH": str(ROOT)}
"""What a program of ours needs in its environment: it runs in a folder of its own."""
LOGIN: Final = ("login", "password")
"""What the simulator accepts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a peer works: a folder of its own, CallFire's API, whom it tells, and how many requests a second it may make. `every`
    is the interval, in whole seconds, for a peer that has one for all batches."""

    folder: Path
    api: str
    receiver: str
    rate: float
    every: int

    def batch(self, number: int) -> str:
        """The address of a batch."""
        return f"{self.api}/campaigns/batches/{number}"


class Peer(Protocol):
    """One that is compared. `programs` are its processes, in the order in which they are started."""

    @property
    def programs(self) -> Sequence[Program]: ...

    def follow(self, number: int) -> None:
        """Has it follow a batch from now on; OSError where it does not run."""

    def drop(self, number: int) -> None:
        """What has settled was told: it is taken off the list where there is one. OSError where it does not run."""

    def settled(self, body: Any) -> Sequence[int]:
        """The batches that a notification says have settled."""


def start(peer: Peer) -> None:
    """Returns when all of it is up."""
    for program in peer.programs:
        program.start()


def kill(peer: Peer) -> None:
    """SIGKILL to all of it."""
    for program in peer.programs:
        program.kill()


def stop(peer: Peer) -> None:
    """Ends what still runs, as an operator does."""
    for program in reversed(peer.programs):
        program.stop()


def program(
    place: Place, name: str, command: Sequence[object], *, port: int, up: str, environ: Mapping[str, str] | None = None
) -> Program:
    """A program at that port, that answers at `up` when it is up; without a path it is an address of somebody else's."""
    url = f"http://127.0.0.1:{port}"
    return Program(
        name=name,
        command=[str(each) for each in command],
        url=url,
        log=place.folder / f"{name}.log",
        up=up if urlsplit(up).scheme else url + up,
        environ={**others_environ(), **(environ or {})},
    )


def port() -> int:
    """One that nobody has."""
    return a_port(0)


def written(path: Path, value: object) -> Path:
    """JSON that is there whole or not at all, whoever reads it meanwhile."""
    beside = path.with_name(f".{path.name}")
    beside.write_text(json.dumps(value), encoding="utf-8")
    return beside.replace(path)
