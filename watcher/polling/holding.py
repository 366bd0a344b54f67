"""One share that this replica has: its lease, its poller, and all that works for it and ends with it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from watcher.core.sharing import demand_told
from watcher.polling.leased import Sure
from watcher.polling.poller import Errand, Poller
from watcher.ports import Lease
from watcher.workers import Team

KNOWN: Final = 60.0
"""Seconds for which a share is polled here before it is said how much work it is: before, its last owner knew better."""

Make = Callable[[Lease, Sure, Errand], Awaitable[Poller]]
"""Makes the poller of a share, which is still to `load`."""


@dataclass(slots=True, kw_only=True)
class Holding:
    """`sure` says whether the share is ours at this moment, `demand` how many requests a second it was last said to need. It is
    `begun` when it is being loaded, `ready` when it is, `leaving` when nothing new is begun, `over` when nothing may be
    written any more, and `outdated` when the account is to be polled otherwise, by a new poller."""

    lease: Lease
    demand: float
    team: Team
    sure: Sure
    since: float
    poller: Poller | None = None
    begun: bool = False
    ready: bool = False
    hired: bool = False
    leaving: bool = False
    over: bool = False
    outdated: bool = False

    def hire(self) -> None:
        """Has it polled, as soon as it is loaded."""
        if self.ready and self.poller is not None and not (self.hired or self.leaving):
            self.hired = True
            self.team.hire(self.poller)

    async def rest(self, grace: float) -> None:
        """Asks for nothing new, and returns when what flies has ended, or was ended after so many seconds."""
        self.leaving = True
        if not self.ready:
            self.team.drop()  # it is only being loaded
        await self.team.rest(grace)

    def end(self) -> None:
        """Ends all of it at once."""
        self.leaving = self.over = True
        self.team.drop()

    def weigh(self, now: float, at: float) -> None:
        """Takes the work it was lately for what it needs. `now` is of the monotonic clock, `at` in epoch seconds."""
        if self.poller is not None and now - self.since >= KNOWN:
            self.demand = demand_told(self.demand, self.poller.usage.used(at))


async def until_loaded(load: "asyncio.Future[None]") -> None:
    """Waits for it, and ends it where nobody waits any more."""
    await load
