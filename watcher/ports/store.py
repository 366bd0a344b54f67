"""Everything that lasts. Each method's docstring states its promise, which one contract suite tests for every store."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, Self

from watcher.core.account import AccountRecord
from watcher.core.asking import BandQuery, EventQuery, WatchQuery
from watcher.core.broadcasts import Broadcast
from watcher.core.model import BroadcastKind, Event, Key, LastLook, Recorded, Watch
from watcher.core.opened import Opened
from watcher.core.wishes import UNSET, BroadcastWish, Followed, FollowedBroadcast, Unset, Wish
from watcher.ports.delivering import Committed, Deliveries, Endpoints
from watcher.ports.leases import Lease, Leases
from watcher.ports.log import Log
from watcher.ports.once import Once
from watcher.ports.ranks import Ranks
from watcher.ports.submissions import Submissions
from watcher.ports.tokens import Tokens, Whose
from watcher.ports.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A watch as it is after a look, with the version it was learnt from, and the events that follow. `moves`: another part of
    the account polls it from now on, and is told."""

    watch: Watch
    version: int
    events: Sequence[Event] = ()
    moves: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountChange:
    """An account's record as it is now, and the events that follow, each of which adds one to its number. `shared`: others may
    have changed it."""

    record: AccountRecord
    events: Sequence[Event] = ()
    shared: bool = False


class Accounts(Protocol):
    """What is kept of accounts. As with all of the store, a method does all it says, durably, or raises StoreError."""

    async def account(self, name: str) -> AccountRecord | None:
        """What was kept of the account."""
        ...

    async def save_account(self, change: AccountChange) -> Committed | None:
        """The record, its events and their deliveries, in one transaction. None, and nothing done, where it is shared and is not
        any more what it was before these events, by its number."""
        ...


class Broadcasts(Protocol):
    """What is kept of broadcasts, and of what an account has learnt. As with all of the store, durably, or StoreError."""

    async def follow_broadcast(self, wish: BroadcastWish, now: datetime) -> FollowedBroadcast:
        """Makes the broadcast one that is followed as a whole, `opened` now; one that is already keeps its `opened`."""
        ...

    async def stop_broadcast(self, account: str, broadcast_id: int) -> bool:
        """Nobody follows it as a whole any more; all else stays as it is. False where nobody did."""
        ...

    async def broadcasts(self, account: str, broadcast_ids: Sequence[int] | None = None) -> list[Broadcast]:
        """All that are kept of the account, or of these, followed or not, in the order of their ids."""
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


class Store(
    Accounts, Broadcasts, Endpoints, Deliveries, Leases, Log, Once, Ranks, Submissions, Tokens, Whose, Words, Protocol
):
    """Everything that lasts. Every method either does all it says, durably, or raises StoreError and does nothing."""

    @property
    def alive(self) -> bool:
        """Whether it may answer, now or later; False where only a new process can help."""
        ...

    def held(self, lease: Lease) -> Self:
        """The store for whoever has the lease: each of its writes raises LeaseLost, and does nothing, once that is lost."""
        ...

    async def follow(self, wishes: Sequence[Wish], now: datetime) -> list[Followed]:
        """Makes or opens the watches, in the order of the wishes. An open one is left as it is, but for labels, correlation id,
        an unknown broadcast, and when it expires where that is said. An ended or settled one is opened: `opened` is now, it
        expires when that is said, strikes are forgotten, numbers go on."""
        ...

    async def stop(self, key: Key) -> bool:
        """Nobody follows it any more: the watch becomes STOPPED. False where there was none, or it was stopped already."""
        ...

    async def relabel(
        self, key: Key, labels: Mapping[str, str | None] | None, correlation_id: str | Unset | None = UNSET
    ) -> Watch | None:
        """The watch with other labels: those named are set, or taken away where None, and the others stay (a JSON merge patch,
        RFC 7396); `labels` None takes all away. UNSET leaves the correlation id. Its version grows where that changed anything.
        None where nobody follows it (there is none, or it was stopped)."""
        ...

    async def watch(self, key: Key) -> Watch | None:
        """The watch, whatever its state; None where there never was one."""
        ...

    def open_watches(self, account: str) -> AsyncIterator[Sequence[Watch]]:
        """All OPEN watches of the account, in portions of a size the store chooses."""
        ...

    def opened(self, account: str) -> AsyncIterator[Opened]:
        """As `open_watches`, of each what polling goes by, in columns: for many at once."""
        ...

    async def find(self, query: WatchQuery) -> list[Watch]:
        """At most `limit` watches that match."""
        ...

    async def in_band(self, query: BandQuery) -> list[Key]:
        """The watches of the window that is asked for, in the order of their band."""
        ...

    async def count_of_band(self, query: BandQuery) -> int:
        """How many watches of the band there are, whatever the window."""
        ...

    async def watched_accounts(self) -> list[str]:
        """The accounts that have watches, whatever their state: in the order of their names, also those no settings have."""
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

    async def ping(self) -> None:
        """Returns where the store can be read and written."""
        ...
