"""Killed at any moment, the service loses nothing and doubles nothing, on either store: the true end of each batch is learnt,
each is submitted once, numbers go 1..n, every event is accepted, repeated only under its own id, and the budget holds over all
restarts.

The gate runs each point once and a few random moments; `make chaos` runs ten times as many of each.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.kept import OnPostgres, OnSqlite, Place
from tests.chaos.nursery import Nursery
from tests.chaos.rounds import ALL_POINTS, MOMENT, loaded, round_of
from tests.store.postgres_server import Server, running

MOMENTS = 4


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with loaded() as ours:
        yield ours


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as server:
        yield server


def adds_up(folder: Path, nursery: Nursery, place: Place) -> None:
    points = (*ALL_POINTS, *[MOMENT] * MOMENTS)
    told = round_of(folder, nursery, place, points=points, runs=len(points), seed=1)
    assert told.wrong == []
    assert told.kills == {**dict.fromkeys(ALL_POINTS, 1), MOMENT: MOMENTS}
    assert min(told.events, told.submitted, told.requests) > 0


def test_killed_at_every_point_on_sqlite_nothing_is_lost_or_doubled(tmp_path: Path, nursery: Nursery) -> None:
    adds_up(tmp_path, nursery, OnSqlite(tmp_path / "watcher.db"))


def test_killed_at_every_point_on_postgres_nothing_is_lost_or_doubled(
    tmp_path: Path, nursery: Nursery, server: Server
) -> None:
    adds_up(tmp_path, nursery, OnPostgres(server, server.make()))
