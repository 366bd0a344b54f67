"""How fast an account is asked: what its answers teach about the rate that CallFire allows, and how many may be in flight at it.

The decisions are those of `watcher.core.allowance`; here is what they are made from, counted answer by answer.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from watcher.core.account import WELL, Account
from watcher.core.allowance import (
    SETTLES,
    Allowance,
    LearntRate,
    clean,
    in_flight_most,
    is_held,
    learnt_rate,
    recalled,
    throttled,
)
from watcher.core.answers import Answer, Kind
from watcher.core.news import RateLearnt, RateReason

STRETCH: Final = timedelta(seconds=15)
"""So long without a 429 (longer where requests are rare) may make the rate grow."""
STRETCH_REQUESTS: Final = 8
"""And so many requests must be able to go out in it: fewer say too little about how much of the rate is used."""
KEPT_AT_MOST: Final = timedelta(minutes=1)
"""What grew is kept at most so often; a fall is kept at once."""
NOTICED: Final = 0.1
"""Growth is told when it comes to that share of what was told before."""
MOMENT: Final = 0.001
"""Seconds that are not worth a wait, and that a clock may not be able to wait."""
SLOWER: Final = 0.5
FASTER: Final = 1 / 16
"""The shares with which an answer that took longer, or less long, than those before moves the latency: it rises quickly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paced:
    """What an answer changed: `news` where it is worth telling, and whether `learnt` is to be kept now."""

    rate: float
    learnt: LearntRate | None
    keep: bool
    news: RateLearnt | None


class Pacing:
    """The pace of one account. Hand it every answer with `heard`, and tell it with `sent` when a request goes out."""

    def __init__(self, account: Account, *, rate: float, concurrency: int, now: datetime) -> None:
        self.allowance: Allowance = recalled(rate, account.learnt_rate, now)
        self.latency: float | None = None
        self._account = account.name
        self._concurrency = concurrency
        self._sent = 0.0
        self._accepted = 0
        self._stretch_began = now
        self._stretch_ends = now + self._stretch()
        self._kept, self._kept_at = learnt_rate(self.allowance), now
        self._told = rate
        self._found = is_held(self.allowance)

    @property
    def rate(self) -> float:
        """Requests a second that may be sent."""
        return self.allowance.rate

    def recalled(self) -> RateLearnt | None:
        """What is to be told at the start: that less than what is configured is in force, as learnt before the restart."""
        return None if self.rate >= self.allowance.configured else self._told_of("kept")

    def sent(self, at: float) -> None:
        """A request goes out now, in epoch seconds."""
        self._sent = at

    def full_until(self, in_flight: int, now: float) -> float | None:
        """Until when no more may be in flight than are, in epoch seconds; None where one more may be now.

        An answer makes that sooner. Where none comes, the requests in flight are taken to be as slow as the last of them already
        is: two that hang do not stop the account, and all of an account that hangs fill up slowly what they may.
        """
        if self.latency is None or in_flight < in_flight_most(self._concurrency, self.rate, self.latency):
            return None
        until = self._sent + in_flight / (2.0 * self.rate)
        return until if until - now > MOMENT else None

    def heard(self, answer: Answer) -> Paced | None:
        """Takes an answer in; None where it changed nothing that anybody must know."""
        self._felt((answer.answered - answer.asked).total_seconds())
        if answer.kind in WELL:
            self._accepted += 1
        if answer.kind is Kind.THROTTLED:
            after = throttled(
                self.allowance,
                asked=answer.asked,
                answered=answer.answered,
                accepted=self._accepted,
                pause=answer.retry_after,
            )
        elif answer.answered >= self._stretch_ends:
            seconds = (answer.answered - self._stretch_began).total_seconds()
            after = clean(self.allowance, now=answer.answered, seconds=seconds, accepted=self._accepted)
        else:
            return None
        return self._became(after, answer.answered)

    def _felt(self, took: float) -> None:
        if self.latency is None:
            self.latency = took
        else:
            self.latency += (took - self.latency) * (SLOWER if took > self.latency else FASTER)

    def _became(self, after: Allowance, now: datetime) -> Paced | None:
        before, self.allowance = self.allowance, after
        self._accepted = 0
        self._stretch_began = now
        self._stretch_ends = now + self._stretch()
        learnt = learnt_rate(after)
        fell = after.rate < before.rate
        keep = learnt != self._kept and (fell or now - self._kept_at >= KEPT_AT_MOST)
        if keep:
            self._kept, self._kept_at = learnt, now
        news = self._news(now, fell=fell)
        if after.rate == before.rate and news is None and not keep:
            return None
        return Paced(rate=after.rate, learnt=learnt, keep=keep, news=news)

    def _news(self, now: datetime, *, fell: bool) -> RateLearnt | None:
        allowance = self.allowance
        if fell:
            self._found = False
            return self._told_of("lowered")
        if allowance.rate >= allowance.configured:
            return None if self._told >= allowance.rate else self._told_of("restored")
        if not self._found and is_held(allowance) and now - allowance.since >= SETTLES:
            self._found = True
            return self._told_of("found")
        return self._told_of("grown") if allowance.rate > self._told * (1 + NOTICED) else None

    def _told_of(self, reason: RateReason) -> RateLearnt:
        previous, self._told = self._told, self.rate
        return RateLearnt(
            account=self._account,
            rate=self.rate,
            previous=previous,
            configured=self.allowance.configured,
            reason=reason,
        )

    def _stretch(self) -> timedelta:
        return max(STRETCH, timedelta(seconds=STRETCH_REQUESTS / self.rate))
