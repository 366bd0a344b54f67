"""`watcher wait`: until batches have ended, with the daemon or, where none runs, by itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from watcher.cli.asking import place, refusal, remedied, watcher_at
from watcher.cli.formats import PEOPLE, say_data
from watcher.cli.options import LONGEST_TOLD, Account, As, Config, Ids, account_of, seconds_of, settings_in_force
from watcher.cli.printing import Output, complain, say_json, say_line, say_table, stop
from watcher.cli.progress import moving, progress
from watcher.cli.rows import read_ids
from watcher.cli.running import run_to_end
from watcher.cli.watching import STATUSES

if TYPE_CHECKING:
    from watcher.cli.daemon import Place

Key = tuple[str, int]
Tell = Callable[[Mapping[str, Any]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """How each batch ended: its status, or gone, refused, timeout; and which came to what was waited for."""

    how: Mapping[Key, str]
    reached: frozenset[Key] = field(default_factory=frozenset)


def wait(
    ids: Ids,
    account: Account = None,
    timeout: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Give up after 90s, 30m, 2h; else never.")
    ] = None,
    any_: Annotated[bool, typer.Option("--any/--all", help="Until one of them has ended, or all of them.")] = False,
    wanted: Annotated[
        list[str] | None,
        typer.Option("--for", metavar="STATUS", help="Until it has this status, or has passed it; several times."),
    ] = None,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Wait until batches have ended validation, and say how by the exit code.

    With a running daemon it listens to that; where none runs it polls CallFire by itself, within the same budget: one process
    at a time, others wait for their turn.

    \b
    watcher wait 13 --timeout 30m && start-campaign 13
    watcher wait 13 14 15 --any
    watcher wait 13 --for VALIDATING       NEW is over
    watcher wait - -o json < ids.txt       one event a line, at the end how each batch ended

    \b
    Exit codes, the first that fits:
      5  CallFire refused the account's login
      4  a batch is gone: CallFire does not know it, or it is no longer followed
      1  a batch ended with ERRORS or SOURCE_ERROR (with --for: with another status than those)
      3  timed out
      0  ACTIVE, each of them (with --any: the ones that ended; with --for: it has that status, or had it)
      2  usage or settings      130  Ctrl-C
    """
    batch_ids = read_ids(ids)
    until = _statuses(wanted)
    seconds = None if timeout is None else seconds_of("--timeout", timeout)
    raise typer.Exit(wait_for(config, batch_ids, account, seconds, output, any_=any_, until=until))


def wait_for(
    config: Path | None,
    batch_ids: Sequence[int],
    account: str | None,
    seconds: float | None,
    output: Output,
    *,
    any_: bool = False,
    until: Sequence[str] = ("ACTIVE",),
) -> int:
    """Waits, tells each event and at the end how each batch ended; gives the exit code."""
    tell = _say_event if output in PEOPLE else _say_nothing if output is Output.CSV else say_json
    waited = _wait(config, batch_ids, account, seconds, any_, until, tell)
    code = exit_code(waited, any_=any_)
    ended = [{"account": name, "batch_id": batch_id, "ended": how} for (name, batch_id), how in waited.how.items()]
    if output in (Output.JSON, Output.NDJSON):
        say_json({"waited": ended, "exit_code": code})
    elif not say_data(ended, output):
        say_table(("ACCOUNT", "BATCH", "ENDED"), [tuple(each.values()) for each in ended])
    return code


def exit_code(waited: Waited, *, any_: bool) -> int:
    """The worst of how the batches ended; with `any_` of those that did, where one did."""
    how = {each for key, each in waited.how.items() if key not in waited.reached}
    if any_ and set(waited.how.values()) != {"timeout"}:
        how -= {"timeout"}
    others = how - {"refused", "gone", "timeout"}
    codes = ((5, "refused" in how), (4, "gone" in how), (1, bool(others)), (3, "timeout" in how))
    return next((code for code, fits in codes if fits), 0)


def _statuses(wanted: Sequence[str] | None) -> tuple[str, ...]:
    """What is waited for; ends the command where it is none."""
    statuses = tuple(each.upper() for each in wanted or ("ACTIVE",))
    for each in statuses:
        if each not in STATUSES:
            stop(f"--for {each[:LONGEST_TOLD]}: is no status: give one of {', '.join(STATUSES)}")
    return statuses


def _wait(
    config: Path | None,
    batch_ids: Sequence[int],
    account: str | None,
    seconds: float | None,
    any_: bool,
    until: Sequence[str],
    tell: Tell,
) -> Waited:
    """With the daemon where one answers; alone where nobody named one and none does."""
    from watcher.client import Unreachable

    there = place(config)
    with remedied():
        try:
            return run_to_end(_with_daemon(there, batch_ids, account, seconds, any_, until, tell))
        except Unreachable as error:
            if there.named or error.kind == "left":
                raise
    settings = settings_in_force(config)
    if not set(until).isdisjoint(("NEW", "VALIDATING")):
        stop("--for: without a daemon only an end can be waited for, such as ACTIVE: start one with `watcher run`")
    complain("no daemon runs here: asking CallFire directly")
    from watcher.app import CannotStart, wait_alone

    name = account_of(settings, account)
    keys = [(name, batch_id) for batch_id in batch_ids]
    which: Literal["any", "all"] = "any" if any_ else "all"
    try:
        alone = wait_alone(settings, keys, timeout=seconds, progress=tell, in_use=_say_in_use, until=which)
        ended = run_to_end(moving(_waiting(batch_ids), alone))
    except CannotStart as error:
        stop(str(error))
    for refused, reason in ended.refusals.items():
        complain(refusal(refused, reason, then="try again"))
    reached = frozenset(key for key, how in ended.waited.items() if how in until)
    return Waited(how=ended.waited, reached=reached)


def _waiting(batch_ids: Sequence[int]) -> str:
    return "waiting" if len(batch_ids) == 1 else f"waiting for {len(batch_ids)} batches"


def _say_in_use(by: str) -> None:
    complain(f"{by}. Meanwhile it has the budget: this waits for its turn (if it is a daemon, set WATCHER_URL)")


async def _with_daemon(
    there: "Place",
    batch_ids: Sequence[int],
    account: str | None,
    seconds: float | None,
    any_: bool,
    until: Sequence[str],
    tell: Tell,
) -> Waited:
    async with watcher_at(there) as watcher, progress(_waiting(batch_ids), None):
        ended = await watcher.wait(
            batch_ids,
            account=account,
            until=until,
            any_=any_,
            timeout=seconds,
            told=lambda event: tell({part: event.document[part] for part in ("type", "timestamp", "data")}),
        )
    for name, reason in ended.refusals.items():
        complain(refusal(name, reason))
    return Waited(how={(key.account, key.batch_id): how for key, how in ended.how.items()}, reached=ended.reached)


def _say_nothing(_: Mapping[str, Any]) -> None:
    """A CSV has a row a batch, and nothing else."""


def _say_event(event: Mapping[str, Any]) -> None:
    data = event["data"]
    batch = f"{data['account']}/{data['batch_id']}" if data.get("batch_id") else data["account"]
    before = f"{data['previous_status']} -> " if data.get("previous_status") else ""
    name = f"  ({data['name']})" if data.get("name") else ""
    now = data.get("status") or data.get("reason") or ""
    say_line(f"{event['timestamp']}  {batch}  {event['type']}  {before}{now}{name}")
