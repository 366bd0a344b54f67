"""A scripted server on a real socket, for what no well-behaved server would do; and one in threads, where there is no loop."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Heard:
    """One request as it came in: its first line, its headers by lower-case name, its body, and on which connection."""

    line: str
    headers: dict[str, str]
    body: bytes
    connection: int


@dataclass(slots=True)
class Listening:
    """The server's address, and everything it heard so far."""

    port: int
    scheme: str
    heard: list[Heard] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"


def http(status: int, body: bytes = b"", **headers: str) -> bytes:
    """A well-formed answer; an underscore in a header's name stands for a dash."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


async def drop(writer: asyncio.StreamWriter) -> None:
    """Closes the connection without a word."""
    writer.close()


async def reset(writer: asyncio.StreamWriter) -> None:
    """Tears the connection down."""
    writer.transport.abort()


async def hang(_: asyncio.StreamWriter) -> None:
    """Never answers."""
    await asyncio.Event().wait()


@asynccontextmanager
async def listening(*replies: Reply, tls: ssl.SSLContext | None = None) -> AsyncIterator[Listening]:
    """Serves the replies in their order, one a request, the last one again and again."""
    here = Listening(port=0, scheme="http" if tls is None else "https")
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        here.connections += 1
        connection = here.connections
        try:
            while not writer.is_closing():
                here.heard.append(await _request(reader, connection))
                reply = replies[min(len(here.heard), len(replies)) - 1]
                if isinstance(reply, bytes):
                    writer.write(reply)
                    await writer.drain()
                else:
                    await reply(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            serving.discard(task)
            writer.close()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.get_running_loop().create_task(serve(reader, writer), name="serve"))

    server = await asyncio.start_server(begin, "127.0.0.1", 0, ssl=tls)
    here.port = server.sockets[0].getsockname()[1]
    try:
        yield here
    finally:
        server.close()
        unfinished = list(serving)
        for task in unfinished:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*unfinished, return_exceptions=True)


async def _request(reader: asyncio.StreamReader, connection: int) -> Heard:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Heard(line=head[0], headers=headers, body=body, connection=connection)


class Quiet(BaseHTTPRequestHandler):
    """Answers with connections kept, and logs nothing."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- as it is called there
        """Says nothing."""


@contextmanager
def serving(handler: type[Quiet], port: int = 0) -> Iterator[str]:
    """A server in threads of this process, up until the end of the context; its URL."""
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="server")
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
