"""What the daemon wants of the system and of its interpreter, beyond what every process has."""

import asyncio
import gc
import resource
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final

SWITCH: Final = 0.0005
"""Seconds that a thread may go on while another one waits."""


def set_limits() -> None:
    """All that the daemon wants of the system's limits."""
    allow_files()
    leave_no_core()


def leave_no_core() -> None:
    """Has no core file written where the process crashes, for its memory holds every secret. Whoever wants one raises the limit
    of a daemon that runs (`prlimit`)."""
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))


def allow_files() -> None:
    """Takes as many open files as the system grants: each client of a stream is one, and who does not ask has 1024 as a rule."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):  # a system that lowers it after all: then with what there is
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it is available: a third less work per request. None means asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def tune_the_interpreter() -> None:
    """For a loop that is busy beside a thread that writes.

    No collection walks through what is loaded now and stays, and young objects are collected by the ten thousand: a look makes
    about a hundred and leaves no cycle, which gains a twentieth of the looks that a core can do. And a thread that waits for the
    interpreter gets it after half a millisecond, not five: each step of SQLite's is followed by such a wait, and deliveries wait
    for what is written.
    """
    sys.setswitchinterval(SWITCH)
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
