"""Who is owed an event, and what an attempt at a delivery leads to: done, tried again, given up, held, or given back.

The attempts and the table of answers are those of webhooks.md. Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from types import MappingProxyType
from typing import Final, Literal

from watcher.core.endpoint import Attempt, Cause, Delivery, Endpoint, EndpointState, Subject, wants
from watcher.core.health import Health, Trial, Verdict, disables_at, reason_to_disable
from watcher.core.message import instant
from watcher.core.model import OPERATOR_TYPES, Event

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

HOPELESS_ERRORS: Final = frozenset({"too_large", "bad_url", "refused"})
"""Kinds of failure that no later attempt can mend: the delivery is dead at once. `refused` is the address guard's word."""
REPORTED_ERRORS: Final = frozenset({"bad_url", "refused"})
"""Those that the operator is told of at once: the endpoint's address is wrong."""
PAUSES: Final[Mapping[str, timedelta]] = MappingProxyType(
    {"proxy": timedelta(seconds=60), "files": timedelta(seconds=5)}
)
"""How long an endpoint is left alone whose proxy fails, or for which we have no file left; it costs no attempt."""
BLAMELESS_ERRORS: Final = frozenset({"too_large", "no_secret", *PAUSES})
"""Kinds of failure that say nothing of the endpoint."""

Outcome = Literal["done", "retried", "dead", "held", "returned"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What became of a claimed delivery. `attempts` is its count from now on, `due` when it is tried again (None: never).

    `pause_until` is what follows for the endpoint at once; what else does, its health tells (`trial_of`).
    """

    delivery: Delivery
    outcome: Outcome
    attempts: int
    settled: datetime
    attempt: Attempt
    due: datetime | None = None
    pause_until: datetime | None = None

    @property
    def delivery_id(self) -> int:
        return self.delivery.id

    @property
    def endpoint_id(self) -> str:
        return self.delivery.endpoint_id

    @property
    def cause(self) -> Cause:
        return self.delivery.cause


def subscribers(endpoints: Sequence[Endpoint], subject: Subject) -> list[Endpoint]:
    """The endpoints that are owed an event; disabled ones too, for which it is held, but not those that were removed. In the
    order of their names, whichever came first."""
    owed = [
        endpoint for endpoint in endpoints if endpoint.state is not EndpointState.REMOVED and wants(endpoint, subject)
    ]
    owed.sort(key=attrgetter("id"))
    return owed


def lane_of(endpoint: Endpoint, event: Mapping[str, object]) -> str | None:
    """Among which of an endpoint's deliveries this one keeps its turn: those of its batch, where the endpoint wants that.

    `event` has the columns `account`, `batch_id` and `endpoint`.
    """
    if endpoint.ordering == "none":
        return None
    return f"{event['account']}/{event['batch_id'] or ''}/{event['endpoint'] or ''}"


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
    ) -> Settlement:
        return Settlement(
            delivery=delivery,
            outcome=outcome,
            attempts=attempts,
            settled=ended,
            attempt=attempt,
            due=due,
            pause_until=pause_until,
        )

    if attempt.accepted:
        return settlement("done")
    if code == 410:
        return settlement("held")
    pause = attempt.retry_after
    if code in RETRY_AFTER_CODES and pause is not None and pause >= RETRY_AFTER_LEAST:
        until = ended + min(pause, RETRY_AFTER_MOST) * (1 + JITTER * draw / 4)
        return settlement("returned", attempts=delivery.attempts, due=until, pause_until=until)
    left_alone = PAUSES.get(attempt.error or "")
    if code is None and left_alone is not None:
        until = ended + left_alone * (1 + JITTER * draw)
        return settlement("returned", attempts=delivery.attempts, due=until, pause_until=until)
    if attempts > len(delays) or (code is None and attempt.error in HOPELESS_ERRORS):
        return settlement("dead")
    delay = delays[attempts - 1]
    if code in BUSY_CODES:
        delay = max(delay, BUSY_DELAY)
    return settlement("retried", due=ended + delay * (1 + JITTER * draw))


def verdict_of(settlement: Settlement) -> Verdict:
    """Whether the attempt speaks for its endpoint, against it, or says nothing of it."""
    attempt, outcome = settlement.attempt, settlement.outcome
    if outcome == "done":
        return "good"
    if outcome == "returned" or attempt.code == 410 or (attempt.code is None and attempt.error in BLAMELESS_ERRORS):
        return "neither"
    return "bad"


def trial_of(settlement: Settlement) -> Trial:
    """What the attempt means for the health of its endpoint."""
    attempt = settlement.attempt
    return Trial(
        began=attempt.at,
        ended=settlement.settled,
        verdict=verdict_of(settlement),
        reason=reason_of(attempt),
        exhausted=settlement.outcome == "dead",
        gone=attempt.code == 410,
        refused=attempt.code is None and attempt.error in REPORTED_ERRORS,
        quiet=settlement.delivery.event_type in OPERATOR_TYPES,
    )


def reason_of(attempt: Attempt) -> str:
    """What came of an attempt, for people."""
    if attempt.code == 410:
        return "the receiver answered 410 Gone"
    if attempt.code is not None:
        return f"the receiver answered {attempt.code}"
    return f"{attempt.error}: {attempt.detail}" if attempt.detail else str(attempt.error)


def told_of(kind: str, endpoint_id: str, number: int, health: Health, settlement: Settlement) -> Event:
    """The operator event of that kind, with what is known of the attempt that caused it, and of the endpoint: `health` is
    what the attempt left."""
    delivery, attempt = settlement.delivery, settlement.attempt
    reason = reason_of(attempt)
    if kind == "endpoint.disabled":
        reason = reason_to_disable(health, trial_of(settlement)) or reason
    data: dict[str, object] = {"endpoint": endpoint_id, "number": number, "reason": reason}
    if kind == "delivery.exhausted":
        data |= {"delivery": delivery.id, "event_id": delivery.event_id, "event_type": delivery.event_type}
        data |= {"attempts": settlement.attempts}
    else:
        data |= {"failures_in_a_row": health.failures_in_a_row, "failing_since": _told(health.failing_since)}
        data |= {"disables_at": _told(disables_at(health)) if kind == "endpoint.failing" else None}
    data |= {"code": attempt.code, "error": attempt.error}
    return Event(
        type=kind, at=settlement.settled, account="", batch_id=None, number=number, data=data, endpoint=endpoint_id
    )


def _told(at: datetime | None) -> str | None:
    return None if at is None else instant(at)
