"""An owner that is stopped for longer than its lease and goes on: it writes nothing, asks nothing, and notices by itself."""

import random
import time
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Final

from tests.chaos.evidence import findings
from tests.chaos.fleet import Fleet, wait_for
from tests.chaos.outcome import Figure, Outcome
from tests.chaos.relay import Asked, Relay
from tests.chaos.replica import Replica

LATE: Final = 0.1
"""Seconds that a request may be on its way to a wire of ours."""
History = Mapping[str, Sequence[tuple[float, int | None]]]


def zombies(ours: Fleet, wires: Sequence[Relay], *, frozen: float, times: int, draw: random.Random) -> Outcome:
    """A replica for each wire, which leads to CallFire; again and again one of them is stopped for so many seconds."""
    ours.hire(1, api=wires[0].port)
    ours.audit()
    for wire in wires[1:]:
        ours.hire(1, api=wire.port)
    ours.anchor()
    ours.some(draw, 20)
    wait_for(lambda: len(set(ours.owners().values())) == len(wires), 30, "every replica has an account")
    wrong: list[str] = []
    figures: list[Figure] = []
    for number in range(1, times + 1):
        wrong += _once(ours, frozen, draw, figures, number)
    ours.settle()
    evidence = ours.gather()
    history = ours.history()
    for wire, replica in zip(wires, ours.replicas, strict=True):
        wrong += asked_without_lease(wire.asked, replica.pid, history)
    ours.dismiss()
    return Outcome(figures=figures, wrong=[*wrong, *findings(evidence)])


def _once(ours: Fleet, frozen: float, draw: random.Random, figures: list[Figure], number: int) -> list[str]:
    owners = ours.owners()
    zombie = draw.choice([each for each in ours.replicas if each.pid in owners.values()])
    mine = {account for account, pid in owners.items() if pid == zombie.pid}
    for account in mine:  # they end while it is stopped, so it has changes to write that are none any more
        ours.add(account, 3, new_for=0.0, validating_for=draw.uniform(0.5, frozen), end="ACTIVE")
    assert ours.follow(zombie)
    time.sleep(0.5)
    lost, fenced = noticed(zombie)
    zombie.freeze()
    began = time.monotonic()
    mine = {account for account, pid in ours.owners().items() if pid == zombie.pid}
    before = ours.epochs()
    taken = wait_for(lambda: not mine & _accounts_of(ours, zombie), 60, "the accounts of a stopped replica are taken")
    while time.monotonic() - began < frozen:
        ours.some(draw, 2, frozen / 2)
        ours.follow()
        time.sleep(0.5)
    after = ours.epochs()
    wrong = [
        f"{account} changed hands in the same epoch" for account in sorted(mine) if after[account] <= before[account]
    ]
    zombie.thaw()
    took = wait_for(lambda: noticed(zombie) > (lost, fenced), 20, "a replica that was stopped notices")
    wait_for(zombie.ready, 30, "a replica that was stopped goes on")
    wait_for(lambda: _knows(ours, zombie), 30, "a replica that was stopped knows what it has")
    lost_now, fenced_now = noticed(zombie)
    figures += [
        (f"{number}: stopped for, s", f"{frozen:g}"),
        (f"{number}: accounts that it had", str(len(mine))),
        (f"{number}: all taken over after, s", f"{taken:.1f}"),
        (f"{number}: noticed after it went on, s", f"{took:.2f}"),
        (f"{number}: leases it noticed that it lost", f"{lost_now - lost:g}"),
        (f"{number}: writes of it that were refused", f"{fenced_now - fenced:g}"),
    ]
    return wrong


def noticed(replica: Replica) -> tuple[float, float]:
    """How many leases it knows that it lost, and how many of its writes were refused."""
    return replica.figure("watcher_lease_lost_total"), replica.figure("watcher_fenced_writes_total")


def _accounts_of(ours: Fleet, replica: Replica) -> set[str]:
    return set(ours.accounts) - {account for account, pid in ours.owners().items() if pid != replica.pid}


def _knows(ours: Fleet, replica: Replica) -> bool:
    """Whether it thinks that it has as many accounts as it has. It may be none: nobody has to trust it again at once."""
    return replica.figure("watcher_leases_held") == sum(pid == replica.pid for pid in ours.owners().values())


def asked_without_lease(asked: Sequence[Asked], pid: int, history: History) -> list[str]:
    """The requests of a process for accounts that another one, or nobody, had."""
    wrong = []
    for since, at, account in asked:
        changes = history[account]
        if at < changes[0][0]:
            continue  # nobody wrote down yet who had what
        first, last = (bisect_right(changes, moment, key=lambda change: change[0]) for moment in (since - LATE, at))
        owners = {owner for _, owner in changes[max(0, first - 1) : last]}
        if pid not in owners:
            wrong.append(f"process {pid} asked for {account} at {at:.3f}, which {sorted(map(str, owners))} had")
    return wrong
