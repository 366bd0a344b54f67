"""Where batches are handed in, for all accounts together, whoever polls them."""

import asyncio
from collections.abc import Sequence
from typing import Final

from watcher.core.model import Key
from watcher.core.submissions import Submission
from watcher.polling.answering import SWITCHED
from watcher.polling.following import Polling
from watcher.polling.questions import WITHIN
from watcher.ports import NotAnswered, Store, SubmissionQuery, Switched

UNANSWERED: Final = Switched()
"""What came of switching where whoever polls the account did not say: CallFire was not asked in time, as far as is known."""


class Desk:
    """Implements the port `Submitting`."""

    def __init__(self, polling: Polling, *, store: Store) -> None:
        self._polling = polling
        self._store = store

    async def submit(self, submission: Submission) -> Submission:
        poller = self._polling.places.owner(submission.account, submission.broadcast_id)
        if poller is not None:
            return await poller.submitter.cases.submit(submission)
        return await self._store.intend(submission)

    def over(self, submission: Submission) -> asyncio.Event | None:
        poller = self._polling.places.owner(submission.account, submission.broadcast_id)
        if poller is not None:
            return poller.submitter.cases.over(submission.id)
        if submission.over or submission.account not in self._polling.accounts:
            return None
        return self._polling.over_elsewhere(submission.id)

    async def submission(self, account: str, submission_id: str) -> Submission | None:
        return await self._store.submission(account, submission_id)

    async def submissions(self, query: SubmissionQuery) -> Sequence[Submission]:
        return await self._store.submissions(query)

    async def withdraw(self, account: str, submission_id: str) -> Submission | None:
        submission = await self._store.submission(account, submission_id)
        if submission is None or submission.over or account not in self._polling.accounts:
            return submission
        poller = self._polling.places.owner(account, submission.broadcast_id)
        if poller is not None:
            await poller.submitter.cases.withdraw(submission_id)
        else:
            share = self._polling.places.share(account, submission.broadcast_id)
            await self._polling.questions.ask("withdraw", share, id=submission_id)
        return await self._store.submission(account, submission_id)

    async def switch(self, account: str, batch_id: int, enabled: bool, wait: float) -> Switched:
        share = await self._polling.share_of(Key(account, batch_id))
        poller = self._polling.pollers.get(share)
        if poller is not None:
            return await poller.submitter.switches.switch(batch_id, enabled, wait)
        asked = {"id": batch_id, "enabled": enabled, "wait": wait}
        try:
            return SWITCHED.validate_python(
                await self._polling.questions.ask("switch", share, within=wait + WITHIN, **asked)
            )
        except NotAnswered:
            return UNANSWERED
