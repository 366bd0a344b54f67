"""A thread with a SQLite connection of its own, which takes all waiting jobs and runs them in one transaction.

A first job need not wait; what arrives while the last commit runs is committed together (group commit).
"""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import Any, Final, NamedTuple, TypeVar

from watcher.core.news import StoreFailed, StoreRecovered, StoreTook, Tell
from watcher.ports import Clock, StoreError
from watcher.store.failures import explain, is_trouble
from watcher.store.lanes import PING

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
"""What is done with the connection inside a transaction. It may run a second time, when the first was rolled back."""

MOST: Final = 500
"""Jobs in one transaction, so that the first of them does not wait for long."""


class Job(NamedTuple):
    operation: str
    work: Work[Any]
    future: asyncio.Future[Any]
    started: float


class Outcome(NamedTuple):
    """What came of a job: a result, or the error that kept it from being done. `wrote` says that the disk took something."""

    job: Job
    result: Any
    error: Exception | None
    wrote: bool


class Lane:
    """Runs jobs one after another in the order in which they came, each in a transaction that it shares with its neighbours.

    Every job is done durably when `run` returns, or not at all when it raises. For one event loop. `writes` makes it take
    the write lock at once; `committed` and `spoiled` are called in the thread after each commit and each rollback, for what was
    remembered meanwhile.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        place: str,
        writes: bool,
        tell: Tell,
        clock: Clock,
        committed: Callable[[], None] = lambda: None,
        spoiled: Callable[[], None] = lambda: None,
    ) -> None:
        self._connection = connection
        self._place = place
        self._writes = writes
        self._begin = "BEGIN IMMEDIATE" if writes else "BEGIN"
        self._tell = tell
        self._clock = clock
        self._committed = committed
        self._spoiled = spoiled
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[Job | None] = SimpleQueue()
        self._unanswered: set[asyncio.Future[Any]] = set()
        self._ended = asyncio.Event()
        self._closed = False
        self._failing: str | None = None
        self._thread = threading.Thread(
            target=self._live, name=f"store {'writer' if writes else 'reader'}", daemon=True
        )
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread is there, without which nothing is done any more."""
        return self._thread.is_alive() and not self._ended.is_set()

    async def run(self, operation: str, work: Work[T]) -> T:
        """What the work gave, after its transaction was committed. Raises StoreError where nothing was done."""
        if self._closed:
            raise StoreError(f"{self._place} is closed")
        future: asyncio.Future[T] = self._loop.create_future()
        self._unanswered.add(future)
        self._queue.put(Job(operation, work, future, self._clock.monotonic()))
        try:
            return await future
        except StoreError:
            raise
        except Exception as error:  # whatever a job raises is the failure of that job, and of nothing else
            raise StoreError(explain(error, self._place)) from error

    async def close(self) -> None:
        """Waits for all jobs, then ends the thread and closes the connection."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await self._ended.wait()
        self._thread.join()

    # In the thread

    def _live(self) -> None:
        try:
            while self._take():
                pass
            if self._writes:
                with contextlib.suppress(sqlite3.Error):  # whatever stays in the WAL is read again at the next start
                    self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self._connection.close()
            self._call(self._end)

    def _take(self) -> bool:
        """Runs all waiting jobs, at least one; False after the last."""
        job = self._queue.get()
        group: list[Job] = []
        while job is not None:
            group.append(job)
            if len(group) == MOST or self._queue.empty():
                break
            job = self._queue.get()
        if group:
            self._call(self._answer, self._together(group))
        return job is not None

    def _together(self, group: Sequence[Job]) -> list[Outcome]:
        """All of them in one transaction; where one spoils it, each in one of its own."""
        connection = self._connection
        changes = connection.total_changes
        results: list[Any] = []
        begun = False
        try:
            connection.execute(self._begin)
            begun = True
            results.extend(job.work(connection) for job in group)
            connection.execute("COMMIT")
            self._committed()
        except Exception as error:  # noqa: BLE001 # it is handed to whoever asked; the lane is for everybody
            self._roll_back()
            if begun and len(results) < len(group) and len(group) > 1:
                return [outcome for job in group for outcome in self._together([job])]
            return [Outcome(job, None, error, wrote=False) for job in group]
        wrote = connection.total_changes > changes
        return [Outcome(job, result, None, wrote) for job, result in zip(group, results, strict=True)]

    def _roll_back(self) -> None:
        if self._connection.in_transaction:  # SQLite rolls back by itself after some errors
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
        self._spoiled()

    def _call(self, callback: Callable[..., None], *args: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop was closed: there is nobody left to tell
            self._loop.call_soon_threadsafe(callback, *args)

    # In the loop

    def _answer(self, outcomes: Sequence[Outcome]) -> None:
        now = self._clock.monotonic()
        for outcome in outcomes:
            job = outcome.job
            self._unanswered.discard(job.future)
            if outcome.error is None:
                if not job.future.done():
                    job.future.set_result(outcome.result)
                self._tell(StoreTook(operation=job.operation, took=now - job.started))
            elif not job.future.done():
                job.future.set_exception(outcome.error)
            self._note(outcome)

    def _note(self, outcome: Outcome) -> None:
        """Tells when trouble begins and when it is over, which only a job that reached the disk can prove."""
        operation = outcome.job.operation
        if outcome.error is not None:
            if is_trouble(outcome.error) and self._failing is None:
                self._failing = operation
                self._tell(StoreFailed(operation=operation, error=explain(outcome.error, self._place)))
        elif self._failing is not None and self._proves(outcome):
            self._failing = None
            self._tell(StoreRecovered(operation=operation))

    def _proves(self, outcome: Outcome) -> bool:
        """A ping writes so little that it finds room on a disk that is full for everything else."""
        operation = outcome.job.operation
        return (outcome.wrote or not self._writes) and (operation != PING or operation == self._failing)

    def _end(self) -> None:
        self._closed = True
        self._ended.set()
        for future in self._unanswered:
            if not future.done():
                future.set_exception(StoreError(f"{self._place} was closed before it was done"))
        self._unanswered.clear()
