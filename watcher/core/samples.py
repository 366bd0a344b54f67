"""A sample of every type of event, as a test of an endpoint sends it: made by the functions that make the real ones. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from watcher.core import account, transitions
from watcher.core.account import Account, Condition
from watcher.core.answers import Answer, Kind
from watcher.core.endpoint import Attempt, Delivery
from watcher.core.health import FAILING_AT, Health
from watcher.core.model import (
    ACTIVE,
    ERRORS,
    EVENT_TYPES,
    NEW,
    OPERATOR_TYPES,
    SOURCE_ERROR,
    VALIDATING,
    Batch,
    Event,
    Look,
    Missing,
    Seen,
    Unanswered,
    Watch,
)
from watcher.core.outbox import DELAYS, Settlement, told_of

PING: Final = "ping"
"""The type of the event with which a receiver is tried before its endpoint is made; nothing ever happens that it tells of."""
SAMPLE_TYPES: Final = (PING, *EVENT_TYPES)

ACCOUNT: Final = "default"
BATCH: Final = Batch(id=13, status=NEW, name="Sample", broadcast_id=14, size=6198, remaining=6198, enabled=True)
OTHER: Final = "another"
"""The endpoint that a sample of an operator event is about: nobody is told about itself."""
BEFORE: Final = timedelta(seconds=2)
"""How long before the look of a sample the one before was asked for."""
RULES: Final = transitions.Rules()


def sample(event_type: str, now: datetime, *, endpoint_id: str) -> Event:
    """An event of that type (one of SAMPLE_TYPES) as it might have happened now. A ping says whom it is for."""
    if event_type == PING:
        data = {"endpoint": endpoint_id}
        return Event(type=PING, at=now, account="", batch_id=None, number=0, data=data, endpoint=endpoint_id)
    if event_type in OPERATOR_TYPES:
        return _of_endpoint(event_type, now)
    if event_type in _ACCOUNTS:
        return _of_account(event_type, now)
    watch, look = _WATCHES[event_type](now)
    events = transitions.learn(watch, look, RULES).events
    return next(event for event in events if event.type == event_type)


def _watch(now: datetime, status: str, *, followed: timedelta = timedelta(minutes=1), number: int = 2) -> Watch:
    """A watch that was seen with the status a moment ago, for the first time when it was followed."""
    opened = now - followed
    return Watch(
        account=ACCOUNT,
        batch_id=BATCH.id,
        opened=opened,
        number=number,
        status=status,
        since=opened,
        name=BATCH.name,
        broadcast_id=BATCH.broadcast_id,
        size=BATCH.size,
        remaining=BATCH.remaining,
        enabled=BATCH.enabled,
        asked=now - BEFORE,
    )


def _seen(now: datetime, status: str) -> Seen:
    return Seen(asked=now, answered=now, batch=replace(BATCH, status=status))


def _moves(before: str, after: str) -> Callable[[datetime], tuple[Watch, Look]]:
    return lambda now: (_watch(now, before), _seen(now, after))


def _first(now: datetime) -> tuple[Watch, Look]:
    return Watch(account=ACCOUNT, batch_id=BATCH.id, opened=now), _seen(now, NEW)


def _gone(now: datetime) -> tuple[Watch, Look]:
    return _watch(now, NEW), Missing(asked=now, answered=now, gone=True)


def _stuck(now: datetime) -> tuple[Watch, Look]:
    return _watch(now, VALIDATING, followed=RULES.stuck_validating), _seen(now, VALIDATING)


def _unstuck(now: datetime) -> tuple[Watch, Look]:
    stuck = _watch(now, VALIDATING, followed=RULES.stuck_validating + timedelta(minutes=5), number=3)
    return replace(stuck, stuck_told=1), _seen(now, ACTIVE)


def _expired(now: datetime) -> tuple[Watch, Look]:
    watch = _watch(now, VALIDATING, followed=RULES.max_age)
    return watch, Unanswered(asked=now, answered=now, reason="503")


_WATCHES: Final[Mapping[str, Callable[[datetime], tuple[Watch, Look]]]] = {
    "batch.new": _first,
    "batch.validating": _moves(NEW, VALIDATING),
    "batch.active": _moves(VALIDATING, ACTIVE),
    "batch.errors": _moves(VALIDATING, ERRORS),
    "batch.source_error": _moves(VALIDATING, SOURCE_ERROR),
    "batch.unknown": _moves(VALIDATING, "SAMPLE"),
    "batch.missing": _gone,
    "batch.stuck": _stuck,
    "batch.unstuck": _unstuck,
    "watch.expired": _expired,
}
"""For every type of a watch's events a watch and the look that makes such an event of it."""
_ACCOUNTS: Final = ("account.refused", "account.recovered")


def _of_account(event_type: str, now: datetime) -> Event:
    def heard(known: Account, kind: Kind, outcome: str) -> account.Heeded:
        answer = Answer(batch_id=BATCH.id, asked=now, answered=now, kind=kind, outcome=outcome)
        return account.heed(known, answer, draw=0.0)

    if event_type == "account.refused":
        strikes = account.REFUSALS_IN_A_ROW - 1
        heeded = heard(Account(name=ACCOUNT, refusals_in_a_row=strikes), Kind.UNAUTHORIZED, "401")
    else:
        heeded = heard(Account(name=ACCOUNT, condition=Condition.REFUSED, number=1), Kind.SEEN, "200")
    (event,) = heeded.events
    return event


def _of_endpoint(event_type: str, now: datetime) -> Event:
    """That of an endpoint whose receiver answered, or does not answer any more."""
    fine, gone = event_type == "endpoint.recovered", event_type == "endpoint.disabled"
    attempt = Attempt(at=now, took=timedelta(), code=204 if fine else 410 if gone else 503)
    delivery = Delivery(
        id=1,
        endpoint_id=OTHER,
        position=1,
        event_id="evt_sample_default_13_3",
        event_type="batch.active",
        body=b"",
        created=now,
        due=now,
    )
    settlement = Settlement(
        delivery=delivery,
        outcome="done" if fine else "held" if gone else "dead",
        attempts=1 if fine else len(DELAYS) + 1,
        settled=now,
        attempt=attempt,
    )
    health = Health() if fine else Health(failures_in_a_row=FAILING_AT, failing_since=now - timedelta(minutes=5))
    return told_of(event_type, OTHER, 1, health, settlement)
