"""How shares are spread among replicas: which free ones one takes, and which it gives back so that all have as much to do.

Every replica decides for itself, from what all of them see. Each works out the same plan and carries out its own part of it, so
nothing is agreed on; where two saw something different, the next look puts it right.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterable, Mapping, Sequence
from heapq import heapify, heapreplace
from math import ceil
from typing import Final, NamedTuple

from watcher.core.parts import part_named

LEAST: Final = 0.05
"""What a share weighs that asks for nothing: it is looked after all the same."""
GAIN: Final = 0.05
"""The part of what a replica has by which giving some of it away must make two more alike: less is not worth the handing over."""
FEW: Final = 4
MANY: Final = 0.05
"""So many shares, or such a part of its own where that is more, one replica gives back in a round: the others are polled on."""
ALIKE: Final = 1.6
"""Demands that differ by less than this factor are the same: what asks for a fifth more or less today moves nothing."""


NOTHING: Final[Mapping[str, float]] = {}


class Share(NamedTuple):
    """A share, the replica that has it (None: it is free), and how many requests a second it is thought to need."""

    name: str
    owner: str | None
    demand: float


def to_take(
    me: str,
    replicas: Sequence[str],
    shares: Sequence[Share],
    waiting: Collection[str] = (),
    elsewhere: Mapping[str, float] = NOTHING,
) -> list[str]:
    """The free shares that are mine to take: the heaviest first, each goes to whoever has least, the first by id among equals.

    Those in `waiting` were free the last time already: whoever they were meant for did not come, and I take them. `elsewhere` is
    what replicas have to do for shares that I do not know.
    """
    loads = _loads({*replicas, me}, shares, elsewhere)
    free = sorted((share for share in shares if share.owner is None), key=lambda share: (-_weight(share), share.name))
    taken = [share for share in free if share.name in waiting]
    loads[me] += sum(map(_weight, taken))
    heap = [(load, replica) for replica, load in loads.items()]
    heapify(heap)
    for share in free:
        if share.name in waiting:
            continue
        load, replica = heap[0]
        heapreplace(heap, (load + _weight(share), replica))
        if replica == me:
            taken.append(share)
    return [share.name for share in taken]


def to_give_back(
    me: str,
    replicas: Sequence[str],
    shares: Sequence[Share],
    staying: Collection[str] = (),
    elsewhere: Mapping[str, float] = NOTHING,
    unbegun: Collection[str] = (),
) -> list[str]:
    """The shares that I give back: my part of the moves that make all more alike, as long as each really does.

    Nothing while some are free, for then it is not known yet who will have how much; nor of what is `staying`. Those that are
    `unbegun` nobody polls yet: as long as there are any they alone go, however many. `elsewhere` is as for `to_take`.
    """
    loads = _loads({*replicas, me}, shares, elsewhere)
    if any(share.owner is None for share in shares):
        return []
    idle = set(unbegun).difference(staying)
    has: dict[str, list[tuple[float, str]]] = {replica: [] for replica in loads}
    for share in shares:
        stays = share.name in staying or (idle and share.name not in idle)
        if share.owner in has and not (share.owner == me and stays):
            insort(has[share.owner], (_weight(share), share.name))
    most = len(idle) or max(FEW, ceil(MANY * len(has[me])))
    given: list[str] = []
    while len(given) < most and (move := _best_move(loads, has)) is not None:
        giver, taker, weight, name = move
        loads[giver] -= weight
        loads[taker] += weight
        if giver == me:
            given.append(name)
    return given


def _best_move(loads: dict[str, float], has: dict[str, list[tuple[float, str]]]) -> tuple[str, str, float, str] | None:
    """From whom, to whom, and what: from the one with most that has something which fits the gap to the one with least. It is
    taken out of what the giver has. None where no move would be worth it."""
    taker = min(loads, key=lambda replica: (loads[replica], replica))
    for giver in sorted(loads, key=lambda replica: (-loads[replica], replica)):
        gap = loads[giver] - loads[taker]
        theirs = has[giver]
        fitting = bisect_left(theirs, (gap - GAIN * loads[giver], ""))  # a heavier one would make them no more alike
        if not fitting:
            continue
        above = bisect_right(theirs, (gap / 2, "\U0010ffff"), hi=fitting)
        near = [place for place in (above - 1, above) if 0 <= place < fitting]
        weight, name = theirs.pop(min(near, key=lambda place: abs(theirs[place][0] - gap / 2)))
        return giver, taker, weight, name
    return None


def unpolled(me: str, shares: Iterable[Share], ready: Collection[str]) -> dict[str, int]:
    """By account, how many of its shares nobody polls: nobody has them, or I do, and they are not `ready`."""
    counts: dict[str, int] = {}
    for share in shares:
        idle = share.owner is None or (share.owner == me and share.name not in ready)
        account = part_named(share.name).account
        counts[account] = counts.get(account, 0) + idle
    return counts


def demand_told(before: float, now: float) -> float:
    """What to say that a share needs, where `before` was said last: the same, unless it is really another."""
    now = max(now, LEAST)
    return before if now / ALIKE <= before <= now * ALIKE else now


def _loads(replicas: Iterable[str], shares: Sequence[Share], elsewhere: Mapping[str, float]) -> dict[str, float]:
    loads = {replica: elsewhere.get(replica, 0.0) for replica in sorted(replicas)}
    for share in shares:
        if share.owner in loads:
            loads[share.owner] += _weight(share)
    return loads


def _weight(share: Share) -> float:
    return max(share.demand, LEAST)
