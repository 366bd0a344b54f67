"""Of which accounts a list or a stream is: those asked for, as far as they exist for whoever asks."""

from collections.abc import Sequence

from aiohttp import web

from watcher.ports import Following, Store
from watcher.web.known_accounts import require_account, require_kept
from watcher.web.visible import accounts_of, grant, only


async def asked_accounts(
    request: web.Request, asked: Sequence[str] | None, following: Following, store: Store
) -> list[str] | None:
    """Those that were asked for, each of which must be there for whoever asks, or else all that are; None where nothing limits
    it."""
    if asked is None:
        return only(request)
    accounts = accounts_of(request, following)
    for name in asked:
        if not grant(request).sees(name):
            require_account(name, accounts)
        await require_kept(name, accounts, store)
    return list(asked)
