"""How far something is that takes longer than a moment: a bar on standard error, on a terminal."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

from watcher.cli.printing import console

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
