"""All accounts together, whoever polls them: following and stopping, and what is known of a watch this moment."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from weakref import WeakValueDictionary

from watcher.core.learnt import LearntHazard
from watcher.core.model import Key, LastLook, Watch
from watcher.core.news import AccountTold, News, Tell
from watcher.core.news import Following as FollowingNews
from watcher.core.ranking import Pace
from watcher.core.soonest import merged
from watcher.core.streamrank import StreamRank
from watcher.core.wishes import UNSET, Unset
from watcher.polling.admitting import told
from watcher.polling.answering import BROADCASTS, EXPLANATION, LOOKS, OVERDUE, SOONEST
from watcher.polling.elsewhere import Elsewhere
from watcher.polling.parting import Places
from watcher.polling.poller import Poller
from watcher.polling.questions import Questions
from watcher.polling.shown import Shown, to_json, together
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
    """The pollers that are here, by share; of accounts that other replicas poll, what can be seen and done from here. `rates`
    are the settings' requests a second of all accounts there are, in their order; without them, those that are polled here.
    `divided` says into how many parts accounts are. Implements the port `Following`."""

    def __init__(
        self,
        pollers: dict[str, Poller],
        *,
        store: Store,
        clock: Clock,
        tell: Tell,
        rates: Mapping[str, float] | None = None,
        pace: Pace = USUAL,
        divided: Mapping[str, int] | None = None,
    ) -> None:
        self.pollers = pollers
        self.places = Places(pollers, divided or {})
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
        return not self.places.away(account)

    def here(self) -> list[tuple[str, Poller]]:
        """The shares that are polled here."""
        return list(self.pollers.items())

    def know(self, rates: Mapping[str, float], divided: Mapping[str, int]) -> None:
        """These are the accounts there are from now on, with their rates, and how they are divided."""
        self._rates = rates
        self.elsewhere.know(rates)
        self.places.divide(divided)

    async def admit(self, share: str, poller: Poller, store: Ranks) -> None:
        """The share is polled here from now on; it has the store as long as that is so."""
        await self.ranks.come(poller.part, store)
        self.pollers[share] = poller

    def dismiss(self, share: str) -> None:
        """The share is not polled here any more."""
        poller = self.pollers.pop(share, None)
        if poller is not None:
            self.ranks.go(poller.part, stays=bool(self.places.here(poller.account.name)))

    def moved(self, watch: Watch) -> None:
        """Another part of its account polls the watch from now on: where that is elsewhere, it was said with what was stored."""
        poller = self.places.owner(watch.account, watch.broadcast_id, watch.batch_id)
        if poller is not None and watch.batch_id not in poller.roster:
            poller.take_over(watch)

    def hear(self, news: News) -> None:
        """What one part of an account is told of its login, the others here go by."""
        if isinstance(news, AccountTold) and self.places.is_divided(news.account):
            for poller in self.places.here(news.account):
                poller.account_told()

    async def keep(self, share: str) -> None:
        """Saves what is known here of a share, for whoever polls it next. Raises StoreError."""
        poller = self.pollers.get(share)
        if poller is not None:
            poller.refreshes.give_up()
            kept = [poller.standing.save(), poller.learner.save_looks(), poller.save_learnt()]
            await asyncio.gather(*kept, self.ranks.save_of(poller.part))

    def shown_of(self, poller: Poller) -> str:
        """What the other replicas are to see of a share that is polled here."""
        return to_json(self.shown_here(poller, poller.account.name))

    async def follow(self, wishes: Sequence[Wish]) -> list[Followed]:
        followed = await self._store.follow(wishes, self._clock.now())
        for each in followed:
            watch = each.watch
            poller = self.places.owner(watch.account, watch.broadcast_id, watch.batch_id)
            for other in self.places.here(watch.account):
                if other is not poller and watch.batch_id in other.roster:  # its broadcast is known now
                    other.drop(watch.batch_id)
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
        poller = self.places.having(*key)
        if poller is not None:
            return poller.refreshes.ask(key.batch_id)
        if key.account not in self.accounts:
            return None
        share = await self.share_of(key)
        return None if share in self.pollers else await self.questions.look(key.account, key.batch_id, share)

    async def share_of(self, key: Key) -> str:
        """The part that polls the watch, or would."""
        watch = await self._store.watch(key) if self.places.is_divided(key.account) else None
        return self.places.share(key.account, None if watch is None else watch.broadcast_id, key.batch_id)

    async def resume(self, account: str) -> None:
        for poller in self.places.here(account):
            await poller.resume()
        if self.places.away(account):
            await self._store.say([Word(kind="resume", account=account)])

    async def stop(self, key: Key) -> bool:
        stopped = await self._store.stop(key)
        poller = self.places.having(*key)
        if poller is not None:
            poller.drop(key.batch_id)
        if stopped:
            self._tell(FollowingNews(account=key.account, batch_id=key.batch_id, what="stopped"))
        return stopped

    async def follow_broadcast(self, wish: BroadcastWish) -> FollowedBroadcast:
        followed = await self._store.follow_broadcast(wish, self._clock.now())
        poller = self.places.owner(wish.account, wish.broadcast_id)
        if poller is not None:
            poller.follow_broadcast(followed.broadcast)
        return followed

    async def stop_broadcast(self, account: str, broadcast_id: int) -> bool:
        stopped = await self._store.stop_broadcast(account, broadcast_id)
        poller = self.places.owner(account, broadcast_id)
        if poller is not None:
            poller.stop_broadcast(broadcast_id)
        return stopped

    async def broadcasts(self, account: str, broadcast_ids: Sequence[int]) -> Mapping[int, BroadcastView]:
        owned: dict[Poller | None, list[int]] = {}
        for each in broadcast_ids:
            owned.setdefault(self.places.owner(account, each), []).append(each)
        views: dict[int, BroadcastView] = {}
        for owner, some in owned.items():
            if owner is not None:
                views |= await owner.broadcast_views(some)
            elif account in self.accounts:
                views |= await self._broadcasts_elsewhere(account, some)
        return {each: views[each] for each in broadcast_ids if each in views}

    async def _broadcasts_elsewhere(self, account: str, broadcast_ids: Sequence[int]) -> dict[int, BroadcastView]:
        """As other replicas see them; as they are kept where those do not answer."""
        kept = await self._store.broadcasts(account, broadcast_ids)
        if not kept:
            return {}
        shares = sorted({self.places.share(account, each.broadcast_id) for each in kept})
        views = {each.broadcast_id: BroadcastView(broadcast=each, note=NOT_ASKED) for each in kept}
        for given in (await self.questions.ask_all("broadcasts", shares, ids=list(views))).values():
            views |= BROADCASTS.validate_python(given)
        return views

    def next_look(self, key: Key) -> datetime | None:
        poller = self.places.having(*key)
        return self.elsewhere.next_look(key) if poller is None else poller.next_look(key.batch_id)

    def last_look(self, key: Key) -> LastLook | None:
        poller = self.places.having(*key)
        return None if poller is None else poller.last_look(key.batch_id)

    async def past_looks(self, key: Key) -> PastLooks:
        share = await self.share_of(key)
        poller = self.pollers.get(share)
        if poller is not None:
            return poller.past_looks(key.batch_id)
        return LOOKS.validate_python(await self.questions.ask("looks", share, id=key.batch_id))

    async def overdue(self, account: str) -> Sequence[int]:
        if account not in self.accounts:
            return ()
        overdue = [batch_id for poller in self.places.here(account) for batch_id in poller.overdue()]
        for share in self.places.away(account):
            overdue += OVERDUE.validate_python(await self.questions.ask("overdue", share))
        return sorted(overdue)

    async def acquaint(self, watches: Sequence[Watch]) -> None:
        await self.elsewhere.acquaint(
            [each for each in watches if self._is_elsewhere(each.account) and self.places.having(*each.key) is None]
        )

    def eta(self, key: Key) -> Eta | None:
        poller = self.places.having(*key)
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
        here = self.places.here(account)
        return merged([poller.soonest(most, status=status, final=final, among=among) for poller in here], most)

    async def soonest_elsewhere(
        self, accounts: Sequence[str], most: int, *, status: str | None = None, final: bool | None = None
    ) -> Mapping[str, Soonest]:
        asked = [account for account in accounts if self._is_elsewhere(account)]
        if not asked:
            return {}
        shares = [share for account in asked for share in self.places.away(account)]
        given = await self.questions.ask_all("soonest", shares, most=most, status=status, final=final)
        found = {
            account: [SOONEST.validate_python(given[share]) for share in self.places.away(account) if share in given]
            + [poller.soonest(most, status=status, final=final) for poller in self.places.here(account)]
            for account in asked
        }
        return {account: merged(parts, most) for account, parts in found.items() if parts}

    async def explain(self, key: Key) -> Explanation | None:
        poller = self.places.having(*key)
        if poller is not None:
            return poller.explain(key.batch_id)
        if key.account not in self.accounts:
            return None
        share = await self.share_of(key)
        if share in self.pollers:
            return None
        return EXPLANATION.validate_python(await self.questions.ask("explanation", share, id=key.batch_id))

    async def lengths(self, account: str) -> Lengths:
        poller = self.places.first(account)
        return await self.elsewhere.lengths(account) if poller is None else poller.lengths()

    async def streamrank(self, account: str) -> StreamRank:
        here = self.places.first(account) is not None
        return self.ranks.rank(account) if here else await self.elsewhere.streamrank(account)

    async def view(self, account: str) -> AccountView:
        return (await self.shown(account)).view

    async def shown(self, account: str) -> Shown:
        """The account as it is now; of one that is polled here, as its other replicas are to see it."""
        here = {poller.part.share: self.shown_here(poller, account) for poller in self.places.here(account)}
        if self.places.away(account):
            return await self.elsewhere.shown(account, here)
        return together(list(here.values()))

    def shown_here(self, poller: Poller, account: str) -> Shown:
        """What the poller lets be seen of its account."""
        view = replace(poller.view(), change_percentage=self.ranks.change_percentage(account))
        return Shown(at=self._clock.now(), view=view, coming=len(poller.roster) - poller.roster.stuck_count())

    async def load_of(self, account: str) -> tuple[Shown, bytes]:
        """How the account stands, and the record of what it has learnt of durations: what a plan is made for."""
        poller = self.places.first(account)
        if poller is not None:
            return await self.shown(account), poller.learnt.to_record()
        record = await self._store.learnt(account)
        return await self.shown(account), record or LearntHazard().to_record()

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
        return account in self.accounts and bool(self.places.away(account))
