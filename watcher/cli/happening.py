"""`watcher events`: the log of what happened, and what happens."""

from typing import TYPE_CHECKING, Annotated

import typer

from watcher.cli.asking import ask
from watcher.cli.formats import PEOPLE, Listing, by_line
from watcher.cli.options import Account, As, Config, whole
from watcher.cli.printing import Output, say_line
from watcher.cli.shown import EVENTS, event_line

if TYPE_CHECKING:
    from watcher.client import Watcher

Type = Annotated[
    list[str] | None, typer.Option("--type", help="Only this type, or batch.*; may be given several times.")
]


def events(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what happens, until Ctrl-C.")] = False,
    after: Annotated[int, typer.Option(min=0, help="Only events after this position of the log.")] = 0,
    new: Annotated[bool, typer.Option("--new", help="Only what happens from now on (with --follow).")] = False,
    type_: Type = None,
    account: Account = None,
    batch: Annotated[int | None, typer.Option(parser=whole, metavar="ID", help="Only events of this batch.")] = None,
    limit: Annotated[int | None, typer.Option(parser=whole, metavar="COUNT", help="How many at most.")] = None,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Show the log of events: what subscribers get. With -o json one event a line, as with -o ndjson.

    \b
    watcher events --type batch.errors
    watcher events --follow -o json | while read -r event; do …; done

    Following bears a daemon that restarts: nothing is missed, and nothing comes twice.
    """
    if new and not follow:
        raise typer.BadParameter("--new is of what comes: give it with --follow.")
    if new and after:
        raise typer.BadParameter("--new begins now, --after at a position: give one of them.")

    async def tell(watcher: "Watcher") -> None:
        lines = output in PEOPLE
        listing = Listing(EVENTS, by_line(output))
        found = watcher.events(
            after=None if new else after, follow=follow, types=type_ or (), account=account, batch_id=batch, most=limit
        )
        async for event in found:
            say_line(event_line(event.document)) if lines else listing.take(event.document)
        if not lines:
            listing.end()

    ask(config, tell, busy=None)
