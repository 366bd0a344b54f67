"""Looks that somebody asked for and waits for: each is over when a look of its watch has come in, whoever it was made for."""

import asyncio
from collections.abc import Callable, Iterable

from watcher.core.lanes import REFRESH
from watcher.core.roster import Roster
from watcher.core.schedule import Schedule


class Refreshes:
    """Those of one account. Several who ask for the same watch wait for the same look."""

    def __init__(self, roster: Roster, schedule: Schedule, *, wake: Callable[[], None]) -> None:
        self._roster = roster
        self._schedule = schedule
        self._wake = wake
        self._awaited: dict[int, asyncio.Future[bool]] = {}

    def ask(self, batch_id: int) -> asyncio.Future[bool] | None:
        """Has the watch looked at before all others; a look in flight will do. The future tells whether CallFire answered; None
        where the watch is not open."""
        if batch_id not in self._roster:
            return None
        self._schedule.first(batch_id, "refresh")
        self._wake()
        if batch_id not in self._awaited:
            self._awaited[batch_id] = asyncio.get_running_loop().create_future()
        return self._awaited[batch_id]

    def landed(self, batch_ids: Iterable[int], *, answered: bool) -> None:
        """Looks of these watches are over; those that will be looked at once more all the same are waited for still."""
        if not self._awaited:
            return
        for batch_id in self._awaited.keys() & set(batch_ids):
            row = self._roster.row(batch_id)
            if row is None or self._roster.first[row] != REFRESH:
                self._over(batch_id, answered=answered)

    def shown(self, *, answered: bool) -> None:
        """A page was taken in, which may have shown any of them."""
        self.landed(list(self._awaited), answered=answered)

    def give_up(self) -> None:
        """The account is not polled here any more."""
        for batch_id in list(self._awaited):
            self._over(batch_id, answered=False)

    def _over(self, batch_id: int, *, answered: bool) -> None:
        future = self._awaited.pop(batch_id)
        if not future.done():
            future.set_result(answered)
