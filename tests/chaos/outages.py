"""The database fails under replicas that have work: nothing is lost or doubled, they say so, and recover by themselves."""

import random
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from tests.chaos.evidence import findings
from tests.chaos.fleet import Fleet, wait_for
from tests.chaos.outcome import Figure, Outcome
from tests.chaos.relay import Relay
from tests.chaos.replica import Replica
from tests.chaos.troubles import TOLD, TROUBLES, Place

LIFE: Final = 4.0
"""Seconds that a batch lives at most: some end before a trouble, some during it, some after."""
RECOVERY: Final = 60.0
"""Seconds within which all replicas are ready again."""


@dataclass(slots=True)
class Watching:
    """Asks /readyz of a replica again and again, in a thread of its own."""

    replica: Replica
    began: float = field(default_factory=time.monotonic)
    told: float | None = None
    """After how many seconds it said that it is not ready."""
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while self.told is None and not self.over.wait(0.1):
            if not self.replica.ready():
                self.told = time.monotonic() - self.began


@contextmanager
def watching(ours: Fleet) -> Iterator[list[Watching]]:
    """Watches all replicas as long as the context lasts."""
    eyes = [Watching(replica) for replica in ours.replicas]
    threads = [threading.Thread(target=eye.run, name="ready") for eye in eyes]
    for thread in threads:
        thread.start()
    try:
        yield eyes
    finally:
        for eye in eyes:
            eye.over.set()
        for thread in threads:
            thread.join(30)


def outages(
    ours: Fleet,
    wires: Sequence[Relay],
    *,
    lasting: float,
    calm: float,
    draw: random.Random,
    names: Sequence[str] = tuple(TROUBLES),
) -> Outcome:
    """A replica on each wire to the database, and one trouble after the other, with so many seconds of quiet in between."""
    ours.hire(1, database=wires[0].port)
    ours.audit()
    for wire in wires[1:]:
        ours.hire(1, database=wire.port)
    ours.anchor()
    figures: list[Figure] = []
    wrong: list[str] = []
    place = Place(database=ours.database, wires=wires, lasting=lasting)
    for name in names:
        wrong += _suffer(ours, name, place, figures, draw)
        time.sleep(calm)
    ours.settle()
    evidence = ours.gather()
    ours.dismiss()
    figures += [("events", str(len(evidence.events))), ("commits cut off", str(sum(wire.cuts for wire in wires)))]
    return Outcome(figures=figures, wrong=[*wrong, *findings(evidence)])


def _suffer(ours: Fleet, name: str, place: Place, figures: list[Figure], draw: random.Random) -> list[str]:
    """Batches that end before, during and after it."""
    for _ in range(4):
        ours.some(draw, 5, LIFE)
    ours.follow()
    stop = threading.Event()
    client = threading.Thread(target=_go_on, args=(ours, stop, random.Random(draw.random())), name="client")
    client.start()
    try:
        with watching(ours) as eyes:
            TROUBLES[name](place)
            ended = time.monotonic()
            wait_for(lambda: all(replica.ready() for replica in ours.replicas), RECOVERY, f"ready again after: {name}")
            again = time.monotonic() - ended
    finally:
        stop.set()
        client.join(30)
    told = [eye.told for eye in eyes if eye.told is not None]
    if told:
        figures.append((f"{name}: a replica said so first after, s", f"{min(told):.2f}"))
    figures += [
        (f"{name}: replicas that said so", f"{len(told)} of {len(eyes)}"),
        (f"{name}: all ready again after, s", f"{again:.2f}"),
    ]
    silent = len(told) < len(eyes) and name in TOLD
    return [f"{name}: only {len(told)} replicas said that they were not ready"] if silent else []


def _go_on(ours: Fleet, stop: threading.Event, draw: random.Random) -> None:
    """Batches go on being added, and asked to be followed until somebody says that they are."""
    while not stop.wait(0.5):
        ours.some(draw, 2, LIFE)
        ours.follow()
