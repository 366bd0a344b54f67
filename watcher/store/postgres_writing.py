"""Writing to PostgreSQL: one task that takes all waiting jobs and runs them in one transaction.

A first job need not wait; what arrives while the last commit runs is committed together (group commit).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from watcher.core.news import StoreTook, Tell
from watcher.ports import Clock, StoreError
from watcher.ports.errors import UnknownOutcome
from watcher.store.postgres_failures import explain, is_lost, is_passing, is_trouble, state_of
from watcher.store.postgres_pool import Access, Pool, begun
from watcher.store.postgres_reading import TRIES, Troubles, Work
from watcher.store.postgres_work import Asking, doing
from watcher.store.work import Connection, Statements

T = TypeVar("T")

MOST: Final = 500
"""Jobs in one transaction, so that the first of them does not wait for long."""


class Fenced(StoreError):
    """Another process has the database now."""


class Job(NamedTuple):
    operation: str
    work: Work[Any]
    future: asyncio.Future[Any]
    started: float


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
        access: Access,
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
        self._begin = f"BEGIN{access.begin}"
        self._lease = access.lease // timedelta(milliseconds=1)
        self._beat = access.lease.total_seconds() / 3
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
        """The task that writes; also where there is nothing to write, now and then, for whoever writes keeps the database."""
        try:
            while self._waiting or not self._closed:
                if not self._waiting:
                    self._called.clear()
                    try:
                        async with asyncio.timeout(self._beat):
                            await self._called.wait()
                    except TimeoutError:
                        self._hold()
                    continue
                group = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
                await self._together(group)
            await self._let_go()
        finally:
            self._closed = True
            for job in self._waiting:
                _fail(job, StoreError(f"{self._place} was closed before it was done"))

    def _hold(self) -> None:
        """Work without work: its transaction says that this process is still there."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda done: done.exception())  # told by `_troubles`
        self._waiting.append(Job("hold", lambda _: None, future, self._clock.monotonic()))

    async def _let_go(self) -> None:
        """Another process need not wait until the lease is over."""
        with suppress(Exception):  # then it waits
            async with self._pool.acquire() as connection:
                asking = Asking(connection)
                await doing(lambda: asking.execute(self._sql["let_go"], {"epoch": self._epoch}))

    async def _together(self, group: Sequence[Job]) -> None:
        """All of them in one transaction; where one spoils it, each in one of its own."""
        for tries in range(1, TRIES + 1):
            progress: list[Any] = []
            try:
                await self._once(group, progress)
            except (Fenced, UnknownOutcome) as error:
                self._spoiled()
                return self._refuse(group, error, error)
            except Exception as error:  # noqa: BLE001 # it is handed to whoever asked; the lane is for everybody
                self._spoiled()
                if tries < TRIES and is_passing(error):
                    continue
                if len(group) > 1 and not is_lost(error) and not (state_of(error) and is_trouble(error)):
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
            self._doubtful = False
            now = self._clock.monotonic()
            for job, result in zip(group, progress, strict=True):
                if not job.future.done():
                    job.future.set_result(result)
                self._tell(StoreTook(operation=job.operation, took=now - job.started))
            self._troubles.note(group[0].operation, None)
            return None
        return None

    async def _once(self, group: Sequence[Job], results: list[Any]) -> None:
        number: int | None = None
        try:
            async with begun(self._pool, self._begin) as connection:
                asking = Asking(connection)
                worked = await doing(lambda: self._work(asking, group, results))
                number = worked
                await connection.execute("COMMIT")
        except Exception as error:
            if number is None or not is_lost(error):
                raise
            await self._find_out(number, error)

    def _work(self, connection: Connection, group: Sequence[Job], results: list[Any]) -> int:
        row = connection.execute(self._sql["begin_writing"], {"epoch": self._epoch, "lease": self._lease}).fetchone()
        if row is None:
            self.fenced = True
            raise Fenced(f"another process has taken {self._place} over: end this one, or that one and start this anew")
        if self._doubtful:
            self._doubted(connection)
        results.extend(job.work(connection) for job in group)
        return int(row[0])

    async def _find_out(self, number: int, lost: Exception) -> None:
        """The connection broke while it committed: whether it did is asked of the database. Raises `lost` where it did not, and
        UnknownOutcome where nobody can be asked."""
        for _ in range(TRIES):
            try:
                async with begun(self._pool, self._begin) as connection:
                    row = await doing(partial(self._last_commit, Asking(connection)))
                    await connection.execute("COMMIT")
            except Exception as error:  # noqa: BLE001 # asked again, then told
                lost = error
                continue
            if row is None:
                break  # another process has the database by now
            if row[0] == number:
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
