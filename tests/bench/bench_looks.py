"""Looks per second of the daemon's own poller with the throttle wide open, beside a bare aiohttp loop.

Same session, same collector, same 32 requests in flight, same answers of 150 bytes, both on uvloop, in turns in the same run;
2,000 watches, all VALIDATING. The poller schedules, asks, deciphers, learns, tells its news to metrics and logs, and saves last
looks to SQLite.
"""

import asyncio
import gc
import itertools
import statistics
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from aiohttp import ClientSession

from tests.bench.opponent import opponent, parsed
from watcher.app.assembly import Town
from watcher.app.process import tune_the_interpreter
from watcher.callfire.client import CallFire, open_session
from watcher.callfire.limits import Budget
from watcher.callfire.wire import access, batch_request
from watcher.clock import SystemClock
from watcher.core.account import Account
from watcher.core.model import Key
from watcher.core.news import Looked, News
from watcher.core.schedule import Pace
from watcher.core.transitions import Rules
from watcher.polling.following import Polling
from watcher.polling.keeping import Keeper
from watcher.polling.poller import Poller
from watcher.polling.standing import Rates
from watcher.ports import Wish
from watcher.store.sqlite import open_store
from watcher.telemetry.logs import Logs
from watcher.telemetry.metrics import Metrics
from watcher.workers import Crew

IN_FLIGHT = 32
WATCHES = 2_000
SECONDS = 2.0
ROUNDS = 7


async def bare(session: ClientSession, url: str) -> float:
    """GETs per second, one batch after another, of a loop that does nothing else than reading JSON."""
    done = 0
    end = time.perf_counter() + SECONDS
    account = access(url, "login", "password")
    numbers = itertools.cycle(range(1, WATCHES + 1))

    async def ask() -> None:
        nonlocal done
        while time.perf_counter() < end:
            request = batch_request(account, next(numbers))
            async with session.get(request.url, headers=request.headers) as response:
                parsed(await response.read())
            done += 1

    await asyncio.gather(*(ask() for _ in range(IN_FLIGHT)))
    return done / SECONDS


async def polled(session: ClientSession, url: str, path: Path) -> float:
    """Looks per second of the poller."""
    clock, town = SystemClock(), Town()
    looks = 0

    def count(news: News) -> None:
        nonlocal looks
        looks += isinstance(news, Looked)

    town.listen(Metrics(version="bench", loaded=clock.now()))
    town.listen(Logs(clock=clock))
    town.listen(count)
    async with (
        open_store(path, tell=town.tell, clock=clock) as store,
        Crew(clock=clock, tell=town.tell) as crew,
    ):
        upstream = CallFire(
            "default",
            access=access(url, "login", "password"),
            session=session,
            budget=Budget(1e6),
            clock=clock,
            tell=town.tell,
        )
        poller = Poller(
            Account(name="default", proven=True),
            rates=Rates(rate=1e6, concurrency=IN_FLIGHT),
            pace=Pace(worth=0.0, min_interval=0.0),
            rules=Rules(),
            upstream=upstream,
            store=store,
            accounts=store,
            clock=clock,
            tell=town.tell,
            errand=crew.errand,
        )
        polling = Polling({"default": poller}, store=store, clock=clock, tell=town.tell)
        await polling.follow([Wish(key=Key("default", n)) for n in range(1, WATCHES + 1)])
        crew.hire(poller)
        while poller.roster.by_status()["unseen"]:
            await asyncio.sleep(0.01)
        crew.hire(Keeper(polling, reports=[poller.report], clock=clock, every=1.0))
        tune_the_interpreter()  # as the daemon does once it is up
        looks = 0
        began = time.perf_counter()
        await asyncio.sleep(SECONDS)
        rate = looks / (time.perf_counter() - began)
        gc.unfreeze()
        return rate


async def _run() -> dict[str, float]:
    ours: list[float] = []
    theirs: list[float] = []
    tune_the_interpreter()
    with opponent() as other, tempfile.TemporaryDirectory() as folder:
        async with open_session(user_agent="bench") as session:
            for number in range(ROUNDS):
                theirs.append(await bare(session, other.url))
                ours.append(await polled(session, other.url, Path(folder) / f"{number}.db"))
    return {
        "bare GET + JSON, per second (median)": statistics.median(theirs),
        "looks, per second (median)": statistics.median(ours),
        "ratio (median of the rounds)": statistics.median(a / b for a, b in zip(ours, theirs, strict=True)),
        "ratio (least)": min(a / b for a, b in zip(ours, theirs, strict=True)),
        "ratio (greatest)": max(a / b for a, b in zip(ours, theirs, strict=True)),
    }


def run() -> dict[str, float]:
    """About 35 seconds."""
    return uvloop.run(_run())


if __name__ == "__main__":
    print(datetime.now(UTC), run())
