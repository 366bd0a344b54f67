"""What the interface takes and gives, as pydantic models. Times are RFC 3339 in UTC with milliseconds."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from watcher.core.attention import Attention
from watcher.core.message import instant
from watcher.core.model import MAX_BATCH_ID, BroadcastKind
from watcher.web.streamrank import StreamRankShown
from watcher.web.values import ExpiresIn, TypeFilter

MAX_POSITION = 2**63 - 1


def _storable(text: str) -> str:
    """Not every store can keep U+0000 in a text."""
    if "\x00" in text:
        raise ValueError("It must not contain the character U+0000")
    return text


STORABLE = AfterValidator(_storable)
Text = Annotated[str, STORABLE]
Instant = Annotated[
    datetime,
    PlainSerializer(instant, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]
LabelName = Annotated[str, Field(min_length=1, max_length=100), STORABLE]
LabelValue = Annotated[str, Field(max_length=500), STORABLE]
BatchId = Annotated[int, Field(ge=1, le=MAX_BATCH_ID)]
BroadcastId = Annotated[int, Field(ge=1, le=MAX_BATCH_ID)]


class Taken(BaseModel):
    """What clients send: unknown keys are refused, and nothing is taken for something else. It may hold a secret."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)


class Given(BaseModel):
    """What clients get."""

    model_config = ConfigDict(frozen=True)


# Taken


class Marks(Taken):
    """By what its events are to be known. What is left out or null stays as it was."""

    labels: Annotated[dict[LabelName, LabelValue], Field(max_length=50)] | None = None
    correlation_id: Annotated[str, Field(max_length=200), STORABLE] | None = None


class FollowBody(Marks):
    """What may be said when a batch is to be followed: also in which broadcast it is, where the client knows it, and after how
    long it is to be given up, counted from now. Without `expires_in` a watch is given up after `polling.max_age`."""

    broadcast_id: BroadcastId | None = None
    expires_in: ExpiresIn | None = None


class BroadcastBody(Marks):
    """What may be said when a broadcast is to be followed as a whole. Without a kind it is found out."""

    kind: BroadcastKind | None = None


class RowBody(FollowBody):
    """One row of many to follow. The account may be left out where there is one."""

    batch_id: BatchId
    account: str | None = None


class Listed(BaseModel):
    """The query of a list that pages by cursor."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cursor: str | None = None
    limit: int = Field(default=100, ge=1, le=1000)

    @property
    def filters(self) -> dict[str, Any]:
        """What a cursor for this list is bound to."""
        return self.model_dump(mode="json", exclude={"cursor", "limit"}, exclude_none=True)


class EventsParams(BaseModel):
    """The query of a list of events."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: int = Field(default=0, ge=0, le=MAX_POSITION)
    limit: int = Field(default=100, ge=1, le=1000)
    type: list[TypeFilter] = []
    account: Text | None = None
    batch_id: BatchId | None = None


# Given


class LookShown(Given):
    """When the batch was last seen."""

    asked: Instant
    answered: Instant


class Window(Given):
    """Between which moments a transition happened: the last look before (null where there was none) and the first after."""

    after: str | None
    by: str


class EtaShown(Given):
    """When the batch will have ended with a chance of 50 and of 90 %, as far as its account's earlier ones tell."""

    p50: Instant
    p90: Instant


class TransitionShown(Given):
    """One event of the watch. `previous_status`, `skipped` and `window` say something only of transitions."""

    number: int
    type: str
    timestamp: Instant
    status: str | None
    previous_status: str | None
    skipped: list[str]
    window: Window | None


class WatchShown(Given):
    """A watch in a list: the batch as last seen, and how it is followed. `expires` is when it is given up, null where nobody said
    when: then `polling.max_age` counts. `stuck`: it stays in its status for longer than usual. `attention` says why it needs a
    person, null where it does not."""

    account: str
    batch_id: int
    broadcast_id: int | None
    name: str | None
    status: str | None
    since: Instant | None
    final: bool
    state: str
    created: Instant | None
    size: int | None
    remaining: int | None
    enabled: bool | None
    opened: Instant
    stuck: bool
    attention: Attention | None
    looks: int
    last_look: LookShown | None
    next_look: Instant | None
    eta: EtaShown | None
    expires: Instant | None
    labels: Mapping[str, str]
    correlation_id: str | None


class WatchDetails(WatchShown):
    """A watch by itself: with everything that happened to its batch, in order."""

    transitions: list[TransitionShown]


class WatchPage(Given):
    """Some of the watches. `next` is the cursor for more, null at the end."""

    items: list[WatchShown]
    next: str | None


class BroadcastShown(Given):
    """A broadcast as it stands. `listed` is when all its batches were last gone through, null before the first time; `note`
    says what keeps them from being found, and is empty where nothing does."""

    account: str
    broadcast_id: int
    kind: BroadcastKind | None
    followed: bool
    labels: Mapping[str, str]
    correlation_id: str | None
    opened: Instant
    batches: int
    listed: Instant | None
    note: str


class RowResult(Given):
    """What became of one row; rows are counted from 0. `error` is a problem document where the row is not right."""

    row: int
    result: Literal["created", "known", "reopened"] | None = None
    account: str | None = None
    batch_id: int | None = None
    error: dict[str, Any] | None = None


class RowResults(Given):
    """What became of all rows, in their order, and how many came to what."""

    created: int
    known: int
    reopened: int
    refused: int
    items: list[RowResult]


class EventShown(Given):
    """An event with its place in the log. `id` is the one that webhooks bear."""

    position: int
    id: str
    type: str
    timestamp: str
    data: dict[str, Any]


class EventPage(Given):
    """Some of the events. `next` is the `after` to go on with: the same again where there was nothing."""

    items: list[EventShown]
    next: int


class AccountShown(Given):
    """An account's condition, and its budget in requests a second: `rate` is configured, `effective_rate` in force, `used` what
    was used over the last minute. `looks_per_request` is how many looks a request brought over the last five, null where none
    was made; `change_percentage` how many in a hundred of all looks showed another status, null before the first."""

    name: str
    condition: str
    reason: str
    until: Instant | None
    rate: float
    effective_rate: float
    in_flight: int
    open: int
    overdue: int
    last_step: Instant | None
    used: float
    looks_per_request: float | None
    change_percentage: float | None


class LengthShown(Given):
    """How long batches `from` so many contacts `to` so many take, from creation to the end of validation: within `p50` seconds
    half of them have ended, within `p90` nine in ten. `ends` is how many ends that rests on, older ones counting less."""

    model_config = ConfigDict(frozen=True, serialize_by_alias=True)

    smallest: int | None = Field(serialization_alias="from")
    largest: int | None = Field(serialization_alias="to")
    ends: float
    p50: float | None
    p90: float | None


class LearntShown(Given):
    """What an account's batches have shown of how long validation takes: ends seen in all, and by size."""

    ends: int
    sizes: list[LengthShown]


class AccountDetails(AccountShown):
    """An account by itself: with what it has learnt, and its StreamRank."""

    learnt: LearntShown
    streamrank: StreamRankShown


class AccountPage(Given):
    """All accounts, in the settings' order."""

    items: list[AccountShown]
    next: None = None


class CheckShown(Given):
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str
    data: Mapping[str, Any]


class HealthShown(Given):
    """How the daemon is. `ok` where every check is."""

    status: Literal["ok", "failing"]
    version: str
    at: Instant
    checks: list[CheckShown]
