"""The same that befalls many accounts at once: the first are logged one by one, all others in a line together."""

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from watcher.ports import Clock

FIRST: Final = 10
"""So many within WITHIN seconds are logged one by one."""
WITHIN: Final = 60.0
TOGETHER: Final = 5.0
"""Seconds after the first of the others when they are logged together: a crowd that takes longer to come is logged in several."""
NAMED: Final = 10
"""Accounts that such a line names."""


class Crowd(NamedTuple):
    """So many others, and the names of a few of them."""

    event: str
    many: int
    names: tuple[str, ...]


@dataclass(slots=True)
class _Others:
    """Since when, in monotonic seconds."""

    since: float
    count: int
    names: list[str]


class Crowds:
    """Of each event whom it befell lately, and whom it befell that nothing was logged of yet."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._alone: dict[str, deque[float]] = defaultdict(lambda: deque(maxlen=FIRST))
        self._others: dict[str, _Others] = {}

    def alone(self, event: str, who: str) -> bool:
        """Whether it is to be logged by itself; where not it is counted among the others."""
        now, last = self._clock.monotonic(), self._alone[event]
        if len(last) < FIRST or now - last[0] >= WITHIN:
            last.append(now)
            return True
        others = self._others.setdefault(event, _Others(since=now, count=0, names=[]))
        others.count += 1
        if len(others.names) < NAMED:
            others.names.append(who)
        return False

    def gathered(self, *, all_of_them: bool = False) -> Iterator[Crowd]:
        """The others that are to be logged now, each once."""
        if not self._others:
            return
        now = self._clock.monotonic()
        for event, others in list(self._others.items()):
            if all_of_them or now - others.since >= TOGETHER:
                del self._others[event]
                yield Crowd(event, others.count, tuple(others.names))
