"""Connections to receivers: what they note of a journey, and how much of an answer they let in, whatever a receiver sends.

aiohttp bounds a header and their number, but neither how many interim answers (1xx) precede an answer nor what may come around
its body; and it would take what a receiver sends unasked on an idle connection for the answer to the next request.
"""

import ssl
from asyncio import AbstractEventLoop, BaseTransport
from functools import partial
from typing import Any, Final

from aiohttp import ClientPayloadError, StreamReader, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpProcessingError, RawResponseMessage

from watcher.http.exchange import INTERIM_MOST
from watcher.webhooks.guard import Guard
from watcher.webhooks.journey import JOURNEY, Journey

KEEPALIVE: Final = 15.0
"""Seconds an idle connection to a receiver is kept."""
NAMES_KEPT: Final = 30
"""Seconds for which it is remembered what a name stands for; the guard looks at each connection anew."""
CANDIDATES_MOST: Final = 16
"""Addresses of one name that are tried; a name may stand for thousands, and each costs time."""

SLICE: Final = 16 * 1024
"""Bytes that are read of an answer at a time, until its headers are complete."""
HEAD_END: Final = b"\r\n\r\n"
HEAD_MOST: Final = 64 * 1024
"""Bytes up to the end of an answer's headers, all interim answers included."""
ANSWER_MOST: Final = 1024 * 1024
"""Bytes in all that come while the first of a body are read: what is more than that is framing without end."""


class Connection(ResponseHandler):
    """One connection, under one request after another."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        super().__init__(loop)
        self._journey: Journey | None = None
        self._address: str | None = None
        self._requests = 0
        self._params: dict[str, Any] = {}
        self._expect_answer()

    def _expect_answer(self) -> None:
        self._content: StreamReader | None = None
        self._interim = 0
        self._received = 0

    def connection_made(self, transport: BaseTransport) -> None:
        super().connection_made(transport)
        peer = transport.get_extra_info("peername")
        self._address = str(peer[0]) if peer else None
        journey = JOURNEY.get()
        if journey is not None:
            journey.note_open(self._address)

    def set_response_params(self, **params: Any) -> None:
        """Called for each request, before it is sent."""
        self._journey = JOURNEY.get()
        if self._journey is not None:
            self._journey.note_request(self._address, reused=self._requests > 0)
        self._requests += 1
        self._expect_answer()
        if self._parser is None or params != self._params:  # else the parser reads one answer after another
            self._params = params
            super().set_response_params(**params)

    def data_received(self, data: bytes) -> None:
        if not data:  # nothing came: aiohttp goes on with what it had put aside
            super().data_received(data)
            return
        if self._journey is not None:
            self._journey.note_answer()
        while data and self.is_connected():
            piece, data = (data, b"") if self._content is not None else _cut(data)
            self._take(piece)

    def _take(self, data: bytes) -> None:
        if self._content is not None and self._content.is_eof():
            self.abort()  # nothing was asked for: it must not be there when the next request looks for its answer
            return
        self._received += len(data)
        super().data_received(data)
        if self._content is not None and not self._content.is_eof() and self.exception() is not None:
            self._content.set_exception(ClientPayloadError("not framed as it should be"))  # aiohttp would wait on
        elif self._content is None and self._interim > INTERIM_MOST:
            self._refuse(f"more than {INTERIM_MOST} interim answers")
        elif self._content is None and self._received > HEAD_MOST:
            self._refuse(f"more than {HEAD_MOST} bytes of headers")
        elif self._received > ANSWER_MOST:
            self._refuse(f"more than {ANSWER_MOST} bytes around a body")

    def feed_data(self, data: tuple[RawResponseMessage, StreamReader], size: int = 0) -> None:
        """The headers of an answer are complete."""
        message, content = data
        if 100 <= message.code < 200 and message.code != 101:
            self._interim += 1
        else:
            self._content = content
        super().feed_data(data, size)

    def _refuse(self, why: str) -> None:
        content = self._content
        self.abort()
        self.set_exception(HttpProcessingError(message=why))
        if content is not None:
            content.set_exception(ClientPayloadError(why))

    def close(self) -> None:
        """At once where the receiver does not read what was sent to it: a polite close would wait for that, without end."""
        if self._writes():
            self.abort()
        else:
            super().close()

    def _writes(self) -> bool:
        """Whether the system did not take all that was sent yet."""
        return self.transport is not None and self.transport.get_write_buffer_size() > 0


def _cut(data: bytes) -> tuple[bytes, bytes]:
    """Headers apart from what follows them, for where that is unsound the code still counts; and not too much of them at once."""
    end = data.find(HEAD_END)
    cut = SLICE if end < 0 else min(end + len(HEAD_END), SLICE)
    return data[:cut], data[cut:]


class Connector(TCPConnector):
    """Makes such connections, to addresses that the guard lets through."""

    def __init__(self, *, guard: Guard, tls: ssl.SSLContext, resolver: AbstractResolver) -> None:
        """`tls` must verify certificates and names: ValueError where it does not. It is made to note when a handshake begins."""
        if tls.verify_mode is not ssl.CERT_REQUIRED or not tls.check_hostname:
            raise ValueError("receivers' certificates are always verified")
        tls.sslobject_class = Handshake
        super().__init__(
            limit=0,
            keepalive_timeout=KEEPALIVE,
            ttl_dns_cache=NAMES_KEPT,
            ssl=tls,
            resolver=resolver,
            socket_factory=guard,
        )
        self._factory = partial(Connection, loop=self._loop)  # type: ignore[assignment] # one of those


class FewCandidates(AbstractResolver):
    """Another resolver's answers, of each name only the first few."""

    def __init__(self, resolver: AbstractResolver) -> None:
        self._resolver = resolver

    async def resolve(self, host: str, *args: Any, **kwargs: Any) -> list[ResolveResult]:
        return (await self._resolver.resolve(host, *args, **kwargs))[:CANDIDATES_MOST]

    async def close(self) -> None:
        await self._resolver.close()


class Handshake(ssl.SSLObject):
    """Notes when TLS begins; when it is done, the connection is made."""

    _begun = False

    def do_handshake(self) -> None:
        journey = JOURNEY.get()
        if journey is not None and not self._begun:
            journey.note_handshake()
        self._begun = True  # what follows are the later steps of the same one
        super().do_handshake()


def tls_context(ca_file: str | None = None) -> ssl.SSLContext:
    """Verifies receivers' certificates by the system's authorities, and by those of a file in PEM format beside them.

    Raises OSError (of which ssl.SSLError is one) where the file cannot be read or holds no certificate.
    """
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return context
