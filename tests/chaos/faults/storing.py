"""A store with faults, around a real one: what it is asked is not done, is done without anybody being told, or takes long.
What may befall the database itself is in `databases`."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Self

from tests.chaos.faults.times import VirtualLoop
from watcher.ports import Lease, Store, StoreError, UnknownOutcome

FAULTS: Final = ("none", "before", "after", "late", "locked", "full", "read-only", "some")
"""before: not done, and said so. after: done, and nobody is told. late: done after three seconds. some: one of these at times."""
AT_RANDOM: Final = ("before", "after", "late")
LATE: Final = 3.0

UNTOUCHED: Final = frozenset({"held", "alive", "replica", "noticed", "migrated", "place"})
STREAMS: Final = frozenset({"open_watches", "opened"})
WRITES: Final = frozenset(
    {
        "claim",
        "commit",
        "follow",
        "follow_broadcast",
        "note_kind",
        "release",
        "save_account",
        "save_learnt",
        "save_looks",
        "save_ranks",
        "settle",
        "stop",
    }
)
"""What changes something, of which it may not be known whether it did."""


@dataclass(slots=True)
class Strikes:
    """What befalls a store now."""

    fault: str = "none"


class FaultyStore:
    """The port `Store`; `turn` is awaited before anything is done."""

    alive = True

    def __init__(
        self,
        real: Store,
        *,
        turn: Callable[[], Awaitable[None]],
        loop: VirtualLoop,
        draw: random.Random,
        failed: Counter[str],
        strikes: "Strikes | None" = None,
    ) -> None:
        self.strikes = strikes or Strikes()
        self.failed = failed
        self._real = real
        self._turn = turn
        self._loop = loop
        self._draw = draw

    def held(self, lease: Lease) -> Self:
        """Whoever has a lease has these faults, too."""
        return type(self)(
            self._real.held(lease),
            turn=self._turn,
            loop=self._loop,
            draw=self._draw,
            failed=self.failed,
            strikes=self.strikes,
        )

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._real, name)
        if name in UNTOUCHED or not callable(real):
            return real
        return self._streamed(name, real) if name in STREAMS else self._called(name, real)

    def _called(self, name: str, real: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        async def call(*args: object, **kwargs: object) -> object:
            fault = self._befalls(name)
            if fault == "late":
                await asyncio.sleep(LATE)
            if fault == "before":
                raise StoreError("it was not done")
            try:
                with self._loop.elsewhere():
                    await self._turn()
                    done = await real(*args, **kwargs)
            except StoreError:
                self.failed[self.strikes.fault] += 1
                raise
            if fault == "after":
                raise UnknownOutcome("whether it was done is not known")
            return done

        return call

    def _streamed(self, name: str, real: Callable[..., AsyncIterator[object]]) -> Callable[..., AsyncIterator[object]]:
        async def portions(*args: object) -> AsyncIterator[object]:
            if self._befalls(name) == "before":
                raise StoreError("it was not read")
            with self._loop.elsewhere():
                read = [portion async for portion in real(*args)]
            for portion in read:
                yield portion

        return portions

    def _befalls(self, name: str) -> str:
        fault = self.strikes.fault
        if fault == "some":
            fault = self._draw.choice(AT_RANDOM) if self._draw.random() < 0.3 else "none"
        if fault == "after" and name not in WRITES:
            fault = "before"
        if fault in AT_RANDOM:
            self.failed[self.strikes.fault] += 1
        return fault
