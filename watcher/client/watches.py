"""What the client gives of batches and broadcasts, events and accounts. Times are aware, in UTC.

`document` is what the watcher answered, as it came: with what this version does not know.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

Document = Mapping[str, Any]


class Key(NamedTuple):
    """What names a batch."""

    account: str
    batch_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Between which moments a transition happened: the last look before, where there was one, and the first after."""

    after: datetime | None
    by: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One event of a batch. `skipped` are statuses that must have passed unseen."""

    number: int
    type: str
    timestamp: datetime
    status: str | None = None
    previous_status: str | None = None
    skipped: tuple[str, ...] = ()
    window: Window | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """When the batch was last seen."""

    asked: datetime
    answered: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PastLook:
    """One look: `by` is single, page or refresh, `result` what came of it."""

    asked: datetime
    answered: datetime
    by: str
    result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """The looks at a batch that the watcher remembers: all that were answered after `since`, None: all. `total` is in how many
    the batch was seen."""

    items: tuple[PastLook, ...]
    total: int
    since: datetime | None = None
    document: Document = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Eta:
    """When the batch will have ended with a chance of 50 and of 90 %."""

    p50: datetime
    p90: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """A batch as last seen, and how it is followed. `transitions` are there where it was asked for by itself; so is `etag`, by
    which a later question can wait until it has changed. `fresh` says after `refresh` whether it has been looked at since,
    `attention` why it needs a person, where it does."""

    account: str
    batch_id: int
    state: str
    status: str | None = None
    final: bool = False
    broadcast_id: int | None = None
    name: str | None = None
    since: datetime | None = None
    created: datetime | None = None
    size: int | None = None
    remaining: int | None = None
    enabled: bool | None = None
    opened: datetime | None = None
    attention: str | None = None
    expires: datetime | None = None
    looks: int = 0
    last_look: Look | None = None
    next_look: datetime | None = None
    eta: Eta | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    correlation_id: str | None = None
    transitions: tuple[Transition, ...] = ()
    etag: str | None = None
    fresh: bool | None = None
    document: Document = field(default_factory=dict, repr=False, compare=False)

    @property
    def key(self) -> Key:
        return Key(self.account, self.batch_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What happened, as a webhook's body has it, with its place in the log."""

    position: int
    id: str
    type: str
    timestamp: datetime
    data: Document
    document: Document = field(default_factory=dict, repr=False, compare=False)

    @property
    def key(self) -> Key | None:
        """The batch that it is about, where it is about one."""
        batch_id = self.data.get("batch_id")
        return None if batch_id is None else Key(self.data["account"], batch_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A batch to follow, one of many. `where` is for you: it comes back with what became of the row."""

    batch_id: int
    account: str | None = None
    labels: Mapping[str, str] | None = None
    correlation_id: str | None = None
    broadcast_id: int | None = None
    expires_in: str | float | None = None
    where: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a row: `result` is created, known or reopened, or None, and then `error` says why it was refused."""

    where: str
    result: str | None = None
    account: str | None = None
    batch_id: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Broadcast:
    """A broadcast as it stands. `note` says what keeps its batches from being found, where anything does."""

    account: str
    broadcast_id: int
    followed: bool = False
    kind: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    correlation_id: str | None = None
    opened: datetime | None = None
    batches: int = 0
    listed: datetime | None = None
    note: str = ""
    document: Document = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account's condition, and its budget in requests a second. `learnt` and `streamrank` come where it was asked for by
    itself."""

    name: str
    condition: str
    reason: str = ""
    until: datetime | None = None
    rate: float = 0.0
    effective_rate: float = 0.0
    in_flight: int = 0
    open: int = 0
    overdue: int = 0
    last_step: datetime | None = None
    used: float = 0.0
    looks_per_request: float | None = None
    change_percentage: float | None = None
    learnt: Document | None = None
    streamrank: Document | None = None
    document: Document = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a batch is looked at when it is; durations in seconds. `summary` says it in words."""

    account: str
    batch_id: int
    summary: str
    why: str
    next_look: datetime | None = None
    rank: int | None = None
    document: Document = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A batch that was, or is to be, added to a broadcast. `state` says how far it is, `batch_id` is there once CallFire has
    it."""

    id: str
    account: str
    broadcast_id: int
    state: str
    name: str = ""
    kind: str | None = None
    batch_id: int | None = None
    recipients: int | None = None
    tries: int = 0
    created: datetime | None = None
    sent: datetime | None = None
    settled: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    correlation_id: str | None = None
    detail: str = ""
    document: Document = field(default_factory=dict, repr=False, compare=False)
