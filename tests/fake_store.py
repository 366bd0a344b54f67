"""A hand-written stand-in for the port Store, in memory; endpoints and deliveries are in `fake_deliveries`."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from tests.fake_lists import find, in_band
from tests.fake_log import FakeLog
from tests.fake_once import FakeOnce
from tests.fake_ranks import FakeRanks
from tests.fake_submissions import FakeSubmissions
from tests.fake_tokens import FakeTokens
from tests.fakes import FakeClock
from watcher.core.account import AccountRecord
from watcher.core.broadcasts import Broadcast
from watcher.core.endpoint import Endpoint
from watcher.core.model import BroadcastKind, Key, LastLook, Recorded, State, Watch
from watcher.core.opened import Opened, columns_of
from watcher.core.recovering import Cutoffs, Forgotten
from watcher.core.wishes import UNSET, BroadcastWish, FollowedBroadcast, Unset
from watcher.ports import AccountChange, BandQuery, Change, Committed, EventQuery, Followed, WatchQuery, Wish
from watcher.store.alone import Alone
from watcher.store.wishes import grant, grant_broadcast, relabelled


class FakeStore(Alone, FakeLog, FakeOnce, FakeRanks, FakeSubmissions, FakeTokens):
    """The port Store in memory."""

    alive = True

    def __init__(self, clock: FakeClock, endpoints: Sequence[Endpoint] = ()) -> None:
        Alone.__init__(self)
        super(Alone, self).__init__(clock, endpoints)
        self.watches: dict[Key, Watch] = {}
        self.records: dict[str, AccountRecord] = {}
        self.kept_broadcasts: dict[tuple[str, int], Broadcast] = {}
        self.learnt_records: dict[str, bytes] = {}

    def put(self, *watches: Watch) -> None:
        """As if they had been stored before."""
        self.watches |= {watch.key: watch for watch in watches}

    async def follow(self, wishes: Sequence[Wish], now: datetime) -> list[Followed]:
        await self._do("follow")
        followed: list[Followed] = []
        for wish in wishes:
            followed.append(grant(self.watches.get(wish.key), wish, now))
            self.put(followed[-1].watch)
        await self._answer("follow")
        return followed

    async def stop(self, key: Key) -> bool:
        await self._do("stop")
        watch = self.watches.get(key)
        stopped = watch is not None and watch.state is not State.STOPPED
        if watch is not None and stopped:
            self.watches[key] = replace(watch, state=State.STOPPED, version=watch.version + 1)
        await self._answer("stop")
        return stopped

    async def relabel(
        self, key: Key, labels: Mapping[str, str | None] | None, correlation_id: str | Unset | None = UNSET
    ) -> Watch | None:
        await self._do("relabel")
        watch = self.watches.get(key)
        if watch is not None:
            watch = None if watch.state is State.STOPPED else relabelled(watch, labels, correlation_id)
        if watch is not None:
            self.put(watch)
        await self._answer("relabel")
        return watch

    async def watch(self, key: Key) -> Watch | None:
        await self._do("watch")
        watch = self.watches.get(key)
        await self._answer("watch")
        return watch

    async def open_watches(self, account: str) -> AsyncIterator[Sequence[Watch]]:
        await self._do("open_watches")
        watches = [each for each in self.watches.values() if each.account == account and each.state is State.OPEN]
        for start in range(0, len(watches), 2):
            yield watches[start : start + 2]

    async def opened(self, account: str) -> AsyncIterator[Opened]:
        async for portion in self.open_watches(account):
            yield columns_of(portion)

    async def find(self, query: WatchQuery) -> list[Watch]:
        await self._do("find")
        return find(self.watches.values(), query)

    async def in_band(self, query: BandQuery) -> list[Key]:
        await self._do("in_band")
        return in_band(self.watches.values(), query)[query.offset : query.offset + query.limit]

    async def count_of_band(self, query: BandQuery) -> int:
        await self._do("count_of_band")
        return len(in_band(self.watches.values(), query))

    async def watched_accounts(self) -> list[str]:
        await self._do("watched_accounts")
        return sorted({watch.account for watch in self.watches.values()})

    async def tally(self, account: str) -> dict[tuple[str, str | None], int]:
        await self._do("tally")
        tally = Counter((str(each.state), each.status) for each in self.watches.values() if each.account == account)
        await self._answer("tally")
        return dict(tally)

    async def commit(self, change: Change) -> Committed | None:
        await self._do("commit")
        stored = self.watches.get(change.watch.key)
        committed = None
        if stored is not None and stored.version == change.version:
            committed = self._record(change.events)
            self.put(replace(change.watch, version=change.version + 1))
        await self._answer("commit")
        return committed

    async def save_looks(self, account: str, looks: Sequence[LastLook]) -> None:
        await self._do("save_looks")
        for look in looks:
            key = Key(account, look.batch_id)
            watch = self.watches.get(key)
            if watch is not None and (watch.asked is None or look.asked > watch.asked):
                self.watches[key] = replace(
                    watch,
                    asked=look.asked,
                    answered=look.answered,
                    looks=look.looks,
                    size=look.size,
                    remaining=look.remaining,
                )
        await self._answer("save_looks")

    async def follow_broadcast(self, wish: BroadcastWish, now: datetime) -> FollowedBroadcast:
        await self._do("follow_broadcast")
        place = (wish.account, wish.broadcast_id)
        followed = grant_broadcast(self.kept_broadcasts.get(place), wish, now)
        self.kept_broadcasts[place] = followed.broadcast
        await self._answer("follow_broadcast")
        return followed

    async def stop_broadcast(self, account: str, broadcast_id: int) -> bool:
        await self._do("stop_broadcast")
        broadcast = self.kept_broadcasts.get((account, broadcast_id))
        stopped = broadcast is not None and broadcast.followed
        if broadcast is not None:
            self.kept_broadcasts[account, broadcast_id] = replace(broadcast, followed=False)
        await self._answer("stop_broadcast")
        return stopped

    async def broadcasts(self, account: str, broadcast_ids: Sequence[int] | None = None) -> list[Broadcast]:
        await self._do("broadcasts")
        of = [(key, each) for (owner, key), each in sorted(self.kept_broadcasts.items()) if owner == account]
        return [each for key, each in of if broadcast_ids is None or key in broadcast_ids]

    async def note_kind(self, account: str, broadcast_id: int, kind: BroadcastKind | None) -> None:
        await self._do("note_kind")
        place = (account, broadcast_id)
        if kind is not None or place in self.kept_broadcasts:
            made = Broadcast(account=account, broadcast_id=broadcast_id, opened=self._clock.now())
            self.kept_broadcasts[place] = replace(self.kept_broadcasts.get(place, made), kind=kind)
        await self._answer("note_kind")

    async def save_learnt(self, account: str, record: bytes, now: datetime) -> None:
        await self._do("save_learnt")
        self.learnt_records[account] = record
        await self._answer("save_learnt")

    async def learnt(self, account: str) -> bytes | None:
        await self._do("learnt")
        return self.learnt_records.get(account)

    async def account(self, name: str) -> AccountRecord | None:
        await self._do("account")
        return self.records.get(name)

    async def save_account(self, change: AccountChange) -> Committed | None:
        await self._do("save_account")
        there = self.records.get(change.record.name)
        if change.shared and there is not None and there.number != change.record.number - len(change.events):
            return None
        committed = self._record(change.events)
        self.records[change.record.name] = change.record
        await self._answer("save_account")
        return committed

    async def events(self, query: EventQuery) -> list[Recorded]:
        await self._do("events")
        found = [
            event
            for event in self.log
            if event.position > query.after
            and (not query.types or event.type in query.types)
            and query.account in (None, event.account)
            and (query.accounts is None or event.account in query.accounts)
            and query.batch_id in (None, event.batch_id)
        ][: query.limit]
        await self._answer("events")
        return found

    async def forget(self, cutoffs: Cutoffs, since: Forgotten, most: int) -> Forgotten:
        forgotten = await super().forget(cutoffs, since, most)
        old = [
            place
            for place, each in self.kept_broadcasts.items()
            if not each.followed and each.opened < cutoffs.broadcasts
        ]
        for place in old[:most]:
            del self.kept_broadcasts[place]
        return replace(forgotten, broadcasts=len(old[:most]), ended=forgotten.ended and len(old) < most)

    async def ping(self) -> None:
        await self._do("ping")
