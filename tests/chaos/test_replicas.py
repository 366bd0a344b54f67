"""Replicas that are killed, frozen, and have their database taken away lose nothing, double nothing, and keep to the budgets.

The gate runs a short slice of each campaign and prints its times; `make chaos-replicas` runs them whole.
"""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.database import Database, serving
from tests.chaos.failing_over import fail_over
from tests.chaos.fleet import fleet
from tests.chaos.outages import outages
from tests.chaos.outcome import Outcome
from tests.chaos.relay import address, relays
from tests.chaos.zombies import zombies


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    with serving() as database:
        yield database


def adds_up(outcome: Outcome) -> None:
    """Nothing is wrong; the figures are for who reads the output."""
    print(outcome.figures)
    assert outcome.wrong == []


def test_replicas_that_are_killed_lose_and_double_nothing(database: Database, tmp_path: Path) -> None:
    """Two kills in ten seconds."""
    with fleet(tmp_path, database, accounts=6, rate=2, fail_share=0.0) as ours:
        ours.longest = 4.0
        adds_up(fail_over(ours, "killed", replicas=3, seconds=10, every=1.5, batches=60, draw=random.Random(1)))


def test_an_owner_that_was_frozen_for_longer_than_its_lease_writes_and_asks_nothing(
    database: Database, tmp_path: Path
) -> None:
    with (
        fleet(tmp_path, database, accounts=4, rate=2, fail_share=0.0) as ours,
        relays([address(ours.api)] * 2) as wires,
    ):
        adds_up(zombies(ours, wires, frozen=7.5, times=1, draw=random.Random(1)))


def test_a_database_that_fails_has_nothing_lost_or_doubled(database: Database, tmp_path: Path) -> None:
    """Each trouble that is over at once, and two seconds of one that lasts."""
    names = ("restarted (fast)", "restarted (immediate)", "sessions ended", "commits cut off", "away")
    with fleet(tmp_path, database, accounts=4, rate=2, fail_share=0.0) as ours, relays([database.socket] * 2) as wires:
        adds_up(outages(ours, wires, lasting=2.0, calm=0.5, draw=random.Random(1), names=names))
