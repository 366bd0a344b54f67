"""A command's question to the daemon: how it ends where there is no answer, how long one that restarts is waited for, and
what is said of accounts that CallFire refuses."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from watcher.cli.options import environment
from watcher.cli.printing import complain, stop

if TYPE_CHECKING:
    from watcher.cli.daemon import Daemon

POLL: Final = 1.0
"""Seconds between two rounds of questions to the daemon."""
SILENT_MOST: Final = 60
"""Rounds that a daemon which did answer may be silent for."""


def ask(config: Path | None, question: "Callable[[Daemon], Awaitable[Any]]") -> Any:
    """The daemon's answer; ends the command where it has none."""
    from watcher.cli.daemon import DaemonError, NotFound, place_of, reach
    from watcher.settings import BadSettings

    async def answer() -> Any:
        async with reach(place_of(config, environment())) as daemon:
            return await question(daemon)

    try:
        return asyncio.run(answer())
    except BadSettings as bad:
        stop(*map(str, bad.problems))
    except NotFound as error:
        stop(str(error), code=1)
    except DaemonError as error:
        stop(str(error))


async def first_of(items: AsyncIterator[Any], most: int) -> list[Any]:
    """So many of a list that may be longer, and of which no more is asked for."""
    found: list[Any] = []
    async for item in items:
        found.append(item)
        if len(found) == most:
            break
    return found


class Patience:
    """With a daemon that did answer and is silent now: most likely it restarts."""

    def __init__(self) -> None:
        self._answered = False
        self._silent = 0

    @contextmanager
    def round(self) -> Iterator[None]:
        """Around one round of questions: a silence is passed over, and told when it begins.

        NoDaemon where none ever answered, DaemonError where the silence lasts too long.
        """
        from watcher.cli.daemon import DaemonError, NoDaemon

        try:
            yield
        except NoDaemon as error:
            if not self._answered:
                raise
            if not self._silent:
                complain(f"the daemon does not answer: waiting for it, {SILENT_MOST * POLL:.0f} s at most")
            self._silent += 1
            if self._silent > SILENT_MOST:
                raise DaemonError(str(error)) from error
        else:
            self._answered, self._silent = True, 0


async def warn_of_refused(daemon: "Daemon", among: Container[str] | None = None) -> None:
    """Says which accounts (of those named, else of all) CallFire refuses: nothing is learnt of their batches."""
    for account in await daemon.accounts():
        if account["condition"] == "refused" and (among is None or account["name"] in among):
            complain(refusal(account["name"], account["reason"]))


def refusal(account: str, reason: str, then: str = "restart the daemon") -> str:
    """That CallFire refuses the account, why, and what to do."""
    because = f" ({reason})" if reason else ""
    keys = (
        "CALLFIRE_LOGIN and CALLFIRE_PASSWORD"
        if account == "default"
        else f"login and password in [accounts.{account}]"
    )
    return f"account {account}: CallFire refuses its login{because}: correct {keys} and {then}"
