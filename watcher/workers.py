"""The only loop and the only supervision: workers, which take one step after another, and the errands they start.

A worker only chooses and waits, so it can be cancelled at any moment; what must not be cut off (a request in flight, and
what is done with its answer) is an errand, which is given time to end.
"""

import asyncio
import traceback
from collections.abc import Coroutine
from types import TracebackType
from typing import Final, Protocol, Self

from watcher.core.news import LoopLag, Tell, WorkerFailed, WorkerRecovered
from watcher.ports import Clock

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
"""Seconds between a failed step and the next one: doubling from the first to the longest, drawn from the upper half."""


class Worker(Protocol):
    """One `step` after another. A step that has nothing to do waits inside."""

    @property
    def name(self) -> str: ...

    async def step(self) -> None: ...


class Crew:
    """Runs workers and errands. None of them takes another down; leaving the context ends all of them in good order.

    On the way out workers are cancelled first, then errands have `grace` seconds to end, then they are cancelled too.
    """

    def __init__(self, *, clock: Clock, tell: Tell, grace: float = 20.0) -> None:
        self._clock = clock
        self._tell = tell
        self._grace = grace
        self._group = asyncio.TaskGroup()
        self._workers: set[asyncio.Task[None]] = set()
        self._errands: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self.dismiss()
        finally:
            for task in (*self._workers, *self._errands):
                task.cancel()
            await self._group.__aexit__(kind, error, trace)

    def hire(self, worker: Worker) -> None:
        """Has the worker step until the crew is dismissed."""
        self._keep(self._workers, self._work(worker), worker.name)

    def errand(self, name: str, errand: Coroutine[object, object, None]) -> None:
        """Runs the coroutine to its end beside everything else. What it raises is told, and stays here."""
        self._keep(self._errands, self._run(name, errand), name)

    async def dismiss(self) -> None:
        """Cancels the workers and waits for the errands, at most `grace` seconds."""
        for task in self._workers:
            task.cancel()
        if self._workers:
            await asyncio.wait(self._workers)
        if self._errands:
            await asyncio.wait(self._errands, timeout=self._grace)

    def _keep(self, kept: set[asyncio.Task[None]], work: Coroutine[object, object, None], name: str) -> None:
        task = self._group.create_task(work, name=name)
        kept.add(task)
        task.add_done_callback(kept.discard)

    async def _work(self, worker: Worker) -> None:
        failures = 0
        while True:
            failed = await self._guard(worker.name, worker.step(), failures)
            if failed:
                await self._clock.sleep(self._pause(failures))
                failures += 1
            elif failures:
                failures = 0
                self._tell(WorkerRecovered(worker=worker.name))

    async def _run(self, name: str, errand: Coroutine[object, object, None]) -> None:
        await self._guard(name, errand, 0)

    async def _guard(self, name: str, work: Coroutine[object, object, None], failures: int) -> bool:
        """Runs it; whether it failed."""
        try:
            await work
        except Exception as error:  # noqa: BLE001 # supervised: the one place where any failure is caught
            self._tell(
                WorkerFailed(
                    worker=name,
                    error=f"{type(error).__name__}: {error}",
                    pause=min(FIRST_PAUSE * 2.0 ** min(failures, 10), LONGEST_PAUSE),
                    trace="".join(traceback.format_exception(error)),
                )
            )
            return True
        return False

    def _pause(self, failures: int) -> float:
        longest = min(FIRST_PAUSE * 2.0 ** min(failures, 10), LONGEST_PAUSE)
        return longest * (0.5 + 0.5 * self._clock.draw())


class Pulse:
    """Feels how late the event loop wakes a sleeper."""

    name: Final = "pulse"

    def __init__(self, *, clock: Clock, tell: Tell, every: float = 1.0) -> None:
        self._clock = clock
        self._tell = tell
        self._every = every
        self.last_beat = clock.monotonic()

    async def step(self) -> None:
        before = self._clock.monotonic()
        await self._clock.sleep(self._every)
        self.last_beat = self._clock.monotonic()
        self._tell(LoopLag(seconds=max(self.last_beat - before - self._every, 0.0)))
