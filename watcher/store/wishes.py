"""What becomes of a watch, or of a broadcast, when somebody wishes to follow it. Pure; the same behind every database."""

from dataclasses import replace
from datetime import datetime

from watcher.core.broadcasts import Broadcast
from watcher.core.model import State, Watch
from watcher.core.wishes import BroadcastWish, FollowedBroadcast
from watcher.ports import Followed, Wish


def grant(watch: Watch | None, wish: Wish, now: datetime) -> Followed:
    """The watch as it is after the wish. `watch` is what there is already; where nothing changes it is the very same object."""
    if watch is None:
        made = Watch(
            account=wish.key.account,
            batch_id=wish.key.batch_id,
            opened=now,
            broadcast_id=wish.broadcast_id,
            labels=wish.labels or {},
            correlation_id=wish.correlation_id,
        )
        return Followed(what="created", watch=made)
    if wish.only_new:
        return Followed(what="known", watch=watch)
    broadcast_id = wish.broadcast_id if watch.broadcast_id is None else watch.broadcast_id
    labels = watch.labels if wish.labels is None else wish.labels
    correlation_id = watch.correlation_id if wish.correlation_id is None else wish.correlation_id
    if watch.state is not State.OPEN:
        opened = replace(_open(watch, now), broadcast_id=broadcast_id, labels=labels, correlation_id=correlation_id)
        return Followed(what="reopened", watch=opened)
    if (broadcast_id, labels, correlation_id) == (watch.broadcast_id, watch.labels, watch.correlation_id):
        return Followed(what="known", watch=watch)
    # The version grows, so that nobody who read the old labels can bring them back.
    version = watch.version + 1
    told = replace(watch, broadcast_id=broadcast_id, labels=labels, correlation_id=correlation_id, version=version)
    return Followed(what="known", watch=told)


def grant_broadcast(broadcast: Broadcast | None, wish: BroadcastWish, now: datetime) -> FollowedBroadcast:
    """The broadcast as it is after the wish. Where nothing changes it is the very same object."""
    if broadcast is None:
        broadcast = Broadcast(account=wish.account, broadcast_id=wish.broadcast_id, opened=now)
    told = replace(
        broadcast,
        kind=broadcast.kind if wish.kind is None else wish.kind,
        labels=broadcast.labels if wish.labels is None else wish.labels,
        correlation_id=broadcast.correlation_id if wish.correlation_id is None else wish.correlation_id,
    )
    if not broadcast.followed:
        return FollowedBroadcast(what="created", broadcast=replace(told, followed=True, opened=now))
    return FollowedBroadcast(what="known", broadcast=broadcast if told == broadcast else told)


def _open(watch: Watch, now: datetime) -> Watch:
    """Strikes are forgotten, numbers go on. What was stopped or missing is told anew; what is known to have ended is not."""
    anew = watch.state in (State.STOPPED, State.MISSING)
    return replace(
        watch,
        state=State.OPEN,
        version=watch.version + 1,
        opened=now,
        status=None if anew else watch.status,
        since=None if anew else watch.since,
        missing_since=None,
        missing_count=0,
        refused_count=0,
        aside_until=None,
        stuck_told=0,
        stuck_last=None,
    )
