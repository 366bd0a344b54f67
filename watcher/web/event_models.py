"""What events say, as pydantic models: for the document only. The events themselves are made in `core`, and never change."""

from collections.abc import Mapping

from watcher.core.model import EVENT_TYPES
from watcher.web.models import Given, Instant, Window


class BatchData(Given):
    """A change of a batch. `number` counts the batch's events; it happened within `window`. `skipped` names the statuses that
    must have passed unseen, `final` says whether it was the last, `expected` whether CallFire documents such a change."""

    account: str
    batch_id: int
    broadcast_id: int | None
    name: str | None
    number: int
    status: str | None
    previous_status: str | None
    skipped: list[str]
    final: bool
    expected: bool
    size: int | None
    remaining: int | None
    enabled: bool | None
    window: Window
    labels: Mapping[str, str]
    correlation_id: str | None


class OccurrenceData(BatchData):
    """Something that happened to a watch without a change of the batch, which has had its status `since` then."""

    since: Instant | None


class AccountData(Given):
    """What became of an account's login. `next_probe` is when the next request is tried, null where all is well."""

    account: str
    number: int
    reason: str | None
    next_probe: Instant | None


class EndpointData(Given):
    """How another endpoint is: `code` or `error` of its last attempt, and when it is disabled if nothing succeeds meanwhile."""

    endpoint: str
    number: int
    reason: str
    failures_in_a_row: int
    failing_since: Instant | None
    disables_at: Instant | None
    code: int | None
    error: str | None


class ExhaustedData(Given):
    """An event that another endpoint will not get: it ran out of attempts."""

    endpoint: str
    number: int
    reason: str
    delivery: int
    event_id: str
    event_type: str
    attempts: int
    code: int | None
    error: str | None


def data_of(event_type: str) -> type[Given]:
    """The model of what an event of that type says."""
    if event_type in ("batch.missing", "batch.stuck", "batch.unstuck", "watch.expired"):
        return OccurrenceData
    if event_type.startswith("account."):
        return AccountData
    if event_type == "delivery.exhausted":
        return ExhaustedData
    return EndpointData if event_type.startswith("endpoint.") else BatchData


DATA: Mapping[str, type[Given]] = {event_type: data_of(event_type) for event_type in EVENT_TYPES}
"""By the type of the event."""
