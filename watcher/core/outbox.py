"""Who is owed an event, and what an attempt at a delivery leads to: done, tried again, given up, held, or given back.

The attempts and the table of answers are those of webhooks.md. Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from watcher.core.model import Attempt, Delivery, Endpoint, EndpointState

DELAYS: Final = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""How long after each failed attempt the next one comes; after the last there is none."""

JITTER: Final = 0.2
"""Each delay is lengthened by up to this share of itself."""

BUSY_CODES: Final = frozenset({429, 502, 504})
BUSY_DELAY: Final = timedelta(seconds=60)
RETRY_AFTER_CODES: Final = frozenset({429, 503})
RETRY_AFTER_MOST: Final = timedelta(hours=24)
RETRY_AFTER_LEAST: Final = timedelta(seconds=1)
"""A shorter pause is none: 0, or a date that is over, would have us try without end, for a pause costs no attempt."""

HOPELESS_ERRORS: Final = frozenset({"too_large", "bad_url"})
"""Kinds of failure that no later attempt can mend: the delivery is dead at once."""

Outcome = Literal["done", "retried", "dead", "held", "returned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What became of a claimed delivery. `attempts` is its count from now on, `due` when it is tried again (None: never).

    `pause_until` and `disable` (the reason) are what follows for the endpoint.
    """

    delivery_id: int
    endpoint_id: str
    outcome: Outcome
    attempts: int
    settled: datetime
    attempt: Attempt
    due: datetime | None = None
    pause_until: datetime | None = None
    disable: str | None = None


def wants(endpoint: Endpoint, event_type: str, account: str) -> bool:
    """Whether the endpoint's filter lets the event through. An empty filter lets everything through."""
    if endpoint.accounts and account not in endpoint.accounts:
        return False
    return not endpoint.types or any(_covers(pattern, event_type) for pattern in endpoint.types)


def subscribers(endpoints: Sequence[Endpoint], event_type: str, account: str) -> list[Endpoint]:
    """The endpoints that are owed an event; disabled ones too, for which it is held, but not those that were removed."""
    return [
        endpoint
        for endpoint in endpoints
        if endpoint.state is not EndpointState.REMOVED and wants(endpoint, event_type, account)
    ]


def _covers(pattern: str, event_type: str) -> bool:
    if pattern == "*":
        return True
    if pattern.endswith(".*"):
        return event_type.startswith(pattern[:-1])
    return pattern == event_type


def settle(delivery: Delivery, attempt: Attempt, draw: float, delays: Sequence[timedelta] = DELAYS) -> Settlement:
    """What follows from an attempt. `draw` is a random number in [0, 1)."""
    ended = attempt.at + attempt.took
    attempts = delivery.attempts + 1
    code = attempt.code

    def settlement(
        outcome: Outcome,
        *,
        attempts: int = attempts,
        due: datetime | None = None,
        pause_until: datetime | None = None,
        disable: str | None = None,
    ) -> Settlement:
        return Settlement(
            delivery_id=delivery.id,
            endpoint_id=delivery.endpoint_id,
            outcome=outcome,
            attempts=attempts,
            settled=ended,
            attempt=attempt,
            due=due,
            pause_until=pause_until,
            disable=disable,
        )

    if code is not None and 200 <= code < 300:
        return settlement("done")
    if code == 410:
        return settlement("held", disable="the receiver answered 410 Gone")
    pause = attempt.retry_after
    if code in RETRY_AFTER_CODES and pause is not None and pause >= RETRY_AFTER_LEAST:
        until = ended + min(pause, RETRY_AFTER_MOST) * (1 + JITTER * draw / 4)
        return settlement("returned", attempts=delivery.attempts, due=until, pause_until=until)
    if attempts > len(delays) or (code is None and attempt.error in HOPELESS_ERRORS):
        return settlement("dead")
    delay = delays[attempts - 1]
    if code in BUSY_CODES:
        delay = max(delay, BUSY_DELAY)
    return settlement("retried", due=ended + delay * (1 + JITTER * draw))
