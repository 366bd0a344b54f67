"""`/v1/accounts/{account}/broadcasts/{broadcast_id}`: follow a broadcast as a whole, read how it stands, change what its batches
are known by, stop; and `/v1/broadcasts`, the list."""

import asyncio
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from aiohttp import web

from watcher.core.model import MAX_BATCH_ID
from watcher.ports import UNSET, Broadcast, BroadcastView, BroadcastWish, Following, Store
from watcher.web.bodies import PATCHES, read_object, read_query
from watcher.web.conditional import tagged
from watcher.web.cursors import next_link, portion, read_cursor
from watcher.web.known_accounts import require_account
from watcher.web.models import BroadcastBody, BroadcastShown
from watcher.web.operations import Operation, gives
from watcher.web.paths import account_of, broadcast_id_of
from watcher.web.problems import Problem
from watcher.web.shown import answer
from watcher.web.visible import accounts_of
from watcher.web.watch_models import BroadcastPage, BroadcastsParams, MarksPatch
from watcher.web.watches import marks_of


class Broadcasts:
    """The handlers that have to do with broadcasts."""

    def __init__(self, *, store: Store, following: Following) -> None:
        self._store = store
        self._following = following
        self._changing = asyncio.Lock()

    def operations(self) -> list[Operation]:
        one = "/v1/accounts/{account}/broadcasts/{broadcast_id}"
        where = ("unknown-account", "bad-broadcast-id")
        return [
            Operation(
                method="PUT",
                path=one,
                handler=self.follow,
                scope="write",
                tag="broadcasts",
                body=BroadcastBody,
                headers=("If-Match", "If-None-Match"),
                gives=gives(BroadcastShown, also={201: BroadcastShown}),
                problems=(*where, "precondition-failed"),
            ),
            Operation(
                method="GET",
                path=one,
                handler=self.read,
                scope="read",
                tag="broadcasts",
                headers=("If-None-Match",),
                gives=gives(BroadcastShown),
                problems=(*where, "broadcast-not-followed"),
            ),
            Operation(
                method="PATCH",
                path=one,
                handler=self.change,
                scope="write",
                tag="broadcasts",
                body=MarksPatch,
                media=PATCHES,
                headers=("If-Match",),
                gives=gives(BroadcastShown),
                problems=(*where, "broadcast-not-followed", "precondition-failed"),
            ),
            Operation(
                method="DELETE",
                path=one,
                handler=self.stop,
                scope="write",
                tag="broadcasts",
                headers=("If-Match",),
                gives=gives(),
                problems=(*where, "broadcast-not-followed", "precondition-failed"),
            ),
            Operation(
                method="GET",
                path="/v1/broadcasts",
                handler=self.list,
                scope="read",
                tag="broadcasts",
                query=BroadcastsParams,
                gives=gives(BroadcastPage),
                problems=("unknown-account", "bad-cursor"),
            ),
        ]

    async def follow(self, request: web.Request) -> web.Response:
        """Follows every batch of the broadcast, also those to come: 201 where it was not followed, 200 where it was."""
        account, broadcast_id = self._place(request)
        body = await read_object(request, BroadcastBody)
        wish = BroadcastWish(
            account=account,
            broadcast_id=broadcast_id,
            kind=body.kind,
            labels=body.labels,
            correlation_id=body.correlation_id,
        )
        followed = await self._following.follow_broadcast(wish)
        shown = _shown(await self._view(followed.broadcast))
        if followed.what != "created":
            return answer(shown)
        return answer(shown, status=201, headers={"Location": request.rel_url.raw_path})

    async def read(self, request: web.Request) -> web.Response:
        """The broadcast as it stands; also one that is not followed, where something is known of it."""
        account, broadcast_id = self._place(request)
        view = await self._there(account, broadcast_id)
        if view is None:
            raise _not_followed(account, broadcast_id)
        it = view.broadcast
        return tagged(
            answer(_shown(view)), it.kind, it.followed, it.opened, sorted(it.labels.items()), it.correlation_id
        )

    async def change(self, request: web.Request) -> web.Response:
        """Changes by what the batches that are found in it from now on are to be known: a JSON merge patch of labels and
        correlation id. Those that were found already keep theirs."""
        account, broadcast_id = self._place(request)
        patch = await read_object(request, MarksPatch, media=PATCHES)
        async with self._changing:  # of two changes at once neither is lost
            view = await self._there(account, broadcast_id)
            if view is None or not view.broadcast.followed:
                raise _not_followed(account, broadcast_id)
            changes, correlation_id = marks_of(patch, view.broadcast.labels)
            merged = {} if changes is None else {**view.broadcast.labels, **changes}
            wish = BroadcastWish(
                account=account,
                broadcast_id=broadcast_id,
                labels={name: value for name, value in merged.items() if value is not None},
                correlation_id=None if correlation_id is UNSET else correlation_id,
                forgets_correlation=correlation_id is None,
            )
            followed = await self._following.follow_broadcast(wish)
        return answer(_shown(await self._view(followed.broadcast)))

    async def list(self, request: web.Request) -> web.Response:
        """Broadcasts of which something is known, in the order of account and broadcast id."""
        params = read_query(request, BroadcastsParams, repeatable=("account",))
        accounts = accounts_of(request, self._following)
        for name in params.account or ():
            require_account(name, accounts)
        after = ("", 0) if params.cursor is None else read_cursor(params.cursor, _broadcast_place, params.filters)
        kept = [
            each
            for account in sorted(accounts if params.account is None else set(params.account))
            if account >= after[0]
            for each in await self._store.broadcasts(account)
            if (each.account, each.broadcast_id) > after and params.followed in (None, each.followed)
        ]
        page, cursor = portion(kept, params.limit, _place_of, params.filters)
        items = [_shown(view) for view in await self._views(page)]
        return answer(BroadcastPage(items=items, next=cursor), headers=next_link(request, cursor))

    async def stop(self, request: web.Request) -> web.Response:
        """Finds no more batches in it. Those that were found are followed on."""
        account, broadcast_id = self._place(request)
        if not await self._following.stop_broadcast(account, broadcast_id):
            raise _not_followed(account, broadcast_id)
        return web.Response(status=204)

    def _place(self, request: web.Request) -> tuple[str, int]:
        return account_of(request, accounts_of(request, self._following)), broadcast_id_of(request)

    async def _there(self, account: str, broadcast_id: int) -> BroadcastView | None:
        """The broadcast as it stands; None where nothing is known of it."""
        return (await self._following.broadcasts(account, [broadcast_id])).get(broadcast_id)

    async def _view(self, broadcast: Broadcast) -> BroadcastView:
        """The broadcast as it stands; just as it is kept where polling does not have it."""
        return (await self._views([broadcast]))[0]

    async def _views(self, broadcasts: Sequence[Broadcast]) -> Sequence[BroadcastView]:
        """As `_view`, of many in the order of their accounts."""
        views: list[BroadcastView] = []
        for account, some in groupby(broadcasts, key=lambda each: each.account):
            kept = {each.broadcast_id: BroadcastView(broadcast=each) for each in some}
            views += {**kept, **await self._following.broadcasts(account, list(kept))}.values()
        return views


def _shown(view: BroadcastView) -> BroadcastShown:
    broadcast = view.broadcast
    return BroadcastShown(
        account=broadcast.account,
        broadcast_id=broadcast.broadcast_id,
        kind=broadcast.kind,
        followed=broadcast.followed,
        labels=broadcast.labels,
        correlation_id=broadcast.correlation_id,
        opened=broadcast.opened,
        batches=view.batches,
        listed=view.listed,
        note=view.note,
    )


def _place_of(broadcast: Broadcast) -> list[object]:
    return [broadcast.account, broadcast.broadcast_id]


def _broadcast_place(place: Any) -> tuple[str, int]:
    """The broadcast that a cursor names; ValueError or TypeError where it names none."""
    account, broadcast_id = place
    if not isinstance(account, str) or type(broadcast_id) is not int or not 1 <= broadcast_id <= MAX_BATCH_ID:
        raise ValueError
    return account, broadcast_id


def _not_followed(account: str, broadcast_id: int) -> Problem:
    return Problem(
        404,
        "broadcast-not-followed",
        f"Broadcast {broadcast_id} of account {account!r} is not followed. PUT to this path follows it.",
    )
