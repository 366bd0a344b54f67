"""What may be asked of the streams."""

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo

from watcher.web.models import MAX_POSITION, STORABLE, BatchId, BroadcastId, Text
from watcher.web.values import TypeFilter
from watcher.web.watch_models import LabelFilters, Search, labels_of

ROWS_MOST: Final = 10_000
"""Watches that a page may show."""
WINDOW_MOST: Final = 1000
"""In the order of what needs a person, which is told anew as a whole where it changes."""
OFFSET_MOST: Final = 1_000_000
"""Watches that may be passed over before the first that a page shows."""


def _with_attention(offset: int, info: ValidationInfo) -> int:
    if offset and info.data.get("order") != "attention":
        raise ValueError("It goes with order=attention")
    return offset


def _within_window(limit: int, info: ValidationInfo) -> int:
    if limit > WINDOW_MOST and info.data.get("order") == "attention":
        raise ValueError(f"With order=attention it can be {WINDOW_MOST} at most")
    return limit


Position = Annotated[int, Field(ge=0, le=MAX_POSITION)]
Offset = Annotated[int, Field(ge=0, le=OFFSET_MOST), AfterValidator(_with_attention)]


class EventStreamParams(BaseModel):
    """The query of the stream of events. Without `after` and `last_event_id` it begins now; the header Last-Event-ID, which a
    client sends when it comes again, counts before both."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after: Position | None = None
    last_event_id: Position | None = None
    type: list[TypeFilter] = []
    account: Text | None = None
    batch_id: BatchId | None = None
    broadcast: BroadcastId | None = None
    label: LabelFilters = []

    @property
    def labels(self) -> frozenset[tuple[str, str]]:
        """The labels that an event must have, names and values."""
        return frozenset(labels_of(self.label).items())


class PageParams(BaseModel):
    """The query of the stream for pages: as of GET /v1/watches, as far as it can be told of one watch by itself. It shows the
    first `limit` of the watches to which everything applies; in the order of what needs a person, those behind `offset`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account: list[Text] | None = None
    status: Annotated[str, Field(min_length=1, max_length=100), STORABLE] | None = None
    state: Literal["open", "settled", "missing", "expired"] | None = None
    final: bool | None = None
    stuck: bool | None = None
    label: LabelFilters = []
    broadcast: BroadcastId | None = None
    q: Search | None = None
    order: Literal["key", "attention"] = "key"
    offset: Offset = 0
    limit: Annotated[int, Field(ge=1, le=ROWS_MOST), AfterValidator(_within_window)] = 1000

    @property
    def labels(self) -> frozenset[tuple[str, str]]:
        """The labels that a watch must have, names and values."""
        return frozenset(labels_of(self.label).items())
