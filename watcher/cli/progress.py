"""How far something is that takes longer than a moment: a bar on standard error, on a terminal."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Final, TypeVar

from watcher.cli.printing import console

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

Done = TypeVar("Done")

LATE: Final = 1.0
"""Seconds after which something that takes longer shows how far it is."""


@asynccontextmanager
async def progress(what: str, total: int | None, *, late: float = LATE) -> AsyncIterator[Callable[[int], None]]:
    """While the context lasts; its function is told of each part that is done. Without a total the bar only moves."""
    import asyncio

    bar = _bar()
    task = bar.add_task(what, total=total)
    shown = asyncio.get_running_loop().call_later(late, bar.start)
    try:
        yield lambda count: bar.advance(task, count)
    finally:
        shown.cancel()
        bar.stop()


async def moving(what: str, work: Awaitable[Done]) -> Done:
    """What comes of the work; where it takes longer than a moment, that it goes on is shown."""
    async with progress(what, None):
        return await work


@contextmanager
def counting(what: str, total: int | None, *, late: float = LATE) -> Iterator[Callable[[int], None]]:
    """As `progress`, outside of an event loop: begins at the first part that is done after a second, and says how many were."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    bar = _bar(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    task = bar.add_task(what, total=total)
    with _beginning(bar, late) as show:

        def advance(count: int) -> None:
            bar.advance(task, count)
            show()

        yield advance


@contextmanager
def sharing(what: str, *, late: float = LATE) -> Iterator[Callable[[float], None]]:
    """As `counting`, where its function is told which share of the whole is done."""
    bar = _bar()
    task = bar.add_task(what, total=1.0)
    with _beginning(bar, late) as show:

        def tell(share: float) -> None:
            bar.update(task, completed=share)
            show()

        yield tell


def _bar(*columns: "ProgressColumn") -> "Progress":
    """One that is not shown yet, and never but on a terminal. What is printed meanwhile stands above it, where that goes to the
    terminal too; else it goes where it is to go."""
    from rich.progress import Progress

    there = console(err=True)
    shown, beside = there.is_terminal, sys.stdout.isatty()
    return Progress(*columns, console=there, transient=True, disable=not shown, redirect_stdout=beside)


@contextmanager
def _beginning(bar: "Progress", late: float) -> Iterator[Callable[[], None]]:
    """The function has the bar shown, once it is late enough; until the end of the context."""
    began = monotonic()

    def show() -> None:
        if not bar.live.is_started and monotonic() - began > late:
            bar.start()

    try:
        yield show
    finally:
        bar.stop()
