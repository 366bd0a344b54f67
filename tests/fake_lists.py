"""The part of the fake store that lists watches, in memory."""

from collections.abc import Iterable

from watcher.core.attention import band_of
from watcher.core.finding import is_found, needle_of
from watcher.core.model import Key, State, Watch
from watcher.ports import BandQuery, WatchQuery


def find(watches: Iterable[Watch], query: WatchQuery) -> list[Watch]:
    """Those that match, in their order, as far as the limit."""

    def place(watch: Watch) -> tuple[object, ...]:
        return (watch.account, watch.since, watch.batch_id) if query.by_since else watch.key

    def is_behind(watch: Watch) -> bool:
        if query.after is None or watch.account > query.after.account:
            return True
        if not query.by_since:
            return watch.key > query.after
        if watch.account < query.after.account or watch.since is None:
            return False
        return query.after_since is None or (watch.since, watch.batch_id) > (query.after_since, query.after.batch_id)

    return sorted((each for each in watches if _matches(each, query) and is_behind(each)), key=place)[: query.limit]


def in_band(watches: Iterable[Watch], query: BandQuery) -> list[Key]:
    """All of them that match, in the order of the band."""

    def place(watch: Watch) -> tuple[object, ...]:
        return (watch.since is None, 0.0 if watch.since is None else -watch.since.timestamp(), watch.key)

    found = (
        watch
        for watch in watches
        if watch.state is not State.STOPPED
        and band_of(watch) is query.band
        and (query.accounts is None or watch.account in query.accounts)
        and query.status in (None, watch.status)
        and query.state in (None, watch.state)
        and query.final in (None, watch.final)
    )
    return [watch.key for watch in sorted(found, key=place)]


def _matches(watch: Watch, query: WatchQuery) -> bool:
    stuck = watch.stuck_told > 0 and watch.state is State.OPEN
    return (
        watch.state is not State.STOPPED
        and (query.accounts is None or watch.account in query.accounts)
        and query.status in (None, watch.status)
        and query.final in (None, watch.final)
        and query.state in (None, watch.state)
        and query.stuck in (None, stuck)
        and query.broadcast_id in (None, watch.broadcast_id)
        and (query.since is None or (watch.since is not None and watch.since >= query.since))
        and query.labels.items() <= watch.labels.items()
        and (query.q is None or is_found(watch, needle_of(query.q)))
        and (query.among is None or watch.batch_id in query.among.get(watch.account, ()))
    )
