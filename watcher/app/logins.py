"""With which login an account was refused: other credentials may be tried at once, the same ones are not.

What tells them apart is slow to work out, so that nobody guesses from it; so it is worked out for refused accounts alone, and
beside the loop: a replica takes over hundreds of accounts at once.
"""

import asyncio
import base64
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace

from watcher.core.account import AccountRecord
from watcher.ports import AccountChange, Accounts, Committed
from watcher.settings.model import Account

Mark = Callable[[], Awaitable[str]]
"""Gives what tells the account's login from others."""


class Marked:
    """What is kept of an account; where it is refused, with the mark of the login that was. Implements the port `Accounts`."""

    def __init__(self, accounts: Accounts, mark: Mark) -> None:
        self._accounts = accounts
        self._mark = mark

    async def account(self, name: str) -> AccountRecord | None:
        return await self._accounts.account(name)

    async def save_account(self, change: AccountChange) -> Committed | None:
        if change.record.refused:
            change = replace(change, record=replace(change.record, credentials=await self._mark()))
        return await self._accounts.save_account(change)


async def mark_of(account: Account) -> str:
    """The account's, worked out in a thread."""
    return await asyncio.to_thread(fingerprint, account)


def fingerprint(account: Account) -> str:
    """Tells whether an account's credentials changed, and nothing else: it is slow to guess from, and short."""
    digest = hashlib.scrypt(
        account.password.get_secret_value().encode(),
        salt=f"{account.base_url}\n{account.login}".encode(),
        n=2**12,
        r=8,
        p=1,
        dklen=12,
    )
    return base64.b64encode(digest).decode()
