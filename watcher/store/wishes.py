"""What becomes of a watch, or of a broadcast, when somebody wishes to follow it, or for other labels. Pure; the same behind
every database."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from watcher.core.broadcasts import Broadcast
from watcher.core.model import State, Watch
from watcher.core.wishes import UNSET, BroadcastWish, FollowedBroadcast, Unset
from watcher.ports import Followed, Wish


def grant(watch: Watch | None, wish: Wish, now: datetime) -> Followed:
    """The watch as it is after the wish. `watch` is what there is already; where nothing changes it is the very same object."""
    expires = None if wish.expires_in is None else now + wish.expires_in
    if watch is None:
        made = Watch(
            account=wish.key.account,
            batch_id=wish.key.batch_id,
            opened=now,
            expires=expires,
            broadcast_id=wish.broadcast_id,
            labels=wish.labels or {},
            correlation_id=wish.correlation_id,
        )
        return Followed(what="created", watch=made)
    if wish.only_new:
        return Followed(what="known", watch=watch)
    told = replace(
        watch,
        broadcast_id=wish.broadcast_id if watch.broadcast_id is None else watch.broadcast_id,
        labels=watch.labels if wish.labels is None else wish.labels,
        correlation_id=watch.correlation_id if wish.correlation_id is None else wish.correlation_id,
    )
    if watch.state is not State.OPEN:
        return Followed(what="reopened", watch=replace(_open(told, now), expires=expires))
    if expires is not None:
        told = replace(told, expires=expires)
    anew = _anew(watch, told)
    return Followed(what="known", watch=anew, told=anew is not watch)


def relabelled(watch: Watch, labels: Mapping[str, str | None] | None, correlation_id: str | Unset | None) -> Watch:
    """The watch with the labels as a JSON merge patch (RFC 7396) leaves them: those named are set, or taken away where None, and
    the others stay; None takes all away. Where nothing changes it is the very same object."""
    merged = {} if labels is None else {**watch.labels, **labels}
    return _anew(
        watch,
        replace(
            watch,
            labels={name: value for name, value in merged.items() if value is not None},
            correlation_id=watch.correlation_id if correlation_id is UNSET else correlation_id,
        ),
    )


def _anew(watch: Watch, told: Watch) -> Watch:
    """What was told of the watch, where that is anything new. The version grows, so that nobody who read the old labels can bring
    them back."""
    return watch if told == watch else replace(told, version=watch.version + 1)


def grant_broadcast(broadcast: Broadcast | None, wish: BroadcastWish, now: datetime) -> FollowedBroadcast:
    """The broadcast as it is after the wish. Where nothing changes it is the very same object."""
    if broadcast is None:
        broadcast = Broadcast(account=wish.account, broadcast_id=wish.broadcast_id, opened=now)
    told = replace(
        broadcast,
        kind=broadcast.kind if wish.kind is None else wish.kind,
        labels=broadcast.labels if wish.labels is None else wish.labels,
        correlation_id=_correlation_id(broadcast, wish),
    )
    if not broadcast.followed:
        return FollowedBroadcast(what="created", broadcast=replace(told, followed=True, opened=now))
    return FollowedBroadcast(what="known", broadcast=broadcast if told == broadcast else told)


def _correlation_id(broadcast: Broadcast, wish: BroadcastWish) -> str | None:
    if wish.forgets_correlation:
        return None
    return broadcast.correlation_id if wish.correlation_id is None else wish.correlation_id


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
