"""Standard input, line by line as it comes; and portions of what comes, so that nothing waits long for what follows it."""

import codecs
import io
import os
from collections.abc import Callable, Iterable, Iterator
from select import select
from time import monotonic
from typing import Final, TextIO, TypeVar

Item = TypeVar("Item")

PIECE: Final = 2**16
"""Bytes that are read at once."""
MOMENT: Final = 0.2
"""Seconds of silence after which it is said that nothing comes."""
WITHIN: Final = 1.0
"""Seconds after which a portion is not waited for any longer."""


def arriving(source: TextIO, *, moment: float = MOMENT) -> Iterator[str | None]:
    """The lines of a text, as they come; None where none comes for a moment. Raises UnicodeDecodeError as the text does.

    What is no file of the system is only in memory, and has no silences.
    """
    try:
        descriptor = source.fileno()
    except OSError:
        yield from source
        return
    plain = codecs.getincrementaldecoder(source.encoding)(source.errors or "strict")
    decoder, rest, open_ = io.IncrementalNewlineDecoder(plain, translate=True), "", True
    while open_:
        if not select([descriptor], [], [], moment)[0]:
            yield None
            continue
        piece = os.read(descriptor, PIECE)
        open_ = bool(piece)
        *lines, rest = (rest + decoder.decode(piece, final=not open_)).split("\n")
        yield from lines
    if rest:
        yield rest


def portions(
    items: Iterable[Item | None], most: int, *, within: float = WITHIN, now: Callable[[], float] = monotonic
) -> Iterator[list[Item]]:
    """The items, so many at once; fewer where so many seconds went by since the first of them. None: there is none just now."""
    portion: list[Item] = []
    begun = 0.0
    for item in items:
        if item is not None:
            begun = begun if portion else now()
            portion.append(item)
        if portion and (len(portion) == most or now() - begun >= within):
            yield portion
            portion = []
    if portion:
        yield portion
