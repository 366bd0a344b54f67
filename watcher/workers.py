"""The only loop and the only supervision: workers, which take one step after another, and the errands they start.

A worker only chooses and waits, so it can be cancelled at any moment; what must not be cut off (a request in flight, and
what is done with its answer) is an errand, which is given time to end.
"""

import asyncio
import traceback
from collections.abc import Callable, Coroutine, Iterable
from functools import partial
from types import TracebackType
from typing import Final, Protocol, Self

from watcher.core.news import LoopLag, Tell, WorkerFailed, WorkerRecovered
from watcher.ports import Clock

FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 30.0
"""Seconds between a failed step and the next one: doubling from the first to the longest, drawn from the upper half."""


Heed = Callable[[BaseException], bool]
"""Is told what an errand raised; whether that is dealt with, and nobody else needs to know."""


class Worker(Protocol):
    """One `step` after another. A step that has nothing to do waits inside."""

    @property
    def name(self) -> str: ...

    async def step(self) -> None: ...


def _not(_: BaseException) -> bool:
    return False


class Crew:
    """Runs workers and errands. None of them takes another down; leaving the context ends all of them in good order.

    On the way out workers are cancelled first, then errands have `grace` seconds to end, then they are cancelled too. `rest`
    begins with that while the context still lasts.
    """

    def __init__(self, *, clock: Clock, tell: Tell, grace: float = 20.0) -> None:
        self._clock = clock
        self._tell = tell
        self._grace = grace
        self._group = asyncio.TaskGroup()
        self._workers: set[asyncio.Task[None]] = set()
        self._errands: set[asyncio.Task[None]] = set()
        self._deadline: float | None = None

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
            # The body's error is not handed to the group, which would wrap it: whoever catches it knows it by its own name.
            await self._group.__aexit__(None, None, None)

    def hire(self, worker: Worker) -> "asyncio.Task[None]":
        """Has the worker step until the crew is dismissed, or the task that is given is cancelled."""
        task = self._group.create_task(self._work(worker), name=worker.name)
        self._workers.add(task)
        task.add_done_callback(self._workers.discard)
        return task

    def errand(self, name: str, errand: Coroutine[object, object, None]) -> None:
        """Runs the coroutine to its end beside everything else. What it raises is told, and stays here."""
        self.begin(name, errand, _not)

    def begin(self, name: str, errand: Coroutine[object, object, None], heed: Heed) -> "asyncio.Task[None]":
        """As `errand`; what it raises is told but where it is heeded."""
        task = self._group.create_task(self._run(name, errand, heed), name=name)
        self._errands.add(task)
        task.add_done_callback(partial(self._ended, errand))
        return task

    async def rest(self) -> None:
        """Cancels the workers, so that nothing new is begun. From the first call on the errands have `grace` seconds."""
        if self._deadline is None:
            self._deadline = asyncio.get_running_loop().time() + self._grace
        await _end(self._workers)

    async def dismiss(self) -> None:
        """Rests, waits for the errands as long as they have time, and cancels those that take longer."""
        await self.rest()
        if self._deadline is not None:
            await _end_by(self._deadline, self._errands)

    async def _work(self, worker: Worker) -> None:
        failures = 0
        while True:
            error = await _failure(worker.step())
            if error is not None:
                pause = self._pause(failures)
                failures += 1
                self._tell(_told(worker.name, error, pause))
                del error  # it holds on to all the frames it came through
                await self._clock.sleep(pause)
            elif failures:
                failures = 0
                self._tell(WorkerRecovered(worker=worker.name))

    async def _run(self, name: str, errand: Coroutine[object, object, None], heed: Heed) -> None:
        error = await _failure(errand)
        if error is not None and not heed(error):
            self._tell(_told(name, error, pause=0.0))

    def _ended(self, errand: Coroutine[object, object, None], task: asyncio.Task[None]) -> None:
        self._errands.discard(task)
        errand.close()  # where the task was cancelled before it began, nobody else would

    def _pause(self, failures: int) -> float:
        longest = min(FIRST_PAUSE * 2.0 ** min(failures, 10), LONGEST_PAUSE)
        return longest * (0.5 + 0.5 * self._clock.draw())


class Team:
    """Those of a crew that work for the same thing, and end together while the crew goes on. `heed` is asked about what their
    errands raise: whether that is dealt with."""

    def __init__(self, crew: Crew, heed: Heed) -> None:
        self._crew = crew
        self._heed = heed
        self._workers: set[asyncio.Task[None]] = set()
        self._errands: set[asyncio.Task[None]] = set()

    def hire(self, worker: Worker) -> None:
        """Has the worker step until the team rests."""
        task = self._crew.hire(worker)
        self._workers.add(task)
        task.add_done_callback(self._workers.discard)

    def errand(self, name: str, errand: Coroutine[object, object, None]) -> None:
        """Runs the coroutine to its end, unless the team is dropped before."""
        task = self._crew.begin(name, errand, self._heed)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def rest(self, grace: float) -> None:
        """Nothing new is begun; returns when all errands have ended, or were cancelled after so many seconds."""
        deadline = asyncio.get_running_loop().time() + grace
        await _end(self._workers)
        await _end_by(deadline, self._errands)

    def drop(self) -> None:
        """Ends everybody at once."""
        for task in (*self._workers, *self._errands):
            task.cancel()


async def _failure(work: Coroutine[object, object, None]) -> BaseException | None:
    """Runs it; what it raised, None where it came to its end."""
    try:
        await work
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # Nobody asked this task to end: what it waited for was cancelled, and that is a failure like any other.
        return error
    except Exception as error:  # noqa: BLE001 # supervised: the one place where any failure of a worker or an errand is caught
        return error
    return None


def _told(name: str, error: BaseException, pause: float) -> WorkerFailed:
    return WorkerFailed(
        worker=name,
        error=f"{type(error).__name__}: {error}",
        pause=pause,
        trace="".join(traceback.format_exception(error)),
    )


async def _end_by(deadline: float, errands: set[asyncio.Task[None]]) -> None:
    """Waits until all have ended, also those that others of them begin meanwhile; cancels what takes longer than that."""
    while errands and (left := deadline - asyncio.get_running_loop().time()) > 0:
        await asyncio.wait(errands, timeout=left)
    await _end(errands)


async def _end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancels the tasks and waits until they have ended."""
    ending = set(tasks)
    for task in ending:
        task.cancel()
    if ending:
        await asyncio.wait(ending)


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
