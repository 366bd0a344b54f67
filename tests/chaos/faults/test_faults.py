"""A slice of `make chaos-faults`, and what it goes by: which faults meet, and how the least of what goes wrong is found."""

import random
from collections.abc import Iterator, Sequence

import pytest

from tests.chaos.faults.matrix import pairs_of, pairwise, shrunk, steady, unmet, walks
from tests.chaos.faults.phases import Faults
from tests.chaos.faults.walking import walk
from tests.store.postgres_server import Server, running

PAIRS = pairwise(random.Random(10))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as server:
        yield server


def test_every_two_faults_of_different_kinds_meet() -> None:
    assert unmet(PAIRS) == set()


def test_two_faults_that_never_met_are_missed() -> None:
    [*others, last] = PAIRS
    assert unmet(others) == set(pairs_of(last)) - {pair for phase in others for pair in pairs_of(phase)} != set()


def test_nothing_is_lost_or_doubled_whatever_two_faults_come_together() -> None:
    """A fifth of the sets that have all pairs; the campaign has all."""
    wrong = [walk(phases, seed=seed, lasting=6).wrong for seed, phases in enumerate(walks(PAIRS[:40], 20))]
    assert wrong == [[]] * 2


def test_nobody_is_late_whom_nothing_befalls() -> None:
    """Where neither the store nor the clock is in trouble: a quarter of the faults of CallFire and of receivers, and receivers
    that hang for longer than anybody may be late."""
    assert walk([*steady()[::4], *[Faults(receivers="hang")] * 3], seed=10, lasting=8).wrong == []


def test_nothing_is_lost_or_doubled_on_postgresql(server: Server) -> None:
    assert walk(PAIRS[-4:], seed=10, lasting=6, server=server).wrong == []


def test_of_what_goes_wrong_the_least_is_shown_that_still_does() -> None:
    def fails(phases: Sequence[Faults]) -> bool:
        return any(phase.store == "full" for phase in phases)

    assert shrunk([*PAIRS, Faults("429", "full", "410", "back 1 h")], fails) == [Faults(store="full")]
