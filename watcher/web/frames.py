"""Server-sent events as bytes: each is made once, however many clients it is written to."""

from typing import Final, NamedTuple

RETRY: Final = 2000
"""Milliseconds after which a client whose connection ended should come again."""


class Frames(NamedTuple):
    """Some server-sent events: as they are, and as a chunk of an answer whose length is not known (HTTP/1.1)."""

    plain: bytes
    chunk: bytes


def frames(*parts: bytes) -> Frames:
    """These events, to be written at once."""
    plain = b"".join(parts)
    return Frames(plain, b"%x\r\n%b\r\n" % (len(plain), plain))


def told(event: str, data: bytes, position: int | None = None) -> bytes:
    """An event with its data, which is one line (JSON is). The position is what the client names when it comes again."""
    mark = b"" if position is None else b"id: %d\n" % position
    return b"%bevent: %b\ndata: %b\n\n" % (mark, event.encode(), data)


def greeting(position: int) -> bytes:
    """What a stream begins with: when to come again, and where it is, so that a client that hears nothing else misses nothing."""
    return b"retry: %d\nid: %d\n\n" % (RETRY, position)


def alive(position: int) -> bytes:
    """The connection is there, and nothing that the client wants happened up to this position."""
    return b": alive\nid: %d\n\n" % position
