"""`watcher add`, `ls`, `show`, `rm` and `events`: what a running daemon follows."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from watcher.cli.asking import POLL, Patience, ask, first_of, warn_of_refused
from watcher.cli.broadcasting import (
    Broadcast,
    Broadcasts,
    OfKind,
    Within,
    follow_broadcasts,
    say_broadcast,
    say_followed,
    unfollowed,
)
from watcher.cli.options import Account, As, Config, labels_of, whole
from watcher.cli.printing import Output, complain, say, say_json, say_some
from watcher.cli.progress import progress
from watcher.cli.shown import event_line, say_watch, say_watches

if TYPE_CHECKING:
    from watcher.cli.daemon import Daemon, Document, Outcome, Row

PAGE: Final = 1000
"""Events that are asked for at once."""

Ids = Annotated[
    list[str], typer.Argument(metavar="ID...", help="Batch ids; a file with one a line; - for standard input.")
]
SomeIds = Annotated[
    list[str] | None,
    typer.Argument(metavar="ID", help="Batch ids; a file with one a line; - for standard input."),
]
Type = Annotated[
    list[str] | None, typer.Option("--type", help="Only this type, or batch.*; may be given several times.")
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
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Follow batches, or all batches of a broadcast, also those to come.

    \b
    watcher add 13 14 --label team=north
    watcher add ids.txt                    one id a line
    query-ids | watcher add -              ids, or rows as {"batch_id": 13, "labels": {"team": "north"}}
    watcher add --broadcast 9 --kind text  finds its batches by itself

    Adding a batch again does no harm: it is followed once. Exit codes: 0 all are followed, 1 some were refused (they are
    listed), 2 usage or no daemon; nothing was done then.
    """
    from watcher.cli.rows import read_rows

    _require_some(ids, broadcast)
    if kind is not None and not broadcast:
        raise typer.BadParameter("--kind says what a broadcast sends: name one with --broadcast.")
    if in_broadcast is not None and not ids:
        raise typer.BadParameter("--in-broadcast says where batches are: name them by their ids.")
    labels = labels_of(label) if label else None
    marks = _given({"labels": labels, "correlation_id": correlation_id})
    place = {"account": account, "broadcast_id": in_broadcast}
    rows = read_rows(ids, _given(place) | marks) if ids else []
    body = _given({"kind": kind}) | marks

    async def both(daemon: "Daemon") -> "tuple[list[Document], list[Outcome]]":
        broadcasts = await follow_broadcasts(daemon, account, broadcast or (), body)
        return broadcasts, await _add(daemon, rows)

    broadcasts, outcomes = ask(config, both)
    _print_followed(outcomes, broadcasts, output)
    if any(outcome.error for outcome in outcomes):
        raise typer.Exit(1)


