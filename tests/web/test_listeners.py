"""A client that does not keep up is let go, and nobody waits for it."""

import socket
from collections.abc import Callable
from typing import Any

import pytest

from tests.web.hearing import Hearer, Told, beat, go_on, hearing, told
from tests.web.house import House
from watcher.core.news import News, StreamClosed
from watcher.core.tokens import Grant
from watcher.web.auth import LOOPBACK
from watcher.web.frames import frames
from watcher.web.listeners import ENDINGS, FULL, UNTAKEN, Listener, Listeners
from watcher.web.problems import Problem
from watcher.web.visible import GRANT, STANDS

SENT = frames(b"id: 1\n\n")


class FakeTransport:
    """A connection whose other end takes only what the test says."""

    def __init__(self) -> None:
        self.untaken = 0
        self.written: list[bytes] = []
        self.closing = False
        self.aborted = False

    def get_write_buffer_size(self) -> int:
        return self.untaken

    def write(self, data: bytes) -> None:
        self.written.append(data)
        self.untaken += len(data)

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.aborted = True


class FakeRequest(dict[Any, Any]):
    def __init__(self, transport: FakeTransport | None, version: tuple[int, int] = (1, 1)) -> None:
        super().__init__({STANDS: self, GRANT: LOOPBACK})
        self.stands = True
        self.transport = transport
        self.version = version

    def admit(self) -> Grant:
        if not self.stands:
            raise Problem(401, "token-wrong", "It was removed.")
        return LOOPBACK


class FakeResponse:
    """An answer that has begun. What is written to it goes wrong as the test says."""

    prepared = True

    def __init__(self, fails: Exception | None = None) -> None:
        self.ended = False
        self.written: list[bytes] = []
        self.writing: Callable[[bytes], None] = lambda _: None  # what happens meanwhile
        self._fails = fails

    def stop_streaming(self) -> None:
        self.ended = True

    async def write(self, part: bytes) -> None:
        self.writing(part)
        if self._fails is not None:
            raise self._fails
        self.written.append(part)


def listener(
    transport: FakeTransport | None, *, version: tuple[int, int] = (1, 1), fails: Exception | None = None
) -> tuple[Listener, FakeRequest, FakeResponse]:
    request, response = FakeRequest(transport, version), FakeResponse(fails)
    made: Any = Listener(request, response)  # type: ignore[arg-type]  # hand-written stand-ins
    return made, request, response


def said(transport: FakeTransport) -> Any:
    """The kind of the problem that was written last, as a chunk."""
    _, text, _ = transport.written[-1].split(b"\r\n")
    event = told(text)
    assert event.event == "error"
    return event.data["type"].removeprefix("/problems/")


async def test_what_is_sent_is_written_as_a_chunk_and_to_old_clients_as_it_is() -> None:
    for version, written in (((1, 1), b"7\r\nid: 1\n\n\r\n"), ((1, 0), b"id: 1\n\n")):
        transport = FakeTransport()
        one, _, _ = listener(transport, version=version)
        one.send(SENT)
        assert transport.written == [written]


async def test_who_has_too_much_before_it_is_let_go_and_may_read_why() -> None:
    transport = FakeTransport()
    one, _, response = listener(transport)
    transport.untaken = FULL
    one.send(SENT)
    assert len(transport.written) == 1
    one.send(SENT)
    assert (one.reason, said(transport), response.ended) == ("slow", "too-slow", True)
    assert transport.closing
    one.send(SENT)
    assert len(transport.written) == 2


async def test_who_takes_nothing_between_two_looks_is_let_go() -> None:
    transport = FakeTransport()
    one, _, _ = listener(transport)
    for taken in (12, 1, 12, 3):
        one.send(SENT)
        one.look()
        transport.untaken -= taken
    one.look()
    transport.untaken = 0
    one.look()
    one.look()
    assert len(transport.written) == 4
    one.send(SENT)
    one.look()
    one.look()
    assert (one.reason, said(transport)) == ("stalled", "too-slow")


