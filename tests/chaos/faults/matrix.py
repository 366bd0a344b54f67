"""Which faults meet which: all of them, or as few sets as have every two of them together."""

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Sequence

from tests.chaos.faults.phases import DIMENSIONS, Faults

Pair = tuple[int, str, int, str]


def everything() -> list[Faults]:
    """Every fault with every other of the other kinds, all four at once."""
    return [Faults(*values) for values in itertools.product(*DIMENSIONS)]


def pairs_of(phase: Faults) -> Iterator[Pair]:
    """Which two faults meet in it."""
    for (one, first), (two, second) in itertools.combinations(enumerate(phase), 2):
        yield one, first, two, second


def all_pairs() -> set[Pair]:
    return {pair for phase in everything() for pair in pairs_of(phase)}


def unmet(phases: Iterable[Faults]) -> set[Pair]:
    """Every two faults that come together in none of them."""
    return all_pairs() - {pair for phase in phases for pair in pairs_of(phase)}


def pairwise(draw: random.Random, tries: int = 30) -> list[Faults]:
    """Sets in which every two faults of different kinds meet: each is the best of some that have two that did not meet yet."""
    left = sorted(all_pairs())
    draw.shuffle(left)
    missing, chosen = set(left), list[Faults]()
    for pair in left:
        if pair in missing:
            best = max((_with(pair, draw) for _ in range(tries)), key=lambda each: len(missing & set(pairs_of(each))))
            chosen.append(best)
            missing.difference_update(pairs_of(best))
    return chosen


def steady() -> list[Faults]:
    """Each fault of CallFire, and each of receivers, by itself: where neither the store nor the clock is in trouble, nobody may
    be late whom nothing befalls. Those of receivers last for two sets: so long that whoever waited for them is late."""
    upstream, _, receivers, _ = DIMENSIONS
    return [Faults(upstream=each) for each in upstream] + [
        Faults(receivers=each) for each in receivers[1:] for _ in "12"
    ]


def _with(pair: Pair, draw: random.Random) -> Faults:
    """A set in which these two meet, the others as it happens."""
    values = [draw.choice(each) for each in DIMENSIONS]
    one, first, two, second = pair
    values[one], values[two] = first, second
    return Faults(*values)


def walks(phases: Sequence[Faults], length: int) -> list[Sequence[Faults]]:
    """Cut into walks of so many sets."""
    return [phases[at : at + length] for at in range(0, len(phases), length)]


def shrunk(phases: Sequence[Faults], fails: Callable[[Sequence[Faults]], bool]) -> Sequence[Faults]:
    """As few of the phases, with as few faults in them, as it still fails with."""
    phases = list(phases)
    at = len(phases) - 1
    while at >= 0:
        fewer = phases[:at] + phases[at + 1 :]
        if fewer and fails(fewer):
            phases = fewer
        at -= 1
    for at, phase in enumerate(phases):
        for name in Faults._fields:
            calmer = phases[at]._replace(**{name: "none"})
            if calmer != phase and fails([*phases[:at], calmer, *phases[at + 1 :]]):
                phases[at] = calmer
    return phases