def ls(
    account: Account = None,
    status: Annotated[str | None, typer.Option("--status", help="Only batches last seen with this status.")] = None,
    final: Annotated[
        bool | None, typer.Option("--final/--open", help="Only batches that have ended validation, or that have not.")
    ] = None,
    limit: Annotated[int, typer.Option(parser=whole, metavar="COUNT", help="How many at most.")] = 1000,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """List what is followed. Columns for which a terminal has no room are left out.

    \b
    watcher ls --open
    watcher ls --status ERRORS -o json | jq '.[].batch_id'
    """

    async def some(daemon: "Daemon") -> "list[Document]":
        await warn_of_refused(daemon, None if account is None else {account})
        return await first_of(daemon.watches(account=account, status=status, final=final), limit + 1)

    watches = ask(config, some)
    say_some(watches, limit, output, say_watches)


def show(
    batch_id: Annotated[int | None, typer.Argument(parser=whole, metavar="ID", help="Batch id.")] = None,
    broadcast: Broadcast = None,
    account: Account = None,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Show a batch as last seen, and everything that happened to it. Exit code 1: it is not followed.

    \b
    watcher show 13
    watcher show 13 -o json | jq .transitions
    watcher show --broadcast 9             how a broadcast stands that is followed as a whole
    """
    number = batch_id or broadcast  # ids begin at 1
    if number is None or (batch_id and broadcast):
        raise typer.BadParameter("One thing is shown at a time: give the id of a batch, or --broadcast ID.")

    async def one(daemon: "Daemon") -> "Document":
        name = await daemon.account(account)
        await warn_of_refused(daemon, {name})
        return await (daemon.watch if batch_id else daemon.broadcast)(name, number)

    shown = ask(config, one)
    if output is Output.JSON:
        say_json(shown, indent=2)
    else:
        say_watch(shown) if batch_id else say_broadcast(shown)


def rm(
    ids: SomeIds = None,
    broadcast: Broadcasts = None,
    account: Account = None,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Stop following batches. What happened to them stays in the log. Exit code 1: some were not followed.

    Of a broadcast, no more batches are found then; those that were found are followed on.

    \b
    watcher rm 13 14
    watcher ls --status ERRORS -o json | jq '.[].batch_id' | watcher rm -
    watcher rm --broadcast 9
    """
    from watcher.cli.rows import read_ids

    _require_some(ids, broadcast)
    named = [("batch_id", each) for each in (read_ids(ids) if ids else ())]
    named += [("broadcast_id", each) for each in dict.fromkeys(broadcast or ())]

    async def stop_all(daemon: "Daemon") -> list[str | None]:
        from watcher.cli.daemon import NotFollowed

        name = await daemon.account(account)
        errors: list[str | None] = []
        for what, number in named:
            try:
                await (daemon.unfollow if what == "batch_id" else daemon.unfollow_broadcast)(name, number)
                errors.append(None)
            except NotFollowed as error:
                errors.append(str(error))
        return errors

    errors = ask(config, stop_all)
    ended = list(zip(named, errors, strict=True))
    if output is Output.JSON:
        say_json([{what: number, "stopped": error is None} for (what, number), error in ended], indent=2)
    else:
        for (what, number), error in ended:
            if error is not None:
                complain(f"{number}: {error}")
            else:
                say(f"{number} is no longer followed" if what == "batch_id" else unfollowed(number))
    if any(errors):
        raise typer.Exit(1)


def events(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what happens, until Ctrl-C.")] = False,
    after: Annotated[int, typer.Option(min=0, help="Only events after this position of the log.")] = 0,
    type_: Type = None,
    account: Account = None,
    batch: Annotated[int | None, typer.Option(parser=whole, metavar="ID", help="Only events of this batch.")] = None,
    limit: Annotated[int | None, typer.Option(parser=whole, metavar="COUNT", help="How many at most.")] = None,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Show the log of events: what subscribers get. With -o json one event a line.

    \b
    watcher events --type batch.errors
    watcher events --follow -o json | while read -r event; do …; done
    """

    def show(event: "Document") -> None:
        say_json(event) if output is Output.JSON else say(event_line(event))

    query = {"types": type_ or (), "account": account, "batch": batch}
    ask(config, lambda daemon: tell_events(daemon, query, show, after=after, limit=limit, follow=follow))


async def tell_events(
    daemon: "Daemon",
    query: Mapping[str, Any],
    tell: "Callable[[Document], None]",
    *,
    after: int,
    limit: int | None,
    follow: bool,
    pause: float = POLL,
) -> None:
    """Tells the events after a position that match, until there are enough; goes on after the last where it is to follow."""
    told, patience = 0, Patience()
    while limit is None or told < limit:
        some = min(PAGE, PAGE if limit is None else limit - told)
        found: list[Document] = []
        with patience.round() if follow else nullcontext():
            found, after = await daemon.events(after=after, limit=some, **query)
        for event in found:
            tell(event)
        told += len(found)
        if len(found) < some:
            if not follow:
                return
            await asyncio.sleep(pause)


def _require_some(ids: list[str] | None, broadcasts: list[int] | None) -> None:
    """Ends the command where neither a batch nor a broadcast is named."""
    if not ids and not broadcasts:
        raise typer.BadParameter("Name batches by their ids, a file with one a line, or -; or --broadcast ID.")


async def _add(daemon: "Daemon", rows: "list[Row]") -> "list[Outcome]":
    if not rows:
        return []
    outcomes: list[Outcome] = []
    async with progress("following", len(rows)) as advance:
        async for portion in daemon.follow(rows):
            outcomes += portion
            advance(len(portion))
    await warn_of_refused(daemon, {outcome.account for outcome in outcomes if outcome.account})
    return outcomes


def _given(values: Mapping[str, object]) -> dict[str, object]:
    """Those of the values that somebody gave."""
    return {name: value for name, value in values.items() if value is not None}


def _print_followed(outcomes: "list[Outcome]", broadcasts: "list[Document]", output: Output) -> None:
    if output is Output.JSON:
        rows = [
            {"row": o.row.where, "account": o.account, "batch_id": o.batch_id, "result": o.result}
            if o.error is None
            else {"row": o.row.where, "error": o.error}
            for o in outcomes
        ]
        say_json([*rows, *broadcasts], indent=2)
        return
    for outcome in outcomes:
        if outcome.error is not None:
            complain(f"{outcome.row.where}: {outcome.error}")
    counts = {what: sum(o.result == what for o in outcomes) for what in ("created", "known", "reopened", None)}
    words = ("now followed", "followed already", "followed again", "refused")
    if outcomes:
        say(", ".join(f"{count} {word}" for count, word in zip(counts.values(), words, strict=True) if count))
    for broadcast in broadcasts:
        say_followed(broadcast)
