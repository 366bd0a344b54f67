"""`/v1/accounts/{account}/batches/{batch_id}` and `/v1/watches`: follow, read, list, stop."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web
from pydantic import ValidationError

from watcher.core.model import KNOWN_STATUSES, MAX_BATCH_ID, Key, State, Watch, overlaid
from watcher.ports import EventQuery, Following, Store, WatchQuery, Wish
from watcher.web.accounts import require_account, require_kept
from watcher.web.bodies import ROWS, read_object, read_query, read_rows
from watcher.web.cursors import cursor_of, read_cursor
from watcher.web.models import (
    FollowBody,
    LookShown,
    RowBody,
    RowResult,
    RowResults,
    WatchDetails,
    WatchesParams,
    WatchPage,
    WatchShown,
)
from watcher.web.operations import Operation, gives
from watcher.web.paths import key_of
from watcher.web.problems import Problem, listed, places, summary
from watcher.web.shown import answer, eta_shown, transition_shown

EVENTS_AT_ONCE: Final = 500
ROWS_AT_ONCE: Final = 500
"""Rows that are worked on before others get a turn."""


class Watches:
    """The handlers that have to do with watches."""

    def __init__(self, *, store: Store, following: Following) -> None:
        self._store = store
        self._following = following

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
                gives=gives(WatchDetails, also={201: WatchDetails}),
                problems=where,
            ),
            Operation(
                method="GET",
                path=one,
                handler=self.read,
                scope="read",
                tag="watches",
                gives=gives(WatchDetails),
                problems=(*where, "not-followed"),
            ),
            Operation(
                method="DELETE",
                path=one,
                handler=self.stop,
                scope="write",
                tag="watches",
                gives=gives(),
                problems=(*where, "not-followed"),
            ),
            Operation(
                method="POST",
                path="/v1/watches",
                handler=self.follow_many,
                scope="write",
                tag="watches",
                body=RowBody,
                media=ROWS,
                gives=gives(RowResults),
                problems=("too-many-rows", "no-good-row"),
            ),
            Operation(
                method="GET",
                path="/v1/watches",
                handler=self.list,
                scope="read",
                tag="watches",
                query=WatchesParams,
                gives=gives(WatchPage),
                problems=("unknown-account", "bad-cursor"),
            ),
        ]

    async def follow(self, request: web.Request) -> web.Response:
        """Follows the batch: 201 where it is new, 200 where it was known or is opened again."""
        key = key_of(request, self._following.accounts)
        body = await read_object(request, FollowBody)
        wish = _wish(key, body)
        (followed,) = await self._following.follow([wish])
        details = await self._details(followed.watch)
        if followed.what != "created":
            return answer(details)
        return answer(details, status=201, headers={"Location": request.rel_url.raw_path})

    async def read(self, request: web.Request) -> web.Response:
        """The watch with its transitions."""
        key = key_of(request, self._following.accounts)
        watch = await self._store.watch(key)
        if watch is None or watch.state is State.STOPPED:
            raise _not_followed(key)
        return answer(await self._details(watch))

    async def stop(self, request: web.Request) -> web.Response:
        """Follows the batch no more."""
        key = key_of(request, self._following.accounts)
        if not await self._following.stop(key):
            raise _not_followed(key)
        return web.Response(status=204)

    async def list(self, request: web.Request) -> web.Response:
        """Watches in the order of account and batch id."""
        params = read_query(request, WatchesParams, repeatable=("account",))
        status = params.status
        if status is not None and status.upper() in KNOWN_STATUSES:
            status = status.upper()
        for account in params.account or ():
            await require_kept(account, self._following, self._store)
        watches = await self._store.find(
            WatchQuery(
                accounts=params.account,
                status=status,
                final=params.final,
                after=None if params.cursor is None else read_cursor(params.cursor, _key),
                limit=params.limit + 1,
            )
        )
        page = watches[: params.limit]
        more = len(watches) > params.limit
        return answer(
            WatchPage(items=[self._shown(watch) for watch in page], next=cursor_of(page[-1].key) if more else None)
        )

    async def follow_many(self, request: web.Request) -> web.Response:
        """Follows all rows that are right, at once; says of each row what became of it."""
        rows = await read_rows(request)
        keys: list[Key | None] = []
        refused: dict[int, RowResult] = {}
        wishes: dict[Key, Wish] = {}
        for number, (place, row) in enumerate(rows):
            if number % ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)
            try:
                wish = self._wish(row)
            except Problem as problem:
                refused[number] = RowResult(row=number, error=problem.document() | {"place": place})
                keys.append(None)
            else:
                keys.append(wish.key)
                wishes[wish.key] = _merged(wishes.get(wish.key), wish)
        results = await self._follow(keys, list(wishes.values()), refused)
        if rows and not wishes:
            items = [item.model_dump(mode="json", exclude_none=True) for item in results.items]
            detail = f"Nothing was done. The first: {items[0]['error']['detail']}"
            raise Problem(422, "no-good-row", detail, items=items)
        return answer(results, exclude_none=True)

    async def _follow(
        self, keys: Sequence[Key | None], wishes: Sequence[Wish], refused: dict[int, RowResult]
    ) -> RowResults:
        followed = await self._following.follow(wishes) if wishes else []
        became = {each.watch.key: each.what for each in followed}
        counts = {"created": 0, "known": 0, "reopened": 0}
        items: list[RowResult] = []
        for number, key in enumerate(keys):
            if key is None:
                items.append(refused[number])
                continue
            what, became[key] = became[key], "known"  # named twice: the second finds it known
            counts[what] += 1
            items.append(RowResult(row=number, result=what, account=key.account, batch_id=key.batch_id))
        return RowResults(**counts, refused=len(refused), items=items)

    def _wish(self, row: object) -> Wish:
        if not isinstance(row, dict):
            raise Problem(422, "bad-body", 'A row is an object such as {"batch_id": 13}.')
        try:
            body = RowBody.model_validate(row)
        except ValidationError as error:
            errors = places(error)
            raise Problem(422, "bad-body", summary(errors), errors=errors) from None
        accounts = self._following.accounts
        account = body.account
        if account is None:
            if len(accounts) != 1:
                raise Problem(422, "bad-body", f"Name the account, one of: {listed(accounts)}.")
            account = accounts[0]
        require_account(account, self._following.accounts)
        return _wish(Key(account, body.batch_id), body)

    async def _details(self, watch: Watch) -> WatchDetails:
        events = []
        after = 0
        while True:
            some = await self._store.events(
                EventQuery(after=after, limit=EVENTS_AT_ONCE, account=watch.account, batch_id=watch.batch_id)
            )
            events += some
            if len(some) < EVENTS_AT_ONCE:
                break
            after = some[-1].position
        shown = self._shown(watch)
        return WatchDetails(**dict(shown), transitions=[transition_shown(event) for event in events])

    def _shown(self, watch: Watch) -> WatchShown:
        watch = overlaid(watch, self._following.last_look(watch.key))  # what was seen since the store last heard of it
        is_open = watch.state is State.OPEN
        last_look = None
        if watch.asked is not None and watch.answered is not None:
            last_look = LookShown(asked=watch.asked, answered=watch.answered)
        return WatchShown(
            account=watch.account,
            batch_id=watch.batch_id,
            broadcast_id=watch.broadcast_id,
            name=watch.name,
            status=watch.status,
            since=watch.since,
            final=watch.final,
            state=watch.state,
            created=watch.created,
            size=watch.size,
            remaining=watch.remaining,
            enabled=watch.enabled,
            opened=watch.opened,
            looks=watch.looks,
            last_look=last_look,
            next_look=self._following.next_look(watch.key) if is_open else None,
            eta=eta_shown(self._following.eta(watch.key)) if is_open else None,
            labels=watch.labels,
            correlation_id=watch.correlation_id,
        )


def _wish(key: Key, body: FollowBody) -> Wish:
    return Wish(key=key, labels=body.labels, correlation_id=body.correlation_id, broadcast_id=body.broadcast_id)


def _merged(earlier: Wish | None, later: Wish) -> Wish:
    """Two rows of one batch: what the later says counts, what it leaves out does not."""
    if earlier is None:
        return later
    return Wish(
        key=later.key,
        labels=earlier.labels if later.labels is None else later.labels,
        correlation_id=earlier.correlation_id if later.correlation_id is None else later.correlation_id,
        broadcast_id=earlier.broadcast_id if later.broadcast_id is None else later.broadcast_id,
    )


def _not_followed(key: Key) -> Problem:
    return Problem(
        404,
        "not-followed",
        f"Batch {key.batch_id} of account {key.account!r} is not followed. PUT to this path follows it.",
    )


def _key(place: Any) -> Key:
    """The watch that a cursor names; ValueError or TypeError where it names none."""
    account, batch_id = place
    if not (isinstance(account, str) and type(batch_id) is int and 0 <= batch_id <= MAX_BATCH_ID):
        raise ValueError
    account.encode()  # half a surrogate pair is no name
    return Key(account, batch_id)
