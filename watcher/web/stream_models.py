"""What may be asked of the streams."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from watcher.web.models import MAX_POSITION, STORABLE, BatchId, BroadcastId, Text
from watcher.web.values import TypeFilter
from watcher.web.watch_models import LabelFilters, labels_of

ROWS_MOST: Final = 10_000
"""Watches that a page may show."""


Position = Annotated[int, Field(ge=0, le=MAX_POSITION)]


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
    first `limit` of the watches to which everything applies."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account: list[Text] | None = None
    status: Annotated[str, Field(min_length=1, max_length=100), STORABLE] | None = None
    state: Literal["open", "settled", "missing", "expired"] | None = None
    final: bool | None = None
    stuck: bool | None = None
    label: LabelFilters = []
    broadcast: BroadcastId | None = None
    limit: int = Field(default=1000, ge=1, le=ROWS_MOST)

    @property
    def labels(self) -> frozenset[tuple[str, str]]:
        """The labels that a watch must have, names and values."""
        return frozenset(labels_of(self.label).items())
