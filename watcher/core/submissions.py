"""Batches on their way to CallFire: what follows from each answer, so that people are called once and not twice.

A batch sent again after a lost answer calls everybody twice. So nothing is sent again before it is certain that CallFire does not
have it: by its answer, or by listings that do not show the name, which nobody else uses. Pure.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal, assert_never

from watcher.core.answers import SubmitAnswer, told_by
from watcher.core.model import Batch, BroadcastKind, Key
from watcher.core.wishes import Wish

TAG: Final = 12
"""Letters and digits of a tag: 60 bits, so that nobody has the same by accident."""
NAME_LENGTH: Final = 100
"""Characters of a name as its caller gives it. CallFire's own bound is not documented; longer ones might be cut."""
TRIES: Final = 5
"""How often a batch is sent at most, each time after it was certain that CallFire does not have it."""
ABSENCES: Final = 2
"""How many listings in a row must not show a batch before it counts as absent."""
OLDER: Final = timedelta(days=1)
"""A batch that CallFire made so long before ours was asked for is another one, whatever its clock and ours say."""
CUT_LEAST: Final = 20
"""Characters that are left at least of a name that CallFire cuts: shorter ones are others' names that only begin like ours."""
PAUSE_FIRST: Final = timedelta(seconds=1)
PAUSE_MOST: Final = timedelta(seconds=30)
"""How long to wait before a request that never left is tried again: the first time and at most, twice as long each time."""
LIST_MOST: Final = timedelta(minutes=5)
"""The longest pause between two listings that told nothing, where ten times as long as one took is not longer."""


class SubmissionState(StrEnum):
    """Where a submission is in its life. Those from ACCEPTED on are its ends."""

    INTENDED = "intended"  # written down; CallFire does not have it, it is to be sent
    SENDING = "sending"  # a request is under way, or was when the process ended
    UNCLEAR = "unclear"  # sent, and whether CallFire took it is not known: the broadcast is listed
    ACCEPTED = "accepted"  # CallFire has it, and its batch is followed
    REFUSED = "refused"  # CallFire does not want it, or it could not be sent in time; it does not have it
    ABSENT = "absent"  # sent, CallFire does not have it, and it is not sent again
    WITHDRAWN = "withdrawn"  # somebody wants no more to be done


