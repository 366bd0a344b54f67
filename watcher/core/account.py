"""An account's condition: what each answer of CallFire means for everything else that is asked with the same login.

The right half of the table in polling.md ("What an answer means"). Pure: `heed` takes the condition and an answer and
gives the condition that follows and the events that tell of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from watcher.core.allowance import LearntRate
from watcher.core.answers import Answer, Kind, told_by
from watcher.core.model import Event

REFUSALS_IN_A_ROW: Final = 3
FAILURES_IN_A_ROW: Final = 5
GARBLED_WATCHES: Final = 5
REFUSED_PAUSES: Final = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6))
DOWN_FIRST: Final = timedelta(seconds=5)
DOWN_MOST: Final = timedelta(minutes=15)
THROTTLE_LEAST: Final = timedelta(seconds=1)
THROTTLE_MOST: Final = timedelta(hours=1)
THROTTLE_GUESS_MOST: Final = timedelta(seconds=60)
"""Without a Retry-After the pause is drawn from 0 to 2^n seconds, at most this."""
REFUSING: Final = frozenset({Kind.UNAUTHORIZED, Kind.FORBIDDEN})
WELL: Final = frozenset({Kind.SEEN, Kind.UNFIT, Kind.NOT_FOUND, Kind.GONE})
"""Kinds of answers that only an account in order gets."""
JITTER: Final = 0.1
"""A Retry-After is lengthened by up to this share of itself, never shortened."""


class Condition(StrEnum):
    OK = "ok"
    THROTTLED = "throttled"  # asked to wait
    DOWN = "down"  # does not answer, or not with sense
    REFUSED = "refused"  # our login is not accepted
    PAUSED = "paused"  # an operator wants no requests


PROBED: Final = frozenset({Condition.DOWN, Condition.REFUSED})
"""Conditions in which one request alone is tried now and then, and one more failure is enough for the next pause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecord:
    """What of an account outlives the process. `credentials` is a fingerprint that tells whether they changed, not more.

    `probe_at` is when the account may be asked again: after a refusal, or after a pause that CallFire wants. `learnt_rate` is
    None where it may use all that is configured.
    """

    name: str
    refused: bool = False
    reason: str = ""
    refusals: int = 0
    probe_at: datetime | None = None
    credentials: str = ""
    number: int = 0
    learnt_rate: LearntRate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account as the last answers left it.

    Nothing is asked before `until`. `since` is when the condition was entered: an answer to what was asked before
    then cannot make it worse. `proven` says that CallFire has accepted the login in this process. `learnt_rate` is what is to be
    kept of `allowance`, which learns it; nothing here changes it.
    """

    name: str
    credentials: str = ""
    condition: Condition = Condition.OK
    reason: str = ""
    since: datetime | None = None
    until: datetime | None = None
    proven: bool = False
    number: int = 0
    learnt_rate: LearntRate | None = None

    refusals_in_a_row: int = 0
    forbidden_batch: int | None = None
    refusals: int = 0  # probes refused, which lengthens the next pause
    failures_in_a_row: int = 0
    garbled: frozenset[int] = frozenset()
    downs: int = 0  # times down without a good answer in between
    throttles: int = 0  # times throttled likewise

    @property
    def untroubled(self) -> bool:
        """Whether a good answer changes nothing: there is no strike, no pause and no doubt to forget."""
        return (
            self.proven
            and self.condition is Condition.OK
            and self.until is None
            and self.forbidden_batch is None
            and not self.garbled
            and not (self.refusals_in_a_row or self.refusals or self.failures_in_a_row or self.downs or self.throttles)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Heeded:
    """The account as it now is, and what subscribers are told.

    Where `record_of` says something new of it, the record is to be kept, together with the events.
    """

    account: Account
    events: Sequence[Event] = ()


def recall(name: str, credentials: str, record: AccountRecord | None) -> Account:
    """The account at the start of the process. A refusal and a pause stay in force, so that a restart does not hammer; other
    credentials than those refused may be probed at once, and only their success ends it (and is told)."""
    if record is None:
        return Account(name=name, credentials=credentials)
    account = Account(name=name, credentials=credentials, number=record.number, learnt_rate=record.learnt_rate)
    if not record.refused:
        if record.probe_at is None:
            return account
        return replace(account, condition=Condition.THROTTLED, reason=record.reason, until=record.probe_at)
    known = record.credentials == credentials
    return replace(
        account,
        condition=Condition.REFUSED,
        reason=record.reason,
        until=record.probe_at if known else None,
        refusals=record.refusals if known else 0,
    )


def record_of(account: Account) -> AccountRecord:
    """What to keep of the account."""
    kept = account.condition in (Condition.REFUSED, Condition.THROTTLED)
    return AccountRecord(
        name=account.name,
        refused=account.condition is Condition.REFUSED,
        reason=account.reason if kept else "",
        refusals=account.refusals,
        probe_at=account.until if kept else None,
        credentials=account.credentials,
        number=account.number,
        learnt_rate=account.learnt_rate,
    )


def resume(account: Account) -> Account:
    """The account as an operator who asks for it gets it: one that is refused or down may be probed at once, and is in order
    when that succeeds; one that an operator paused is asked again. A pause that CallFire wants is kept."""
    if account.condition in PROBED:
        return account if account.until is None else replace(account, until=None)
    if account.condition is Condition.PAUSED:
        return replace(account, condition=Condition.OK, reason="", until=None)
    return account


def room(account: Account, concurrency: int) -> int:
    """How many requests may be in flight. One only until the login is known to be good and while the account is in trouble,
    so that a wrong password is tried three times and not as often as there is room."""
    calm = account.condition is Condition.OK and account.proven and not account.refusals_in_a_row
    return concurrency if calm else 1


def heed(account: Account, answer: Answer, draw: float) -> Heeded:
    """What an answer makes of the account. `draw` is a random number in [0, 1)."""
    if account.condition is Condition.PAUSED:
        return Heeded(
            account=account
        )  # nothing is asked: what still comes in changes nothing of what the operator wants
    if answer.kind in REFUSING:
        heeded = _refuse(account, answer, draw)
    elif answer.kind in WELL:
        heeded = _recover(account, answer)
    elif answer.kind is Kind.THROTTLED or answer.retry_after is not None:
        heeded = Heeded(account=account)
    elif answer.kind is Kind.UNASKED:
        return Heeded(account=account)
    elif answer.kind is Kind.FAILED:
        return Heeded(account=_fail(account, answer, draw))
    else:
        return Heeded(account=_garble(account, answer, draw))
    if answer.kind is Kind.THROTTLED or answer.retry_after is not None:  # whatever else the answer says
        return replace(heeded, account=_throttle(heeded.account, answer, draw))
    return heeded


def _stale(account: Account, answer: Answer) -> bool:
    return account.since is not None and answer.asked < account.since


def _early(account: Account, answer: Answer) -> bool:
    """Whether it was asked before the pause was over: before it began, or in the very moment when it did."""
    return account.until is not None and answer.asked < account.until


def _refuse(account: Account, answer: Answer, draw: float) -> Heeded:
    stale = _stale(account, answer)
    again = account.condition is Condition.REFUSED
    if again and stale:
        return Heeded(account=account)
    forbidden = account.forbidden_batch
    strikes = account.refusals_in_a_row
    if answer.kind is Kind.UNAUTHORIZED:
        strikes += 1
    elif forbidden is not None and forbidden != answer.batch_id:
        strikes += 1  # two different batches refused: it is the login, not the batch
    if answer.kind is Kind.FORBIDDEN:
        forbidden = answer.batch_id
    struck = replace(account, refusals_in_a_row=strikes, forbidden_batch=forbidden)
    if not stale:
        struck = replace(struck, failures_in_a_row=0)  # a refusal is an answer: the row of failures ends
    if not again and strikes < REFUSALS_IN_A_ROW:
        over = not _early(account, answer) and account.condition in (Condition.DOWN, Condition.THROTTLED)
        return Heeded(account=replace(struck, condition=Condition.OK, reason="", until=None) if over else struck)
    pause = max(_nth_pause(account.refusals), _asked_pause(answer, draw) or timedelta(0))
    refused = replace(
        struck,
        condition=Condition.REFUSED,
        reason=told_by(answer),
        since=answer.answered,
        until=answer.answered + pause,
        proven=False,
        refusals=account.refusals + 1,
        number=account.number if again else account.number + 1,
    )
    if again:
        return Heeded(account=refused)
    return Heeded(account=refused, events=(_event(refused, "account.refused", answer.answered),))


def _nth_pause(refusals: int) -> timedelta:
    """How long until the next probe, after so many refused ones."""
    return REFUSED_PAUSES[min(refusals, len(REFUSED_PAUSES) - 1)]


def _asked_pause(answer: Answer, draw: float) -> timedelta | None:
    """The pause CallFire asked for, within our bounds and never shortened by chance; None where it named none."""
    if answer.retry_after is None:
        return None
    return min(max(answer.retry_after, THROTTLE_LEAST), THROTTLE_MOST) * (1 + JITTER * draw)


def _throttle(account: Account, answer: Answer, draw: float) -> Account:
    stale = _stale(account, answer)
    again = stale and account.condition is Condition.THROTTLED
    throttles = account.throttles if again else account.throttles + 1
    pause = _asked_pause(answer, draw)
    if pause is None:
        if again:
            return account
        pause = min(timedelta(seconds=2 ** min(throttles, 10)), THROTTLE_GUESS_MOST) * draw
    until = max(answer.answered + pause, account.until or answer.answered)
    if account.condition is Condition.REFUSED:
        if not stale:
            return _probe_failed(account, answer, at_least=until)
        return replace(account, until=until)
    return replace(
        account,
        condition=Condition.THROTTLED,
        reason=f"CallFire answered {answer.outcome}",
        since=account.since if again else answer.answered,
        until=until,
        throttles=throttles,
        failures_in_a_row=0,
    )


def _fail(account: Account, answer: Answer, draw: float) -> Account:
    if _stale(account, answer):
        return account
    failures = account.failures_in_a_row + 1
    struck = replace(account, failures_in_a_row=failures)
    if failures < FAILURES_IN_A_ROW and account.condition not in PROBED:
        return struck
    return _down(struck, answer, draw, f"{failures} failures in a row, the last {answer.outcome}")


def _garble(account: Account, answer: Answer, draw: float) -> Account:
    if _stale(account, answer):
        return account
    garbled = account.garbled | {answer.batch_id}
    struck = replace(account, garbled=garbled)
    if len(garbled) < GARBLED_WATCHES and account.condition not in PROBED:
        return struck
    return _down(struck, answer, draw, f"answers about {len(garbled)} batches made no sense")


def _down(account: Account, answer: Answer, draw: float, reason: str) -> Account:
    if account.condition is Condition.REFUSED:
        return _probe_failed(account, answer, at_least=answer.answered)
    ceiling: timedelta = min(DOWN_FIRST * 2.0 ** min(account.downs, 10), DOWN_MOST)
    return replace(
        account,
        condition=Condition.DOWN,
        reason=reason,
        since=answer.answered,
        until=answer.answered + ceiling * draw,
        downs=account.downs + 1,
    )


def _probe_failed(account: Account, answer: Answer, *, at_least: datetime) -> Account:
    """The probe of a refused account was not answered: the refusal stands, the next probe comes after the same pause again."""
    pause = _nth_pause(max(account.refusals - 1, 0))
    return replace(account, since=answer.answered, until=max(answer.answered + pause, at_least))


def _recover(account: Account, answer: Answer) -> Heeded:
    if account.condition in (Condition.THROTTLED, Condition.REFUSED) and _early(account, answer):
        return Heeded(account=account)  # it does not end a pause that it was too early for
    if account.untroubled:
        return Heeded(account=account)
    was_refused = account.condition is Condition.REFUSED
    well = Account(
        name=account.name,
        credentials=account.credentials,
        proven=True,
        number=account.number + 1 if was_refused else account.number,
        learnt_rate=account.learnt_rate,
    )
    if not was_refused:
        return Heeded(account=well)
    return Heeded(account=well, events=(_event(well, "account.recovered", answer.answered),))


def _event(account: Account, kind: str, at: datetime) -> Event:
    refused = account.condition is Condition.REFUSED
    data: dict[str, object] = {
        "account": account.name,
        "number": account.number,
        "reason": account.reason if refused else None,
        "next_probe": account.until if refused else None,
    }
    return Event(type=kind, at=at, account=account.name, batch_id=None, number=account.number, data=data)
