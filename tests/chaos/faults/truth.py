"""What an event says of a batch, held against what truly became of it."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from tests.chaos.faults.upstream import Life

SLACK: Final = timedelta(milliseconds=2)
"""Moments are kept in whole milliseconds."""
LIVES: Final = frozenset({"batch.new", "batch.validating", "batch.active", "batch.errors", "batch.source_error"})
MISSING: Final = 3
"""So often in a row CallFire must have said that there is no such batch."""
STUCK_AFTER: Final = {"NEW": timedelta(minutes=15), "VALIDATING": timedelta(minutes=30)}
STUCK_AGAIN: Final = timedelta(hours=6)

Event = dict[str, Any]
"""An event's `data`, and its `type`."""


def labels_of(account: str) -> dict[str, str]:
    """Those with which whoever asks for an account's batches asks for each."""
    return {"team": f"of {account}"}


def about_event(account: str, life: Life, told: Sequence[Event]) -> Iterator[str]:
    """What is not true of the last event of these, which are all that were told of the batch."""
    event = told[-1]
    kind = event["type"]
    if kind in LIVES:
        yield from _about_transition(life, told)
    elif kind == "batch.missing":
        if life.missing_most < MISSING:
            yield f"CallFire had said so {life.missing_most} times in a row"
        life.missing_most = 0
    elif kind == "batch.stuck":
        yield from _about_stuck(event, told[:-1])
    elif kind == "batch.unstuck":
        if not _stuck(told[:-1]):
            yield "it was not told to be stuck"
    else:
        yield "nothing of that is true"
    shown = {"name": life.name, "size": life.size, "remaining": life.size, "enabled": True}
    ever = any(each["status"] is not None for each in told)  # else no answer ever showed it
    true = {"account": account, "batch_id": life.batch_id, "labels": labels_of(account)}
    true |= {"broadcast_id": life.broadcast_id, **shown} if ever else {}
    false = {name: event.get(name) for name, value in true.items() if event.get(name) != value}
    if false:
        yield f"it says {false}"


def _about_transition(life: Life, told: Sequence[Event]) -> Iterator[str]:
    event = told[-1]
    reached = dict(life.reached)
    if event["status"] not in reached:
        yield f"it never was {event['status']}, only {list(reached)}"
        return
    lives = [each for each in told if each["type"] in LIVES]
    previous = lives[-2]["status"] if len(lives) > 1 else None
    if event["previous_status"] != previous:
        yield f"it names {event['previous_status']} as the status before, and {previous} was told"
    if _stuck(told[:-1]):
        yield "it was stuck, and nobody was told that it is not any more"
    at, by = reached[event["status"]], _instant(event["window"]["by"])
    if by < at - SLACK:
        yield f"told before it was true: by {by}, and since {at}"
    if life.stale:
        return  # CallFire itself showed what was over
    order = [status for status, _ in life.reached]
    place = order.index(event["status"])
    if previous is not None and order.index(previous) >= place:
        yield f"{event['status']} came after {previous}"
    between = [] if previous is None else order[order.index(previous) + 1 : place]
    skipped = [] if event["status"] == "SOURCE_ERROR" else between  # which may come without it
    if event["skipped"] != skipped:
        yield f"it names {event['skipped']} as unseen, and it was {skipped}"
    after = event["window"]["after"]
    left = reached[(between or [event["status"]])[0]]
    if (after is None) != (previous is None):
        yield f"the window begins {after}, and the status before was {previous}"
    elif after is not None and _instant(after) > left + SLACK:
        yield f"true before the window that was told: after {after}, and since {left}"


def _about_stuck(event: Event, before: Sequence[Event]) -> Iterator[str]:
    """It has been in its status for so long as the service knows, or was told to be stuck so long ago."""
    if not before or event["status"] not in STUCK_AFTER:
        yield f"{event['status']} cannot be stuck"
        return
    last = before[-1]
    least = STUCK_AGAIN if last["type"] == "batch.stuck" else STUCK_AFTER[event["status"]]
    lasting = _instant(event["window"]["by"]) - _instant(last["window"]["by"])
    if lasting < least - SLACK:
        yield f"it is in {event['status']} for {lasting} only"


def _stuck(told: Sequence[Event]) -> bool:
    return bool(told) and told[-1]["type"] == "batch.stuck"


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
