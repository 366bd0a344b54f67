"""Who may ask: with a token whoever bears it, without one only this machine, and no other site's page ever."""

import hashlib
import hmac
import ipaddress
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from watcher.web.problems import Problem, cut

OPEN_PATHS: Final = frozenset({"/livez", "/readyz"})
"""Asked by orchestrators, which have no token; they say no more than whether things are well."""

LOCAL_PATHS: Final = frozenset({"/metrics"})
"""May be read from this machine without the token, also where there is one."""

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """Lets a request through, or raises the Problem that says why not and what to do."""

    def __init__(self, token: str | None) -> None:
        self._digest = None if token is None else _digest(token)

    def middleware(self) -> Middleware:
        """The guard as it stands before every handler."""

        @web.middleware
        async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.check(request)
            return await handler(request)

        return guard

    def check(self, request: web.Request) -> None:
        """Returns where the request may go on."""
        _refuse_other_sites(request)
        if request.path in OPEN_PATHS:
            return
        if self._digest is None:
            _require_local(request)
        elif "Authorization" not in request.headers:
            if request.path not in LOCAL_PATHS or not _is_local(request):
                raise Problem(
                    401,
                    "token-wanted",
                    "Send the daemon's token in the header Authorization: Bearer …",
                    headers={"WWW-Authenticate": 'Bearer realm="watcher"'},
                )
        elif not self._bears_token(request):
            raise Problem(
                401,
                "token-wrong",
                "The header Authorization must be «Bearer», a space, and the daemon's token.",
                headers={"WWW-Authenticate": 'Bearer realm="watcher", error="invalid_token"'},
            )

    def _bears_token(self, request: web.Request) -> bool:
        given = request.headers.getall("Authorization")
        scheme, _, token = given[0].partition(" ")
        good = hmac.compare_digest(_digest(token.strip()), self._digest or b"")
        return good and len(given) == 1 and scheme.lower() == "bearer"


def _digest(token: str) -> bytes:
    """Of equal length whatever the token's: comparing tells nothing, not even how long it is."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _require_local(request: web.Request) -> None:
    if not _from_loopback(request):
        raise Problem(
            403,
            "local-only",
            "Without a token only this machine may ask. Set WATCHER_API_TOKEN (http.token) and send it as a bearer token.",
        )
    if not _for_loopback(request):
        raise Problem(
            403,
            "wrong-host",
            f"Without a token the request must be for localhost, 127.0.0.1 or [::1] at port {_port(request)}, "
            f"not for {cut(request.headers.get('Host', 'no host at all'))}. "
            "Ask there, or set WATCHER_API_TOKEN (http.token) and send it as a bearer token.",
        )


def _is_local(request: web.Request) -> bool:
    return _from_loopback(request) and _for_loopback(request)


def _from_loopback(request: web.Request) -> bool:
    """By the socket's other end: a header like X-Forwarded-For can say anything."""
    peer = request.transport.get_extra_info("peername") if request.transport is not None else None
    return isinstance(peer, tuple) and _is_loopback(str(peer[0]))


def _for_loopback(request: web.Request) -> bool:
    """Whether the Host header names this machine at this port. A page of another site that had its name point here
    (DNS rebinding) would send its own name."""
    hosts = request.headers.getall("Host", [])
    if len(hosts) != 1:
        return False
    host, colon, port = hosts[0].rpartition(":")
    if not colon or hosts[0].endswith("]"):
        host, port = hosts[0], "80"
    here = _port(request)
    if here is None or not (port.isascii() and port.isdigit() and len(port) <= 5 and int(port) == here):
        return False
    return host.lower() == "localhost" or _is_loopback(host.removeprefix("[").removesuffix("]"))


def _port(request: web.Request) -> int | None:
    socket = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return int(socket[1]) if isinstance(socket, tuple) else None


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _refuse_other_sites(request: web.Request) -> None:
    """A browser says where a page that writes comes from; only our own page may."""
    if request.method in SAFE_METHODS:
        return
    origin = request.headers.get("Origin")
    own = f"{request.scheme}://{request.headers.get('Host', '')}"
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    if (origin is not None and origin != own) or site not in ("same-origin", "none"):
        raise Problem(
            403,
            "wrong-origin",
            f"Pages of other sites may not write here; the request comes from {cut(origin or site)}.",
        )
