"""The demo's course: batches come and are followed, webhooks are refused at first, the daemon is killed and started again."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from watcher.cli.demo.stage import Stage, StageError
from watcher.cli.demo.verdict import Facts
from watcher.client import Row, Watcher

RATE: Final = 10.0
"""Requests a second that the daemon may spend."""
AT_START: Final = 8
ARRIVE_WITHIN: Final = 22.0
"""Seconds in which all batches have come, roughly."""
LONGEST: Final = 12.0
"""Seconds that validation takes at most."""
REFUSED_FIRST: Final = 3
"""Webhooks that the receiver refuses at first, but not more than there are batches: an event refused again waits for long, and an
endpoint that fails four times in a row is told of, and left alone for half a minute soon after."""
KILL_AT: Final = 0.4
"""The share of batches learnt at which the daemon is killed."""
DEAD_FOR: Final = 1.5
"""Seconds until it is started again."""
WATCHED_FOR: Final = 3.0
"""Seconds that are looked at after that, at least: what it would tell twice, it would tell soon."""
ROUND: Final = 0.25
PATIENCE: Final = 120.0
"""Seconds after which the demo ends however things are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """How things are: `happened` and `learnt` count batches by status, `ended` those that have ended."""

    seconds: float
    happened: Mapping[str, int]
    learnt: Mapping[str, int]
    come: int
    ended: int
    settled: int
    accepted: int
    refused: int
    last: tuple[str, ...]


class Audience(Protocol):
    """Whoever watches the demo."""

    def see(self, scene: Scene) -> None:
        """How things are now."""
        ...

    def hear(self, line: str) -> None:
        """Something that is worth a line."""
        ...


