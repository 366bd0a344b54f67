"""Pages of broadcasts: what a listing shows is learnt row by row, what it does not is left to single looks; and following whole
broadcasts. For one account."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from watcher.core.answers import OF_THE_LISTING, Kind, PageAnswer, told_by
from watcher.core.broadcasts import Broadcast, BroadcastView
from watcher.core.listing import NEITHER
from watcher.core.model import BroadcastKind, Key, Page, Seen, State
from watcher.core.news import Following, Tell
from watcher.core.parts import Part
from watcher.core.roster import Roster
from watcher.core.schedule import PageChoice, Schedule
from watcher.polling.learning import Learner
from watcher.ports import Clock, Store, StoreError, Wish

THROTTLED_MOST: Final = 3
"""So many pages in a row that were throttled while single looks in between were answered, and no page is asked for during a
while: CallFire counts listings apart, and each more of them would have the account's rate halved."""
THROTTLED_FIRST: Final = 60.0
THROTTLED_REST: Final = 3600.0
"""Seconds of that while: the first time, and at most, twice as long each time."""


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
        part: Part,
    ) -> None:
        self._account = account
        self._part = part
        self._roster = roster
        self._schedule = schedule
        self._learner = learner
        self._store = store
        self._clock = clock
        self._tell = tell
        self._followed: dict[int, Broadcast] = {}  # with the kind that was said: what was found out is in the listings
        self._named: dict[int, BroadcastKind] = {}  # what somebody last said of followed ones
        self._answered = False  # whether a single look was, since a page was asked for
        self._throttled = 0  # pages in a row, each with such a look in between

    async def load(self) -> None:
        """Takes in what is kept of broadcasts: those that are followed are listed from end to end."""
        for broadcast in await self._store.broadcasts(self._account):
            if self._part.lists(broadcast.broadcast_id):
                self.follow(broadcast)

    def follow(self, broadcast: Broadcast) -> None:
        """Takes in a broadcast as it is kept now: followed as a whole, or only known. One that is followed already is not gone
        through again, unless it is said to be of another kind: that is tried once, and what CallFire then shows counts more,
        however often it is said again."""
        listings, broadcast_id, kind = self._schedule.listings, broadcast.broadcast_id, broadcast.kind
        listing = listings.of(broadcast_id)
        if not broadcast.followed:
            listing.kind = kind
        else:
            self._followed[broadcast_id] = broadcast
            if listing.followed is None or kind not in (None, listing.kind, self._named.get(broadcast_id)):
                if kind not in (None, listing.kind):
                    listing.proven, listing.denied = False, NEITHER
                listings.follow(broadcast_id, kind, tuple(listing.known), self._clock.now().timestamp())
                if kind is not None:
                    self._named[broadcast_id] = kind
        self._schedule.changed()

    def stop(self, broadcast_id: int) -> None:
        """No more batches of it are looked for."""
        if self._followed.pop(broadcast_id, None) is not None:
            self._named.pop(broadcast_id, None)
            self._schedule.listings.unfollow(broadcast_id)
            self._schedule.changed()

    async def views(self, broadcast_ids: Sequence[int]) -> dict[int, BroadcastView]:
        """How those of these stand of which something is known, followed or not. Raises StoreError."""
        known = {each: self._followed[each] for each in broadcast_ids if each in self._followed}
        others = [each for each in broadcast_ids if each not in known]
        if others:
            kept = await self._store.broadcasts(self._account, others)
            known = {each.broadcast_id: each for each in kept} | known
        return {each: self._view(known[each]) for each in broadcast_ids if each in known}

    def _view(self, broadcast: Broadcast) -> BroadcastView:
        listing = self._schedule.listings.of(broadcast.broadcast_id)
        kind = listing.kind if listing.followed is not None else listing.kind or broadcast.kind
        return BroadcastView(
            broadcast=replace(broadcast, kind=kind),
            batches=self._roster.count_of(broadcast.broadcast_id),
            listed=None if listing.swept is None else datetime.fromtimestamp(listing.swept, UTC),
            note=listing.note,
        )

    def answered(self) -> None:
        """A single look was answered."""
        self._answered = True

    async def take_in(self, choice: PageChoice, answer: PageAnswer) -> bool:
        """What came of asking for a page; whether it can count as asked. Raises StoreError where something that it shows could
        not be recorded: that counts as not seen."""
        listings, asked = self._schedule.listings, answer.asked.timestamp()
        if answer.page is not None:
            self._throttled = 0
            await self._shown(choice, answer, answer.page)
        elif answer.retry_after is not None or answer.kind in (Kind.THROTTLED, Kind.UNAUTHORIZED, Kind.UNASKED):
            if answer.kind is Kind.THROTTLED:
                self._rest_of_pages(answer)
            self._learner.looked("page", "untouched")
            return False
        elif answer.kind in OF_THE_LISTING and not (answer.kind is Kind.GARBAGE and self._is_there(choice)):
            listings.denied(choice.page, choice.ref, told_by(answer), asked)
            self._learner.looked("page", "unanswered")
        else:
            listings.failed(choice.page, told_by(answer), asked)
            # As when a batch alone is not answered about: not all of them at once again.
            for batch_id in choice.members:
                self._roster.attempt(batch_id, answer.asked)
            self._learner.looked("page", "unanswered")
        return True

    def _is_there(self, choice: PageChoice) -> bool:
        """Whether the listing is known to be there: what makes no sense once may do so the next time."""
        return self._schedule.listings.of_page(choice.page).proven

    def _rest_of_pages(self, answer: PageAnswer) -> None:
        """A page was throttled: where that befalls pages alone, again and again, none is asked for during a while."""
        self._throttled += self._answered
        self._answered = False
        if self._throttled >= THROTTLED_MOST:
            rest = THROTTLED_FIRST * 2.0 ** min(self._throttled - THROTTLED_MOST, 10)
            listings = self._schedule.listings
            listings.all_off = max(listings.all_off, answer.answered.timestamp() + min(rest, THROTTLED_REST))

    async def _shown(self, choice: PageChoice, answer: PageAnswer, page: Page) -> None:
        listing = self._schedule.listings.of_page(choice.page)
        kind = listing.kind
        shown = self._schedule.page_shown(choice, page, answer.asked.timestamp())
        failed: StoreError | None = None
        try:
            if shown.new:
                await self._found(listing.broadcast_id, shown.new)
        except StoreError as error:
            failed = error  # what it shows of the others is no less true
        looks = [
            Seen(asked=answer.asked, answered=answer.answered, batch=batch)
            for batch in page.items
            if self._schedule.counts(choice, batch.id)
        ]
        await self._learner.take_in_page(looks)
        if kind is None and listing.kind is not None:
            await self._note_kind(listing.broadcast_id)
        if failed is not None:
            raise failed

    async def _found(self, broadcast_id: int, batch_ids: Sequence[int]) -> None:
        """Follows batches that a followed broadcast showed. Those that ever were stay as they are, settled or stopped."""
        broadcast = self._followed[broadcast_id]
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
            watch = each.watch
            if watch.state is State.OPEN and watch.batch_id not in self._roster and self._part.has(watch):
                self._roster.put(watch)
            if each.what == "created":
                self._tell(Following(account=self._account, batch_id=each.watch.batch_id, what="created"))
        if any(each.what == "created" for each in followed):
            self._learner.recount()

    async def _note_kind(self, broadcast_id: int) -> None:
        kind = self._schedule.listings.of(broadcast_id).kind
        try:
            await self._store.note_kind(self._account, broadcast_id, kind)
        except StoreError:
            return  # then it is found out again after the next start
