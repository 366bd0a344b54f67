"""Where batches are handed in, for all accounts together."""

import asyncio
from collections.abc import Sequence

from watcher.core.submissions import Submission
from watcher.polling.following import Polling
from watcher.ports import Store, SubmissionQuery, Switched


class Desk:
    """Implements the port `Submitting`."""

    def __init__(self, polling: Polling, *, store: Store) -> None:
        self._polling = polling
        self._store = store

    async def submit(self, submission: Submission) -> Submission:
        return await self._polling.pollers[submission.account].submitter.cases.submit(submission)

    def over(self, submission: Submission) -> asyncio.Event | None:
        poller = self._polling.pollers.get(submission.account)
        return None if poller is None else poller.submitter.cases.over(submission.id)

    async def submission(self, account: str, submission_id: str) -> Submission | None:
        return await self._store.submission(account, submission_id)

    async def submissions(self, query: SubmissionQuery) -> Sequence[Submission]:
        return await self._store.submissions(query)

    async def withdraw(self, account: str, submission_id: str) -> Submission | None:
        submission = await self._store.submission(account, submission_id)
        if submission is None or submission.over or account not in self._polling.pollers:
            return submission
        await self._polling.pollers[account].submitter.cases.withdraw(submission_id)
        return await self._store.submission(account, submission_id)

    async def switch(self, account: str, batch_id: int, enabled: bool, wait: float) -> Switched:
        return await self._polling.pollers[account].submitter.switches.switch(batch_id, enabled, wait)
