"""What is kept of batches on their way to CallFire, and what the interface may ask of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from watcher.core.answers import SwitchAnswer
from watcher.core.model import Batch
from watcher.core.submissions import Submission
from watcher.core.wishes import Followed


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionQuery:
    """Which submissions of an account to list, the newest first: those before the moment and id given; with `open` only those
    that are not settled."""

    account: str
    open: bool = False
    before: tuple[datetime, str] | None = None
    limit: int = 100


class Submissions(Protocol):
    """What is kept of submissions. As with all of the store, a method does all it says, durably, or raises StoreError.

    What is given back has its `request` as long as it is not settled; None where it cannot be read.
    """

    async def intend(self, submission: Submission) -> Submission:
        """Writes down a new one. Where its holder has one with the same idempotency key already, nothing is done, and that one
        is given back, whatever it is for."""
        ...

    async def change_submission(self, submission: Submission) -> Submission | None:
        """What may change of it (kind, state, batch, tries, times, absences, detail) is stored, with the next version; as it is
        now. None, and nothing done, where the stored version is another."""
        ...

    async def accept_submission(self, submission: Submission, now: datetime) -> tuple[Submission, Followed] | None:
        """As `change_submission`, for one that CallFire has; and its batch is followed, in the same transaction."""
        ...

    async def submission(self, account: str, submission_id: str) -> Submission | None:
        """One of the account's: that of another is not read."""
        ...

    async def unsettled(self, account: str) -> list[Submission]:
        """All that something is still to be done about, the oldest first."""
        ...

    async def submissions(self, query: SubmissionQuery) -> list[Submission]:
        """At most `limit` that match, the newest first; without their requests."""
        ...

    async def forget_submissions(self, before: datetime, most: int) -> int:
        """Deletes at most so many that were settled before; how many there were."""
        ...


class Submitting(Protocol):
    """What the interface may ask of submitting. Accounts are checked before; StoreError passes through."""

    async def submit(self, submission: Submission) -> Submission:
        """Writes it down, to be sent as soon as the budget allows. Where its holder asked for one with the same key before, that
        one, and nothing more is sent."""
        ...

    def over(self, submission: Submission) -> asyncio.Event | None:
        """What is set when it is settled; None where it is already."""
        ...

    async def submission(self, account: str, submission_id: str) -> Submission | None:
        """As Submissions.submission."""
        ...

    async def submissions(self, query: SubmissionQuery) -> Sequence[Submission]:
        """As Submissions.submissions."""
        ...

    async def withdraw(self, account: str, submission_id: str) -> Submission | None:
        """Nothing more is done about it. As it then is: settled, or SENDING where its request is under way and cannot be called
        back. None where the account has none of that id."""
        ...

    async def switch(self, account: str, batch_id: int, enabled: bool, wait: float) -> "Switched":
        """Has the batch's contacts be dialled, or not, within so many seconds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Switched:
    """What came of switching a batch: CallFire's answer (None: it was not asked in time), and the batch as it then shows it."""

    answer: SwitchAnswer | None = None
    batch: Batch | None = None
