"""How many attempts may be in flight: in all, to one endpoint, to those in trouble; and how many a second to one with a rate."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from watcher.core import bucket
from watcher.core.bucket import Bucket
from watcher.core.endpoint import Endpoint, most_at_once
from watcher.core.health import Verdict
from watcher.delivery.book import is_held_back

TROUBLED_SHARE: Final = 0.5
"""Endpoints in trouble hold at most this share of all places together: those that hang cannot take the places of the others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How many attempts may be in flight: to one endpoint that does not say otherwise, and in all."""

    per_endpoint: int = 4
    in_all: int = 400


class Places:
    """Who has an attempt in flight, whose turn it is, and who has to wait for what."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._flying: Counter[str] = Counter()
        self._flying_in_all = 0
        self._turns: Counter[str] = Counter()  # in which claim each last got something
        self._troubled: set[str] = set()
        self._buckets: dict[str, Bucket] = {}
        self._hungry: set[str] = set()  # endpoints that may be owed more than there was room for
        self._thirsty: set[str] = set()  # endpoints that may be owed more than there were tokens for

    def limit(self, limits: Limits) -> None:
        """These are the limits from now on. What is in flight beyond them ends as it would."""
        self._limits = limits

    def in_order(self, endpoints: Iterable[Endpoint], now: datetime) -> list[Endpoint]:
        """Those that may be sent something now, in turn: with the fewest in flight first, and of them the one that got nothing
        for longest. So a busy endpoint does not take the last places, and many busy ones take turns."""
        ready = (each for each in endpoints if not is_held_back(each, now))
        return sorted(ready, key=lambda each: (self._flying[each.id], self._turns[each.id]))

    def expect_more(self, endpoints: Iterable[Endpoint]) -> None:
        """Until more is known, all may be owed more: an attempt may end while one claims."""
        self._hungry = {endpoint.id for endpoint in endpoints}
        self._thirsty = set()

    def room(self, waiting: Sequence[Endpoint], monotonic: float) -> dict[str, int]:
        """How many deliveries of each endpoint may be claimed now; endpoints without room are left out."""
        left = self._limits.in_all - self._flying_in_all
        left_to_troubled = self._troubled_most() - self._flying_to(self._troubled)
        room: dict[str, int] = {}
        for endpoint in waiting:
            troubled = endpoint.id in self._troubled
            free = min(self._most(endpoint) - self._flying[endpoint.id], left)
            if troubled:
                free = min(free, left_to_troubled)
            if endpoint.rate is not None:
                tokens = int(self._filled(endpoint.id, endpoint.rate, monotonic).tokens)
                if tokens < free:
                    self._thirsty.add(endpoint.id)
                    free = tokens
            if free > 0:
                room[endpoint.id] = free
                left -= free
                left_to_troubled -= free if troubled else 0
        return room

    def take(self, endpoint_id: str, claim: int) -> None:
        """One more is in flight, claimed in the claim of that number."""
        self._flying[endpoint_id] += 1
        self._flying_in_all += 1
        self._turns[endpoint_id] = claim
        if endpoint_id in self._buckets:
            self._buckets[endpoint_id] = bucket.taken(self._buckets[endpoint_id], 1)

    def sate(self, endpoint_ids: set[str]) -> None:
        """These are owed nothing more now than they got."""
        self._thirsty.difference_update(endpoint_ids)
        self._hungry.difference_update(endpoint_ids)

    def give_back(self, endpoint_id: str) -> bool:
        """One in flight ended; whether its place may be wanted."""
        full = self._flying_in_all >= self._limits.in_all or (
            endpoint_id in self._troubled and self._flying_to(self._troubled) >= self._troubled_most()
        )
        self._flying[endpoint_id] -= 1
        self._flying_in_all -= 1
        if not self._flying[endpoint_id]:
            del self._flying[endpoint_id]
        return full or (endpoint_id in self._hungry and endpoint_id not in self._thirsty)

    def heed(self, endpoint_id: str, verdict: Verdict) -> bool:
        """An attempt says whether its endpoint is in trouble; whether it is out of it, so that more may go now."""
        if verdict == "bad":
            self._troubled.add(endpoint_id)
        if verdict != "good" or endpoint_id not in self._troubled:
            return False
        self._troubled.remove(endpoint_id)
        return True

    def survey(self, endpoints: Sequence[Endpoint]) -> None:
        """Takes from the store's word who is in trouble, and forgets those that are gone."""
        self._troubled = {each.id for each in endpoints if each.health.failures_in_a_row or each.health.opened}
        there = {endpoint.id for endpoint in endpoints}
        self._thirsty &= there
        for gone in self._turns.keys() - there:
            del self._turns[gone]
        for gone in self._buckets.keys() - there:
            del self._buckets[gone]

    def flies(self, endpoint_id: str) -> bool:
        """Whether an attempt for it is in flight."""
        return self._flying[endpoint_id] > 0

    def thirst(self) -> float | None:
        """Seconds until somebody who may be owed more has a token; None where nobody waits for one."""
        return min((bucket.wait(self._buckets[endpoint_id]) for endpoint_id in self._thirsty), default=None)

    def _most(self, endpoint: Endpoint) -> int:
        return most_at_once(endpoint.ordering, endpoint.concurrency, self._limits.per_endpoint)

    def _troubled_most(self) -> int:
        return max(int(self._limits.in_all * TROUBLED_SHARE), 1)

    def _flying_to(self, endpoint_ids: set[str]) -> int:
        return sum(self._flying[endpoint_id] for endpoint_id in endpoint_ids)

    def _filled(self, endpoint_id: str, rate: float, monotonic: float) -> Bucket:
        """The endpoint's bucket as it is now. What it saved up at another rate is kept, as far as it has room for it."""
        known = self._buckets.get(endpoint_id)
        now = bucket.full(rate, monotonic) if known is None else bucket.filled(known, monotonic)
        if now.rate != rate:
            other = bucket.full(rate, monotonic)
            now = replace(other, tokens=min(now.tokens, other.burst))
        self._buckets[endpoint_id] = now
        return now
