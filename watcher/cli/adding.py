"""`watcher add`: follow batches, by their ids or by their broadcast; as many as there are, in portions as they are read."""

import math
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from watcher.cli.asking import talking, warn_of_refused
from watcher.cli.broadcasting import Broadcasts, OfKind, Within, follow_broadcasts, say_followed
from watcher.cli.formats import LINES, PEOPLE, Column, Listing
from watcher.cli.options import Account, As, Config, labels_of, seconds_of
from watcher.cli.printing import Output, Stop, complain, say
from watcher.cli.progress import LATE, counting
from watcher.cli.rows import MOST_TOLD, Line, count_of, portions_of

if TYPE_CHECKING:
    from watcher.cli.formats import Document
    from watcher.client import Outcome, Watcher

SomeIds = Annotated[
    list[str] | None,
    typer.Argument(metavar="ID", help="Batch ids; a file with one a line; - for standard input."),
]


def add(
    ids: SomeIds = None,
    broadcast: Broadcasts = None,
    kind: OfKind = None,
    in_broadcast: Within = None,
    account: Account = None,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", "-l", metavar="KEY=VALUE", help="Goes into every event; several times."),
    ] = None,
    correlation_id: Annotated[str | None, typer.Option(help="Goes into every event: how you find it again.")] = None,
    expires_in: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Give it up after 12h, 30d; else as the settings say.")
    ] = None,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Follow batches, or all batches of a broadcast, also those to come.

    \b
    watcher add 13 14 --label team=north
    watcher add ids.txt                    one id a line
    query-ids | watcher add -              ids, or rows as {"batch_id": 13, "labels": {"team": "north"}}
    watcher add --broadcast 9 --kind text  finds its batches by itself

    Adding a batch again does no harm: it is followed once. A bad line of a file spoils no other. Exit codes: 0 all are
    followed, 1 some were refused (they are listed), 2 usage or no daemon.
    """
    require_some(ids, broadcast)
    if kind is not None and not broadcast:
        raise typer.BadParameter("--kind says what a broadcast sends: name one with --broadcast.")
    if in_broadcast is not None and not ids:
        raise typer.BadParameter("--in-broadcast says where batches are: name them by their ids.")
    if expires_in is not None and not ids:
        raise typer.BadParameter("--expires-in says how long a batch is followed: name batches by their ids.")
    marks = given({"labels": labels_of(label) if label else None, "correlation_id": correlation_id})
    lasting = None if expires_in is None else seconds_of("--expires-in", expires_in)
    place = given({"account": account, "broadcast_id": in_broadcast, "expires_in": lasting})
    portions = portions_of(ids, place | marks) if ids else iter(())
    tally = Tally(output)
    with _told_so_far(tally), talking(config) as talk:
        body = given({"kind": kind}) | marks
        broadcasts = talk(lambda watcher: follow_broadcasts(watcher, account, broadcast or (), body))
        typed = "-" in (ids or ()) and sys.stdin.isatty()  # where somebody types nothing is painted
        with counting("following", count_of(ids or ()), late=math.inf if typed else LATE) as advance:
            for portion in portions:
                # Outside of the event loop something is read, and in it sent: so Ctrl-C ends a read too.
                talk(partial(_send, portion=portion, tally=tally))
                advance(len(portion))
        if tally.accounts:
            talk(lambda watcher: warn_of_refused(watcher, tally.accounts))
    tally.end(broadcasts)
    if tally.refused:
        raise typer.Exit(1)


@contextmanager
def _told_so_far(tally: "Tally") -> Iterator[None]:
    """Where it is interrupted, or the daemon goes away: what was done by then is said, for it is done."""
    try:
        yield
    except (KeyboardInterrupt, Stop):
        if tally.said and not tally.told_each:
            complain(f"so far: {tally.said}; the same again does no harm")
        raise


class Tally:
    """What became of the rows: told as it comes where the output is of lines."""

    def __init__(self, output: Output) -> None:
        columns = [Column(heading=name, name=name) for name in ("row", "account", "batch_id", "result", "error")]
        self.told_each = output in LINES
        self._listing = None if output in PEOPLE else Listing(columns, output)
        self._counts: dict[str | None, int] = {}
        self.accounts: set[str] = set()

    @property
    def refused(self) -> int:
        return self._counts.get(None, 0)

    @property
    def said(self) -> str:
        """How many came to what, in words."""
        words = {"created": "now followed", "known": "followed already", "reopened": "followed again", None: "refused"}
        return ", ".join(f"{self._counts[what]} {word}" for what, word in words.items() if what in self._counts)

    def take(self, outcome: "Outcome") -> None:
        self._counts[outcome.result] = self._counts.get(outcome.result, 0) + 1
        if outcome.account is not None:
            self.accounts.add(outcome.account)
        if self._listing is not None:
            self._listing.take(_shown(outcome))
        elif outcome.error is not None and self.refused <= MOST_TOLD:
            complain(f"{outcome.where}: {outcome.error}")

    def end(self, broadcasts: "list[Document]") -> None:
        if self._listing is not None:
            for each in broadcasts:
                self._listing.take(each)
            self._listing.end()
            return
        if self.refused > MOST_TOLD:
            complain(f"and {self.refused - MOST_TOLD} more")
        if self.said:
            say(self.said)
        for broadcast in broadcasts:
            say_followed(broadcast)


async def _send(watcher: "Watcher", portion: list[Line], tally: Tally) -> None:
    from watcher.client import Outcome
    from watcher.client.rows import Raw

    rows: Iterator[Raw] = (Raw(where=line.where, body=line.body) for line in portion if not line.wrong)
    for line in portion:
        if line.wrong:
            tally.take(Outcome(where=line.where, error=line.wrong))
    async for outcomes in watcher.follow_many(rows):
        for outcome in outcomes:
            tally.take(outcome)


def _shown(outcome: "Outcome") -> dict[str, Any]:
    if outcome.error is not None:
        return {"row": outcome.where, "error": outcome.error}
    return {
        "row": outcome.where,
        "account": outcome.account,
        "batch_id": outcome.batch_id,
        "result": outcome.result,
    }


def require_some(ids: list[str] | None, broadcasts: list[int] | None) -> None:
    """Ends the command where neither a batch nor a broadcast is named."""
    if not ids and not broadcasts:
        raise typer.BadParameter("Name batches by their ids, a file with one a line, or -; or --broadcast ID.")


def given(values: Mapping[str, object]) -> dict[str, Any]:
    """Those of the values that somebody gave."""
    return {name: value for name, value in values.items() if value is not None}
