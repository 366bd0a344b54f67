"""The submissions of one account that are not settled: what becomes of each is stored before anything else is done about it.

A crash at any moment leaves a submission that the next start can go on with.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from watcher.core.account import Condition
from watcher.core.model import BroadcastKind
from watcher.core.news import Submitted, Tell
from watcher.core.parts import Part
from watcher.core.submissions import (
    Caution,
    Submission,
    SubmissionState,
    late,
    recalled,
    refused,
    send_pause,
    withdrawn,
)
from watcher.core.wishes import Followed
from watcher.polling.standing import Standing
from watcher.ports import Clock, Store, StoreError

TRIES: Final = 5
"""How often a change is tried again where the stored submission is another than was thought."""
KEPT: Final = timedelta(days=30)
"""How long what became of a submission can be read."""
FORGET: Final = timedelta(hours=1)
MOST: Final = 500
"""How often, and how many at once of those that are older are deleted."""

Listing = tuple[int, BroadcastKind]
"""A broadcast and its kind: where CallFire shows its batches."""
Step = Callable[[Submission], Submission | None]
"""What becomes of a submission; None where nothing does."""


@dataclass(slots=True, kw_only=True)
class Case:
    """A submission that is not settled: when it may be gone on with (epoch seconds), how often in a row nothing came of it, and
    what could not be stored yet. Its `request` stays in the store: only whether there is one is known here."""

    submission: Submission
    due: float = 0.0
    failures: int = 0
    flying: bool = False
    proven: bool = False  # CallFire answered about its broadcast
    denied: frozenset[BroadcastKind] = frozenset()
    doubt: str = ""
    unsaved: Step | None = None
    saving: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Cases:
    """All of them, by their ids. `load` first."""

    def __init__(
        self,
        account: str,
        *,
        standing: Standing,
        store: Store,
        caution: Caution,
        followed: Callable[[Followed], None],
        clock: Clock,
        tell: Tell,
        wake: Callable[[], None],
        part: Part,
    ) -> None:
        self._account = account
        self._part = part
        self._standing = standing
        self._store = store
        self._caution = caution
        self._followed = followed
        self._clock = clock
        self._tell = tell
        self._wake = wake
        self._cases: dict[str, Case] = {}
        self._forgot: datetime | None = None

    def __iter__(self) -> Iterator[Case]:
        return iter(list(self._cases.values()))

    def __len__(self) -> int:
        return len(self._cases)

    async def load(self) -> None:
        """Takes in what is not settled. What was under way when the process ended is looked for before anything is sent."""
        for submission in await self._store.unsettled(self._account):
            if not self._part.lists(submission.broadcast_id):
                continue
            await self.keep(self.put(submission), lambda stored: recalled(stored, self._clock.now()))

    async def submit(self, submission: Submission) -> Submission:
        """Writes it down, to be sent as soon as the budget allows. Where it was asked for before, that one."""
        stored = await self._store.intend(submission)
        if stored.id != submission.id:
            return stored
        case = self.put(stored)
        self.tell_of(stored)
        return await self._begin(case)

    async def take_up(self, submission_id: str) -> None:
        """Another replica wrote it down, or changed it."""
        case = self._cases.get(submission_id)
        if case is not None:
            if not case.flying and case.unsaved is None:
                await self.reread(case)
            return
        stored = await self._store.submission(self._account, submission_id)
        if stored is None or stored.over or not self._part.lists(stored.broadcast_id):
            return
        if submission_id not in self._cases:
            await self._begin(self.put(stored))

    async def _begin(self, case: Case) -> Submission:
        """It is to be sent; as it then is."""
        account = self._standing.account
        if account.condition is Condition.REFUSED:  # it would wait for hours, and whoever asked would not know
            why = f"the account's login is refused ({account.reason})"
            with suppress(StoreError):  # it is written down: whoever asked must not take it for undone, and ask again
                await self.keep(case, lambda it: refused(it, self._clock.now(), why))
        self._wake()
        return case.submission

    def over(self, submission_id: str) -> asyncio.Event | None:
        """What is set when the submission is settled; None where it is already."""
        case = self._cases.get(submission_id)
        return None if case is None else case.over

    async def withdraw(self, submission_id: str) -> bool:
        """Nothing more is done about it; False where its request is under way, what came of it is still to be stored, or it is
        settled already."""
        case = self._cases.get(submission_id)
        if case is None or case.flying or case.unsaved is not None or case.submission.state is SubmissionState.SENDING:
            return False
        await self.keep(case, lambda stored: withdrawn(stored, self._clock.now()))
        return True

    async def tidy(self) -> None:
        """Stores what could not be stored before, ends what can no longer be sent, and forgets what is long over."""
        now = self._clock.now()
        for case in self:
            if case.flying or case.saving:
                continue
            if case.unsaved is not None:
                with suppress(StoreError):
                    await self.keep(case, case.unsaved)
            elif case.submission.state is SubmissionState.SENDING:  # what was done with its request failed in between
                await self.keep(case, lambda stored: recalled(stored, self._clock.now()))
            elif late(case.submission, self._caution, now) is not None:
                await self.keep(case, lambda stored: late(stored, self._caution, self._clock.now()))
        if self._forgot is None or now - self._forgot >= FORGET:
            self._forgot = now
            await self._store.forget_submissions(now - KEPT, MOST)

    def put(self, submission: Submission) -> Case:
        """Another one, about which something is to be done."""
        case = self._cases[submission.id] = Case(submission=light(submission))
        return case

    def unclear(self, listing: Listing) -> list[Case]:
        """The cases that are looked for there."""
        return [
            case
            for case in self._cases.values()
            if listing_of(case.submission) == listing
            and case.submission.state is SubmissionState.UNCLEAR
            and case.unsaved is None
        ]

    def later(self, case: Case) -> None:
        """Nothing came of it: not at once again."""
        case.due = self._clock.now().timestamp() + send_pause(case.failures).total_seconds()
        case.failures += 1

    async def keep(self, case: Case, step: Step) -> None:
        """Stores what becomes of the submission, whatever became of it meanwhile. What cannot be stored now is so later: nothing
        else is done about it before."""
        case.unsaved, case.saving = step, True
        try:
            kept = await self._keep(case.submission, step)
        finally:
            case.saving = False
        case.unsaved = None
        before, case.submission = case.submission.state, light(kept)
        if kept.state is not before or kept.over:
            self.tell_of(kept)
        if kept.over:
            self._cases.pop(kept.id, None)
            case.over.set()
        self._wake()

    async def reread(self, case: Case) -> None:
        """Goes by what is stored, which is otherwise than was thought."""
        there = await self._store.submission(self._account, case.submission.id)
        if there is not None:
            case.submission = light(there)
        if there is None or there.over:
            self._cases.pop(case.submission.id, None)
            case.over.set()

    async def _keep(self, submission: Submission, step: Step) -> Submission:
        """The submission as it then is in the store."""
        for _ in range(TRIES):
            changed = None if submission.over else step(submission)
            if changed is None or changed == submission:
                break
            stored = await self._swap(changed)
            if stored is not None:
                return stored
            there = await self._store.submission(self._account, submission.id)
            if there is None:  # nobody deletes what is not settled
                return withdrawn(submission, self._clock.now())
            submission = there
        return submission

    async def _swap(self, changed: Submission) -> Submission | None:
        if changed.state is not SubmissionState.ACCEPTED:
            return await self._store.change_submission(changed)
        outcome = await self._store.accept_submission(changed, self._clock.now())
        if outcome is None:
            return None
        stored, followed = outcome
        self._followed(followed)
        return stored

    def tell_of(self, submission: Submission) -> None:
        """Tells how it stands."""
        self._tell(
            Submitted(
                account=self._account,
                broadcast_id=submission.broadcast_id,
                submission=submission.id,
                state=submission.state,
                batch_id=submission.batch_id,
                tries=submission.tries,
                detail=submission.detail,
            )
        )


def listing_of(submission: Submission) -> Listing:
    """Where it is looked for."""
    return submission.broadcast_id, submission.kind or "call"


def light(submission: Submission) -> Submission:
    """Without what is to be sent, which may be megabytes; that there is something is left to be seen."""
    return replace(submission, request=None if submission.request is None else b"")
