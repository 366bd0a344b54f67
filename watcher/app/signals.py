"""What the system's signals ask of the daemon."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from watcher.app.assembly import Town
from watcher.core.news import Stopping

ASKING: Final = (signal.SIGTERM, signal.SIGINT)
"""They ask the daemon to stop."""


def heed_no_reload() -> None:
    """SIGHUP would end a process that does not heed it yet, or not any more, in the midst of closing what it has open."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


def end_at_once() -> None:
    """From now on SIGTERM and SIGINT end the process, also while its loop is closed; what that breaks off says nothing."""
    for number in ASKING:
        signal.signal(number, _end)


def _end(number: int, _: object) -> None:
    sys.stderr.flush()
    os._exit(128 + number)


@contextmanager
def signals(stop: asyncio.Event, reload: asyncio.Event, town: Town) -> Iterator[None]:
    """SIGTERM and SIGINT ask to stop; asked a second time the process ends at once. SIGHUP asks to read the settings again, which
    means nothing any more to one that stops: afterwards it is left to whatever heeded it before."""
    loop = asyncio.get_running_loop()

    def asked(number: signal.Signals) -> None:
        if stop.is_set():
            _end(number, None)
        town.tell(Stopping(reason=number.name))
        stop.set()

    def asked_to_reload(_: int, __: object) -> None:
        loop.call_soon_threadsafe(reload.set)

    for number in ASKING:
        loop.add_signal_handler(number, asked, number)
    # Not through the loop: where that heeds a signal no more, for a moment the system does what it does by itself, and ends us.
    before = signal.signal(signal.SIGHUP, asked_to_reload)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)
        for number in ASKING:
            loop.remove_signal_handler(number)
