"""From a look to its record: what it shows is learnt, committed, and told. For one account."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from watcher.core.answers import Answer
from watcher.core.learnt import LearntHazard, sights_of
from watcher.core.looks import Looks
from watcher.core.model import TRANSITION_TYPES, Key, Look, Recorded, Seen, State, Unanswered, Watch
from watcher.core.news import By, Changed, Following, Looked, Result, Tell, UnknownStatus
from watcher.core.parts import Part
from watcher.core.roster import Roster
from watcher.core.transitions import Learnt, Rules, is_known, learn
from watcher.core.usage import Usage
from watcher.ports import Change, Committed, Store, StoreError

TRIES: Final = 5
"""How often a look is learnt from again when somebody else changed the watch meanwhile."""
RECOUNTED: Final = 12
"""Times that the counts were told, after which the store is asked for what ended in other parts."""
UNCOUNTED: Final = frozenset({State.OPEN, State.STOPPED})
SHOWN: Final[frozenset[Result]] = frozenset({"changed", "unchanged", "missing"})
"""Results of looks that CallFire told something by."""


Moved = Callable[[Watch], None]
"""Is told of an open watch that another part of its account polls from now on."""


class Learner:
    """Takes in looks at one account's open watches, and keeps count of the watches that ended. What looks tell of how long
    validation takes goes into `learnt`; each is remembered in `looks`, and those that told something are counted in `usage`.

    Of a divided account the first part alone counts what ended, of all parts, and is late by RECOUNTED with what ended in others.
    """

    def __init__(
        self,
        account: str,
        *,
        roster: Roster,
        rules: Rules,
        learnt: LearntHazard,
        looks: Looks,
        usage: Usage,
        store: Store,
        tell: Tell,
        part: Part,
        moved: Moved,
    ) -> None:
        self._account = account
        self._part = part
        self._moved = moved
        self._looks = looks
        self._usage = usage
        self._durations = learnt
        self._roster = roster
        self._rules = rules
        self._store = store
        self._tell = tell
        self._learnt_saved = learnt.seen_ends
        self._ended: Counter[str] = Counter()
        self._recount = True
        self._told = 0
        self._learning: set[int] = set()  # batches of which something is being recorded now
        self._learnings = 0  # how often that came to an end
        self._reopened: set[int] = set()  # those of them that were made or opened meanwhile

    async def take_in(self, batch_id: int, look: Look, by: By) -> None:
        """Learns from the look and records what it shows. After a StoreError nothing of it counts as seen."""
        if isinstance(look, Seen) and self._unchanged(look, by):
            return
        # Whatever becomes of it, it was asked now: a look that cannot be recorded must not be repeated at once.
        self._roster.attempt(batch_id, look.asked)
        if isinstance(look, Unanswered) and not (
            look.refused or look.unfit or self._roster.minds(batch_id, look.answered)
        ):
            self.looked_at(batch_id, look, by, "unanswered")
            return
        self._learning.add(batch_id)
        try:
            await self._learn(batch_id, look, by)
        finally:
            self._learning.discard(batch_id)
            self._reopened.discard(batch_id)
            self._learnings += 1

    async def take_in_page(self, looks: Sequence[Seen]) -> None:
        """Learns from the rows of a page. Those that show something new are recorded at the same time, which lets the store
        commit them together. Raises the first StoreError after all of them were tried."""
        changed = [look for look in looks if not self._unchanged(look, "page")]
        failed: list[StoreError] = []

        async def take_in(look: Seen) -> None:
            try:
                await self.take_in(look.batch.id, look, "page")
            except StoreError as error:
                failed.append(error)

        async with asyncio.TaskGroup() as group:
            for look in changed:
                group.create_task(take_in(look), name=f"row {self._account}/{look.batch.id}")
        if failed:
            raise failed[0]

    def _unchanged(self, look: Seen, by: By) -> bool:
        """Takes in a look that shows nothing new; whether it was one."""
        sight = self._roster.note(look)
        if sight is None:
            return False
        self._durations.saw(sight)
        self.looked_at(look.batch.id, look, by, "unchanged")
        return True

    async def _learn(self, batch_id: int, look: Look, by: By) -> None:
        """Learns from a look that shows something new, and records it: compare, swap, and again where somebody was faster."""
        key = Key(self._account, batch_id)
        for _ in range(TRIES):
            self._reopened.discard(batch_id)
            stored = await self._store.watch(key)
            if stored is None or stored.state is not State.OPEN or not self._part.has(stored):
                self._leave(batch_id)
                self.looked_at(batch_id, look, by, "overtaken")
                return
            watch = self._roster.overlay(stored)
            learnt = learn(watch, look, self._rules)
            if learnt.watch == watch:
                self.looked_at(batch_id, look, by, learnt.result)
                return
            moves = learnt.watch.state is State.OPEN and not self._part.has(learnt.watch)
            change = Change(watch=learnt.watch, version=stored.version, events=learnt.events, moves=moves)
            committed = await self._store.commit(change)
            if committed is not None:
                self._learnt(look, by, watch, learnt, committed)
                return
        self.looked_at(batch_id, look, by, "overtaken")

    def _learnt(self, look: Look, by: By, before: Watch, learnt: Learnt, committed: Committed) -> None:
        after = learnt.watch
        if isinstance(look, Seen) and not before.final:
            for sight in sights_of(before, look, ended=after.final):
                self._durations.saw(sight)
        ours = self._part.has(after)
        if after.broadcast_id is not None and ours:
            self._roster.place_of(after.broadcast_id)  # also when it ended: others may be found on the pages of it
        if after.state is not State.OPEN:
            self._leave(after.batch_id)
            self._ended[_label(after.state, after.status)] += 1
        elif not ours:  # its broadcast is known now
            self._roster.drop(after.batch_id)
            self._moved(after)
        elif after.batch_id in self._roster:  # or it was stopped meanwhile
            self._roster.put(after, tried=look.asked)
        self.looked_at(after.batch_id, look, by, learnt.result, committed.events)
        if after.status is not None and after.status != before.status and not is_known(after.status):
            self._tell(UnknownStatus(account=after.account, batch_id=after.batch_id, status=after.status))
        for recorded, deliveries in zip(committed.events, committed.deliveries, strict=True):
            self._tell(_changed(before, after, recorded, deliveries))
        if not committed.events:
            self._tell(Following(account=after.account, batch_id=after.batch_id, what="amended"))

    def _leave(self, batch_id: int) -> None:
        """The watch was seen not to be open; where it was opened again since then, that stands."""
        if batch_id not in self._reopened:
            self._roster.drop(batch_id)

    def reopened(self, batch_id: int) -> None:
        """The watch was made or opened: what is just being learnt of its earlier life must not end it."""
        if batch_id in self._learning:
            self._reopened.add(batch_id)

    def looked_at(
        self, batch_id: int, look: Look | Answer, by: By, result: Result, events: Sequence[Recorded] = ()
    ) -> None:
        """Remembers and tells of one look at a batch, and what was recorded for it."""
        self._looks.note(batch_id, look.asked, look.answered, by, result)
        if result in SHOWN:
            self._usage.looked()
        self._tell(Looked(account=self._account, by=by, result=result, batch_id=batch_id, look=look, events=events))

    def looked(self, by: By, result: Result) -> None:
        """Tells of a page that showed nothing."""
        self._tell(Looked(account=self._account, by=by, result=result))

    async def save_looks(self) -> None:
        """Writes down the last looks that the store does not have yet. Where that fails they are kept for the next time."""
        looks = self._roster.take_unsaved()
        if not looks:
            return
        saved = False
        try:
            await self._store.save_looks(self._account, looks)
            saved = True
        finally:  # also when cancelled: writing them twice does no harm
            if not saved:
                self._roster.give_back_unsaved(looks)

    async def save_learnt(self, now: datetime) -> None:
        """Keeps what was learnt of durations, where another batch has ended since the last time. Of a divided account what its
        first part learns is kept: each has a fair sample of its broadcasts."""
        self._durations.settle(now.timestamp())  # or what was seen last would not be counted yet
        ends = self._durations.seen_ends
        if ends != self._learnt_saved and self._part.first:
            await self._store.save_learnt(self._account, self._durations.to_record(), now)
            self._learnt_saved = ends

    def recount(self) -> None:
        """Somebody else than a look ended or opened a watch: the store is asked for the counts the next time."""
        self._recount = True

    async def by_status(self) -> dict[str, int]:
        """How many watches there are by status; those that ended without one under how they ended."""
        if not self._part.first:
            return self._roster.by_status()
        self._told += 1
        if self._recount or (self._part.of > 1 and self._told % RECOUNTED == 0):
            await self._count()
        return self._roster.by_status() | dict(self._ended)

    async def _count(self) -> None:
        self._recount = False
        learnings = self._learnings
        try:
            tally = await self._store.tally(self._account)
        except StoreError:
            self._recount = True
            raise
        self._ended.clear()
        for (state, status), count in tally.items():
            if state not in UNCOUNTED:
                self._ended[_label(state, status)] += count
        if self._learning or self._learnings != learnings:
            self._recount = True  # whether what was recorded meanwhile is in these counts cannot be told


def _label(state: str, status: str | None) -> str:
    """Under what a watch that ended is counted: its last status, or how else it ended."""
    return status.lower() if state == State.SETTLED and status is not None else state


def _changed(before: Watch, after: Watch, recorded: Recorded, deliveries: int) -> Changed:
    moved = recorded.type in TRANSITION_TYPES
    window = (after.since - before.asked) if moved and after.since and before.asked and before.status else None
    took = (after.since - after.created) if moved and after.final and after.since and after.created else None
    return Changed(
        account=after.account,
        batch_id=after.batch_id,
        type=recorded.type,
        number=recorded.number,
        position=recorded.position,
        status=after.status,
        previous=before.status if moved else after.status,
        at=recorded.at,
        window=None if window is None else window.total_seconds(),
        validation=None if took is None or before.status is None else took.total_seconds(),
        deliveries=deliveries,
        size=len(recorded.body),
    )
