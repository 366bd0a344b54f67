"""What the interface may ask of planning."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from watcher.core.plan import Bought

UnplannedKind = Literal["nothing-to-plan", "plan-under-way", "plan-failed", "stopping"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What an account's budget buys it, and for which moment that holds."""

    account: str
    at: datetime
    bought: Bought


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplanned:
    """There is no plan: of what kind the obstacle is, and in words what it is and what to do."""

    kind: UnplannedKind
    detail: str


class Planning(Protocol):
    """Plays accounts' loads apart from everything else."""

    async def plan(self, account: str) -> Planned | Unplanned:
        """What the account's budget buys it just now, or did a while ago with about the same load. It may take a minute; one
        account is played at a time, and whoever asks for the same one waits along. Accounts are checked before."""
        ...
