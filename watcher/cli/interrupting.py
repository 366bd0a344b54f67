"""Ctrl-C is heard wherever it comes.

Python raises it wherever it is at that moment. Where no error can come out (the callback of a weak reference, a finalizer) it is
printed as ignored, and the command would go on as if nobody had asked it to end.
"""

import signal
import sys
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

AGAIN: Final = 0.01
"""Seconds after which one that was lost comes again: Python is elsewhere by then, or it is lost once more and comes once more."""


def hear_every_interrupt() -> None:
    """From now on, for as long as the process lasts."""
    before = sys.unraisablehook

    def heard(ignored: "UnraisableHookArgs") -> None:
        if issubclass(ignored.exc_type, KeyboardInterrupt):
            timer = threading.Timer(AGAIN, _interrupt)
            timer.daemon = True
            timer.start()
        else:
            before(ignored)

    sys.unraisablehook = heard


def _interrupt() -> None:
    """The main thread itself: only so is broken off what it waits for in the system."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
