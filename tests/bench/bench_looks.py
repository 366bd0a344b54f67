"""Looks per second of the daemon's own poller with the throttle wide open, beside a bare aiohttp loop; and where the time goes.

Same collector, same 32 requests in flight, same answers of 150 bytes, both on uvloop, in turns in the same run; 2,000 watches,
all VALIDATING. The bare loop is a ClientSession without limits and cookies that gets one URL after another, made beforehand, and
reads the JSON. The poller schedules, asks, deciphers, learns, tells its news to metrics and logs, and saves last looks to SQLite.
The second table is made of what a look costs with ever more around it, in turns in the same run: microseconds of processor time
of this side, all threads.
"""

import asyncio
import gc
import itertools
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import uvloop
from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from yarl import URL

from tests.bench.opponent import opponent, parsed
from watcher.app.assembly import Town
from watcher.app.process import tune_the_interpreter
from watcher.callfire.client import CallFire, Heard, Session, open_session
from watcher.callfire.limits import Budget
from watcher.callfire.wire import access, batch_request
from watcher.clock import SystemClock
from watcher.core.account import Account
from watcher.core.model import Batch, Key, Seen
from watcher.core.news import Looked, News
from watcher.core.schedule import Choice, Pace
from watcher.core.transitions import Rules
from watcher.http.exchange import Question, destination_of, exchange
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
SECONDS = 1.5
ROUNDS = 9
BY_ITSELF = 10_000
"""Times that a part without requests is done."""

