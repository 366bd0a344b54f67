"""Who polls which account: leases of shares among the processes that have one database, by that database's clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A share (an account, or a part of one) that this process has, and in which epoch: one more whenever somebody else takes
    it. Every write of whoever polls the share repeats it, so who lost it without knowing writes nothing."""

    share: str
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Replica:
    """A process that has the database. `name` tells people which; `version` is of the tables that it knows."""

    id: str
    name: str
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A share, its epoch, and the replica that has it; None where nobody has it, or only one that is gone. `demand` is how much
    work it is, as its last owner said."""

    share: str
    epoch: int
    replica: str | None
    demand: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """How the shares are spread among the `replicas` that poll. What is held by `me` is nobody else's until `sure_until`, of this
    process's monotonic clock.

    `others` are shares of the same accounts, in other divisions, that somebody polls: of such an account nothing can be taken.
    `elsewhere` is how much work replicas have with shares that were not asked about: settings may differ. `skew` is by how many
    seconds this machine's clock is ahead of the database's.
    """

    me: str
    replicas: Sequence[Replica]
    shares: Sequence[Held]
    others: Sequence[str] = ()
    elsewhere: Mapping[str, float] = field(default_factory=dict)
    sure_until: float = inf
    skew: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a share stands, for those who do not have it: how much work it is (requests a second), and what is shown of it, which
    the store does not read."""

    demand: float
    shown: str


class Leases(Protocol):
    """The leases. As with all of the store, a method does all it says, durably, or raises StoreError."""

    @property
    def replica(self) -> str:
        """This process's id among the replicas."""
        ...

    async def board(self, shares: Sequence[str]) -> Board:
        """Notes that this process polls, and gives how these shares are spread, in their order; ones not known yet are nobody's.
        Who asks for none takes no part any more."""
        ...

    async def take(self, shares: Sequence[str]) -> list[Lease]:
        """Takes those that are nobody's, or only of a replica that is gone; none of an account that somebody polls who divides it
        differently."""
        ...

    async def give_back(self, leases: Sequence[Lease]) -> None:
        """They are nobody's from now on, and the other replicas hear of it. Those that are no longer ours stay as they are."""
        ...

    async def describe(self, standings: Mapping[Lease, Standing]) -> None:
        """Writes down how shares stand; those that are no longer ours stay as they are."""
        ...

    async def shown(self) -> Mapping[str, str]:
        """What their owners said last of all shares that were ever described."""
        ...
