"""The part of the fake store that keeps batches on their way to CallFire, in memory."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from tests.fake_endpoints import FakeEndpoints
from tests.fakes import FakeClock
from watcher.core.endpoint import Endpoint
from watcher.core.model import Key, Watch
from watcher.core.submissions import Submission, wish_of
from watcher.core.wishes import Followed
from watcher.ports import SubmissionQuery
from watcher.store.wishes import grant


class FakeSubmissions(FakeEndpoints):
    """The port Submissions in memory."""

    watches: dict[Key, Watch]

    def __init__(self, clock: FakeClock, endpoints: Sequence[Endpoint] = ()) -> None:
        super().__init__(clock, endpoints)
        self.kept_submissions: dict[str, Submission] = {}

    async def intend(self, submission: Submission) -> Submission:
        await self._do("intend")
        kept = self.kept_submissions
        for each in kept.values():
            if submission.idempotency_key is not None and (each.holder, each.idempotency_key) == (
                submission.holder,
                submission.idempotency_key,
            ):
                return each
        kept[submission.id] = submission
        await self._answer("intend")
        return submission

    async def change_submission(self, submission: Submission) -> Submission | None:
        await self._do("change_submission")
        changed = self._swap(submission)
        await self._answer("change_submission")
        return changed

    async def accept_submission(self, submission: Submission, now: datetime) -> tuple[Submission, Followed] | None:
        await self._do("accept_submission")
        changed = self._swap(submission)
        if changed is None:
            return None
        wish = wish_of(submission)
        followed = grant(self.watches.get(wish.key), wish, now)
        self.watches[wish.key] = followed.watch
        await self._answer("accept_submission")
        return changed, followed

    async def submission(self, account: str, submission_id: str) -> Submission | None:
        await self._do("submission")
        found = self.kept_submissions.get(submission_id)
        return found if found is not None and found.account == account else None

    async def unsettled(self, account: str) -> list[Submission]:
        await self._do("unsettled")
        found = [each for each in self.kept_submissions.values() if each.account == account and each.settled is None]
        return sorted(found, key=_place)

    async def submissions(self, query: SubmissionQuery) -> list[Submission]:
        await self._do("submissions")
        found = [
            replace(each, request=None)
            for each in self.kept_submissions.values()
            if each.account == query.account
            and not (query.open and each.settled is not None)
            and (query.before is None or _place(each) < query.before)
        ]
        return sorted(found, key=_place, reverse=True)[: query.limit]

    async def forget_submissions(self, before: datetime, most: int) -> int:
        await self._do("forget_submissions")
        kept = self.kept_submissions
        old = sorted((each.settled, each.id) for each in kept.values() if each.settled and each.settled < before)
        for _, submission_id in old[:most]:
            del kept[submission_id]
        return len(old[:most])

    def _swap(self, submission: Submission) -> Submission | None:
        kept = self.kept_submissions
        stored = kept.get(submission.id)
        if stored is None or stored.version != submission.version:
            return None
        changed = replace(
            stored,
            kind=submission.kind,
            state=submission.state,
            version=submission.version + 1,
            batch_id=submission.batch_id,
            tries=submission.tries,
            sent=submission.sent,
            ended=submission.ended,
            absences=submission.absences,
            settled=submission.settled,
            detail=submission.detail,
            request=stored.request if submission.settled is None else None,
        )
        kept[submission.id] = changed
        return changed


def _place(submission: Submission) -> tuple[datetime, str]:
    return submission.created, submission.id
