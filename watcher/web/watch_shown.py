"""A watch as it is shown: as the store has it, with what was seen since, and what polling expects of it."""

import json
from typing import Final

from watcher.core.attention import attention_of
from watcher.core.model import Key, Recorded, State, Watch, overlaid
from watcher.ports import EventQuery, Following, Store
from watcher.web.conditional import tag_of
from watcher.web.models import LookShown, WatchDetails, WatchShown
from watcher.web.problems import Problem
from watcher.web.shown import eta_shown, transition_shown

EVENTS_AT_ONCE: Final = 500


def watch_shown(watch: Watch, following: Following) -> WatchShown:
    """The watch as a list shows it."""
    watch = overlaid(watch, following.last_look(watch.key))  # what was seen since the store last heard of it
    is_open = watch.state is State.OPEN
    last_look = None
    if watch.asked is not None and watch.answered is not None:
        last_look = LookShown(asked=watch.asked, answered=watch.answered)
    return WatchShown(
        account=watch.account,
        batch_id=watch.batch_id,
        broadcast_id=watch.broadcast_id,
        name=watch.name,
        status=watch.status,
        since=watch.since,
        final=watch.final,
        state=watch.state,
        created=watch.created,
        size=watch.size,
        remaining=watch.remaining,
        enabled=watch.enabled,
        opened=watch.opened,
        stuck=is_open and watch.stuck_told > 0,
        attention=attention_of(watch),
        looks=watch.looks,
        last_look=last_look,
        next_look=following.next_look(watch.key) if is_open else None,
        eta=eta_shown(following.eta(watch.key)) if is_open else None,
        expires=watch.expires,
        labels=watch.labels,
        correlation_id=watch.correlation_id,
    )


async def watch_details(watch: Watch, following: Following, store: Store) -> WatchDetails:
    """The watch by itself, with all its transitions."""
    events: list[Recorded] = []
    after = 0
    while True:
        some = await store.events(
            EventQuery(after=after, limit=EVENTS_AT_ONCE, account=watch.account, batch_id=watch.batch_id)
        )
        events += some
        if len(some) < EVENTS_AT_ONCE:
            break
        after = some[-1].position
    await following.acquaint([watch])
    shown = watch_shown(watch, following)
    return WatchDetails(**dict(shown), transitions=[transition_shown(event) for event in events])


def watch_tag(watch: Watch) -> str:
    """The ETag of the watch: another one after each event and after whatever else was changed on purpose, but not after a look
    that showed nothing new."""
    told = (
        watch.state,
        watch.status,
        watch.number,
        watch.opened.timestamp(),
        watch.name,
        watch.broadcast_id,
        watch.enabled,
        None if watch.expires is None else watch.expires.timestamp(),
        sorted(watch.labels.items()),
        watch.correlation_id,
    )
    return tag_of(json.dumps(told).encode())


def not_followed(key: Key) -> Problem:
    """Nobody follows the batch."""
    return Problem(
        404,
        "not-followed",
        f"Batch {key.batch_id} of account {key.account!r} is not followed. PUT to its own path follows it.",
    )


def not_open(key: Key, state: State) -> Problem:
    """The batch is followed, but not looked at."""
    named = f"Batch {key.batch_id} of account {key.account!r}"
    detail = f"{named} is {state}: it is not looked at any more. PUT to its own path follows it again."
    if state is State.OPEN:  # the poller does not have it yet, or has it no more
        detail = f"{named} begins or ends to be followed just now: ask again."
    return Problem(409, "not-open", detail, state=state.value)


async def kept_watch(store: Store, key: Key) -> Watch:
    """The watch, where somebody follows it; else the Problem that says how."""
    watch = await store.watch(key)
    if watch is None or watch.state is State.STOPPED:
        raise not_followed(key)
    return watch
