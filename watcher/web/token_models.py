"""What the interface takes and gives of tokens and sessions, as pydantic models."""

from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from watcher.core.tokens import Scope
from watcher.web.models import STORABLE, Given, Instant, Listed, Taken
from watcher.web.values import AccountName, BearerToken, Life, Moment

# Taken


class TokenBody(Taken):
    """A new token: what it may do, of which accounts (null: all, also those to come), and how long (neither: for ever)."""

    name: Annotated[str, Field(min_length=1, max_length=100), STORABLE]
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=4)]
    accounts: Annotated[list[AccountName], Field(min_length=1, max_length=1000)] | None = None
    expires: Moment | None = None
    expires_in: Life | None = None

    @field_validator("expires_in")
    @classmethod
    def _one(cls, span: Life | None, info: ValidationInfo) -> Life | None:
        if span is not None and info.data.get("expires") is not None:
            raise ValueError("Give either expires or expires_in")
        return span


class TokensParams(Listed):
    """The query of a list of tokens."""


class SessionBody(Taken):
    """The token to sign in with, where it is not in the header Authorization."""

    token: BearerToken | None = None


# Given


class TokenShown(Given):
    """A token, but for its secret, which is not kept. `accounts` null means all; `expires` null never; `used` is when it was
    last, to the minute after a restart."""

    id: str
    name: str
    scopes: list[Scope]
    accounts: list[str] | None
    created: Instant
    expires: Instant | None
    used: Instant | None


class TokenMade(TokenShown):
    """A new token, with its secret, which is shown this once."""

    token: str


class TokenPage(Given):
    """Some of the tokens. `next` is the cursor for more, null at the end."""

    items: list[TokenShown]
    next: str | None


class SessionShown(Given):
    """Who asks: `holder` is `settings` (the token of the settings), `loopback` (nobody needs a token here yet), or `token` and
    the id of one; what they may do, of which accounts (null: all), and until when (null: for ever)."""

    holder: str
    scopes: list[Scope]
    accounts: list[str] | None
    expires: Instant | None
