"""More and fewer replicas on the same work: all take part, and the accounts go round when one comes or goes."""

import random
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from tests.chaos.evidence import findings
from tests.chaos.fleet import Fleet, wait_for
from tests.chaos.outcome import Figure, Outcome

BALANCED: Final = 60.0
"""Seconds within which the accounts are spread."""
TOLERATED: Final = 0.5
"""By which part of a fair share a replica may have less or more: accounts are spread by their work, not by their number."""


def share(ours: Fleet, *, counts: Sequence[int], seconds: float, draw: random.Random) -> Outcome:
    """As many replicas as these, one after the other, the last of them also without one that ended; each for some seconds."""
    figures: list[Figure] = []
    for count in counts:
        ours.hire(count - len(ours.replicas))
        if not ours.audited:
            ours.audit()
            ours.anchor()
        figures += _worked(ours, f"{count} replicas", seconds, draw)
    ours.replicas[0].ask_to_end()
    ours.replicas[0].end()
    figures += _worked(ours, "one of them ended", seconds, draw)
    ours.settle()
    evidence = ours.gather()
    ours.dismiss()
    return Outcome(figures=figures, wrong=findings(evidence))


def _worked(ours: Fleet, name: str, seconds: float, draw: random.Random) -> list[Figure]:
    """How long it took until each had its part, and what all did meanwhile."""
    there = [replica for replica in ours.replicas if replica.there]
    took = wait_for(lambda: fair(ours), BALANCED, f"{name}: accounts are spread")
    asked, events = len(ours.requests()["requests"]), len(ours.received())
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        ours.some(draw, 20, 3.0)
        ours.follow()
        time.sleep(0.5)
    passed = time.monotonic() - began
    held = [replica.figure("watcher_leases_held") for replica in there]
    return [
        (f"{name}: accounts spread after, s", f"{took:.1f}"),
        (f"{name}: leases held", " + ".join(f"{each:g}" for each in held)),
        (f"{name}: requests to CallFire, 1/s", f"{(len(ours.requests()['requests']) - asked) / passed:.1f}"),
        (f"{name}: webhooks, 1/s", f"{(len(ours.received()) - events) / passed:.1f}"),
    ]


def fair(ours: Fleet) -> bool:
    """Whether every account has an owner, and every replica that is there about its part."""
    there = [replica for replica in ours.replicas if replica.there]
    owners = ours.owners()
    held = Counter(owners.values())
    part = len(ours.accounts) / len(there)
    return set(owners) == set(ours.accounts) and all(
        part * (1 - TOLERATED) <= held[replica.pid] <= part * (1 + TOLERATED) for replica in there
    )