Table = tuple[Sequence[str], Sequence[Sequence[str]]]
Ask = Callable[[int], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What so many cost: seconds of time, and of processors."""

    done: int
    seconds: float
    processor: float

    @property
    def rate(self) -> float:
        return self.done / self.seconds

    @property
    def each(self) -> float:
        """Microseconds of processor time."""
        return self.processor / self.done * 1e6


class Meter:
    """From its making on."""

    def __init__(self) -> None:
        self._seconds, self._processor = time.perf_counter(), time.process_time()

    def read(self, done: int) -> Spent:
        return Spent(
            done=done,
            seconds=time.perf_counter() - self._seconds,
            processor=time.process_time() - self._processor,
        )


async def again_and_again(ask: Ask) -> Spent:
    """Asks for one batch after another, IN_FLIGHT at once."""
    done, meter = 0, Meter()
    end = time.perf_counter() + SECONDS
    numbers = itertools.cycle(range(1, WATCHES + 1))

    async def one_after_another() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await ask(next(numbers))
            done += 1

    await asyncio.gather(*(one_after_another() for _ in range(IN_FLIGHT)))
    return meter.read(done)


async def bare(url: str) -> Spent:
    """A loop that does nothing else than asking and reading JSON."""
    account = access(url, "login", "password")

    urls = [URL(f"{url}{batch_request(account, number).target}") for number in range(WATCHES + 1)]

    async def ask(number: int) -> None:
        async with session.get(urls[number], headers=account.headers) as response:
            parsed(await response.read())

    async with ClientSession(connector=TCPConnector(limit=0), cookie_jar=DummyCookieJar()) as session:
        return await again_and_again(ask)


def upstream(session: Session, url: str, clock: SystemClock, town: Town) -> CallFire:
    """The client, with a throttle that is open."""
    return CallFire(
        "default",
        access=access(url, "login", "password"),
        session=session,
        budget=Budget(1e6),
        clock=clock,
        tell=town.tell,
    )


def town_of(clock: SystemClock) -> Town:
    """Where metrics and logs hear the news, as the daemon's do."""
    town = Town()
    town.listen(Metrics(version="bench", loaded=clock.now()))
    town.listen(Logs(clock=clock))
    return town


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A poller with what is around it, not yet at work, on WATCHES that nobody has looked at."""

    poller: Poller
    polling: Polling
    crew: Crew
    clock: SystemClock


@asynccontextmanager
async def house(session: Session, url: str, path: Path, town: Town) -> AsyncIterator[House]:
    """While it stands."""
    clock = SystemClock()
    async with open_store(path, tell=town.tell, clock=clock) as store, Crew(clock=clock, tell=town.tell) as crew:
        poller = Poller(
            Account(name="default", proven=True),
            rates=Rates(rate=1e6, concurrency=IN_FLIGHT),
            pace=Pace(worth=0.0, min_interval=0.0),
            rules=Rules(),
            upstream=upstream(session, url, clock, town),
            store=store,
            accounts=store,
            clock=clock,
            tell=town.tell,
            errand=crew.errand,
        )
        polling = Polling({"default": poller}, store=store, clock=clock, tell=town.tell)
        await polling.follow([Wish(key=Key("default", n)) for n in range(1, WATCHES + 1)])
        yield House(poller=poller, polling=polling, crew=crew, clock=clock)


async def polled(session: Session, url: str, path: Path, *, saved: bool = True, seconds: float = SECONDS) -> Spent:
    """The poller at work; with `saved`, its looks are saved once a second."""
    looks, town = 0, town_of(SystemClock())

    def count(news: News) -> None:
        nonlocal looks
        looks += isinstance(news, Looked)

    town.listen(count)
    async with house(session, url, path, town) as here:
        here.crew.hire(here.poller)
        while here.poller.roster.by_status()["unseen"]:
            await asyncio.sleep(0.01)
        if saved:
            here.crew.hire(Keeper(here.polling, reports=[here.poller.report], clock=here.clock, every=1.0))
        tune_the_interpreter()  # as the daemon does once it is up
        looks, meter = 0, Meter()
        await asyncio.sleep(seconds)
        spent = meter.read(looks)
        gc.unfreeze()
        return spent


async def parts(session: Session, url: str, path: Path) -> tuple[Spent, Spent]:
    """What of the poller asks nobody, by itself: choosing what to look at, and learning that there is nothing new."""
    async with house(session, url, path, town_of(SystemClock())) as here:
        poller, clock = here.poller, here.clock

        def seen(number: int) -> Seen:
            shown = Batch(id=number, status="VALIDATING", size=6198, remaining=6198, enabled=True)
            return Seen(asked=clock.now(), answered=clock.now(), batch=shown)

        for number in range(1, WATCHES + 1):
            await poller.learner.take_in(number, seen(number), "single")
        numbers = itertools.cycle(range(1, WATCHES + 1))
        looks = [seen(next(numbers)) for _ in range(BY_ITSELF)]
        tune_the_interpreter()
        meter = Meter()
        for look in looks:
            await poller.learner.take_in(look.batch.id, look, "single")
        learnt, meter = meter.read(BY_ITSELF), Meter()
        for _ in range(BY_ITSELF):
            now = clock.now()
            poller.schedule.wait_until(now.timestamp())
            choice = poller.schedule.choose(now.timestamp())
            assert isinstance(choice, Choice)
            poller.roster.attempt(choice.batch_id, now)
            poller.schedule.land(choice)
        chosen = meter.read(BY_ITSELF)
        gc.unfreeze()
        return chosen, learnt


async def asked(session: Session, url: str) -> tuple[Spent, Spent, Spent]:
    """Ever more around one request: the exchange with the JSON read, the client, and the client with those who hear its news."""
    account, limits, clock = access(url, "login", "password"), ClientTimeout(connect=5.0), SystemClock()
    there = destination_of(account.batches, headers={"User-Agent": session.user_agent, **account.headers})

    async def ask(number: int) -> None:
        request = batch_request(account, number)
        question = Question(
            destination=there._replace(target=request.target), method="GET", headers=request.headers, body=None
        )
        heard = Heard()
        await exchange(session.connector, question, heard, limits)
        parsed(heard.body)

    return (
        await again_and_again(ask),
        await again_and_again(upstream(session, url, clock, Town()).look),
        await again_and_again(upstream(session, url, clock, town_of(clock)).look),
    )


async def _run() -> dict[str, Table]:
    spent: dict[str, list[Spent]] = {}
    tune_the_interpreter()
    with opponent() as other, tempfile.TemporaryDirectory() as folder:
        async with open_session(user_agent="bench") as session:
            for number in range(ROUNDS):
                here = Path(folder) / f"{number}"
                here.mkdir()
                exchanged, client, told = await asked(session, other.url)
                chosen, learnt = await parts(session, other.url, here / "parts.db")
                round_of = {
                    "bare": await bare(other.url),
                    "polled": await polled(session, other.url, here / "polled.db"),
                    "not saved": await polled(session, other.url, here / "not_saved.db", saved=False),
                    "exchanged": exchanged,
                    "client": client,
                    "told": told,
                    "chosen": chosen,
                    "learnt": learnt,
                }
                for name, each in round_of.items():
                    spent.setdefault(name, []).append(each)
    return {"Looks": _rates(spent), "Where the time of a look goes": _places(spent)}


def _rates(spent: Mapping[str, Sequence[Spent]]) -> Table:
    ratios = [ours.rate / bare.rate for ours, bare in zip(spent["polled"], spent["bare"], strict=True)]
    rows = [
        ("bare GET + JSON, per second (median)", f"{statistics.median(each.rate for each in spent['bare']):,.0f}"),
        ("looks, per second (median)", f"{statistics.median(each.rate for each in spent['polled']):,.0f}"),
        ("ratio (median of the rounds)", f"{statistics.median(ratios):.3g}"),
        ("ratio (least)", f"{min(ratios):.3g}"),
        ("ratio (greatest)", f"{max(ratios):.3g}"),
    ]
    return ("figure", "value"), rows


def _places(spent: Mapping[str, Sequence[Spent]]) -> Table:
    """From what each costs with ever more around it, the medians of all rounds: what each part adds."""
    cost = {name: statistics.median(each.each for each in some) for name, some in spent.items()}
    rest = cost["not saved"] - cost["told"] - cost["chosen"] - cost["learnt"]
    places = {
        "bare: GET by aiohttp's session, JSON read": cost["bare"],
        "the same by a connection of the pool, without a session": cost["exchanged"],
        "client: deadline, permit of the budget, deciphering, answer": cost["client"] - cost["exchanged"],
        "news of the answer: metrics, logs": cost["told"] - cost["client"],
        "choosing what to look at": cost["chosen"],
        "learning that nothing is new, and its news": cost["learnt"],
        "poller: step, token, task, how the account stands": rest,
        "saving looks to SQLite, gauges": cost["polled"] - cost["not saved"],
        "a look, all of it": cost["polled"],
    }
    return ("part", "microseconds"), [(name, f"{micros:.1f}") for name, micros in places.items()]


def tables() -> dict[str, Table]:
    """About two minutes."""
    return uvloop.run(_run())


if __name__ == "__main__":
    print(datetime.now(UTC), tables())
