"""An account whose parts are polled here, a few or all of them, as one: what is told of each is added up.

Of the parts that another replica polls, that one's metrics tell: the account's figures are the sum over all replicas.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import TypeVar

from watcher.core.news import BudgetUsed, Stepped, Tally

Told = TypeVar("Told", Tally, BudgetUsed, Stepped)


class Parts:
    """What the parts that are here have told last, by account and part."""

    def __init__(self) -> None:
        self._named: frozenset[str] | None = None
        self._here: dict[str, set[str]] = {}
        self._shared = False
        self._tallies: dict[str, dict[str, Tally]] = {}
        self._budgets: dict[str, dict[str, BudgetUsed]] = {}
        self._steps: dict[str, dict[str, Stepped]] = {}

    def name(self, shares: Iterable[str]) -> None:
        """These are all there are. What any other has told, or tells yet, is of no account any more."""
        self._named = frozenset(shares)
        for told in (self._tallies, self._budgets, self._steps):
            for of_parts in told.values():
                for part in of_parts.keys() - self._named:
                    del of_parts[part]

    def among(self, replicas: int) -> None:
        """So many replicas have the accounts."""
        self._shared |= replicas > 1

    def elsewhere(self, account: str, part: str = "") -> bool:
        """Whether another replica polls it. What is told of it here all the same was under way when it left, or asked here."""
        here = self._here.get(account, set())
        return self._shared and (part not in here if part else not here)

    def come(self, account: str, share: str) -> None:
        """The share of the account is polled here from now on."""
        self._shared = True
        self._here.setdefault(account, set()).add(share)

    def leave(self, account: str, share: str) -> bool:
        """It is not any more; whether nothing of the account is."""
        here = self._here.get(account, set())
        here.discard(share)
        for told in (self._tallies, self._budgets, self._steps):
            told.get(account, {}).pop(share, None)
        if not here:
            self._here.pop(account, None)
        return not here

    def tally(self, news: Tally) -> Tally:
        """That of all parts together: the oldest look is that of the part where it is oldest."""
        if not news.part:
            return news
        told = self._told(self._tallies, news)
        by_status: Counter[str] = Counter()
        for each in told.values():
            by_status.update(each.by_status)
        return replace(
            news,
            part="",
            by_status=dict(by_status),
            overdue=sum(each.overdue for each in told.values()),
            oldest_look_age=max((each.oldest_look_age for each in told.values()), default=0.0),
            stuck=sum(each.stuck for each in told.values()),
            expected_wait=sum(each.expected_wait for each in told.values()),
        )

    def budget(self, news: BudgetUsed) -> BudgetUsed:
        """That of all parts together."""
        if not news.part:
            return news
        told = self._told(self._budgets, news)
        return replace(
            news,
            part="",
            configured=sum(each.configured for each in told.values()),
            effective=sum(each.effective for each in told.values()),
            used=sum(each.used for each in told.values()),
        )

    def step(self, news: Stepped) -> Stepped:
        """That of the part whose last one is the longest ago: one that stands still is seen, however the others run."""
        if not news.part:
            return news
        return min(self._told(self._steps, news).values(), key=lambda each: each.at, default=news)

    def _told(self, before: dict[str, dict[str, Told]], news: Told) -> dict[str, Told]:
        """What all parts of the account have told last, this news among it."""
        told = before.setdefault(news.account, {})
        if self._named is None or news.part in self._named:
            told[news.part] = news
        return told
