"""Batches as campaigns bring them: they come one after the other, are validated for some minutes, and are followed."""

import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import client as http_client
from typing import Final

from tests.stack.stack import ACCOUNTS, Stack

SPREAD: Final = 0.5
"""Of the logarithm of how long batches are validated."""
LONGEST: Final = 25 * 60.0
"""Seconds: from 30 minutes on a batch may count as stuck."""
BAD: Final = 16
"""One batch in so many ends in ERRORS, of each account, but of those that there are at first."""


@dataclass(kw_only=True)
class Traffic:
    """`median` is how many seconds half of the batches are validated for at most; `every` how many lie between two of them."""

    stack: Stack
    median: float
    every: float
    accounts: tuple[str, ...] = ACCOUNTS
    draw: random.Random = field(default_factory=lambda: random.Random(9))
    come: Counter[str] = field(default_factory=Counter)
    unheard: int = 0
    """Those that nobody could be asked to follow."""

    def life(self) -> float:
        """How long a batch is validated, in seconds."""
        return min(self.median * self.draw.lognormvariate(0.0, SPREAD), LONGEST)

    def one(self, account: str, validating_for: float, end: str = "ACTIVE") -> None:
        """One batch more, followed. Where a replica dies at that moment it is not, as if nobody had asked."""
        size, new_for = self.draw.choice([220, 1500, 6198, 12_400]), self.draw.uniform(0.5, 5.0)
        try:
            self.stack.add(account, size=size, new_for=new_for, validating_for=validating_for, end=end)
        except (OSError, http_client.HTTPException, StopIteration):
            self.unheard += 1

    def fill(self, count: int) -> None:
        """So many batches that came some time ago, each somewhere in its life: as if it had flowed for long."""
        lives = [self.life() for _ in range(10 * count)]
        for number, life in enumerate(self.draw.choices(lives, weights=lives, k=count)):  # a long one is met more often
            self.one(self.accounts[number % len(self.accounts)], life * self.draw.random())

    def flow(self, ended: threading.Event) -> None:
        """Until that is set."""
        while not ended.wait(self.draw.expovariate(1 / self.every)):
            account = self.draw.choice(self.accounts)
            self.come[account] += 1
            self.one(account, self.life(), "ERRORS" if self.come[account] % BAD == 0 else "ACTIVE")


@contextmanager
def flowing(traffic: Traffic) -> Iterator[Traffic]:
    """Batches come until the end of the context."""
    ended = threading.Event()
    thread = threading.Thread(target=traffic.flow, args=(ended,), name="traffic")
    thread.start()
    try:
        yield traffic
    finally:
        ended.set()
        thread.join()
