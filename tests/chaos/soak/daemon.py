"""The daemon as its command starts it: `python -m tests.chaos.soak.daemon CONFIG AGE`. It only forgets what is older than AGE
seconds, where settings allow an hour at least, and prints how it is inside, which nobody can see from without: at SIGUSR2 what it
has, at SIGUSR1 what it keeps once all garbage is collected.
"""

import asyncio
import gc
import json
import os
import signal
import sys
import threading
from datetime import timedelta
from functools import partial
from pathlib import Path

from watcher.app.daemon import main
from watcher.settings import Retention, Settings, load


def settings(config: Path, age: timedelta) -> Settings:
    """Those of the file, but that everything is kept for so long."""
    kept = Retention.model_construct(events=age, deliveries=age, broadcasts=age)
    return load(config, {}).model_copy(update={"retention": kept})


def say(_: int, __: object) -> None:
    """Tasks, threads, and how often all garbage was collected."""
    collections = gc.get_stats()[-1]["collections"]
    _print({"tasks": len(asyncio.all_tasks()), "threads": threading.active_count(), "collections": collections})


def collect_and_say(_: int, __: object) -> None:
    """Blocks of memory in Python."""
    gc.collect()
    _print({"blocks": sys.getallocatedblocks()})


def _print(what: dict[str, int]) -> None:
    """Without a buffer, which whoever was interrupted might be about to write to."""
    os.write(1, json.dumps(what).encode() + b"\n")


if __name__ == "__main__":
    read = partial(settings, Path(sys.argv[1]), timedelta(seconds=float(sys.argv[2])))
    signal.signal(signal.SIGUSR2, say)
    signal.signal(signal.SIGUSR1, collect_and_say)
    sys.exit(main(read(), announce=lambda url: print(json.dumps({"url": url}), flush=True), read=read))
