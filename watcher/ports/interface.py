"""What the interface may ask of polling, of delivery, and of the daemon's health."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal, Protocol

from watcher.core.broadcasts import BroadcastView
from watcher.core.endpoint import Attempt, Endpoint, Scheme, SigningKey
from watcher.core.explaining import Explanation
from watcher.core.last_hour import LastHour
from watcher.core.lengths import Eta, Lengths
from watcher.core.looks import PastLooks
from watcher.core.model import Key, LastLook, Watch
from watcher.core.recovering import DeliveryDetails, DeliveryQuery, DeliveryView, Recovered, Recovery
from watcher.core.soonest import Soonest
from watcher.core.streamrank import StreamRank
from watcher.core.wishes import UNSET, BroadcastWish, Followed, FollowedBroadcast, Unset, Wish


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """An account as shown: its condition, why, until when, and its budget in requests a second. `used` is what was used of it
    over the last minute, `looks_per_request` how many looks a request brought over the last five (None where none was made),
    `change_percentage` how many of all looks showed another status (None before the first)."""

    name: str
    condition: str
    reason: str
    until: datetime | None
    rate: float
    effective_rate: float
    in_flight: int
    open: int
    overdue: int
    last_step: datetime | None
    used: float = 0.0
    looks_per_request: float | None = None
    change_percentage: float | None = None


class Following(Protocol):
    """What the interface may ask of polling."""

    @property
    def accounts(self) -> Sequence[str]:
        """The names of the accounts that are followed, in the settings' order."""
        ...

    def is_here(self, account: str) -> bool:
        """Whether this process polls the account; of others less is known, and later."""
        ...

    async def follow(self, wishes: Sequence[Wish]) -> list[Followed]:
        """Stores the wishes and has new watches looked at first. KeyError never: accounts are checked before."""
        ...

    async def stop(self, key: Key) -> bool:
        """As Store.stop; it is not looked at any more."""
        ...

    async def relabel(
        self, key: Key, labels: Mapping[str, str | None] | None, correlation_id: str | Unset | None = UNSET
    ) -> Watch | None:
        """As Store.relabel, of any watch that is kept; what is being learnt of it at that moment does not bring the old ones
        back."""
        ...

    async def refresh(self, key: Key) -> asyncio.Future[bool] | None:
        """Has the watch looked at before all others, as soon as the budget allows; a look in flight will do. The future ends
        when a look has come in (and is in the store, where another replica made it), and tells whether CallFire answered. None
        where the watch is not open."""
        ...

    async def resume(self, account: str) -> None:
        """An operator wants the account to be asked again: one that is refused, down or paused is probed now. Accounts are
        checked before."""
        ...

    async def follow_broadcast(self, wish: BroadcastWish) -> FollowedBroadcast:
        """Stores the wish; from now on the broadcast's batches are found by themselves. Accounts are checked before."""
        ...

    async def stop_broadcast(self, account: str, broadcast_id: int) -> bool:
        """As Store.stop_broadcast; no batch of it is found any more, and those that were are still followed."""
        ...

    async def broadcasts(self, account: str, broadcast_ids: Sequence[int]) -> Mapping[int, BroadcastView]:
        """Those of these broadcasts of which something is known as they stand, followed or not."""
        ...

    def next_look(self, key: Key) -> datetime | None:
        """Roughly when the watch will be looked at; None where it is not open."""
        ...

    def last_look(self, key: Key) -> LastLook | None:
        """The last look at an open watch, also one that is not saved yet; None before the first."""
        ...

    async def past_looks(self, key: Key) -> PastLooks:
        """The looks at a batch that its poller remembers, the newest 2,000 at most, 500 of another replica. Accounts are checked
        before. NotAnswered where they cannot be had now."""
        ...

    async def overdue(self, account: str) -> Sequence[int]:
        """The batches of the account's open watches that were not asked about for longer than `polling.max_interval`, but for
        those set aside on purpose: in ascending order, none where the account is not followed. NotAnswered where another
        replica polls it, and cannot be asked now."""
        ...

    async def acquaint(self, watches: Sequence[Watch]) -> None:
        """These are to be shown: works out what `next_look` and `eta` tell of them, where another replica polls them."""
        ...

    def eta(self, key: Key) -> Eta | None:
        """When the watch's batch will have ended; None where it is not open, has ended, or there is too little to go by."""
        ...

    def soonest(
        self,
        account: str,
        most: int,
        *,
        status: str | None = None,
        final: bool | None = None,
        among: Sequence[int] | None = None,
    ) -> Soonest:
        """The account's open watches that need nobody (`core.attention`), to which all that is given applies: how many, and the
        first `most` of them in the order in which they are expected to end, equal ones by batch. None where the account is not
        polled here. How they are compared may be a few seconds old."""
        ...

    async def soonest_elsewhere(
        self, accounts: Sequence[str], most: int, *, status: str | None = None, final: bool | None = None
    ) -> Mapping[str, Soonest]:
        """As `soonest`, of those of the accounts that other replicas poll: as far as these say so in time. They tell 2,000
        watches of each at most."""
        ...

    async def explain(self, key: Key) -> Explanation | None:
        """Why the watch is looked at when it is; None where it is not open. NotAnswered where another replica polls it, and
        cannot be asked now."""
        ...

    async def lengths(self, account: str) -> Lengths:
        """What the account has learnt of how long validation takes. Accounts are checked before."""
        ...

    async def streamrank(self, account: str) -> StreamRank:
        """What polling the account costs, and being told of changes instead. Accounts are checked before."""
        ...

    async def view(self, account: str) -> AccountView:
        """The account as it is now; of one that another replica polls, as it was some seconds ago."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that /livez or /readyz looked at."""

    name: str
    ok: bool
    detail: str = ""
    data: Mapping[str, object] = field(default_factory=dict)


