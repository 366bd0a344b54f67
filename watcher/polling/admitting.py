"""Watches as a poller takes them in: not from the future; and what is told of the wishes that they come by."""

from dataclasses import replace
from datetime import datetime

from watcher.core.model import Watch
from watcher.core.news import Following
from watcher.core.opened import ASIDE_MOST
from watcher.core.wishes import Followed


def told(followed: Followed) -> Following | None:
    """What is to be told of a wish; None where it changed nothing."""
    watch, what = followed.watch, followed.what
    if what == "known":
        if not followed.told:
            return None
        return Following(account=watch.account, batch_id=watch.batch_id, what="relabelled")
    return Following(account=watch.account, batch_id=watch.batch_id, what=what)


def not_from_the_future(watch: Watch, now: datetime) -> Watch:
    """A machine's clock may have been set back since: what was asked, or opened, later than now would keep every look to come
    from counting, or from being worth one."""
    aside = watch.aside_until
    if watch.asked is not None and watch.asked > now:
        watch = replace(watch, asked=now, answered=now)
    if watch.opened > now:
        watch = replace(watch, opened=now)
    return watch if aside is None else replace(watch, aside_until=min(aside, now + ASIDE_MOST))
