"""Batches of one account on their way to CallFire: sent once, looked for where the answer was lost, and followed from then on.

What follows from an answer is decided in `watcher.core.submissions`. Here is when to send and when to list, and that everything
is in the store before it is acted on: a crash at any moment leaves a submission that the next start can go on with.
"""

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from watcher.core.account import Condition
from watcher.core.answers import OF_THE_LISTING, Kind, PageAnswer, account_answer, told_by
from watcher.core.model import Batch, BroadcastKind, PageRef
from watcher.core.news import Tell
from watcher.core.parts import Part
from watcher.core.roster import Roster
from watcher.core.searching import LIMIT, Search, taken_in
from watcher.core.submissions import (
    Caution,
    Order,
    Submission,
    SubmissionState,
    accepted,
    after,
    begun,
    doubtful,
    found,
    late,
    list_at,
    list_pause,
    missed,
    refused,
    send_pause,
)
from watcher.core.wishes import Followed
from watcher.polling.cases import Case, Cases, Listing, light, listing_of
from watcher.polling.learning import Learner
from watcher.polling.standing import Standing
from watcher.polling.switching import Switches
from watcher.ports import Clock, Store, StoreError, Upstream

Errand = Callable[[], Coroutine[object, object, None]]
"""One request, and what is done with its answer."""


class _Changed(Exception):
    """The submission is no longer to be sent."""


@dataclass(slots=True, kw_only=True)
class _Hunt:
    """A search through a listing for all submissions that it would show and that are unclear."""

    search: Search
    due: float = 0.0
    failures: int = 0
    flying: bool = False

    @property
    def listing(self) -> Listing:
        """Through which it goes."""
        return self.search.broadcast_id, self.search.kind


