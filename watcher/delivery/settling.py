"""What attempts brought is written down, together where many end: again and again while their leases last, for what is forgotten
would be sent twice."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from math import inf
from typing import Final, NamedTuple

from watcher.core.endpoint import Attempt, Delivery
from watcher.core.outbox import Settlement, settle
from watcher.ports import Clock, Deliveries, Settled, StoreError

SETTLE_AGAIN: Final = 1.0
"""Seconds between tries to write down what became of attempts while the store cannot."""
HALF: Final = 0.8
"""As many must have ended for each that is in flight, which is a little less than half of both: with exactly half, the last one
would be waited for while it is sent."""
MANY: Final = 16
"""With more in flight than so many, and than have ended, it is worth waiting for others to end: to write many down together
costs half as much."""
CROWD: Final = 5
"""As many must have been written down together before: then attempts end so quickly that more come at once."""
APART: Final = 0.02
"""Seconds between two batches at most, while one waits for others; webhooks.md would allow 50 ms. Those in flight that do not
end meanwhile hang, and are not waited for again."""

Errand = Callable[[str, Coroutine[object, object, None]], None]


class Claim(NamedTuple):
    """A delivery as it was when it was claimed, under which token, and until when."""

    delivery: Delivery
    token: str
    until: datetime


class _Ended(NamedTuple):
    """What an attempt at a delivery brought. The draw is kept, so that trying again to write it down changes nothing of it."""

    delivery: Delivery
    attempt: Attempt
    draw: float


class Settling:
    """Knows which deliveries are claimed and which are under way: from the claim until it is known that they are settled.

    `freed` is told of deliveries that no longer fly, right before they are written down; `settled` what became of each, None
    where its claim was no longer ours. Several batches never overlap: the store does them one after the other anyhow.
    """

    def __init__(
        self,
        *,
        store: Deliveries,
        clock: Clock,
        errand: Errand,
        freed: Callable[[Sequence[Delivery]], None],
        settled: Callable[[Settlement, Settled | None], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._errand = errand
        self._freed = freed
        self._settled = settled
        self._claimed: dict[int, Claim] = {}  # by delivery: what was not settled yet
        self._under_way: set[int] = set()
        self._flying = 0
        self._hanging = 0  # of those in flight, how many were waited for in vain
        self._claiming = 0  # claims under way, which will have more in flight
        self._enough = asyncio.Event()  # nothing is gained by waiting for those in flight
        self._enough.set()
        self._ended: list[_Ended] = []
        self._ripe = 0  # how many had ended when it was enough, while somebody waited for that
        self._begun = -inf
        self._together = 0  # how many the last batch had
        self._busy = False
        self.stuck = False  # the store cannot write down what waits for it: to send more would only have it sent twice

    @property
    def tokens(self) -> set[str]:
        """Those under which something is claimed still."""
        return {claim.token for claim in self._claimed.values()}

    @contextmanager
    def claiming(self) -> Iterator[None]:
        """Around a claim, after which more are in flight: they are waited for as if they were already."""
        self._claiming += 1
        self._weigh()
        try:
            yield
        finally:
            self._claiming -= 1
            self._weigh()

    def begin(self, claim: Claim) -> bool:
        """It is claimed; whether it is to be sent. One that is under way has lost its lease there, and this is a new one for the
        same attempt."""
        delivery_id = claim.delivery.id
        self._claimed[delivery_id] = claim
        if delivery_id in self._under_way:
            return False
        self._under_way.add(delivery_id)
        self._fly(1)
        return True

    def abandon(self, delivery: Delivery) -> None:
        """Nothing came of it that could be written down: its claim runs out by itself."""
        self._fly(-1)
        del self._claimed[delivery.id]
        self._under_way.discard(delivery.id)
        self._freed((delivery,))

    def end(self, delivery: Delivery, attempt: Attempt) -> None:
        """This came of it, and is written down soon."""
        self._ended.append(_Ended(delivery, attempt, self._clock.draw()))
        self._fly(-1)
        if not self._busy:
            self._busy = True
            self._errand("settling", self._write())

    def _fly(self, more: int) -> None:
        self._flying += more
        self._hanging = min(self._hanging, self._flying)
        self._weigh()

    def _weigh(self) -> None:
        """Whether there is more to wait for. Where there is not, what has ended by now is written down, and what ends from now on
        only after it: so one half is sent while the other is written down, instead of each waiting for the other."""
        half = HALF * (self._flying - self._hanging)
        if self._claiming or (half > len(self._ended) and self._flying - self._hanging > MANY):
            self._enough.clear()
        elif not self._enough.is_set():
            self._ripe = len(self._ended)
            self._enough.set()

    async def _write(self) -> None:
        """Until nothing is left to write down. Raises StoreError at the end where something was lost, so that it is heard."""
        lost: StoreError | None = None
        try:
            while self._ended:
                batch = await self._gathered()
                self._begun, self._together = self._clock.monotonic(), len(batch)
                self._freed([each.delivery for each in batch])
                lost = await self._settle(batch) or lost
        finally:
            self._busy = False
        if lost is not None:
            raise lost

    async def _gathered(self) -> list[_Ended]:
        """What is written down next, once nothing is gained by waiting for more."""
        self._ripe = 0
        spare = self._begun + APART - self._clock.monotonic()
        if spare > 0 and self._together >= CROWD:
            await self._clock.wait(self._enough, spare)
            if not self._enough.is_set():
                self._hanging = self._flying
        count = self._ripe or len(self._ended)
        batch, self._ended = self._ended[:count], self._ended[count:]
        return batch

    async def _settle(self, batch: Sequence[_Ended]) -> StoreError | None:
        """Why some of it could not be written down while their leases lasted, None where all was."""
        lost: StoreError | None = None
        try:
            while batch:
                try:
                    batch = await self._put(batch)
                except StoreError as error:
                    self.stuck = True
                    kept = self._still_leased(batch)
                    lost = error if len(kept) < len(batch) else lost
                    batch = kept
                    if batch:
                        await self._clock.sleep(SETTLE_AGAIN)
        finally:
            # Whatever happened here: what is not being written down is not under way.
            self._under_way.difference_update(each.delivery.id for each in batch)
            self.stuck = False
        return lost

    async def _put(self, batch: Sequence[_Ended]) -> list[_Ended]:
        """Has the store write it down; what was claimed anew meanwhile is to be put again, under the token that stands now."""
        claims = [self._claimed[each.delivery.id] for each in batch]
        settlements = [
            (settle(claim.delivery, each.attempt, each.draw), claim.token)
            for each, claim in zip(batch, claims, strict=True)
        ]
        outcomes = await self._store.settle(settlements)
        self.stuck = False
        again: list[_Ended] = []
        for each, claim, (settlement, _), outcome in zip(batch, claims, settlements, outcomes, strict=True):
            newest = claim is self._claimed[each.delivery.id]
            if outcome is None and not newest:
                again.append(each)
                continue
            if newest:
                del self._claimed[each.delivery.id]
            self._under_way.discard(each.delivery.id)
            self._settled(settlement, outcome)
        return again

    def _still_leased(self, batch: Sequence[_Ended]) -> list[_Ended]:
        """Those that can be tried again; the others are lost to whoever claims them next."""
        then = self._clock.now() + timedelta(seconds=SETTLE_AGAIN)
        kept: list[_Ended] = []
        for each in batch:
            claim = self._claimed[each.delivery.id]
            if then < claim.until:
                kept.append(each)
                continue
            self._under_way.discard(each.delivery.id)
            self._settled(settle(claim.delivery, each.attempt, each.draw), None)
        return kept
