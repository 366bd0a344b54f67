"""`watcher ls --watch`: the list as it changes. On a terminal it is painted anew; in a pipe each change is a line."""

import asyncio
import sys
from collections.abc import Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from watcher.cli.asking import first_of
from watcher.cli.formats import PEOPLE, Listing, by_line, tabled, tell_of_more
from watcher.cli.printing import Output, console, printing, say_line
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
    from watcher.client.errors import as_if_alone

    lists = Lists(watcher, wanted, limit, output, gather, beat)
    with as_if_alone():
        async with asyncio.TaskGroup() as group:
            group.create_task(lists.listen(), name="stream of events")
            if console().is_terminal and not console().is_dumb_terminal and output in PEOPLE:
                await _paint(lists, wide=output is Output.WIDE)
            else:
                await _tell(lists, output)


class Lists:
    """The list, again and again."""

    def __init__(
        self, watcher: "Watcher", wanted: Mapping[str, Any], limit: int, output: Output, gather: float, beat: float
    ) -> None:
        self._watcher = watcher
        self._wanted = wanted
        self._limit = limit
        self._output = output
        self._told_of_more = False
        self._gather = gather
        self._beat = beat
        self._patience = watcher.patience(quiet=True)  # the stream tells of silences
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
        most = self._limit + 1
        found = await borne(
            lambda: first_of(self._watcher.watches(**self._wanted, portion=min(most, 1000)), most), self._patience
        )
        if not self._told_of_more:
            self._told_of_more = len(found) > self._limit
            tell_of_more(len(found), self._limit, self._output)
        return found[: self._limit]


async def _paint(lists: Lists, *, wide: bool) -> None:
    from rich.console import Group
    from rich.live import Live
    from rich.text import Text

    with Live(console=console(), auto_refresh=False, redirect_stderr=sys.stderr.isatty()) as live:
        while True:
            found = await lists.now()
            room = max(live.console.height - 2, 1)
            rows = found if len(found) <= room else found[: max(room - 1, 1)]
            hidden = len(found) - len(rows)
            rest = Text(f"and {hidden} more: --open, --label, --since show fewer", no_wrap=True, overflow="ellipsis")
            picture = Group(tabled(rows, watch_columns(found), wide=wide), *([rest] if hidden else ()))
            with printing():
                live.update(picture, refresh=True)


async def _tell(lists: Lists, output: Output) -> None:
    """All that there are, then each whose status or state is another; of what leaves the list nothing more is heard."""
    known: dict[Row, Any] = {}
    listing = Listing(WATCHES, by_line(output))
    while True:
        for watch in await lists.now():
            row, as_it_is = (watch["account"], watch["batch_id"]), (watch["status"], watch["state"], watch["since"])
            if known.get(row) != as_it_is:
                known[row] = as_it_is
                say_line(watch_line(watch)) if output in PEOPLE else listing.take(watch)
