"""What the store on PostgreSQL does for many changes at once: a handful of round trips, however many wait for the same commit.

The end of the log is locked as late as can be, for all replicas that append wait for one another from there on.
"""

import json
from collections.abc import Sequence
from itertools import chain, islice
from typing import NamedTuple

from watcher.core.outbox import lane_of, subscribers
from watcher.ports import Change, Committed
from watcher.store.lanes import GroupLanes
from watcher.store.postgres_remembered import SharedRemembered
from watcher.store.postgres_saying import moved
from watcher.store.postgres_work import say
from watcher.store.recording import Told, told
from watcher.store.rows import Values, recorded_of, values_of_watch
from watcher.store.work import Connection, Statements

Place = tuple[str, int]
"""The key of a watch, as a row has it."""


class Changed(NamedTuple):
    """A change as it will be stored: the columns of its watch, with the version that it `was`, its events, and when that is."""

    remembered: SharedRemembered
    watch: Values
    events: Sequence[Told]
    now: int
    moves: bool = False

    @property
    def key(self) -> Place:
        return self.watch["account"], self.watch["batch_id"]


class PostgresRecording(GroupLanes):
    """The part of the port `Store` that records changes of watches."""

    _remembered: SharedRemembered

    async def commit(self, change: Change) -> Committed | None:
        watch = values_of_watch(change.watch, change.version + 1) | {"was": change.version}
        events = [told(event, self._remembered.origin) for event in change.events]
        changed = Changed(self._remembered, watch, events, self._now(), change.moves)
        return await self._write_together("commit", commit, changed)


def commit(connection: Connection, sql: Statements, changes: Sequence[Changed]) -> list[Committed | None]:
    """What was recorded of each, None where somebody changed its watch meanwhile. Several of one watch follow each other."""
    waiting: Sequence[int] = range(len(changes))
    swapped: list[int] = []
    while waiting:
        firsts: dict[Place, int] = {}
        for place in waiting:
            firsts.setdefault(changes[place].key, place)
        there = _swap(connection, sql, [changes[place] for place in firsts.values()])
        swapped += [place for key, place in firsts.items() if key in there]
        waiting = [place for place in waiting if firsts[changes[place].key] != place]
    recorded = _record(connection, sql, [changes[place] for place in swapped])
    say(connection, [moved(*changes[place].key) for place in swapped if changes[place].moves])
    results: list[Committed | None] = [None] * len(changes)
    for place, committed in zip(swapped, recorded, strict=True):
        results[place] = committed
    return results


def _swap(connection: Connection, sql: Statements, changes: Sequence[Changed]) -> set[Place]:
    """Which watches nobody changed meanwhile; each is named once. All replicas lock them in the same order."""
    watches = [changed.watch for changed in sorted(changes, key=lambda changed: changed.key)]
    rows = connection.execute(sql["swap_watches"], {"watches": json.dumps(watches)})
    return {(row["account"], row["batch_id"]) for row in rows}


def _record(connection: Connection, sql: Statements, changes: Sequence[Changed]) -> list[Committed]:
    """The events of the changes, in their order, and a delivery for everyone who is owed one."""
    events = [each for changed in changes for each in changed.events]
    if not events:
        return [Committed(events=[], deliveries=[]) for _ in changes]
    remembered = changes[0].remembered
    before = remembered.append(connection, sql, len(events))
    owed = _owed(remembered, events, before)
    values = _columns(events, before, list(chain.from_iterable(owed)))
    connection.execute(sql["make_events"], values | {"now": max(changed.now for changed in changes)})
    recorded = (recorded_of(each.values, position) for position, each in enumerate(events, start=before + 1))
    deliveries = map(len, owed)
    counts = [len(changed.events) for changed in changes]
    return [Committed(events=list(islice(recorded, n)), deliveries=list(islice(deliveries, n))) for n in counts]


class _Owed(NamedTuple):
    """A delivery to be made; `again` where one of its lane is made before it by the same statement."""

    account: str
    endpoint_id: str
    position: int
    lane: str | None
    again: bool


def _owed(remembered: SharedRemembered, events: Sequence[Told], before: int) -> list[list[_Owed]]:
    """What is owed of each event."""
    endpoints = list(remembered.endpoints)
    lanes: set[tuple[str, str]] = set()
    owed: list[list[_Owed]] = []
    for position, (event, subject) in enumerate(events, start=before + 1):
        owed.append([])
        for endpoint in subscribers(endpoints, subject):
            lane = lane_of(endpoint, event)
            again = lane is not None and (endpoint.id, lane) in lanes
            if lane is not None:
                lanes.add((endpoint.id, lane))
            owed[-1].append(_Owed(event["account"], endpoint.id, position, lane, again))
    return owed


def _columns(events: Sequence[Told], before: int, owed: Sequence[_Owed]) -> Values:
    """The events, behind the position given, and what is owed, as `make_events` wants them."""
    columns = ("id", "type", "at", "account", "batch_id", "number", "endpoint", "body")
    return {
        "position": list(range(before + 1, before + 1 + len(events))),
        **{column: [event.values[column] for event in events] for column in columns},
        **{f"owed_{column}": [getattr(each, column) for each in owed] for column in _Owed._fields},
    }
