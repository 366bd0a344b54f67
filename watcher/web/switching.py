"""`/v1/accounts/{account}/batches/{batch_id}/enabled`: have a batch's contacts be called or texted, or not."""

from typing import Final

from aiohttp import web

from watcher.core.model import Key
from watcher.ports import Following, Submitting, Switched
from watcher.web.bodies import read_object
from watcher.web.operations import Operation, gives
from watcher.web.paths import key_of
from watcher.web.preferring import applied, preferred_wait
from watcher.web.problems import Problem, cut
from watcher.web.shown import answer
from watcher.web.submission_models import BatchShown, EnabledBody
from watcher.web.visible import accounts_of

WAIT: Final = 20.0
"""Seconds that a client waits where it does not say how long: CallFire is told, and then asked."""
RETRY_AFTER: Final = 5


class Switching:
    """The handler that switches batches."""

    def __init__(self, *, submitting: Submitting, following: Following) -> None:
        self._submitting = submitting
        self._following = following

    def operations(self) -> list[Operation]:
        return [
            Operation(
                method="PUT",
                path="/v1/accounts/{account}/batches/{batch_id}/enabled",
                handler=self.switch,
                scope="submit",
                tag="submissions",
                body=EnabledBody,
                headers=("Prefer",),
                gives=gives(BatchShown),
                problems=("unknown-account", "bad-batch-id", "unknown-batch", "callfire-refuses", "callfire-silent"),
            )
        ]

    async def switch(self, request: web.Request) -> web.Response:
        """Has the batch's contacts be dialled or texted, or not: the batch as CallFire then shows it. Waits 20 seconds for that,
        or what `Prefer: wait` says."""
        key = key_of(request, accounts_of(request, self._following))
        body = await read_object(request, EnabledBody)
        wait = preferred_wait(request)
        switched = await self._submitting.switch(
            key.account, key.batch_id, body.enabled, WAIT if wait is None else wait
        )
        return answer(_shown(key, body.enabled, switched), headers=applied(wait))


def _shown(key: Key, enabled: bool, switched: Switched) -> BatchShown:
    """The batch as CallFire shows it, or the Problem that says why it was not switched."""
    told, batch = switched.answer, switched.batch
    if told is not None and not told.done and told.outcome in ("404", "410"):
        raise Problem(404, "unknown-batch", f"CallFire has no batch {key.batch_id} in account {key.account!r}.")
    if told is not None and not told.done and told.outcome.isdigit() and 400 <= int(told.outcome) < 500:
        raise Problem(422, "callfire-refuses", f"CallFire answered {told.outcome}: {cut(told.detail or 'no more')}.")
    if batch is None or (batch.enabled is not None and batch.enabled is not enabled):
        done = told is not None and told.done
        detail = "It was told, but does not show it yet" if done else "Whether it heard is not certain"
        raise Problem(
            503,
            "callfire-silent",
            f"{detail}. Sending this again does no harm.",
            headers={"Retry-After": str(RETRY_AFTER)},
        )
    return BatchShown(
        account=key.account,
        batch_id=batch.id,
        broadcast_id=batch.broadcast_id,
        name=batch.name,
        status=batch.status,
        size=batch.size,
        remaining=batch.remaining,
        enabled=batch.enabled,
    )
