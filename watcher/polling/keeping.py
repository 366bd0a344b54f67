"""The regular saving of what pollers have seen and learnt, and telling how things stand."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from watcher.polling.following import Polling
from watcher.ports import Clock, LeaseLost, StoreError

Report = Callable[[], Awaitable[None]]

REPORTED: Final = 5.0
"""Seconds after which it is told anew how things stand, however seldom looks are saved: a gauge must not be old."""
LEARNT_KEPT: Final = 60.0
"""Seconds after which what was learnt of durations is kept anew: it costs some milliseconds an account, and changes little in
a minute."""


class Keeper:
    """Saves the last looks of all accounts every `every` seconds, what they have learnt every LEARNT_KEPT, and tells how things
    stand every `every` and every REPORTED. `lost` is told of a share that turns out to be polled by another replica."""

    name: Final = "keeper"

    def __init__(
        self,
        polling: Polling,
        *,
        reports: Sequence[Report],
        clock: Clock,
        every: float,
        lost: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._polling = polling
        self._reports = reports
        self._lost = lost
        self._clock = clock
        self._every = every
        self._unsaved_for = 0.0
        self._unkept_for = 0.0

    async def step(self) -> None:
        pause = min(self._every - self._unsaved_for, REPORTED)
        await self._clock.sleep(pause)
        self._unsaved_for += pause
        self._unkept_for += pause
        if self._unsaved_for < self._every:
            await _each(*self._all_reports())
            return
        self._unsaved_for = 0.0
        learnt = self._unkept_for >= LEARNT_KEPT
        if learnt:
            self._unkept_for = 0.0
        await _each(partial(self.save, learnt=learnt), *self._all_reports())

    async def save(self, *, learnt: bool = True) -> None:
        """Saves what is not saved yet, of all accounts; but for what was `learnt` of durations, where that can wait. Raises
        StoreError after the last, where any could not be saved."""
        for_all = self._polling.here()
        jobs = [
            partial(self._of, share, job)
            for share, poller in for_all
            for job in (poller.standing.save, poller.learner.save_looks)
        ]
        kept: list[Report] = [partial(self._of, share, poller.save_learnt) for share, poller in for_all]
        await _each(*jobs, *([*kept, self._polling.ranks.save] if learnt else []))

    def _all_reports(self) -> list[Report]:
        return [*(partial(self._of, share, poller.report) for share, poller in self._polling.here()), *self._reports]

    async def _of(self, share: str, job: Report) -> None:
        """Does something for a share that is polled here; one that turns out to be polled by another replica is lost."""
        try:
            await job()
        except LeaseLost:
            self._lost(share)


async def _each(*jobs: Report) -> None:
    """Does all of them, whatever the store makes of one; raises its first error at the end."""
    errors: list[StoreError] = []
    for job in jobs:
        try:
            await job()
        except StoreError as error:
            errors.append(error)
    if errors:
        raise errors[0]
