"""What a store does for retention: deletes what is old, a portion at a time, by the rows' keys. Called inside a transaction.

What is deleted leaves room in the file that is used again, so a file of steady use keeps its size. On PostgreSQL whole days go
before, and those that will soon are left alone here (postgres_partitions).
"""

import json
from typing import NamedTuple

from watcher.core.recovering import Cutoffs, Forgotten
from watcher.store.logbook import note_forgotten
from watcher.store.remembered import Remembered
from watcher.store.resending import NEWEST
from watcher.store.rows import Row, Values, millis
from watcher.store.work import Connection, Statements


class _Spared(NamedTuple):
    """Positions from `first` to before `next` are left alone."""

    first: int
    next: int

    def portion(self, after: int, most: int, cutoff: int) -> Values:
        return {"after": after, "most": most, "cutoff": cutoff, "first": self.first, "next": self.next}


def forget(
    connection: Connection,
    sql: Statements,
    remembered: Remembered,
    cutoffs: Cutoffs,
    since: Forgotten,
    most: int,
) -> Forgotten:
    """Deletes a portion of each table; what was deleted, and where it ended. What is forgotten cannot be settled any more. Where
    another process is at it, nothing is done."""
    if not connection.execute(sql["may_forget"]).fetchone()["granted"]:
        return Forgotten(ended=True)
    begin = Forgotten() if since.ended else since
    kept = millis(cutoffs.deliveries)
    old, delivery, no_more_deliveries = _deliveries(connection, sql, begin.delivery, kept, most)
    events, left, position, no_more_events = _events(
        connection, sql, begin.position, millis(cutoffs.events), kept, most
    )
    for row in (*old, *left):
        remembered.drop_claim(row["id"])
    broadcasts = connection.execute(
        sql["forget_broadcasts"], {"cutoff": millis(cutoffs.broadcasts), "most": most}
    ).rowcount
    endpoint, no_more_endpoints = begin.endpoint, False
    if no_more_deliveries and no_more_events:  # then what referred to them is gone as far as it goes
        endpoint, no_more_endpoints = _endpoints(connection, sql, remembered, endpoint, kept, most)
    return Forgotten(
        events=events,
        deliveries=len(old) + len(left),
        broadcasts=broadcasts,
        delivery=delivery,
        position=position,
        endpoint=endpoint,
        ended=no_more_endpoints and broadcasts < most,
    )


def _deliveries(
    connection: Connection, sql: Statements, after: int, cutoff: int, most: int
) -> tuple[list[Row], int, bool]:
    """Which were deleted, up to which it was looked, and whether those behind are younger."""
    portion = _spared(connection, sql, cutoff).portion(after, most, cutoff)
    end = connection.execute(sql["end_of_deliveries"], portion).fetchone()
    last = NEWEST if end is None else end["id"]
    old = connection.execute(sql["forget_deliveries"], portion | {"last": last}).fetchall()
    connection.executemany(sql["forget_attempts"], ({"id": row["id"]} for row in old))
    return old, after if end is None else last, end is None or end["created"] >= cutoff


def _events(
    connection: Connection, sql: Statements, after: int, cutoff: int, kept: int, most: int
) -> tuple[int, list[Row], int, bool]:
    """How many were deleted, which deliveries with them, up to which it was looked, and whether those behind are younger."""
    portion = _spared(connection, sql, cutoff).portion(after, most, cutoff)
    end = connection.execute(sql["end_of_events"], portion).fetchone()
    last = NEWEST if end is None else end["position"]
    unwanted = connection.execute(sql["unwanted_events"], portion | {"last": last, "kept": kept}).fetchall()
    left: list[Row] = []
    for event in unwanted:
        left += connection.execute(sql["forget_deliveries_of"], {"position": event["position"]}).fetchall()
    connection.executemany(sql["forget_attempts"], ({"id": row["id"]} for row in left))
    connection.executemany(sql["forget_event"], ({"position": row["position"]} for row in unwanted))
    if unwanted:
        note_forgotten(connection, sql, unwanted[-1]["position"])
    return len(unwanted), left, after if end is None else last, end is None or end["at"] >= cutoff


def _endpoints(
    connection: Connection, sql: Statements, remembered: Remembered, after: str, cutoff: int, most: int
) -> tuple[str, bool]:
    """Up to which of those that were removed it was looked, and whether there are none behind."""
    portion = {"after": after, "cutoff": cutoff, "most": most}
    ids = [row["id"] for row in connection.execute(sql["removed_endpoints"], portion)]
    if ids:
        gone = connection.execute(sql["forget_endpoints"], {"ids": json.dumps(ids), "cutoff": cutoff}).fetchall()
        for row in gone:
            remembered.forget(row["id"])
    return (ids[-1], False) if len(ids) == most else (after, True)


def _spared(connection: Connection, sql: Statements, cutoff: int) -> _Spared:
    row = connection.execute(sql["spared_positions"], {"cutoff": cutoff}).fetchone()
    return _Spared(row["first"], row["next"])
