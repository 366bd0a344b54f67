"""The two ways to PostgreSQL: one that writes, whose waiting jobs share a transaction, and many that read.

Nothing is kept in a session and no statement outlives its transaction, so pgbouncer may hand each transaction to another one.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

import asyncpg

from watcher.core.news import StoreFailed, StoreRecovered, StoreTook, Tell
from watcher.ports import Clock, StoreError
from watcher.ports.errors import UnknownOutcome
from watcher.store import postgres_failures
from watcher.store.postgres_failures import AGAIN, explain, is_lost, is_trouble
from watcher.store.postgres_work import Asking, doing
from watcher.store.work import Connection, Statements

T = TypeVar("T")
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Work = Callable[[Connection], T]

MOST: Final = 500
"""Jobs in one transaction, so that the first of them does not wait for long."""
TRIES: Final = 3
"""How often a transaction is tried that was undone for no fault of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many connections there are, one of which writes; how long a statement may take, wait for a lock, and connecting may."""

    connections: int = 5
    statement: timedelta = timedelta(seconds=30)
    lock: timedelta = timedelta(seconds=10)
    connect: timedelta = timedelta(seconds=10)
    pooler: bool = False

    @property
    def begin(self) -> str:
        """What a transaction begins with; each has its own time-outs, for a session is nobody's."""
        statement, lock = (limit // timedelta(milliseconds=1) for limit in (self.statement, self.lock))
        return f"; SET LOCAL statement_timeout = {statement}; SET LOCAL lock_timeout = {lock}"


class Sessionless(asyncpg.Connection):
    """A connection that leaves nothing behind, so there is nothing to reset."""

    def get_reset_query(self) -> str:
        return ""


async def open_pool(url: str, connections: int, limits: Limits) -> Pool:
    """A pool that connects when it is needed."""
    return await asyncpg.create_pool(
        url,
        min_size=0,
        max_size=connections,
        timeout=limits.connect.total_seconds(),
        command_timeout=(limits.statement + limits.connect).total_seconds(),
        statement_cache_size=0 if limits.pooler else 200,
        connection_class=Sessionless,
    )


class Troubles:
    """Tells when the database is in trouble, and when that is over."""

    def __init__(self, place: str, tell: Tell) -> None:
        self._place = place
        self._tell = tell
        self._failing = False

    def note(self, operation: str, error: Exception | None) -> None:
        if error is not None and not self._failing and is_trouble(error):
            self._failing = True
            self._tell(StoreFailed(operation=operation, error=explain(error, self._place)))
        elif error is None and self._failing:
            self._failing = False
            self._tell(StoreRecovered(operation=operation))


class Job(NamedTuple):
    operation: str
    work: Work[Any]
    future: asyncio.Future[Any]
    started: float


class Reading:
    """Runs work in a transaction of its own that sees the database as it was at one moment."""

    def __init__(self, pool: Pool, *, place: str, limits: Limits, tell: Tell, clock: Clock) -> None:
        self._pool = pool
        self._place = place
        self._begin = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY{limits.begin}"
        self._tell = tell
        self._clock = clock
        self._troubles = Troubles(place, tell)

    async def run(self, operation: str, work: Work[T]) -> T:
        """What the work gave. Raises StoreError."""
        started = self._clock.monotonic()
        for tries in range(1, TRIES + 1):
            try:
                result = await self._once(work)
            except StoreError:
                raise
            except Exception as error:
                if tries < TRIES and is_lost(error) and not isinstance(error, TimeoutError):
                    continue
                self._troubles.note(operation, error)
                raise StoreError(explain(error, self._place)) from error
            self._troubles.note(operation, None)
            self._tell(StoreTook(operation=operation, took=self._clock.monotonic() - started))
            return result
        raise AssertionError(tries)

    async def _once(self, work: Work[T]) -> T:
        async with self._pool.acquire() as connection:
            await connection.execute(self._begin)
            result = await doing(lambda: work(Asking(connection)))
            await connection.execute("COMMIT")
            return result


class Writing:
    """Runs jobs one after another in the order in which they came, each in a transaction that it shares with its neighbours.

    Every transaction begins by locking the row that says who may write (`begin_writing`): a process that another one took the
    database over from finds nothing there, and writes nothing.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        place: str,
        sql: Statements,
        epoch: int,
        limits: Limits,
        tell: Tell,
        clock: Clock,
        committed: Callable[[], None],
        spoiled: Callable[[], None],
        doubted: Work[None],
    ) -> None:
        self._pool = pool
        self._place = place
        self._sql = sql
        self._epoch = epoch
        self._begin = f"BEGIN{limits.begin}"
        self._tell = tell
        self._clock = clock
        self._committed = committed
        self._spoiled = spoiled
        self._doubted = doubted
        self._doubtful = False
        self._waiting: deque[Job] = deque()
        self._called = asyncio.Event()
        self._closed = False
        self.fenced = False
        self._troubles = Troubles(place, tell)

    async def run(self, operation: str, work: Work[T]) -> T:
        """What the work gave, after its transaction was committed. Raises StoreError where nothing was done."""
        if self._closed:
            raise StoreError(f"{self._place} is closed")
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(Job(operation, work, future, self._clock.monotonic()))
        self._called.set()
        return await future

    def close(self) -> None:
        """Lets `live` end after what is waiting."""
        self._closed = True
        self._called.set()

    async def live(self) -> None:
        """The task that writes."""
        try:
            while self._waiting or not self._closed:
                if not self._waiting:
                    self._called.clear()
                    await self._called.wait()
                    continue
                group = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
                await self._together(group)
        finally:
            self._closed = True
            for job in self._waiting:
                _fail(job, StoreError(f"{self._place} was closed before it was done"))

    async def _together(self, group: Sequence[Job]) -> None:
        """All of them in one transaction; where one spoils it, each in one of its own."""
        for tries in range(1, TRIES + 1):
            progress: list[Any] = []
            try:
                await self._once(group, progress)
            except StoreError as error:
                self._spoiled()
                return self._refuse(group, error, error.__cause__ or error)
            except Exception as error:  # noqa: BLE001 # it is handed to whoever asked; the lane is for everybody
                self._spoiled()
                again = postgres_failures.state_of(error) in AGAIN or (
                    is_lost(error) and not isinstance(error, TimeoutError)
                )
                if again and tries < TRIES:
                    continue
                if not is_trouble(error) and len(group) > 1:
                    for job in group:
                        await self._together([job])
                    return None
                told = StoreError(explain(error, self._place))
                told.__cause__ = error
                return self._refuse(group, told, error)
            except BaseException:
                self._spoiled()
                self._refuse(group, StoreError(f"{self._place} was closed before it was done"), None)
                raise
            self._committed()
            now = self._clock.monotonic()
            for job, result in zip(group, progress, strict=True):
                if not job.future.done():
                    job.future.set_result(result)
                self._tell(StoreTook(operation=job.operation, took=now - job.started))
            self._troubles.note(group[0].operation, None)
            return None
        return None

    async def _once(self, group: Sequence[Job], results: list[Any]) -> None:
        async with self._pool.acquire() as connection:
            await connection.execute(self._begin)
            number = await doing(lambda: self._work(Asking(connection), group, results))
            try:
                await connection.execute("COMMIT")
            except Exception as error:
                if not is_lost(error):
                    raise
                lost = error
            else:
                return
        await self._find_out(number, lost)

    def _work(self, connection: Connection, group: Sequence[Job], results: list[Any]) -> int:
        row = connection.execute(self._sql["begin_writing"], {"epoch": self._epoch}).fetchone()
        if row is None:
            self.fenced = True
            raise StoreError(
                f"another process has taken {self._place} over: end this one, or that one and start this anew"
            )
        if self._doubtful:
            self._doubted(connection)
            self._doubtful = False
        results.extend(job.work(connection) for job in group)
        return int(row[0])

    async def _find_out(self, number: int, lost: Exception) -> None:
        """The connection broke while it committed: whether it did is asked of the database. Raises `lost` where it did not, and
        UnknownOutcome where nobody can be asked."""
        for _ in range(TRIES):
            try:
                async with self._pool.acquire() as connection:
                    await connection.execute(self._begin)
                    row = await doing(partial(self._last_commit, Asking(connection)))
                    await connection.execute("COMMIT")
            except Exception as error:  # noqa: BLE001 # asked again, then told
                lost = error
                continue
            if row is not None and row[0] == number:
                return
            raise lost
        self._doubtful = True
        raise UnknownOutcome(
            f"{self._place} was lost while it committed, and cannot be asked whether it did: {explain(lost, self._place)}"
        ) from lost

    def _last_commit(self, connection: Connection) -> Any:
        return connection.execute(self._sql["last_commit"], {"epoch": self._epoch}).fetchone()

    def _refuse(self, group: Sequence[Job], error: StoreError, cause: BaseException | None) -> None:
        for job in group:
            _fail(job, error)
        if isinstance(cause, Exception):
            self._troubles.note(group[0].operation, cause)


def _fail(job: Job, error: StoreError) -> None:
    if not job.future.done():
        job.future.set_exception(error)
