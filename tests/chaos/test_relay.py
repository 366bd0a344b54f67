"""The wire that campaigns put in between: it hands on what is said, and does to it what it is told to."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.chaos.relay import COMMIT, Relay, address, relays

PATIENCE = 60.0
GET = b"GET /v2/campaigns/batches/13 HTTP/1.1\r\nHost: here\r\nAuthorization: Basic bm9ydGg6cGFzc3dvcmQ=\r\n\r\n"


class Parrot:
    """Says back what is said to it, and keeps it."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self._listening.getsockname()
        self._threads = [threading.Thread(target=self._listen, name="parrot")]
        self._threads[0].start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._answer, args=(connection,), name="parrot")
            self._threads.append(thread)
            thread.start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            while said := _said(connection):
                self.heard.append(said)
                connection.sendall(said)

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for thread in self._threads:
            thread.join(PATIENCE)


def _said(connection: socket.socket) -> bytes:
    """What comes next; nothing where the connection is over."""
    try:
        return connection.recv(65536)
    except ConnectionError:
        return b""


@pytest.fixture
def parrot() -> Iterator[Parrot]:
    parrot = Parrot()
    yield parrot
    parrot.close()


@pytest.fixture
def wire(parrot: Parrot) -> Iterator[Relay]:
    with relays([parrot.address]) as [wire]:
        yield wire


@contextmanager
def connected(wire: Relay) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", wire.port), PATIENCE) as connection:
        yield connection


def test_an_open_wire_hands_on_both_ways(wire: Relay) -> None:
    with connected(wire) as one, connected(wire) as other:
        for connection, said in ((one, b"first"), (other, b"second"), (one, b"third")):
            connection.sendall(said)
            assert connection.recv(100) == said


def test_a_commit_that_is_cut_off_goes_through_and_nobody_is_told(wire: Relay, parrot: Parrot) -> None:
    """And the next one is answered."""
    with connected(wire) as cut, connected(wire) as whole:
        cut.sendall(b"BEGIN\x00")
        assert cut.recv(100) == b"BEGIN\x00"
        wire.cut_commits(1)
        cut.sendall(COMMIT)
        assert _said(cut) == b""
        whole.sendall(COMMIT)
        assert whole.recv(100) == COMMIT
    assert (parrot.heard, wire.cuts) == ([b"BEGIN\x00", COMMIT, COMMIT], 1)


def test_a_silent_wire_says_nothing_until_it_is_open_again(wire: Relay, parrot: Parrot) -> None:
    with connected(wire) as before:
        before.sendall(b"before")
        assert before.recv(100) == b"before"
        wire.be("silent")
        before.sendall(b"during")
        with connected(wire) as new:
            new.sendall(b"new")
            assert parrot.heard == [b"before"]
            wire.be("open")
            assert (before.recv(100), new.recv(100)) == (b"during", b"new")


def test_a_closed_wire_ends_connections_and_takes_no_new_ones(wire: Relay, parrot: Parrot) -> None:
    with connected(wire) as before:
        before.sendall(b"before")
        assert before.recv(100) == b"before"
        wire.be("closed")
        assert _said(before) == b""
    with connected(wire) as new:
        assert _said(new) == b""
    wire.be("open")
    with connected(wire) as after:
        after.sendall(b"after")
        assert after.recv(100) == b"after"
    assert parrot.heard == [b"before", b"after"]


def test_whose_login_a_request_has_is_noted(wire: Relay) -> None:
    with connected(wire) as connection:
        connection.sendall(GET)
        assert connection.recv(1000) == GET
    assert [each.login for each in wire.asked] == ["north"]


def test_an_address_is_taken_out_of_a_url() -> None:
    assert address("http://127.0.0.1:8080/v2") == ("127.0.0.1", 8080)
