"""The commands. Only here is anything printed."""

import io
import sys


def main() -> None:
    """The command `watcher`. Ctrl-C ends it with 130 at any moment, also while it is still being loaded."""
    try:
        _open_streams()
        from watcher.cli.completing import completing
        from watcher.cli.interrupting import hear_every_interrupt
        from watcher.cli.program import program

        hear_every_interrupt()
        completing()
        program(prog_name="watcher")
    except KeyboardInterrupt:
        sys.exit(130)


def _open_streams() -> None:
    """What nobody listens to takes everything; letters that the other end has no signs for become question marks."""
    sys.stdout = sys.stdout or io.StringIO()
    sys.stderr = sys.stderr or io.StringIO()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
