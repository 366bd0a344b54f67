"""Who may ask: whoever bears a token or signed in with one, as far as it goes; without any token only this machine.

Secrets are looked up by their SHA-256. What such a look-up takes could at most tell how a digest begins, which nobody can choose
and which leads to no secret: so it tells nothing of tokens, and what is found is compared in constant time all the same.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from watcher.core.news import AuthFailure, Tell
from watcher.core.tokens import (
    ADMIN_WANTED,
    EVERYTHING,
    LAST_ADMIN,
    SECRET_BYTES,
    TOKENS_MOST,
    TOO_MANY,
    Grant,
    Session,
    Token,
    digest_of,
    grant_of,
    is_over,
    locks_out,
    secret_of,
)
from watcher.ports import Clock, StoreError, Tokens
from watcher.web.attempts import Attempts
from watcher.web.nearby import (
    SAFE_METHODS,
    is_local,
    neighbourhood,
    refuse_other_sites,
    require_local,
    says_where_from,
)
from watcher.web.operations import Operation, operation_of
from watcher.web.problems import Problem
from watcher.web.visible import GRANT, STANDS, Standing

LOCAL_PATHS: Final = frozenset({"/metrics"})
"""May be read from this machine without a token, also where there is one."""
COOKIE: Final = "watcher"
"""The session's cookie over http. Over https it is called `__Host-watcher`, which no other host can set."""
SECURE_COOKIE: Final = "__Host-watcher"
SAVE_EVERY: Final = 60.0
"""Seconds between two times that it is written down when tokens were used."""
SESSIONS_MOST: Final = 100
"""Browsers that may be signed in with one token; the one that would end first makes room."""
NOBODY: Final = Grant(holder="nobody", scopes=frozenset(), accounts=frozenset())
"""Whoever asks what everybody may."""
LOOPBACK: Final = Grant(holder="loopback", scopes=EVERYTHING)
SCRAPER: Final = Grant(holder="loopback", scopes=frozenset({"read"}))
SETTINGS: Final = Grant(holder="settings", scopes=EVERYTHING)
NO_DIGEST: Final = bytes(32)


class Failed(Problem):
    """An attempt that failed: it is counted, and its answer held back."""

    def __init__(self, reason: AuthFailure, detail: str) -> None:
        super().__init__(401, "token-wrong", detail, headers=challenge('error="invalid_token"'))
        self.reason = reason


