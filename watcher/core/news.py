"""What the inside tells itself: one frozen dataclass an occurrence. Metrics, logs and streams listen; nobody answers.

Durations are seconds as floats, because listeners only ever count them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from watcher.core.answers import Answer, OtherAnswer
from watcher.core.delivery_news import Attempted as Attempted  # noqa: PLC0414 -- to be had from here
from watcher.core.delivery_news import Backlog as Backlog  # noqa: PLC0414 -- to be had from here
from watcher.core.delivery_news import EndpointChanged as EndpointChanged  # noqa: PLC0414 -- to be had from here
from watcher.core.delivery_news import EndpointTold as EndpointTold  # noqa: PLC0414 -- to be had from here
from watcher.core.interface_news import AuthCalm as AuthCalm  # noqa: PLC0414 -- to be had from here
from watcher.core.interface_news import AuthFailed as AuthFailed  # noqa: PLC0414 -- to be had from here
from watcher.core.interface_news import AuthFailure as AuthFailure  # noqa: PLC0414 -- to be had from here
from watcher.core.interface_news import RequestFailed as RequestFailed  # noqa: PLC0414 -- to be had from here
from watcher.core.interface_news import StreamClosed as StreamClosed  # noqa: PLC0414 -- to be had from here
from watcher.core.interface_news import StreamOpened as StreamOpened  # noqa: PLC0414 -- to be had from here
from watcher.core.model import Look, Recorded
from watcher.core.store_news import DividedOtherwise as DividedOtherwise  # noqa: PLC0414 -- to be had from here
from watcher.core.store_news import LeasesMoved as LeasesMoved  # noqa: PLC0414 -- to be had from here
from watcher.core.store_news import LeasesSeen as LeasesSeen  # noqa: PLC0414 -- to be had from here
from watcher.core.store_news import MigrationsWait as MigrationsWait  # noqa: PLC0414 -- to be had from here
from watcher.core.store_news import SecretsExposed as SecretsExposed  # noqa: PLC0414 -- to be had from here
from watcher.core.store_news import SharesNamed as SharesNamed  # noqa: PLC0414 -- to be had from here
from watcher.core.store_news import StoreFailed as StoreFailed  # noqa: PLC0414 -- to be had from here
from watcher.core.store_news import StoreRecovered as StoreRecovered  # noqa: PLC0414 -- to be had from here
from watcher.core.store_news import StoreTook as StoreTook  # noqa: PLC0414 -- to be had from here
from watcher.core.store_news import Swept as Swept  # noqa: PLC0414 -- to be had from here
from watcher.core.store_news import WriteFenced as WriteFenced  # noqa: PLC0414 -- to be had from here
from watcher.core.streamrank import StreamRank
from watcher.core.trace_news import SpansLost as SpansLost  # noqa: PLC0414 -- to be had from here
from watcher.core.trace_news import TracesFailed as TracesFailed  # noqa: PLC0414 -- to be had from here
from watcher.core.trace_news import TracesRecovered as TracesRecovered  # noqa: PLC0414 -- to be had from here

By = Literal["single", "page", "refresh"]
Result = Literal["changed", "unchanged", "missing", "unanswered", "overtaken", "untouched"]
RateReason = Literal["lowered", "found", "grown", "restored", "kept"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """CallFire answered one request, or did not. `outcome` is the HTTP code, or timeout, reset, dns, tls, bad_body, files.

    `answer` is the whole of it, and `server` where it was asked (https://HOST).
    """

    account: str
    operation: Literal["batch", "page", "submit", "switch"]
    outcome: str
    took: float
    size: int = 0
    server: str = field(default="", compare=False)
    answer: Answer | OtherAnswer | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """One look was taken in: `look`, at `batch_id`, and what was recorded for it. A page that showed nothing has none of them."""

    account: str
    by: By
    result: Result
    batch_id: int = field(default=0, compare=False)
    look: Look | Answer | None = field(default=None, repr=False, compare=False)
    events: Sequence[Recorded] = field(default=(), repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """An event of a watch was committed, its body so many bytes in `size`. `window` is `by` - `after` in seconds, None where
    `after` is not known.

    `validation` is how long validation took in seconds (creation to the last status), None unless it just ended.
    """

    account: str
    batch_id: int
    type: str
    number: int
    position: int
    status: str | None
    previous: str | None
    at: datetime
    window: float | None = None
    validation: float | None = None
    deliveries: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownStatus:
    """CallFire used a status nobody knows."""

    account: str
    batch_id: int
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """CallFire cannot do anything with our question about a batch: it is not asked again for a while. `outcome` is the code."""

    account: str
    batch_id: int
    outcome: str
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """A watch was made, opened again or stopped; got other labels, correlation id or expiry; or a look amended it silently."""

    account: str
    batch_id: int
    what: Literal["created", "reopened", "relabelled", "stopped", "amended"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A batch on its way to CallFire took a step. `state` is that of its submission, `detail` why, in words."""

    account: str
    broadcast_id: int
    submission: str
    state: str
    batch_id: int | None
    tries: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many watches an account has by status label, and what is owed to them; told every few seconds. `part` is which part of
    it, where it is divided."""

    account: str
    by_status: dict[str, int]
    overdue: int
    oldest_look_age: float
    stuck: int
    expected_wait: float
    part: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamRanked:
    """What polling an account costs, and being told of changes instead; told every few seconds."""

    account: str
    rank: StreamRank


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionChanged:
    """An account came into another condition: ok, throttled, down, refused or paused."""

    account: str
    condition: str
    previous: str
    reason: str
    until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTold:
    """An event about an account (account.refused, account.recovered) was committed."""

    account: str
    type: str
    position: int
    deliveries: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttled:
    """CallFire asked for a pause until the time named. `again` where it only lengthens one in force: the answer was under way."""

    account: str
    until: datetime
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetUsed:
    """Requests a second: what is configured, what is in force, and what was used since the last such news; of a `part` of the
    account, where it is divided."""

    account: str
    configured: float
    effective: float
    used: float
    part: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLearnt:
    """The rate in force (requests a second) is noticeably another one: lowered after a 429, found to be what CallFire allows,
    grown, restored to what is configured, or kept from before the restart."""

    account: str
    rate: float
    previous: float
    configured: float
    reason: RateReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Stepped:
    """The poller of an account, or of a `part` of it, took a step: it is alive, whether or not it asked anything."""

    account: str
    at: datetime
    part: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFailed:
    """A worker's step raised; it runs again after `pause` seconds. Or an errand did, which does not (pause 0)."""

    worker: str
    error: str
    pause: float
    trace: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRecovered:
    """A worker that had failed took a step to its end."""

    worker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopLag:
    """How much later than asked the event loop woke a sleeper, in seconds."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesFew:
    """Of the files that may be open few are left: clients get no answer but from probes."""

    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesPlenty:
    """There is room for more files again."""

    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The daemon is up."""

    version: str
    listen: str
    accounts: int
    watches: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopping:
    """The daemon was asked to stop."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """The settings were read again. `error` names what was wrong with them, None where they are in force; `changed` are the keys
    that are otherwise now, `restart` those that will be with the next start, `warnings` say what should be looked after."""

    at: datetime
    error: str | None
    changed: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


News = (
    Answered
    | Looked
    | Changed
    | UnknownStatus
    | SetAside
    | Following
    | Submitted
    | Tally
    | StreamRanked
    | ConditionChanged
    | AccountTold
    | Throttled
    | BudgetUsed
    | RateLearnt
    | Stepped
    | Attempted
    | Backlog
    | EndpointChanged
    | EndpointTold
    | DividedOtherwise
    | LeasesMoved
    | LeasesSeen
    | SharesNamed
    | MigrationsWait
    | SecretsExposed
    | Swept
    | WriteFenced
    | WorkerFailed
    | WorkerRecovered
    | RequestFailed
    | AuthFailed
    | AuthCalm
    | StreamOpened
    | StreamClosed
    | LoopLag
    | FilesFew
    | FilesPlenty
    | StoreTook
    | StoreFailed
    | StoreRecovered
    | SpansLost
    | TracesFailed
    | TracesRecovered
    | Started
    | Stopping
    | Reloaded
)

Tell = Callable[[News], None]
"""Hands news to all listeners, at once and in order. Listeners never raise and never wait."""
