"""`watcher wait`: until batches have ended, with the daemon or, where none runs, by itself."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from watcher.cli.asking import POLL, Patience, refusal
from watcher.cli.options import Account, As, Config, account_of, environment, seconds_of, settings_in_force
from watcher.cli.printing import Output, complain, say, say_json, say_table, stop
from watcher.cli.watching import Ids

if TYPE_CHECKING:
    from watcher.cli.daemon import Daemon, Document, Place

FIRST: Final = 0.1
"""Seconds before the first round of questions to the daemon; the pause doubles from there."""
AT_ONCE: Final = 50
"""Batches that one round asks about."""
PATIENCE: Final = 3
"""Rounds for which an account may stand as refused: longer than a daemon with a new password takes to find out."""

Key = tuple[str, int]
Waited = Mapping[Key, str]
"""How each batch ended: its status, or gone, refused, timeout."""
Tell = Callable[[Mapping[str, Any]], None]


def wait(
    ids: Ids,
    account: Account = None,
    timeout: Annotated[
        str | None, typer.Option(metavar="DURATION", help="Give up after 90s, 30m, 2h; else never.")
    ] = None,
    any_: Annotated[bool, typer.Option("--any/--all", help="Until one of them has ended, or all of them.")] = False,
    config: Config = None,
    output: As = Output.TABLE,
) -> None:
    """Wait until batches have ended validation, and say how by the exit code.

    With a running daemon it asks that; where none runs it polls CallFire by itself, within the same budget: one process
    at a time, others wait for their turn.

    \b
    watcher wait 13 --timeout 30m && start-campaign 13
    watcher wait 13 14 15 --any
    watcher wait - -o json < ids.txt       one event a line, at the end how each batch ended

    \b
    Exit codes, the first that fits:
      5  CallFire refused the account's login
      4  a batch is gone: CallFire does not know it, or it is no longer followed
      1  a batch ended with ERRORS or SOURCE_ERROR
      3  timed out
      0  ACTIVE, each of them (with --any: the ones that ended)
      2  usage or settings      130  Ctrl-C
    """
    from watcher.cli.rows import read_ids

    batch_ids = read_ids(ids)
    seconds = None if timeout is None else seconds_of("--timeout", timeout)
    tell = say_json if output is Output.JSON else _say_event
    waited = _wait(config, batch_ids, account, seconds, any_, tell)
    code = exit_code(waited, any_=any_)
    if output is Output.JSON:
        ended = [{"account": name, "batch_id": batch_id, "ended": how} for (name, batch_id), how in waited.items()]
        say_json({"waited": ended, "exit_code": code})
    else:
        say_table(("ACCOUNT", "BATCH", "ENDED"), [(*key, how) for key, how in waited.items()])
    raise typer.Exit(code)


def exit_code(waited: Waited, *, any_: bool) -> int:
    """The worst of how the batches ended; with `any_` of those that did, where one did."""
    how = set(waited.values())
    if any_ and how != {"timeout"}:
        how -= {"timeout"}
    codes = ({"refused": 5}, {"gone": 4}, {"ERRORS": 1, "SOURCE_ERROR": 1}, {"timeout": 3})
    return next((code for row in codes for word, code in row.items() if word in how), 0)


def _wait(
    config: Path | None, batch_ids: Sequence[int], account: str | None, seconds: float | None, any_: bool, tell: Tell
) -> Waited:
    """With the daemon where one answers; alone where nobody named one and none does."""
    from watcher.cli.daemon import DaemonError, NoDaemon, place_of
    from watcher.settings import BadSettings

    try:
        place = place_of(config, environment())
    except BadSettings as bad:
        stop(*map(str, bad.problems))
    except DaemonError as error:
        stop(str(error))
    try:
        return asyncio.run(_with_daemon(place, batch_ids, account, seconds, any_, tell))
    except NoDaemon as error:
        if place.named:
            stop(str(error))
    except DaemonError as error:
        stop(str(error))
    settings = settings_in_force(config)
    complain("no daemon runs here: asking CallFire directly")
    from watcher.app import CannotStart, wait_alone

    name = account_of(settings, account)
    keys = [(name, batch_id) for batch_id in batch_ids]
    until: Literal["any", "all"] = "any" if any_ else "all"
    try:
        ended = asyncio.run(wait_alone(settings, keys, timeout=seconds, progress=tell, in_use=_say_in_use, until=until))
    except CannotStart as error:
        stop(str(error))
    for refused, reason in ended.refusals.items():
        complain(refusal(refused, reason, then="try again"))
    return ended.waited


def _say_in_use(by: str) -> None:
    complain(f"{by}. Meanwhile it has the budget: this waits for its turn (if it is a daemon, set WATCHER_URL)")


async def _with_daemon(
    place: "Place", batch_ids: Sequence[int], account: str | None, seconds: float | None, any_: bool, tell: Tell
) -> Waited:
    from watcher.cli.daemon import reach

    async with reach(place) as daemon:
        name = await daemon.account(account)
        vigil = Vigil(daemon, [(name, batch_id) for batch_id in batch_ids], tell)
        pause = FIRST
        try:
            async with asyncio.timeout(seconds):
                await vigil.begin()
                while not vigil.over(any_=any_):
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, POLL)
                    await vigil.round()
        except TimeoutError:
            pass
        return vigil.waited()


class Vigil:
    """What is known of the batches that are waited for, asked from the daemon in rounds."""

    def __init__(self, daemon: "Daemon", keys: Sequence[Key], tell: Tell) -> None:
        self._daemon = daemon
        self._keys = list(keys)
        self._tell = tell
        self._told: dict[Key, int] = {}
        self._positions = dict.fromkeys(self._keys, 0)
        self._ended: dict[Key, str] = {}
        self._turn = 0
        self._refused_rounds = 0
        self._patience = Patience()

    async def begin(self) -> None:
        """Follows what is not followed, and tells where each batch stands."""
        with self._patience.round():
            await self._begin()

    async def _begin(self) -> None:
        from watcher.cli.daemon import NotFollowed, Row

        unknown = []
        for key in self._keys:
            try:
                watch = await self._daemon.watch(*key)
            except NotFollowed:
                unknown.append(key)
                continue
            if watch["state"] in ("missing", "expired"):
                unknown.append(key)  # somebody hopes that it is there now
            else:
                self._told[key] = max((t["number"] for t in watch["transitions"]), default=1) - 1
                await self._learn(key, watch)
        rows = [Row(where=str(batch_id), body={"account": name, "batch_id": batch_id}) for name, batch_id in unknown]
        for key in unknown:
            self._told[key] = 0
        async for _ in self._daemon.follow(rows):
            pass

    async def round(self) -> None:
        """Asks about some of the batches that have not ended, each in its turn, and whether the account is refused.

        A daemon that is silent is waited for: it was there a moment ago, so it restarts, and to ask CallFire meanwhile
        would spend the budget twice. DaemonError when that takes too long.
        """
        with self._patience.round():
            await self._ask()

    async def _ask(self) -> None:
        from watcher.cli.daemon import NotFollowed

        waiting = [key for key in self._keys if key not in self._ended]
        first = self._turn % len(waiting)
        turn = (waiting[first:] + waiting[:first])[:AT_ONCE]
        self._turn = first + len(turn)
        for key in turn:
            try:
                await self._learn(key, await self._daemon.watch(*key))
            except NotFollowed:
                self._ended[key] = "gone"
        await self._heed_account()

    def over(self, *, any_: bool) -> bool:
        return len(self._ended) >= (1 if any_ else len(self._keys))

    def waited(self) -> Waited:
        return {key: self._ended.get(key, "timeout") for key in self._keys}

    async def _learn(self, key: Key, watch: "Document") -> None:
        newest = max((transition["number"] for transition in watch["transitions"]), default=0)
        while self._told[key] < newest:
            found, self._positions[key] = await self._daemon.events(
                after=self._positions[key], account=key[0], batch=key[1]
            )
            for event in found:
                if event["data"]["number"] > self._told[key]:
                    self._told[key] = event["data"]["number"]
                    self._tell({part: event[part] for part in ("type", "timestamp", "data")})
            if not found:
                break
        if watch["state"] == "settled":
            self._ended[key] = watch["status"]
        elif watch["state"] != "open":
            self._ended[key] = "gone"

    async def _heed_account(self) -> None:
        accounts = {account["name"]: account for account in await self._daemon.accounts()}
        refused = [key for key in self._keys if accounts[key[0]]["condition"] == "refused" and key not in self._ended]
        self._refused_rounds = self._refused_rounds + 1 if refused else 0
        if self._refused_rounds >= PATIENCE:
            self._ended |= dict.fromkeys(refused, "refused")
            for name in {key[0] for key in refused}:
                complain(refusal(name, accounts[name]["reason"]))


def _say_event(event: Mapping[str, Any]) -> None:
    data = event["data"]
    batch = f"{data['account']}/{data['batch_id']}" if data.get("batch_id") else data["account"]
    before = f"{data['previous_status']} -> " if data.get("previous_status") else ""
    name = f"  ({data['name']})" if data.get("name") else ""
    now = data.get("status") or data.get("reason") or ""
    say(f"{event['timestamp']}  {batch}  {event['type']}  {before}{now}{name}")
