"""`/v1/accounts/{account}/batches/{batch_id}`: follow a batch, read its watch, change what it is known by, look now, stop."""

import asyncio
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from watcher.core.model import Key, State, Watch
from watcher.ports import UNSET, Clock, Following, Store, Unset, Wish
from watcher.web.bodies import PATCHES, read_object
from watcher.web.conditional import READING, has_tag, known_tag
from watcher.web.models import FollowBody, Taken, WatchDetails
from watcher.web.operations import Operation, gives
from watcher.web.paths import key_of
from watcher.web.preferring import applied, preferred_wait
from watcher.web.problems import Problem
from watcher.web.shown import answer
from watcher.web.visible import accounts_of, grant, require_standing
from watcher.web.waiting import Waiters
from watcher.web.watch_models import MarksPatch
from watcher.web.watch_shown import kept_watch, not_followed, not_open, watch_details, watch_tag

LOOK_WAIT: Final = 10.0
"""Seconds that a refresh waits for its look where the client does not say."""
LABELS_MOST: Final = 50
UNANSWERING: Final = frozenset({"refused", "paused", "unpolled"})
"""Conditions of an account in which no look comes soon."""


class Watches:
    """The handlers that have to do with one watch."""

    def __init__(self, *, store: Store, following: Following, waiters: Waiters, clock: Clock) -> None:
        self._store = store
        self._following = following
        self._waiters = waiters
        self._clock = clock

    def operations(self) -> list[Operation]:
        one = "/v1/accounts/{account}/batches/{batch_id}"
        where = ("unknown-account", "bad-batch-id")
        return [
            Operation(
                method="PUT",
                path=one,
                handler=self.follow,
                scope="write",
                tag="watches",
                body=FollowBody,
                headers=("If-Match", "If-None-Match"),
                gives=gives(WatchDetails, also={201: WatchDetails}),
                problems=(*where, "precondition-failed"),
            ),
            Operation(
                method="GET",
                path=one,
                handler=self.read,
                scope="read",
                tag="watches",
                headers=("If-None-Match", "Prefer"),
                gives=gives(WatchDetails),
                problems=(*where, "not-followed", "too-many-waiting"),
            ),
            Operation(
                method="PATCH",
                path=one,
                handler=self.change,
                scope="write",
                tag="watches",
                body=MarksPatch,
                media=PATCHES,
                headers=("If-Match",),
                gives=gives(WatchDetails),
                problems=(*where, "not-followed", "precondition-failed"),
            ),
            Operation(
                method="DELETE",
                path=one,
                handler=self.stop,
                scope="write",
                tag="watches",
                headers=("If-Match",),
                gives=gives(),
                problems=(*where, "not-followed", "precondition-failed"),
            ),
            Operation(
                method="POST",
                path=one + "/refresh",
                handler=self.refresh,
                scope="write",
                tag="watches",
                body=Taken,
                headers=("Prefer",),
                gives=gives(WatchDetails, also={202: WatchDetails}),
                problems=(*where, "not-followed", "not-open", "too-many-waiting"),
            ),
        ]

    async def follow(self, request: web.Request) -> web.Response:
        """Follows the batch: 201 where it is new, 200 where it was known or is opened again."""
        key = self._key(request)
        body = await read_object(request, FollowBody)
        (followed,) = await self._following.follow([wish_of(key, body)])
        if followed.what != "created":
            return await self._answer(followed.watch)
        return await self._answer(followed.watch, status=201, headers={"Location": request.rel_url.raw_path})

    async def read(self, request: web.Request) -> web.Response:
        """The watch with its transitions. With `Prefer: wait=30` it is answered as soon as it changes: against what
        `If-None-Match` names where that is given, else from now on; where it does not change so soon, as it is, or with 304.
        Looks that show nothing new are no change."""
        key = self._key(request)
        wait = preferred_wait(request) if request.method in READING else None
        if wait is None:
            return await self._answer(await kept_watch(self._store, key))
        known, until = known_tag(request), self._clock.monotonic() + wait
        with self._waiters.waiting(grant(request), key) as waiter:
            watch = await kept_watch(self._store, key)
            known = known or watch_tag(watch)
            while has_tag(known, watch_tag(watch)) and await waiter.woken(request, until):
                watch = await kept_watch(self._store, key)
        require_standing(request)
        return await self._answer(await kept_watch(self._store, key), headers=applied(wait))

    async def change(self, request: web.Request) -> web.Response:
        """Changes by what its events are to be known: a JSON merge patch of labels and correlation id. Events that were told
        already stay as they are."""
        key = self._key(request)
        patch = await read_object(request, MarksPatch, media=PATCHES)
        watch = await kept_watch(self._store, key)
        labels, correlation_id = marks_of(patch, watch.labels)
        changed = await self._following.relabel(key, labels, correlation_id)
        if changed is None:
            raise not_followed(key)
        return await self._answer(changed)

    async def stop(self, request: web.Request) -> web.Response:
        """Follows the batch no more."""
        key = self._key(request)
        if not await self._following.stop(key):
            raise not_followed(key)
        return web.Response(status=204)

    async def refresh(self, request: web.Request) -> web.Response:
        """Has the batch looked at before all others, as soon as the account's budget allows; a look under way will do. Waits for
        that look, ten seconds or what `Prefer: wait` says: 200 with the watch as it was then seen; 202 with the watch as it is
        where CallFire has not answered yet, or not with sense, or may not be asked: `next_look` says when it will be."""
        key = self._key(request)
        await read_object(request, Taken)
        watch = await kept_watch(self._store, key)
        look = await self._following.refresh(key) if watch.state is State.OPEN else None
        if look is None:
            raise not_open(key, watch.state)
        prefers = preferred_wait(request)
        wait = LOOK_WAIT if prefers is None else prefers
        if (await self._following.view(key.account)).condition not in UNANSWERING:
            await self._landed(request, look, self._clock.monotonic() + wait)
            require_standing(request)
        seen = look.done() and look.result()
        return await self._answer(
            await kept_watch(self._store, key), status=200 if seen else 202, headers=applied(prefers)
        )

    async def _landed(self, request: web.Request, look: "asyncio.Future[bool]", until: float) -> None:
        """Returns when the look is over, or the time."""
        if look.done():
            return
        over = asyncio.Event()
        look.add_done_callback(lambda _: over.set())
        with self._waiters.waiting(grant(request), None, over) as waiter:
            await waiter.woken(request, until)

    async def _answer(
        self, watch: Watch, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> web.Response:
        details = await watch_details(watch, self._following, self._store)
        return answer(details, status=status, headers={"ETag": watch_tag(watch), **(headers or {})})

    def _key(self, request: web.Request) -> Key:
        return key_of(request, accounts_of(request, self._following))


def wish_of(key: Key, body: FollowBody) -> Wish:
    """What the body asks for."""
    return Wish(
        key=key,
        labels=body.labels,
        correlation_id=body.correlation_id,
        broadcast_id=body.broadcast_id,
        expires_in=body.expires_in,
    )


def marks_of(
    patch: MarksPatch, labels: Mapping[str, str]
) -> tuple[Mapping[str, str | None] | None, str | Unset | None]:
    """What the patch asks for, of labels and of the correlation id; a Problem where the labels would become too many."""
    said = patch.model_fields_set
    changes = patch.labels if "labels" in said else {}
    after = {} if changes is None else {**labels, **changes}
    if sum(value is not None for value in after.values()) > LABELS_MOST:
        message = f"There would be more than {LABELS_MOST} labels"
        raise Problem(422, "bad-body", f"{message}.", errors=[{"pointer": "/labels", "message": message}])
    return changes, patch.correlation_id if "correlation_id" in said else UNSET
