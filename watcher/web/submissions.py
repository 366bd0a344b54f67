"""`/v1/accounts/{account}/broadcasts/{broadcast_id}/batches`: send a batch to CallFire, once; `…/submissions`: what became of
it."""

import asyncio
import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web
from pydantic import ValidationError

from watcher.core.recipients import FAULTS_MOST, faults_of, tidied
from watcher.core.submissions import TAG, Submission, SubmissionState, tagged
from watcher.ports import Clock, Following, StoreError, SubmissionQuery, Submitting
from watcher.web.bodies import BadJson, parse, read_body, read_query
from watcher.web.cursors import next_link, portion, read_cursor
from watcher.web.once import HEADER, key_of
from watcher.web.operations import JSON, Operation, gives
from watcher.web.paths import account_of, broadcast_id_of
from watcher.web.preferring import applied, preferred_wait
from watcher.web.problems import Problem, cut, places, summary
from watcher.web.shown import answer
from watcher.web.submission_models import (
    SubmissionPage,
    SubmissionShown,
    SubmissionsParams,
    SubmitBody,
)
from watcher.web.visible import accounts_of, grant
from watcher.web.waiting import Waiters

WAIT: Final = 20.0
"""Seconds that a client waits for CallFire's answer where it does not say how long."""
SIGNS: Final = "0123456789abcdefghjkmnpqrstvwxyz"
"""Of a tag: 32, without those that are mistaken for others."""


def new_tag() -> str:
    """A tag that nobody else has."""
    return "".join(secrets.choice(SIGNS) for _ in range(TAG))


