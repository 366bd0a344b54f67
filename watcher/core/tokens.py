"""Tokens for the interface: what each may do, and of which accounts. Data, and what follows from it; where secrets come from and
are compared is elsewhere.

A secret is never kept: `digest` is its SHA-256, which is enough for one that was drawn at random.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

Scope = Literal["read", "write", "submit", "admin"]

SCOPES: Final[tuple[Scope, ...]] = ("read", "write", "submit", "admin")
"""read: see · write: follow and stop, labels, endpoints, deliveries · submit: have people called or texted (submit a batch,
switch it on or off) · admin: tokens, resuming an account, and everything else too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as it is kept. `accounts` None means all, also those to come; `expires` None never; `used` is when it was last."""

    id: str
    name: str
    digest: bytes
    scopes: frozenset[Scope]
    accounts: frozenset[str] | None = None
    created: datetime
    expires: datetime | None = None
    used: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A browser that signed in with a token: known by a secret of its own, whose digest this is, for as long as the token of
    `token_digest` is good, and not beyond `expires`."""

    digest: bytes
    token_digest: bytes
    created: datetime
    expires: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What whoever asks may do. `holder` names them in logs and keeps their idempotency keys apart from others'."""

    holder: str
    scopes: frozenset[Scope]
    accounts: frozenset[str] | None = None

    def allows(self, scope: Scope) -> bool:
        """Whether it has the scope; admin has all."""
        return scope in self.scopes or "admin" in self.scopes

    def sees(self, account: str) -> bool:
        """Whether the account exists for it."""
        return self.accounts is None or account in self.accounts

    def among(self, accounts: Iterable[str]) -> list[str]:
        """Those of the accounts that exist for it, in their order."""
        return [account for account in accounts if self.sees(account)]


EVERYTHING: Final = frozenset(SCOPES)


def grant_of(token: Token, now: datetime) -> Grant | None:
    """What the token allows; None where its time is over."""
    if token.expires is not None and now >= token.expires:
        return None
    return Grant(holder=f"token {token.id}", scopes=token.scopes, accounts=token.accounts)
