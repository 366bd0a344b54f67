"""What the interface takes and gives of deliveries and attempts, as pydantic models. Durations are given in seconds."""

from collections.abc import Mapping

from pydantic import Field

from watcher.core.endpoint import Cause, DeliveryState
from watcher.web.models import BatchId, Given, Instant, Listed, Text
from watcher.web.values import EndpointId

# Taken


class OwnDeliveriesParams(Listed):
    """The query of a list of an endpoint's deliveries."""

    state: list[DeliveryState] = Field(default_factory=list)


class DeliveriesParams(OwnDeliveriesParams):
    """The query of a list of deliveries: of one endpoint, of one account's events, of one batch's (without its account: of any
    that has one of this id)."""

    endpoint: EndpointId | None = None
    account: Text | None = None
    batch_id: BatchId | None = None


# Given


class TimingsShown(Given):
    """Where the time up to the first byte of the answer went, in seconds; null for what was not done or not come to."""

    dns: float | None
    connect: float | None
    tls: float | None
    first_byte: float | None


class AttemptShown(Given):
    """One try. `took` and `retry_after` are seconds; `answer` is the beginning of the answer's body, as text."""

    at: Instant
    took: float
    code: int | None
    error: str | None
    detail: str | None
    address: str | None
    timings: TimingsShown
    retry_after: float | None
    location: str | None
    answer: str


class SampleShown(AttemptShown):
    """What came of a sample."""

    type: str
    accepted: bool


class AttemptKept(AttemptShown):
    """An attempt in the history of a delivery: what caused it, what became of the delivery, when the next was due then."""

    cause: Cause
    outcome: str
    next_due: Instant | None


class DeliveryShown(Given):
    """A delivery in a list. `attempts` are those that count; `code`, `error` and `ended` are of the last one."""

    id: int
    endpoint: str
    position: int
    event_id: str
    event_type: str
    account: str | None
    batch_id: int | None
    created: Instant
    due: Instant | None
    attempts: int
    state: str
    cause: Cause
    in_flight: bool
    code: int | None
    error: str | None
    ended: Instant | None


class DeliveryWhole(DeliveryShown):
    """A delivery by itself: with all attempts that are kept, the first one first."""

    history: list[AttemptKept]


class DeliveryPage(Given):
    """Some of the deliveries, the newest first. `next` is the cursor for older ones, null at the end."""

    items: list[DeliveryShown]
    next: str | None


class RecoveredShown(Given):
    """How many events were found by state. What is left is asked for with `after` and `until` as they stand here; with `after`
    null nothing is."""

    counts: Mapping[str, int]
    after: int | None
    since: Instant
    until: Instant
    dry_run: bool
