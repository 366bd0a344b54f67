"""The leases of several replicas, in memory: one table, and the port Leases for each that has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.fakes import FakeClock
from watcher.core.parts import part_named
from watcher.ports import Board, Held, Lease, Replica, Standing, StoreError

LASTS = 6.0
"""Seconds that a lease lasts."""


@dataclass(slots=True, kw_only=True)
class Row:
    """A share as the table has it."""

    epoch: int = 0
    replica: str | None = None
    demand: float = 1.0
    shown: str = ""


@dataclass(slots=True)
class Table:
    """What the replicas have in common. Those in `polling` are there and take part."""

    clock: FakeClock
    rows: dict[str, Row] = field(default_factory=dict)
    polling: set[str] = field(default_factory=set)

    def owners(self) -> dict[str, str | None]:
        return {share: row.replica for share, row in sorted(self.rows.items())}

    def gone(self, replica: str) -> None:
        """The replica is not there any more."""
        self.polling.discard(replica)
        for row in self.rows.values():
            row.replica = None if row.replica == replica else row.replica


class FakeLeases:
    """The port Leases of one replica. What is in `failing` raises, `doing` what it says afterwards: the answer is lost."""

    def __init__(self, table: Table, replica: str) -> None:
        self.table = table
        self.replica = replica
        self.failing: set[str] = set()
        self.unanswered: set[str] = set()
        self.given: list[tuple[str, ...]] = []

    async def board(self, shares: Sequence[str]) -> Board:
        self._may("board")
        table = self.table
        (table.polling.add if shares else table.polling.discard)(self.replica)
        rows = [(share, table.rows.setdefault(share, Row())) for share in shares]
        return Board(
            me=self.replica,
            replicas=[Replica(id=each, name=f"process of {each}") for each in sorted(table.polling)],
            shares=[Held(share=share, epoch=row.epoch, replica=row.replica, demand=row.demand) for share, row in rows],
            others=self._others(shares),
            elsewhere=self._elsewhere(shares),
            sure_until=table.clock.monotonic() + LASTS,
            skew=0.5,
        )

    def _elsewhere(self, shares: Sequence[str]) -> dict[str, float]:
        work: dict[str, float] = {}
        for share, row in self.table.rows.items():
            if row.replica is not None and share not in shares:
                work[row.replica] = work.get(row.replica, 0.0) + row.demand
        return work

    async def take(self, shares: Sequence[str]) -> list[Lease]:
        self._may("take")
        divided = {part_named(share).account for share in self._others(shares)}
        taken = [
            share
            for share in shares
            if self.table.rows[share].replica is None and part_named(share).account not in divided
        ]
        for share in taken:
            row = self.table.rows[share]
            row.epoch, row.replica = row.epoch + 1, self.replica
        self._answered("take")
        return [Lease(share=share, epoch=self.table.rows[share].epoch) for share in taken]

    async def give_back(self, leases: Sequence[Lease]) -> None:
        self._may("give_back")
        self.given.append(tuple(lease.share for lease in leases))
        for lease in filter(self._is_ours, leases):
            self.table.rows[lease.share].replica = None

    async def describe(self, standings: Mapping[Lease, Standing]) -> None:
        self._may("describe")
        for lease, standing in standings.items():
            if self._is_ours(lease):
                row = self.table.rows[lease.share]
                row.demand, row.shown = standing.demand, standing.shown

    async def shown(self) -> Mapping[str, str]:
        return {share: row.shown for share, row in self.table.rows.items() if row.shown}

    def _others(self, shares: Sequence[str]) -> list[str]:
        """What is polled of the same accounts in other divisions."""
        asked = {part_named(share)[::2] for share in shares}  # accounts, and how they are divided
        accounts = {account for account, _ in asked}
        return sorted(
            share
            for share, row in self.table.rows.items()
            if row.replica is not None and part_named(share).account in accounts and part_named(share)[::2] not in asked
        )

    def _is_ours(self, lease: Lease) -> bool:
        row = self.table.rows[lease.share]
        return (row.replica, row.epoch) == (self.replica, lease.epoch)

    def _may(self, operation: str) -> None:
        if operation in self.failing:
            raise StoreError(f"{operation} failed")

    def _answered(self, operation: str) -> None:
        if operation in self.unanswered:
            self.unanswered.discard(operation)
            raise StoreError(f"whether {operation} was done is not known")


def taken_over(table: Table, share: str, by: str) -> None:
    """Somebody else has the share, without its owner's knowing."""
    table.rows[share] = replace(table.rows[share], epoch=table.rows[share].epoch + 1, replica=by)
