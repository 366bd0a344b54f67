"""Many replicas that commit changes to one database, played event by event in virtual time: who waits for a core, who for the end
of the log, how many changes find themselves in one commit, and how long each waits for it.

It knows what the formula leaves out: that cores are shared, that work comes unevenly, that a replica has one commit under way.
"""

import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import Final

from tests.scaling.figures import MEASURED, Figures, Group
from tests.scaling.sizing import MOST_TOGETHER

SLICE: Final = 1e-3
"""Seconds for which a core stays with one piece of work, if another one waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """Changes a second that were committed, in groups of how many in the mean; seconds that half, 95 and 99 % of them waited at
    most; the share of time for which the end of the log was locked; and cores that were at work in the database."""

    changes: float
    together: float
    p50: float
    p95: float
    p99: float
    busy: float
    cores: float


class World:
    """What happens when, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self._soon: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def after(self, seconds: float, then: Callable[[], None]) -> None:
        heappush(self._soon, (self.now + seconds, next(self._order), then))

    def run(self, until: float) -> None:
        while self._soon and self._soon[0][0] <= until:
            self.now, _, then = heappop(self._soon)
            then()


class Cores:
    """So many, taken in turns by whatever wants one; `free` is the part of their time that is not somebody else's."""

    def __init__(self, world: World, number: int, free: float = 1.0) -> None:
        self._world = world
        self._part = free
        self._free = number
        self._waiting: deque[tuple[float, Callable[[], None]]] = deque()
        self.worked = 0.0

    def work(self, seconds: float, then: Callable[[], None]) -> None:
        """Calls it when it had a core for so long."""
        self._waiting.append((seconds, then))
        self._go_on()

    def _go_on(self) -> None:
        while self._free and self._waiting:
            self._free -= 1
            seconds, then = self._waiting.popleft()
            turn = min(seconds, SLICE)
            self._world.after(turn / self._part, partial(self._end, turn, seconds - turn, then))

    def _end(self, turn: float, rest: float, then: Callable[[], None]) -> None:
        self.worked += turn
        self._free += 1
        if rest > 0:
            self._waiting.append((rest, then))
        else:
            then()
        self._go_on()


class EndOfLog:
    """Locked by one after another, in the order in which they came."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._waiting: deque[Callable[[], None]] = deque()
        self._since: float | None = None
        self.busy = 0.0

    def lock(self, then: Callable[[], None]) -> None:
        self._waiting.append(then)
        self._next()

    def unlock(self) -> None:
        assert self._since is not None
        self.busy += self._world.now - self._since
        self._since = None
        self._next()

    def _next(self) -> None:
        if self._since is None and self._waiting:
            self._since = self._world.now
            self._waiting.popleft()()


class Replica:
    """Gathers changes while its last commit is under way, then commits all of them."""

    def __init__(self, world: World, group: Group, *, ours: Cores, theirs: Cores, log: EndOfLog) -> None:
        self._world = world
        self._group = group
        self._ours = ours
        self._theirs = theirs
        self._log = log
        self._waiting: deque[float] = deque()
        self._busy = False
        self.groups: list[Sequence[float]] = []  # of each, how long its changes waited
        self.answered: Callable[[int], None] = lambda many: None

    def change(self, many: int = 1) -> None:
        self._waiting.extend([self._world.now] * many)
        if not self._busy:
            self._begin()

    def _begin(self) -> None:
        self._busy = True
        since = [self._waiting.popleft() for _ in range(min(MOST_TOGETHER, len(self._waiting)))]
        many = len(since)
        locked = max(0.0, _of(self._group.locked, many) - self._group.flush)
        before = max(0.0, _of(self._group.theirs, many) - locked)

        def locks() -> None:
            self._log.lock(lambda: self._theirs.work(locked, flushes))

        def flushes() -> None:
            self._world.after(self._group.flush, ends)

        def ends() -> None:
            self._log.unlock()
            self._end(since)

        self._ours.work(_of(self._group.ours, many), lambda: self._theirs.work(before, locks))

    def _end(self, since: Sequence[float]) -> None:
        self.groups.append([self._world.now - each for each in since])
        self._busy = False
        self.answered(len(since))
        if self._waiting and not self._busy:
            self._begin()


def as_fast_as_they_can(
    replicas: int, *, at_once: int, cores: int, seconds: float, figures: Figures = MEASURED, free: float = 1.0
) -> Played:
    """Each replica has so many changes at once, always; they and the database share the cores, as in a measurement, in which that
    part of the cores was free for them."""
    world = World()
    shared, log = Cores(world, cores, free), EndOfLog(world)
    every = [Replica(world, figures.group, ours=shared, theirs=shared, log=log) for _ in range(replicas)]
    for replica in every:
        replica.answered = replica.change
        world.after(0.0, partial(replica.change, at_once))
    world.run(seconds)
    return _played(every, log, shared, seconds)


def as_they_come(
    replicas: int, *, changes: float, cores: int, seconds: float, figures: Figures = MEASURED, seed: int = 1
) -> Played:
    """So many changes a second, by chance, at replicas that have a core each; the database has `cores`."""
    world, dice = World(), random.Random(seed)
    theirs, log = Cores(world, cores), EndOfLog(world)
    every = [Replica(world, figures.group, ours=Cores(world, 1), theirs=theirs, log=log) for _ in range(replicas)]

    def next_one() -> None:
        dice.choice(every).change()
        world.after(dice.expovariate(changes), next_one)

    world.after(0.0, next_one)
    world.run(seconds)
    return _played(every, log, theirs, seconds)


def _played(replicas: Sequence[Replica], log: EndOfLog, theirs: Cores, seconds: float) -> Played:
    groups = [group for replica in replicas for group in replica.groups]
    waits = sorted(wait for group in groups for wait in group)
    return Played(
        changes=len(waits) / seconds,
        together=len(waits) / len(groups),
        p50=waits[len(waits) // 2],
        p95=waits[len(waits) * 95 // 100],
        p99=waits[len(waits) * 99 // 100],
        busy=log.busy / seconds,
        cores=theirs.worked / seconds,
    )


def _of(cost: tuple[float, float], many: int) -> float:
    first, each = cost
    return first + each * many
