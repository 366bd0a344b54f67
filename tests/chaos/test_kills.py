"""Killed at any moment, the service loses nothing and doubles nothing, on either store: the true end of each batch is learnt,
each is submitted once, numbers go 1..n, every event is accepted, repeated only under its own id, and the budget holds over all
restarts.

The gate runs each point once, on one store or the other, and a few random moments; `make chaos` runs all of them on both, ten
times and more.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.chaos.crashing import ALL_POINTS
from tests.chaos.kept import OnPostgres, OnSqlite, Place
from tests.chaos.killing import CALM, MOMENT
from tests.chaos.nursery import Nursery
from tests.chaos.rounds import loaded, round_of
from tests.store.postgres_server import Server, running

MOMENTS = 3
ON_SQLITE = (*ALL_POINTS[0::4], *ALL_POINTS[3::4])
ON_POSTGRES = (*ALL_POINTS[1::4], *ALL_POINTS[2::4])


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with loaded() as ours:
        yield ours


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as server:
        yield server


def adds_up(folder: Path, nursery: Nursery, place: Place, points: Sequence[str]) -> None:
    runs = (*points, *[MOMENT] * MOMENTS)
    told = round_of(folder, nursery, place, points=runs, runs=len(runs), seed=1)
    assert told.wrong == []
    assert told.kills == {**dict.fromkeys(points, 1), MOMENT: MOMENTS, CALM: 1}
    assert min(told.events, told.submitted, told.requests) > 0


def test_killed_anywhere_on_sqlite_nothing_is_lost_or_doubled(tmp_path: Path, nursery: Nursery) -> None:
    adds_up(tmp_path, nursery, OnSqlite(tmp_path / "watcher.db"), ON_SQLITE)


def test_killed_anywhere_on_postgres_nothing_is_lost_or_doubled(
    tmp_path: Path, nursery: Nursery, server: Server
) -> None:
    adds_up(tmp_path, nursery, OnPostgres(server, server.make()), ON_POSTGRES)
