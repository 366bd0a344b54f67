"""Per account: a token of the budget, the best choice at that moment, one look, and what its answer means for the account.

A poller chooses one request after another; each look is an errand of its own, so that a slow answer holds nobody up.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Final

from watcher.core.account import Account
from watcher.core.answers import Kind, look_of
from watcher.core.broadcasts import Broadcast
from watcher.core.learnt import LearntHazard
from watcher.core.looks import Looks
from watcher.core.model import State, Unanswered, Watch
from watcher.core.news import BudgetUsed, SetAside, Stepped, Tally, Tell
from watcher.core.parts import Part
from watcher.core.roster import Roster
from watcher.core.schedule import Choice, Pace, PageChoice, Schedule
from watcher.core.submissions import Caution
from watcher.core.transitions import Rules
from watcher.core.usage import Usage
from watcher.core.wishes import Followed
from watcher.polling.admitting import not_from_the_future, told
from watcher.polling.learning import Learner, Moved
from watcher.polling.paging import Paging
from watcher.polling.refreshing import Refreshes
from watcher.polling.standing import LONGEST_WAIT, Rates, Standing
from watcher.polling.submitting import Submitter
from watcher.polling.viewing import Viewed
from watcher.ports import Accounts, Clock, Store, Upstream

SHORTEST_WAIT: Final = 0.001
"""Seconds: timers are not finer, and a clock of microseconds would stand still for less than one."""
SETTLED: Final = 4.0
SETTLED_PER_WATCH: Final = 5e-4
"""Seconds, and seconds for each watch, after which what was learnt of durations is put to use."""
STEP_NEWS: Final = 1.0
"""Seconds: steps are told at most this often, however fast they come."""

Errand = Callable[[str, Coroutine[object, object, None]], None]


class Poller(Viewed):
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
        learnt: LearntHazard | None = None,
        looks: Looks | None = None,
        caution: Caution | None = None,
        part: Part | None = None,
        moved: Moved = lambda _: None,
    ) -> None:
        self.part = part or Part(account.name)
        self.name = f"poller {self.part.share}"
        self.standing = Standing(
            account, rates=rates, upstream=upstream, accounts=accounts, clock=clock, tell=tell, part=self.part
        )
        self.roster = Roster(rules)
        self.schedule = Schedule(self.roster, pace)
        self.learnt = learnt if learnt is not None else LearntHazard(now=clock.now().timestamp())
        self.schedule.hazard = self.learnt.hazard
        self.looks = looks if looks is not None else Looks(clock.now().timestamp())
        self.usage = Usage(clock.now().timestamp())
        self.learner = Learner(
            account.name,
            roster=self.roster,
            rules=rules,
            learnt=self.learnt,
            looks=self.looks,
            usage=self.usage,
            store=store,
            tell=tell,
            part=self.part,
            moved=moved,
        )
        self.paging = Paging(
            account.name,
            roster=self.roster,
            schedule=self.schedule,
            learner=self.learner,
            store=store,
            clock=clock,
            tell=tell,
            part=self.part,
        )
        self.refreshes = Refreshes(self.roster, self.schedule, wake=self.wake)
        self.last_step = clock.now()
        self._look_name = f"look {self.part.share}"
        self._told_step = float("-inf")
        self._upstream = upstream
        self._store = store
        self._clock = clock
        self._tell = tell
        self._errand = errand
        self._wake = asyncio.Event()
        self._asked = 0
        self._settled = float("-inf")
        self._reported = clock.monotonic()
        self._looks_turn = False  # the last request was for what is to be sent
        self.submitter = Submitter(
            account.name,
            standing=self.standing,
            roster=self.roster,
            learner=self.learner,
            upstream=upstream,
            store=store,
            caution=caution or Caution(),
            followed=self.followed,
            clock=clock,
            tell=tell,
            wake=self.wake,
            part=self.part,
        )

    async def load(self) -> None:
        """Takes in all open watches of the store. Those never seen are looked at first."""
        async for opened in self._store.opened(self.account.name):
            for batch_id in self.roster.take_in(self.part.among(opened), self._clock.now()):
                self.schedule.first(batch_id)
            self.schedule.changed()
            await asyncio.sleep(0)
        await self.paging.load()
        await self.submitter.cases.load()
        self.standing.begin()

    def admit(self, watch: Watch) -> None:
        """A watch was made or opened: it is looked at first."""
        self._admit(watch)
        self.schedule.first(watch.batch_id)
        self.learner.reopened(watch.batch_id)
        self.learner.recount()
        self.wake()

    def followed(self, each: Followed) -> None:
        """Somebody wished that a batch be followed: where that changed anything it is looked at, and told."""
        watch, what = each.watch, each.what
        if watch.state is State.OPEN and (what != "known" or watch.batch_id not in self.roster):
            if self.part.has(watch):
                self.admit(watch)
        elif each.told:
            self.roster.remind(watch)  # it may expire at another moment now
        news = told(each)
        if news is not None:
            self._tell(news)

    def take_over(self, watch: Watch) -> None:
        """Another part of the account, which had it until now, found that it is this one's. It was just looked at."""
        self._admit(watch)
        self.wake()

    def drop(self, batch_id: int) -> None:
        """Nobody follows the batch any more, or another part of the account does."""
        self.roster.drop(batch_id)
        self.refreshes.landed((batch_id,), answered=False)
        self.schedule.changed()
        self.learner.recount()
        self.wake()

    def follow_broadcast(self, broadcast: Broadcast) -> None:
        """A broadcast is followed as a whole, from now on or already."""
        self.paging.follow(broadcast)
        self.wake()

    def stop_broadcast(self, broadcast_id: int) -> None:
        """Nobody follows the broadcast as a whole any more; its batches that are followed stay so."""
        self.paging.stop(broadcast_id)
        self.wake()

    async def resume(self) -> None:
        """An operator wants the account to be asked again, and now: where nothing else is due, about what waits longest."""
        await self.standing.resume()
        now = self._clock.now().timestamp()
        until, oldest = self.schedule.wait_until(now), self.schedule.waits_longest(now)
        if oldest is not None and (until is None or until > now):
            self.schedule.first(oldest, "refresh")
        self.wake()

    def account_told(self) -> None:
        """Another part found that the account is refused, or in order again."""
        self._errand(f"account {self.account.name}", self._reread())

    async def _reread(self) -> None:
        await self.standing.reread()
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
            self._tell(Stepped(account=self.account.name, at=self.last_step, part=self.part.told))
        wanted = (at for at in (self.submitter.wait_until(), self.schedule.wait_until(now)) if at is not None)
        until = self.standing.held_until(now) or min(wanted, default=None)
        if until is None or until > now:
            await self._clock.wait(
                self._wake, LONGEST_WAIT if until is None else min(max(until - now, SHORTEST_WAIT), LONGEST_WAIT)
            )
            return
        if not (await self.standing.may_try() and await self._upstream.token(LONGEST_WAIT)):
            return
        asked = self._clock.now()
        now = asked.timestamp()
        if self.standing.held_until(now) is not None:
            return
        # Only now: what was best before the token may not be any more.
        errand = self._next(asked)
        if errand is not None:
            self._asked += 1
            self.standing.sent(now)
            self.usage.sent(now)
            self._errand(self._look_name, errand)

    def _next(self, asked: datetime) -> Coroutine[object, object, None] | None:
        """What is to be sent goes first, but for every second request, where a look is worth it."""
        now = asked.timestamp()
        if not self._looks_turn and (send := self.submitter.choose(now)) is not None:
            self._looks_turn = True
            return self._send(send)
        self._looks_turn = False
        choice = self.schedule.choose(now, careful=self.standing.careful)
        if choice is None:
            return None if (send := self.submitter.choose(now)) is None else self._send(send)
        return self._look(choice, asked) if isinstance(choice, Choice) else self._list(choice, asked)

    async def _send(self, send: Callable[[], Coroutine[object, object, None]]) -> None:
        try:
            await send()
        finally:
            self.standing.landed()
            self.wake()

    async def _look(self, choice: Choice, asked: datetime) -> None:
        untouched, answered = False, False
        self.usage.polled(asked.timestamp())
        try:
            answer = await self._upstream.look(choice.batch_id)
            await self.standing.heed(answer)
            look = look_of(answer)
            if answer.kind is Kind.SEEN:
                self.paging.answered()
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
                self.learner.looked_at(choice.batch_id, answer, choice.by, "untouched")
            else:
                await self.learner.take_in(choice.batch_id, look, choice.by)
                answered = not isinstance(look, Unanswered)
        finally:
            if not untouched:  # also where it failed in a way that no answer tells of: not at once again
                self.roster.attempt(choice.batch_id, asked)
            self.standing.landed()
            self.schedule.land(choice, again=untouched, failed=not answered)
            self.refreshes.landed(choice.batch_ids, answered=answered)
            self.wake()

    async def _list(self, choice: PageChoice, asked: datetime) -> None:
        untouched = False
        self.usage.polled(asked.timestamp())
        try:
            answer = await self._upstream.page(choice.ref)
            if await self.standing.heed_page(answer):
                untouched = True
                self.learner.looked("page", "untouched")
            else:
                untouched = not await self.paging.take_in(choice, answer)
        finally:
            if not untouched:  # also where it failed in a way that no answer tells of: not at once again
                self.schedule.listings.attempt(choice.page, asked.timestamp())
            self.standing.landed()
            self.schedule.land(choice, again=untouched)
            self.refreshes.shown(answered=not untouched)
            self.wake()

    def _admit(self, watch: Watch) -> None:
        self.roster.put(not_from_the_future(watch, self._clock.now()))
        self.schedule.changed()
        if watch.asked is None:
            self.schedule.first(watch.batch_id)

    async def save_learnt(self) -> None:
        """Keeps what was learnt of durations."""
        await self.learner.save_learnt(self._clock.now())

    def _settle(self, now: float) -> None:
        """Has the schedule go by what was learnt meanwhile: with many watches less often, as all are reckoned anew."""
        if not 0 <= now - self._settled < max(SETTLED, SETTLED_PER_WATCH * len(self.roster)):
            self._settled = now
            self.learnt.settle(now)
            if self.schedule.hazard is not self.learnt.hazard:
                self.schedule.hazard = self.learnt.hazard
                self.schedule.changed()

    async def report(self) -> None:
        """Tells how many watches there are, what is owed to them, and what of the budget was used."""
        await self.submitter.cases.tidy()
        now, monotonic = self._clock.now().timestamp(), self._clock.monotonic()
        self._settle(now)
        elapsed, self._reported = monotonic - self._reported, monotonic
        asked, self._asked = self._asked, 0
        self._tell(
            BudgetUsed(
                account=self.account.name,
                configured=self.standing.rates.rate,
                effective=self._upstream.effective_rate,
                used=asked / elapsed if elapsed > 0 else 0.0,
                part=self.part.told,
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
                part=self.part.told,
            )
        )
