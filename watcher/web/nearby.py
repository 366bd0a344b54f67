"""Where a request comes from: this machine or another, our own page or another site's. By what cannot be made up: the socket's
other end, and headers that a browser sets itself. What proxies add (X-Forwarded-For and the like) anybody can say."""

import ipaddress
from typing import Final

from aiohttp import web

from watcher.web.problems import Problem, cut

PASSED_ON: Final = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")
"""What a proxy adds. Nobody is believed for it; but who says it says that they are not here."""
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})


def require_local(request: web.Request) -> None:
    """Returns where the request comes from this machine and is for it; a Problem where not."""
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


def is_local(request: web.Request) -> bool:
    """Whether it comes from this machine and is for it."""
    return _from_loopback(request) and _for_loopback(request)


def refuse_other_sites(request: web.Request) -> None:
    """A browser says where a page that writes comes from; only our own page may. It may have come over https where we are
    asked over http: from a proxy that ends TLS, and passes Host on."""
    if request.method in SAFE_METHODS:
        return
    origin = request.headers.get("Origin")
    host = request.headers.get("Host", "")
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    ours = (f"{request.scheme}://{host}", f"https://{host}")
    if (origin is not None and origin not in ours) or site not in ("same-origin", "none"):
        raise Problem(
            403,
            "wrong-origin",
            f"Pages of other sites may not write here; the request comes from {cut(origin or site)}.",
        )


def says_where_from(request: web.Request) -> bool:
    """Whether a browser told of what site the page is. Every one that is in use does when a page writes."""
    return "Origin" in request.headers or "Sec-Fetch-Site" in request.headers


def is_encrypted(request: web.Request) -> bool:
    """Whether the browser speaks https: it says so itself, also where a proxy ends TLS before us."""
    return request.secure or request.headers.get("Origin", "").startswith("https://")


def neighbourhood(request: web.Request) -> str:
    """Whoever the other end of the socket is: an IPv4 address, or the network that one is usually given of IPv6."""
    address = _peer(request)
    if address is None:
        return "unknown"
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((int(address), 64), strict=False))


def _from_loopback(request: web.Request) -> bool:
    """Whether it was sent on this machine, and not only passed on by a proxy that runs here."""
    if any(name in request.headers for name in PASSED_ON):
        return False
    address = _peer(request)
    return address is not None and address.is_loopback


def _peer(request: web.Request) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """By the socket's other end."""
    peer = request.transport.get_extra_info("peername") if request.transport is not None else None
    return _address(str(peer[0])) if isinstance(peer, tuple) else None


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
    address = _address(host.removeprefix("[").removesuffix("]"))
    return host.lower() == "localhost" or (address is not None and address.is_loopback)


def _port(request: web.Request) -> int | None:
    socket = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return int(socket[1]) if isinstance(socket, tuple) else None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped: ipaddress.IPv4Address | None = getattr(address, "ipv4_mapped", None)
    return mapped or address
