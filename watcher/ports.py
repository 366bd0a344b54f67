"""What polling, delivery and the interface need from the world. Each method's docstring states its promise.

The store's promises are tested by one contract suite against every implementation.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import Protocol

from watcher.core.account import AccountRecord
from watcher.core.answers import Answer, PageAnswer
from watcher.core.asking import EventQuery as EventQuery
from watcher.core.asking import Owed as Owed
from watcher.core.asking import WatchQuery as WatchQuery
from watcher.core.broadcasts import Broadcast as Broadcast
from watcher.core.broadcasts import BroadcastView as BroadcastView
from watcher.core.explaining import Explanation as Explanation
from watcher.core.lengths import Eta as Eta
from watcher.core.lengths import Length as Length
from watcher.core.lengths import Lengths as Lengths
from watcher.core.model import Attempt, BroadcastKind, Delivery, Endpoint, Event, Key, PageRef, Recorded, Watch
from watcher.core.model import LastLook as LastLook
from watcher.core.news import Tell as Tell
from watcher.core.outbox import Outcome, Settlement
from watcher.core.wishes import BroadcastWish as BroadcastWish
from watcher.core.wishes import Followed as Followed
from watcher.core.wishes import FollowedBroadcast as FollowedBroadcast
from watcher.core.wishes import Wish as Wish


class StoreError(Exception):
    """The store could not do it now, and did nothing: try again later. Polling goes on; nothing counts as seen."""


class UnusableStore(StoreError):
    """The store cannot be opened at all: the message says why and what to do. Trying again will not help."""


class StoreInUse(UnusableStore):
    """Another process has it, and with it the budget of its accounts."""


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


class Sender(Protocol):
    """Sends signed webhooks."""

    async def send(self, endpoint: Endpoint, delivery: Delivery) -> Attempt:
        """Tries once, within the endpoint's time-out. Never raises for anything that the receiver or the network did."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A watch as it is after a look, with the version it was learnt from, and the events that follow."""

    watch: Watch
    version: int
    events: Sequence[Event] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChange:
    """An account's record as it is now, and the events that follow."""

    record: AccountRecord
    events: Sequence[Event] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """Events as recorded, in order, each with the number of deliveries made for it."""

    events: Sequence[Recorded] = ()
    deliveries: Sequence[int] = ()


class Accounts(Protocol):
    """What is kept of accounts. As with all of the store, a method does all it says, durably, or raises StoreError."""

    async def account(self, name: str) -> AccountRecord | None:
        """What was kept of the account."""
        ...

    async def save_account(self, change: AccountChange) -> Committed:
        """The record, its events and their deliveries, in one transaction."""
        ...


class Broadcasts(Protocol):
    """What is kept of broadcasts, and of what an account has learnt. As with all of the store, durably, or StoreError."""

    async def follow_broadcast(self, wish: BroadcastWish, now: datetime) -> FollowedBroadcast:
        """Makes the broadcast one that is followed as a whole, `opened` now; one that is already keeps its `opened`."""
        ...

    async def stop_broadcast(self, account: str, broadcast_id: int) -> bool:
        """Nobody follows it as a whole any more; all else stays as it is. False where nobody did."""
        ...

    async def broadcasts(self, account: str) -> list[Broadcast]:
        """All that are kept of the account, followed or not, in the order of their ids."""
        ...

    async def note_kind(self, account: str, broadcast_id: int, kind: BroadcastKind | None) -> None:
        """Remembers the kind that was found out, also of a broadcast that nobody follows; None forgets it."""
        ...

    async def save_learnt(self, account: str, record: bytes, now: datetime) -> None:
        """Puts what the account has learnt by now in the place of what was saved before. The store does not read it."""
        ...

    async def learnt(self, account: str) -> bytes | None:
        """What was saved last, byte for byte; None where nothing was."""
        ...


