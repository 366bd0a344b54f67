"""Server-sent events as bytes come in: from pieces of a stream to whole frames. Nothing is read from anywhere here.

Source of the format: HTML Living Standard, section 9.2.6, "Interpreting an event stream".
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

MOST: Final = 64 * 2**20
"""Bytes of one frame at most: a snapshot of very many watches is long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame. `id` None: it bears none, and what was read before still counts. `data` is "" in one that only moves the id."""

    event: str = "message"
    data: str = ""
    id: str | None = None


class Frames:
    """Takes a stream's bytes. ValueError where a frame has no end."""

    def __init__(self) -> None:
        self._rest = b""
        self._event = ""
        self._data: list[str] = []
        self._id: str | None = None

    def feed(self, piece: bytes) -> Iterator[Frame]:
        """The frames that are whole now."""
        text = (self._rest + piece).replace(b"\r\n", b"\n")
        *lines, self._rest = text.split(b"\n")
        if len(self._rest) > MOST:
            raise ValueError("a frame has no end")
        for line in lines:
            frame = self._take(line.decode("utf-8", "replace"))
            if frame is not None:
                yield frame

    def _take(self, line: str) -> Frame | None:
        if not line:
            return self._end()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._event = value
        elif name == "data":
            self._data.append(value)
        elif name == "id":
            self._id = value
        return None  # a comment, or what this version does not know

    def _end(self) -> Frame | None:
        frame = Frame(event=self._event or "message", data="\n".join(self._data), id=self._id)
        there = bool(self._data) or self._id is not None
        self._event, self._data, self._id = "", [], None
        return frame if there else None