class Submitter:
    """Says what is to be asked next, one request at a time. `cases.load` first."""

    def __init__(
        self,
        account: str,
        *,
        standing: Standing,
        roster: Roster,
        learner: Learner,
        upstream: Upstream,
        store: Store,
        caution: Caution,
        followed: Callable[[Followed], None],
        clock: Clock,
        tell: Tell,
        wake: Callable[[], None],
        part: Part,
    ) -> None:
        self.cases = Cases(
            account,
            standing=standing,
            store=store,
            caution=caution,
            followed=followed,
            clock=clock,
            tell=tell,
            wake=wake,
            part=part,
        )
        self.switches = Switches(
            standing=standing, upstream=upstream, roster=roster, learner=learner, clock=clock, wake=wake
        )
        self._standing = standing
        self._upstream = upstream
        self._store = store
        self._caution = caution
        self._clock = clock
        self._hunts: dict[Listing, _Hunt] = {}
        self._listed_last = False  # the last request was for a listing

    def wait_until(self) -> float | None:
        """When there is something to ask, in epoch seconds; None where only news can bring it."""
        if self.switches.wanted:
            return 0.0
        if not (self._hunts or self.cases):
            return None  # as nearly always
        times = [hunt.due for hunt in self._hunts.values() if not hunt.flying]
        times += [at for case in self.cases if (at := self._due(case)) is not None]
        return min(times, default=None)

    def choose(self, now: float) -> Errand | None:
        """The next request, from now on under way; None where there is nothing to ask yet."""
        switch = self.switches.choose()
        if switch is not None:
            return switch
        if not (self._hunts or self.cases):
            return None
        # In turns: a listing may have a thousand pages, and somebody waits for each batch that is to be sent.
        turns = (self._take_up, self._go_on) if self._listed_last else (self._go_on, self._take_up)
        return next((errand for turn in turns if (errand := turn(now)) is not None), None)

    # Which request

    def _go_on(self, now: float) -> Errand | None:
        """The next page of a listing: of that which waits longest."""
        for listing, hunt in self._hunts.items():
            if not hunt.flying and hunt.due <= now:
                hunt.flying = self._listed_last = True
                self._hunts[listing] = self._hunts.pop(listing)
                return partial(self._hunt, hunt)
        return None

    def _take_up(self, now: float) -> Errand | None:
        """What is to be done about the first case that is due."""
        for case in self.cases:
            due = self._due(case)
            if due is None or due > now:
                continue
            self._listed_last = False
            if case.submission.state is SubmissionState.UNCLEAR:
                return self._begin_hunt(case, now)
            case.flying = True
            return partial(self._send, case) if self._may_send(case) else partial(self._probe, case)
        return None

    def _due(self, case: Case) -> float | None:
        """When the case is to be gone on with; None where something else must happen before."""
        submission = case.submission
        if case.flying or case.unsaved is not None or submission.over:
            return None
        if submission.state is SubmissionState.UNCLEAR:
            if listing_of(submission) in self._hunts:
                return None
            return max(list_at(submission, self._caution).timestamp(), case.due)
        if submission.state is SubmissionState.INTENDED:
            return None if late(submission, self._caution, self._clock.now()) else case.due
        return None

    def _may_send(self, case: Case) -> bool:
        """Whether the batch itself may be sent: not before its kind is known, nor to try out whether the account is in order."""
        if case.submission.kind is None:
            return False
        return self._in_order and (case.proven or not self._standing.careful)

    @property
    def _in_order(self) -> bool:
        return self._standing.account.condition in (Condition.OK, Condition.THROTTLED)

    def _begin_hunt(self, case: Case, now: float) -> Errand:
        listing = broadcast_id, kind = listing_of(case.submission)
        search = Search(broadcast_id=broadcast_id, kind=kind, began=self._clock.now())
        hunt = self._hunts[listing] = _Hunt(search=search, due=now, flying=True)
        return partial(self._hunt, hunt)

    # Requests

    async def _probe(self, case: Case) -> None:
        """Asks for a page of the broadcast: that it is there, of which kind, and that the account is in order."""
        submission = case.submission
        kind: BroadcastKind = submission.kind or ("text" if "call" in case.denied else "call")
        try:
            answer = await self._upstream.page(
                PageRef(broadcast_id=submission.broadcast_id, kind=kind, offset=0, limit=LIMIT)
            )
            await self._standing.heed_page(answer)
            await self._probed(case, kind, answer)
        finally:
            case.flying = False

    async def _probed(self, case: Case, kind: BroadcastKind, answer: PageAnswer) -> None:
        told = told_by(answer)
        if answer.page is not None:
            case.failures, case.proven = 0, True
            if case.submission.kind is None:
                await self.cases.keep(case, lambda stored: replace(stored, kind=kind))
        elif answer.kind is Kind.UNAUTHORIZED:
            await self.cases.keep(case, lambda stored: refused(stored, self._clock.now(), told))
        elif answer.kind not in OF_THE_LISTING or answer.retry_after is not None:
            self.cases.later(case)
        elif case.submission.kind is not None:
            case.proven = True  # what it says of the listing is not what it says of a batch
            if not self._in_order:
                self.cases.later(case)
        elif not case.denied:
            case.denied = frozenset({kind})
        else:
            why = f"{told} to the question for its batches: say whether it is a call or a text broadcast"
            await self.cases.keep(case, lambda stored: refused(stored, self._clock.now(), why))

    async def _send(self, case: Case) -> None:
        """Sends the batch. Before anything leaves, the store knows that it does."""
        try:
            began = self._clock.monotonic()
            stored = await self._store.submission(case.submission.account, case.submission.id)
            if stored is None or stored.request is None or stored.kind is None:
                await self.cases.keep(
                    case, lambda it: late(replace(it, request=None), self._caution, self._clock.now())
                )
                return
            order = Order(
                broadcast_id=stored.broadcast_id,
                kind=stored.kind,
                name=stored.name,
                request=stored.request,
                strict=stored.strict,
            )
            if self._clock.monotonic() - began > 1 / self._upstream.effective_rate:
                await self._upstream.token()  # the reading took long: others have gone out meanwhile

            async def leave() -> None:
                changed = await self._store.change_submission(begun(case.submission, self._clock.now()))
                if changed is None:
                    raise _Changed
                case.submission = light(changed)
                self.cases.tell_of(changed)

            answer = await self._upstream.submit(order, leave)
            heard = account_answer(answer)
            if heard is not None:
                await self._standing.heed(heard)
            await self.cases.keep(case, lambda it: after(it, answer))
            if case.submission.state is SubmissionState.INTENDED:
                self.cases.later(case)
            else:
                case.failures, case.due = 0, 0.0
        except _Changed:
            await self.cases.reread(case)
        except StoreError:
            self.cases.later(case)
            raise
        finally:
            case.flying = False

    async def _hunt(self, hunt: _Hunt) -> None:
        """Asks for the next page of a broadcast's listing, and looks for everything on it that is unclear."""
        search = hunt.search
        try:
            answer = await self._upstream.page(search.ref)
            await self._standing.heed_page(answer)
            if answer.page is None:
                hunt.failures += 1
                hunt.due = self._clock.now().timestamp() + send_pause(hunt.failures).total_seconds()
                if answer.kind in OF_THE_LISTING:
                    await self._listed(hunt, f"its list cannot be had: {told_by(answer)}")
                return
            hunt.failures = 0
            await self._look_for(hunt.listing, answer.page.items)
            # Only now: where not all could be written down, the page is asked for again, or some would count as missed.
            hunt.search = taken_in(search, answer.page)
            if hunt.search.over or not self.cases.unclear(hunt.listing):
                await self._listed(hunt, hunt.search.odd)
        finally:
            hunt.flying = False

    async def _look_for(self, listing: Listing, batches: Iterable[Batch]) -> None:
        """Accepts what is on the page."""
        batches = list(batches)
        for case in self.cases.unclear(listing):
            ids = found(case.submission, batches)
            if ids:
                await self.cases.keep(case, partial(_found, ids=ids, now=self._clock.now()))
            elif (other := doubtful(case.submission, batches)) is not None:
                case.doubt = f"batch {other.id} ({other.name or 'without a name'}) may be it: look there yourself"

    async def _listed(self, hunt: _Hunt, odd: str) -> None:
        """The search is over: what it did not show, and would have, counts as missed once more."""
        search, listing = hunt.search, hunt.listing
        del self._hunts[listing]
        now = self._clock.now()
        for case in self.cases.unclear(listing):
            doubt, case.doubt = odd or case.doubt, ""
            if doubt:
                case.due = (now + list_pause(case.failures, self._caution, now - search.began)).timestamp()
                case.failures += 1
                detail = f"whether CallFire has it is not known: {doubt}"
                if case.submission.detail != detail:
                    await self.cases.keep(case, partial(_detailed, detail=detail))
            elif search.proves:
                case.failures, case.due = 0, 0.0
                await self.cases.keep(
                    case, partial(missed, began=search.began, caution=self._caution, now=self._clock.now())
                )


def _found(submission: Submission, *, ids: list[int], now: datetime) -> Submission:
    return accepted(submission, ids[0], now, others=ids[1:])


def _detailed(submission: Submission, *, detail: str) -> Submission:
    return replace(submission, detail=detail)
