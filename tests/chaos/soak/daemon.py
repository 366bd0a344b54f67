"""The daemon as its command starts it: `python -m tests.chaos.soak.daemon CONFIG AGE`. It only forgets what is older than AGE
seconds, where settings allow an hour at least, and at SIGUSR2 prints how it is inside, which nobody can see from without.

Garbage in circles waits for Python's full collection, which comes when there is a quarter more than at the last one: later than
a soak lasts. So blocks are counted after one, in a copy of the process that is made for it and ends with it: the daemon itself
goes on as it is, with its garbage.
"""

import asyncio
import gc
import json
import os
import signal
import sys
import threading
from contextlib import suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final

from watcher.app.daemon import main
from watcher.settings import Retention, Settings, load

PATIENCE: Final = 20
"""Seconds that a copy has."""


def settings(config: Path, age: timedelta) -> Settings:
    """Those of the file, but that everything is kept for so long."""
    kept = Retention.model_construct(events=age, deliveries=age, broadcasts=age)
    return load(config, {}).model_copy(update={"retention": kept})


def say(_: int, __: object) -> None:
    """From the copy. Without a buffer, which whoever was interrupted might be about to write to."""
    inside = {
        "tasks": len(asyncio.all_tasks()),
        "threads": threading.active_count(),
        "collections": gc.get_stats()[-1]["collections"],
    }
    with suppress(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)  # the copy of the last time
    if os.fork():
        return
    try:
        signal.alarm(PATIENCE)  # a lock that another thread holds is never given back here
        # What is collected may have something to say on standard error, and it is the daemon's.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        gc.collect()
        os.write(1, json.dumps(inside | {"blocks": sys.getallocatedblocks()}).encode() + b"\n")
    finally:
        os._exit(0)


if __name__ == "__main__":
    read = partial(settings, Path(sys.argv[1]), timedelta(seconds=float(sys.argv[2])))
    signal.signal(signal.SIGUSR2, say)
    sys.exit(main(read(), announce=lambda url: print(json.dumps({"url": url}), flush=True), read=read))
