"""What the schedule is played with: polling.md's loads, and conditions of our own, each with who is to bear them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Final

import numpy as np

from tests.bench.oracle import Law as Truth
from tests.bench.oracle import bin_of, lognormal, oracle, usual
from watcher.core.hazard import Hazard, scale_free
from watcher.core.ranking import Pace
from watcher.planning.daemon import EPOCH, Daemon
from watcher.planning.play import Ask, CallFire, Outcome, Strategy, Told, play, together
from watcher.planning.scripts import Backoff, Crowd, Every, ListPages, RoundRobin
from watcher.planning.workload import Dice, Figures, Law, Sizes, Validation, at_once, steady, usual_durations

SEED: Final = 11
"""Of the first draw; the others follow it."""
MINUTES: Final = 60.0
ANY: Final = Pace(worth=1e-9)
"""Every token is spent that may be: what polling.md's table was made with."""
USUAL: Final = Pace()
EAGER: Final = Pace(worth=0.005, min_interval=0.1)
"""Settings for whom tenths of a second count, and requests do not: worth = "5ms", min_interval = "100ms"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Batches by seed, and what is given to those that follow them. `accounts` is how many there are like this, each by itself;
    `draws` how often it is played (the fewer batches, the more often), `truth` the law that an oracle knows."""

    batches: Callable[[int], Sequence[Validation]]
    rate: float | Callable[[float], float]
    seconds: float = 20 * MINUTES
    warm_up: float = 0.0
    latency: float = 0.0
    sizes: Sizes = "known"
    counted: bool = True
    accounts: int = 1
    draws: int = 3
    truth: Truth = field(default_factory=usual)


def _steady(in_flight: float, rate: float, minutes: float = 20.0, law: Law | None = None, **more: object) -> Load:
    seconds = minutes * MINUTES
    made = partial(steady, in_flight=in_flight, seconds=seconds, law=Law() if law is None else law)
    return Load(batches=made, rate=rate, seconds=seconds, **more)  # type: ignore[arg-type]


TABLE: Final[Mapping[str, Load]] = {
    "10, 5/s": _steady(10, 5.0, draws=6),
    "100, 5/s": _steady(100, 5.0),
    "100, 2/s": _steady(100, 2.0),
    "300, 5/s": _steady(300, 5.0),
    "1000, 20/s, 10 min": _steady(1000, 20.0, 10.0),
    "1000 at once, 5/s": Load(batches=partial(at_once, count=1000), rate=5.0),
}

BIMODAL_AT: Final = 120.0
SLOWER: Final = 4.0
"""How many times as long durations are after half time."""
HALF: Final = 15 * MINUTES


def _bimodal(dice: Dice, sizes: Figures, _: Figures) -> Figures:
    quick = (2 + sizes / 2000) * dice.lognormal(0, 0.5, len(sizes))
    slow = BIMODAL_AT * dice.lognormal(0, 0.15, len(sizes))
    return np.where(dice.random(len(sizes)) < 0.5, quick, slow)


def _bimodal_truth(sizes: Figures, ages: Figures) -> Figures:
    return 0.5 * lognormal(ages, 2 + sizes / 2000, 0.5) + 0.5 * lognormal(ages, BIMODAL_AT, 0.15)


def _slower_later(dice: Dice, sizes: Figures, begins: Figures) -> Figures:
    return usual_durations(dice, sizes) * np.where(begins >= HALF, SLOWER, 1.0)


OWN: Final[Mapping[str, Load]] = {
    "5 accounts, 60 and 1/s each": _steady(60, 1.0, accounts=5),
    "100, 5/s, sizes unknown": _steady(100, 5.0, sizes="unknown"),
    "300, 5/s, sizes unknown": _steady(300, 5.0, sizes="unknown"),
    "300, 5/s, sizes shown late": _steady(300, 5.0, sizes="late"),
    "5,000 in one broadcast, over 20 min, 5/s": Load(
        batches=partial(at_once, count=5000, seconds=20 * MINUTES, law=Law(per_broadcast=5000)), rate=5.0
    ),
    "1,300 over 20 min, a third stuck, 5/s": Load(
        batches=partial(at_once, count=1300, seconds=20 * MINUTES, law=Law(stuck=1 / 3)), rate=5.0, truth=usual(1 / 3)
    ),
    "200, 5/s, 2.5/s in the second half": Load(
        batches=partial(steady, in_flight=200, seconds=20 * MINUTES),
        rate=lambda now: 5.0 if now < 10 * MINUTES else 2.5,
    ),
    "100, 5/s, latency of 2 s": _steady(100, 5.0, latency=2.0),
    "100, 5/s, durations bimodal": _steady(100, 5.0, law=Law(takes=_bimodal), truth=_bimodal_truth),
    "100, 5/s, 4 times as long after half time": _steady(
        100, 5.0, 30.0, law=Law(takes=_slower_later), warm_up=HALF + 5 * MINUTES, truth=usual(times=SLOWER)
    ),
    "300, 5/s, totalCount missing": _steady(300, 5.0, counted=False),
}

SCRIPTED: Final[Mapping[str, Load]] = {
    f"{count}": Load(batches=partial(at_once, count=count, seconds=240.0), rate=5.0, seconds=240.0, draws=6)
    for count in (100, 1000)
}
"""The workloads at the end of limits.md."""
LOADS: Final[Mapping[str, Load]] = {**TABLE, **OWN, **SCRIPTED}


