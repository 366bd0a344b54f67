"""A CallFire that allows a third of what is configured, in virtual time, beside the plain rule: halve, and grow back for ever.

The account's own decisions (condition, rate, room in flight) against limiters of several shapes, with more to ask than may be
asked. Settled: seconds until the rate in force stays within 10 % of the limit (15 minutes are looked at). Refused, off and use:
of the 20 minutes after the first five, the share of 429s, the share of the time further than 10 % from the limit, and what was
accepted as a share of what the limit allows. Restart: 429s of the five minutes after one. The plain rule is polling.md's default:
half at most once in 30 s, back by a tenth of the configured rate a clean minute.
"""

import heapq
import itertools
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from tests.fakes import NOON
from tests.limiters import UNTOLD, FixedWindow, Limiter, SlidingWindow, TokenBucket
from watcher.core.account import Account, heed, room
from watcher.core.answers import Answer, Kind
from watcher.core.model import Batch
from watcher.polling.pacing import Pacing

CONCURRENCY: Final = 64
SHAPES: Final[Mapping[str, Callable[[float], Limiter]]] = {
    "bucket of 5 s": lambda rate: TokenBucket(rate, burst=5 * rate),
    "bucket of 60 s": lambda rate: TokenBucket(rate, burst=60 * rate, retry_after=UNTOLD),
    "every second": lambda rate: FixedWindow(rate, seconds=1),
    "every 10 s": lambda rate: FixedWindow(rate, seconds=10),
    "every 60 s": lambda rate: FixedWindow(rate, seconds=60),
    "every 60 s, honest": lambda rate: FixedWindow(rate, seconds=60, honest=True),
    "any second": lambda rate: SlidingWindow(rate, seconds=1),
    "any 10 s": lambda rate: SlidingWindow(rate, seconds=10),
    "any 60 s, lenient": lambda rate: SlidingWindow(rate, seconds=60, lenient=True),
}


class Plain:
    """The plain rule, with the face of a Pacing."""

    latency = None

    def __init__(self, rate: float) -> None:
        self.rate = self._configured = rate
        self._halved = self._clean = -1e9

    def full_until(self, in_flight: int, now: float) -> None:
        return None

    def sent(self, at: float) -> None:
        pass

    def heard(self, answer: Answer) -> None:
        now, asked = answer.answered.timestamp(), answer.asked.timestamp()
        if answer.kind is Kind.THROTTLED:
            if asked >= self._halved and now - self._halved >= 30:
                self.rate, self._halved = max(self.rate / 2, 0.1), now
            self._clean = now
        elif now - self._clean >= 60:
            self.rate, self._clean = min(self.rate + 0.1 * self._configured, self._configured), now


@dataclass(slots=True)
class Run:
    """What became of it: each request (when, whether it was refused), and the rate in force from each moment on."""

    sent: list[tuple[float, bool]] = field(default_factory=list)
    rates: list[tuple[float, float]] = field(default_factory=list)

    def refused(self, begin: float, end: float) -> float:
        """The share of 429s."""
        of = [refused for at, refused in self.sent if begin <= at < end]
        return sum(of) / max(len(of), 1)

    def use(self, limit: float, begin: float, end: float) -> float:
        """What was accepted, as a share of what the limit allows."""
        return sum(not refused for at, refused in self.sent if begin <= at < end) / (end - begin) / limit

    def off(self, limit: float, begin: float, end: float) -> float:
        """The share of the time in which the rate was further than 10 % from the limit."""
        spans = itertools.pairwise([*self.rates, (end, 0.0)])
        far = (max(min(until, end) - max(at, begin), 0.0) for (at, rate), (until, _) in spans if not _near(rate, limit))
        return sum(far) / (end - begin)

    def settled(self, limit: float, within: float) -> float:
        """From when on it was within 10 %."""
        spans = itertools.pairwise([*self.rates, (within, 0.0)])
        return max((until for (at, rate), (until, _) in spans if at < within and not _near(rate, limit)), default=0.0)


