"""What is told of the rounds of `kills`: sums, how often it was killed where, and how much was under way then."""

import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.chaos.crashing import ALL_POINTS, LOOKS
from tests.chaos.killing import CALM, MOMENT
from tests.chaos.loads import TIGHT
from tests.chaos.outcome import Figure

WORDS: Final = {
    "batches": "batches followed",
    "submitted": "of them submitted",
    "events": "events",
    "webhooks": "webhooks that came",
    "repeated": "of them again, under the same id",
    "requests": "requests to CallFire",
}

Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What a round went through, and what was wrong in the end. `fullest` are the requests of the second with the most, `died`
    what the daemon said whenever it reached a point: what was under way, and what it had begun in that run."""

    kills: dict[str, int]
    batches: int
    submitted: int
    events: int
    webhooks: int
    repeated: int
    requests: int
    seconds: float
    wrong: list[str]
    fullest: int = 0
    tight: bool = False
    heavy: bool = False
    died: list[Json] = field(default_factory=list)

    @property
    def runs(self) -> int:
        return sum(self.kills.values())


def figures_of(done: Mapping[str, Sequence[Round]]) -> list[Figure]:
    """A row for each figure, with all stores in it."""
    kills = [sum((Counter(each.kills) for each in rounds), Counter[str]()) for rounds in done.values()]
    tight = (max(each.fullest for each in rounds if each.tight) for rounds in done.values())
    return [
        ("stores", " + ".join(done)),
        *((words, _sums(done, what)) for what, words in WORDS.items()),
        ("runs", " + ".join(str(each.total()) for each in kills)),
        *(
            (f"killed {point.replace(':', ' ')}", " + ".join(str(each[point]) for each in kills))
            for point in (*ALL_POINTS, MOMENT, CALM)
        ),
        (
            f"rounds with a tight budget: most requests within a second, where {TIGHT + 1:.0f} may be",
            " + ".join(map(str, tight)),
        ),
        *_by_load(done),
    ]


def _sums(done: Mapping[str, Sequence[Round]], what: str) -> str:
    return " + ".join(str(sum(getattr(each, what) for each in rounds)) for rounds in done.values())


def _by_load(done: Mapping[str, Sequence[Round]]) -> Iterator[Figure]:
    """How much there was in a run, and how much was under way at its end, where there was little to do and where much."""
    for store, rounds in done.items():
        for load, heavy in (("little to do", False), ("much to do", True)):
            those = [each for each in rounds if each.heavy == heavy]
            if not those:
                continue
            died = [said for each in those for said in each.died]
            name = f"{store}, {load}"
            yield f"{name}: runs", str(sum(each.runs for each in those))
            for words, count in PER_RUN.items():
                yield f"{name}: {words} a run, by round", _spread([count(each) for each in those])
            if died:
                for words, call in CUT.items():
                    yield f"{name}: {words}", _spread([call(said) for said in died])


def _spread(values: Sequence[float]) -> str:
    """The least, the middle and the most."""
    return f"{min(values):.3g} to {max(values):.3g}, median {statistics.median(values):.3g}"


PER_RUN: Final[Mapping[str, Callable[[Round], float]]] = {
    "requests to CallFire": lambda each: each.requests / each.runs,
    "events": lambda each: each.events / each.runs,
    "webhooks": lambda each: each.webhooks / each.runs,
    "seconds": lambda each: each.seconds / each.runs,
}
CUT: Final[Mapping[str, Callable[[Json], int]]] = {
    "requests to CallFire in a run until its point": lambda said: sum(said["begun"].get(name, 0) for name in LOOKS),
    "changes committed in a run until its point": lambda said: int(said["begun"].get("commit", 0)),
    "webhooks sent in a run until its point": lambda said: int(said["begun"].get("send", 0)),
    "webhooks of one claim at the most, in a run": lambda said: int(said["claimed"]),
    "requests to CallFire that were cut off": lambda said: sum(said["under_way"].get(name, 0) for name in LOOKS),
    "changes whose commit was cut off": lambda said: int(said["under_way"].get("commit", 0)),
    "webhooks that were cut off": lambda said: int(said["under_way"].get("send", 0)),
}
"""Of the runs that ended at a point: those that were killed from outside say nothing."""