class Foreteller(Daemon):
    """The daemon, asked once for each batch when it will have ended: by the first look at it after a random age at which there
    is an answer. What is random about it has nothing to do with the end, so the answers may be held against the ends."""

    def __init__(self) -> None:
        super().__init__(USUAL)
        self._dice = np.random.default_rng(0)
        self._ages: dict[int, float] = {}
        self.told: dict[int, tuple[float, float]] = {}
        """By batch: the two moments, in seconds since the start of the play."""

    def register(self, batch: Validation, now: float) -> None:
        super().register(batch, now)
        self._ages[batch.batch_id] = float(np.exp(self._dice.uniform(np.log(0.5), np.log(600.0))))

    def heard(self, ask: Ask, told: Told) -> None:
        super().heard(ask, told)
        for row in told.rows:
            if row.done or row.batch_id in self.told or told.asked - row.begun < self._ages.get(row.batch_id, np.inf):
                continue
            eta = self.schedule.eta(row.batch_id, EPOCH.timestamp() + told.asked)
            if eta is not None:
                self.told[row.batch_id] = eta[0] - EPOCH.timestamp(), eta[1] - EPOCH.timestamp()


@cache
def _oracle(truth: Truth) -> Hazard:
    return oracle(truth)


STRATEGIES: Final[Mapping[str, Callable[[Load], Strategy]]] = {
    "every 10 s": lambda _: Every(10.0),
    "round robin": lambda _: RoundRobin(),
    "backoff x1.5": lambda _: Backoff(1.5),
    "backoff x2": lambda _: Backoff(2.0),
    "backoff x1.5, a task a batch": lambda _: Crowd(1.5),
    "listing pages": lambda _: ListPages(),
    # As polling.md's table has it: broadcast and size are known from the first moment.
    "scale-free": lambda _: Daemon(ANY, hazard=scale_free(), pages=False, informed=True),
    "learnt": lambda load: Daemon(ANY, pages=False, informed=True, sized=load.sizes == "known"),
    "oracle": lambda load: Daemon(ANY, hazard=_oracle(load.truth), bin_of=bin_of, pages=False, informed=True),
    "learnt + pages": lambda load: Daemon(ANY, informed=True, sized=load.sizes == "known"),
    "learnt, worth 0.1": lambda _: Daemon(USUAL, pages=False, informed=True),
    "learnt + pages, worth 0.1": lambda _: Daemon(USUAL, informed=True),
    # As it is: nothing is known of a new watch, which is looked at first; usual settings.
    "daemon, no pages": lambda _: Daemon(USUAL, pages=False),
    "daemon": lambda _: Foreteller(),
    "daemon, eager": lambda _: Daemon(EAGER),
    "daemon that knows the law": lambda load: Daemon(USUAL, hazard=_oracle(load.truth), bin_of=bin_of),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What came of one draw of a load or several, of which there were `draws`: `outcome`, and of how many batches the end was
    foretold (by the daemon as it is, and nobody else), with how many of these ended before the one and the other moment."""

    draws: int
    outcome: Outcome
    foretold: int = 0
    half: int = 0
    most: int = 0

    @property
    def mean(self) -> float:
        """Seconds of delay."""
        return self.outcome.mean

    @property
    def requests(self) -> float:
        """Of one draw, in the mean."""
        return self.outcome.requests / self.draws


def draw(load_name: str, strategy_name: str, seed: int) -> Drawn:
    """One draw of a load: all of its accounts."""
    load = LOADS[load_name]
    return joined([_played(load, strategy_name, 1000 * account + seed) for account in range(load.accounts)], draws=1)


def joined(some: Sequence[Drawn], *, draws: int | None = None) -> Drawn:
    """Several as one."""
    return Drawn(
        draws=sum(each.draws for each in some) if draws is None else draws,
        outcome=together([each.outcome for each in some]),
        foretold=sum(each.foretold for each in some),
        half=sum(each.half for each in some),
        most=sum(each.most for each in some),
    )


def _played(load: Load, strategy_name: str, seed: int) -> Drawn:
    strategy = STRATEGIES[strategy_name](load)
    upstream = CallFire(batches=load.batches(seed), sizes=load.sizes, counted=load.counted)
    outcome = play(strategy, upstream, rate=load.rate, seconds=load.seconds, latency=load.latency, warm_up=load.warm_up)
    told = strategy.told if isinstance(strategy, Foreteller) else {}
    ends = [(upstream.by_id[batch_id].ends, *moments) for batch_id, moments in told.items()]
    return Drawn(
        draws=1,
        outcome=outcome,
        foretold=len(ends),
        half=sum(end <= half for end, half, _ in ends),
        most=sum(end <= most for end, _, most in ends),
    )


def all_drawn(asked: Iterable[tuple[str, str]], executor: Executor) -> Mapping[tuple[str, str], Drawn]:
    """Of each load and strategy, all draws together."""
    futures = {
        (load, name): [executor.submit(draw, load, name, SEED + number) for number in range(LOADS[load].draws)]
        for load, name in dict.fromkeys(asked)
    }
    return {key: joined([each.result() for each in some]) for key, some in futures.items()}
