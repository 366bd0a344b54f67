"""What there is: accounts, broadcasts, and batches whose whole life is planned when they come.

What a batch shows at any moment follows from its plan and the time. Times are seconds since 1970, as floats.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

NEW: Final = "NEW"
VALIDATING: Final = "VALIDATING"
ACTIVE: Final = "ACTIVE"
ERRORS: Final = "ERRORS"
SOURCE_ERROR: Final = "SOURCE_ERROR"

Kind = Literal["calls", "texts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """What batches are like. Sizes are lognormal; validation takes (`least` + size x `per_contact`) seconds times
    lognormal(0, `spread`), times `scale`, at most `longest`. Shares are of all batches."""

    arrivals: float = 0.0  # batches a second that come by themselves (Poisson)
    batches: int = 0  # how many of them at most
    at_start: int = 0  # how many there are from the beginning
    size_median: float = 3000.0
    size_sigma: float = 1.8
    size_least: int = 10
    size_most: int = 1_000_000
    least: float = 2.0
    per_contact: float = 1 / 2000
    spread: float = 1.0
    scale: float = 1.0
    longest: float = math.inf
    new_lasts: float = 1.0  # mean seconds in NEW (exponential)
    stuck_share: float = 0.02
    stuck_least: float = 1800.0
    stuck_most: float = 7200.0
    errors_share: float = 0.08
    lists_share: float = 0.2  # from a contact list
    source_error_share: float = 0.1  # of those
    texts_share: float = 0.25  # of the broadcasts
    batches_a_broadcast: int = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A batch's life: NEW from `created`, VALIDATING from `validating`, `end` from `ended`. `skips` leaves VALIDATING out."""

    created: float
    validating: float
    ended: float
    end: str
    size: int
    skips: bool = False

    def changes(self) -> list[tuple[str, float]]:
        """Every status and when it began."""
        middle = [] if self.skips else [(VALIDATING, self.validating)]
        return [(NEW, self.created), *middle, (self.end, self.ended)]

    def status(self, now: float) -> str:
        """The status at that time."""
        if now >= self.ended:
            return self.end
        return VALIDATING if now >= self.validating and not self.skips else NEW


@dataclass(slots=True, kw_only=True)
class Batch:
    """A batch; `enabled` may change, and of its plan what is still to come."""

    id: int
    account: str
    broadcast_id: int
    kind: Kind
    name: str
    plan: Plan
    contact_list_id: int | None = None
    enabled: bool = True

    def shown(self, now: float, *, sizes_late: bool) -> dict[str, object]:
        """As the API shows it. With `sizes_late` the size is 0 until validation ends."""
        status = self.plan.status(now)
        size = 0 if sizes_late and now < self.plan.ended else self.plan.size
        return {
            "id": self.id,
            "name": self.name,
            "status": status,
            "broadcastId": self.broadcast_id,
            "created": int(self.plan.created * 1000),
            "size": size,
            "remaining": size,
            "enabled": self.enabled,
        }


@dataclass(slots=True, kw_only=True)
class Broadcast:
    """A voice or text broadcast of one account, with the ids of its batches in the order in which they came."""

    id: int
    account: str
    kind: Kind
    batches: list[int] = field(default_factory=list)


class World:
    """All of it. Everything drawn comes from one seed, so the same calls make the same world.

    Batches that come by themselves have their moments drawn; they are there from that moment on, whenever `advance` is called.
    """

    def __init__(self, accounts: Sequence[str], workload: Workload, seed: int, now: float) -> None:
        self.accounts = accounts
        self.workload = workload
        self.batches: dict[int, Batch] = {}
        self.broadcasts: dict[int, Broadcast] = {}
        self._latest: dict[tuple[str, Kind | None], Broadcast] = {}
        self._random = random.Random(seed)
        self._last_id = 1000
        for _ in range(workload.at_start):
            self.arrive(now)
        self._to_come = workload.batches if workload.arrivals > 0 else 0
        self._next = now
        self._draw_next()

    def advance(self, now: float) -> None:
        """Lets come what has come by now, each batch at its own moment."""
        while self._to_come and self._next <= now:
            self._to_come -= 1
            self.arrive(self._next)
            self._draw_next()

    def arrive(self, now: float, account: str | None = None) -> Batch:
        """A batch as the workload has them, in the account's latest broadcast or, when that is full, a new one."""
        draw, load = self._random, self.workload
        broadcast = self.open_broadcast(account if account is not None else draw.choice(self.accounts))
        listed = draw.random() < load.lists_share
        return self.add(broadcast, self.plan(now, listed=listed), contact_list_id=self._next_id() if listed else None)

    def plan(self, now: float, *, size: int | None = None, listed: bool = False, end: str | None = None) -> Plan:
        """A life drawn from the workload. Only a batch of a contact list can end as SOURCE_ERROR by itself."""
        draw, load = self._random, self.workload
        if size is None:
            drawn = load.size_median * math.exp(draw.gauss(0.0, load.size_sigma))
            size = int(min(max(drawn, load.size_least), load.size_most))
        lasts = (load.least + size * load.per_contact) * math.exp(draw.gauss(0.0, load.spread)) * load.scale
        stuck = draw.random() < load.stuck_share
        if stuck:
            lasts = draw.uniform(load.stuck_least, load.stuck_most)
        validating = now + (draw.expovariate(1 / load.new_lasts) if load.new_lasts > 0 else 0.0)
        chance = draw.random()
        if end is None:
            end = ERRORS if chance < load.errors_share else ACTIVE
            if listed and draw.random() < load.source_error_share:
                end = SOURCE_ERROR
        return Plan(created=now, validating=validating, ended=validating + min(lasts, load.longest), end=end, size=size)

    def add(self, broadcast: Broadcast, plan: Plan, *, name: str = "", contact_list_id: int | None = None) -> Batch:
        """A batch of that life in the broadcast."""
        number = self._next_id()
        batch = Batch(
            id=number,
            account=broadcast.account,
            broadcast_id=broadcast.id,
            kind=broadcast.kind,
            name=name or f"API {number}",
            plan=plan,
            contact_list_id=contact_list_id,
        )
        self.batches[number] = batch
        broadcast.batches.append(number)
        return batch

    def open_broadcast(self, account: str, kind: Kind | None = None) -> Broadcast:
        """The account's latest broadcast (of that kind, where one is given); a new one when that is full."""
        latest = self._latest.get((account, kind))
        if latest is not None and len(latest.batches) < self.workload.batches_a_broadcast:
            return latest
        if kind is None:
            kind = "texts" if self._random.random() < self.workload.texts_share else "calls"
        broadcast = Broadcast(id=self._next_id(), account=account, kind=kind)
        self.broadcasts[broadcast.id] = broadcast
        self._latest[account, kind] = self._latest[account, None] = broadcast
        return broadcast

    def _draw_next(self) -> None:
        if self._to_come:
            self._next += self._random.expovariate(self.workload.arrivals)

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id