class Submissions:
    """The handlers that have to do with what is sent to CallFire."""

    def __init__(
        self,
        *,
        submitting: Submitting,
        following: Following,
        waiters: Waiters,
        clock: Clock,
        tag: Callable[[], str] = new_tag,
    ) -> None:
        self._submitting = submitting
        self._following = following
        self._waiters = waiters
        self._clock = clock
        self._tag = tag

    def operations(self) -> list[Operation]:
        one = "/v1/accounts/{account}/submissions/{submission_id}"
        return [
            Operation(
                method="POST",
                path="/v1/accounts/{account}/broadcasts/{broadcast_id}/batches",
                handler=self.submit,
                scope="submit",
                tag="submissions",
                body=SubmitBody,
                headers=("Prefer", HEADER),
                gives={status: gives(SubmissionShown)[200] for status in (201, 202)},
                problems=(
                    "unknown-account",
                    "bad-broadcast-id",
                    "bad-idempotency-key",
                    "idempotency-key-reused",
                    "submission-refused",
                ),
                keeps_own_key=True,
            ),
            Operation(
                method="GET",
                path="/v1/accounts/{account}/submissions",
                handler=self.list,
                scope="read",
                tag="submissions",
                query=SubmissionsParams,
                gives=gives(SubmissionPage),
                problems=("unknown-account", "bad-cursor"),
            ),
            Operation(
                method="GET",
                path=one,
                handler=self.read,
                scope="read",
                tag="submissions",
                headers=("If-None-Match",),
                gives=gives(SubmissionShown),
                problems=("unknown-account", "unknown-submission"),
            ),
            Operation(
                method="DELETE",
                path=one,
                handler=self.withdraw,
                scope="submit",
                tag="submissions",
                gives=gives(SubmissionShown),
                headers=("If-Match",),
                problems=("unknown-account", "unknown-submission", "not-to-be-withdrawn", "precondition-failed"),
            ),
        ]

    async def submit(self, request: web.Request) -> web.Response:
        """Sends a batch to CallFire, once, and follows it: 201 where CallFire has it; 202 where that is not certain yet, after
        20 seconds or what `Prefer: wait` says. It then goes on by itself, and `Location` tells how it stands. After a lost
        answer the broadcast is searched for the batch before anything is said or sent.

        With an `Idempotency-Key`, which is advised, the same request sent again is about the same batch, for 30 days and over
        restarts; without one, each request is a new batch."""
        account, broadcast_id = self._account(request), broadcast_id_of(request)
        key = key_of(request) if HEADER in request.headers else None
        body = await _read(request)
        holder = grant(request).holder
        submission = await asyncio.to_thread(self._submission, account, broadcast_id, body, key, holder)
        stored = await self._submitting.submit(submission)
        if stored.fingerprint != submission.fingerprint:
            raise Problem(
                422,
                "idempotency-key-reused",
                f"{HEADER} {key!r} stands for submission {stored.id}, which is another one. Take a new key for a new batch.",
            )
        wait = preferred_wait(request)
        stored = await self._settled(request, stored, WAIT if wait is None else wait)
        if stored.over and stored.state is not SubmissionState.ACCEPTED:
            shown = submission_shown(stored).model_dump(mode="json")
            raise Problem(422, "submission-refused", f"{cut(stored.detail)}.", submission=shown)
        return answer(
            submission_shown(stored),
            status=201 if stored.over else 202,
            headers={"Location": f"/v1/accounts/{account}/submissions/{stored.id}", **applied(wait)},
        )

    async def list(self, request: web.Request) -> web.Response:
        """What was sent to CallFire, and is to be, the newest first; 30 days back."""
        account = self._account(request)
        params = read_query(request, SubmissionsParams)
        filters = {"account": account, "settled": params.settled}
        query = SubmissionQuery(
            account=account,
            open=params.settled is not None,
            before=None if params.cursor is None else read_cursor(params.cursor, _place, filters),
            limit=params.limit + 1,
        )
        found = await self._submitting.submissions(query)
        page, cursor = portion(found, params.limit, lambda each: [each.created.timestamp(), each.id], filters)
        items = [submission_shown(each) for each in page]
        return answer(SubmissionPage(items=items, next=cursor), headers=next_link(request, cursor))

    async def read(self, request: web.Request) -> web.Response:
        """How a batch stands that was sent to CallFire, or is to be."""
        return answer(submission_shown(await self._there(request)))

    async def withdraw(self, request: web.Request) -> web.Response:
        """Has nothing more done about a batch: what was not sent yet is not, and what is looked for is not any more, nor sent
        again. What CallFire has stays there."""
        there = await self._there(request)
        submission = there if there.over else await self._submitting.withdraw(there.account, there.id) or there
        if submission.state is not SubmissionState.WITHDRAWN:
            under_way = "" if submission.over else ": a request is under way. Ask again in a moment"
            raise Problem(409, "not-to-be-withdrawn", f"It is {submission.state}{under_way}.")
        return answer(submission_shown(submission))

    async def _settled(self, request: web.Request, submission: Submission, wait: float) -> Submission:
        """The submission when it is settled, or when the time is over. Whatever happens here, it is written down: an answer that
        nothing was done would have it sent once more."""
        if submission.over:
            return submission
        over = self._submitting.over(submission)
        try:
            if over is not None:
                with self._waiters.waiting(grant(request), None, over) as waiter:
                    await waiter.woken(request, self._clock.monotonic() + wait)
            return await self._submitting.submission(submission.account, submission.id) or submission
        except (StoreError, Problem):  # the latter where too many wait
            return submission

    async def _there(self, request: web.Request) -> Submission:
        account, submission_id = self._account(request), request.match_info["submission_id"]
        submission = await self._submitting.submission(account, submission_id)
        if submission is None:
            raise Problem(
                404,
                "unknown-submission",
                f"Account {account!r} has no submission {cut(submission_id)!r}, or not any more.",
            )
        return submission

    def _account(self, request: web.Request) -> str:
        return account_of(request, accounts_of(request, self._following))

    def _submission(
        self, account: str, broadcast_id: int, body: SubmitBody, key: str | None, holder: str
    ) -> Submission:
        content = json.dumps(_content(body), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        about = body.model_dump(mode="json", exclude={"recipients"}) | {
            "account": account,
            "broadcast_id": broadcast_id,
        }
        tag = self._tag()
        return Submission(
            id=f"sub_{tag}",
            account=account,
            broadcast_id=broadcast_id,
            name=tagged(body.name, tag),
            request=content,
            created=self._clock.now(),
            holder=holder,
            kind=body.kind,
            strict=body.strict_validation,
            recipients=None if body.recipients is None else len(body.recipients),
            labels=body.labels or {},
            correlation_id=body.correlation_id,
            expires_in=body.expires_in,
            idempotency_key=key,
            fingerprint=hashlib.sha256(json.dumps(about, sort_keys=True).encode() + content).digest(),
        )


def submission_shown(submission: Submission) -> SubmissionShown:
    """The submission as it is shown: without whom it is for."""
    return SubmissionShown(
        id=submission.id,
        account=submission.account,
        broadcast_id=submission.broadcast_id,
        kind=submission.kind,
        name=submission.name,
        state=submission.state.value,
        batch_id=submission.batch_id,
        recipients=submission.recipients,
        tries=submission.tries,
        created=submission.created,
        sent=submission.sent,
        settled=submission.settled,
        labels=submission.labels,
        correlation_id=submission.correlation_id,
        detail=submission.detail,
    )


async def _read(request: web.Request) -> SubmitBody:
    """The body, or the Problem with everything that is wrong with it: shapes, numbers, duplicates."""
    body = await read_body(request)
    if request.content_type != JSON:
        raise Problem(415, "bad-media-type", f"The Content-Type must be {JSON}.", headers={"Accept": JSON})
    return await asyncio.to_thread(_checked, body)  # a hundred thousand recipients take two seconds: others have turns


def _checked(body: bytes) -> SubmitBody:
    """Raises the Problem. Takes about 20 microseconds for each recipient."""
    try:
        document = parse(body)
    except BadJson as error:
        raise Problem(400, "bad-json", str(error)) from None
    errors, read = [], None
    try:
        read = SubmitBody.model_validate(document)
    except ValidationError as error:
        errors += places(error)
    errors += _faults(document if isinstance(document, dict) else {})
    if errors or read is None:
        told = summary(errors)
        more = (
            [{"pointer": "", "message": f"and {len(errors) - FAULTS_MOST} more"}] if len(errors) > FAULTS_MOST else []
        )
        raise Problem(422, "bad-body", told, errors=[*errors[:FAULTS_MOST], *more])
    return read


def _faults(document: Mapping[str, Any]) -> list[dict[str, str]]:
    """What is wrong beyond the shapes."""
    errors: list[dict[str, str]] = []
    recipients = document.get("recipients")
    if (recipients is None) == (document.get("contact_list_id") is None):
        errors.append({"pointer": "", "message": "Give either recipients or contact_list_id"})
    if isinstance(recipients, list):
        for fault in faults_of(recipients, scrub_duplicates=document.get("scrub_duplicates") is True):
            pointer = f"/recipients/{fault.row}" + (f"/{fault.key}" if fault.key else "")
            errors.append({"pointer": pointer, "message": fault.message[:1].upper() + fault.message[1:]})
    return errors


def _content(body: SubmitBody) -> dict[str, Any]:
    """What is to be sent, its numbers tidied."""
    recipients = None
    if body.recipients is not None:
        recipients = [each.model_dump(exclude_none=True) for each in body.recipients]
        for each in recipients:
            if "phone_number" in each:
                each["phone_number"] = tidied(each["phone_number"])
    return {
        "recipients": recipients,
        "contact_list_id": body.contact_list_id,
        "scrub_duplicates": body.scrub_duplicates,
    }


def _place(place: Any) -> tuple[datetime, str]:
    """Where a list goes on; ValueError or TypeError where that is none."""
    created, submission_id = place
    if not isinstance(submission_id, str):
        raise TypeError
    submission_id.encode()  # half a surrogate pair is no id
    try:
        return datetime.fromtimestamp(float(created), UTC), submission_id
    except (OverflowError, OSError):
        raise ValueError from None
