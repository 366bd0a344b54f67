"""CallFire for whoever has the lease of an account: nothing goes out where the lease may be another replica's by now."""

from collections.abc import Awaitable, Callable
from math import inf
from typing import Final

from watcher.core.answers import Answer, PageAnswer, SubmitAnswer, SwitchAnswer
from watcher.core.model import PageRef
from watcher.core.submissions import Order
from watcher.ports import Clock, StoreError, Upstream

DOUBT: Final = 0.25
"""Seconds after which a poller that is not sure of its lease asks again whether it is."""

Sure = Callable[[], bool]
"""Whether the lease is ours at this moment, whatever happened since it was asked about."""


class NotSure(StoreError):
    """Nothing was asked: whether the lease is still ours is not known until the store answers again."""


class Leased:
    """The port `Upstream` around the real one, whose new owner this is."""

    def __init__(self, upstream: Upstream, *, sure: Sure, clock: Clock) -> None:
        self._upstream = upstream
        self._sure = sure
        self._clock = clock
        upstream.own(sure)

    @property
    def effective_rate(self) -> float:
        return self._upstream.effective_rate

    def limit(self, rate: float) -> None:
        self._upstream.limit(rate)

    def own(self, sure: Sure) -> None:
        self._upstream.own(sure)

    async def token(self, within: float = inf) -> bool:
        if not self._sure():
            await self._clock.sleep(min(within, DOUBT))
            return False
        return await self._upstream.token(within) and self._sure()

    async def look(self, batch_id: int) -> Answer:
        self._check()
        return await self._upstream.look(batch_id)

    async def page(self, ref: PageRef) -> PageAnswer:
        self._check()
        return await self._upstream.page(ref)

    async def submit(self, order: Order, leave: Callable[[], Awaitable[None]]) -> SubmitAnswer:
        async def still_ours() -> None:
            await leave()
            self._check()  # the store may have taken long to write it down

        self._check()
        return await self._upstream.submit(order, still_ours)

    async def switch(self, batch_id: int, enabled: bool) -> SwitchAnswer:
        self._check()
        return await self._upstream.switch(batch_id, enabled)

    def _check(self) -> None:
        if not self._sure():
            raise NotSure("whether the account is still ours to ask about is not known")
