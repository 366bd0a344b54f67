"""The nouns: batch, watch, look, transition, event. Data only; what follows from what is elsewhere. Endpoints and deliveries
have a module of their own."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal, NamedTuple

NEW: Final = "NEW"
VALIDATING: Final = "VALIDATING"
ACTIVE: Final = "ACTIVE"
ERRORS: Final = "ERRORS"
SOURCE_ERROR: Final = "SOURCE_ERROR"

KNOWN_STATUSES: Final = (NEW, VALIDATING, ACTIVE, ERRORS, SOURCE_ERROR)
FINAL_STATUSES: Final = frozenset({ACTIVE, ERRORS, SOURCE_ERROR})

STATUS_TYPES: Final[Mapping[str, str]] = {
    NEW: "batch.new",
    VALIDATING: "batch.validating",
    ACTIVE: "batch.active",
    ERRORS: "batch.errors",
    SOURCE_ERROR: "batch.source_error",
}
"""The type of the event that tells of a transition to that status."""
UNKNOWN_TYPE: Final = "batch.unknown"
"""That of a transition to a status nobody knows."""
TRANSITION_TYPES: Final = (*STATUS_TYPES.values(), UNKNOWN_TYPE)
OPERATOR_TYPES: Final = ("endpoint.failing", "endpoint.disabled", "endpoint.recovered", "delivery.exhausted")
"""Those that tell of an endpoint. A delivery of one of them never causes another."""
EVENT_TYPES: Final = (
    *TRANSITION_TYPES,
    "batch.missing",
    "batch.stuck",
    "batch.unstuck",
    "watch.expired",
    "account.refused",
    "account.recovered",
    *OPERATOR_TYPES,
)
"""The types of the events that this version sends."""

MAX_BATCH_ID: Final = 2**63 - 1
"""CallFire's ids are int64; 0 and below are never given out."""


class Key(NamedTuple):
    """What a watch is known by."""

    account: str
    batch_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch as CallFire showed it. Only `id` and `status` are certain to be there: answers may be partial."""

    id: int
    status: str
    name: str | None = None
    broadcast_id: int | None = None
    created: datetime | None = None
    size: int | None = None
    remaining: int | None = None
    enabled: bool | None = None


# Looks: one answer about one batch.


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """CallFire showed the batch."""

    asked: datetime
    answered: datetime
    batch: Batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """CallFire says there is no such batch: 404, or 410 when `gone`."""

    asked: datetime
    answered: datetime
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Unanswered:
    """Nothing was learnt about the batch. `refused` counts against this batch (403), `unfit` sets it aside (400, 405, 406)."""

    asked: datetime
    answered: datetime
    reason: str
    refused: bool = False
    unfit: bool = False


Look = Seen | Missing | Unanswered

# Pages: one answer about many batches.

BroadcastKind = Literal["call", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRef:
    """One page of a broadcast's batches, as it is asked for: `limit` rows from `offset` on, in CallFire's own order."""

    broadcast_id: int
    kind: BroadcastKind
    offset: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What a page showed. `items` are in CallFire's order, no id twice: of several rows with one id the first counts.

    `offset` and `limit` are as answered, as asked where the answer does not say. `total` is how many batches the broadcast
    has, None where that is not told or cannot be. `spoilt` is the number of rows that made no sense: a batch that is not
    among the items of a page with such rows may be one of them.
    """

    offset: int
    limit: int
    items: tuple[Batch, ...]
    total: int | None
    spoilt: int = 0


class State(StrEnum):
    """Where a watch is in its life. Only an OPEN one is polled."""

    OPEN = "open"
    SETTLED = "settled"  # ACTIVE, ERRORS or SOURCE_ERROR was seen
    MISSING = "missing"  # CallFire no longer knows the batch
    EXPIRED = "expired"  # followed until `expires`, or for longer than max_age
    STOPPED = "stopped"  # nobody follows it any more; kept so that numbers go on where they ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Our wish to follow one batch, and what is known of it.

    `version` grows with every committed change and is what compare-and-swap compares; `number` is the number of the
    watch's last event (0 before the first). `asked` and `answered` belong to the last look that saw the batch;
    `since` is when its present status was first seen. It is given up when it `expires`; None where nobody said when.
    """

    account: str
    batch_id: int
    opened: datetime
    version: int = 0
    number: int = 0
    state: State = State.OPEN

    status: str | None = None
    since: datetime | None = None
    name: str | None = None
    broadcast_id: int | None = None
    created: datetime | None = None
    size: int | None = None
    remaining: int | None = None
    enabled: bool | None = None

    asked: datetime | None = None
    answered: datetime | None = None
    looks: int = 0

    missing_since: datetime | None = None
    missing_count: int = 0
    refused_count: int = 0
    aside_until: datetime | None = None
    stuck_told: int = 0
    stuck_last: datetime | None = None
    expires: datetime | None = None

    labels: Mapping[str, str] = field(default_factory=dict)
    correlation_id: str | None = None

    @property
    def key(self) -> Key:
        return Key(self.account, self.batch_id)

    @property
    def final(self) -> bool:
        """Whether the last status seen is one that ends validation."""
        return self.status in FINAL_STATUSES


@dataclass(frozen=True, slots=True, kw_only=True)
class LastLook:
    """When a batch was last seen, and what of it may change from look to look: what an unchanged look leaves behind."""

    batch_id: int
    asked: datetime
    answered: datetime
    looks: int
    size: int | None
    remaining: int | None


def overlaid(watch: Watch, last: LastLook | None) -> Watch:
    """The stored watch with what a later look has shown.

    Which of the two is newer is told by the number of looks: the store's times may lie in the future, where the
    machine's clock was set back before a restart.
    """
    if last is None or last.looks < watch.looks:
        return watch
    return replace(
        watch,
        asked=last.asked,
        answered=last.answered,
        looks=last.looks,
        size=watch.size if last.size is None else last.size,
        remaining=watch.remaining if last.remaining is None else last.remaining,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What subscribers get: immutable, numbered per watch (or per account, where `batch_id` is None; or per endpoint).

    `data` is the body's "data" object as it will be sent, JSON-ready, its keys in their documented order. `endpoint` names
    the endpoint that an event is about (OPERATOR_TYPES); such a one has no account: "".
    """

    type: str
    at: datetime
    account: str
    batch_id: int | None
    number: int
    data: Mapping[str, object]
    endpoint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """An event in the log: with its position, its id, and the very bytes that are signed and sent."""

    position: int
    id: str
    type: str
    at: datetime
    account: str
    batch_id: int | None
    number: int
    body: bytes
    endpoint: str | None = None
