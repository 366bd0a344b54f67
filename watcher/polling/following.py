"""All accounts together, whoever polls them: following and stopping, and what is known of a watch this moment."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Final
from weakref import WeakValueDictionary

from watcher.core.learnt import LearntHazard
from watcher.core.model import Key, LastLook, Watch
from watcher.core.news import Following as FollowingNews
from watcher.core.news import Tell
from watcher.core.ranking import Pace
from watcher.core.soonest import NONE
from watcher.core.streamrank import StreamRank
from watcher.core.wishes import UNSET, Unset
from watcher.polling.admitting import told
from watcher.polling.answering import BROADCASTS, EXPLANATION, LOOKS, OVERDUE, SOONEST
from watcher.polling.elsewhere import Elsewhere
from watcher.polling.poller import Poller
from watcher.polling.questions import Questions
from watcher.polling.shown import Shown, to_json
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
    NotAnswered,
    PastLooks,
    Ranks,
    Soonest,
    Store,
    Wish,
    Word,
)

USUAL: Final = Pace()
"""The pace where nothing else is said."""
NOT_ASKED: Final = "whoever polls the account did not say how it stands: ask again in a moment"
"""Noted of a broadcast of which only that is known which is kept."""


class Polling:
    """The pollers that are here, by account; of accounts that other replicas poll, what can be seen and done from here. `rates`
    are the settings' requests a second of all accounts there are, in their order; without them, those that are polled here.
    Implements the port `Following`."""

    def __init__(
        self,
        pollers: dict[str, Poller],
        *,
        store: Store,
        clock: Clock,
        tell: Tell,
        rates: Mapping[str, float] | None = None,
        pace: Pace = USUAL,
    ) -> None:
        self.pollers = pollers
        self.questions = Questions(store=store, clock=clock)
        self.elsewhere = Elsewhere(rates or {}, pace=pace, store=store, clock=clock)
        self._awaited: WeakValueDictionary[str, asyncio.Event] = WeakValueDictionary()
        self._rates = rates
        self._store = store
        self._clock = clock
        self._tell = tell
        self.ranks = StreamRanks(tuple(pollers), store=store, clock=clock, tell=tell)

    @property
    def accounts(self) -> Sequence[str]:
        return tuple(self.pollers if self._rates is None else self._rates)

    def is_here(self, account: str) -> bool:
        return account in self.pollers

    def here(self) -> list[tuple[str, Poller]]:
        """The shares that are polled here."""
        return list(self.pollers.items())

    async def admit(self, share: str, poller: Poller, store: Ranks) -> None:
        """The share is polled here from now on; it has the store as long as that is so."""
        await self.ranks.come(share, store)
        self.pollers[share] = poller

    def dismiss(self, share: str) -> None:
        """The share is not polled here any more."""
        self.pollers.pop(share, None)
        self.ranks.go(share)

    async def keep(self, share: str) -> None:
        """Saves what is known here of a share, for whoever polls it next. Raises StoreError."""
        poller = self.pollers.get(share)
        if poller is not None:
            poller.refreshes.give_up()
            await asyncio.gather(
                poller.standing.save(), poller.learner.save_looks(), poller.save_learnt(), self.ranks.save_of(share)
            )

    def shown_of(self, share: str, poller: Poller) -> str:
        """What the other replicas are to see of a share that is polled here."""
        return to_json(self.shown_here(poller, share))

    async def follow(self, wishes: Sequence[Wish]) -> list[Followed]:
        followed = await self._store.follow(wishes, self._clock.now())
        for each in followed:
            poller = self.pollers.get(each.watch.account)
            if poller is not None:
                poller.followed(each)
            elif (news := told(each)) is not None:
                self._tell(news)
        return followed

    async def relabel(
        self, key: Key, labels: Mapping[str, str | None] | None, correlation_id: str | Unset | None = UNSET
    ) -> Watch | None:
        watch = await self._store.relabel(key, labels, correlation_id)
        if watch is not None:
            self._tell(FollowingNews(account=key.account, batch_id=key.batch_id, what="relabelled"))
        return watch

    async def refresh(self, key: Key) -> asyncio.Future[bool] | None:
        poller = self.pollers.get(key.account)
        if poller is not None:
            return poller.refreshes.ask(key.batch_id)
        return await self.questions.look(key.account, key.batch_id) if key.account in self.accounts else None

    async def resume(self, account: str) -> None:
        poller = self.pollers.get(account)
        if poller is not None:
            await poller.resume()
        else:
            await self._store.say([Word(kind="resume", account=account)])

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
        poller = self.pollers.get(wish.account)
        if poller is not None:
            poller.follow_broadcast(followed.broadcast)
        return followed

    async def stop_broadcast(self, account: str, broadcast_id: int) -> bool:
        stopped = await self._store.stop_broadcast(account, broadcast_id)
        poller = self.pollers.get(account)
        if poller is not None:
            poller.stop_broadcast(broadcast_id)
        return stopped

    async def broadcasts(self, account: str, broadcast_ids: Sequence[int]) -> Mapping[int, BroadcastView]:
        poller = self.pollers.get(account)
        if poller is not None:
            views = {each: poller.broadcast_view(each) for each in broadcast_ids}
            return {each: view for each, view in views.items() if view is not None}
        if account not in self.accounts:
            return {}
        stored = await self._store.broadcasts(account)
        kept = {each.broadcast_id: BroadcastView(broadcast=each, note=NOT_ASKED) for each in stored}
        asked = [each for each in broadcast_ids if each in kept]
        if not asked:
            return {}
        with suppress(NotAnswered):
            kept |= BROADCASTS.validate_python(await self.questions.ask("broadcasts", account, ids=asked))
        return {each: kept[each] for each in asked}

    def next_look(self, key: Key) -> datetime | None:
        poller = self.pollers.get(key.account)
        return self.elsewhere.next_look(key) if poller is None else poller.next_look(key.batch_id)

    def last_look(self, key: Key) -> LastLook | None:
        poller = self.pollers.get(key.account)
        return None if poller is None else poller.last_look(key.batch_id)

    async def past_looks(self, key: Key) -> PastLooks:
        poller = self.pollers.get(key.account)
        if poller is not None:
            return poller.past_looks(key.batch_id)
        return LOOKS.validate_python(await self.questions.ask("looks", key.account, id=key.batch_id))

    async def overdue(self, account: str) -> Sequence[int]:
        poller = self.pollers.get(account)
        if poller is not None:
            return poller.overdue()
        if account not in self.accounts:
            return ()
        return OVERDUE.validate_python(await self.questions.ask("overdue", account))

    async def acquaint(self, watches: Sequence[Watch]) -> None:
        await self.elsewhere.acquaint([each for each in watches if self._is_elsewhere(each.account)])

    def eta(self, key: Key) -> Eta | None:
        poller = self.pollers.get(key.account)
        return self.elsewhere.eta(key) if poller is None else poller.eta(key.batch_id)

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

    async def soonest_elsewhere(
        self, accounts: Sequence[str], most: int, *, status: str | None = None, final: bool | None = None
    ) -> Mapping[str, Soonest]:
        asked = [account for account in accounts if self._is_elsewhere(account)]
        if not asked:
            return {}
        given = await self.questions.ask_all("soonest", asked, most=most, status=status, final=final)
        return {account: SOONEST.validate_python(each) for account, each in given.items()}

    async def explain(self, key: Key) -> Explanation | None:
        poller = self.pollers.get(key.account)
        if poller is not None:
            return poller.explain(key.batch_id)
        if key.account not in self.accounts:
            return None
        return EXPLANATION.validate_python(await self.questions.ask("explanation", key.account, id=key.batch_id))

    async def lengths(self, account: str) -> Lengths:
        poller = self.pollers.get(account)
        return await self.elsewhere.lengths(account) if poller is None else poller.lengths()

    async def streamrank(self, account: str) -> StreamRank:
        return self.ranks.rank(account) if account in self.pollers else await self.elsewhere.streamrank(account)

    async def view(self, account: str) -> AccountView:
        return (await self.shown(account)).view

    async def shown(self, account: str) -> Shown:
        """The account as it is now; of one that is polled here, as its other replicas are to see it."""
        poller = self.pollers.get(account)
        if poller is None:
            return await self.elsewhere.shown(account)
        return self.shown_here(poller, account)

    def shown_here(self, poller: Poller, account: str) -> Shown:
        """What the poller lets be seen of its account."""
        view = replace(poller.view(), change_percentage=self.ranks.change_percentage(account))
        return Shown(at=self._clock.now(), view=view, coming=len(poller.roster) - poller.roster.stuck_count())

    async def load_of(self, account: str) -> tuple[Shown, bytes]:
        """How the account stands, and the record of what it has learnt of durations: what a plan is made for."""
        poller = self.pollers.get(account)
        if poller is not None:
            return self.shown_here(poller, account), poller.learnt.to_record()
        record = await self._store.learnt(account)
        return await self.elsewhere.shown(account), record or LearntHazard().to_record()

    def over_elsewhere(self, submission_id: str) -> asyncio.Event:
        """What is set when another replica says that it did something about the submission."""
        event = self._awaited.get(submission_id) or asyncio.Event()
        self._awaited[submission_id] = event
        return event

    def settled(self, submission_id: str) -> None:
        """Another replica says so."""
        event = self._awaited.get(submission_id)
        if event is not None:
            event.set()

    def _is_elsewhere(self, account: str) -> bool:
        return account not in self.pollers and account in self.accounts
