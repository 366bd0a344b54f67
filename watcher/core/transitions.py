"""`learn`: the watch as it is after a look, and the events that follow. Pure.

The table of transitions, windows, overtaken looks, missing, stuck and expired watches: polling.md, "What an answer means".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from watcher.core.message import instant
from watcher.core.model import (
    ACTIVE,
    ERRORS,
    FINAL_STATUSES,
    KNOWN_STATUSES,
    NEW,
    SOURCE_ERROR,
    STATUS_TYPES,
    UNKNOWN_TYPE,
    VALIDATING,
    Batch,
    Event,
    Look,
    Missing,
    Seen,
    State,
    Unanswered,
    Watch,
)
from watcher.core.news import Result

TRANSITIONS: Final[Mapping[tuple[str | None, str], tuple[str, ...]]] = {
    (None, NEW): (),
    (None, VALIDATING): (),
    (None, ACTIVE): (),
    (None, ERRORS): (),
    (None, SOURCE_ERROR): (),
    (NEW, VALIDATING): (),
    (NEW, ACTIVE): (VALIDATING,),
    (NEW, ERRORS): (VALIDATING,),
    (NEW, SOURCE_ERROR): (),  # the source can fail before any contact is validated
    (VALIDATING, ACTIVE): (),
    (VALIDATING, ERRORS): (),
    (VALIDATING, SOURCE_ERROR): (),
}
"""The transitions that are expected, each with the statuses that must have passed unseen in between."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How patient `learn` is. A 404 counts once a watch is older than `missing_grace`; `missing_count` of them over at least
    `missing_span` end it."""

    missing_grace: timedelta = timedelta(minutes=2)
    missing_count: int = 3
    missing_span: timedelta = timedelta(minutes=10)
    unfit_aside: timedelta = timedelta(hours=1)
    refused_aside: timedelta = timedelta(minutes=1)
    stuck_new: timedelta = timedelta(minutes=15)
    stuck_validating: timedelta = timedelta(minutes=30)
    stuck_repeat: timedelta = timedelta(hours=6)
    stuck_most: int = 4
    max_age: timedelta = timedelta(days=7)


class Window(NamedTuple):
    """What is known of the moment of an event: after the last look with the old status was asked for, by the time the
    first with the new one was answered. `after` is None where no look showed the old status."""

    after: datetime | None
    by: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt:
    """What a look led to. `watch` is the very same object where nothing came of it (an overtaken look)."""

    watch: Watch
    events: Sequence[Event]
    result: Result


def learn(watch: Watch, look: Look, rules: Rules) -> Learnt:
    """The watch after the look, its events in order, and what kind of look it was.

    A look at a watch that is no longer open, or asked for before the last one that saw the batch, is overtaken: dropped.
    """
    if watch.state is not State.OPEN or (watch.asked is not None and look.asked < watch.asked):
        return Learnt(watch=watch, events=(), result="overtaken")
    window = Window(None if watch.status is None else watch.asked, look.answered)
    if isinstance(look, Seen):
        learnt = _seen(watch, look, window, rules)
    elif isinstance(look, Missing):
        learnt = _missing(watch, look, window, rules)
    else:
        learnt = Learnt(watch=_unanswered(watch, look, rules), events=(), result="unanswered")
    return _expire(learnt, window, rules)


def next_occurrence(watch: Watch, rules: Rules) -> datetime:
    """When time alone will make something of the watch, should it be seen unchanged: stuck (again), or expired."""
    expiry = expiry_of(watch, rules)
    stuck = _stuck_at(watch, rules)
    return expiry if stuck is None else min(expiry, stuck)


def expiry_of(watch: Watch, rules: Rules) -> datetime:
    """When the watch is given up: where nobody said when, `max_age` after it was opened."""
    return watch.opened + rules.max_age if watch.expires is None else watch.expires


def _seen(watch: Watch, look: Seen, window: Window, rules: Rules) -> Learnt:
    batch = look.batch
    fresh = replace(
        _shown(watch, batch),
        asked=look.asked,
        answered=look.answered,
        looks=watch.looks + 1,
        missing_since=None,
        missing_count=0,
        refused_count=0,
        aside_until=None,
    )
    if batch.status != watch.status:
        return _move(fresh, batch.status, window)
    if watch.final:  # it was followed again, and all of it was told before
        return Learnt(watch=replace(fresh, state=State.SETTLED), events=(), result="unchanged")
    return _stick(fresh, window, rules)


def _shown(watch: Watch, batch: Batch) -> Watch:
    """The watch with what the batch shows; a field that an answer leaves out stays as it was."""
    return replace(
        watch,
        name=watch.name if batch.name is None else batch.name,
        broadcast_id=watch.broadcast_id if batch.broadcast_id is None else batch.broadcast_id,
        created=watch.created if batch.created is None else batch.created,
        size=watch.size if batch.size is None else batch.size,
        remaining=watch.remaining if batch.remaining is None else batch.remaining,
        enabled=watch.enabled if batch.enabled is None else batch.enabled,
    )


def _move(watch: Watch, status: str, window: Window) -> Learnt:
    """A transition of the watch to another status."""
    events: list[Event] = []
    previous = watch.status
    if watch.stuck_told:
        watch = replace(watch, number=watch.number + 1)
        events.append(_occurrence(watch, "batch.unstuck", window))
    moved = replace(
        watch,
        status=status,
        since=window.by,
        number=watch.number + 1,
        state=State.SETTLED if status in FINAL_STATUSES else State.OPEN,
        stuck_told=0,
        stuck_last=None,
    )
    kind = STATUS_TYPES.get(status, UNKNOWN_TYPE)
    data = _data(moved, window, previous=previous, skipped=TRANSITIONS.get((previous, status)))
    events.append(_event(moved, kind, window, data))
    return Learnt(watch=moved, events=tuple(events), result="changed")


def _stick(watch: Watch, window: Window, rules: Rules) -> Learnt:
    """Tells of a batch that has been in one status for too long: once, then at times, not for ever."""
    due = _stuck_at(watch, rules)
    if due is None or window.by < due:
        return Learnt(watch=watch, events=(), result="unchanged")
    stuck = replace(watch, number=watch.number + 1, stuck_told=watch.stuck_told + 1, stuck_last=window.by)
    return Learnt(watch=stuck, events=(_occurrence(stuck, "batch.stuck", window),), result="unchanged")


def _stuck_at(watch: Watch, rules: Rules) -> datetime | None:
    """When the watch is next told to be stuck; None where it never is."""
    if watch.status is None or watch.since is None or watch.status in FINAL_STATUSES:
        return None
    if watch.stuck_last is not None:
        return None if watch.stuck_told > rules.stuck_most else watch.stuck_last + rules.stuck_repeat
    if watch.status == NEW:
        # A batch is NEW from the moment it was created, whenever we first saw it; a clock that is ahead of ours cannot
        # have made it later than that.
        return min(watch.created or watch.since, watch.since) + rules.stuck_new
    return watch.since + rules.stuck_validating


def _missing(watch: Watch, look: Missing, window: Window, rules: Rules) -> Learnt:
    now = window.by
    if look.gone:
        return _end(watch, State.MISSING, "batch.missing", window)
    if now - watch.opened < rules.missing_grace:
        return Learnt(watch=watch, events=(), result="missing")  # it may not be there yet
    since = watch.missing_since or now
    count = watch.missing_count + 1
    if count >= rules.missing_count and now - since >= rules.missing_span:
        return _end(watch, State.MISSING, "batch.missing", window)
    # Asking sooner would not tell more: the looks that must confirm it are spread over the span.
    pause = rules.missing_span / max(rules.missing_count - 1, 1)
    doubted = replace(watch, missing_since=since, missing_count=count, aside_until=now + pause)
    return Learnt(watch=doubted, events=(), result="missing")


def _unanswered(watch: Watch, look: Unanswered, rules: Rules) -> Watch:
    if look.unfit:
        return replace(watch, aside_until=look.answered + rules.unfit_aside)
    if look.refused:
        count = watch.refused_count + 1
        pause = min(rules.refused_aside * 5 ** min(count - 1, 8), rules.unfit_aside)
        return replace(watch, refused_count=count, aside_until=look.answered + pause)
    return watch


def _expire(learnt: Learnt, window: Window, rules: Rules) -> Learnt:
    watch = learnt.watch
    if watch.state is not State.OPEN or window.by < expiry_of(watch, rules):
        return learnt
    ended = _end(watch, State.EXPIRED, "watch.expired", window)
    return replace(learnt, watch=ended.watch, events=(*learnt.events, *ended.events))


def _end(watch: Watch, state: State, kind: str, window: Window) -> Learnt:
    ended = replace(watch, state=state, number=watch.number + 1, aside_until=None)
    return Learnt(watch=ended, events=(_occurrence(ended, kind, window),), result="missing")


def _occurrence(watch: Watch, kind: str, window: Window) -> Event:
    """An event that is no transition: the watch as it stands, and since when it has its status."""
    data = _data(watch, window, previous=watch.status, skipped=None)
    return _event(watch, kind, window, data | {"since": None if watch.since is None else instant(watch.since)})


def _data(watch: Watch, window: Window, *, previous: str | None, skipped: tuple[str, ...] | None) -> dict[str, object]:
    """What every event says of its watch, in the order that is promised. `skipped` is None where nobody expects the event."""
    return {
        "account": watch.account,
        "batch_id": watch.batch_id,
        "broadcast_id": watch.broadcast_id,
        "name": watch.name,
        "number": watch.number,
        "status": watch.status,
        "previous_status": previous,
        "skipped": list(skipped or ()),
        "final": watch.final,
        "expected": skipped is not None,
        "size": watch.size,
        "remaining": watch.remaining,
        "enabled": watch.enabled,
        "window": {
            "after": None if window.after is None else instant(window.after),
            "by": instant(window.by),
        },
        "labels": dict(watch.labels),
        "correlation_id": watch.correlation_id,
    }


def _event(watch: Watch, kind: str, window: Window, data: Mapping[str, object]) -> Event:
    return Event(
        type=kind, at=window.by, account=watch.account, batch_id=watch.batch_id, number=watch.number, data=data
    )


def is_known(status: str) -> bool:
    """Whether CallFire documents the status."""
    return status in KNOWN_STATUSES
