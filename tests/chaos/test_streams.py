"""Whoever follows the stream of events with Last-Event-ID gets each event once and in order, however often the daemon is killed,
restarted, or the connection breaks."""

import random
import threading
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from tests.chaos.campaign import campaign
from tests.chaos.faults.alone import until
from tests.chaos.followers import Follower

FOLLOWERS = 5


def have_come(followers: Sequence[Follower], times: int) -> bool:
    return all(each.connections >= times for each in followers)


def follow_through(folder: Path, kills: int, per_kill: int, seed: int) -> None:
    draw = random.Random(seed)
    with campaign(folder, rate=40) as ours:
        ours.start()
        followers = [Follower(ours, patience=1 + 7 * number) for number in range(FOLLOWERS)]
        threads = [
            threading.Thread(target=each.run, name=f"follower {number}") for number, each in enumerate(followers)
        ]
        for thread in threads:
            thread.start()
        try:
            for number in range(kills):
                ids = ours.add(
                    per_kill, new_for=draw.uniform(0, 0.5), validating_for=draw.uniform(0.1, 1.0), end="ACTIVE"
                )
                ours.follow(ids)
                time.sleep(draw.uniform(0.2, 1.2))
                until(partial(have_come, followers, number + 1), 60, "all have come")
                ours.kill()
                ours.start()
            ours.follow(ours.ids)
            deadline = time.monotonic() + 300
            while ours.owed():
                assert time.monotonic() < deadline, ours.owed()
                time.sleep(0.1)
            expected = [(event["position"], event["id"]) for event in ours.events()]
            while any(len(each.got) < len(expected) for each in followers):
                assert time.monotonic() < deadline, [len(each.got) for each in followers]
                time.sleep(0.05)
        finally:
            for each in followers:
                each.over.set()
            for thread in threads:
                thread.join(60)
        assert ours.kills == kills
        for each in followers:
            assert each.got == expected
            assert each.connections > kills
        ours.finish(60)


def test_followers_of_the_stream_miss_nothing_and_get_nothing_twice_over_kills(tmp_path: Path) -> None:
    """3 kills; 20 in the long campaign."""
    follow_through(tmp_path, kills=3, per_kill=8, seed=1)


@pytest.mark.campaign
def test_followers_over_20_kills(tmp_path: Path) -> None:
    """The long campaign."""
    follow_through(tmp_path, kills=20, per_kill=30, seed=2)
