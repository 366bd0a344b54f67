"""What the store keeps of endpoints and of what they are owed: durably all that a method says, or StoreError."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from watcher.core.asking import Owed
from watcher.core.endpoint import Delivery, DeliveryState, Endpoint
from watcher.core.model import Recorded
from watcher.core.outbox import Outcome, Settlement
from watcher.core.recovering import (
    Cutoffs,
    DeliveryDetails,
    DeliveryQuery,
    DeliveryView,
    Forgotten,
    Recovered,
    Recovery,
    Resent,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """Events as recorded, in order, each with the number of deliveries made for it."""

    events: Sequence[Recorded] = ()
    deliveries: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of a delivery. `endpoint` is how its endpoint stands now where that is noticeably another than before
    (disabled, paused, its breaker opened or closed), else None; `told` are the operator events that followed."""

    outcome: Outcome
    endpoint: Endpoint | None = None
    told: Committed = Committed()


class Endpoints(Protocol):
    """Endpoints: how they are set up (`version` counts that), and how they stand."""

    async def settle_endpoints(self, endpoints: Sequence[Endpoint]) -> None:
        """Makes the settings' endpoints (`kept_by` "settings") those of the store: new ones made, known ones set up anew,
        also those that the API kept. Of those that the settings kept and no longer name, the active ones become DISABLED, their
        pending deliveries HELD. A known one stays disabled and paused, unless its URL is another now, or it was disabled or
        removed only for not being named: then its health is forgotten too, and what it was kept from is PENDING and due.
        The secrets of these endpoints are not kept."""
        ...

    async def endpoints(self) -> list[Endpoint]:
        """All that were not removed, in the order of their ids, with the secrets of those that the API keeps."""
        ...

    async def endpoint(self, endpoint_id: str) -> Endpoint | None:
        """The one of that id, as among `endpoints`; None where it is not there."""
        ...

    async def make_endpoint(self, endpoint: Endpoint, now: datetime) -> Endpoint | None:
        """Makes it, with its secrets, `created` now; None where the id is taken. The id of one that was removed is free:
        nothing of that one is kept but the numbers of its events, and its deliveries."""
        ...

    async def change_endpoint(self, endpoint: Endpoint) -> Endpoint | None:
        """Sets it up as given, secrets included, where what is stored is still of `endpoint.edition`; its version then grows;
        how it stands is left as it is. With another URL what the receiver of the former asked for (a pause, an open breaker) is
        void. None, and nothing done, where it is of another edition, or not there."""
        ...

    async def disable_endpoint(self, endpoint_id: str, reason: str) -> Endpoint | None:
        """Nothing is sent to it any more: what it is owed is HELD. One that is disabled keeps its first reason, unless
        that was that the settings do not name it. None where it is not there."""
        ...

    async def enable_endpoint(self, endpoint_id: str, *, send_held: bool, now: datetime) -> Endpoint | None:
        """It is ACTIVE, not paused, its breaker closed; with `send_held` what is HELD for it is PENDING and due. None where it is
        not there."""
        ...

    async def remove_endpoint(self, endpoint_id: str) -> bool:
        """It is REMOVED, its secrets with it; what it is owed is HELD until it is forgotten. False where it was not there."""
        ...

    async def owed(self, endpoint_id: str | None = None) -> list[Owed]:
        """What every endpoint that was not removed is owed, or the one of that id alone."""
        ...

    async def tally_deliveries(self, endpoint_id: str) -> Mapping[DeliveryState, int]:
        """How many deliveries the endpoint has that are pending, held or dead; states without any may be left out."""
        ...


class Deliveries(Protocol):
    """Claims, attempts, and what a person does with deliveries."""

    async def claim(
        self,
        room: Mapping[str, int],
        *,
        token: str,
        now: datetime,
        until: datetime,
        retries_first: bool = False,
        per_endpoint: int | None = None,
    ) -> list[Delivery]:
        """At most `room[endpoint]` due deliveries of each endpoint named, claimed under the token until the time given.

        First attempts and retries share the room, half each where there are enough of both; of an odd room the retries have
        the greater half where `retries_first`; each kind oldest due first. None is claimed twice before its lease ends; none
        of an endpoint that is paused, not active, or whose breaker is open. After that, until its breaker is closed, one alone
        is. With ordering by batch none is claimed that has an earlier pending one of its batch, and one alone of each batch.

        All of this holds over all processes that have the store, whose claims then hold by the database's clock. So do the
        rate of an endpoint and how many may be under way to it at once: as many as it says, else `per_endpoint`. A process that
        has the store for itself minds these two by itself, in `room`."""
        ...

    async def settle(self, settlements: Sequence[tuple[Settlement, str]]) -> list[Settled | None]:
        """Writes what became of attempts, each under the token of its claim, the attempts themselves, and what follows for their
        endpoints, one after the other (`core.health.heed`), with the operator events that tell of it and their deliveries.
        Held instead of tried again where the endpoint is no longer active. None, and nothing done, for those whose token does
        not stand."""
        ...

    async def release(self, token: str) -> int:
        """Gives back every delivery claimed under the token; how many there were."""
        ...

    async def deliveries(self, query: DeliveryQuery) -> list[DeliveryView]:
        """At most `limit` deliveries that match."""
        ...

    async def delivery(self, delivery_id: int) -> DeliveryDetails | None:
        """The delivery with its attempts; None where there is none, or no more."""
        ...

    async def resend(self, delivery_id: int, now: datetime) -> Resent:
        """Whatever its state, it is PENDING and due now with all its attempts before it, its cause `person`; except where an
        attempt is under way, or its endpoint is not active: then nothing is done."""
        ...

    async def recover(self, recovery: Recovery, now: datetime, *, dry_run: bool) -> Recovered | None:
        """As `resend`, for every event that the recovery names, its cause `recovery`; a delivery is made where it is missing.
        What is under way is left alone. A dry run counts and does nothing. None where the endpoint is not there, or not active
        (a dry run minds only the first)."""
        ...

    async def forget(self, cutoffs: Cutoffs, since: Forgotten, most: int) -> Forgotten:
        """Deletes what is older than the cutoffs, having looked at no more than `most` rows of each table, beginning where
        `since` says the last call ended. An event that is still owed to somebody stays, and so does what is pending. An endpoint
        that was removed goes where it was made before the deliveries' cutoff, none of its deliveries is left, and no event was
        ever told about it: its number is 0."""
        ...