async def test_whose_token_is_good_no_longer_is_let_go() -> None:
    transport = FakeTransport()
    one, request, _ = listener(transport)
    one.look()
    assert transport.written == []
    request.stands = False
    one.look()
    assert (one.reason, said(transport)) == ("token", "token-wrong")


async def test_who_is_gone_is_noticed_when_there_is_something_to_write() -> None:
    closing = FakeTransport()
    closing.closing = True
    for transport in (None, closing):
        one, _, response = listener(transport)
        assert one.untaken == 0
        one.send(SENT)
        assert (one.reason, response.ended) == ("left", True)
    assert closing.written == []


@pytest.mark.parametrize("closing", [True, False])
async def test_nothing_begins_for_one_that_went_while_all_was_made_ready_for_it(*, closing: bool) -> None:
    transport = FakeTransport() if closing else None
    if transport is not None:
        transport.closing = True
    heard: list[News] = []
    listeners = Listeners(tell=heard.append)
    request: Any = FakeRequest(transport)
    with pytest.raises(Problem, match=ENDINGS["left"][2]):
        async with listeners.listening(request, "events"):
            pytest.fail("it went")
    assert (len(listeners), heard) == (0, [])


@pytest.mark.parametrize(
    ("fails", "reason"), [(TimeoutError(), "stalled"), (ConnectionResetError(), "left"), (None, None)]
)
async def test_what_is_for_one_alone_is_waited_for_as_long_as_there_is_patience(
    fails: Exception | None, reason: str | None
) -> None:
    one, _, _ = listener(FakeTransport(), fails=fails)
    await one.write(b"a", b"b")
    await one.write(b"c")
    assert one.reason == reason


async def test_nothing_more_is_written_to_one_that_was_let_go_while_it_was_written_to() -> None:
    one, _, response = listener(FakeTransport())

    def let_go(part: bytes) -> None:
        if part == b"b":
            one.end("token")

    response.writing = let_go
    await one.write(b"a", b"b", b"c")
    assert response.written == [b"a", b"b"]


async def test_the_first_reason_is_the_one_that_counts() -> None:
    transport = FakeTransport()
    one, _, _ = listener(transport)
    one.end("stopping")
    one.end("left")
    assert (one.reason, len(transport.written), transport.closing) == ("stopping", 1, False)
    transport.untaken = UNTAKEN + 1
    await one.ended()


async def next_event(hearer: Hearer) -> Told:
    """The next one that is no sign of life: a minute passes with each portion."""
    event = await hearer.next()
    return await hearer.next() if event.comment else event


async def test_a_client_that_reads_nothing_is_let_go_while_others_hear_everything(house: House) -> None:
    """Over a real connection: what the system itself holds of it, some megabytes, comes before our own bound."""
    labels = {f"label-{number}": "x" * 500 for number in range(50)}
    lazy = socket.socket()
    lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    lazy.connect(("127.0.0.1", int(house.url.rpartition(":")[2])))
    lazy.sendall(b"GET /v1/events/stream HTTP/1.1\r\nHost: %b\r\n\r\n" % house.url.removeprefix("http://").encode())
    try:
        async with hearing(house) as hearer:
            await hearer.next()
            heard = happened = 0
            while not house.ear.of(StreamClosed):
                for _ in range(20):
                    happened += 1
                    await house.ask("PUT", f"/v1/accounts/default/batches/{happened}", json={"labels": labels})
                    await house.see(happened, "ACTIVE")
                await go_on(house)
                while heard < happened:
                    heard += 1
                    assert (await next_event(hearer)).data["data"]["batch_id"] == heard
                assert happened < 2000
            assert house.ear.of(StreamClosed) == [StreamClosed(stream="events", reason="slow")]
            await beat(house)
            assert (await hearer.next()).comment == "alive"
    finally:
        lazy.close()
