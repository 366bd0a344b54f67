"""`/v1/accounts`: how each stands, and asking one again that is refused or paused."""

from aiohttp import web

from watcher.ports import Following
from watcher.web.bodies import read_object
from watcher.web.models import AccountDetails, AccountPage, Taken
from watcher.web.operations import Operation, gives
from watcher.web.paths import account_of
from watcher.web.shown import account_details, account_shown, answer
from watcher.web.visible import accounts_of


class Accounts:
    """The handlers that have to do with accounts."""

    def __init__(self, *, following: Following) -> None:
        self._following = following

    def operations(self) -> list[Operation]:
        one = "/v1/accounts/{account}"
        return [
            Operation(
                method="GET",
                path="/v1/accounts",
                handler=self.list,
                scope="read",
                tag="accounts",
                gives=gives(AccountPage),
            ),
            Operation(
                method="GET",
                path=one,
                handler=self.read,
                scope="read",
                tag="accounts",
                headers=("If-None-Match",),
                gives=gives(AccountDetails),
                problems=("unknown-account",),
            ),
            Operation(
                method="POST",
                path=one + "/resume",
                handler=self.resume,
                scope="admin",
                tag="accounts",
                body=Taken,
                gives=gives(AccountDetails),
                problems=("unknown-account",),
            ),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """All accounts."""
        views = [await self._following.view(name) for name in accounts_of(request, self._following)]
        return answer(AccountPage(items=[account_shown(view) for view in views]))

    async def read(self, request: web.Request) -> web.Response:
        """One account, with what it has learnt, and its StreamRank: what polling it costs, and being told of changes instead."""
        return await self._answer(self._name(request))

    async def resume(self, request: web.Request) -> web.Response:
        """Has the account asked again now: one whose login was refused, that does not answer, or that was paused. One request is
        made; the account is in order again when that succeeds. A pause that CallFire itself asked for is kept."""
        name = self._name(request)
        await read_object(request, Taken)
        await self._following.resume(name)
        return await self._answer(name)

    def _name(self, request: web.Request) -> str:
        return account_of(request, accounts_of(request, self._following))

    async def _answer(self, name: str) -> web.Response:
        following = self._following
        learnt, rank = await following.lengths(name), await following.streamrank(name)
        return answer(account_details(await following.view(name), learnt, rank))
