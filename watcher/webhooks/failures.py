"""Why there was no answer: the kind of failure, for what follows and for metrics, and a short word for people.

The word never holds a URL, for its path and query may be secret, nor a piece of the answer.
"""

import os
import socket
import ssl
from typing import Final, NamedTuple

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientHttpProxyError,
    ClientPayloadError,
    ClientProxyConnectionError,
    ClientResponseError,
    ClientSSLError,
)

from watcher.http.files import NO_FILE, no_file_left
from watcher.webhooks.journey import Journey

DETAIL_LENGTH: Final = 200
GATEWAY_CODES: Final = frozenset({502, 503, 504})
"""With these a proxy says that it works, and that it could not reach the receiver."""


class Failure(NamedTuple):
    """What kind of failure, and a word on it."""

    kind: str
    detail: str


def failure_of(error: Exception, journey: Journey, *, proxied: bool, tls: bool) -> Failure:
    """What an exception of aiohttp means for a request that went so far. `proxied` and `tls`: it goes through a proxy, and to an
    https:// URL."""
    if no_file_left(error):
        return failed("files", NO_FILE)
    if proxied:
        failure = _of_proxy(error, journey, in_tunnel=tls and journey.handshaking is None and not journey.reused)
        if failure is not None:
            return failure
    match error:
        case ClientConnectorDNSError():
            return failed("dns", f"the name cannot be looked up: {_system(error.os_error)}")
        case ClientConnectorCertificateError(certificate_error=ssl.SSLCertVerificationError() as untrusted):
            return failed("tls", f"the certificate is not trusted: {untrusted.verify_message}")
        case ssl.SSLError():
            return failed("tls", _tls(error))
        case TimeoutError():
            return _of_time(journey)
        case ClientConnectorError() if journey.refused and not journey.tried:
            return failed("refused", journey.refused[0])
        case ClientConnectorError():
            return failed("connect", _connecting(error, journey))
        case ClientResponseError() | ClientPayloadError():
            return failed("bad_answer", _answer(error))
        case ValueError():
            return NO_URL
        case _:
            when = "before it answered" if journey.heard is None else "in the middle of its answer"
            return failed("reset", f"the receiver closed the connection {when}")


def failed(kind: str, detail: str) -> Failure:
    """With the detail on one line, and cut."""
    return Failure(kind, " ".join("".join(c if c.isprintable() else " " for c in detail).split())[:DETAIL_LENGTH])


NO_URL: Final = failed("bad_url", "the URL is none that can be asked")
"""For what only aiohttp, or whoever looks names up, can make no sense of."""


def dropped(error: Exception, journey: Journey) -> bool:
    """Whether the connection went away before the first byte of an answer."""
    if isinstance(error, TimeoutError | ClientConnectorError | ClientResponseError | ClientPayloadError):
        return False
    return journey.heard is None


def _of_proxy(error: Exception, journey: Journey, *, in_tunnel: bool) -> Failure | None:
    """A failure of the proxy itself; None where it is none."""
    match error:
        case ClientHttpProxyError() if error.status in GATEWAY_CODES:
            return failed("connect", f"the proxy answered {error.status}: it could not reach the receiver")
        case ClientHttpProxyError():
            return failed("proxy", f"the proxy answered {error.status}")
        case ClientProxyConnectionError() | ClientConnectorDNSError():
            why = journey.refused[0] if journey.refused and not journey.tried else _system(error.os_error)
            return failed("proxy", f"the proxy cannot be connected to: {why}")
        case TimeoutError() if journey.opened is None:
            return failed("proxy", "the proxy was not connected to in time")
        case TimeoutError():
            return None
        case _ if in_tunnel and journey.asked is not None:
            return failed("proxy", "the proxy gave no sound answer")
    return None


def _of_time(journey: Journey) -> Failure:
    """Where the time ran out."""
    if journey.reused or journey.opened is not None:
        return failed("timeout", "no answer in time" if journey.heard is None else "the answer did not end in time")
    if journey.resolved is None:
        return failed("dns", "the name was not looked up in time")
    if journey.handshaking is not None:
        return failed("connect", f"{journey.address}: the TLS handshake was not done in time")
    return failed("connect", f"{_addresses(journey)}: not connected in time")


def _connecting(error: ClientConnectorError, journey: Journey) -> str:
    if journey.refused:  # aiohttp has the error of whichever address came last
        return f"{_addresses(journey)}: not connected; and {journey.refused[0]}"
    return f"{_addresses(journey)}: {_system(error.os_error)}"


def _addresses(journey: Journey) -> str:
    """Those that were tried, each once: aiohttp goes over them again and again."""
    return ", ".join(dict.fromkeys(journey.tried)) or "no address"


def _system(error: OSError) -> str:
    """What the system says, without what others put around it."""
    if error.errno is not None and error.errno > 0 and not isinstance(error, socket.gaierror):
        return os.strerror(error.errno)
    return error.strerror or str(error) or type(error).__name__


def _tls(error: ssl.SSLError) -> str:
    inner = error.os_error if isinstance(error, ClientSSLError) else error
    reason = inner.reason if isinstance(inner, ssl.SSLError) else None
    return f"TLS failed: {reason.replace('_', ' ').lower() if reason else _system(inner)}"


def _answer(error: ClientResponseError | ClientPayloadError) -> str:
    if isinstance(error, ClientPayloadError):
        return "the answer ended too early, or was not framed as it should be"
    # Behind the colon stands a piece of the answer.
    return f"the answer is not sound HTTP: {error.message.partition(':')[0]}"