class Store(Accounts, Broadcasts, Protocol):
    """Everything that lasts. Every method either does all it says, durably, or raises StoreError and does nothing."""

    @property
    def alive(self) -> bool:
        """Whether it may answer, now or later; False where only a new process can help."""
        ...

    async def follow(self, wishes: Sequence[Wish], now: datetime) -> list[Followed]:
        """Makes or opens the watches, in the order of the wishes. An open one is left as it is, but for labels, correlation id
        and an unknown broadcast. An ended or settled one is opened: `opened` is now, strikes are forgotten, numbers go on."""
        ...

    async def stop(self, key: Key) -> bool:
        """Nobody follows it any more: the watch becomes STOPPED. False where there was none, or it was stopped already."""
        ...

    async def watch(self, key: Key) -> Watch | None:
        """The watch, whatever its state; None where there never was one."""
        ...

    def open_watches(self, account: str) -> AsyncIterator[Sequence[Watch]]:
        """All OPEN watches of the account, in portions of a size the store chooses."""
        ...

    async def find(self, query: WatchQuery) -> list[Watch]:
        """At most `limit` watches that match."""
        ...

    async def tally(self, account: str) -> dict[tuple[str, str | None], int]:
        """How many watches the account has, by (state, status)."""
        ...

    async def commit(self, change: Change) -> Committed | None:
        """The watch, its events and one delivery per matching endpoint (HELD where the endpoint is disabled, none where it
        was removed), in one transaction. The watch is stored as given, but for its version, which becomes
        `change.version` + 1. None, and nothing done, where the stored version is not `change.version`."""
        ...

    async def save_looks(self, account: str, looks: Sequence[LastLook]) -> None:
        """Writes down when batches were last seen. Versions stay; a look older than the stored one changes nothing."""
        ...

    async def events(self, query: EventQuery) -> list[Recorded]:
        """At most `limit` events that match, in the order of positions, which is the order in which they become visible."""
        ...

    async def settle_endpoints(self, endpoints: Sequence[Endpoint]) -> None:
        """Makes the settings' endpoints those of the store: new ones made, known ones updated, others REMOVED, their pending
        deliveries HELD. A known one stays disabled and paused, unless its URL is another now; one that was removed is again
        what it was. What one that is active was kept from, by any of that, is PENDING and due."""
        ...

    async def endpoints(self) -> list[Endpoint]:
        """All endpoints, without their secrets."""
        ...

    async def claim(self, room: Mapping[str, int], *, token: str, now: datetime, until: datetime) -> list[Delivery]:
        """At most `room[endpoint]` due deliveries of each endpoint named, oldest due first, claimed under the token until
        the time given. None is claimed twice before its lease ends; none of an endpoint that is paused or not active is
        claimed."""
        ...

    async def settle(self, settlement: Settlement, *, token: str) -> Outcome | None:
        """Writes what became of an attempt, and what follows for the endpoint, where the token still stands; gives what
        became of it: held instead of tried again where the endpoint is no longer active. None, and nothing done, where the
        token does not stand."""
        ...

    async def release(self, token: str) -> int:
        """Gives back every delivery claimed under the token; how many there were."""
        ...

    async def owed(self) -> list[Owed]:
        """What every endpoint is owed, disabled and removed ones too."""
        ...

    async def ping(self) -> None:
        """Returns where the store can be read and written."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """An account as shown: its condition, why, until when, and its budget in requests a second."""

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


class Following(Protocol):
    """What the interface may ask of polling."""

    @property
    def accounts(self) -> Sequence[str]:
        """The names of the accounts that are followed, in the settings' order."""
        ...

    async def follow(self, wishes: Sequence[Wish]) -> list[Followed]:
        """Stores the wishes and has new watches looked at first. KeyError never: accounts are checked before."""
        ...

    async def stop(self, key: Key) -> bool:
        """As Store.stop; it is not looked at any more."""
        ...

    async def follow_broadcast(self, wish: BroadcastWish) -> FollowedBroadcast:
        """Stores the wish; from now on the broadcast's batches are found by themselves. Accounts are checked before."""
        ...

    async def stop_broadcast(self, account: str, broadcast_id: int) -> bool:
        """As Store.stop_broadcast; no batch of it is found any more, and those that were are still followed."""
        ...

    def broadcast(self, account: str, broadcast_id: int) -> BroadcastView | None:
        """The broadcast as it stands, followed or not; None where nothing is known of it."""
        ...

    def next_look(self, key: Key) -> datetime | None:
        """Roughly when the watch will be looked at; None where it is not open."""
        ...

    def last_look(self, key: Key) -> LastLook | None:
        """The last look at an open watch, also one that is not saved yet; None before the first."""
        ...

    def eta(self, key: Key) -> Eta | None:
        """When the watch's batch will have ended; None where it is not open, has ended, or there is too little to go by."""
        ...

    def explain(self, key: Key) -> Explanation | None:
        """Why the watch is looked at when it is; None where it is not open."""
        ...

    def lengths(self, account: str) -> Lengths:
        """What the account has learnt of how long validation takes. Accounts are checked before."""
        ...

    def view(self, account: str) -> AccountView:
        """The account as it is now."""
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
