"""`watcher add`, `ls`, `show`, `rm` and `events`: what a running daemon follows."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from watcher.cli.asking import POLL, Patience, ask, warn_of_refused
from watcher.cli.options import Account, As, Config, whole
from watcher.cli.printing import Output, complain, console, say, say_json, say_table, stop

if TYPE_CHECKING:
    from watcher.cli.daemon import Daemon, Document, Outcome, Row

LATE: Final = 1.0
"""Seconds after which something that takes longer shows how far it is."""
PAGE: Final = 1000
"""Events that are asked for at once."""

Ids = Annotated[
    list[str], typer.Argument(metavar="ID...", help="Batch ids; a file with one a line; - for standard input.")
]
Type = Annotated[
    list[str] | None, typer.Option("--type", help="Only this type, or batch.*; may be given several times.")
]


def add(
    ids: Ids,
    account: Account = None,
    label: Annotated[
        list[str] | None,
        typer.Option("--label", "-l", metavar="KEY=VALUE", help="Goes into every event; several times."),
    ] = None,
    correlation_id: Annotated[str | None, typer.Option(help="Goes into every event: how you find it again.")] = None,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Follow batches.

    \b
    watcher add 13 14 --label team=north
    watcher add ids.txt                    one id a line
    query-ids | watcher add -              ids, or rows as {"batch_id": 13, "labels": {"team": "north"}}

    Adding a batch again does no harm: it is followed once. Exit codes: 0 all are followed, 1 some were refused (they are
    listed), 2 usage or no daemon; nothing was done then.
    """
    from watcher.cli.rows import read_rows

    more: dict[str, object] = {}
    if account is not None:
        more["account"] = account
    if label:
        more["labels"] = dict(map(_label, label))
    if correlation_id is not None:
        more["correlation_id"] = correlation_id
    rows = read_rows(ids, more)
    outcomes = ask(config, lambda daemon: _add(daemon, rows))
    _print_outcomes(outcomes, output)
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
        return await _some(daemon.watches(account=account, status=status, final=final), limit + 1)

    watches = ask(config, some)
    more, watches = len(watches) > limit, watches[:limit]
    if output is Output.JSON:
        say_json(watches, indent=2)
        return
    one = len({watch["account"] for watch in watches}) == 1
    say_table(
        ("ACCOUNT", "BATCH", "BROADCAST", "STATUS", "SINCE", "LOOKS", "SIZE", "NAME"),
        [
            (w["account"], w["batch_id"], w["broadcast_id"], _status(w), _second(w), w["looks"], w["size"], w["name"])
            for w in watches
        ],
        spare=("BROADCAST", "SIZE", "LOOKS", "NAME", *(("ACCOUNT",) if one else ()), "SINCE"),
    )
    if more:
        complain(f"there are more than {limit}: see them with --limit")


