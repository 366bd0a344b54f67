"""What a store does for leases that several processes may have. Called inside a transaction."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from watcher.ports import Held, Lease, Replica, Standing
from watcher.store.rows import Values
from watcher.store.work import Connection, Statements

KEPT: Final = 86_400_000
"""Milliseconds after which a replica that is not there is forgotten: a process that only stood still is back before."""


class Seen(NamedTuple):
    """Who polls, how the shares are spread, what is polled of the same accounts by those who divide them differently, how much
    work each has with other shares, and the database's clock in milliseconds."""

    replicas: list[Replica]
    held: list[Held]
    others: list[str]
    elsewhere: dict[str, float]
    clock: int


def enroll(connection: Connection, sql: Statements, me: Values) -> None:
    """The process has the database from now on; `me` is what `begin_writing` is told of it. Each start of a process is another
    replica, so those that are long gone are forgotten here."""
    connection.execute(sql["begin_writing"], me)
    connection.execute(sql["forget_replicas"], {"kept": KEPT})


def replicas(connection: Connection, sql: Statements, *, polling: bool = False) -> list[Replica]:
    """The processes that are there, or those of them that poll."""
    rows = connection.execute(sql["replicas"])
    return [
        Replica(id=row["id"], name=row["name"], version=row["version"]) for row in rows if row["polls"] or not polling
    ]


def board(connection: Connection, sql: Statements, replica: str, shares: Sequence[str]) -> Seen:
    """Takes part where there are shares, and looks. What replicas that are gone have claimed is free from now on."""
    connection.execute(sql["note_polling"], {"replica": replica, "polls": bool(shares)})
    connection.execute(sql["end_claims"])
    values = {"shares": json.dumps(list(shares))}
    connection.execute(sql["enroll_shares"], values)
    rows = connection.execute(sql["shares"], values)
    held = [Held(share=row["share"], epoch=row["epoch"], replica=row["replica"], demand=row["demand"]) for row in rows]
    others = [row["share"] for row in connection.execute(sql["shares_of_other_divisions"], values)] if shares else []
    elsewhere = {row["replica"]: row["demand"] for row in connection.execute(sql["held_elsewhere"], values)}
    there = replicas(connection, sql, polling=True)
    return Seen(there, held, others, elsewhere, connection.execute(sql["clock"]).fetchone()[0])


def take(connection: Connection, sql: Statements, replica: str, shares: Sequence[str]) -> list[Lease]:
    """Those of the shares that are the replica's from now on."""
    connection.execute(sql["take_in_turn"])
    asked = {"replica": replica, "shares": json.dumps(list(shares))}
    connection.execute(sql["free_shares"], asked)
    rows = connection.execute(sql["take_shares"], asked)
    return [Lease(share=row["share"], epoch=row["epoch"]) for row in rows]


def give_back(connection: Connection, sql: Statements, replica: str, leases: Sequence[Lease]) -> int:
    """How many were the replica's, and are nobody's from now on."""
    return connection.execute(sql["give_back_shares"], {"replica": replica, "held": pairs(leases)}).rowcount


def describe(connection: Connection, sql: Statements, replica: str, standings: Mapping[Lease, Standing]) -> None:
    """How the replica's shares stand."""
    told = [[lease.share, lease.epoch, each.demand, each.shown] for lease, each in standings.items()]
    connection.execute(sql["describe_shares"], {"replica": replica, "told": json.dumps(told)})


def shown(connection: Connection, sql: Statements) -> dict[str, str]:
    """What is shown of each share."""
    return {row["share"]: row["shown"] for row in connection.execute(sql["shown_shares"])}


def in_force(connection: Connection, sql: Statements, replica: str, leases: Sequence[Lease]) -> set[Lease]:
    """Those that are the replica's still, until the end of the transaction."""
    rows: Any = connection.execute(sql["leases_in_force"], {"replica": replica, "held": pairs(leases)})
    return {Lease(share=row["share"], epoch=row["epoch"]) for row in rows}


def pairs(leases: Sequence[Lease]) -> str:
    """The leases as the statements want them."""
    return json.dumps([[lease.share, lease.epoch] for lease in leases])
