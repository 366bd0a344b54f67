"""`watcher ls --watch`: the list as it changes. On a terminal it is painted anew; in a pipe each change is a line."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from watcher.cli.asking import first_of
from watcher.cli.formats import PEOPLE, Listing, tabled
from watcher.cli.printing import Output, console, printing, say
from watcher.cli.shown import WATCHES, watch_columns, watch_line

if TYPE_CHECKING:
    from watcher.cli.formats import Document
    from watcher.client import Watcher

GATHER: Final = 0.25
"""Seconds in which changes are gathered before the list is read anew."""
BEAT: Final = 5.0
"""Seconds after which it is read anew although nothing is told: looks and expectations change too."""

Row = tuple[str, int]


async def watch_list(
    watcher: "Watcher",
    wanted: Mapping[str, Any],
    limit: int,
    output: Output,
    *,
    gather: float = GATHER,
    beat: float = BEAT,
) -> None:
    """For ever."""
    lists = Lists(watcher, wanted, limit, gather, beat)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(lists.listen(), name="stream of events")
            if console().is_terminal and output in PEOPLE:
                await _paint(lists, wide=output is Output.WIDE)
            else:
                await _tell(lists, output)
    except ExceptionGroup as several:
        raise several.exceptions[0] from several


class Lists:
    """The list, again and again."""

    def __init__(self, watcher: "Watcher", wanted: Mapping[str, Any], limit: int, gather: float, beat: float) -> None:
        self._watcher = watcher
        self._wanted = wanted
        self._limit = limit
        self._gather = gather
        self._beat = beat
        self._patience = watcher.patience()
        self._turned = asyncio.Event()
        self._turned.set()

    async def listen(self) -> None:
        """To what happens, for ever."""
        account = self._wanted.get("account")
        async with aclosing(self._watcher.events(after=None, follow=True, account=account)) as events:
            async for _ in events:
                self._turned.set()

    async def now(self) -> "list[Document]":
        """As it is as soon as something was told, or the time is over. A daemon that restarts is waited for."""
        from watcher.client.waiting import borne

        try:
            async with asyncio.timeout(self._beat):
                await self._turned.wait()
            await asyncio.sleep(self._gather)
        except TimeoutError:
            pass
        self._turned.clear()
        portion = min(self._limit, 1000)
        return await borne(
            lambda: first_of(self._watcher.watches(**self._wanted, portion=portion), self._limit), self._patience
        )


async def _paint(lists: Lists, *, wide: bool) -> None:
    from rich.live import Live

    with Live(console=console(), auto_refresh=False) as live:
        while True:
            found = await lists.now()
            rows = found[: max(live.console.height - 2, 1)]
            with printing():
                live.update(tabled(rows, watch_columns(found), wide=wide), refresh=True)


async def _tell(lists: Lists, output: Output) -> None:
    """All that there are, then each whose status or state is another; of what leaves the list nothing more is heard."""
    known: dict[Row, Any] = {}
    listing = Listing(WATCHES, Output.NDJSON if output is Output.JSON else output)
    while True:
        for watch in await lists.now():
            row, as_it_is = (watch["account"], watch["batch_id"]), (watch["status"], watch["state"], watch["since"])
            if known.get(row) != as_it_is:
                known[row] = as_it_is
                say(watch_line(watch)) if output in PEOPLE else listing.take(watch)
