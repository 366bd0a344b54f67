"""The store on PostgreSQL, which any number of processes may have at once: one lane that commits in groups, a pool that reads.

What keeps them apart is the database's: each is a replica that says now and then that it is there, has leases of what it polls,
and locks the end of the log before it appends. What they have to tell each other are events and words, both in their order.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from copy import copy
from dataclasses import replace
from typing import Any, Concatenate, Final, ParamSpec, Self, TypeVar

from watcher.core.news import MigrationsWait, Tell
from watcher.ports import Board, Clock, Cutoffs, Forgotten, Heard, Lease, Standing, UnusableStore, Word
from watcher.store import leases, words
from watcher.store.kept import KeptStore
from watcher.store.migrations import Migration, migrations
from watcher.store.opening import Migrated
from watcher.store.postgres_delivering import PostgresDelivering, forget_claims
from watcher.store.postgres_failures import explain, place_of
from watcher.store.postgres_listening import Listening
from watcher.store.postgres_opening import Prepared, prepare, take_aside
from watcher.store.postgres_partitions import Partitions
from watcher.store.postgres_pool import Access, Connections, OneConnection, Pool, end, open_pool
from watcher.store.postgres_reading import Reading
from watcher.store.postgres_recording import PostgresRecording
from watcher.store.postgres_remembered import SharedRemembered
from watcher.store.postgres_saying import words_of
from watcher.store.postgres_watching import PostgresWatching
from watcher.store.postgres_work import say
from watcher.store.postgres_writing import Writing
from watcher.store.sealing import NOT_SEALED, Seal
from watcher.store.statements import load
from watcher.store.work import Connection, Statements

P = ParamSpec("P")
T = TypeVar("T")
Item = TypeVar("Item")

USUAL = Access()
"""The access where nothing else is said."""
CLOSING: Final = 5.0
"""Seconds for what waits to be written when the store is closed. After that the database is silent, and what waits is refused."""


class PostgresStore(PostgresDelivering, PostgresRecording, PostgresWatching, KeptStore):
    """The port `Store` on an open database. Made by `open_postgres`."""

    def __init__(
        self,
        place: str,
        writing: Connections,
        reading: Pool,
        prepared: Prepared,
        *,
        url: str,
        seal: Seal,
        access: Access,
        tell: Tell,
        clock: Clock,
    ) -> None:
        remembered = SharedRemembered(prepared.endpoints, origin=prepared.origin, seal=seal, version=prepared.version)
        super().__init__(remembered=remembered, tell=tell, clock=clock)
        self.place = place
        self.migrated: Migrated = prepared.migrated
        self._sql = load("postgres")
        self._lease: Lease | None = None
        self._works: dict[Callable[..., Any], Callable[..., Any]] = {}
        self.replica = prepared.me.id
        self._access = access
        self._reader = Reading(reading, place=place, access=access, tell=tell, clock=clock)
        self._partitions = Partitions(reading, place=place, sql=self._sql, access=access)
        self.writer = Writing(
            writing,
            place=place,
            sql=self._sql,
            me=prepared.me,
            access=access,
            tell=tell,
            clock=clock,
            committed=remembered.committed,
            spoiled=remembered.rolled_back,
            doubted=lambda connection: remembered.read_again(connection, self._sql),
        )
        self.listening = Listening(url, access, own=lambda: self.writer.process)
        self._ended = asyncio.Event()

    @property
    def alive(self) -> bool:
        return not self._ended.is_set()

    def held(self, lease: Lease) -> Self:
        view = copy(self)
        view._lease = lease  # noqa: SLF001 -- its own kind
        return view

    async def board(self, shares: Sequence[str]) -> Board:
        asked, monotonic = self._clock.now(), self._clock.monotonic()
        seen = await self._write("board", leases.board, self.replica, shares)
        here = asked + (self._clock.now() - asked) / 2
        return Board(
            me=self.replica,
            replicas=seen.replicas,
            shares=seen.held,
            others=seen.others,
            elsewhere=seen.elsewhere,
            sure_until=monotonic + self._access.lease.total_seconds(),
            skew=here.timestamp() - seen.clock / 1000,
        )

    async def take(self, shares: Sequence[str]) -> list[Lease]:
        return await self._write("take_leases", leases.take, self.replica, shares)

    async def give_back(self, given: Sequence[Lease]) -> None:
        def work(connection: Connection, sql: Statements) -> None:
            if leases.give_back(connection, sql, self.replica, given):
                say(connection, [Word(kind="freed")])

        await self._write("give_back_leases", work)

    async def describe(self, standings: Mapping[Lease, Standing]) -> None:
        await self._write("describe_leases", leases.describe, self.replica, standings)

    async def shown(self) -> Mapping[str, str]:
        return await self._read("shown", leases.shown)

    async def say(self, said: Sequence[Word]) -> None:
        await self._write("say", lambda connection, _: say(connection, said))

    async def last_word(self) -> int:
        return await self._read("last_word", words.last_word)

    async def heard(self, after: int, limit: int) -> list[Heard]:
        return await self._read("heard", words.heard, self.replica, after, limit)

    async def forget_words(self) -> int:
        return await self._write("forget_words", words.forget_words)

    async def noticed(self, seconds: float) -> None:
        await self.listening.noticed(seconds)

    async def forget(self, cutoffs: Cutoffs, since: Forgotten, most: int) -> Forgotten:
        whole = Forgotten()
        if since.ended or (since.delivery, since.position, since.endpoint) == (0, 0, ""):  # a round begins
            await self._write("forget_claims", forget_claims)
            whole = await self._partitions.keep(cutoffs)
        portion = await super().forget(cutoffs, since, most)
        return replace(portion, events=portion.events + whole.events, deliveries=portion.deliveries + whole.deliveries)

    async def live(self) -> None:
        """The task that writes, until `close`."""
        try:
            await self.writer.live()
        finally:
            self._ended.set()

    async def close(self) -> None:
        self._reader.close()
        self.writer.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSING):
                await self._ended.wait()

    async def _write(
        self,
        operation: str,
        work: Callable[Concatenate[Connection, Statements, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        lease = self._lease

        def done(connection: Connection) -> T:
            result = work(connection, self._sql, *args, **kwargs)
            say(connection, words_of(operation, args, result, held=lease is not None))
            return result

        return await self.writer.run(operation, done, lease)

    async def _write_together(
        self,
        operation: str,
        work: Callable[[Connection, Statements, Sequence[Item]], Sequence[T]],
        item: Item,
    ) -> T:
        done: T = await self.writer.run_together(operation, self._together(work), item, self._lease)
        return done

    async def _read(
        self,
        operation: str,
        work: Callable[Concatenate[Connection, Statements, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        return await self._reader.run(operation, lambda connection: work(connection, self._sql, *args, **kwargs))

    def _together(
        self, work: Callable[[Connection, Statements, Sequence[Item]], Sequence[T]]
    ) -> Callable[[Connection, Sequence[Item]], Sequence[T]]:
        """The work with the statements; the same for the same work, so that what waits for it is found to be alike."""
        if work not in self._works:
            self._works[work] = lambda connection, items: work(connection, self._sql, items)
        return self._works[work]


@asynccontextmanager
async def open_postgres(
    url: str,
    *,
    tell: Tell,
    clock: Clock,
    seal: Seal = NOT_SEALED,
    access: Access = USUAL,
    steps: Sequence[Migration] | None = None,
) -> AsyncIterator[PostgresStore]:
    """The store in the database, made and migrated where need be; other processes may have it at the same time.

    Raises UnusableStore where it cannot be opened: the message has the place, without its secrets, and the remedy.
    """
    place, writing = place_of(url), OneConnection(url, access)
    try:
        reading = await open_pool(url, max(1, access.connections - 1), access)
    except Exception as error:
        raise UnusableStore(explain(error, place)) from error
    try:
        try:
            sql, known = load("postgres"), steps or migrations("postgres")
            prepared = await prepare(writing, sql, known, place=place, seal=seal, access=access)
            prepared = prepared._replace(migrated=await take_aside(url, sql, prepared, access))
            store = PostgresStore(
                place, writing, reading, prepared, url=url, seal=seal, access=access, tell=tell, clock=clock
            )
            store.tell_of_secrets()
            if prepared.migrated.waiting:
                tell(MigrationsWait(steps=prepared.migrated.waiting))
            # A TaskGroup would wrap what the body raises; the task ends by itself alone when the store is closed.
            live = asyncio.create_task(store.live(), name="store writer")
            listens = asyncio.create_task(store.listening.live(), name="store listener")
            try:
                yield store
            finally:
                try:
                    await store.close()
                finally:
                    live.cancel()
                    listens.cancel()
                    await asyncio.wait([live, listens])
        finally:
            await writing.close()
    finally:
        await end(reading)