class Admission:
    """Lets requests through, or raises the Problem that says why not and what to do. Keeps tokens and sessions in memory, as
    they are in the store. `token` is that of the settings, `session` how long a browser stays signed in.

    A worker, too: each step waits a minute, writes down which tokens were used, and reads anew what is kept.
    """

    name: Final = "admission"

    def __init__(self, *, token: str | None, store: Tokens, clock: Clock, tell: Tell, session: timedelta) -> None:
        self._settings = None if token is None else digest_of(token)
        self._mark = None if token is None else _mark(token)
        self._store = store
        self._clock = clock
        self._session = session
        self._tokens: dict[bytes, Token] = {}
        self._sessions: dict[bytes, Session] = {}
        self._used: dict[str, datetime] = {}
        self._changing = asyncio.Lock()
        self.attempts = Attempts(clock=clock, tell=tell)

    # As the application's middleware, and in its life

    def middleware(self) -> Middleware:
        """As it stands before every handler."""

        @web.middleware
        async def admission(request: web.Request, handler: Handler) -> web.StreamResponse:
            operation = operation_of(request)
            try:
                request[GRANT] = self.admit(request, operation)
            except Failed as problem:
                await self.slow(request, problem)
                raise
            request[STANDS] = Standing(admit=partial(self.admit, request, operation))
            return await handler(request)

        return admission

    async def load(self, _: object = None) -> None:
        """Reads what is kept."""
        async with self._changing:
            tokens, sessions = await self._store.tokens(), await self._store.sessions()
            self._tokens = {token.digest: token for token in tokens}
            self._sessions = {session.digest: session for session in sessions}

    async def leave(self, _: object = None) -> None:
        """Saves once more. Where the store cannot any more, that is no reason not to end."""
        with suppress(StoreError):
            await self.save()

    async def save(self) -> None:
        """Writes down when tokens were used."""
        used, self._used = self._used, {}
        if used:
            try:
                await self._store.note_used(used)
            except BaseException:
                self._used = used | self._used
                raise

    async def step(self) -> None:
        await self._clock.sleep(SAVE_EVERY)
        self.attempts.look_back()
        await self.save()
        await self._store.forget_sessions(self._clock.now())
        await self.load()

    # Letting through

    def admit(self, request: web.Request, operation: Operation | None) -> Grant:
        """What whoever asks may do, where that is enough for the operation."""
        refuse_other_sites(request)
        if operation is not None and operation.scope is None:
            return NOBODY
        grant = self.who(request)
        if operation is not None and operation.scope is not None and not grant.allows(operation.scope):
            scope = operation.scope
            raise Problem(
                403,
                "scope-missing",
                f"This needs a token with the scope {scope}; that of this request has {', '.join(sorted(grant.scopes))}. "
                f"`watcher token new --scope {scope}` makes one.",
                headers=challenge(f'error="insufficient_scope", scope="{scope}"'),
            )
        return grant

    def who(self, request: web.Request) -> Grant:
        """Who asks, by token, by cookie, or by being here."""
        if not self.is_closed:
            require_local(request)
            return LOOPBACK
        if "Authorization" in request.headers:
            return self.bearer(request)
        if request.path in LOCAL_PATHS and is_local(request):
            return SCRAPER
        cookie = cookie_of(request)
        if cookie is not None:
            return self._signed_in(request, cookie)
        raise Problem(
            401,
            "token-wanted",
            "Send a token of the daemon in the header Authorization: Bearer …",
            headers=challenge(),
        )

    def end_of_session(self, request: web.Request) -> datetime | None:
        """When the browser has to sign in again; None where it did not sign in, or a token goes along."""
        cookie = None if "Authorization" in request.headers else cookie_of(request)
        session = None if cookie is None else self._sessions.get(digest_of(cookie))
        return None if session is None else session.expires

    @property
    def is_closed(self) -> bool:
        """Whether there is a token, be its time over or not: from the first one on nobody asks without."""
        return self._settings is not None or bool(self._tokens)

    def bearer(self, request: web.Request) -> Grant:
        """What the token in the header Authorization allows."""
        return self.borne_by(secret_in(request))[0]

    def borne_by(self, secret: str) -> tuple[Grant, bytes]:
        """What the token with this secret allows, and what sessions that are made with it are tied to."""
        digest = digest_of(secret)
        if hmac.compare_digest(digest, self._settings or NO_DIGEST) and self._mark is not None:
            return SETTINGS, self._mark
        token = self._tokens.get(digest)
        if not hmac.compare_digest(digest, NO_DIGEST if token is None else token.digest) or token is None:
            raise Failed("unknown", "This is no token of the daemon, or it was removed.")
        return self._granted(token), digest

    def _granted(self, token: Token) -> Grant:
        now = self._clock.now()
        grant = grant_of(token, now)
        if grant is None:
            raise Failed("expired", "The token's time is over. `watcher token new` makes another.")
        self._used[token.id] = now
        return grant

    def _signed_in(self, request: web.Request, cookie: str) -> Grant:
        """What a browser may do that signed in. Where it writes it has to say that the page is ours: a cookie goes along
        whoever asks, and SameSite is only as good as the browser."""
        session = self._sessions.get(digest_of(cookie))
        if session is None or is_over(session.expires, self._clock.now()):
            raise session_over()
        if request.method not in SAFE_METHODS and not says_where_from(request):
            raise Problem(403, "wrong-origin", "With a cookie a request that writes must bear the header Origin.")
        if session.token_digest == self._mark:
            return SETTINGS
        token = self._tokens.get(session.token_digest)
        grant = None if token is None else grant_of(token, self._clock.now())
        if grant is None or token is None:
            raise session_over()
        self._used[token.id] = self._clock.now()
        return grant

    async def slow(self, request: web.Request, problem: Failed) -> None:
        """Returns when the answer may go out."""
        await self.attempts.failed(neighbourhood(request), problem.reason)

    # Tokens and sessions

    def tokens(self) -> Sequence[Token]:
        """All of them, in the order in which they were made, with when they were last used, written down or not."""
        known = sorted(self._tokens.values(), key=lambda token: (token.created, token.id))
        return [replace(token, used=self._used.get(token.id, token.used)) for token in known]

    async def make(self, token: Token) -> None:
        """Keeps the token; from now on it is good. A Problem where nobody could make another any more, or there are too many."""
        async with self._changing:
            now, before = self._clock.now(), self._tokens.values()
            if len(before) >= TOKENS_MOST:
                raise Problem(409, "too-many-tokens", TOO_MANY)
            if self._settings is None and locks_out(before, [*before, token], now):
                raise Problem(409, "admin-wanted", ADMIN_WANTED)
            await self._store.make_token(token)
            self._tokens[token.digest] = token

    async def remove(self, token: Token) -> bool:
        """Deletes the token and ends its sessions. A Problem where nobody could make another any more."""
        async with self._changing:
            after = [each for each in self._tokens.values() if each.id != token.id]
            if self._settings is None and locks_out(self._tokens.values(), after, self._clock.now()):
                raise Problem(409, "last-admin", LAST_ADMIN)
            removed = await self._store.remove_token(token.id)
            self._tokens.pop(token.digest, None)
            self._used.pop(token.id, None)
            ended = [each.digest for each in self._sessions.values() if each.token_digest == token.digest]
            for digest in ended:
                del self._sessions[digest]
            return removed

    async def sign_in(self, grant: Grant, tied_to: bytes) -> tuple[str, Session]:
        """A new session and its secret."""
        secret, now = secret_of(secrets.token_bytes(SECRET_BYTES)), self._clock.now()
        expires = min(now + self._session, grant.expires or now + self._session)
        session = Session(digest=digest_of(secret), token_digest=tied_to, created=now, expires=expires)
        async with self._changing:
            of_it = [each for each in self._sessions.values() if each.token_digest == tied_to]
            if len(of_it) >= SESSIONS_MOST:
                await self._sign_out(min(of_it, key=lambda each: each.expires).digest)
            await self._store.make_session(session)
            self._sessions[session.digest] = session
        return secret, session

    async def sign_out(self, secret: str) -> None:
        """Ends the session."""
        async with self._changing:
            await self._sign_out(digest_of(secret))

    async def _sign_out(self, digest: bytes) -> None:
        if digest in self._sessions:
            await self._store.remove_session(digest)
            self._sessions.pop(digest, None)