class Play:
    """One performance."""

    def __init__(self, stage: Stage, audience: Audience, *, seed: int, batches: int) -> None:
        self._stage = stage
        self._audience = audience
        self._seed = seed
        self._batches = batches
        self._began = time.monotonic()
        self._truth: dict[int, Mapping[str, Any]] = {}
        self._followed: dict[int, float] = {}
        self._received: list[Mapping[str, Any]] = []
        self._events: list[Mapping[str, Any]] = []
        self._position = 0
        self._now = 0.0
        self._kills = 0
        self._counted = ""
        self._enough = 0.0

    async def perform(self) -> Facts:
        """From the first process to the last webhook; what came of it."""
        hear = self._audience.hear
        await self._stage.simulator(
            seed=self._seed,
            batches=self._batches,
            at_start=min(AT_START, self._batches),
            arrivals=max(self._batches - AT_START, 1) / ARRIVE_WITHIN,
            budget=int(RATE) + 1,
            longest=LONGEST,
        )
        hear(f"a believable CallFire at {self._stage.addresses['callfire']}, which allows {RATE:g} requests a second")
        refused = min(REFUSED_FIRST, self._batches)
        await self._stage.receiver(fail_first=refused)
        hear(f"a receiver of webhooks at {self._stage.addresses['receiver']}, which refuses the first {refused}")
        await self._start_daemon("the daemon")
        while not self._over() and time.monotonic() - self._began < PATIENCE:
            if not self._kills and kill_is_due(
                events=len(self._events), settled=self._settled(), batches=self._batches
            ):
                await self._kill()
            await asyncio.sleep(ROUND)
            async with self._reach() as watcher:
                await self._round(watcher)
        async with self._reach() as watcher:
            return await self._facts(watcher)

    def _reach(self) -> Watcher:
        return Watcher(self._stage.addresses["daemon"])

    async def _start_daemon(self, who: str) -> None:
        await self._stage.daemon(rate=RATE)
        self._audience.hear(f"{who} at {self._stage.addresses['daemon']}")

    async def _kill(self) -> None:
        self._kills += 1
        self._counted = await self._stage.read("daemon", "/metrics")
        await self._stage.kill_daemon()
        self._audience.hear("the daemon was killed (SIGKILL), in the middle of its work")
        await asyncio.sleep(DEAD_FOR)
        await self._start_daemon("the daemon again, on the same database,")
        self._enough = time.monotonic() + WATCHED_FOR

    async def _round(self, watcher: Watcher) -> None:
        """Looks at what is true, follows what is new, and takes in what was told."""
        truth = await self._stage.ask("control", "/truth")
        self._now = truth["now"]
        self._truth = {batch["id"]: batch for batch in truth["batches"]}
        new = [batch_id for batch_id in self._truth if batch_id not in self._followed]
        if new:
            rows = [Row(where=str(batch_id), batch_id=batch_id) for batch_id in new]
            async for outcomes in watcher.follow_many(rows):
                for outcome in outcomes:
                    if outcome.error is not None:
                        raise StageError(f"batch {outcome.where} could not be followed: {outcome.error}")
            self._followed |= dict.fromkeys(new, time.time() * 1000)
        journal = await self._stage.ask("receiver", f"/journal?since={len(self._received)}")
        self._received += journal["received"]
        async for event in watcher.events(after=self._position):
            self._position = event.position
            self._events.append(event.document)
        self._audience.see(self._scene())

    def _over(self) -> bool:
        """Whether all batches have come, ended and been learnt, every event was accepted, and the daemon survived its kill."""
        accepted = {message["id"] for message in self._received if message["answered"] < 300}
        return (
            self._kills > 0
            and time.monotonic() >= self._enough
            and len(self._truth) == self._batches
            and self._settled() == self._batches
            and all(event["id"] in accepted for event in self._events)
        )

    def _settled(self) -> int:
        return len({event["data"]["batch_id"] for event in self._events if event["data"].get("final")})

    def _scene(self) -> Scene:
        happened: dict[str, int] = {}
        for batch in self._truth.values():
            status = [change["status"] for change in batch["changes"] if change["happened"]][-1]
            happened[status] = happened.get(status, 0) + 1
        known = {
            event["data"]["batch_id"]: event["data"]["status"] for event in self._events if "batch_id" in event["data"]
        }
        learnt: dict[str, int] = {}
        for status in known.values():
            learnt[status] = learnt.get(status, 0) + 1
        return Scene(
            seconds=time.monotonic() - self._began,
            happened=happened,
            learnt=learnt,
            come=len(self._truth),
            ended=sum(batch["changes"][-1]["happened"] for batch in self._truth.values()),
            settled=self._settled(),
            accepted=len({message["id"] for message in self._received if message["answered"] < 300}),
            refused=sum(message["answered"] >= 300 for message in self._received),
            last=tuple(_line(event) for event in self._events[-6:]),
        )

    async def _facts(self, watcher: Watcher) -> Facts:
        budget = (await self._stage.ask("control", "/budget")).get("default", {"total": 0, "most_in_a_second": 0})
        return Facts(
            truth=list(self._truth.values()),
            expected=self._batches,
            followed=self._followed,
            watches=[watch.document async for watch in watcher.watches()],
            events=self._events,
            received=self._received,
            rate=RATE,
            requests=budget["total"],
            most_in_a_second=budget["most_in_a_second"],
            kills=self._kills,
            seconds=time.monotonic() - self._began,
            metrics=self._counted + await self._stage.read("daemon", "/metrics"),
        )


def kill_is_due(*, events: int, settled: int, batches: int) -> bool:
    """Whether the daemon has something to lose, and enough of the batches were learnt. It surely comes: at the latest when all
    were, and with few batches before the last."""
    return events > 0 and settled >= int(KILL_AT * batches)


def _line(event: Mapping[str, Any]) -> str:
    data = event["data"]
    before = f"{data['previous_status']} -> " if data.get("previous_status") else ""
    return (
        f"{event['timestamp'][11:23]}  {event['type']:<19} batch {data.get('batch_id')}  {before}{data.get('status')}"
    )