class Health(Protocol):
    """What the probes ask."""

    def live(self) -> Sequence[Check]:
        """The loop turns, the store may answer, and every poller took a step within the last minute."""
        ...

    async def ready(self) -> Sequence[Check]:
        """The store answers, start-up is over, and nobody asked to stop. Independent of CallFire."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointView:
    """An endpoint as shown: with its condition (active, paused, open: its breaker, disabled), until when, and how many
    deliveries it has that are pending, held or dead. `oldest` is when the oldest pending one was made."""

    endpoint: Endpoint
    condition: str
    reason: str
    until: datetime | None
    pending: int = 0
    held: int = 0
    dead: int = 0
    oldest: datetime | None = None


RefusalKind = Literal[
    "unknown-endpoint",
    "unknown-delivery",
    "endpoint-exists",
    "kept-by-settings",
    "changed-meanwhile",
    "bad-endpoint",
    "not-verified",
    "not-active",
    "in-flight",
    "too-many-secrets",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """Nothing was done: of what kind the obstacle is, and in words what it is and what to do. `pointer` is the place in what
    was asked for, `attempt` what came of an attempt that failed."""

    kind: RefusalKind
    detail: str
    pointer: str | None = None
    attempt: Attempt | None = None


Verification = Literal["none", "ping", "cloudevents"]
"""What a receiver must answer before its endpoint is made: nothing, a signed event `ping` with 2xx, or the OPTIONS handshake of
CloudEvents' Web Hooks."""


class Subscribing(Protocol):
    """What the interface may ask of endpoints and deliveries. What cannot be done is a Refused; StoreError passes through."""

    async def endpoints(self) -> list[EndpointView]:
        """All endpoints, in the order of their ids."""
        ...

    async def endpoint(self, endpoint_id: str) -> EndpointView | None:
        """One of them."""
        ...

    def recent(self, endpoint_id: str) -> LastHour:
        """How the attempts at its deliveries went during the last hour, those of this process alone; also of one that is not
        there."""
        ...

    async def make(
        self, endpoint: Endpoint, *, schemes: Sequence[Scheme], secret: SigningKey | None, verification: Verification
    ) -> Endpoint | Refused:
        """A new endpoint, set up as given; its id is made where it is "". It has a new key for each scheme, but the one given
        where there is one. Its secrets stand in the answer, and are never shown again."""
        ...

    async def change(self, endpoint: Endpoint) -> EndpointView | Refused:
        """Sets it up as given, if nobody did meanwhile."""
        ...

    async def remove(self, endpoint_id: str) -> Refused | None:
        """Deletes it. One that the settings name is refused."""
        ...

    async def disable(self, endpoint_id: str, reason: str) -> EndpointView | Refused:
        """What it is owed is held from now on. For settings' endpoints too: it stays so over restarts."""
        ...

    async def enable(self, endpoint_id: str, *, send_held: bool) -> EndpointView | Refused:
        """It gets webhooks again, with `send_held` also those that were held for it."""
        ...

    async def rotate(self, endpoint_id: str, *, grace: timedelta, secret: SigningKey | None) -> Endpoint | Refused:
        """New keys in the place of the present ones, or the one given in the place of those of its scheme. The old ones sign
        along for `grace`. The new ones stand in the answer, and are never shown again."""
        ...

    async def test(self, endpoint_id: str, event_type: str) -> Attempt | Refused:
        """Sends a signed sample now, also to one that is disabled or paused; what came of it. Nothing is kept of it."""
        ...

    async def deliveries(self, query: DeliveryQuery) -> list[DeliveryView] | Refused:
        """As Deliveries.deliveries; an endpoint that is not there is refused."""
        ...

    async def delivery(self, delivery_id: int) -> DeliveryDetails | Refused:
        """One delivery with its attempts."""
        ...

    async def resend(self, delivery_id: int) -> DeliveryDetails | Refused:
        """It is sent again, at once where its endpoint has room, with a full schedule of attempts."""
        ...

    async def recover(self, recovery: Recovery, *, dry_run: bool) -> Recovered | Refused:
        """As Deliveries.recover."""
        ...
