"""`/v1/tokens`: who may ask, and for what. A secret is shown when its token is made, and never again."""

import asyncio
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from aiohttp import web

from watcher.core.tokens import SCOPES, SECRET_BYTES, Grant, Token, digest_of, secret_of, sees_token
from watcher.ports import Clock, Following
from watcher.web.auth import Admission
from watcher.web.bodies import read_object, read_query
from watcher.web.cursors import next_link, portion, read_cursor
from watcher.web.lately import Lately
from watcher.web.once import HEADER, key_of
from watcher.web.operations import Gives, Operation, gives
from watcher.web.problems import Problem, cut, summary
from watcher.web.shown import answer
from watcher.web.token_models import TokenBody, TokenMade, TokenPage, TokenShown, TokensParams
from watcher.web.values import in_milliseconds
from watcher.web.visible import accounts_of, grant

ID_BYTES: Final = 8

LIST: Final = "tokens"
"""What a cursor is for."""


class TokenRoom:
    """The handlers that have to do with tokens."""

    def __init__(self, *, admission: Admission, following: Following, clock: Clock) -> None:
        self._admission = admission
        self._following = following
        self._clock = clock
        self._making = asyncio.Lock()
        self._lately: Lately[TokenBody, TokenMade] = Lately(clock)

    def operations(self) -> list[Operation]:
        every, one = "/v1/tokens", "/v1/tokens/{token_id}"
        return [
            Operation(
                method="GET",
                path=every,
                handler=self.list,
                scope="admin",
                tag="tokens",
                query=TokensParams,
                gives=gives(TokenPage),
                problems=("bad-cursor",),
            ),
            Operation(
                method="POST",
                path=every,
                handler=self.make,
                scope="admin",
                tag="tokens",
                body=TokenBody,
                gives={201: Gives(model=TokenMade)},
                headers=(HEADER,),
                problems=("admin-wanted", "too-many-tokens", "bad-idempotency-key", "idempotency-key-reused"),
                keeps_own_key=True,  # in memory: the secret in the answer is nothing to be written down
            ),
            Operation(
                method="GET",
                path=one,
                handler=self.read,
                scope="admin",
                tag="tokens",
                headers=("If-None-Match",),
                gives=gives(TokenShown),
                problems=("unknown-token",),
            ),
            Operation(
                method="DELETE",
                path=one,
                handler=self.remove,
                scope="admin",
                tag="tokens",
                gives=gives(),
                problems=("unknown-token", "last-admin"),
            ),
        ]

    async def list(self, request: web.Request) -> web.Response:
        """Lists the tokens, in the order in which they were made; never their secrets."""
        params = read_query(request, TokensParams)
        after = None if params.cursor is None else read_cursor(params.cursor, _place, LIST)
        found = [token for token in self._visible(request) if after is None or _order(token) > after]
        page, cursor = portion(found, params.limit, _order, LIST)
        items = [token_shown(token) for token in page]
        return answer(TokenPage(items=items, next=cursor), headers=next_link(request, cursor))

    async def make(self, request: web.Request) -> web.Response:
        """Makes a token: its secret is in the answer, and is never shown again; only with an `Idempotency-Key`, to whoever sends
        the same within 10 minutes, as long as the daemon is not restarted. One who is limited to accounts can make tokens for
        these only, and none that lasts longer than their own."""
        body = await read_object(request, TokenBody, {"accounts": accounts_of(request, self._following)})
        key, holder = key_of(request) if HEADER in request.headers else None, grant(request).holder
        if key is None:
            return _answer_made(await self._made(request, body))
        async with self._making:
            made = self._lately.given(holder, key, body)
            if made is None:
                made = await self._made(request, body)
                self._lately.give(holder, key, body, made)
        return _answer_made(made)

    async def _made(self, request: web.Request, body: TokenBody) -> TokenMade:
        secret, now = secret_of(secrets.token_bytes(SECRET_BYTES)), in_milliseconds(self._clock.now())
        token = Token(
            id=f"tok_{secrets.token_hex(ID_BYTES)}",
            name=body.name,
            digest=digest_of(secret),
            scopes=frozenset(body.scopes),
            accounts=None if body.accounts is None else frozenset(body.accounts),
            created=now,
            expires=_end(body, now),
        )
        _require_within(grant(request), token)
        await self._admission.make(token)
        return TokenMade(**dict(token_shown(token)), token=secret)

    async def read(self, request: web.Request) -> web.Response:
        """Shows a token, but for its secret."""
        return answer(token_shown(self._token(request)))

    async def remove(self, request: web.Request) -> web.Response:
        """Deletes a token: from now on it opens nothing, and who signed in with it is signed out."""
        token = self._token(request)
        if not await self._admission.remove(token):
            raise _unknown(token.id)
        return web.Response(status=204)

    def _visible(self, request: web.Request) -> Sequence[Token]:
        return [token for token in self._admission.tokens() if sees_token(grant(request), token)]

    def _token(self, request: web.Request) -> Token:
        token_id = request.match_info["token_id"]
        for token in self._visible(request):
            if token.id == token_id:
                return token
        raise _unknown(token_id)


def token_shown(token: Token) -> TokenShown:
    """The token as it is shown."""
    return TokenShown(
        id=token.id,
        name=token.name,
        scopes=[scope for scope in SCOPES if scope in token.scopes],
        accounts=None if token.accounts is None else sorted(token.accounts),
        created=token.created,
        expires=token.expires,
        used=token.used,
    )


def _answer_made(made: TokenMade) -> web.Response:
    return answer(made, status=201, headers={"Location": f"/v1/tokens/{made.id}"})


def _end(body: TokenBody, now: datetime) -> datetime | None:
    if body.expires is not None and body.expires <= now:
        raise _bad("/expires", "It must be later than now")
    return body.expires if body.expires_in is None else now + body.expires_in


def _require_within(grant: Grant, token: Token) -> None:
    """Nobody gives what they do not have."""
    if not sees_token(grant, token):
        accounts = ", ".join(sorted(grant.accounts or ()))
        raise _bad(
            "/accounts", f"Your own token is for some accounts only: name those that this one is for, among {accounts}"
        )
    if grant.expires is not None and (token.expires is None or token.expires > grant.expires):
        raise _bad("/expires", "Your own token ends sooner: let this one end no later")


def _bad(pointer: str, message: str) -> Problem:
    errors = [{"pointer": pointer, "message": message}]
    return Problem(422, "bad-body", f"{summary(errors)}.", errors=errors)


def _unknown(token_id: str) -> Problem:
    return Problem(
        404,
        "unknown-token",
        f"There is no token {cut(token_id)!r}: `watcher token ls`, or GET /v1/tokens, lists those there are.",
    )


def _order(token: Token) -> tuple[int, str]:
    return int(token.created.timestamp() * 1000), token.id


def _place(place: Any) -> tuple[int, str]:
    created, token_id = place
    if type(created) is not int or not isinstance(token_id, str):
        raise TypeError
    return created, token_id
