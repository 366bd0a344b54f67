"""Listens to the news for StreamRank: what requests, looks, events and deliveries of each account cost."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from watcher.core.message import account_of
from watcher.core.news import Answered, Attempted, Changed, Looked, News, StreamRanked, Tell
from watcher.core.parts import Part
from watcher.core.streamrank import Meter, StreamRank
from watcher.ports import Clock, LeaseLost, StoreError
from watcher.ports.ranks import Ranks

POLLS: Final = frozenset({"batch", "page"})
SHOWN: Final = "200"
"""The outcome of a request that showed what it asked for: all others say nothing of what polling costs."""


class StreamRanks:
    """A meter for each of the accounts that are polled here: the `accounts` given, and those that `come` until they `go`. `hear`
    all news; `save` and `report` now and then."""

    def __init__(self, accounts: Sequence[str], *, store: Ranks, clock: Clock, tell: Tell) -> None:
        self._meters = {account: Meter() for account in accounts}
        self._store = store
        self._stores: dict[str, Ranks] = {}
        self._others: set[str] = set()  # accounts whose first part another replica polls
        self._clock = clock
        self._tell = tell
        self._unsaved: set[str] = set()
        self._untold = set(accounts)
        self._hearers: Mapping[type[News], Callable[[Any], None]] = {
            Answered: self._answered,
            Looked: self._looked,
            Changed: self._changed,
            Attempted: self._attempted,
        }

    async def come(self, part: Part, store: Ranks) -> None:
        """The part of an account is polled here from now on, and what was counted before is in that store. Whoever has its first
        part keeps and tells the account's figures: what the other parts cost is alike. Raises StoreError."""
        account = part.account
        if part.first or account not in self._meters:
            record = await store.rank(account)
            self._meters[account] = Meter() if record is None else Meter.from_record(record)
        if part.first:
            self._stores[account] = store
            self._others.discard(account)
            self._untold.add(account)
        elif account not in self._stores:
            self._others.add(account)

    def go(self, part: Part, *, stays: bool = False) -> None:
        """The part is not polled here any more: whoever does counts on. `stays`: another part of the account is."""
        account = part.account
        if stays:
            if part.first:
                self._stores.pop(account, None)
                self._others.add(account)
        else:
            self._meters.pop(account, None)
            self._stores.pop(account, None)
            self._others.discard(account)
        if part.first or not stays:
            self._unsaved.discard(account)
            self._untold.discard(account)

    def hear(self, news: News) -> None:
        """Counts one piece of news."""
        hearer = self._hearers.get(type(news))
        if hearer is not None:
            hearer(news)

    def rank(self, account: str) -> StreamRank:
        """The account's figures as they are now. Accounts are checked before."""
        return self._meters[account].rank()

    def change_percentage(self, account: str) -> float | None:
        """How many of the account's looks showed another status; None before the first. Accounts are checked before."""
        return self._meters[account].change_percentage()

    async def save(self) -> None:
        """Keeps what was counted since the last time; where that fails it is kept for the next."""
        unsaved, self._unsaved = self._unsaved, set()
        by_store: dict[int, list[str]] = {}
        for account in sorted(unsaved):
            by_store.setdefault(id(self._stores.get(account, self._store)), []).append(account)
        try:
            for accounts in by_store.values():
                await self._keep(accounts)
                unsaved.difference_update(accounts)
        except StoreError:
            self._unsaved |= unsaved & self._meters.keys()
            raise

    async def save_of(self, part: Part) -> None:
        """As `save`, of a part of an account that is about to `go`."""
        account = part.account
        if part.first and account in self._unsaved:
            self._unsaved.discard(account)
            await self._keep([account])

    async def _keep(self, accounts: Sequence[str]) -> None:
        """Keeps what was counted of accounts that have a store together; what another replica counts by now it does not."""
        records = {account: self._meters[account].to_record() for account in accounts if account in self._meters}
        if records:
            with suppress(LeaseLost):
                await self._stores.get(accounts[0], self._store).save_ranks(records)

    async def report(self) -> None:
        """Tells the figures of accounts of which anything was counted since the last time, and once those of all."""
        untold, self._untold = self._untold, set()
        for account in sorted(untold):
            self._tell(StreamRanked(account=account, rank=self.rank(account)))

    def _answered(self, news: Answered) -> None:
        if news.outcome == SHOWN and news.operation in POLLS:
            meter = self._meter(news.account)
            if meter is not None:
                meter.polled(self._clock.now(), took=news.took, size=news.size)

    def _looked(self, news: Looked) -> None:
        if news.result in ("changed", "unchanged"):
            meter = self._meter(news.account)
            if meter is not None:
                meter.looked(changed=news.result == "changed")

    def _changed(self, news: Changed) -> None:
        meter = self._meter(news.account)
        if meter is not None:
            meter.committed(news.size)

    def _attempted(self, news: Attempted) -> None:
        account = account_of(news.event_id)
        if news.delay is not None and account is not None:
            meter = self._meter(account)
            if meter is not None:
                meter.arrived(news.delay)

    def _meter(self, account: str) -> Meter | None:
        """The account's meter, which counts something now; None where the settings do not have the account any more."""
        meter = self._meters.get(account)
        if meter is not None and account not in self._others:
            self._unsaved.add(account)
            self._untold.add(account)
        return meter
