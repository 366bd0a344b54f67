"""`watcher label` and `refresh`: what a batch is known by, and looking at it now."""

from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from watcher.cli.asking import USAGE, ask, named
from watcher.cli.formats import say_list, say_one
from watcher.cli.options import LONGEST_TOLD, Account, As, BatchId, Config, Ids
from watcher.cli.printing import Output, complain, say_line, stop
from watcher.cli.progress import progress
from watcher.cli.rows import read_ids
from watcher.cli.shown import WATCHES, say_watch, watch_line

if TYPE_CHECKING:
    from watcher.cli.formats import Document
    from watcher.client import Watch, Watcher

UNANSWERED: Final = "CallFire has not answered: this is as it was; `watcher accounts ls` says how the account stands"


def label(
    batch_id: BatchId,
    labels: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE|KEY-", help="Labels to set; with a - at the end one to take away."),
    ] = None,
    correlation_id: Annotated[
        str | None, typer.Option(help="Goes into every event from now on; an empty one takes it away.")
    ] = None,
    account: Account = None,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Change the labels of a batch; those that are not named stay. They are in every event from now on.

    \b
    watcher label 13 team=north urgent-
    watcher label 13 --correlation-id "order 7"

    Exit code 1: it is not followed.
    """
    changes = _changes(labels or [])
    more: dict[str, Any] = {} if correlation_id is None else {"correlation_id": correlation_id or None}
    if not changes and not more:
        raise typer.BadParameter("Nothing is to be changed: give labels as team=north, or --correlation-id.")

    async def change(watcher: "Watcher") -> "Watch":
        name = await watcher.accounts.meant(account)
        with named(watcher, name, "batch", batch_id):
            return await watcher.relabel(batch_id, changes or None, account=name, **more)

    watch = ask(config, change, options={"labels": "label"}).document
    say_one(watch, output, lambda: say_line(_labels(watch)), WATCHES)


def refresh(
    ids: Ids,
    account: Account = None,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Look at batches now, out of their turn, and show what is seen. Each takes a request of the budget.

    \b
    watcher refresh 13
    watcher refresh 13 14 -o json

    Exit code 1: some were not (they are listed): not followed, at their end, or without an answer of CallFire's.
    """
    wanted = read_ids(ids)

    async def look(watcher: "Watcher") -> "tuple[list[Document], list[str]]":
        from watcher.client import NotThere, Refused

        name = await watcher.accounts.meant(account)
        seen, errors = [], []
        async with progress("looking", len(wanted)) as advance:
            for batch_id in wanted:
                try:
                    with named(watcher, name, "batch", batch_id):
                        watch = await watcher.refresh(batch_id, account=name)
                    seen.append(watch.document)
                    if not watch.fresh:
                        errors.append(f"{batch_id}: {UNANSWERED}")
                except (NotThere, Refused) as error:
                    if error.kind in USAGE:
                        raise
                    errors.append(f"{batch_id}: {error}")
                advance(1)
        return seen, errors

    seen, errors = ask(config, look, busy=None)
    if output is Output.TABLE and len(wanted) == 1 and seen:
        say_watch(seen[0])
    elif output is Output.TABLE:
        for watch in seen:
            say_line(watch_line(watch))
    else:
        say_list(seen, WATCHES, output)
    for error in errors:
        complain(error)
    if errors:
        raise typer.Exit(1)


def _changes(given: list[str]) -> dict[str, str | None]:
    """What is set, and what is taken away (None); ends the command where one of them is neither."""
    changes: dict[str, str | None] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals and key.endswith("-"):
            key, value = key[:-1], ""
        elif not equals:
            stop(
                f"{text[:LONGEST_TOLD]}: is neither KEY=VALUE nor KEY-: write team=north to set one, team- to take it away"
            )
        if not key:
            stop(f"{text[:LONGEST_TOLD]}: has no name before it: write team=north to set one, team- to take it away")
        changes[key] = value if equals else None
    return changes


def _labels(watch: "Document") -> str:
    labels = " ".join(f"{key}={value}" for key, value in watch["labels"].items()) or "no label"
    known = f", correlation id {watch['correlation_id']}" if watch["correlation_id"] is not None else ""
    return f"{watch['account']}/{watch['batch_id']} has {labels}{known}"
