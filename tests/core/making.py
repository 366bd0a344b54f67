"""Small makers of watches and looks around noon, with everything that a test does not care about filled in."""

from dataclasses import replace
from datetime import datetime, timedelta

from tests.fakes import NOON
from watcher.core.model import NEW, Batch, Event, Missing, Seen, Unanswered, Watch
from watcher.core.transitions import Learnt, Rules, learn

RULES = Rules()
TRIP = timedelta(milliseconds=200)
"""How long an answer takes."""


def after(*, seconds: float = 0, minutes: float = 0, hours: float = 0, days: float = 0) -> datetime:
    """So long after noon, which is when watches are opened here."""
    return NOON + timedelta(seconds=seconds, minutes=minutes, hours=hours, days=days)


def fresh(batch_id: int = 13, opened: datetime = NOON) -> Watch:
    """A watch that nobody has looked at yet."""
    return Watch(account="default", batch_id=batch_id, opened=opened)


def seen_watch(status: str, *, batch_id: int = 13, at: datetime = NOON, number: int = 1, **fields: object) -> Watch:
    """An open watch that was seen once, at that moment, with the status."""
    watch = Watch(
        account="default",
        batch_id=batch_id,
        opened=NOON,
        version=1,
        number=number,
        status=status,
        since=at,
        created=NOON,
        asked=at,
        answered=at,
        looks=1,
    )
    return replace(watch, **fields)  # type: ignore[arg-type]


def shown(status: str = NEW, *, batch_id: int = 13, **fields: object) -> Batch:
    """A batch as an answer shows it: only what is named."""
    return replace(Batch(id=batch_id, status=status), **fields)  # type: ignore[arg-type]


def seen(status: str, at: datetime, *, batch_id: int = 13, **fields: object) -> Seen:
    """A look answered at that moment, asked for a moment before."""
    return Seen(asked=at - TRIP, answered=at, batch=shown(status, batch_id=batch_id, **fields))


def missing(at: datetime, *, gone: bool = False) -> Missing:
    return Missing(asked=at - TRIP, answered=at, gone=gone)


def unanswered(at: datetime, *, refused: bool = False, unfit: bool = False) -> Unanswered:
    return Unanswered(asked=at - TRIP, answered=at, reason="500", refused=refused, unfit=unfit)


def told(learnt: Learnt) -> list[tuple[str, int]]:
    """The events' types and numbers, in order."""
    return [(event.type, event.number) for event in learnt.events]


def learnt(watch: Watch, *looks: Seen | Missing | Unanswered, rules: Rules = RULES) -> Learnt:
    """The watch after all the looks, with all their events, and the last one's result."""
    events: list[Event] = []
    result = Learnt(watch=watch, events=(), result="unchanged")
    for look in looks:
        result = learn(result.watch, look, rules)
        events += result.events
    return replace(result, events=tuple(events))
