"""One daemon that does everything for so long, looked at every few seconds, and what of it grew."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from tests.chaos.outcome import Figure, Outcome
from tests.chaos.peers import Peer, peers
from tests.chaos.soak.churn import ACCOUNT, SECRET, TOKEN, Churn, session
from tests.chaos.soak.judging import Judged, judged, rows
from tests.chaos.soak.taking import Taken, taken

VISITORS: Final = 200
"""Watches of the account that comes and goes."""
FILLING: Final = 2_000
"""Requests a second while all are looked at for the first time."""
PATIENCE: Final = 300.0
"""Seconds until all are looked at, and until all is delivered in the end: others may be busy beside."""
FAREWELL: Final = 30.0

EXPECTED: Final[Mapping[tuple[str, str], str]] = {
    ("batch.changed", "ERRORS"): "batches end like that, and somebody has to do something about it",
    ("batch.changed", "SOURCE_ERROR"): "batches end like that, and somebody has to do something about it",
    ("delivery.retried", ""): "the receiver refuses one webhook in two hundred",
    ("endpoint.disabled", "the settings no longer name it"): "an endpoint comes and goes with the settings",
}
"""What is logged as a warning or worse though nothing is wrong, and why: the event, and its status or its reason."""

Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much of it, and for how long: `warm_up` and `seconds` are after all are followed and looked at. `age` is how many
    seconds events and deliveries are kept, `every` how many lie between two samples, `rate` the account's."""

    watches: int
    warm_up: float
    seconds: float
    pace: float = 1.0
    age: float = 60.0
    every: float = 2.0
    rate: float = 40.0
    blocks: int = 16


CAMPAIGN: Final = Plan(watches=50_000, warm_up=240.0, seconds=960.0, every=5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Soaked:
    """What came of it. `wrong` is what should not have been answered or logged, `expected` how often what may be logged was."""

    judged: Sequence[Judged]
    done: Counter[str]
    samples: Sequence[Taken]
    wrong: Sequence[str]
    expected: Counter[str]

    def outcome(self, plan: Plan) -> Outcome:
        """In words."""
        first, last = self.samples[0], self.samples[-1]
        figures: list[Figure] = [
            ("watches that stay", f"{plan.watches:,}"),
            ("warm-up + measured, s", f"{plan.warm_up:.0f} + {plan.seconds:.0f}, {plan.blocks} blocks"),
            ("share of a core", f"{(last.cpu - first.cpu) / (last.at - first.at):.0%}"),
            ("full collections of garbage", f"{last.collections - first.collections}"),
            *((what, f"{count:,}") for what, count in sorted(self.done.items())),
            *((f"logged, as expected: {event}", f"{count:,}") for event, count in sorted(self.expected.items())),
            *rows(self.judged),
        ]
        not_flat = [each.wrong for each in self.judged if each.wrong]
        verdict = "Nothing grew, and nothing was logged that should not be."
        return Outcome(figures=figures, wrong=[*not_flat, *self.wrong], verdict=verdict)


def settings(folder: Path, api: str, receivers: Sequence[str], *, rate: float, more: bool, told: bool = True) -> str:
    """The settings file, with what comes and goes if there is to be `more`, and with endpoints where anybody is to be `told`."""
    accounts = [(ACCOUNT, rate), *([("visitor", 2.0)] if more else [])]
    stays, goes = receivers
    endpoints = [("first", stays), ("second", stays), *([("visitor", goes)] if more else [])] if told else []
    return "\n".join(
        [
            f'[database]\nurl = "sqlite:///{folder / "watcher.db"}"\nencryption_key = "{"A" * 43}="',
            f'[http]\nlisten = "127.0.0.1:0"\ntoken = "{TOKEN}"\n[log]\nformat = "json"\n[polling]\nstuck_validating = "6h"',
            f'[webhooks]\nallow_networks = ["127.0.0.0/8"]\nper_endpoint = {5 if more else 4}',
            *(
                f'[accounts.{name}]\nlogin = "{name}"\npassword = "password"\nbase_url = "{api}"\nrate = {each:g}'
                for name, each in accounts
            ),
            *(f'[endpoints.{name}]\nurl = "{url}"\nsecret = "{SECRET}"' for name, url in endpoints),
        ]
    )


def wanted() -> Sequence[Peer]:
    """CallFire, a receiver for the endpoints that stay, and one for those that come and go."""
    logins = {name: (name, "password") for name in (ACCOUNT, "visitor")}
    receiver = {"secret": SECRET, "fail_share": 0.005}
    return (("simulator", {"latency": 0.005, "accounts": logins}), ("receiver", receiver), ("receiver", receiver))


@dataclass(slots=True)
class Daemon:
    """It runs, and is asked how it is."""

    process: asyncio.subprocess.Process
    url: str
    database: Path

    async def taken(self) -> Taken:
        self.process.send_signal(signal.SIGUSR2)
        inside = await self._said()
        return await asyncio.to_thread(taken, self.process.pid, self.database, inside)

    async def _said(self) -> Json:
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), 30)
        assert line, "the daemon has ended"
        return json.loads(line)


