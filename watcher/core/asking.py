"""What may be asked of what is kept: which watches, which events; and what an endpoint is owed. Data only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from watcher.core.model import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchQuery:
    """Which watches to list, in the order of (account, batch id), after the key given.

    `accounts` None means all. STOPPED watches are never listed.
    """

    accounts: Sequence[str] | None = None
    status: str | None = None
    final: bool | None = None
    after: Key | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class EventQuery:
    """Which events to list: those at a position greater than `after`, in the order of positions.

    Positions become visible in their order: where one has been read, no smaller one appears any more. So whoever goes on
    after the last position read misses none, however many commit at once; a store with more than one writer must see to it.
    """

    after: int = 0
    limit: int = 100
    types: Sequence[str] = ()
    account: str | None = None
    batch_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What an endpoint is owed: how many deliveries are pending, and when the oldest of them was made."""

    endpoint_id: str
    pending: int
    oldest: datetime | None
