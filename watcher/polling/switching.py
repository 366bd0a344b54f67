"""Switching batches on and off: CallFire is told once or more often, which does no harm, and asked what it then shows."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from functools import partial

from watcher.core.answers import Kind, SwitchAnswer, account_answer, look_of
from watcher.core.model import Batch
from watcher.core.roster import Roster
from watcher.polling.learning import Learner
from watcher.polling.standing import Standing
from watcher.ports import Clock, Switched, Upstream


@dataclass(slots=True, kw_only=True)
class _Job:
    """A batch that somebody wants on or off, and what came of it so far. `given_up`: nobody waits for it any more."""

    batch_id: int
    enabled: bool
    answer: SwitchAnswer | None = None
    batch: Batch | None = None
    given_up: bool = False
    done: asyncio.Event = field(default_factory=asyncio.Event)


class Switches:
    """What one account's batches are to be switched to. Somebody waits for each, so it goes first, and is not kept."""

    def __init__(
        self,
        *,
        standing: Standing,
        upstream: Upstream,
        roster: Roster,
        learner: Learner,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        self._standing = standing
        self._upstream = upstream
        self._roster = roster
        self._learner = learner
        self._clock = clock
        self._wake = wake
        self._jobs: deque[_Job] = deque()

    @property
    def wanted(self) -> bool:
        """Whether there is something to ask."""
        return bool(self._jobs)

    async def switch(self, batch_id: int, enabled: bool, wait: float) -> Switched:
        """Has the batch switched, within so many seconds; what came of it."""
        job = _Job(batch_id=batch_id, enabled=enabled)
        self._jobs.append(job)
        self._wake()
        try:
            await self._clock.wait(job.done, wait)
        finally:
            job.given_up = True
        return Switched(answer=job.answer, batch=job.batch)

    def choose(self) -> Callable[[], Coroutine[object, object, None]] | None:
        """The next request; None where there is none."""
        while self._jobs:
            job = self._jobs.popleft()
            if not job.given_up:
                return partial(self._tell, job) if job.answer is None else partial(self._look, job)
        return None

    async def _tell(self, job: _Job) -> None:
        """Tells CallFire; then it is asked, also where no answer came, for it may have heard."""
        answer = await self._upstream.switch(job.batch_id, job.enabled)
        heard = account_answer(answer)
        if heard is not None:
            await self._standing.heed(heard)
        if answer.kind in (Kind.THROTTLED, Kind.UNASKED):
            self._again(job)
        elif answer.done or answer.kind is Kind.FAILED:
            job.answer = answer
            self._again(job)
        else:
            job.answer = answer
            job.done.set()

    async def _look(self, job: _Job) -> None:
        answer = await self._upstream.look(job.batch_id)
        await self._standing.heed(answer)
        if answer.kind in (Kind.THROTTLED, Kind.UNASKED):
            self._again(job)
            return
        job.batch = answer.batch
        job.done.set()
        look = look_of(answer)
        if look is not None and answer.kind is Kind.SEEN and job.batch_id in self._roster:
            await self._learner.take_in(job.batch_id, look, "refresh")

    def _again(self, job: _Job) -> None:
        self._jobs.append(job)
        self._wake()