ADMISSION: Final = web.AppKey("admission", Admission)
"""The admission of an application."""


def cookie_of(request: web.Request) -> str | None:
    """The secret of the session that the request bears."""
    return request.cookies.get(SECURE_COOKIE) or request.cookies.get(COOKIE)


def secret_in(request: web.Request) -> str:
    """The token in the header Authorization."""
    given = request.headers.getall("Authorization")
    scheme, _, secret = given[0].partition(" ")
    if len(given) != 1 or scheme.lower() != "bearer" or not secret.strip():
        raise Failed("malformed", "The header Authorization must be «Bearer», a space, and a token of the daemon.")
    return secret.strip()


def challenge(more: str = "") -> dict[str, str]:
    """The header that says how to ask, as RFC 6750 has it."""
    return {"WWW-Authenticate": 'Bearer realm="watcher"' + (f", {more}" if more else "")}


def session_over() -> Problem:
    """The browser has to sign in again."""
    return Problem(401, "session-over", "The session is over: sign in again, POST /v1/session.", headers=challenge())


def _mark(token: str) -> bytes:
    """By what sessions are tied to the settings' token. It is kept, and that token may be one that somebody thought up: so it
    is slow to guess from."""
    return hashlib.scrypt(
        token.encode("utf-8", "surrogateescape"), salt=b"watcher http.token", n=2**12, r=8, p=1, dklen=32
    )
