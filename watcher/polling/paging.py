"""Pages of broadcasts: what a listing shows is learnt row by row, what it does not is left to single looks; and following whole
broadcasts. For one account."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from watcher.core.answers import OF_THE_LISTING, Kind, PageAnswer
from watcher.core.broadcasts import Broadcast, BroadcastView
from watcher.core.model import Key, Page, Seen, Watch
from watcher.core.news import Following, Tell
from watcher.core.roster import Roster
from watcher.core.schedule import PageChoice, Schedule
from watcher.polling.learning import Learner
from watcher.ports import Clock, Store, StoreError, Wish


class Paging:
    """Takes in pages, and keeps what is known of the account's broadcasts. `load` first."""

    def __init__(
        self,
        account: str,
        *,
        roster: Roster,
        schedule: Schedule,
        learner: Learner,
        store: Store,
        clock: Clock,
        tell: Tell,
    ) -> None:
        self._account = account
        self._roster = roster
        self._schedule = schedule
        self._learner = learner
        self._store = store
        self._clock = clock
        self._tell = tell
        self._broadcasts: dict[int, Broadcast] = {}

    async def load(self) -> None:
        """Takes in what is kept of broadcasts: those that are followed are listed from end to end."""
        for broadcast in await self._store.broadcasts(self._account):
            self.follow(broadcast)

    def follow(self, broadcast: Broadcast) -> None:
        """Takes in a broadcast as it is kept now: followed as a whole, or only known. One that is followed already is not gone
        through again, unless it turns out to be of another kind."""
        listings = self._schedule.listings
        listing = listings.of(broadcast.broadcast_id)
        self._broadcasts[broadcast.broadcast_id] = broadcast
        if not broadcast.followed:
            listing.kind = broadcast.kind
        elif listing.followed is None or broadcast.kind not in (None, listing.kind):
            now = self._clock.now().timestamp()
            listings.follow(broadcast.broadcast_id, broadcast.kind, tuple(listing.known), now)
        self._schedule.changed()

    def stop(self, broadcast_id: int) -> None:
        """No more batches of it are looked for."""
        known = self._broadcasts.get(broadcast_id)
        if known is not None and known.followed:
            self._broadcasts[broadcast_id] = replace(known, followed=False)
            self._schedule.listings.unfollow(broadcast_id)
            self._schedule.changed()

    def view(self, broadcast_id: int) -> BroadcastView | None:
        """How a broadcast stands; None where nothing is known of it."""
        broadcast = self._broadcasts.get(broadcast_id)
        if broadcast is None:
            return None
        listing = self._schedule.listings.of(broadcast_id)
        return BroadcastView(
            broadcast=replace(broadcast, kind=listing.kind),
            batches=self._roster.count_of(broadcast_id),
            listed=None if listing.swept is None else datetime.fromtimestamp(listing.swept, UTC),
            note=listing.note,
        )

    async def take_in(self, choice: PageChoice, answer: PageAnswer) -> bool:
        """What came of asking for a page; whether it can count as asked. Raises StoreError where something that it shows could
        not be recorded: that counts as not seen."""
        listings, asked = self._schedule.listings, answer.asked.timestamp()
        if answer.page is not None:
            await self._shown(choice, answer, answer.page)
        elif answer.retry_after is not None or answer.kind in (Kind.THROTTLED, Kind.UNAUTHORIZED):
            self._learner.looked("page", "untouched")
            return False
        elif answer.kind in OF_THE_LISTING:
            listings.denied(choice.page, choice.ref, _reason(answer), asked)
            self._learner.looked("page", "unanswered")
        else:
            listings.failed(choice.page, _reason(answer), asked)
            for (
                batch_id
            ) in choice.members:  # as when a batch alone is not answered about: not all of them at once again
                self._roster.attempt(batch_id, answer.asked)
            self._learner.looked("page", "unanswered")
        return True

    async def _shown(self, choice: PageChoice, answer: PageAnswer, page: Page) -> None:
        listing = self._schedule.listings.of_page(choice.page)
        kind = listing.kind
        shown = self._schedule.page_shown(choice, page, answer.asked.timestamp())
        try:
            if shown.new:
                await self._found(listing.broadcast_id, shown.new)
        finally:
            looks = [
                Seen(asked=answer.asked, answered=answer.answered, batch=batch)
                for batch in page.items
                if self._schedule.counts(choice, batch.id)
            ]
            await self._learner.take_in_page(looks)
        if kind is None and listing.kind is not None:
            await self._note_kind(listing.broadcast_id)

    async def _found(self, broadcast_id: int, batch_ids: Sequence[int]) -> None:
        """Follows batches that a followed broadcast showed. Those that ever were stay as they are, settled or stopped."""
        broadcast = self._broadcasts[broadcast_id]
        wishes = [
            Wish(
                key=Key(self._account, batch_id),
                labels=broadcast.labels,
                correlation_id=broadcast.correlation_id,
                broadcast_id=broadcast_id,
                only_new=True,
            )
            for batch_id in batch_ids
        ]
        followed = await self._store.follow(wishes, self._clock.now())
        self._schedule.listings.knows(broadcast_id, batch_ids)
        for each in followed:
            if each.what == "created":
                self._admit(each.watch)
        if any(each.what == "created" for each in followed):
            self._learner.recount()

    def _admit(self, watch: Watch) -> None:
        self._roster.put(watch)
        self._tell(Following(account=self._account, batch_id=watch.batch_id, what="created"))

    async def _note_kind(self, broadcast_id: int) -> None:
        listing = self._schedule.listings.of(broadcast_id)
        now = self._clock.now()
        known = self._broadcasts.get(broadcast_id)
        self._broadcasts[broadcast_id] = (
            Broadcast(account=self._account, broadcast_id=broadcast_id, kind=listing.kind, opened=now)
            if known is None
            else replace(known, kind=listing.kind)
        )
        try:
            await self._store.note_kind(self._account, broadcast_id, listing.kind)
        except StoreError:
            return  # then it is found out again after the next start


def _reason(answer: PageAnswer) -> str:
    return f"CallFire answered {answer.outcome}" + (f": {answer.detail}" if answer.detail else "")
