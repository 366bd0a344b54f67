"""Time, CallFire, and the sending of webhooks."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import Protocol

from watcher.core.answers import Answer, PageAnswer, SubmitAnswer, SwitchAnswer
from watcher.core.endpoint import Attempt, Delivery, Endpoint
from watcher.core.model import PageRef
from watcher.core.submissions import Order


class Clock(Protocol):
    """Time. `now` never goes back within a process; it is aware, in UTC."""

    def now(self) -> datetime: ...

    def monotonic(self) -> float:
        """Seconds, for measuring how long something took."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Returns after that many seconds (at once for 0 and below)."""
        ...

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Returns when the event is set, or after that many seconds."""
        ...

    def draw(self) -> float:
        """A random number in [0, 1), for jitter."""
        ...


class Upstream(Protocol):
    """CallFire for one account, within that account's budget."""

    @property
    def effective_rate(self) -> float:
        """Requests a second in force now."""
        ...

    def limit(self, rate: float) -> None:
        """So many requests a second are in force from now on. No window has more than the greater of the old rate and the new
        one allow; the wait for the token to come becomes longer by a lower rate, not shorter by a higher one."""
        ...

    def own(self, sure: Callable[[], bool]) -> None:
        """Somebody new has the account. The first token comes one period after it is asked for, as what was spent before is not
        known; and a request leaves only where `sure` says at that moment that the account is still theirs."""
        ...

    async def token(self, within: float = inf) -> bool:
        """Returns when the budget allows one request; each True allows exactly one. False after `within` seconds in which it
        allowed none. For one waiter at a time."""
        ...

    async def look(self, batch_id: int) -> Answer:
        """Asks once for one batch and says what came of it. Never raises for anything that CallFire or the network did."""
        ...

    async def page(self, ref: PageRef) -> PageAnswer:
        """As `look`, for one page of a broadcast's batches: it costs one token, too."""
        ...

    async def submit(self, order: Order, leave: Callable[[], Awaitable[None]]) -> SubmitAnswer:
        """As `look`, to add a batch to a broadcast: sent once, whatever comes of it. `leave` is awaited when nothing but the
        request itself is left to do; what it raises passes through, and nothing was sent then."""
        ...

    async def switch(self, batch_id: int, enabled: bool) -> SwitchAnswer:
        """As `look`, to have a batch's contacts be dialled, or not."""
        ...


class Sender(Protocol):
    """Sends signed webhooks."""

    async def send(self, endpoint: Endpoint, delivery: Delivery) -> Attempt:
        """Tries once, within the endpoint's time-out. Never raises for anything that the receiver or the network did."""
        ...

    async def handshake(self, endpoint: Endpoint) -> "Handshake":
        """Asks the receiver for its consent, as CloudEvents' Web Hooks have it (OPTIONS). Never raises, as `send`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """What came of asking a receiver for its consent: the attempt, whether it consents, and to how many deliveries a second."""

    attempt: Attempt
    consents: bool
    rate: float | None = None
