"""What the system's signals ask of the daemon."""

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from watcher.app.assembly import Town
from watcher.core.news import Stopping


@contextmanager
def signals(stop: asyncio.Event, reload: asyncio.Event, town: Town) -> Iterator[None]:
    """SIGTERM and SIGINT ask to stop; asked a second time the process ends at once. SIGHUP asks to read the settings again."""
    loop = asyncio.get_running_loop()

    def asked(number: signal.Signals) -> None:
        if stop.is_set():
            sys.stderr.flush()
            os._exit(128 + number)
        town.tell(Stopping(reason=number.name))
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked, number)
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)
