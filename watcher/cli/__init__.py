"""The commands. Only here is anything printed."""

import io
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


def main() -> None:
    """The command `watcher`. Ctrl-C ends it with 130 at any moment; while it is still being loaded, as the signal itself."""
    try:
        _open_streams()
        with _ended_at_once():
            from watcher.cli.completing import completing
            from watcher.cli.interrupting import hear_every_interrupt
            from watcher.cli.program import program

        hear_every_interrupt()
        completing()
        program(prog_name="watcher")
    except KeyboardInterrupt:
        sys.exit(130)


@contextmanager
def _ended_at_once() -> Iterator[None]:
    """By Ctrl-C, which a shell calls 130: nothing is begun yet, and where a module is being loaded, KeyboardInterrupt may come
    out as another error, with a traceback."""
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:  # whoever started us ignores it
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _open_streams() -> None:
    """What nobody listens to takes everything; letters that the other end has no signs for become question marks."""
    sys.stdout = sys.stdout or io.StringIO()
    sys.stderr = sys.stderr or io.StringIO()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
