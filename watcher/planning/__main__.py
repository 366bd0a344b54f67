"""`python -m watcher.planning`: one question on standard input, its answer on standard output, in a process of its own.

It takes no time from whoever asks, and outlives nobody: when standard input ends it does too, whatever it is at.
"""

import os
import sys
import threading
from typing import Final

NICENESS: Final = 5
"""The daemon goes before; the last place of all would mean no end on a machine that is busy with something else."""
STANDARD_INPUT: Final = 0


def main() -> None:
    """Plays what is asked."""
    os.nice(NICENESS)
    from watcher.planning.bought import Asked, bought, to_line

    question = sys.stdin.readline()
    threading.Thread(target=_end_with_whoever_asked, name="end", daemon=True).start()
    sys.stdout.write(to_line(bought(Asked.from_line(question))) + "\n")


def _end_with_whoever_asked() -> None:
    while os.read(STANDARD_INPUT, 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    main()
