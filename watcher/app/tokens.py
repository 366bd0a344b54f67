"""Tokens made, listed and removed in the database itself, while no daemon has it open: before the first start, and as the way
back in for whoever has no token left."""

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from watcher.app.assembly import CannotStart, Town, access_of, open_kept_store
from watcher.clock import SystemClock
from watcher.core.tokens import (
    ADMIN_WANTED,
    LAST_ADMIN,
    SECRET_BYTES,
    TOKENS_MOST,
    TOO_MANY,
    Scope,
    Token,
    digest_of,
    locks_out,
    secret_of,
)
from watcher.ports import Store, StoreError, UnusableStore
from watcher.settings.model import Settings
from watcher.store.lock import holder
from watcher.store.postgres_opening import others, peek
from watcher.web.token_models import TokenMade
from watcher.web.tokens import token_shown

Document = Mapping[str, Any]


class NotDone(Exception):
    """It was not done; the message says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A token to make. `scopes` are some of core.tokens.SCOPES; `accounts` None means all; `lasts` None for ever."""

    name: str
    scopes: frozenset[Scope]
    accounts: frozenset[str] | None
    lasts: timedelta | None


async def is_in_use(settings: Settings) -> bool:
    """Whether some process has the database open. Where that cannot be seen, one may."""
    database = settings.database
    try:
        if database.postgres:
            return bool(await peek(database.url, access_of(database), others))
        return holder(database.path) is not None
    except (OSError, UnusableStore):
        return True


async def make_token(settings: Settings, wanted: Wanted) -> Document:
    """The token with its secret, which is kept nowhere, as the interface would show it."""
    unknown = sorted((wanted.accounts or frozenset()) - set(settings.accounts))
    if unknown:
        raise NotDone(f"there is no account {unknown[0]}: there are {', '.join(settings.accounts)}")
    async with _opened(settings) as (store, now):
        secret = secret_of(secrets.token_bytes(SECRET_BYTES))
        token = Token(
            id=f"tok_{secrets.token_hex(8)}",
            name=wanted.name,
            digest=digest_of(secret),
            scopes=wanted.scopes,
            accounts=wanted.accounts,
            created=now,
            expires=None if wanted.lasts is None else now + wanted.lasts,
        )
        before = await store.tokens()
        if len(before) >= TOKENS_MOST:
            raise NotDone(TOO_MANY)
        _require_way_in(settings, before, [*before, token], now, ADMIN_WANTED)
        await store.make_token(token)
        return TokenMade(**dict(token_shown(token)), token=secret).model_dump(mode="json")


async def kept_tokens(settings: Settings) -> list[Document]:
    """All that are kept, as the interface would show them; none where there is no database yet."""
    if not _is_there(settings):
        return []
    async with _opened(settings) as (store, _):
        return [token_shown(token).model_dump(mode="json") for token in await store.tokens()]


async def remove_token(settings: Settings, token_id: str) -> bool:
    """Deletes it and the sessions that were made with it; False where there was none."""
    if not _is_there(settings):
        return False
    async with _opened(settings) as (store, now):
        before = await store.tokens()
        after = [token for token in before if token.id != token_id]
        _require_way_in(settings, before, after, now, LAST_ADMIN)
        return await store.remove_token(token_id)


def _is_there(settings: Settings) -> bool:
    return settings.database.postgres or settings.database.path.exists()


def _require_way_in(
    settings: Settings, before: Sequence[Token], after: Sequence[Token], now: datetime, why: str
) -> None:
    if settings.http.token is None and locks_out(before, after, now):
        raise NotDone(why)


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[tuple[Store, datetime]]:
    """The store, and what time it is. On SQLite nobody else has it meanwhile; daemons on PostgreSQL hear of what is changed."""
    clock, town = SystemClock(), Town()
    try:
        async with open_kept_store(settings, tell=town.tell, clock=clock) as store:
            yield store, clock.now()
    except StoreError as error:
        raise CannotStart(str(error)) from error
