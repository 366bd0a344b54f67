"""The daemon as its command starts it: `python -m tests.chaos.soak.daemon CONFIG AGE`. It only forgets what is older than AGE
seconds, where settings allow an hour at least, and at SIGUSR2 prints how it is inside, which nobody can see from without.
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
    """Without a buffer, which whoever was interrupted might be about to write to."""
    inside = {
        "tasks": len(asyncio.all_tasks()),
        "threads": threading.active_count(),
        "blocks": sys.getallocatedblocks(),
        "collections": gc.get_stats()[-1]["collections"],
    }
    os.write(1, json.dumps(inside).encode() + b"\n")


if __name__ == "__main__":
    read = partial(settings, Path(sys.argv[1]), timedelta(seconds=float(sys.argv[2])))
    signal.signal(signal.SIGUSR2, say)
    sys.exit(main(read(), announce=lambda url: print(json.dumps({"url": url}), flush=True), read=read))
