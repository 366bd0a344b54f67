"""`watcher endpoints recover`: what an endpoint missed is sent to it again; counted first, then done portion by portion."""

import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Final

import typer

from watcher.cli.agreeing import agreed
from watcher.cli.formats import PEOPLE, say_data
from watcher.cli.options import As, Config, moment_of
from watcher.cli.printing import Output, Stop, complain, say, say_table
from watcher.cli.progress import progress
from watcher.cli.subscriptions import ask_about, id_of
from watcher.cli.times import now

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watcher.cli.formats import Document
    from watcher.client import Recovered, Watcher


class RecoveryState(StrEnum):
    """What became of an event for an endpoint, as far as it can be recovered."""

    DEAD = "dead"
    HELD = "held"
    MISSING = "missing"
    PENDING = "pending"
    DONE = "done"


WORDS: Final[Mapping[str, str]] = {
    "dead": "ran out of attempts",
    "held": "kept while it was disabled",
    "missing": "never owed to it: older than the endpoint, or than its filter",
    "pending": "tried again later by themselves",
    "done": "accepted already",
}


@dataclass(slots=True, kw_only=True)
class Recovery:
    """What is asked for, and how far it is: `after` and `until` are as the daemon said last. None: it is at its end."""

    endpoint_id: str
    since: str
    until: str | None
    states: Sequence[str]
    after: int | None = 0
    counts: Counter[str] = field(default_factory=Counter)

    async def portion(self, watcher: "Watcher", *, dry_run: bool) -> "Recovered":
        """Asks for the next portion."""
        return await watcher.endpoints.recover(
            self.endpoint_id,
            since=self.since,
            until=self.until,
            states=self.states,
            after=self.after or 0,
            dry_run=dry_run,
        )

    def take(self, answer: "Document") -> int:
        """What a portion brought; how many events it was about."""
        self.since, self.until, self.after = answer["since"], answer["until"], answer["after"]
        self.counts.update(answer["counts"])
        return sum(answer["counts"].values())

    def rest(self) -> str:
        """The command that does what is left."""
        given = ["--since", self.since, *(("--until", self.until) if self.until else ())]
        given += [part for state in self.states for part in ("--state", state)]
        given += ["--after", str(self.after)] if self.after else []
        return shlex.join(["watcher", "endpoints", "recover", self.endpoint_id, *given])


def recover(
    endpoint_id: Annotated[str, typer.Argument(metavar="ID", help="The endpoint's id.")],
    since: Annotated[str, typer.Option(metavar="TIME", help="From when on: 2026-11-23T09:00:00Z, or 24h ago as 24h.")],
    until: Annotated[str | None, typer.Option(metavar="TIME", help="Until before when; else until now.")] = None,
    states: Annotated[
        list[RecoveryState] | None,
        typer.Option("--state", help="Events in this state; several times. Else dead, held and missing."),
    ] = None,
    after: Annotated[int, typer.Option(min=0, help="Go on after this position: as an interrupted one said.")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether it is to be done.")] = False,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Send an endpoint again what it missed: counted first, then done where you agree, each with a full schedule of attempts.

    \b
    watcher endpoints recover crm --since 24h --dry-run
    watcher endpoints recover crm --since 2026-11-23T00:00:00Z --state dead --yes

    What was never owed to it, for it is younger than the event, is sent too (missing). There is no limit to how much. Ctrl-C
    ends it between two portions, and it says how to go on. Exit code 1: there is no such endpoint, or you did not agree.
    """
    at = now()
    if output not in PEOPLE and not (yes or dry_run):
        raise typer.BadParameter(f"With -o {output} nothing is asked: give --dry-run, or --yes.")
    found = Recovery(
        endpoint_id=id_of(endpoint_id),
        since=moment_of("--since", since, at),
        until=None if until is None else moment_of("--until", until, at),
        states=[state.value for state in states or ()],
        after=after,
    )
    ask_about(config, lambda watcher: _all(watcher, found, "counting", None, dry_run=True), busy=None)
    if dry_run or not found.counts.total():
        _say(found, after, output, done=False)
        return
    if not yes:
        _say(found, after, output, done=False)
        what = "it" if (count := found.counts.total()) == 1 else f"these {count}"
        if not agreed(f"Send {what} again to {endpoint_id}?", "nothing was recovered"):
            raise typer.Exit(1)
    # With the `until` of what was counted, so that no more is sent than was agreed to.
    doing = replace(found, after=after, counts=Counter())
    with _told_how_to_go_on(doing):
        ask_about(
            config, lambda watcher: _all(watcher, doing, "recovering", found.counts.total(), dry_run=False), busy=None
        )
    _say(doing, after, output, done=True)


async def _all(watcher: "Watcher", recovery: Recovery, what: str, total: int | None, *, dry_run: bool) -> None:
    """Portion by portion to the end. `recovery` says how far it is, also where it is interrupted."""
    async with progress(what, total) as advance:
        while recovery.after is not None:
            advance(recovery.take((await recovery.portion(watcher, dry_run=dry_run)).document))


@contextmanager
def _told_how_to_go_on(recovery: Recovery) -> "Iterator[None]":
    """Where it is interrupted: nothing that was done is lost, and the rest is one command."""
    try:
        yield
    except KeyboardInterrupt:
        complain(_how(recovery))
        raise
    except Stop as end:
        raise Stop(*end.lines, _how(recovery), code=end.code) from None


def _how(recovery: Recovery) -> str:
    return f"{recovery.counts.total()} were recovered; go on with: {recovery.rest()}"


def _say(recovery: Recovery, after: int, output: Output, *, done: bool) -> None:
    counts = {state: count for state, count in recovery.counts.items() if count}
    if output not in PEOPLE:
        place = {"endpoint": recovery.endpoint_id, "since": recovery.since, "until": recovery.until, "after": after}
        say_data({**place, "dry_run": not done, "counts": dict(recovery.counts)}, output)
    elif done:
        total = recovery.counts.total()
        said = "1 event is" if total == 1 else f"{total} events are"
        say(f"{said} sent to {recovery.endpoint_id} again, within its limits")
    elif not counts:
        say(f"there is nothing to recover for {recovery.endpoint_id} from {recovery.since} to {recovery.until}")
    else:
        say_table(("STATE", "EVENTS", ""), [(state, count, WORDS[state]) for state, count in counts.items()])
