"""The commands. Only here is anything printed."""

import sys


def main() -> None:
    """The command `watcher`. Ctrl-C ends it with 130 at any moment, also while it is still being loaded."""
    try:
        from watcher.cli.completing import completing
        from watcher.cli.program import program

        completing()
        program(prog_name="watcher")
    except KeyboardInterrupt:
        sys.exit(130)
