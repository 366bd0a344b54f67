"""A process that commits until it is killed: `python -m tests.store.crashing DATABASE`.

It says "BATCH NUMBER" on its output for every change that the store said was committed.
"""

import asyncio
import sys
from dataclasses import replace
from pathlib import Path

from tests.fakes import NOON
from tests.store.making import endpoint, event
from watcher.clock import SystemClock
from watcher.core.model import Key
from watcher.ports import Change, Store, Wish
from watcher.store.sqlite import open_store

BATCHES = range(1, 9)


async def change_on_and_on(store: Store, batch_id: int) -> None:
    [followed] = await store.follow([Wish(key=Key("default", batch_id))], NOON)
    watch = followed.watch
    while True:
        number = watch.number + 1
        changed = replace(watch, number=number)
        if await store.commit(Change(watch=changed, version=watch.version, events=[event(watch, number)])) is None:
            raise AssertionError(watch)
        print(batch_id, number, flush=True)
        watch = replace(changed, version=watch.version + 1)


async def main(path: Path) -> None:
    async with open_store(path, tell=lambda news: None, clock=SystemClock()) as store, asyncio.TaskGroup() as group:
        await store.settle_endpoints([endpoint("one"), endpoint("two")])
        for batch_id in BATCHES:
            group.create_task(change_on_and_on(store, batch_id), name=f"batch {batch_id}")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
