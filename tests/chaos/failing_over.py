"""Replicas come and go while batches live and end: killed, or asked to end, and started again some seconds later."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from tests.chaos.evidence import ACCEPTED, by_account, findings
from tests.chaos.fleet import Fleet, wait_for
from tests.chaos.outcome import Outcome, spread
from tests.chaos.replica import Replica
from watcher.core.parts import part_named

AWAY: Final = (3.0, 6.0)
"""Seconds until a replica that went is started again, at least and at most."""
ARRIVING: Final = 0.1
"""Seconds that a request may take to arrive after whoever sent it is gone."""

Going = Literal["killed", "ended"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """When a replica began to go, when it was gone, in Unix seconds, and which accounts it had, or which parts of them."""

    began: float
    gone: float
    shares: Sequence[str]


def fail_over(
    ours: Fleet, going: Going, *, replicas: int, seconds: float, every: float, batches: int, draw: random.Random
) -> Outcome:
    """So many batches over so many seconds, and a departure of a random replica every so often; then all must add up."""
    first = ours.hire(1)
    ours.audit()
    ours.hire(replicas - len(first))
    ours.anchor()
    wait_for(lambda: len(set(ours.owners().values())) == replicas, 30, "every replica has an account")
    departures: list[Departure] = []
    away: dict[float, Replica] = {}
    began = time.monotonic()
    added, due = 0, every
    while (passed := time.monotonic() - began) < seconds:
        while added < batches * passed / seconds:
            count = min(draw.randint(1, 10), batches - added)
            ours.some(draw, count)
            added += count
        ours.follow()
        there = [replica for replica in ours.replicas if replica.there]
        if passed >= due and passed + AWAY[1] < seconds and len(there) > 1:  # clients need somebody to ask
            due += every
            chosen = draw.choice(there)
            departures.append(_depart(ours, chosen, going))
            away[time.monotonic() + draw.uniform(*AWAY)] = chosen
        for moment in [each for each in away if each <= time.monotonic()]:
            away.pop(moment).start()
        time.sleep(0.1)
    for replica in away.values():
        replica.start()
    ours.settle()
    evidence, history = ours.gather(), ours.history()
    ours.dismiss()
    times = by_account(evidence.requests)
    silences = [
        longest_silence(times.get(part_named(share).account, ()), each.began, each.gone + ARRIVING)
        for each in departures
        for share in each.shares
    ]
    taken = [_taken(history[share], each.began) for each in departures for share in each.shares]
    accepted = sorted(each["at"] / 1000 for each in evidence.received if each["answered"] < ACCEPTED)
    unsent = [longest_silence(accepted, each.began, each.gone + ARRIVING) for each in departures]
    wrong = findings(evidence)
    if not departures or not any(each.shares for each in departures):
        wrong.append("no replica that went had an account: nothing was tried")
    if None in silences:
        wrong.append("an account was never polled again")
    return Outcome(
        figures=[
            ("batches", str(len(evidence.followed))),
            ("events", str(len(evidence.events))),
            ("webhooks that came", str(len(evidence.received))),
            ("requests to CallFire", str(len(evidence.requests))),
            (f"replicas {going}", str(len(departures))),
            ("accounts that they had" if ours.parts == 1 else "parts that they had", str(len(silences))),
            *spread("another one had the account's lease after", taken),
            *spread("nobody asked about the account", silences),
            *spread("no webhook came", unsent),
        ],
        wrong=wrong,
    )


def _depart(ours: Fleet, replica: Replica, going: Going) -> Departure:
    """The replica is gone when this returns."""
    assert replica.url  # it is up
    mine = [share for share, pid in ours.owners().items() if pid == replica.pid]
    began = time.time()
    if going == "killed":
        replica.kill()
    else:
        replica.ask_to_end()
        replica.end()
    return Departure(began=began, gone=time.time(), shares=mine)


def _taken(changes: Sequence[tuple[float, int | None]], began: float) -> float | None:
    """How long after that moment somebody took the account."""
    return next((at - began for at, owner in changes if at > began and owner is not None), None)


def longest_silence(times: Sequence[float], began: float, gone: float) -> float | None:
    """The longest time without a request from that moment on, until the first request after the other one; None where there is
    none. What was before the first moment does not count: nothing was due yet."""
    after = next((at for at in times if at > gone), None)
    if after is None:
        return None
    moments = [began, *(at for at in times if began < at < after), after]
    return max(later - sooner for sooner, later in pairwise(moments))