def storm(
    pacing: Pacing | Plain,
    limiter: Limiter,
    *,
    begin: float,
    seconds: float,
    latency: float,
    events: Mapping[float, float] | None = None,
) -> tuple[Run, Account]:
    """Asks as fast as it may. `events` are limits by the moment from which on they hold."""
    dice = random.Random(1)
    account = Account(name="default", proven=True)
    run = Run(rates=[(begin, pacing.rate)])
    coming = sorted((events or {}).items())
    flying: list[tuple[float, int, float, float | None]] = []
    token = now = begin
    while now < begin + seconds:
        until = (account.until - NOON).total_seconds() if account.until is not None else begin
        send = max(token + 1 / pacing.rate, until, now)
        if len(flying) >= room(account, CONCURRENCY):
            send = math.inf
        else:
            full_until = pacing.full_until(len(flying), NOON.timestamp() + send)
            send = send if full_until is None else full_until - NOON.timestamp()
        now = min(send, flying[0][0] if flying else math.inf)
        while coming and coming[0][0] <= now:
            limiter.limit(coming.pop(0)[1])
        if now == send:
            token = now
            pacing.sent(NOON.timestamp() + now)
            verdict = limiter.ask(now)
            run.sent.append((now, verdict is not None))
            took = latency * math.exp(dice.gauss(0, 0.4))
            heapq.heappush(flying, (now + took, len(run.sent), now, verdict))
            continue
        _, _, asked, verdict = heapq.heappop(flying)
        answer = _answer(asked, now, verdict)
        account = heed(account, answer, dice.random()).account
        before = pacing.rate
        paced = pacing.heard(answer)
        if paced is not None:
            account = replace(account, learnt_rate=paced.learnt)
        if pacing.rate != before:
            run.rates.append((now, pacing.rate))
    return run, account


def _answer(asked: float, answered: float, verdict: float | None) -> Answer:
    return Answer(
        batch_id=1,
        asked=NOON + timedelta(seconds=asked),
        answered=NOON + timedelta(seconds=answered),
        kind=Kind.SEEN if verdict is None else Kind.THROTTLED,
        outcome="200" if verdict is None else "429",
        batch=Batch(id=1, status="VALIDATING") if verdict is None else None,
        retry_after=None if verdict is None or verdict == UNTOLD else timedelta(seconds=verdict),
    )


def _near(rate: float, limit: float) -> bool:
    return 0.9 * limit <= rate <= 1.1 * limit


def new(rate: float, account: Account | None = None, at: float = 0.0) -> Pacing:
    """The daemon's own, at the start of a process."""
    account = account or Account(name="default")
    return Pacing(account, rate=rate, concurrency=CONCURRENCY, now=NOON + timedelta(seconds=at))


def _figures(name: str, pacing: Pacing | Plain, limiter: Limiter, limit: float, latency: float) -> dict[str, float]:
    run, account = storm(pacing, limiter, begin=0.0, seconds=1500.0, latency=latency)
    figures = {
        f"{name}: settled, s": run.settled(limit, 900.0),
        f"{name}: refused, %": 100 * run.refused(300.0, 1500.0),
        f"{name}: off, % of the time": 100 * run.off(limit, 300.0, 1500.0),
        f"{name}: use": run.use(limit, 300.0, 1500.0),
    }
    if isinstance(pacing, Pacing):
        again = new(pacing.allowance.configured, account, 1505.0)
        run, _ = storm(again, limiter, begin=1505.0, seconds=300.0, latency=latency)
        figures[f"{name}: restart, refused, %"] = 100 * run.refused(1505.0, 1805.0)
    return figures


def run() -> dict[str, float]:
    """About 5 seconds."""
    figures: dict[str, float] = {}
    for configured, limit in ((6.0, 2.0), (21.0, 7.0)):
        for shape, make in SHAPES.items():
            name = f"{configured:g}/s, {shape}"
            figures |= _figures(name, new(configured), make(limit), limit, 0.04)
    for shape in ("bucket of 5 s", "any second", "every 60 s"):
        figures |= _figures(f"plain rule, 6/s, {shape}", Plain(6.0), SHAPES[shape](2.0), 2.0, 0.04)
        figures |= _figures(f"6/s, latency 2 s, {shape}", new(6.0), SHAPES[shape](2.0), 2.0, 2.0)
        halved, _ = storm(new(6.0), SHAPES[shape](2.0), begin=0.0, seconds=2400.0, latency=0.04, events={1200.0: 1.0})
        figures[f"6/s, {shape}, halves: refused in all after it, %"] = 100 * halved.refused(1200.0, 2400.0)
        figures[f"6/s, {shape}, halves: off after five minutes, % of the time"] = 100 * halved.off(1.0, 1500.0, 2400.0)
        lifted, _ = storm(
            new(6.0), SHAPES[shape](2.0), begin=0.0, seconds=3600.0, latency=0.04, events={1200.0: 1000.0}
        )
        figures[f"6/s, {shape}, lifted: all is used after, s"] = lifted.settled(6.0, 3600.0) - 1200.0
    return figures


if __name__ == "__main__":
    for figure, value in run().items():
        print(f"{figure:<70} {value:.3g}")
