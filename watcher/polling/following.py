"""All accounts together: following and stopping, what is known of a watch this moment, and the regular saving of looks."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from itertools import chain
from typing import Final

from watcher.core.model import Key, LastLook, Watch
from watcher.core.news import Following as FollowingNews
from watcher.core.news import Tell
from watcher.core.soonest import NONE
from watcher.core.streamrank import StreamRank
from watcher.core.wishes import UNSET, Unset
from watcher.polling.poller import Poller
from watcher.polling.streamrank import StreamRanks
from watcher.ports import (
    AccountView,
    BroadcastView,
    BroadcastWish,
    Clock,
    Eta,
    Explanation,
    Followed,
    FollowedBroadcast,
    Lengths,
    PastLooks,
    Soonest,
    Store,
    StoreError,
    Wish,
)

Report = Callable[[], Awaitable[None]]


class Polling:
    """The pollers by account, in the settings' order. Implements the port `Following`."""

    def __init__(self, pollers: Mapping[str, Poller], *, store: Store, clock: Clock, tell: Tell) -> None:
        self.pollers = pollers
        self._store = store
        self._clock = clock
        self._tell = tell
        self.ranks = StreamRanks(tuple(pollers), store=store, clock=clock, tell=tell)

    @property
    def accounts(self) -> Sequence[str]:
        return tuple(self.pollers)

    async def follow(self, wishes: Sequence[Wish]) -> list[Followed]:
        followed = await self._store.follow(wishes, self._clock.now())
        for each in followed:
            self.pollers[each.watch.account].followed(each)
        return followed

    async def relabel(
        self, key: Key, labels: Mapping[str, str | None] | None, correlation_id: str | Unset | None = UNSET
    ) -> Watch | None:
        watch = await self._store.relabel(key, labels, correlation_id)
        if watch is not None:
            self._tell(FollowingNews(account=key.account, batch_id=key.batch_id, what="relabelled"))
        return watch

    def refresh(self, key: Key) -> asyncio.Future[bool] | None:
        poller = self.pollers.get(key.account)
        return None if poller is None else poller.refreshes.ask(key.batch_id)

    async def resume(self, account: str) -> None:
        await self.pollers[account].resume()

    async def stop(self, key: Key) -> bool:
        stopped = await self._store.stop(key)
        poller = self.pollers.get(key.account)
        if poller is not None:
            poller.drop(key.batch_id)
        if stopped:
            self._tell(FollowingNews(account=key.account, batch_id=key.batch_id, what="stopped"))
        return stopped

    async def follow_broadcast(self, wish: BroadcastWish) -> FollowedBroadcast:
        followed = await self._store.follow_broadcast(wish, self._clock.now())
        self.pollers[wish.account].follow_broadcast(followed.broadcast)
        return followed

    async def stop_broadcast(self, account: str, broadcast_id: int) -> bool:
        stopped = await self._store.stop_broadcast(account, broadcast_id)
        poller = self.pollers.get(account)
        if poller is not None:
            poller.stop_broadcast(broadcast_id)
        return stopped

    def broadcast(self, account: str, broadcast_id: int) -> BroadcastView | None:
        poller = self.pollers.get(account)
        return None if poller is None else poller.broadcast_view(broadcast_id)

    def next_look(self, key: Key) -> datetime | None:
        poller = self.pollers.get(key.account)
        return None if poller is None else poller.next_look(key.batch_id)

    def last_look(self, key: Key) -> LastLook | None:
        poller = self.pollers.get(key.account)
        return None if poller is None else poller.last_look(key.batch_id)

    def past_looks(self, key: Key) -> PastLooks:
        return self.pollers[key.account].past_looks(key.batch_id)

    def overdue(self, account: str) -> Sequence[int]:
        poller = self.pollers.get(account)
        return () if poller is None else poller.overdue()

    def eta(self, key: Key) -> Eta | None:
        poller = self.pollers.get(key.account)
        return None if poller is None else poller.eta(key.batch_id)

    def soonest(
        self,
        account: str,
        most: int,
        *,
        status: str | None = None,
        final: bool | None = None,
        among: Sequence[int] | None = None,
    ) -> Soonest:
        poller = self.pollers.get(account)
        return NONE if poller is None else poller.soonest(most, status=status, final=final, among=among)

    def explain(self, key: Key) -> Explanation | None:
        poller = self.pollers.get(key.account)
        return None if poller is None else poller.explain(key.batch_id)

    def lengths(self, account: str) -> Lengths:
        return self.pollers[account].lengths()

    def streamrank(self, account: str) -> StreamRank:
        return self.ranks.rank(account)

    def view(self, account: str) -> AccountView:
        return replace(self.pollers[account].view(), change_percentage=self.ranks.change_percentage(account))


REPORTED: Final = 5.0
"""Seconds after which it is told anew how things stand, however seldom looks are saved: a gauge must not be old."""


LEARNT_KEPT: Final = 60.0
"""Seconds after which what was learnt of durations is kept anew: it costs some milliseconds an account, and changes little in
a minute."""


class Keeper:
    """Saves the last looks of all accounts every `every` seconds, what they have learnt every LEARNT_KEPT, and tells how things
    stand every `every` and every REPORTED."""

    name: Final = "keeper"

    def __init__(self, polling: Polling, *, reports: Sequence[Report], clock: Clock, every: float) -> None:
        self._polling = polling
        self._reports = reports
        self._clock = clock
        self._every = every
        self._unsaved_for = 0.0
        self._unkept_for = 0.0

    async def step(self) -> None:
        pause = min(self._every - self._unsaved_for, REPORTED)
        await self._clock.sleep(pause)
        self._unsaved_for += pause
        self._unkept_for += pause
        if self._unsaved_for < self._every:
            await _each(*self._reports)
            return
        self._unsaved_for = 0.0
        learnt = self._unkept_for >= LEARNT_KEPT
        if learnt:
            self._unkept_for = 0.0
        await _each(partial(self.save, learnt=learnt), *self._reports)

    async def save(self, *, learnt: bool = True) -> None:
        """Saves what is not saved yet, of all accounts; but for what was `learnt` of durations, where that can wait. Raises
        StoreError after the last, where any could not be saved."""
        for_all = self._polling.pollers.values()
        jobs = list(chain.from_iterable((each.standing.save, each.learner.save_looks) for each in for_all))
        kept = [*(each.save_learnt for each in for_all), self._polling.ranks.save] if learnt else []
        await _each(*jobs, *kept)


async def _each(*jobs: Report) -> None:
    """Does all of them, whatever the store makes of one; raises its first error at the end."""
    errors: list[StoreError] = []
    for job in jobs:
        try:
            await job()
        except StoreError as error:
            errors.append(error)
    if errors:
        raise errors[0]
