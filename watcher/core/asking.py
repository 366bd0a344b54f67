"""What may be asked of what is kept: which watches, which events; and what an endpoint is owed. Data only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from watcher.core.attention import Band
from watcher.core.model import Key, State


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchQuery:
    """Which watches to list: those to which everything that is given applies. STOPPED watches are never listed.

    `accounts` None means all. `stuck` are the open ones that were told to be stuck and have not moved since. A watch has to have
    all of the `labels`. `since`: it came into its present status then or later. `among` names batches by account, each in
    ascending order, and only those are listed. `q` is what a person searches for: see `core.finding`.

    The order is (account, batch id), after the key given. A watch that is made while somebody pages comes where its id belongs:
    none is listed twice, and none that was there all the time is left out. Where the list is `by_since` the order is (account,
    since, batch id), after the key that had its status since `after_since`: a watch that changes meanwhile comes once more, at
    the end of its account's, so that no change there is left out.
    """

    accounts: Sequence[str] | None = None
    status: str | None = None
    final: bool | None = None
    state: State | None = None
    stuck: bool | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    broadcast_id: int | None = None
    since: datetime | None = None
    q: str | None = None
    among: Mapping[str, Sequence[int]] | None = None
    after: Key | None = None
    after_since: datetime | None = None
    limit: int = 100

    @property
    def by_since(self) -> bool:
        """Whether the list is in the order in which the watches came into their status."""
        return self.since is not None and self.among is None


@dataclass(frozen=True, slots=True, kw_only=True)
class BandQuery:
    """Which watches of a band are wanted, NEEDS or REST, in its order (`core.attention`): `limit` of them, behind the first
    `offset`. All that is given applies; `accounts` None means all. STOPPED watches are in no band."""

    band: Band
    accounts: Sequence[str] | None = None
    status: str | None = None
    state: State | None = None
    final: bool | None = None
    limit: int = 100
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EventQuery:
    """Which events to list: those at a position greater than `after`, in the order of positions.

    Positions become visible in their order: where one has been read, no smaller one appears any more. So whoever goes on
    after the last position read misses none, however many commit at once; a store with more than one writer must see to it.

    `accounts` None means all, and those of operators too, which are of no account.
    """

    after: int = 0
    limit: int = 100
    types: Sequence[str] = ()
    account: str | None = None
    accounts: Sequence[str] | None = None
    batch_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What an endpoint is owed: how many deliveries are pending, and when the oldest of them was made."""

    endpoint_id: str
    pending: int
    oldest: datetime | None
