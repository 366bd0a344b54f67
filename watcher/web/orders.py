"""The window of watches that a page shows in the order of `core.attention`: which ones it has, and how many there are.

Where no more is asked for than bands know of, the store and polling are asked for the window alone: so it costs the same with a
hundred thousand watches. Else all that matches is remembered here, up to a bound, and put in order.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from math import inf
from typing import Final, Protocol

from watcher.core.attention import Band, Standing, in_order, standing_of
from watcher.core.model import Key, State, Watch
from watcher.core.soonest import NONE
from watcher.core.viewing import Sight
from watcher.ports import Following, Soonest, Store, WatchQuery
from watcher.web.views import PORTION, those

MATCHES_MOST: Final = 10_000
"""Watches that match a search that are put in order: those with the smallest keys, where there are more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The watches, in their order; how many match in `total`, and how many of those need a person. `more`: there are others
    behind, or more than are counted."""

    keys: Sequence[Key]
    total: int
    attention: int
    more: bool


class Order(Protocol):
    """Where the window comes from. StoreError where that cannot be told now; it may be asked again."""

    async def load(self) -> None:
        """Reads what has to be known before."""
        ...

    async def take(self, changed: Iterable[Key]) -> None:
        """Something was told of these watches."""
        ...

    async def renew(self) -> None:
        """Works out anew what nobody tells of: how many there are, and when they are expected to end."""
        ...

    async def window(self) -> Window:
        """As it is now."""
        ...


def order_of(sight: Sight, *, store: Store, following: Following) -> Order:
    """The one that is good for the sight."""
    made: type[Wide | Narrow] = Narrow if sight.narrow else Wide
    return made(sight, store=store, following=following)


class Wide:
    """Of all watches of some accounts, perhaps with one status. What is open is in the order that polling gives: what was told
    of an account has it asked again, but for those that other replicas poll, which are asked every few seconds. Accounts that
    are polled no more may have open watches all the same."""

    def __init__(self, sight: Sight, *, store: Store, following: Following) -> None:
        self._sight = sight
        self._store = store
        self._following = following
        self._polled = tuple(name for name in following.accounts if sight.concerns(name))
        self._gone: list[str] = []
        self._left: list[Key] = []
        self._elsewhere: dict[str, Soonest] = {}
        self._open: dict[str, Soonest] = {}
        self._opened: dict[str, int] = {}
        self._needing = self._resting = 0

    async def load(self) -> None:
        known = await self._store.watched_accounts()
        self._gone = [name for name in known if self._sight.concerns(name) and name not in self._polled]
        await self.renew()

    async def take(self, changed: Iterable[Key]) -> None:
        accounts = {key.account for key in changed}
        for account in accounts:
            self._open.pop(account, None)
            self._opened.pop(account, None)
        if not accounts.isdisjoint(self._gone):
            self._left = await self._read_left()

    async def renew(self) -> None:
        sight = self._sight
        self._needing = await self._store.count_of_band(sight.band(Band.NEEDS))
        self._resting = await self._store.count_of_band(sight.band(Band.REST)) if sight.shows_rest else 0
        self._left = await self._read_left()
        if sight.shows_open:
            most = sight.offset + sight.limit
            self._elsewhere |= await self._following.soonest_elsewhere(
                self._polled, most, status=sight.status, final=sight.final
            )
        self._open, self._opened = {}, {}

    async def window(self) -> Window:
        sight = self._sight
        keys = await self._store.in_band(sight.band(Band.NEEDS, sight.offset, sight.limit))
        if keys or not sight.offset:  # newer than the count
            end = sight.offset + len(keys)
            self._needing = end if len(keys) < sight.limit else max(self._needing, end)
        opened, passed = self._count_open(), max(sight.offset - self._needing, 0)
        if len(keys) < sight.limit and passed < opened:
            keys += islice(self._in_turn(), passed, passed + sight.limit - len(keys))
        if len(keys) < sight.limit and sight.shows_rest:
            passed = max(passed - opened, 0)
            keys += await self._store.in_band(sight.band(Band.REST, passed, sight.limit - len(keys)))
        keys = list(dict.fromkeys(keys))  # one that is just changing may be in two bands
        total = max(self._needing + opened + self._resting, sight.offset + len(keys) if keys else 0)
        return Window(
            keys=keys, total=total, attention=self._needing, more=bool(keys) and total > sight.offset + len(keys)
        )

    def _count_open(self) -> int:
        """How many open ones there are, which costs less than to put them in order."""
        for account in self._polled if self._sight.shows_open else ():
            if account not in self._opened:
                self._opened[account] = self._soonest(account, 0).total
        return sum(self._opened.values()) + len(self._left)

    def _soonest(self, account: str, most: int) -> Soonest:
        if not self._following.is_here(account):
            return self._elsewhere.get(account, NONE)
        return self._following.soonest(account, most, status=self._sight.status, final=self._sight.final)

    def _in_turn(self) -> Iterator[Key]:
        """The open ones in their order, as far as the window may reach."""
        most = self._sight.offset + self._sight.limit
        for account, count in self._opened.items():
            if count and account not in self._open:
                self._open[account] = self._soonest(account, most)
        queues = [_keyed(account, soonest) for account, soonest in self._open.items()]
        return (key for _, key in merge(*queues, ((inf, key) for key in self._left)))

    async def _read_left(self) -> list[Key]:
        """The open watches, which need nobody, of accounts that are polled no more."""
        left: list[Key] = []
        after: Key | None = None
        while self._gone and self._sight.shows_open and len(left) < MATCHES_MOST:
            query = WatchQuery(
                accounts=self._gone,
                state=State.OPEN,
                status=self._sight.status,
                final=self._sight.final,
                after=after,
                limit=PORTION,
            )
            some = await self._store.find(query)
            left += [watch.key for watch in some if standing_of(watch).band is Band.OPEN]
            if len(some) < PORTION:
                break
            after = some[-1].key
        return left


class Narrow:
    """Of the watches that match what was searched for: `most` of them."""

    def __init__(self, sight: Sight, *, store: Store, following: Following, most: int = MATCHES_MOST) -> None:
        self._sight = sight
        self._store = store
        self._following = following
        self._most = most
        self._standings: dict[Key, Standing] = {}
        self._ends: dict[Key, float] = {}  # of open ones that other replicas poll
        self._over = False
        self._ordered: list[Key] | None = None

    async def load(self) -> None:
        found: dict[Key, Standing] = {}
        after: Key | None = None
        self._ends = {}
        while len(found) <= self._most:
            some = await self._store.find(self._sight.query(after, PORTION))
            found |= {watch.key: standing_of(watch) for watch in some}
            await self._expect(some)
            if len(some) < PORTION:
                break
            after = some[-1].key
        self._standings, self._over = dict(islice(found.items(), self._most)), len(found) > self._most
        self._ordered = None

    async def take(self, changed: Iterable[Key]) -> None:
        found = await those(changed, self._sight, self._store)
        await self._expect(list(found.values()))
        for key in changed:
            if key in found:
                self._put(key, standing_of(found[key]))
            elif self._standings.pop(key, None) is not None:
                self._ends.pop(key, None)
                self._ordered = None

    async def renew(self) -> None:
        if self._over and len(self._standings) < self._most:  # there is room for those that were left out
            await self.load()
        self._ordered = None

    async def window(self) -> Window:
        if self._ordered is None:
            self._ordered = in_order(self._standings, self._expected())
        total, end = len(self._ordered), self._sight.offset + self._sight.limit
        return Window(
            keys=self._ordered[self._sight.offset : end],
            total=total,
            attention=sum(standing.band is Band.NEEDS for standing in self._standings.values()),
            more=self._over or end < total,
        )

    def _put(self, key: Key, standing: Standing) -> None:
        if key not in self._standings and len(self._standings) >= self._most:
            self._over = True
        elif self._standings.get(key) != standing:
            self._standings[key] = standing
            self._ordered = None

    async def _expect(self, watches: Sequence[Watch]) -> None:
        """Remembers when those will have ended that other replicas poll, as far as that can be told from here."""
        away = [watch for watch in watches if not self._following.is_here(watch.account)]
        await self._following.acquaint(away)
        for watch in away:
            eta = self._following.eta(watch.key)
            self._ends[watch.key] = inf if eta is None else eta.p50.timestamp()

    def _expected(self) -> Mapping[Key, float]:
        """When those that are open will have ended."""
        named: dict[str, list[int]] = {}
        for key, standing in self._standings.items():
            if standing.band is Band.OPEN:
                named.setdefault(key.account, []).append(key.batch_id)
        here = {
            Key(account, batch_id): end
            for account, batch_ids in named.items()
            for end, batch_id in self._following.soonest(account, len(batch_ids), among=batch_ids).first
        }
        return {**self._ends, **here}


def _keyed(account: str, soonest: Soonest) -> Iterator[tuple[float, Key]]:
    return ((end, Key(account, batch_id)) for end, batch_id in soonest.first)
