"""Few files left are said once, and once that there is room again."""

import resource
import sys

import pytest

from tests.fakes import Ear, FakeClock
from watcher.app import files
from watcher.app.files import Files, room_at
from watcher.core.files import Room
from watcher.core.news import FilesFew, FilesPlenty
from watcher.http.files import next_number


async def test_it_is_said_when_it_begins_and_when_it_is_over() -> None:
    """Not again with each client that comes and goes meanwhile."""
    numbers: list[int | None] = [900, 960, 950, None, 970, 896, 895, 100, None]
    ear = Ear()
    worker = Files(clock=FakeClock(), tell=ear, next_number=lambda: numbers.pop(0), limit=lambda: 1024)
    while numbers:
        await worker.step()
    assert ear.heard == [FilesFew(limit=1024), FilesPlenty(limit=1024), FilesFew(limit=1024)]


def test_the_number_of_the_next_file_is_found_without_keeping_it_and_none_where_there_can_be_none() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    free = next_number()
    assert free is not None
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
        found = (next_number(), room_at(free), files.limit())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert (found, next_number()) == ((None, Room.NONE, free), free)


def test_where_the_system_has_no_limit_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert (files.limit(), room_at(10**6)) == (sys.maxsize, Room.PLENTY)
