"""Writing to PostgreSQL: one task that takes all waiting jobs and runs them in one transaction.

A first job need not wait; what arrives while the last commit runs is committed together (group commit).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from watcher.core.news import StoreTook, Tell, WriteFenced
from watcher.ports import Clock, Lease, LeaseLost, StoreError
from watcher.ports.errors import UnknownOutcome
from watcher.store import leases, words
from watcher.store.postgres_failures import explain, is_late, is_lost, is_met, is_passing, is_trouble, state_of
from watcher.store.postgres_pool import Access, Connections, begun
from watcher.store.postgres_reading import TRIES, Troubles, Work
from watcher.store.postgres_work import Asking, doing, spelled
from watcher.store.rows import Values
from watcher.store.work import Connection, Statements

T = TypeVar("T")
Item = TypeVar("Item")
Together = Callable[[Connection, Sequence[Any]], Sequence[Any]]
"""Work that is done for many at once; one result for each."""

MOST: Final = 500
"""Jobs in one transaction, so that the first of them does not wait for long."""
PLACES: Final[Mapping[str, int]] = {"take_leases": -1, "settle": 0, "commit": 2, "save_account": 2}
"""When each is done in its transaction; the others in between. What appends to the log comes last, for from then on its end is
locked. What settles comes first: it frees what the claim behind it wants, and what waits for endpoints has nothing locked;
but for the turn in which shares are taken, which others wait for too."""


class Job(NamedTuple):
    """What somebody waits for: work of its own, or an item of what is done `together`; for whoever has the lease, where one is
    named. `started` is of the monotonic clock."""

    operation: str
    work: Work[Any] | None
    future: asyncio.Future[Any]
    started: float
    lease: Lease | None = None
    together: Together | None = None
    item: Any = None


class Me(NamedTuple):
    """This process among the replicas: its id, what people call it, which version of the tables it knows, the ids of its keys,
    and for how long it counts as there when it says nothing any more, in milliseconds."""

    id: str
    name: str
    version: int
    keys: str
    lease: int

    def at(self, number: int) -> Values:
        """What `begin_writing` is told: which of its transactions begins."""
        told = {"version": self.version, "keys": self.keys, "lease": self.lease}
        return {"replica": self.id, "name": self.name, "number": number, **told}


class Writing:
    """Runs jobs, each in a transaction that it shares with its neighbours: all of them wait at once, so their order is free.

    Every transaction begins by saying that this replica is there, and counts itself (`begin_writing`). A job of a lease that is
    lost is refused, alone: the leases of a group are looked at, and locked against others, before anything is done.
    """

    def __init__(
        self,
        connections: Connections,
        *,
        place: str,
        sql: Statements,
        me: Me,
        access: Access,
        tell: Tell,
        clock: Clock,
        committed: Callable[[], None],
        spoiled: Callable[[], None],
        doubted: Work[None],
    ) -> None:
        self._connections = connections
        self._place = place
        self._sql = sql
        self._me = me
        self._begin = f"BEGIN{access.begin}"
        self._number = 0  # of the last transaction that was begun
        self._doing: Sequence[int] = ()  # which jobs of the group are being done
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
        self._troubles = Troubles(place, tell)
        self.process: int | None = None  # of the server, by which was written last

    async def run(self, operation: str, work: Work[T], lease: Lease | None = None) -> T:
        """What the work gave, after its transaction was committed. Raises StoreError where nothing was done."""
        future: asyncio.Future[T] = self._future()
        done: T = await self._queue(Job(operation, work, future, self._clock.monotonic(), lease))
        return done

    async def run_together(self, operation: str, together: Together, item: Any, lease: Lease | None = None) -> Any:
        """As `run`; what waits for the same work is done at once, each for its item."""
        future: asyncio.Future[Any] = self._future()
        return await self._queue(Job(operation, None, future, self._clock.monotonic(), lease, together, item))

    def close(self) -> None:
        """Lets `live` end after what is waiting."""
        self._closed = True
        self._called.set()

    async def live(self) -> None:
        """The task that writes; also where there is nothing to write, now and then, for whoever writes is there."""
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

    def _future(self) -> asyncio.Future[Any]:
        if self._closed:
            raise StoreError(f"{self._place} is closed")
        return asyncio.get_running_loop().create_future()

    async def _queue(self, job: Job) -> Any:
        self._waiting.append(job)
        self._called.set()
        return await job.future

    def _hold(self) -> None:
        """Work without work: its transaction says that this process is still there."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda done: done.exception())  # told by `_troubles`
        self._waiting.append(Job("hold", lambda _: None, future, self._clock.monotonic()))

    async def _let_go(self) -> None:
        """The others need not wait until the lease is over."""
        with suppress(Exception):  # then they wait
            async with self._connections.acquire() as connection:
                asking = Asking(connection)
                await doing(lambda: asking.execute(self._sql["leave"], {"replica": self._me.id}))

    async def _together(self, group: Sequence[Job], left_out: int = 0) -> None:
        """All of them in one transaction; where one spoils it, each in one of its own. Those that took too long are left out, for
        each would take as long again: a few times, for then it is the database that is slow."""
        group = sorted(group, key=lambda job: PLACES.get(job.operation, 1))
        for tries in range(1, TRIES + 1):
            progress: list[Any] = []
            try:
                await self._once(group, progress)
            except UnknownOutcome as error:
                self._spoiled()
                return self._refuse(group, error, error)
            except Exception as error:  # noqa: BLE001 # it is handed to whoever asked; the lane is for everybody
                self._spoiled()
                if tries < TRIES and is_passing(error):
                    continue
                told = StoreError(explain(error, self._place))
                told.__cause__ = error
                if is_late(error) and 0 < len(self._doing) < len(group) and left_out < TRIES:
                    self._refuse([group[place] for place in self._doing], told, error)
                    rest = [job for place, job in enumerate(group) if place not in self._doing]
                    return await self._together(rest, left_out + 1)
                if len(group) > 1 and _is_of_one(error):
                    for job in group:
                        await self._together([job])
                    return None
                return self._refuse(group, told, error)
            except BaseException:
                self._spoiled()
                self._refuse(group, StoreError(f"{self._place} was closed before it was done"), None)
                raise
            self._committed()
            self._doubtful = False
            self._answer(group, progress)
            return None
        return None

    def _answer(self, group: Sequence[Job], results: Sequence[Any]) -> None:
        now = self._clock.monotonic()
        for job, result in zip(group, results, strict=True):
            if isinstance(result, LeaseLost):
                _fail(job, result)
                self._tell(WriteFenced(operation=job.operation))
            elif not job.future.done():
                job.future.set_result(result)
            self._tell(StoreTook(operation=job.operation, took=now - job.started))
        self._troubles.note(group[0].operation, None)

    async def _once(self, group: Sequence[Job], results: list[Any]) -> None:
        self._number += 1
        self._doing = ()
        me = spelled(self._sql["begin_writing"], self._me.at(self._number))
        worked = False
        try:
            async with begun(self._connections, f"{self._begin}; {me}") as connection:
                self.process = connection.get_server_pid()
                asking = Asking(connection)
                await doing(lambda: self._work(asking, group, results))
                worked = True
                await connection.execute("COMMIT")
        except Exception as error:
            if not worked or not is_lost(error):
                raise
            await self._find_out(self._number, error)

    def _work(self, connection: Asking, group: Sequence[Job], results: list[Any]) -> None:
        if self._doubtful:
            self._doubted(connection)
        results.extend(self._lost(connection, group))
        done: set[int] = set()
        for place, job in enumerate(group):
            if place in done or isinstance(results[place], LeaseLost):
                continue
            if job.work is not None:
                self._doing = [place]
                results[place] = job.work(connection)
                continue
            alike = [
                other
                for other, each in enumerate(group)
                if each.together == job.together and not isinstance(results[other], LeaseLost)
            ]
            assert job.together is not None  # noqa: S101 -- a job has one or the other
            self._doing = alike
            given = job.together(connection, [group[other].item for other in alike])
            for other, result in zip(alike, given, strict=True):
                results[other] = result
            done.update(alike)
        self._doing = ()
        if connection.words:
            words.say(connection, self._sql, self._me.id, connection.words)

    def _lost(self, connection: Connection, group: Sequence[Job]) -> list[LeaseLost | None]:
        """For each job why it cannot be done, where its lease is lost. Nobody takes the others over before the commit."""
        wanted = {job.lease for job in group if job.lease is not None}
        if not wanted:
            return [None] * len(group)
        asked = sorted(wanted, key=lambda lease: (lease.share, lease.epoch))
        there = leases.in_force(connection, self._sql, self._me.id, asked)
        return [
            None if job.lease is None or job.lease in there else LeaseLost(f"another process has {job.lease.share} now")
            for job in group
        ]

    async def _find_out(self, number: int, lost: Exception) -> None:
        """The connection broke while it committed: whether it did is asked of the database. Raises `lost` where it did not, and
        UnknownOutcome where nobody can be asked."""
        for _ in range(TRIES):
            try:
                async with begun(self._connections, self._begin) as connection:
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
        return connection.execute(self._sql["last_commit"], {"replica": self._me.id}).fetchone()

    def _refuse(self, group: Sequence[Job], error: StoreError, cause: BaseException | None) -> None:
        for job in group:
            _fail(job, error)
        if isinstance(cause, Exception):
            self._troubles.note(group[0].operation, cause)


def _is_of_one(error: Exception) -> bool:
    """Whether it may be that only one of a group was at fault."""
    return is_met(error) or (not is_lost(error) and not (state_of(error) and is_trouble(error)))


def _fail(job: Job, error: StoreError) -> None:
    if not job.future.done():
        job.future.set_exception(error)
