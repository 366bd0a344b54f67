"""Tokens for the interface: what each may do, and of which accounts. Data, and what follows from it; where secrets come from and
are compared is elsewhere.

A secret is never kept: `digest` is its SHA-256, which is enough for one that was drawn at random.
"""

import base64
import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

Scope = Literal["read", "write", "submit", "admin"]

SCOPES: Final[tuple[Scope, ...]] = ("read", "write", "submit", "admin")
"""read: see · write: follow and stop, labels, endpoints, deliveries · submit: have people called or texted (submit a batch,
switch it on or off) · admin: tokens, resuming an account, and everything else too."""

PREFIX: Final = "wat_"
"""How a token's secret begins: so that whoever finds one, a person or a scanner, knows what it is."""
SECRET_BYTES: Final = 32
"""Random bytes of a secret."""
TOKENS_MOST: Final = 1_000
"""Tokens that may be there at once."""
ADMIN_WANTED: Final = (
    "From the first token on nobody may ask without one, so the first must have the scope admin and all accounts: make such a "
    "one, then this."
)
LAST_ADMIN: Final = (
    "It is the last token with the scope admin and all accounts, and there are others: make another such before, or remove the "
    "others."
)
TOO_MANY: Final = f"There are {TOKENS_MOST} tokens, the most there may be: remove some."
"""Why a token is not made, or not removed."""


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
    """What whoever asks may do. `holder` names them in logs and keeps their idempotency keys apart from others'. It ends at
    `expires`."""

    holder: str
    scopes: frozenset[Scope]
    accounts: frozenset[str] | None = None
    expires: datetime | None = None

    def allows(self, scope: Scope) -> bool:
        """Whether it has the scope; admin has all."""
        return scope in self.scopes or "admin" in self.scopes

    def sees(self, account: str) -> bool:
        """Whether the account exists for it."""
        return self.accounts is None or account in self.accounts

    def sees_all(self, accounts: Collection[str]) -> bool:
        """Whether what belongs to these accounts exists for it; no accounts stand for all there are."""
        return self.accounts is None or (bool(accounts) and self.accounts.issuperset(accounts))

    def among(self, accounts: Iterable[str]) -> list[str]:
        """Those of the accounts that exist for it, in their order."""
        return [account for account in accounts if self.sees(account)]


EVERYTHING: Final = frozenset(SCOPES)


def secret_of(drawn: bytes) -> str:
    """The secret that these random bytes make."""
    return PREFIX + base64.urlsafe_b64encode(drawn).rstrip(b"=").decode()


def digest_of(secret: str) -> bytes:
    """What is kept of a secret, and looked up: of equal length whatever the secret's."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).digest()


def is_over(expires: datetime | None, now: datetime) -> bool:
    """Whether the time of a token or a session is over."""
    return expires is not None and now >= expires


def grant_of(token: Token, now: datetime) -> Grant | None:
    """What the token allows; None where its time is over."""
    if is_over(token.expires, now):
        return None
    return Grant(holder=f"token {token.id}", scopes=token.scopes, accounts=token.accounts, expires=token.expires)


def sees_token(grant: Grant, token: Token) -> bool:
    """Whether the token exists for the holder of the grant: one for some accounts sees those that are for no other."""
    return grant.sees_all(token.accounts or ())


def keeps_the_door(token: Token, now: datetime) -> bool:
    """Whether whoever has the token can make every other."""
    return "admin" in token.scopes and token.accounts is None and not is_over(token.expires, now)


def locks_out(before: Iterable[Token], after: Collection[Token], now: datetime) -> bool:
    """Whether with the tokens `after` nobody could make tokens any more, who could before. Without any token this machine can."""
    before = list(before)
    could = not before or any(keeps_the_door(token, now) for token in before)
    return could and bool(after) and not any(keeps_the_door(token, now) for token in after)
