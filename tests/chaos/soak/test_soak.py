"""A minute of everything that comes and goes: the daemon keeps nothing of it. `make soak` is twenty, with 50,000 watches.

Memory, files and delays are judged there; here only roughly, for in a minute they still get to the size that they stay at.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.chaos.soak.judging import Judged
from tests.chaos.soak.soak import Plan, soak

PLAN = Plan(watches=2_000, warm_up=12.0, seconds=45.0, pace=0.5, age=10.0, every=1.0, rate=20.0, blocks=15)
ROUGHLY: Final = {
    "memory, resident": 4.0,
    "memory, its own": 4.0,
    "open files": 3.0,
    "tasks": 3.0,
    "threads": 0.5,
    "database, without watches": 1.0,
    "write-ahead log": 1.0,
}
"""By how much each may surely grow while it is measured: some three times what a daemon without a leak does. Of files, tasks and
threads one too many shows that something of each request, stream, endpoint or reload is left."""
LATER: Final = 0.5
"""By which share of their level answers and webhooks may surely come later."""
BUSY: Final = 0.1
"""Seconds that they may come later in any case: other tests begin and end meanwhile."""
DONE = {
    "batches that came, ended and were removed",
    "bytes of streams",
    "endpoints made and removed",
    "pages read",
    "reloads",
    "streams opened and closed",
    "tokens made and removed",
    "watches removed and followed again",
    "webhooks",
}


def leaks(judged: Sequence[Judged]) -> dict[str, float]:
    """What surely grew by more than that, and by how much at least."""
    delays = {each.name: max(LATER * each.trend.level, BUSY) for each in judged if each.name.startswith("delay")}
    bounds = ROUGHLY | delays
    grown = {each.name: each.trend.surely for each in judged if each.name in bounds}
    return {name: surely for name, surely in grown.items() if surely > bounds[name]}


async def test_a_minute_of_all_that_comes_and_goes_leaves_nothing_open_and_nothing_unexpected_in_the_log(
    tmp_path: Path,
) -> None:
    told = await soak(PLAN, tmp_path)
    assert told.wrong == []
    assert leaks(told.judged) == {}
    assert told.done.keys() == DONE
