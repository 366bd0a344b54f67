"""`/v1/accounts/{account}/broadcasts/{broadcast_id}`: follow a broadcast as a whole, read how it stands, stop."""

from aiohttp import web

from watcher.ports import BroadcastView, BroadcastWish, Following
from watcher.web.accounts import require_account
from watcher.web.bodies import read_object
from watcher.web.models import BroadcastBody, BroadcastShown
from watcher.web.operations import Operation, gives
from watcher.web.paths import broadcast_id_of
from watcher.web.problems import Problem
from watcher.web.shown import answer


class Broadcasts:
    """The handlers that have to do with broadcasts."""

    def __init__(self, *, following: Following) -> None:
        self._following = following

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
                gives=gives(BroadcastShown, also={201: BroadcastShown}),
                problems=where,
            ),
            Operation(
                method="GET",
                path=one,
                handler=self.read,
                scope="read",
                tag="broadcasts",
                gives=gives(BroadcastShown),
                problems=(*where, "broadcast-not-followed"),
            ),
            Operation(
                method="DELETE",
                path=one,
                handler=self.stop,
                scope="write",
                tag="broadcasts",
                gives=gives(),
                problems=(*where, "broadcast-not-followed"),
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
        view = self._following.broadcast(account, broadcast_id)
        shown = _shown(BroadcastView(broadcast=followed.broadcast) if view is None else view)
        if followed.what != "created":
            return answer(shown)
        return answer(shown, status=201, headers={"Location": request.rel_url.raw_path})

    async def read(self, request: web.Request) -> web.Response:
        """The broadcast as it stands; also one that is not followed, where something is known of it."""
        account, broadcast_id = self._place(request)
        view = self._following.broadcast(account, broadcast_id)
        if view is None:
            raise _not_followed(account, broadcast_id)
        return answer(_shown(view))

    async def stop(self, request: web.Request) -> web.Response:
        """Finds no more batches in it. Those that were found are followed on."""
        account, broadcast_id = self._place(request)
        if not await self._following.stop_broadcast(account, broadcast_id):
            raise _not_followed(account, broadcast_id)
        return web.Response(status=204)

    def _place(self, request: web.Request) -> tuple[str, int]:
        account = request.match_info["account"]
        require_account(account, self._following.accounts)
        return account, broadcast_id_of(request)


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


def _not_followed(account: str, broadcast_id: int) -> Problem:
    return Problem(
        404,
        "broadcast-not-followed",
        f"Broadcast {broadcast_id} of account {account!r} is not followed. PUT to this path follows it.",
    )
