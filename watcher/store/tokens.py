"""What a store does for who may ask: tokens and sessions are kept, and it is told to whose accounts things belong."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from watcher.core.tokens import Session, Token
from watcher.store.lanes import Lanes
from watcher.store.rows import Row, Values, instant, instant_or_none, millis, millis_or_none
from watcher.store.work import Connection, Statements


class KeptTokens(Lanes):
    """The ports `Tokens` and `Whose`."""

    async def tokens(self) -> list[Token]:
        return await self._read("tokens", _tokens)

    async def make_token(self, token: Token) -> bool:
        return await self._write("make_token", _change, "make_token", values_of_token(token))

    async def remove_token(self, token_id: str) -> bool:
        return await self._write("remove_token", _remove_token, token_id)

    async def note_used(self, used: Mapping[str, datetime]) -> None:
        await self._write("note_used", _note_used, [{"id": each, "used": millis(at)} for each, at in used.items()])

    async def sessions(self) -> list[Session]:
        return await self._read("sessions", _sessions)

    async def make_session(self, session: Session) -> None:
        await self._write("make_session", _change, "make_session", values_of_session(session))

    async def remove_session(self, digest: bytes) -> bool:
        return await self._write("remove_session", _change, "remove_session", {"digest": digest})

    async def forget_sessions(self, now: datetime) -> int:
        return await self._write("forget_sessions", _forget_sessions, millis(now))

    async def accounts_of_endpoint(self, endpoint_id: str) -> Sequence[str] | None:
        row = await self._read("accounts_of_endpoint", _one, "accounts_of_endpoint", {"id": endpoint_id})
        return _listed(row["accounts"])

    async def accounts_of_delivery(self, delivery_id: int) -> tuple[str, Sequence[str]] | None:
        row = await self._read("accounts_of_delivery", _one, "accounts_of_delivery", {"id": delivery_id})
        accounts = _listed(row["accounts"])
        return None if accounts is None else (row["account"], accounts)


def values_of_token(token: Token) -> Values:
    """The columns of a token."""
    return {
        "id": token.id,
        "name": token.name,
        "digest": token.digest,
        "scopes": json.dumps(sorted(token.scopes)),
        "accounts": None if token.accounts is None else json.dumps(sorted(token.accounts)),
        "created": millis(token.created),
        "expires": millis_or_none(token.expires),
        "used": millis_or_none(token.used),
    }


def token_of(row: Row) -> Token:
    """The token that a row of `tokens` holds."""
    accounts = row["accounts"]
    return Token(
        id=row["id"],
        name=row["name"],
        digest=bytes(row["digest"]),
        scopes=frozenset(json.loads(row["scopes"])),
        accounts=None if accounts is None else frozenset(json.loads(accounts)),
        created=instant(row["created"]),
        expires=instant_or_none(row["expires"]),
        used=instant_or_none(row["used"]),
    )


def values_of_session(session: Session) -> Values:
    """The columns of a session."""
    return {
        "digest": session.digest,
        "token_digest": session.token_digest,
        "created": millis(session.created),
        "expires": millis(session.expires),
    }


def session_of(row: Row) -> Session:
    """The session that a row of `sessions` holds."""
    return Session(
        digest=bytes(row["digest"]),
        token_digest=bytes(row["token_digest"]),
        created=instant(row["created"]),
        expires=instant(row["expires"]),
    )


def _tokens(connection: Connection, sql: Statements) -> list[Token]:
    return [token_of(row) for row in connection.execute(sql["tokens"])]


def _sessions(connection: Connection, sql: Statements) -> list[Session]:
    return [session_of(row) for row in connection.execute(sql["sessions"])]


def _one(connection: Connection, sql: Statements, statement: str, values: Values) -> Row:
    row: Row = connection.execute(sql[statement], values).fetchone()
    return row


def _listed(accounts: str | None) -> list[str] | None:
    """The list that the text holds; None is read like one, so as to take as long."""
    read: list[str] | None = json.loads("null" if accounts is None else accounts)
    return read


def _change(connection: Connection, sql: Statements, statement: str, values: Values) -> bool:
    return connection.execute(sql[statement], values).rowcount > 0


def _remove_token(connection: Connection, sql: Statements, token_id: str) -> bool:
    row = connection.execute(sql["token"], {"id": token_id}).fetchone()
    if row is None:
        return False
    connection.execute(sql["remove_sessions_of"], {"token_digest": row["digest"]})
    connection.execute(sql["remove_token"], {"id": token_id})
    return True


def _note_used(connection: Connection, sql: Statements, used: Sequence[Values]) -> None:
    connection.executemany(sql["note_used"], used)


def _forget_sessions(connection: Connection, sql: Statements, now: int) -> int:
    return connection.execute(sql["forget_sessions"], {"now": now}).rowcount
