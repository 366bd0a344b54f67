"""What one answer of CallFire means for the watch: the left half of the table in polling.md ("What an answer means").

The right half, what it means for the account, is in `account`; here is only what of answers to other questions it may hear.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, assert_never

from watcher.core.model import Batch, Look, Missing, Page, PageRef, Seen, Unanswered


class Kind(StrEnum):
    """The rows of the table."""

    SEEN = "seen"  # 200 with the batch or the page that was asked for
    GARBAGE = "garbage"  # 200, but not JSON, no status, another id, or too large
    UNFIT = "unfit"  # 400, 405, 406: this request will not do, again or ever
    UNAUTHORIZED = "unauthorized"  # 401
    FORBIDDEN = "forbidden"  # 403
    NOT_FOUND = "not_found"  # 404
    GONE = "gone"  # 410
    THROTTLED = "throttled"  # 429
    FAILED = "failed"  # 408, 425, 5xx, any other code, and no answer at all
    UNASKED = "unasked"  # we had no file left for a connection


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One request for one batch, and what came of it.

    `outcome` is the HTTP code as text, or timeout, reset, dns, tls, bad_body, files. `retry_after` is as CallFire asked,
    counted from `answered`, unclamped, None where it did not ask. `size` is the body's, in bytes as received.
    `detail` is CallFire's own message, shortened, for people.
    """

    batch_id: int
    asked: datetime
    answered: datetime
    kind: Kind
    outcome: str
    batch: Batch | None = None
    retry_after: timedelta | None = None
    detail: str | None = None
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PageAnswer:
    """One request for one page of a broadcast's batches, and what came of it. All but `page`, which is there for Kind.SEEN
    and for no other, is as in Answer."""

    ref: PageRef
    asked: datetime
    answered: datetime
    kind: Kind
    outcome: str
    page: Page | None = None
    retry_after: timedelta | None = None
    detail: str | None = None
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitAnswer:
    """One request that adds a batch, and what came of it: as in Answer, and `batch_id` where CallFire named the new batch.

    `departed` False: not a byte of it left. `explained`: the answer's body was CallFire's own error, not that of a proxy.
    """

    asked: datetime
    answered: datetime
    kind: Kind
    outcome: str
    batch_id: int | None = None
    departed: bool = True
    explained: bool = False
    retry_after: timedelta | None = None
    detail: str | None = None
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchAnswer:
    """One request that switches a batch on or off, and what came of it: as in Answer; `done` where CallFire did it."""

    batch_id: int
    asked: datetime
    answered: datetime
    kind: Kind
    outcome: str
    done: bool = False
    retry_after: timedelta | None = None
    detail: str | None = None
    size: int = 0


NO_BATCH: Final = 0
"""The `batch_id` of an Answer that is about no one batch: an id that CallFire never gives out."""
OtherAnswer = PageAnswer | SubmitAnswer | SwitchAnswer
"""An answer to something else than the question for a batch."""
OF_THE_LISTING: Final = frozenset({Kind.UNFIT, Kind.FORBIDDEN, Kind.NOT_FOUND, Kind.GONE, Kind.GARBAGE})
"""Kinds of answers to something else than the question for a batch that tell of that alone: a login that may not list, or a
CallFire that does not (for this broadcast, or at all), still answers about single batches; and what it does not like about
one batch that is sent or switched is that one's."""


def told_by(answer: Answer | OtherAnswer) -> str:
    """What CallFire answered, in words."""
    return f"CallFire answered {answer.outcome}" + (f": {answer.detail}" if answer.detail else "")


def account_answer(answer: OtherAnswer) -> Answer | None:
    """What of such an answer `account.heed` is to hear; None where it says nothing of the account, neither good nor bad.

    It is one of the four kinds that mean the same whatever was asked (SEEN, UNAUTHORIZED, THROTTLED, FAILED), so that nothing
    is ever counted under NO_BATCH: "two batches refused" and "five watches garbled" are told by single looks alone. A pause
    that comes with an answer of the others holds for the account. Not for `look_of`: it bears no batch.
    """
    kind = answer.kind
    if kind is Kind.UNASKED:
        return None
    if kind in OF_THE_LISTING:
        if answer.retry_after is None:
            return None
        kind = Kind.THROTTLED
    return Answer(
        batch_id=NO_BATCH,
        asked=answer.asked,
        answered=answer.answered,
        kind=kind,
        outcome=answer.outcome,
        retry_after=answer.retry_after,
        detail=answer.detail,
        size=answer.size,
    )


def look_of(answer: Answer) -> Look | None:
    """The look an answer amounts to; None where it says nothing of the batch and the watch keeps its place in the queue."""
    asked, answered = answer.asked, answer.answered
    match answer.kind:
        case Kind.SEEN:
            assert answer.batch is not None
            return Seen(asked=asked, answered=answered, batch=answer.batch)
        case Kind.NOT_FOUND | Kind.GONE:
            return Missing(asked=asked, answered=answered, gone=answer.kind is Kind.GONE)
        case Kind.UNAUTHORIZED | Kind.THROTTLED | Kind.UNASKED:
            return None
        case Kind.FAILED | Kind.GARBAGE if answer.retry_after is not None:
            return None
        case Kind.FORBIDDEN:
            return Unanswered(asked=asked, answered=answered, reason=answer.outcome, refused=True)
        case Kind.UNFIT:
            return Unanswered(asked=asked, answered=answered, reason=answer.outcome, unfit=True)
        case Kind.GARBAGE | Kind.FAILED:
            return Unanswered(asked=asked, answered=answered, reason=answer.outcome)
        case _ as never:
            assert_never(never)
