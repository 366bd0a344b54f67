"""`watcher ls`, `show` and `rm`: what a running daemon follows."""

from collections.abc import Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from watcher.cli.adding import SomeIds, given, require_some
from watcher.cli.asking import NOT_FOLLOWED, ask, first_of, named, warn_of_refused
from watcher.cli.broadcasting import Broadcast, Broadcasts, say_broadcast, unfollowed
from watcher.cli.formats import LINES, Listing, say_data, say_some, tell_of_more
from watcher.cli.options import LONGEST_TOLD, Account, As, Config, Limit, labels_of, moment_of, whole
from watcher.cli.printing import Output, complain, say, stop
from watcher.cli.progress import progress
from watcher.cli.rows import read_ids
from watcher.cli.shown import WATCHES, say_looks, say_watch, watch_columns
from watcher.cli.times import now

if TYPE_CHECKING:
    from watcher.cli.formats import Document
    from watcher.client import Watcher

STATUSES: Final = ("NEW", "VALIDATING", "ACTIVE", "ERRORS", "SOURCE_ERROR")


def ls(
    account: Account = None,
    status: Annotated[str | None, typer.Option("--status", help="Only batches last seen with this status.")] = None,
    final: Annotated[
        bool | None, typer.Option("--final/--open", help="Only batches that have ended validation, or that have not.")
    ] = None,
    stuck: Annotated[bool, typer.Option("--stuck", help="Only those in a status for longer than usual.")] = False,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those looked at too seldom.")] = False,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", "-l", metavar="KEY=VALUE", help="Only those with this label; several times."),
    ] = None,
    broadcast: Annotated[
        int | None, typer.Option("--broadcast", parser=whole, metavar="ID", help="Only those of this broadcast.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="TIME", help="Only those in their status since then or later: a time, or 2h for two hours."
        ),
    ] = None,
    search: Annotated[
        str | None,
        typer.Option(
            "--search",
            metavar="TEXT",
            help="Only those found by it: id, broadcast, name, a label's value, correlation id.",
        ),
    ] = None,
    limit: Limit = 1000,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Go on with what changes, until Ctrl-C: on a terminal as a picture.")
    ] = False,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """List what is followed. Columns for which a terminal has no room are left out.

    \b
    watcher ls --open --watch
    watcher ls --stuck
    watcher ls --label team=north --since 2h -o wide
    watcher ls --search autumn
    watcher ls --status ERRORS -o json | jq '.[].batch_id'
    """
    wanted = given(
        {
            "account": account,
            "status": _status(status),
            "final": final,
            "stuck": stuck or None,
            "overdue": overdue or None,
            "labels": _labels(label) if label else None,
            "broadcast_id": broadcast,
            "since": None if since is None else datetime.fromisoformat(moment_of("--since", since, now())),
            "q": search,
        }
    )
    if watch:
        from watcher.cli.live import watch_list

        ask(config, lambda watcher: watch_list(watcher, wanted, limit, output), busy=None)
    elif output in LINES:
        ask(config, lambda watcher: _line_by_line(watcher, wanted, limit, output), busy=None)
    else:
        found = ask(config, lambda watcher: _some(watcher, wanted, limit))
        say_some(found, limit, watch_columns(found), output)


async def _some(watcher: "Watcher", wanted: Mapping[str, Any], limit: int) -> "list[Document]":
    await warn_of_refused(watcher, {wanted["account"]} if "account" in wanted else None)
    return await first_of(watcher.watches(**wanted, portion=min(limit + 1, 1000)), limit + 1)


async def _line_by_line(watcher: "Watcher", wanted: Mapping[str, Any], limit: int, output: Output) -> None:
    """Each as it comes: none is kept."""
    listing, count = Listing(WATCHES, output), 0
    await warn_of_refused(watcher, {wanted["account"]} if "account" in wanted else None)
    async for watch in watcher.watches(**wanted, portion=min(limit + 1, 1000)):
        count += 1
        if count > limit:
            break
        listing.take(watch.document)
    listing.end()
    tell_of_more(count, limit, output)


def _labels(given: list[str]) -> Mapping[str, str]:
    """As they are asked for: the daemon reads a name up to its first colon."""
    labels = labels_of(given)
    for name in labels:
        if ":" in name:
            stop(
                f"--label {name[:LONGEST_TOLD]}: a name with a colon cannot be asked for: list all as -o json, and choose there"
            )
    return labels


def _status(status: str | None) -> str | None:
    """As it is asked for. One that CallFire does not know is asked for too, for it may have become one; but it is told."""
    if status is not None and status.upper() not in STATUSES:
        meant = get_close_matches(status.upper(), STATUSES, 1)
        hint = f"did you mean {meant[0]}?" if meant else f"those that are known: {', '.join(STATUSES)}"
        complain(f"warning: --status {status[:LONGEST_TOLD]}: is no status that is known: {hint}")
    return status


def show(
    batch_id: Annotated[int | None, typer.Argument(parser=whole, metavar="ID", help="Batch id.")] = None,
    broadcast: Broadcast = None,
    looks: Annotated[
        bool, typer.Option("--looks", help="The single looks at the batch, as far as they are remembered.")
    ] = False,
    account: Account = None,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Show a batch as last seen, and everything that happened to it. Exit code 1: it is not followed.

    \b
    watcher show 13
    watcher show 13 -o json | jq .transitions
    watcher show 13 --looks                when it was asked about, and what came of it
    watcher show --broadcast 9             how a broadcast stands that is followed as a whole
    """
    number = batch_id or broadcast  # ids begin at 1
    if number is None or (batch_id and broadcast):
        raise typer.BadParameter("One thing is shown at a time: give the id of a batch, or --broadcast ID.")
    if looks and broadcast:
        raise typer.BadParameter("--looks are those at a batch: give its id.")

    async def one(watcher: "Watcher") -> "Document":
        name = await watcher.accounts.meant(account)
        await warn_of_refused(watcher, {name})
        with named(watcher, name, "batch" if batch_id else "broadcast", number):
            if looks:
                return (await watcher.looks(number, account=name)).document
            if batch_id:
                return (await watcher.watch(number, account=name)).document
            return (await watcher.broadcasts.show(number, account=name)).document

    shown = ask(config, one)
    if looks:
        say_looks(shown, output)
    elif not say_data(shown, output, WATCHES if batch_id else ()):
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
    require_some(ids, broadcast)
    all_ = [("batch", each) for each in (read_ids(ids) if ids else ())]
    all_ += [("broadcast", each) for each in dict.fromkeys(broadcast or ())]

    async def stop_all(watcher: "Watcher") -> list[str | None]:
        from watcher.client import NotThere

        name = await watcher.accounts.meant(account)
        errors: list[str | None] = []
        async with progress("stopping", len(all_)) as advance:
            for what, number in all_:
                try:
                    with named(watcher, name, what, number):
                        stop = watcher.stop if what == "batch" else watcher.broadcasts.stop
                        await stop(number, account=name)
                    errors.append(None)
                except NotThere as error:
                    if error.kind not in NOT_FOLLOWED:
                        raise
                    errors.append(str(error))
                advance(1)
        return errors

    errors = ask(config, stop_all, busy=None)
    ended = list(zip(all_, errors, strict=True))
    if not say_data([{f"{what}_id": number, "stopped": error is None} for (what, number), error in ended], output):
        for (what, number), error in ended:
            if error is not None:
                complain(f"{number}: {error}")
            else:
                say(f"{number} is no longer followed" if what == "batch" else unfollowed(number))
    if any(errors):
        raise typer.Exit(1)
