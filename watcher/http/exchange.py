"""One request over a connection of the pool, and its answer: what aiohttp's session does, without what nobody here wants.

A session merges headers anew, keeps cookies, follows redirects, sends again by itself what met a closed connection, and starts a
task that writes the body: a third of what a request costs. Here the same connector and parser of aiohttp's do the rest.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple, Protocol

from aiohttp import (
    BaseConnector,
    ClientRequest,
    ClientResponseError,
    ClientTimeout,
    StreamReader,
)
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpProcessingError, RawResponseMessage
from yarl import URL

INTERIM_MOST: Final = 16
"""Interim answers (1xx) that may precede an answer."""


class Destination(NamedTuple):
    """Where requests to a server, or to one URL of it, go: made ready once. `request` stands for all of them: the connector reads
    from it what connection they need, and its headers are common to them. `target` is how the URL is written in their first line,
    `common` are those headers as they are written; None where a proxy is in between, for which the connector adds one."""

    request: ClientRequest
    target: str
    common: str | None

    def __repr__(self) -> str:
        return f"Destination({self.request.url.origin()})"  # what stands behind, and in headers, may be a secret


@dataclass(slots=True, kw_only=True)
class Question:
    """A request. Of its headers those that all have in common are left out, and those that frame it. They are not
    shown where it is printed: credentials may be among them."""

    destination: Destination
    method: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None


class Answer(Protocol):
    """Takes of an answer what is wanted."""

    async def take(self, message: RawResponseMessage, content: StreamReader) -> None: ...


Permit = Callable[[ResponseHandler], Awaitable[None]]
"""Is asked when the connection stands and nothing but sending is left to do: returns when the request may go out over it, or
raises."""


def destination_of(url: URL, *, headers: Mapping[str, str], proxy: str | None = None) -> Destination:
    """Raises ValueError where aiohttp cannot make sense of the URL."""
    over = None if proxy is None else URL(proxy)
    # Asked to build a tunnel, the connector adds Host to the headers for the proxy: were it not there before, connections would
    # not be found again, for these headers are part of what a connection is known by.
    to_proxy = None if over is None else {"Host": url.host_port_subcomponent or "", **headers}
    request = ClientRequest("GET", url, headers=headers, proxy=over, proxy_headers=to_proxy)
    target = url.raw_path_qs if over is None or request.is_ssl() else str(url)
    return Destination(request, target, _lines(request.headers) if over is None else None)


async def exchange(
    connector: BaseConnector, question: Question, answer: Answer, limits: ClientTimeout, permit: Permit | None = None
) -> None:
    """Sends the request, once, and takes the answer as far as it is wanted; what came before a failure stays in `answer`.
    How long all of it may take is the caller's to say; `limits` are for connecting.

    Raises what aiohttp does (ClientError, OSError, ValueError).
    """
    connection = await connector.connect(question.destination.request, [], limits)
    try:
        protocol = connection.protocol
        assert protocol is not None  # noqa: S101 # it was not given back yet
        if permit is not None:
            await permit(protocol)
        _send(protocol, question)
        await _take(protocol, question, answer)
    except BaseException:
        connection.close()
        raise
    if _writes(protocol):
        connection.close()  # it was answered before all of the request was taken: what follows would be the rest of it
    else:
        connection.release()  # which closes it where the answer was not read to its end


def _send(protocol: ResponseHandler, question: Question) -> None:
    """Writes all of it at once; what the system does not take yet stays in the transport's buffer, which holds any request."""
    request = _bytes_of(question)
    protocol.set_response_params(read_until_eof=True, auto_decompress=False)
    # A server may speak first, and be refused for it: then reading says why.
    if protocol.transport is not None and not protocol.transport.is_closing():
        protocol.transport.write(request)


def _writes(protocol: ResponseHandler) -> bool:
    """Whether the system did not take all that was sent yet."""
    return protocol.transport is not None and protocol.transport.get_write_buffer_size() > 0


async def _take(protocol: ResponseHandler, question: Question, answer: Answer) -> None:
    """The first that is more than an interim answer, and of its body what is kept."""
    try:
        message, content = await _first(protocol)
    except HttpProcessingError as error:
        asked = question.destination.request.request_info
        raise ClientResponseError(asked, (), status=error.code, message=error.message) from error
    await answer.take(message, content)


async def _first(protocol: ResponseHandler) -> tuple[RawResponseMessage, StreamReader]:
    message, content = await protocol.read()
    interim = 0
    while 100 <= message.code < 200 and message.code != 101:
        interim += 1
        if interim > INTERIM_MOST:
            raise HttpProcessingError(code=message.code, message=f"more than {INTERIM_MOST} interim answers")
        message, content = await protocol.read()
    return message, content


def _bytes_of(question: Question) -> bytes:
    """The request as it is sent. Raises ValueError where a header cannot be."""
    destination, body = question.destination, question.body
    common = _lines(destination.request.headers) if destination.common is None else destination.common
    head = f"{question.method} {destination.target} HTTP/1.1\r\n{common}{_lines(question.headers)}"
    if body is None:
        return f"{head}\r\n".encode()
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _lines(headers: Mapping[str, str]) -> str:
    if not "".join(headers.values()).isprintable():
        raise ValueError("a header that would end its line, or that nobody sees")
    return "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
