"""Secrets at the opening of a database: all are read, and those that the newest key does not seal are sealed with it."""

import sqlite3
from pathlib import Path

from watcher.core.endpoint import Endpoint
from watcher.ports import UnusableStore
from watcher.store import once, submissions
from watcher.store.endpoint_rows import endpoint_of
from watcher.store.sealing import CannotOpen, Seal, missing
from watcher.store.statements import load
from watcher.store.work import Connection, Statements


def seal_anew(connection: sqlite3.Connection, path: Path, seal: Seal) -> list[Endpoint]:
    """All endpoints of a SQLite database. Raises UnusableStore."""
    connection.execute("BEGIN IMMEDIATE")  # a database that another program keeps locked is to be noticed now
    endpoints, anew = settle_in(connection, load("sqlite"), str(path), seal)
    connection.execute("COMMIT")
    if anew:  # what was not sealed is to be gone from the log, too
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return endpoints


def settle_in(connection: Connection, sql: Statements, place: str, seal: Seal) -> tuple[list[Endpoint], bool]:
    """All endpoints, and whether anything was sealed anew. This is how a key is added, or another put in its place; taken away,
    it is missed. Raises UnusableStore. Called inside a transaction."""
    endpoints: list[Endpoint] = []
    anew: list[dict[str, object]] = []
    for row in connection.execute(sql["endpoints"]).fetchall():
        endpoint_id, kept = row["id"], row["sealed"]
        try:
            endpoints.append(endpoint_of(row, seal))
            if kept is not None and not seal.is_newest(kept):
                anew.append({"id": endpoint_id, "sealed": seal.sealed(endpoint_id, seal.opened(endpoint_id, kept))})
        except CannotOpen as error:
            raise UnusableStore(f"{place}: the secrets of endpoint {endpoint_id} cannot be read: {error}") from error
    connection.executemany(sql["put_sealed"], anew)
    answers = once.settle_in(connection, sql, seal)
    requests = submissions.seal_anew(connection, sql, seal)
    return endpoints, bool(anew or answers or requests)


def agree(connection: Connection, sql: Statements, place: str, seal: Seal) -> None:
    """Sees to it that all processes that have the database can open what each encrypts from now on. Raises UnusableStore."""
    ours = seal.key_ids
    for row in connection.execute(sql["keys_of_replicas"]).fetchall():
        theirs = row["keys"].split()
        if theirs and theirs[0] not in ours:
            raise UnusableStore(f"{place}: {row['name']} encrypts secrets with the key {theirs[0]}, {missing(seal)}")
        if ours and ours[0] not in theirs:
            raise UnusableStore(
                f"{place}: {row['name']} does not have the key {ours[0]}, and could not open what is encrypted with it: start "
                "that process anew with it among database.old_encryption_keys, beside the key that is in force, or end it first"
            )
