"""What may be seen of a poller: how its account stands, what is known of a watch this moment, and when it is looked at."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

from watcher.core.account import Account
from watcher.core.broadcasts import BroadcastView
from watcher.core.explaining import Explanation
from watcher.core.learnt import LearntHazard
from watcher.core.lengths import Eta, Lengths, lengths
from watcher.core.looks import Looks, PastLooks
from watcher.core.model import LastLook
from watcher.core.parts import Part
from watcher.core.roster import Roster
from watcher.core.schedule import Schedule
from watcher.core.soonest import Soonest
from watcher.core.usage import Usage
from watcher.polling.paging import Paging
from watcher.polling.standing import Standing
from watcher.ports import AccountView, Clock, Upstream

LAST: Final = 4_102_444_800.0
"""The year 2100, in epoch seconds: nothing is expected later."""


class Viewed:
    """The part of a poller that only tells."""

    part: Part
    standing: Standing
    roster: Roster
    schedule: Schedule
    learnt: LearntHazard
    looks: Looks
    usage: Usage
    paging: Paging
    last_step: datetime
    _upstream: Upstream
    _clock: Clock

    @property
    def account(self) -> Account:
        """The account as the last answers left it."""
        return self.standing.account

    def eta(self, batch_id: int) -> Eta | None:
        """When the batch will have ended with a chance of 50 and 90 %; None where too little is known, or nobody follows it."""
        eta = self.schedule.eta(batch_id, self._clock.now().timestamp())
        return None if eta is None else Eta(p50=_instant(eta[0]), p90=_instant(eta[1]))

    def soonest(self, most: int, **asked: Any) -> Soonest:
        """Open watches that need nobody, in the order in which they are expected to end."""
        return self.schedule.expected.soonest(self.schedule.hazard, self._clock.now().timestamp(), most, **asked)

    def lengths(self) -> Lengths:
        """What was learnt of how long validation takes."""
        return lengths(self.learnt)

    def explain(self, batch_id: int) -> Explanation | None:
        """Why the watch is looked at when it is; None where it is not open."""
        found = self.schedule.explain(batch_id, self._clock.now().timestamp())
        return found if found is None else replace(found, part=self.part.told or None)

    async def broadcast_views(self, broadcast_ids: Sequence[int]) -> dict[int, BroadcastView]:
        """How those of these broadcasts stand of which something is known. Raises StoreError."""
        return await self.paging.views(broadcast_ids)

    def last_look(self, batch_id: int) -> LastLook | None:
        """The last look at an open watch."""
        return self.roster.last_look(batch_id)

    def past_looks(self, batch_id: int) -> PastLooks:
        """The looks at a batch that are remembered, whether or not it is followed still."""
        return self.looks.of(batch_id)

    def next_look(self, batch_id: int) -> datetime | None:
        """Roughly when the watch will be looked at: when it is worth it, but not before the account may be asked."""
        at = self.schedule.next_look(batch_id, self._clock.now().timestamp())
        if at is None:
            return None
        due = datetime.fromtimestamp(at, UTC)
        return max(due, self.account.until) if self.account.until is not None else due

    def overdue(self) -> list[int]:
        """The batches that were not asked about for longer than they may be, in ascending order."""
        return self.schedule.overdue_batches(self._clock.now().timestamp())

    def view(self) -> AccountView:
        """The account as it is now."""
        account = self.account
        now = self._clock.now()
        held = account.until is not None and account.until > now
        return AccountView(
            name=account.name,
            condition=account.condition,
            reason=account.reason,
            until=account.until if held else None,
            rate=self.standing.rates.rate,
            effective_rate=self._upstream.effective_rate,
            in_flight=self.standing.in_flight,
            open=len(self.roster),
            overdue=self.schedule.overdue(now.timestamp()),
            last_step=self.last_step,
            used=self.usage.used(now.timestamp()),
            looks_per_request=self.usage.looks_per_request(now.timestamp()),
        )


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(min(seconds, LAST), UTC)
