"""A hand-written stand-in for the port Submitting: keeps what is handed in, and comes to what the test says."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from watcher.core.submissions import Submission, SubmissionState
from watcher.ports import Store, SubmissionQuery, Submitting, Switched


class FakeSubmitting(Submitting):
    """Everything is kept in the store, and becomes what `becomes` says: nothing, as long as that is empty."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.becomes: dict[str, object] = {}
        self.switched = Switched()
        self.switches: list[tuple[str, int, bool, float]] = []
        self.busy = False
        self.handed_in = asyncio.Event()
        self._over: dict[str, asyncio.Event] = {}
        self._whose: dict[str, str] = {}

    async def submit(self, submission: Submission) -> Submission:
        stored = await self.store.intend(submission)
        self._over.setdefault(stored.id, asyncio.Event())
        self._whose[stored.id] = stored.account
        self.handed_in.set()
        if self.becomes and not stored.over:
            await self.become(stored.id, **self.becomes)
            return await self.submission(stored.account, stored.id) or stored
        return stored

    async def become(self, submission_id: str, **fields: object) -> None:
        """From now on it is so."""
        stored = await self.store.submission(self._whose[submission_id], submission_id)
        assert stored is not None
        changed = await self.store.change_submission(replace(stored, **fields))  # type: ignore[arg-type]
        assert changed is not None
        if changed.over:
            self._over[submission_id].set()

    def over(self, submission: Submission) -> asyncio.Event | None:
        return self._over.get(submission.id)

    async def submission(self, account: str, submission_id: str) -> Submission | None:
        return await self.store.submission(account, submission_id)

    async def submissions(self, query: SubmissionQuery) -> Sequence[Submission]:
        return await self.store.submissions(query)

    async def withdraw(self, account: str, submission_id: str) -> Submission | None:
        if not self.busy:
            stored = await self.store.submission(account, submission_id)
            assert stored is not None
            await self.become(submission_id, state=SubmissionState.WITHDRAWN, settled=stored.created)
        return await self.store.submission(account, submission_id)

    async def switch(self, account: str, batch_id: int, enabled: bool, wait: float) -> Switched:
        self.switches.append((account, batch_id, enabled, wait))
        return self.switched
