"""What a store does for the words that replicas tell each other. Called inside a transaction."""

import json
from collections.abc import Sequence
from typing import Final

from watcher.ports import Heard, Word
from watcher.store.work import Connection, Statements

KEPT: Final = 600_000
"""Milliseconds for which words are kept: a replica that was away for longer begins anew."""


def say(connection: Connection, sql: Statements, replica: str, words: Sequence[Word]) -> None:
    """Behind all that was said. Locks the end of the log until the commit, so it comes last."""
    last = connection.execute(sql["lock_log"], {"events": 0, "words": len(words), "endpoints": 0}).fetchone()["words"]
    said = [[word.kind, word.account, json.dumps(dict(word.body))] for word in words]
    values = {"before": last - len(words), "replica": replica, "said": json.dumps(said)}
    connection.execute(sql["say_words"], values)


def last_word(connection: Connection, sql: Statements) -> int:
    """The number of the last one."""
    number: int = connection.execute(sql["last_word"]).fetchone()[0]
    return number


def heard(connection: Connection, sql: Statements, replica: str, after: int, limit: int) -> list[Heard]:
    """The next ones, but for the replica's own."""
    rows = connection.execute(sql["heard_words"], {"replica": replica, "after": after, "limit": limit})
    return [
        Heard(
            number=row["number"],
            replica=row["replica"],
            word=Word(kind=row["kind"], account=row["account"], body=json.loads(row["body"])),
        )
        for row in rows
    ]


def forget_words(connection: Connection, sql: Statements) -> int:
    """Deletes some of the old ones; how many these were."""
    return connection.execute(sql["forget_words"], {"kept": KEPT}).rowcount
