"""What a person asks of deliveries: lists, attempts, sending again, recovering; and what may be forgotten. Data only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from watcher.core.endpoint import AttemptRecord, Cause, DeliveryState

RecoveryState = Literal["dead", "held", "pending", "done", "missing"]
"""In which state events are recovered; `missing` are those that the endpoint wants and was never owed: it is younger than they,
or wanted something else then."""
USUAL_STATES: Final[frozenset[RecoveryState]] = frozenset({"dead", "held", "missing"})
"""All that was not delivered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryQuery:
    """Which deliveries to list, the newest (by id) first: those with an id below `before`. `batch_id` is one of the `account`,
    or of any where none is given."""

    endpoint_id: str | None = None
    account: str | None = None
    batch_id: int | None = None
    states: Sequence[DeliveryState] = ()
    before: int | None = None
    limit: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """A delivery as shown, without the event's body. `in_flight`: an attempt is under way. `code` and `error` are those of the
    last attempt; `ended` is when it ended, None before the first."""

    id: int
    endpoint_id: str
    position: int
    event_id: str
    event_type: str
    account: str
    batch_id: int | None
    created: datetime
    due: datetime | None
    attempts: int
    state: DeliveryState
    cause: Cause
    in_flight: bool
    code: int | None = None
    error: str | None = None
    ended: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryDetails:
    """A delivery with all attempts that are kept, the first one first."""

    view: DeliveryView
    attempts: Sequence[AttemptRecord]


Resent = Literal["resent", "in_flight", "not_active", "unknown"]
"""What became of the wish to send a delivery again: it is due now; an attempt is under way; its endpoint is not active; there is
no such delivery."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """Which events an endpoint is to get again: those at a position above `after` that happened from `since` to before `until`,
    and are in one of the states; of these `accounts` alone where they are given. At most `most` events are looked at."""

    endpoint_id: str
    since: datetime
    until: datetime
    states: frozenset[RecoveryState] = USUAL_STATES
    accounts: frozenset[str] | None = None
    after: int = 0
    most: int = 2000


def of_accounts(recovery: Recovery, account: str | None) -> bool:
    """Whether an event of that account (None: of no account) may be recovered."""
    return recovery.accounts is None or account in recovery.accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """How many there were by state, and from where (`after`) to go on; None at the end."""

    counts: Mapping[RecoveryState, int]
    after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cutoffs:
    """What is older is forgotten: events, deliveries that are not pending (with their attempts), and what was found out of
    broadcasts that nobody follows. With deliveries go endpoints that were removed, made before that, and have none left."""

    events: datetime
    deliveries: datetime
    broadcasts: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgotten:
    """How much was forgotten, and up to which delivery, event and removed endpoint was looked at; `ended` where nothing older is
    left behind. Endpoints are not counted."""

    events: int = 0
    deliveries: int = 0
    broadcasts: int = 0
    delivery: int = 0
    position: int = 0
    endpoint: str = ""
    ended: bool = False
