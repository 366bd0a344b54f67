"""Plans for the interface: an account's load is played by a process of its own, one at a time, while the daemon goes on.

The process has standard input from us, and ends when that does: it outlives the daemon in no way that this can end.
"""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import watcher
from watcher.core.plan import Bought
from watcher.core.ranking import Pace
from watcher.polling.following import Polling
from watcher.ports import Clock, Planned, Unplanned

if TYPE_CHECKING:
    from watcher.planning.bought import Asked

COMMAND: Final = (sys.executable, "-P", "-m", "watcher.planning")
DEADLINE: Final = 120.0
"""Seconds that a play may take. Most take some; the daemon goes before it."""
KEPT: Final = timedelta(minutes=10)
LIKE: Final = 1.25
"""How many times as large a load may be and still be about the same."""
SECRET: Final = ("CALLFIRE_", "WATCHER_", "OTEL_", "PG")
"""What begins like this in our environment is not for others: what is ours, and what the libraries for traces and PostgreSQL read
there, passwords and headers among it."""

Errand = Callable[[str, Coroutine[object, object, None]], None]


class PlayFailed(Exception):
    """No answer came; the message says why. Asked again it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Play:
    """A play under way, and where its answer will be."""

    account: str
    answer: "asyncio.Future[Planned | Unplanned]"


class Planner:
    """Implements the port `Planning`. `end` before the errands are waited for."""

    def __init__(
        self,
        polling: Polling,
        *,
        pace: Pace,
        clock: Clock,
        errand: Errand,
        command: Sequence[str] = COMMAND,
        deadline: float = DEADLINE,
    ) -> None:
        self._polling = polling
        self._pace = pace
        self._clock = clock
        self._errand = errand
        self._command = command
        self._deadline = deadline
        self._kept: dict[str, tuple[Asked, Planned]] = {}
        self._play: _Play | None = None
        self._process: Process | None = None
        self._ended = False

    async def plan(self, account: str) -> Planned | Unplanned:
        now = self._clock.now()
        shown, learnt = await self._polling.load_of(account)
        in_flight, rate = shown.coming, shown.view.rate
        known = self._kept.get(account)
        if self._ended:
            return Unplanned(kind="stopping", detail="the daemon was asked to stop")
        if known is not None and self._fits(known, in_flight, now):
            return known[1]
        if not in_flight:
            return Unplanned(
                kind="nothing-to-plan",
                detail="no batch of the account is on its way, so there is no load to plan for: follow some, or ask "
                "`watcher plan` about a load of your own",
            )
        play = self._play
        if play is None:
            from watcher.planning.bought import Asked

            asked = Asked(in_flight=in_flight, rate=rate, pace=self._pace, learnt=learnt.decode(), at=now)
            play = self._begin(asked, account)
        elif play.account != account:
            return Unplanned(
                kind="plan-under-way",
                detail=f"the load of another account is being played: ask again in a while, {self._deadline:.0f} s at most",
            )
        return await asyncio.shield(play.answer)

    def end(self) -> None:
        """Nothing is played any more: who waits is told so."""
        self._ended = True
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    def _fits(self, known: "tuple[Asked, Planned]", in_flight: int, now: datetime) -> bool:
        asked, planned = known
        if not in_flight or now - planned.at >= KEPT:
            return False
        return 1 / LIKE <= in_flight / asked.in_flight <= LIKE

    def _begin(self, asked: "Asked", account: str) -> _Play:
        play = _Play(account=account, answer=asyncio.get_running_loop().create_future())
        self._play = play
        self._errand(f"plan {account}", self._run(play, asked))
        return play

    async def _run(self, play: _Play, asked: "Asked") -> None:
        result: Planned | Unplanned = Unplanned(kind="stopping", detail="the daemon was asked to stop")
        try:
            bought = await self._played(asked)
            result = Planned(account=play.account, at=asked.at, bought=bought)
            self._kept[play.account] = (asked, result)
        except PlayFailed as error:
            if not self._ended:
                result = Unplanned(kind="plan-failed", detail=str(error))
                raise
        finally:
            self._play = None
            play.answer.set_result(result)

    async def _played(self, asked: "Asked") -> Bought:
        from watcher.planning.bought import from_line

        try:
            async with asyncio.timeout(self._deadline):
                line = await self._told_by_another(asked.to_line())
        except TimeoutError as error:
            raise PlayFailed(f"it took more than {self._deadline:g} s: ask when the machine has less to do") from error
        except OSError as error:
            raise PlayFailed(f"the process that plays it cannot be started ({error})") from error
        try:
            return from_line(line)
        except (ValueError, TypeError, LookupError) as error:
            raise PlayFailed("the process that plays it ended without an answer") from error

    async def _told_by_another(self, question: str) -> str:
        """What the process says to the question. It is gone when this ends, whatever ends it."""
        # Not in our process group: what a terminal sends to us is ours to heed.
        process = await asyncio.create_subprocess_exec(
            *self._command, stdin=PIPE, stdout=PIPE, env=environment(os.environ), start_new_session=True
        )
        self._process = process
        try:
            if self._ended or process.stdin is None or process.stdout is None:
                return ""
            process.stdin.write(f"{question}\n".encode())
            line = (await process.stdout.read()).decode(errors="replace")
            await process.wait()
            return line
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()
            self._process = None


def environment(ours: Mapping[str, str]) -> dict[str, str]:
    """What the process that plays gets of our environment: no secrets, the same code, and one thread for its sums."""
    kept = {name: value for name, value in ours.items() if not name.startswith(SECRET)}
    code = str(Path(watcher.__file__).parent.parent)
    paths = [code, ours["PYTHONPATH"]] if ours.get("PYTHONPATH") else [code]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "OPENBLAS_NUM_THREADS": "1"}
