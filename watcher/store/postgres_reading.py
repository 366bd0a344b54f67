"""Reading from PostgreSQL: many at once, each in a transaction of its own; and how trouble is told."""

from collections.abc import Callable
from typing import Final, TypeVar

from watcher.core.news import StoreFailed, StoreRecovered, StoreTook, Tell
from watcher.ports import Clock, StoreError
from watcher.store.postgres_failures import explain, is_passing, is_trouble
from watcher.store.postgres_pool import Access, Pool, begun
from watcher.store.postgres_work import Asking, doing
from watcher.store.work import Connection

T = TypeVar("T")
Work = Callable[[Connection], T]

PLANS: Final = "; SET LOCAL plan_cache_mode = force_custom_plan"
"""What is asked for may be left open in many ways, and a plan for all of them sorts a whole account to give its first page."""
TRIES: Final = 3
"""How often a transaction is tried that was undone for no fault of its own."""


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


class Reading:
    """Runs work in a transaction of its own that sees the database as it was at one moment."""

    def __init__(self, pool: Pool, *, place: str, access: Access, tell: Tell, clock: Clock) -> None:
        self._pool = pool
        self._place = place
        self._begin = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY{access.begin}{PLANS}"
        self._tell = tell
        self._clock = clock
        self._troubles = Troubles(place, tell)
        self._closed = False

    def close(self) -> None:
        """Nothing is read any more."""
        self._closed = True

    async def run(self, operation: str, work: Work[T]) -> T:
        """What the work gave. Raises StoreError."""
        if self._closed:
            raise StoreError(f"{self._place} is closed")
        started = self._clock.monotonic()
        for tries in range(1, TRIES + 1):
            try:
                result = await self._once(work)
            except StoreError:
                raise
            except Exception as error:
                if tries < TRIES and is_passing(error):
                    continue
                self._troubles.note(operation, error)
                raise StoreError(explain(error, self._place)) from error
            self._troubles.note(operation, None)
            self._tell(StoreTook(operation=operation, took=self._clock.monotonic() - started))
            return result
        raise AssertionError(tries)

    async def _once(self, work: Work[T]) -> T:
        async with begun(self._pool, self._begin) as connection:
            result = await doing(lambda: work(Asking(connection)))
            await connection.execute("COMMIT")
            return result