def show(
    batch_id: Annotated[int, typer.Argument(parser=whole, metavar="ID", help="Batch id.")],
    account: Account = None,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Show a batch as last seen, and everything that happened to it. Exit code 1: it is not followed.

    \b
    watcher show 13
    watcher show 13 -o json | jq .transitions
    """

    async def one(daemon: "Daemon") -> "Document":
        name = await daemon.account(account)
        await warn_of_refused(daemon, {name})
        return await daemon.watch(name, batch_id)

    watch = ask(config, one)
    if output is Output.JSON:
        say_json(watch, indent=2)
        return
    look = watch["last_look"] or {}
    say_table(
        ("", ""),
        [
            ("batch", f"{watch['batch_id']} of account {watch['account']}"),
            ("name", watch["name"]),
            ("broadcast", watch["broadcast_id"]),
            ("status", watch["status"]),
            ("since", watch["since"]),
            ("watch", watch["state"]),
            ("contacts", watch["size"]),
            ("remaining", watch["remaining"]),
            ("looks", watch["looks"]),
            ("last look", look.get("answered")),
            ("next look", watch["next_look"]),
            *((f"label {key}", value) for key, value in watch["labels"].items()),
            ("correlation id", watch["correlation_id"]),
        ],
    )
    say("")
    say_table(
        ("NUMBER", "EVENT", "STATUS", "BEFORE", "AFTER", "BY"),
        [
            (t["number"], t["type"], t["status"], t["previous_status"], *_window(t["window"], t["timestamp"]))
            for t in watch["transitions"]
        ],
    )


def rm(ids: Ids, account: Account = None, config: Config = None, output: As = Output.TABLE) -> None:
    """Stop following batches. What happened to them stays in the log. Exit code 1: some were not followed.

    \b
    watcher rm 13 14
    watcher ls --status ERRORS -o json | jq '.[].batch_id' | watcher rm -
    """
    from watcher.cli.rows import read_ids

    batch_ids = read_ids(ids)

    async def stop_all(daemon: "Daemon") -> list[tuple[int, str | None]]:
        from watcher.cli.daemon import NotFollowed

        name = await daemon.account(account)
        ended: list[tuple[int, str | None]] = []
        for batch_id in batch_ids:
            try:
                await daemon.unfollow(name, batch_id)
                ended.append((batch_id, None))
            except NotFollowed as error:
                ended.append((batch_id, str(error)))
        return ended

    ended = ask(config, stop_all)
    if output is Output.JSON:
        say_json([{"batch_id": batch_id, "stopped": error is None} for batch_id, error in ended], indent=2)
    else:
        for batch_id, error in ended:
            say(f"{batch_id} is no longer followed") if error is None else complain(f"{batch_id}: {error}")
    if any(error for _, error in ended):
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
        say_json(event) if output is Output.JSON else say(_event(event))

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


async def _add(daemon: "Daemon", rows: "list[Row]") -> "list[Outcome]":
    outcomes: list[Outcome] = []
    async with _progress("following", len(rows)) as advance:
        async for portion in daemon.follow(rows):
            outcomes += portion
            advance(len(portion))
    await warn_of_refused(daemon, {outcome.account for outcome in outcomes if outcome.account})
    return outcomes


async def _some(items: "AsyncIterator[Document]", most: int) -> "list[Document]":
    found: list[Document] = []
    async for item in items:
        found.append(item)
        if len(found) == most:
            break
    return found


@asynccontextmanager
async def _progress(what: str, total: int) -> AsyncIterator[Callable[[int], None]]:
    """A bar on standard error, on a terminal, for what takes longer than a moment."""
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


def _label(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        stop(f"--label {text}: is not KEY=VALUE: write it as --label team=north")
    return key, value


def _print_outcomes(outcomes: "list[Outcome]", output: Output) -> None:
    if output is Output.JSON:
        say_json(
            [
                {"row": o.row.where, "account": o.account, "batch_id": o.batch_id, "result": o.result}
                if o.error is None
                else {"row": o.row.where, "error": o.error}
                for o in outcomes
            ],
            indent=2,
        )
        return
    for outcome in outcomes:
        if outcome.error is not None:
            complain(f"{outcome.row.where}: {outcome.error}")
    counts = {what: sum(o.result == what for o in outcomes) for what in ("created", "known", "reopened", None)}
    words = ("now followed", "followed already", "followed again", "refused")
    say(", ".join(f"{count} {word}" for count, word in zip(counts.values(), words, strict=True) if count))


def _status(watch: "Document") -> str | None:
    """The status; or how the watch ended, where it was not by one."""
    state: str = watch["state"]
    return state if state in ("missing", "expired") else watch["status"]


def _second(watch: "Document") -> str | None:
    """Since when it has its status, to the second and in UTC: what fits into a line."""
    since: str | None = watch["since"]
    return since and since[:19].replace("T", " ")


def _window(window: "Document | None", timestamp: str) -> tuple[str | None, str]:
    return (None, timestamp) if window is None else (window["after"], window["by"])


def _event(event: "Document") -> str:
    data = event["data"]
    what = f"{data['account']}/{data['batch_id']}" if "batch_id" in data else str(data.get("account", ""))
    change = data.get("status") or data.get("reason") or ""
    if data.get("previous_status"):
        change = f"{data['previous_status']} -> {change}"
    return f"{event['position']:>6}  {event['timestamp']}  {event['type']:<20}  {what:<24}  {change}".rstrip()
