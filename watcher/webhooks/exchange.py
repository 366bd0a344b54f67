"""One request over a connection of the pool, and its answer: what aiohttp's session does, without what webhooks never want.

A session merges headers anew, keeps cookies, follows redirects, and starts a task that writes the body: a quarter of what a POST
costs. Here the same connector, writer and parser of aiohttp's do the rest.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from aiohttp import BaseConnector, ClientRequest, ClientResponseError, ClientTimeout, StreamReader
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpProcessingError, RawResponseMessage, StreamWriter
from yarl import URL

from watcher.webhooks.answer import Answer


class Destination(NamedTuple):
    """Where requests to a URL go, made ready once. `request` stands for all of them: the connector reads from it what connection
    they need, and its headers are common to them. `target` is how the URL is written in their first line."""

    request: ClientRequest
    target: str


@dataclass(slots=True, kw_only=True)
class Question:
    """A request. Of its headers those that all have in common are left out, and those that frame it."""

    destination: Destination
    method: str
    headers: Mapping[str, str]
    body: bytes | None


def destination_of(url: str, *, user_agent: str, proxy: str | None) -> Destination:
    """Raises ValueError where aiohttp cannot make sense of the URL."""
    there, over = URL(url), None if proxy is None else URL(proxy)
    common = {"User-Agent": user_agent, "Accept-Encoding": "identity"}
    # Asked to build a tunnel, the connector adds Host to the headers for the proxy: were it not there before, connections would
    # not be found again, for these headers are part of what a connection is known by.
    to_proxy = None if over is None else {"Host": there.host_port_subcomponent or "", **common}
    request = ClientRequest("GET", there, headers=common, proxy=over, proxy_headers=to_proxy)
    return Destination(request, there.raw_path_qs if over is None or request.is_ssl() else str(there))


async def exchange(connector: BaseConnector, question: Question, answer: Answer, limits: ClientTimeout) -> None:
    """Sends the request, once, and takes the answer as far as it is wanted; what came before a failure stays in `answer`.
    How long all of it may take is the caller's to say; `limits` are for connecting.

    Raises what aiohttp does (ClientError, OSError, ValueError).
    """
    connection = await connector.connect(question.destination.request, [], limits)
    try:
        assert connection.protocol is not None  # noqa: S101 # it was not given back yet
        await _send(connection.protocol, question)
        message, content = await _head_of_answer(connection.protocol, question)
        await answer.take(message, content)
    except BaseException:
        connection.close()
        raise
    connection.release()  # which closes it where the answer was not read to its end


async def _send(protocol: ResponseHandler, question: Question) -> None:
    """Writes all of it at once; what the system does not take yet stays in the transport's buffer, which holds any webhook."""
    headers = question.destination.request.headers.copy()
    headers.update(question.headers)
    if question.body is not None:
        headers["Content-Length"] = str(len(question.body))
    protocol.set_response_params(read_until_eof=True, auto_decompress=False)
    if not protocol.is_connected():
        return  # a receiver may speak first, and be refused for it: reading says why
    writer = StreamWriter(protocol, asyncio.get_running_loop())
    await writer.write_headers(f"{question.method} {question.destination.target} HTTP/1.1", headers)
    if question.body:
        await writer.write(question.body, drain=False)
    writer.set_eof()


async def _head_of_answer(protocol: ResponseHandler, question: Question) -> tuple[RawResponseMessage, StreamReader]:
    """The first that is more than an interim answer, and what its body is read from."""
    try:
        while True:
            message, content = await protocol.read()
            if not 100 <= message.code < 200 or message.code == 101:
                return message, content
    except HttpProcessingError as error:
        asked = question.destination.request.request_info
        raise ClientResponseError(asked, (), status=error.code, message=error.message) from error
