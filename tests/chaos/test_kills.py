"""Killed at any moment, the service loses nothing and doubles nothing: the true end of each batch is learnt, numbers go 1..n,
every event is accepted, repeated only under its own id, and the budget holds over all restarts.

The gate runs a short slice of each campaign; `make chaos` runs them whole.
"""

import contextlib
import random
import time
from http import client as http_client
from pathlib import Path

import pytest

from tests.chaos.campaign import Campaign, campaign, http, verify
from tests.chaos.crashing import POINTS

SHORT = {"new_for": 0.2, "validating_for": 0.6}


def die_at(ours: Campaign, point: str, nth: int, draw: random.Random) -> None:
    """Adds batches and has the daemon follow them until it dies at the point; then asks for them again, as a client would."""
    ids = ours.add(4, new_for=draw.uniform(0, 0.4), validating_for=draw.uniform(0.1, 0.8), end=draw.choice(ENDS))
    ours.start(point, nth)
    deadline = time.monotonic() + 20
    while ours.url and not ours.gone(0.0):  # without a URL it died before it listened: there was work left from before
        assert time.monotonic() < deadline, f"{point} was not reached {nth} times: {ours.log()[-2000:]}"
        with contextlib.suppress(OSError, http_client.HTTPException):  # it dies while we ask
            ours.follow(ids)
        if ours.gone(0.4):
            return
        ids = ours.add(2, **SHORT)
    assert ours.url or ours.gone(5)


ENDS = ("ACTIVE", "ACTIVE", "ERRORS", "SOURCE_ERROR")


def end_well(ours: Campaign, seconds: float = 90) -> None:
    """Starts it a last time, asks for all batches again (following is idempotent), waits for the end, and adds up."""
    ours.start()
    ours.follow(ours.ids)
    deadline = time.monotonic() + seconds
    while owed := ours._owed():
        assert time.monotonic() < deadline, f"{owed}\n{ours.log()[-3000:]}"
        time.sleep(0.2)
    watches, events = ours.watches(), ours.events()
    ours.finish(10)
    verify(ours, watches, events)


def crash_points(folder: Path, times: int, seed: int) -> None:
    draw = random.Random(seed)
    with campaign(folder, rate=40) as ours:
        for point in POINTS:
            for _ in range(times):
                # A batch makes up to three commits, deliveries and settlements; looks are saved ten times a second.
                die_at(ours, point, 1 if "follow" in point else draw.randint(1, 6), draw)
        assert ours.kills == times * len(POINTS)
        end_well(ours)


def random_kills(folder: Path, batches: int, kills: int, seed: int) -> None:
    draw = random.Random(seed)
    with campaign(folder, rate=40, fail_share=0.05) as ours:
        http(f"{ours.control}/faults", {"mixed": 0.1})
        ours.start()
        for _ in range(kills):
            for _ in range(5):
                ids = ours.add(
                    batches // kills // 5,
                    new_for=draw.uniform(0, 1.0),
                    validating_for=draw.uniform(0.1, 3.0),
                    end=draw.choice(ENDS),
                )
                ours.follow(ids)
            time.sleep(draw.uniform(0.0, 1.5))
            ours.kill()
            ours.start()
        ours.kill()
        assert len(ours.ids) == batches
        end_well(ours, 180)


def test_every_crash_point_leaves_nothing_lost_or_doubled(tmp_path: Path) -> None:
    """Once each; twenty times each in the long campaign."""
    crash_points(tmp_path, times=1, seed=1)


def test_kills_at_random_moments_under_faults_leave_nothing_lost_or_doubled(tmp_path: Path) -> None:
    """60 batches, 4 kills; 300 and 20 in the long campaign."""
    random_kills(tmp_path, batches=60, kills=4, seed=1)


@pytest.mark.campaign
def test_every_crash_point_twenty_times(tmp_path: Path) -> None:
    """The long campaign."""
    crash_points(tmp_path, times=20, seed=2)


@pytest.mark.campaign
def test_300_batches_10_percent_faults_20_kills(tmp_path: Path) -> None:
    """The long campaign."""
    random_kills(tmp_path, batches=300, kills=20, seed=2)
