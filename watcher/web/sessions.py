"""`/v1/session`: a browser signs in with a token, asks who it is, and signs out. The cookie stands in for the token, which a page
then need not keep: no script can read the cookie, and no other site's page can have it sent."""

from datetime import datetime
from typing import Final

from aiohttp import web

from watcher.core.tokens import SCOPES, Grant
from watcher.ports import Clock
from watcher.web.auth import COOKIE, SECURE_COOKIE, Admission, Failed, challenge, cookie_of, secret_in
from watcher.web.bodies import read_object
from watcher.web.nearby import is_encrypted
from watcher.web.operations import Operation, gives
from watcher.web.problems import Problem
from watcher.web.shown import answer
from watcher.web.token_models import SessionBody, SessionShown

SIGN_IN_MOST: Final = 16 * 1024
"""Bytes that are read of whoever signs in, whom nobody knows yet."""


class Sessions:
    """The handlers that have to do with sessions. They are open to everybody, and look for themselves who asks."""

    def __init__(self, *, admission: Admission, clock: Clock) -> None:
        self._admission = admission
        self._clock = clock

    def operations(self) -> list[Operation]:
        path, closed = "/v1/session", ("token-wanted", "token-wrong", "session-over", "too-many-attempts")
        here = ("local-only", "wrong-host")
        return [
            Operation(
                method="POST",
                path=path,
                handler=self.sign_in,
                scope=None,
                tag="sessions",
                body=SessionBody,
                gives=gives(SessionShown),
                problems=(*closed, *here),
                keeps_own_key=True,  # it keeps none: the answer is for whoever brings the token, and for nobody else
            ),
            Operation(
                method="GET",
                path=path,
                handler=self.read,
                scope=None,
                tag="sessions",
                gives=gives(SessionShown),
                problems=(*closed, *here),
            ),
            Operation(method="DELETE", path=path, handler=self.sign_out, scope=None, tag="sessions", gives=gives()),
        ]

    async def sign_in(self, request: web.Request) -> web.Response:
        """Signs a browser in with a token, which stands in the header Authorization or in the body: the answer sets a cookie
        that lasts as long as `auth.session` of the settings says, or as long as the token. As long as nobody needs a token
        it sets none."""
        body = await read_object(request, SessionBody, most=SIGN_IN_MOST)
        if not self._admission.is_closed:
            return answer(session_shown(self._admission.who(request)))
        try:
            grant, tied_to = self._admission.borne_by(_secret(request, body))
        except Failed as problem:
            await self._admission.slow(request, problem)
            raise
        former = cookie_of(request)
        if former is not None:
            await self._admission.sign_out(former)
        secret, session = await self._admission.sign_in(grant, tied_to)
        response = answer(session_shown(grant, session.expires))
        encrypted = is_encrypted(request)
        response.set_cookie(
            SECURE_COOKIE if encrypted else COOKIE,
            secret,
            max_age=int((session.expires - self._clock.now()).total_seconds()),
            path="/",
            secure=encrypted,
            httponly=True,
            samesite="Strict",
        )
        return response

    async def read(self, request: web.Request) -> web.Response:
        """Says who asks, by cookie or by token, and what they may do."""
        try:
            grant = self._admission.who(request)
            return answer(session_shown(grant, self._admission.end_of_session(request)))
        except Failed as problem:
            await self._admission.slow(request, problem)
            raise

    async def sign_out(self, request: web.Request) -> web.Response:
        """Signs the browser out. A token in the header Authorization stays good."""
        cookie = cookie_of(request)
        response = web.Response(status=204)
        if cookie is not None:
            await self._admission.sign_out(cookie)
            for name in (SECURE_COOKIE, COOKIE):
                response.del_cookie(name, path="/", secure=name == SECURE_COOKIE, httponly=True, samesite="Strict")
        return response


def session_shown(grant: Grant, until: datetime | None = None) -> SessionShown:
    """Who asks, as it is shown; `until` is the end of the session, where there is one."""
    return SessionShown(
        holder=grant.holder,
        scopes=[scope for scope in SCOPES if scope in grant.scopes],
        accounts=None if grant.accounts is None else sorted(grant.accounts),
        expires=min((each for each in (grant.expires, until) if each is not None), default=None),
    )


def _secret(request: web.Request, body: SessionBody) -> str:
    if body.token is not None:
        return body.token.get_secret_value()
    if "Authorization" in request.headers:
        return secret_in(request)
    raise Problem(
        401,
        "token-wanted",
        'Send a token of the daemon: {"token": "…"}, or in the header Authorization: Bearer …',
        headers=challenge(),
    )
