"""Open files: how many there may be, and what says so where few are left."""

import resource
import sys
from collections.abc import Callable
from typing import Final

from watcher.core.files import Room, over, room
from watcher.core.news import FilesFew, FilesPlenty, Tell
from watcher.http.files import next_number
from watcher.ports import Clock

EVERY: Final = 1.0
"""Seconds between two looks at it."""


def limit() -> int:
    """How many files the process may have open now. It can be changed from outside while it runs."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def room_at(number: int) -> Room:
    """What there is room for, where a new file has got this number."""
    return room(number, limit())


class Files:
    """A worker that says when few are left, and when there is room again."""

    name: Final = "files"

    def __init__(
        self,
        *,
        clock: Clock,
        tell: Tell,
        next_number: Callable[[], int | None] = next_number,
        limit: Callable[[], int] = limit,
    ) -> None:
        self._clock = clock
        self._tell = tell
        self._next_number = next_number
        self._limit = limit
        self._few = False

    async def step(self) -> None:
        """Looks once, a moment later."""
        await self._clock.sleep(EVERY)
        most = self._limit()
        number = self._next_number()
        if self._few:
            if number is not None and over(number, most):
                self._few = False
                self._tell(FilesPlenty(limit=most))
        elif number is None or room(number, most) is not Room.PLENTY:
            self._few = True
            self._tell(FilesFew(limit=most))
