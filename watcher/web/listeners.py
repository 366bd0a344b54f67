"""The clients of all streams: how they are written to without waiting for any, and why one is let go.

One loop writes to all. What a client has not taken yet stands in its connection's buffer, which is looked at before each write:
nobody has a queue, and who does not keep up is let go and may come again.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final, Literal

from aiohttp import web
from aiohttp_sse import EventSourceResponse

from watcher.core.news import StreamClosed, StreamOpened, Tell
from watcher.core.tokens import Grant
from watcher.web.connection import notice_loss
from watcher.web.frames import Frames, frames, told
from watcher.web.problems import Problem
from watcher.web.shares import Shares
from watcher.web.visible import grant, stands

StreamName = Literal["events", "page"]
Reason = Literal["left", "slow", "stalled", "token", "store", "stopping"]
"""Why a stream ended: the client went away; it did not keep up; took nothing for a while; its token is good no longer; the store
failed; the daemon stops."""

MOST: Final = 2000
"""Clients at once, where nothing else is set."""
FULL: Final = 256 * 1024
"""Bytes that a client may have before it at most when there is more to write."""
UNTAKEN: Final = 64 * 1024
"""Bytes before a client from which on its connection takes no more without waiting."""
PATIENCE: Final = 30.0
"""Seconds in which a client must have taken what is written to it alone."""
LAST_WORDS: Final = 2.0
"""Seconds in which a client that is let go may read why."""
RETRY_AFTER: Final = 10
"""Seconds after which to try again where there are too many."""

ENDINGS: Final[Mapping[Reason, tuple[int, str, str]]] = {
    "left": (503, "stopping", "The stream ended. Come again with the last id."),
    "slow": (503, "too-slow", "More happened than was read. Come again with the last id, and read faster."),
    "stalled": (503, "too-slow", "Nothing was read for a while. Come again with the last id."),
    "token": (401, "token-wrong", "The token is good no longer, or for something else. Come again with one that is."),
    "store": (503, "store-unavailable", "The store cannot be read now. Come again with the last id."),
    "stopping": (503, "stopping", "The daemon was asked to stop. Come again with the last id."),
}
"""The problem that a client is told at the end, where it can be told."""


class Stream(EventSourceResponse):
    """The answer. Its heartbeat is that of the one loop; what the library has for it is only what the handler waits for."""

    async def _ping(self) -> None:
        await asyncio.get_running_loop().create_future()


class Listener:
    """One client."""

    __slots__ = ("_chunked", "_loop", "_request", "_sent", "_taken", "_untaken", "reason", "response")

    def __init__(self, request: web.Request, response: Stream) -> None:
        self.response = response
        self.reason: Reason | None = None
        self._request = request
        self._chunked = request.version >= (1, 1)
        self._loop = asyncio.get_running_loop()
        self._sent = 0
        self._taken = self._untaken = 0  # when it was last looked at

    @property
    def untaken(self) -> int:
        """Bytes that the client has not taken yet."""
        transport = self._request.transport
        return 0 if transport is None else transport.get_write_buffer_size()

    def send(self, sent: Frames) -> None:
        """Writes without waiting. A client that has too much before it already is let go."""
        if self.reason is not None:
            return
        transport = self._request.transport
        if transport is None or transport.is_closing():
            self.end("left")
        elif transport.get_write_buffer_size() > FULL:
            self.end("slow")
        else:
            transport.write(sent.chunk if self._chunked else sent.plain)
            self._sent += len(sent.chunk)

    async def write(self, *parts: bytes) -> None:
        """Writes and waits until the client has taken most of it: for what is for this client alone. It is let go where that
        takes too long."""
        try:
            async with asyncio.timeout(PATIENCE):
                for part in parts:
                    if self.reason is not None:  # while the last one was taken
                        return
                    await self.response.write(part)
                    self._sent += len(part)
        except TimeoutError:
            self.end("stalled")
        except ConnectionError:
            self.end("left")

    def look(self) -> None:
        """Looks whether the client may still listen, and has taken something since the last time where there was something."""
        if not stands(self._request):
            self.end("token")
        untaken = self.untaken
        taken = self._sent - untaken
        if self._untaken > 0 and taken <= self._taken:
            self.end("stalled")
        self._taken, self._untaken = taken, untaken

    def end(self, reason: Reason) -> None:
        """Ends the stream, and says why where that can be said. What is written later is not."""
        if self.reason is not None:
            return
        self.reason = reason
        transport = self._request.transport
        if transport is not None and not transport.is_closing():
            self._say_why(transport, reason)
        if self.response.prepared:
            self.response.stop_streaming()

    def _say_why(self, transport: asyncio.WriteTransport, reason: Reason) -> None:
        document = json.dumps(Problem(*ENDINGS[reason]).document(), separators=(",", ":")).encode()
        last = frames(told("error", document))
        untaken = transport.get_write_buffer_size()
        transport.write(last.chunk if self._chunked else last.plain)
        if untaken > UNTAKEN:  # the end of the answer would wait for it
            transport.close()
            self._loop.call_later(LAST_WORDS, transport.abort)

    async def ended(self) -> None:
        """Returns when the stream has ended."""
        if self.reason is None:
            await self.response.wait()


class Listeners:
    """All of them. `most` may listen at once, and of them no token has so many that none is left for others."""

    def __init__(self, *, tell: Tell, most: int = MOST) -> None:
        self._tell = tell
        self._places = Shares(most)
        self._all: set[Listener] = set()
        self._over = False

    def __len__(self) -> int:
        return len(self._all)

    def require_place(self, request: web.Request) -> None:
        """Returns where whoever asks may listen too: to be asked before anything is made ready for them. Else a Problem."""
        if self._over:
            raise Problem(*ENDINGS["stopping"], headers={"Retry-After": str(RETRY_AFTER)})
        if not self._places.fits(grant(request)):
            raise self._too_many(grant(request))

    @asynccontextmanager
    async def listening(self, request: web.Request, stream: StreamName, *first: bytes) -> AsyncIterator[Listener]:
        """A client whose answer has begun with these bytes, until the end of the context. A Problem where there are too many, or
        the daemon stops."""
        self.require_place(request)
        transport = request.transport
        if transport is None or transport.is_closing():  # it went while all was made ready for it: nothing could begin
            raise Problem(*ENDINGS["left"])
        asks = grant(request)
        self._places.take(asks)
        try:
            response = Stream(send_timeout=PATIENCE)
            response.headers["Cache-Control"] = "no-store"
            await response.prepare(request)
            listener = Listener(request, response)
            self._all.add(listener)
            self._tell(StreamOpened(stream=stream))
            notice_loss(request, lambda: listener.end("left"))
            try:
                await listener.write(*first)
                yield listener
            finally:
                notice_loss(request, None)
                self._all.discard(listener)
                listener.end("left")  # where the handler itself was ended
                self._tell(StreamClosed(stream=stream, reason=listener.reason or "left"))
        finally:
            self._places.give_back(asks)

    async def look_after(self) -> None:
        """Lets go who takes nothing, and whose token is good no longer."""
        for number, listener in enumerate(list(self._all)):
            listener.look()
            if number % 100 == 99:
                await asyncio.sleep(0)

    def end_all(self) -> None:
        """The daemon stops: every stream ends now, and none begins."""
        self._over = True
        for listener in list(self._all):
            listener.end("stopping")

    def _too_many(self, asks: Grant) -> Problem:
        places = self._places
        if places.free <= 0:
            return too_many(f"{places.most} clients listen already (http.streams).")
        return too_many(
            f"{places.of(asks)} clients listen already with this token, and what is free ({places.free}) is for others."
        )


def too_many(why: str) -> Problem:
    """What whoever asks for a stream is told where there is no room for another."""
    return Problem(503, "too-many-streams", f"{why} Try again later.", headers={"Retry-After": str(RETRY_AFTER)})
