"""Per account: a token of the budget, the best choice at that moment, one look, and what its answer means for the account.

A poller chooses one request after another; each look is an errand of its own, so that a slow answer holds nobody up.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from watcher.core.account import Account, Condition, heed, record_of, room
from watcher.core.answers import Answer, Kind, look_of
from watcher.core.model import LastLook, Watch
from watcher.core.news import (
    AccountTold,
    BudgetUsed,
    ConditionChanged,
    SetAside,
    Stepped,
    Tally,
    Tell,
    Throttled,
)
from watcher.core.roster import Roster
from watcher.core.schedule import Choice, Pace, Schedule
from watcher.core.transitions import Rules
from watcher.polling.learning import Learner
from watcher.ports import AccountChange, Accounts, AccountView, Clock, Store, StoreError, Upstream

LONGEST_WAIT: Final = 15.0
"""Seconds: a poller with nothing to do takes a step at least this often, which is how one sees that it is alive."""
ASIDE_MOST: Final = timedelta(hours=1)
"""No watch is set aside for longer; more than that is a clock that was set back."""
STEP_NEWS: Final = 1.0
"""Seconds: steps are told at most this often, however fast they come."""

Errand = Callable[[str, Coroutine[object, object, None]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What an account may use: requests a second as configured, and how many may be in flight."""

    rate: float
    concurrency: int


