"""How far something is that takes longer than a moment: a bar on standard error, on a terminal."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from time import monotonic
from typing import Final, TypeVar

from watcher.cli.printing import console

Done = TypeVar("Done")

LATE: Final = 1.0
"""Seconds after which something that takes longer shows how far it is."""


@asynccontextmanager
async def progress(what: str, total: int | None) -> AsyncIterator[Callable[[int], None]]:
    """While the context lasts; its function is told of each part that is done. Without a total the bar only moves."""
    from rich.progress import Progress

    there = console(err=True)
    bar = Progress(console=there, transient=True, disable=not there.is_terminal)
    task = bar.add_task(what, total=total)
    late = asyncio.get_running_loop().call_later(LATE, bar.start)
    try:
        yield lambda count: bar.advance(task, count)
    finally:
        late.cancel()
        bar.stop()


async def moving(what: str, work: Awaitable[Done]) -> Done:
    """What comes of the work; where it takes longer than a moment, that it goes on is shown."""
    async with progress(what, None):
        return await work


@contextmanager
def counting(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    """As `progress`, outside of an event loop: begins at the first part that is done after a second, and says how many were."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    there = console(err=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=there, transient=True, disable=not there.is_terminal)
    task = bar.add_task(what, total=total)
    began = monotonic()

    def advance(count: int) -> None:
        bar.advance(task, count)
        if not bar.live.is_started and monotonic() - began > LATE:
            bar.start()

    try:
        yield advance
    finally:
        bar.stop()
