"""What a store does for answers that are given once. Called inside a transaction, but for what opens and closes an answer.

An answer is kept as a line of JSON with its headers, and its body behind that; sealed where there is a key for it, for its holder
and its key alone.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

from watcher.ports import Begun, KeptAnswer, StoreError
from watcher.ports.once import KEPT_FOR
from watcher.store.lanes import Lanes
from watcher.store.rows import instant, millis
from watcher.store.sealing import PREFIX_BYTES, CannotOpen, Seal
from watcher.store.work import Connection, Statements

UNCLEAR: Final = 0
"""The status of what was under way at a process that is gone."""
FORGOTTEN_AT_ONCE: Final = 20
"""Old answers that go when a request comes: more than come, so that they get fewer."""


class Sealed(NamedTuple):
    """An answer as it is kept."""

    status: int
    answer: bytes


class KeptOnce(Lanes):
    """The port `Once` on an open database."""

    replica: str
    """This process among those that have the database."""

    async def begin(
        self, holder: str, key: str, fingerprint: bytes, now: datetime, *, again: bool = True
    ) -> Begun | KeptAnswer:
        found = await self._write("begin_once", begin, self.replica, holder, key, fingerprint, millis(now), again=again)
        if not isinstance(found, Sealed):
            return found
        try:
            return _answer_of(found.status, self._remembered.seal.opened(_place(holder, key), found.answer))
        except CannotOpen as error:
            raise StoreError(f"{self.place}: what was answered cannot be read any more: {error}") from error

    async def finish(self, holder: str, key: str, answer: KeptAnswer) -> None:
        sealed = self._remembered.seal.sealed(_place(holder, key), _bytes_of(answer))
        values = {"holder": holder, "key": key, "status": answer.status, "answer": sealed, "replica": self.replica}
        await self._write("finish_once", _do, "finish_once", values)

    async def abandon(self, holder: str, key: str) -> None:
        values = {"holder": holder, "key": key, "replica": self.replica}
        await self._write("abandon_once", _do, "abandon_once", values)


def begin(
    connection: Connection,
    sql: Statements,
    replica: str,
    holder: str,
    key: str,
    fingerprint: bytes,
    now: int,
    *,
    again: bool,
) -> Begun | Sealed:
    """What the key stands for; where it is nothing, the request is under way from now on. Some that are too old go."""
    cutoff = millis(instant(now) - KEPT_FOR)
    connection.execute(sql["forget_once"], {"cutoff": cutoff, "most": FORGOTTEN_AT_ONCE})
    values = {"holder": holder, "key": key, "fingerprint": fingerprint, "at": now}
    values |= {"replica": replica, "cutoff": cutoff}
    while True:
        row = connection.execute(sql["once"], {"holder": holder, "key": key}).fetchone()
        known = row is not None and row["at"] > cutoff
        same = known and row["fingerprint"] == fingerprint
        if known and not (same and again and row["status"] == UNCLEAR):
            break
        if connection.execute(sql["begin_once"], values).rowcount:
            return "fresh"  # else another process was faster, and is looked at
    if not same:
        return "other"
    if row["status"] == UNCLEAR:
        return "unclear"
    return "under-way" if row["status"] is None else Sealed(row["status"], row["answer"])


def settle_in(connection: Connection, sql: Statements, seal: Seal) -> bool:
    """At the opening: what was under way is unclear, and answers are sealed with the newest key; whether any was. Those that
    cannot be opened stay as they are: their key may come back."""
    connection.execute(sql["leave_unclear"])
    resealed = False
    for row in connection.execute(sql["answers_sealed"], {"length": PREFIX_BYTES}).fetchall():
        place = {"holder": row["holder"], "key": row["key"]}
        if not seal.is_newest(row["head"]):
            answer = connection.execute(sql["once"], place).fetchone()["answer"]
            name = _place(row["holder"], row["key"])
            try:
                values = place | {"answer": seal.sealed(name, seal.opened(name, answer))}
            except CannotOpen:
                continue
            connection.execute(sql["reseal_once"], values)
            resealed = True
    return resealed


def _do(connection: Connection, sql: Statements, statement: str, values: Mapping[str, object]) -> None:
    connection.execute(sql[statement], values)


def _place(holder: str, key: str) -> str:
    """Whose answer it is, in a form that no endpoint's id has."""
    return json.dumps(["once", holder, key])


def _bytes_of(answer: KeptAnswer) -> bytes:
    return json.dumps({"headers": dict(answer.headers)}).encode() + b"\n" + answer.body


def _answer_of(status: int, kept: bytes) -> KeptAnswer:
    head, _, body = kept.partition(b"\n")
    return KeptAnswer(status=status, headers=json.loads(head)["headers"], body=body)