class Poller:
    """Polls for one account. `load` first; then one `step` after another."""

    def __init__(
        self,
        account: Account,
        *,
        rates: Rates,
        pace: Pace,
        rules: Rules,
        upstream: Upstream,
        store: Store,
        accounts: Accounts,
        clock: Clock,
        tell: Tell,
        errand: Errand,
    ) -> None:
        self.account = account
        self.rates = rates
        self.name = f"poller {account.name}"
        self.roster = Roster(rules)
        self.schedule = Schedule(self.roster, pace)
        self.learner = Learner(account.name, roster=self.roster, rules=rules, store=store, tell=tell)
        self.last_step = clock.now()
        self.in_flight = 0
        self._look_name = f"look {account.name}"
        self._told_step = float("-inf")
        self._upstream = upstream
        self._store = store
        self._accounts = accounts
        self._clock = clock
        self._tell = tell
        self._errand = errand
        self._wake = asyncio.Event()
        self._asked = 0
        self._reported = clock.monotonic()
        self._unsaved: AccountChange | None = None
        self._saving = asyncio.Lock()

    async def load(self) -> None:
        """Takes in all open watches of the store. Those never seen are looked at first."""
        async for portion in self._store.open_watches(self.account.name):
            for watch in portion:
                self._admit(watch)
            await asyncio.sleep(0)
        if self.account.condition is not Condition.OK:  # a refusal of before the restart is in force: say so
            self._tell_condition(Condition.OK)

    def admit(self, watch: Watch) -> None:
        """A watch was made or opened: it is looked at first."""
        self._admit(watch)
        self.schedule.first(watch.batch_id)
        self.learner.reopened(watch.batch_id)
        self.learner.recount()
        self.wake()

    def drop(self, batch_id: int) -> None:
        """Nobody follows the batch any more."""
        self.roster.drop(batch_id)
        self.schedule.changed()
        self.learner.recount()
        self.wake()

    def wake(self) -> None:
        """Something changed that may be worth a step now."""
        self._wake.set()

    async def step(self) -> None:
        """Waits until a request is allowed and worth it, then sends one off."""
        self._wake.clear()
        self.last_step = self._clock.now()
        now = self.last_step.timestamp()
        if now - self._told_step >= STEP_NEWS:
            self._told_step = now
            self._tell(Stepped(account=self.account.name, at=self.last_step))
        until = self._held_until(now) or self.schedule.wait_until(now)
        if until is None or until > now:
            await self._clock.wait(self._wake, LONGEST_WAIT if until is None else min(until - now, LONGEST_WAIT))
            return
        if not await self._upstream.token(LONGEST_WAIT):
            return
        asked = self._clock.now()
        now = asked.timestamp()
        if self._held_until(now) is not None:
            return
        choice = self.schedule.choose(now)  # only now: what was best before the token may not be any more
        if choice is not None:
            self.in_flight += 1
            self._asked += 1
            self._errand(self._look_name, self._look(choice, asked))

    def _held_until(self, now: float) -> float | None:
        """Until when nothing may be asked, whatever it is worth; None where something may."""
        if self.in_flight >= room(self.account, self.rates.concurrency):
            return now + LONGEST_WAIT  # an answer wakes us sooner
        if self.account.condition is Condition.PAUSED:
            return now + LONGEST_WAIT
        until = self.account.until
        return until.timestamp() if until is not None and until.timestamp() > now else None

    async def _look(self, choice: Choice, asked: datetime) -> None:
        untouched = False
        try:
            answer = await self._upstream.look(choice.batch_id)
            await self._heed(answer)
            look = look_of(answer)
            if answer.kind is Kind.UNFIT:
                self._tell(
                    SetAside(
                        account=self.account.name,
                        batch_id=choice.batch_id,
                        outcome=answer.outcome,
                        detail=answer.detail,
                    )
                )
            if look is None:
                untouched = True
                self.learner.looked(choice.by, "untouched")
            else:
                await self.learner.take_in(choice, look)
        finally:
            if not untouched:  # also where it failed in a way that no answer tells of: not at once again
                self.roster.attempt(choice.batch_id, asked)
            self.in_flight -= 1
            self.schedule.land(choice, again=untouched)
            self.wake()

    async def _heed(self, answer: Answer) -> None:
        """Takes to heart what the answer means for the account, and has that kept where it must outlive us."""
        before = self.account
        heeded = heed(before, answer, self._clock.draw())
        if heeded.account is before:
            return
        self.account = after = heeded.account
        if after.condition is not before.condition:
            self._tell_condition(before.condition)
        if after.condition is Condition.THROTTLED and after.until is not None and after.until != before.until:
            self._tell(Throttled(account=after.name, until=after.until, again=after.throttles == before.throttles))
        if heeded.events or record_of(after) != record_of(before):
            self._unsaved = _both(self._unsaved, AccountChange(record=record_of(after), events=heeded.events))
            try:
                await self.save_account()
            except StoreError:
                return  # it stays owed: the keeper saves it, and is heard where it cannot

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

    async def save_account(self) -> None:
        """Keeps what must be kept of the account; what could not be is kept the next time."""
        async with self._saving:  # one after another, or an older record might be the last to be written
            change, self._unsaved = self._unsaved, None
            if change is None:
                return
            try:
                committed = await self._accounts.save_account(change)
            except StoreError:
                self._unsaved = _both(change, self._unsaved)
                raise
        for recorded, deliveries in zip(committed.events, committed.deliveries, strict=True):
            self._tell(
                AccountTold(
                    account=self.account.name, type=recorded.type, position=recorded.position, deliveries=deliveries
                )
            )

    def _admit(self, watch: Watch) -> None:
        self.roster.put(_not_from_the_future(watch, self._clock.now()))
        self.schedule.changed()
        if watch.asked is None:
            self.schedule.first(watch.batch_id)

    async def report(self) -> None:
        """Tells how many watches there are, what is owed to them, and what of the budget was used."""
        now, monotonic = self._clock.now().timestamp(), self._clock.monotonic()
        elapsed, self._reported = monotonic - self._reported, monotonic
        asked, self._asked = self._asked, 0
        self._tell(
            BudgetUsed(
                account=self.account.name,
                configured=self.rates.rate,
                effective=self._upstream.effective_rate,
                used=asked / elapsed if elapsed > 0 else 0.0,
            )
        )
        self._tell(
            Tally(
                account=self.account.name,
                by_status=await self.learner.by_status(),
                overdue=self.schedule.overdue(now),
                oldest_look_age=self.schedule.oldest_look_age(now),
                stuck=self.roster.stuck_count(),
                expected_wait=self.schedule.expected_wait(now),
            )
        )

    def last_look(self, batch_id: int) -> LastLook | None:
        """The last look at an open watch."""
        return self.roster.last_look(batch_id)

    def next_look(self, batch_id: int) -> datetime | None:
        """Roughly when the watch will be looked at: when it is worth it, but not before the account may be asked."""
        at = self.schedule.next_look(batch_id, self._clock.now().timestamp())
        if at is None:
            return None
        due = datetime.fromtimestamp(at, UTC)
        return max(due, self.account.until) if self.account.until is not None else due

    def view(self) -> AccountView:
        """The account as it is now."""
        account = self.account
        now = self._clock.now()
        held = account.until is not None and account.until > now
        return AccountView(
            name=account.name,
            condition=account.condition,
            reason=account.reason,
            until=account.until if held else None,
            rate=self.rates.rate,
            effective_rate=self._upstream.effective_rate,
            in_flight=self.in_flight,
            open=len(self.roster),
            overdue=self.schedule.overdue(now.timestamp()),
            last_step=self.last_step,
        )


def _both(older: AccountChange | None, newer: AccountChange | None) -> AccountChange | None:
    """What is still to be saved: the newest record, and the events of both."""
    if older is None or newer is None:
        return newer or older
    return AccountChange(record=newer.record, events=(*older.events, *newer.events))


def _not_from_the_future(watch: Watch, now: datetime) -> Watch:
    """A machine's clock may have been set back since: what was asked, or opened, later than now would keep every look to come
    from counting, or from being worth one."""
    aside = watch.aside_until
    if watch.asked is not None and watch.asked > now:
        watch = replace(watch, asked=now, answered=now)
    if watch.opened > now:
        watch = replace(watch, opened=now)
    return watch if aside is None else replace(watch, aside_until=min(aside, now + ASIDE_MOST))
