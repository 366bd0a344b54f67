"""Signed deliveries a second through the durable outbox on SQLite, beside a bare aiohttp loop that signs and POSTs the same.

Both on uvloop, with as many requests in flight, to the same receiver in a process of its own, a slice of each in every round.
Ours: what is owed is in the database (synchronous FULL) and is claimed, sent and settled there. Then each part of the way by
itself: claiming and settling without sending, and the sender without the store. A bare loop is at its best with 32 in flight, so
there is one of these, too. Medians of the rounds, and in brackets the least and the greatest; ratios are of the slices of a
round, which are beside each other.
"""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import uvloop

from tests.bench.opponent import opponent
from tests.bench.post import LOOPBACK, SECRETS, Delivery, bare_session, delivery, event, flood
from tests.bench.results import spread
from tests.bench.waiting import BEST
from watcher.app.process import tune_the_interpreter
from watcher.clock import SystemClock
from watcher.core.endpoint import Attempt, Endpoint
from watcher.core.endpoint import Delivery as Owed
from watcher.core.message import body_of
from watcher.core.outbox import settle
from watcher.delivery import Limits
from watcher.webhooks.sender import WebhookSender, open_session

ROUNDS = 7
ENDPOINTS = 100
PER_ENDPOINT = 4
EVENTS = 200
"""A round: each is owed to every endpoint."""
IN_FLIGHT = ENDPOINTS * PER_ENDPOINT
COUNT = EVENTS * ENDPOINTS


def endpoints(url: str) -> list[Endpoint]:
    return [
        Endpoint(id=f"hook{number}", url=f"{url}/hook{number}", kept_by="settings", secrets=SECRETS)
        for number in range(ENDPOINTS)
    ]


async def ours(at_work: Delivery) -> float:
    """Deliveries a second, of what is owed already."""
    begun, before = time.perf_counter(), at_work.done
    at_work.begin()
    await at_work.until(before + COUNT, within=120)
    return COUNT / (time.perf_counter() - begun)


async def owe(at_work: Delivery) -> None:
    """A round's deliveries, which nobody sends yet."""
    for watch in await at_work.watches("default", EVENTS):
        await at_work.happen(watch)


async def outbox(path: Path, hooks: Sequence[Endpoint]) -> float:
    async with delivery(path, hooks, Limits(per_endpoint=PER_ENDPOINT, in_all=IN_FLIGHT)) as at_work:
        await owe(at_work)
        tune_the_interpreter()
        return await ours(at_work)


async def claimed_and_settled(path: Path, hooks: Sequence[Endpoint]) -> float:
    """Deliveries a second that are claimed and settled, and not sent."""
    async with delivery(path, hooks, Limits()) as at_work:
        await owe(at_work)
        store, clock = at_work.store, at_work.clock
        room = {endpoint.id: PER_ENDPOINT for endpoint in hooks}
        begun, count = time.perf_counter(), 0
        while claimed := await store.claim(
            room, token="bench", now=clock.now(), until=clock.now() + timedelta(seconds=45)
        ):
            attempt = Attempt(at=clock.now(), took=timedelta(milliseconds=3), code=200)
            await store.settle([(settle(each, attempt, draw=0.5), "bench") for each in claimed])
            count += len(claimed)
        assert count == COUNT
        return count / (time.perf_counter() - begun)


async def sent(hooks: Sequence[Endpoint]) -> float:
    """Deliveries a second by the sender alone."""
    clock = SystemClock()
    body, now = body_of(event(clock)), clock.now()
    numbers = iter(range(COUNT))
    async with open_session(user_agent="bench", guard=LOOPBACK) as session:
        sender = WebhookSender(session=session, clock=clock)

        async def one_by_one() -> None:
            for number in numbers:
                hook = hooks[number % ENDPOINTS]
                owed = Owed(
                    id=number,
                    endpoint_id=hook.id,
                    position=number,
                    event_id=f"evt_bench_{number}",
                    event_type="batch.active",
                    body=body,
                    created=now,
                    due=now,
                )
                assert (await sender.send(hook, owed)).code == 200

        begun = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for task in range(IN_FLIGHT):
                group.create_task(one_by_one(), name=f"send {task}")
        return COUNT / (time.perf_counter() - begun)


async def _run() -> dict[str, list[float]]:
    """What came of each round, by the name of the leg: so many a second."""
    rounds: dict[str, list[float]] = {name: [] for name in (BARE, AT_ITS_BEST, OUTBOX, STORE, SENDER)}
    clock = SystemClock()
    with opponent() as other, tempfile.TemporaryDirectory() as folder:
        hooks = endpoints(other.url)
        urls = [hook.url for hook in hooks]
        for number in range(ROUNDS):
            for name, in_flight in ((BARE, IN_FLIGHT), (AT_ITS_BEST, BEST)):
                async with bare_session() as session:
                    rounds[name].append(await flood(session, urls, COUNT, in_flight, clock))
            rounds[OUTBOX].append(await outbox(Path(folder) / f"outbox{number}.db", hooks))
            rounds[STORE].append(await claimed_and_settled(Path(folder) / f"store{number}.db", hooks))
            rounds[SENDER].append(await sent(hooks))
    return rounds


BARE = "bare loop"
AT_ITS_BEST = f"bare loop at its best ({BEST} in flight)"
OUTBOX = "outbox"
STORE = "the store alone"
SENDER = "the sender alone"


def tables() -> dict[str, tuple[Sequence[str], Sequence[Sequence[str]]]]:
    """About three minutes."""
    rounds = uvloop.run(_run())
    said = dict.fromkeys(rounds, "deliveries a second") | {
        STORE: "claimed and settled a second",
        SENDER: "sent a second",
    }
    ratios = ((OUTBOX, BARE), (OUTBOX, AT_ITS_BEST), (SENDER, BARE), (SENDER, AT_ITS_BEST))
    rows = [(f"{name}: {said[name]}", spread(values)) for name, values in rounds.items()] + [
        (
            f"{ours} / {bare}",
            spread([mine / theirs for mine, theirs in zip(rounds[ours], rounds[bare], strict=True)], "{:.2f}".format),
        )
        for ours, bare in ratios
    ]
    return {"Deliveries": (("figure", "value"), rows)}


if __name__ == "__main__":
    print(tables())
