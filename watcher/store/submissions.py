"""What a store does for batches on their way to CallFire. What is sent is sealed like other secrets: it has people's numbers."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Final

from watcher.core.submissions import Submission, SubmissionState, wish_of
from watcher.core.wishes import Followed, Wish
from watcher.ports.submissions import SubmissionQuery
from watcher.store import watching
from watcher.store.lanes import Lanes
from watcher.store.rows import (
    MILLISECOND,
    Row,
    Values,
    instant,
    instant_or_none,
    millis,
    millis_or_none,
    text,
    text_or_none,
)
from watcher.store.sealing import CannotOpen, Seal
from watcher.store.work import Connection, Statements

PLACE: Final = "submission {}"
"""For whom a request is sealed: no endpoint is called so."""
LAST: Final = 2**63 - 1
Follow = Callable[[Connection, Statements, Sequence[Wish], datetime], list[Followed]]


class KeptSubmissions(Lanes):
    """The port `Submissions`."""

    @property
    def _follow(self) -> Follow:
        """How a batch that CallFire has is followed."""
        return watching.follow

    async def intend(self, submission: Submission) -> Submission:
        return await self._write("intend", _intend, submission, self._remembered.seal)

    async def change_submission(self, submission: Submission) -> Submission | None:
        changed = await self._write("change_submission", _change, submission)
        return replace(submission, version=submission.version + 1) if changed else None

    async def accept_submission(self, submission: Submission, now: datetime) -> tuple[Submission, Followed] | None:
        followed = await self._write("accept_submission", _accept, submission, instant(millis(now)), self._follow)
        return None if followed is None else (replace(submission, version=submission.version + 1), followed)

    async def submission(self, account: str, submission_id: str) -> Submission | None:
        return await self._read("submission", _submission, account, submission_id, self._remembered.seal)

    async def unsettled(self, account: str) -> list[Submission]:
        return await self._read("unsettled", _unsettled, account, self._remembered.seal)

    async def submissions(self, query: SubmissionQuery) -> list[Submission]:
        return await self._read("submissions", _submissions, query)

    async def forget_submissions(self, before: datetime, most: int) -> int:
        return await self._write("forget_submissions", _forget, millis(before), most)


def seal_anew(connection: Connection, sql: Statements, seal: Seal) -> bool:
    """At the opening: seals with the newest key what another one sealed, or none; whether there was any. What cannot be opened
    stays as it is: it is not sent any more, but can still be found."""
    anew: list[Values] = []
    for row in connection.execute(sql["requests_kept"]).fetchall():
        place, kept = PLACE.format(row["id"]), bytes(row["request"])
        if not seal.is_newest(kept):
            with suppress(CannotOpen):
                anew.append({"id": row["id"], "request": seal.sealed(place, seal.opened(place, kept))})
    connection.executemany(sql["reseal_submission"], anew)
    return bool(anew)


def _intend(connection: Connection, sql: Statements, submission: Submission, seal: Seal) -> Submission:
    request = submission.request
    sealed = None if request is None else seal.sealed(PLACE.format(submission.id), request)
    values = _values(submission) | {"request": sealed}
    while True:
        row = connection.execute(sql["submission_by_key"], values).fetchone()
        if row is not None:
            return _submission_of(row, seal)
        if connection.execute(sql["make_submission"], values).rowcount:
            return submission  # else another process was faster, and its own is looked at


def _change(connection: Connection, sql: Statements, submission: Submission) -> bool:
    return connection.execute(sql["swap_submission"], _values(submission)).rowcount > 0


def _accept(
    connection: Connection, sql: Statements, submission: Submission, now: datetime, follow: Follow
) -> Followed | None:
    if not _change(connection, sql, submission):
        return None
    (followed,) = follow(connection, sql, [wish_of(submission)], now)
    return followed


def _submission(
    connection: Connection, sql: Statements, account: str, submission_id: str, seal: Seal
) -> Submission | None:
    row = connection.execute(sql["submission"], {"account": account, "id": submission_id}).fetchone()
    return None if row is None else _submission_of(row, seal)


def _unsettled(connection: Connection, sql: Statements, account: str, seal: Seal) -> list[Submission]:
    rows = connection.execute(sql["unsettled_submissions"], {"account": account})
    return [_submission_of(row, seal) for row in rows]


def _submissions(connection: Connection, sql: Statements, query: SubmissionQuery) -> list[Submission]:
    created, before = (LAST, "") if query.before is None else (millis(query.before[0]), query.before[1])
    values = {"account": query.account, "created": created, "id": before, "limit": query.limit}
    statement = sql["newest_unsettled_submissions" if query.open else "newest_submissions"]
    return [_submission_of(row, None) for row in connection.execute(statement, values)]


def _forget(connection: Connection, sql: Statements, cutoff: int, most: int) -> int:
    return connection.execute(sql["forget_submissions"], {"cutoff": cutoff, "most": most}).rowcount


def _values(submission: Submission) -> Values:
    return {
        "id": submission.id,
        "account": submission.account,
        "broadcast_id": submission.broadcast_id,
        "kind": submission.kind,
        "name": text(submission.name),
        "state": submission.state.value,
        "version": submission.version,
        "batch_id": submission.batch_id,
        "strict": submission.strict,
        "recipients": submission.recipients,
        "labels": json.dumps(dict(submission.labels)),
        "correlation_id": text_or_none(submission.correlation_id),
        "expires_in": None if submission.expires_in is None else submission.expires_in // MILLISECOND,
        "holder": text(submission.holder),
        "idempotency_key": text_or_none(submission.idempotency_key),
        "fingerprint": submission.fingerprint,
        "tries": submission.tries,
        "created": millis(submission.created),
        "sent": millis_or_none(submission.sent),
        "ended": millis_or_none(submission.ended),
        "absences": submission.absences,
        "settled": millis_or_none(submission.settled),
        "detail": text(submission.detail),
    }


def _submission_of(row: Row, seal: Seal | None) -> Submission:
    """The submission that a row holds; without its request where there is no seal to open it with."""
    request: bytes | None = None
    if seal is not None and row["request"] is not None:
        try:
            request = seal.opened(PLACE.format(row["id"]), bytes(row["request"]))
        except CannotOpen:
            request = None  # its key is gone: it can still be found, but not be sent any more
    return Submission(
        id=row["id"],
        account=row["account"],
        broadcast_id=row["broadcast_id"],
        kind=row["kind"],
        name=row["name"],
        state=SubmissionState(row["state"]),
        version=row["version"],
        batch_id=row["batch_id"],
        request=request,
        strict=bool(row["strict"]),
        recipients=row["recipients"],
        labels=json.loads(row["labels"]),
        correlation_id=row["correlation_id"],
        expires_in=None if row["expires_in"] is None else row["expires_in"] * MILLISECOND,
        holder=row["holder"],
        idempotency_key=row["idempotency_key"],
        fingerprint=bytes(row["fingerprint"]),
        tries=row["tries"],
        created=instant(row["created"]),
        sent=instant_or_none(row["sent"]),
        ended=instant_or_none(row["ended"]),
        absences=row["absences"],
        settled=instant_or_none(row["settled"]),
        detail=row["detail"],
    )
