"""A store on PostgreSQL whose database's clock is the test's: claims hold by that one, and the contract says when they end."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final, cast

from tests.fakes import Ear, FakeClock
from watcher.core.endpoint import Delivery
from watcher.core.recovering import DeliveryDetails, DeliveryQuery, DeliveryView, Recovered, Recovery, Resent
from watcher.ports import Store
from watcher.store.postgres import USUAL, PostgresStore, open_postgres
from watcher.store.postgres_pool import Access
from watcher.store.rows import millis

CLOCK: Final = (
    "CREATE TABLE tests_clock (at BIGINT NOT NULL)",
    "INSERT INTO tests_clock (at) VALUES (clock_ms())",
    "CREATE OR REPLACE FUNCTION clock_ms() RETURNS BIGINT LANGUAGE sql VOLATILE AS 'SELECT at FROM tests_clock'",
)


class Turned:
    """The store. Whatever goes by claims is asked when the database's clock shows what the test says, or else the test's does."""

    def __init__(self, store: PostgresStore, clock: FakeClock) -> None:
        self._store = store
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def claim(self, room: Mapping[str, int], *, now: datetime, **how: Any) -> list[Delivery]:
        await self._turn(now)
        return await self._store.claim(room, now=now, **how)

    async def resend(self, delivery_id: int, now: datetime) -> Resent:
        await self._turn(now)
        return await self._store.resend(delivery_id, now)

    async def recover(self, recovery: Recovery, now: datetime, *, dry_run: bool) -> Recovered | None:
        await self._turn(now)
        return await self._store.recover(recovery, now, dry_run=dry_run)

    async def deliveries(self, query: DeliveryQuery) -> list[DeliveryView]:
        await self._turn(self._clock.now())
        return await self._store.deliveries(query)

    async def delivery(self, delivery_id: int) -> DeliveryDetails | None:
        await self._turn(self._clock.now())
        return await self._store.delivery(delivery_id)

    async def _turn(self, now: datetime) -> None:
        values = {"at": millis(now)}
        await self._store.writer.run("turn", lambda it: it.execute("UPDATE tests_clock SET at = :at", values))


@asynccontextmanager
async def open_turned(url: str, *, tell: Ear, clock: FakeClock, access: Access = USUAL) -> AsyncIterator[Store]:
    """The store in the database, which nobody else has."""
    async with open_postgres(url, tell=tell, clock=clock, access=access) as store:
        for statement in CLOCK:
            await store.writer.run("make", lambda it, statement=statement: it.execute(statement))  # type: ignore[misc]
        yield cast("Store", Turned(store, clock))