@asynccontextmanager
async def running(folder: Path, config: Path, age: float) -> AsyncIterator[Daemon]:
    """The daemon, as long as the context lasts; then it has ended in good order."""
    with (folder / "daemon.log").open("w") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.chaos.soak.daemon", str(config), f"{age:g}", stdout=subprocess.PIPE, stderr=log
        )
    try:
        daemon = Daemon(process, "", folder / "watcher.db")
        daemon.url = (await daemon._said())["url"]
        yield daemon
        process.terminate()
        assert await asyncio.wait_for(process.wait(), FAREWELL) == 0, "it did not end in good order"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    """Asks again and again."""
    deadline = time.monotonic() + PATIENCE
    while not await condition():
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE:g} s"
        await asyncio.sleep(0.25)


async def metric(churn: Churn, *beginnings: str) -> float:
    """The sum of the samples whose lines begin so."""
    text = (await churn.ask("GET", "/metrics")).decode()
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(beginnings))


async def soak(plan: Plan, folder: Path) -> Soaked:
    """All of it. The database and the log are in the folder."""
    config = folder / "watcher.toml"
    with peers(*wanted()) as (simulator, stays, goes):
        text = partial(settings, folder, simulator["api"], [stays["url"], goes["url"]])
        config.touch(0o600)
        config.write_text(text(rate=FILLING, more=True, told=False), encoding="utf-8")
        async with running(folder, config, plan.age) as daemon, session() as client:
            churn = Churn(
                url=daemon.url,
                pid=daemon.process.pid,
                control=simulator["control"],
                receiver=stays["url"],
                other=goes["url"],
                config=config,
                written=lambda more: text(rate=plan.rate, more=more),
                session=client,
                pace=plan.pace,
            )
            visitors = await churn.added(VISITORS, account="visitor", new_for=0.0, validating_for=1e6)
            await churn.ask("POST", "/v1/watches", [{"account": "visitor", "batch_id": number} for number in visitors])
            await churn.fill(plan.watches)
            await until(lambda: _all_seen(churn, plan.watches), "all are looked at")
            await churn.reload()
            samples = await _watched(daemon, churn, plan)
            await until(lambda: _all_told(churn), "all is delivered")
    wrong, expected = warnings((folder / "daemon.log").read_text(encoding="utf-8"))
    began = samples[0].at + plan.warm_up
    told = judged(samples, churn.delays, churn.answers, began, began + plan.seconds, plan.blocks)
    return Soaked(
        judged=told,
        done=churn.done,
        samples=[each for each in samples if each.at >= began],
        wrong=[
            *(f"{count} times {what}" for what, count in churn.refused.items()),
            *wrong,
        ],
        expected=expected,
    )


def soaked(plan: Plan, folder: Path) -> Outcome:
    """The campaign."""
    return asyncio.run(soak(plan, folder)).outcome(plan)


async def _all_seen(churn: Churn, count: int) -> bool:
    """Whether all have been looked at."""
    return await metric(churn, f'watcher_watches{{account="{ACCOUNT}",status="validating"}}') >= count


async def _all_told(churn: Churn) -> bool:
    await churn.hear()
    return await metric(churn, "watcher_deliveries_pending{") == 0


async def _watched(daemon: Daemon, churn: Churn, plan: Plan) -> list[Taken]:
    """Samples until the time is over."""
    samples: list[Taken] = []
    busy = asyncio.create_task(churn.run(), name="churn")
    try:
        while not samples or samples[-1].at < samples[0].at + plan.warm_up + plan.seconds:
            samples.append(await daemon.taken())
            await asyncio.wait([busy], timeout=plan.every)
            if busy.done():
                busy.result()
    finally:
        busy.cancel()
        await asyncio.wait([busy])
    return samples


def warnings(log: str) -> tuple[list[str], Counter[str]]:
    """What should not have been logged, an example of each, and how often what is expected was."""
    wrong: dict[str, list[str]] = defaultdict(list)
    expected: Counter[str] = Counter()
    for line in log.splitlines():
        try:
            told = json.loads(line)
        except ValueError:
            wrong["no line of the log"].append(line)
            continue
        if told["level"] in ("debug", "info"):
            continue
        what = (told["event"], str(told.get("status") or told.get("reason") or ""))
        if what in EXPECTED:
            expected[" ".join(what).strip()] += 1
        else:
            wrong[told["event"]].append(line)
    return [f"{event}, logged {len(lines)} times: {lines[0][:500]}" for event, lines in wrong.items()], expected
