"""How an account stands, answer by answer: in order, throttled, down or refused; how fast it may be asked, how often at once.

The decisions are those of `watcher.core.account`, and of `pacing`; here they are told, put in force, and kept.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from watcher.core.account import Account, Condition, heed, record_of, resume, room
from watcher.core.answers import NO_BATCH, Answer, Kind, PageAnswer, account_answer
from watcher.core.model import Event
from watcher.core.news import AccountTold, ConditionChanged, Tell, Throttled
from watcher.core.parts import Part, adopted
from watcher.polling.pacing import Pacing
from watcher.ports import AccountChange, Accounts, Clock, StoreError, UnknownOutcome, Upstream

LONGEST_WAIT: Final = 15.0
"""Seconds: a poller with nothing to do takes a step at least this often, which is how one sees that it is alive."""
JUMP: Final = 0.001
"""Seconds by which the clock must have been moved to be heeded: less is how finely the two clocks are read."""
KEPT_AFTER: Final = 1.0
"""Seconds by which a pause must have been moved to be kept anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What an account may use: requests a second as configured, and how many may be in flight."""

    rate: float
    concurrency: int


class Standing:
    """Hand it every answer with `heed`, and tell it with `sent` and `landed` of every request."""

    def __init__(
        self,
        account: Account,
        *,
        rates: Rates,
        upstream: Upstream,
        accounts: Accounts,
        clock: Clock,
        tell: Tell,
        part: Part | None = None,
    ) -> None:
        self.account = account
        self._part = part or Part(account.name)
        self.rates = rates
        self.pacing = Pacing(account, rate=rates.rate, concurrency=rates.concurrency, now=clock.now())
        self.in_flight = 0
        self._upstream = upstream
        self._accounts = accounts
        self._clock = clock
        self._tell = tell
        self._ahead = self._now_ahead()
        self._moved = 0.0
        self._unsaved: AccountChange | None = None
        self._doubtful = False  # whether all of what is unsaved is, is not known
        self._saving = asyncio.Lock()

    @property
    def careful(self) -> bool:
        """Whether one request alone may be under way: the login is not known to be good, or the account is in trouble."""
        return room(self.account, 2) < 2

    def begin(self) -> None:
        """Says what is in force of before the restart: a refusal, a pause, a rate below the configured one."""
        if self.account.condition is not Condition.OK:
            self._tell_condition(Condition.OK)
        learnt = self.pacing.recalled()
        if learnt is not None:
            self._upstream.limit(learnt.rate)
            self._tell(learnt)

    def sent(self, now: float) -> None:
        """A request goes out, in epoch seconds."""
        self.in_flight += 1
        self.pacing.sent(now)

    def landed(self) -> None:
        """What came of a request is taken in."""
        self.in_flight -= 1

    def held_until(self, now: float) -> float | None:
        """Until when nothing may be asked, whatever it is worth; None where something may."""
        if self.in_flight >= room(self.account, self.rates.concurrency):
            return now + LONGEST_WAIT  # an answer wakes us sooner
        full_until = self.pacing.full_until(self.in_flight, now)
        if full_until is not None:
            return full_until
        if self.account.condition is Condition.PAUSED:
            return now + LONGEST_WAIT
        if self.account.until is None:
            return None
        self._go_with_the_clock()
        until = self.account.until.timestamp()
        return until if until > now else None

    async def heed(self, answer: Answer) -> None:
        """Takes to heart what the answer means for the account, and has that kept where it must outlive us."""
        if answer.kind is Kind.UNASKED:
            return  # nor does how soon that came say how quick CallFire is
        self._go_with_the_clock()
        before = self.account
        heeded = heed(before, answer, self._clock.draw())
        after = self._paced(heeded.account, answer)
        if after is before:
            return
        await self._become(after, heeded.events)

    async def reread(self) -> None:
        """Another part of the account may have found out how it stands: what it says holds here too. Raises StoreError."""
        record = await self._accounts.account(self.account.name)
        if record is not None:
            self._go_with_the_clock()
            self._ahead = self._now_ahead()
            before, self.account = self.account, adopted(self.account, record, self._part, self._clock.now())
            if self.account.condition is not before.condition:
                self._tell_condition(before.condition)

    async def may_try(self) -> bool:
        """Whether something may be asked, now that it is time: where the account is refused, another part may have tried."""
        if self._part.of > 1 and self.account.condition is Condition.REFUSED:
            await self.reread()
            return self.held_until(self._clock.now().timestamp()) is None
        return True

    async def resume(self) -> None:
        """An operator wants the account to be asked again."""
        await self._become(resume(self.account))

    async def _become(self, after: Account, events: Sequence[Event] = ()) -> None:
        before, self.account = self.account, after
        if not _dated(before):
            self._ahead = self._now_ahead()
        if after.condition is not before.condition:
            self._tell_condition(before.condition)
        if after.condition is Condition.THROTTLED and after.until is not None and after.until != before.until:
            self._tell(Throttled(account=after.name, until=after.until, again=after.throttles == before.throttles))
        if events or record_of(after) != record_of(before):
            self._unsaved = _both(self._unsaved, AccountChange(record=record_of(after), events=events))
            try:
                await self.save()
            except StoreError:
                return  # it stays owed: the keeper saves it, and is heard where it cannot

    async def heed_page(self, answer: PageAnswer) -> bool:
        """Takes to heart what a page's answer means for the account; whether it means nothing else. While the account is
        refused a page was its probe, whatever it says of the listing: refused again, it is left alone as long as after a look."""
        heard = account_answer(answer)
        probe = heard is None and self.account.condition is Condition.REFUSED
        if probe:
            heard = Answer(
                batch_id=NO_BATCH,
                asked=answer.asked,
                answered=answer.answered,
                kind=answer.kind,
                outcome=answer.outcome,
                detail=answer.detail,
                size=answer.size,
            )
        if heard is not None:
            await self.heed(heard)
        return probe and answer.kind is Kind.FORBIDDEN

    def _now_ahead(self) -> float:
        """By how much the clock is ahead of the monotonic one."""
        return self._clock.now().timestamp() - self._clock.monotonic()

    def _go_with_the_clock(self) -> None:
        """Moves the account's pause, and since when it stands so, as the clock was: a pause lasts as long as it was to, and what
        is asked after it is not taken for older than the trouble, also where somebody sets the machine's clock meanwhile."""
        account = self.account
        if not _dated(account):
            return
        ahead = self._now_ahead()
        by = ahead - self._ahead
        if abs(by) < JUMP:
            return
        self._ahead = ahead
        self.account = replace(account, since=_moved(account.since, by), until=_moved(account.until, by))
        self._moved += by
        if abs(self._moved) >= KEPT_AFTER:
            self._moved = 0.0
            self._unsaved = _both(self._unsaved, AccountChange(record=record_of(self.account), events=()))

    def _paced(self, account: Account, answer: Answer) -> Account:
        """Takes to heart what the answer means for the rate; gives the account with what of that must outlive us."""
        paced = self.pacing.heard(answer)
        if paced is None:
            return account
        self._upstream.limit(paced.rate)
        if paced.news is not None:
            self._tell(paced.news)
        return replace(account, learnt_rate=paced.learnt) if paced.keep else account

    def _tell_condition(self, previous: Condition) -> None:
        account = self.account
        self._tell(
            ConditionChanged(
                account=account.name,
                condition=account.condition,
                previous=previous,
                reason=account.reason,
                until=account.until,
            )
        )

    async def save(self) -> None:
        """Keeps what must be kept of the account; what could not be is kept the next time."""
        async with self._saving:  # one after another, or an older record might be the last to be written
            change, self._unsaved = self._unsaved, None
            if change is None:
                return
            try:
                if self._doubtful:
                    change = await self._not_kept(change)
                committed = await self._accounts.save_account(change)
            except StoreError as error:
                self._doubtful = self._doubtful or isinstance(error, UnknownOutcome)
                self._unsaved = _both(change, self._unsaved)
                raise
            self._doubtful = False
            if committed is None:
                await self.reread()
                return
        for recorded, deliveries in zip(committed.events, committed.deliveries, strict=True):
            self._tell(
                AccountTold(
                    account=self.account.name, type=recorded.type, position=recorded.position, deliveries=deliveries
                )
            )

    async def _not_kept(self, change: AccountChange) -> AccountChange:
        """The change without the events that are in the log already: they would be refused, and all else with them."""
        record = await self._accounts.account(self.account.name)
        kept = 0 if record is None else record.number
        return replace(change, events=[event for event in change.events if event.number > kept])


def _dated(account: Account) -> bool:
    """Whether something of it goes by the clock."""
    return account.since is not None or account.until is not None


def _moved(at: datetime | None, by: float) -> datetime | None:
    return None if at is None else at + timedelta(seconds=by)


def _both(older: AccountChange | None, newer: AccountChange | None) -> AccountChange | None:
    """What is still to be saved: the newest record, and the events of both."""
    if older is None or newer is None:
        return newer or older
    return AccountChange(record=newer.record, events=(*older.events, *newer.events))
