"""A minute of everything that comes and goes: the daemon keeps nothing of it. `make soak` is twenty, with 50,000 watches.

Memory and files are judged there: in a minute both still get to the size that they stay at.
"""

from pathlib import Path

from tests.chaos.soak.soak import Plan, soak

PLAN = Plan(watches=2_000, warm_up=12.0, seconds=45.0, pace=0.5, age=10.0, every=1.0, rate=20.0, blocks=15)
AT_ONCE = {"open files", "tasks", "threads"}
"""What shows within a minute that something of each request, stream, endpoint or reload is left."""
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


async def test_a_minute_of_all_that_comes_and_goes_leaves_nothing_open_and_nothing_unexpected_in_the_log(
    tmp_path: Path,
) -> None:
    told = await soak(PLAN, tmp_path)
    assert told.wrong == []
    assert {each.name: each.wrong for each in told.judged if each.name in AT_ONCE} == dict.fromkeys(AT_ONCE, "")
    assert told.done.keys() == DONE