ENDS: Final = frozenset(
    {SubmissionState.ACCEPTED, SubmissionState.REFUSED, SubmissionState.ABSENT, SubmissionState.WITHDRAWN}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A batch that is to be, or was, added to a broadcast.

    `name` is the caller's with our tag behind it: by that it is found again. `request` is what is to be sent, as `Content` has
    it; None where it is not needed any more, or cannot be read. `kind` None is not known yet. `tries` counts requests that may
    have left; `sent` and `ended` are the moments of the last one; `absences` are listings since that did not show it. `version`
    is what compare-and-swap compares.
    """

    id: str
    account: str
    broadcast_id: int
    name: str
    request: bytes | None = field(repr=False)
    created: datetime
    holder: str
    kind: BroadcastKind | None = None
    strict: bool = False
    recipients: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    correlation_id: str | None = None
    expires_in: timedelta | None = None
    idempotency_key: str | None = None
    fingerprint: bytes = b""

    state: SubmissionState = SubmissionState.INTENDED
    version: int = 0
    batch_id: int | None = None
    tries: int = 0
    sent: datetime | None = None
    ended: datetime | None = None
    absences: int = 0
    settled: datetime | None = None
    detail: str = ""

    @property
    def over(self) -> bool:
        """Whether nothing more is to be done."""
        return self.state in ENDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One request that adds a batch."""

    broadcast_id: int
    kind: BroadcastKind
    name: str
    request: bytes = field(repr=False)
    strict: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Caution:
    """How careful to be: a listing counts as the last one from `settle` after the request on; `resend` whether what is absent
    then is sent again; nothing is sent later than `within` after it was asked for."""

    settle: timedelta = timedelta(seconds=60)
    resend: bool = True
    within: timedelta = timedelta(hours=1)


Verdict = Literal["taken", "not taken", "refused", "unclear"]

UNCERTAIN: Final = frozenset({408, 409, 425})
"""Codes below 500 that do not say that nothing was done: a time-out, and a conflict, which may be with our own first try."""


def verdict(answer: SubmitAnswer) -> Verdict:
    """What is certain after an answer. "not taken" may be sent again as it is; "refused" would be refused again."""
    if answer.batch_id is not None:
        return "taken"
    if not answer.departed:
        return "not taken"
    code = int(answer.outcome) if answer.outcome.isdigit() else 0
    if code == 429:
        return "not taken"
    if code in (401, 403) or (400 <= code < 500 and code not in UNCERTAIN and answer.explained):
        return "refused"
    return "unclear"


def tagged(name: str, tag: str) -> str:
    """The name as it is sent."""
    return f"{name} [{tag}]"


def tag_of(submission: Submission) -> str:
    """What of the name is found again, whatever becomes of blanks and capital letters."""
    return submission.name.rpartition("[")[2].rstrip("]").casefold()


def begun(submission: Submission, now: datetime) -> Submission:
    """A request leaves now."""
    return replace(
        submission, state=SubmissionState.SENDING, tries=submission.tries + 1, sent=now, ended=None, absences=0
    )


def recalled(submission: Submission, now: datetime) -> Submission:
    """At the start of the process: what became of a request that was under way when the last one ended is not known. A clock that
    was set back since must not have anybody wait for a moment that is long to come."""
    if submission.ended is not None and submission.ended > now:
        return replace(submission, ended=now, absences=0)
    if submission.state is not SubmissionState.SENDING:
        return submission
    detail = "the daemon ended before CallFire answered: its list of the broadcast is searched for the name"
    return replace(submission, state=SubmissionState.UNCLEAR, ended=now, absences=0, detail=detail)


def after(submission: Submission, answer: SubmitAnswer) -> Submission:
    """The submission after the answer to its request."""
    told = told_by(answer)
    match verdict(answer):
        case "taken":
            return accepted(submission, answer.batch_id or 0, answer.answered)
        case "not taken":
            tries = submission.tries - (submission.state is SubmissionState.SENDING and not answer.departed)
            what = told if answer.departed else f"CallFire was not reached ({answer.outcome})"
            return replace(
                submission, state=SubmissionState.INTENDED, tries=tries, detail=f"{what}: it is sent again later"
            )
        case "refused":
            return _ended(submission, SubmissionState.REFUSED, answer.answered, told)
        case "unclear":
            what = told if answer.outcome.isdigit() else f"no answer of CallFire came ({answer.outcome})"
            return replace(
                submission,
                state=SubmissionState.UNCLEAR,
                ended=answer.answered,
                absences=0,
                detail=f"{what}: its list of the broadcast is searched for the name",
            )
        case _ as never:
            assert_never(never)


def accepted(submission: Submission, batch_id: int, now: datetime, *, others: Sequence[int] = ()) -> Submission:
    """CallFire has it. `others` are more batches of that name, which there should not be."""
    detail = "" if not others else f"CallFire has it {1 + len(others)} times: also as {', '.join(map(str, others))}"
    return replace(_ended(submission, SubmissionState.ACCEPTED, now, detail), batch_id=batch_id)


def wish_of(submission: Submission) -> Wish:
    """That the batch of an accepted one be followed, as it was asked for."""
    assert submission.batch_id is not None
    return Wish(
        key=Key(submission.account, submission.batch_id),
        labels=submission.labels or None,
        correlation_id=submission.correlation_id,
        broadcast_id=submission.broadcast_id,
        expires_in=submission.expires_in,
    )


def withdrawn(submission: Submission, now: datetime) -> Submission:
    """Somebody wants no more to be done about it."""
    known = (
        "it was not sent" if submission.state is SubmissionState.INTENDED else "whether CallFire has it is not known"
    )
    return _ended(submission, SubmissionState.WITHDRAWN, now, f"withdrawn: {known}")


def refused(submission: Submission, now: datetime, why: str) -> Submission:
    """It was not sent, and is not: CallFire said before that it would not do."""
    return _end_unsent(submission, now, why)


def late(submission: Submission, caution: Caution, now: datetime) -> Submission | None:
    """The end of one that can no longer be sent; None where it may be."""
    if submission.state is not SubmissionState.INTENDED:
        return None
    if submission.request is None:
        return _end_unsent(submission, now, "what was to be sent cannot be read any more")
    if now - submission.created >= caution.within:
        return _end_unsent(
            submission, now, f"it could not be sent in time ({submission.detail or 'no request was free'})"
        )
    return None


def found(submission: Submission, batches: Iterable[Batch]) -> list[int]:
    """The ids of those batches that are this submission's, by the tag in their names."""
    tag = tag_of(submission)
    return sorted(batch.id for batch in batches if batch.name is not None and tag in batch.name.casefold())


def doubtful(submission: Submission, batches: Iterable[Batch]) -> Batch | None:
    """A batch that may be this submission's although its name does not say so: it has none, or one that is ours cut short."""
    name = " ".join(submission.name.split()).casefold()
    least = min(name.rfind(" ["), CUT_LEAST)
    for batch in batches:
        old = batch.created is not None and batch.created < submission.created - OLDER
        shown = " ".join((batch.name or "").split()).casefold().rstrip(" .…")
        if not old and (not shown or (len(shown) >= least and name.startswith(shown))):
            return batch
    return None


def missed(submission: Submission, began: datetime, caution: Caution, now: datetime) -> Submission:
    """After a whole listing, asked for from `began` on, that does not show it: what it now is."""
    if submission.ended is None or began < submission.ended:
        return submission
    absences = submission.absences + 1
    if absences < ABSENCES or began < submission.ended + caution.settle:
        return replace(submission, absences=absences)
    absent = replace(submission, absences=absences)
    gone = f"CallFire does not have it after {absences} listings"
    if not caution.resend:
        return _ended(absent, SubmissionState.ABSENT, now, f"{gone}; it is not sent again, as submit.resend says")
    if absent.tries >= TRIES or absent.request is None or now - absent.created >= caution.within:
        return _ended(absent, SubmissionState.ABSENT, now, f"{gone}; it is not sent again, after {absent.tries} tries")
    return replace(absent, state=SubmissionState.INTENDED, detail=f"{gone}: it is sent again under the same name")


def list_at(submission: Submission, caution: Caution) -> datetime:
    """When the broadcast is to be listed next for one that is unclear: at once, after a quarter of `settle`, after all of it."""
    ended = submission.ended or submission.created
    share = (0.0, 0.25, 1.0)[min(submission.absences, 2)]
    return ended + caution.settle * share


def list_pause(failures: int, caution: Caution, took: timedelta) -> timedelta:
    """How long to wait after so many listings in a row that told nothing, of which the last one took so long."""
    most = max(LIST_MOST, caution.settle, 10 * took)
    return min(max(caution.settle / 4, PAUSE_FIRST) * 2.0 ** min(failures, 20), most)


def send_pause(failures: int) -> timedelta:
    """How long to wait after so many requests in a row that never left."""
    return min(PAUSE_FIRST * 2.0 ** min(failures, 10), PAUSE_MOST)


def _end_unsent(submission: Submission, now: datetime, detail: str) -> Submission:
    """CallFire does not have it: it was never sent, or every try is known to have come to nothing."""
    state = SubmissionState.ABSENT if submission.absences else SubmissionState.REFUSED
    return _ended(submission, state, now, f"not sent: {detail}")


def _ended(submission: Submission, state: SubmissionState, now: datetime, detail: str) -> Submission:
    return replace(submission, state=state, settled=now, request=None, detail=detail)
