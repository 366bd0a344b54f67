"""What is told of deliveries and endpoints. To be had from `news`."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from watcher.core.endpoint import Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """One attempt at a delivery. `code` is None where no answer came, `error` then names the kind of failure.

    `outcome` is what follows: done, retried, dead, held, returned (a pause: the attempt does not count), or lost: nothing,
    for the claim was no longer ours when it was to be written down.
    `delay` is commit to accepted, in seconds, only where the delivery is done. `attempt` is the whole of it.
    """

    endpoint: str
    delivery: int
    event_id: str
    code: int | None
    error: str | None
    outcome: Literal["done", "retried", "dead", "held", "returned", "lost"]
    took: float
    delay: float | None
    attempts: int
    event_type: str = field(default="", compare=False)
    attempt: Attempt | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What an endpoint is owed: deliveries pending, and how long its oldest has been waiting, in seconds."""

    endpoint: str
    pending: int
    oldest_age: float
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointChanged:
    """An endpoint came into another state (active, paused, open: its breaker, disabled, removed)."""

    endpoint: str
    state: str
    reason: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointTold:
    """An operator event about an endpoint (endpoint.failing and the like) was committed."""

    endpoint: str
    type: str
    position: int
    deliveries: int
