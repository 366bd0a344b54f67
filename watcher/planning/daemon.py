"""The daemon's own way to spend a budget: its very roster, listings, schedule and hazard, as the poller uses them."""

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Final

from watcher.core.hazard import Hazard, Sight, size_bin
from watcher.core.learnt import LearntHazard, sights_of
from watcher.core.listings import Listings
from watcher.core.model import ACTIVE, VALIDATING, Batch, Page, Seen, State, Watch
from watcher.core.ranking import Pace
from watcher.core.roster import Roster
from watcher.core.schedule import AnyChoice, Choice, PageChoice, Schedule
from watcher.core.transitions import Rules, learn
from watcher.planning.play import Ask, Row, Told
from watcher.planning.workload import Validation

EPOCH: Final = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""When a play begins, where nothing else is said; any moment would do."""
ANEW: Final = 2.0
"""Seconds after which the hazard is worked out anew."""


class Daemon:
    """Chooses as the poller does: an unchanged look is noted, any other is learnt from.

    `hazard` fixed stands for one who knows; None learns it, from nothing or on top of `learnt`, which is as of `begins` and
    stays as it is. Without `pages`, listings are not used. `informed` is polling.md's simulation: broadcast and size (the
    latter where `sized`) are known from the first moment, and a new watch needs no look of its own.
    """

    def __init__(
        self,
        pace: Pace,
        *,
        hazard: Hazard | None = None,
        learnt: LearntHazard | None = None,
        begins: datetime = EPOCH,
        pages: bool = True,
        informed: bool = False,
        sized: bool = True,
        bin_of: Callable[[int | None], int] = size_bin,
    ) -> None:
        self._rules = Rules()
        self.roster = Roster(self._rules, bin_of=bin_of)
        listings = Listings(self.roster)
        if not pages:
            listings.all_off = float("inf")
        self.listings = listings
        self.schedule = Schedule(self.roster, pace, listings)
        self.learnt = deepcopy(learnt) if learnt is not None else LearntHazard(now=begins.timestamp())
        self._fixed = hazard is not None
        self.schedule.hazard = hazard if hazard is not None else self.learnt.hazard
        self._begins = begins
        self._informed = informed
        self._sized = sized
        self._anew = 0.0
        self._watches: dict[int, Watch] = {}
        self._chosen: dict[Ask, AnyChoice] = {}

    def register(self, batch: Validation, now: float) -> None:
        informed = self._informed
        watch = Watch(
            account="default",
            batch_id=batch.batch_id,
            opened=self._instant(now),
            created=self._instant(batch.begins) if informed else None,
            size=batch.size if informed and self._sized else None,
            broadcast_id=batch.broadcast_id if informed else None,
        )
        self._watches[batch.batch_id] = watch
        self.roster.put(watch)
        self.schedule.changed()
        if not informed:
            self.schedule.first(batch.batch_id)

    def choose(self, now: float) -> Ask | None:
        at = self._instant(now).timestamp()
        if not self._fixed and now >= self._anew:
            self._anew = now + ANEW
            if self.learnt.settle(at):
                self.schedule.hazard = self.learnt.hazard
        choice = self.schedule.choose(at)
        if choice is None:
            return None
        if isinstance(choice, Choice):
            ask = Ask(batch_id=choice.batch_id)
        else:
            ref = choice.ref
            ask = Ask(broadcast_id=ref.broadcast_id, offset=ref.offset, limit=ref.limit)
        self._chosen[ask] = choice
        return ask

    def heard(self, ask: Ask, told: Told) -> None:
        choice = self._chosen.pop(ask)
        asked, answered = self._instant(told.asked), self._instant(told.answered)
        looks = [Seen(asked=asked, answered=answered, batch=self._batch(row)) for row in told.rows]
        if isinstance(choice, PageChoice):
            page = Page(offset=ask.offset, limit=ask.limit, items=tuple(look.batch for look in looks), total=told.total)
            self.schedule.page_shown(choice, page, asked.timestamp())
        for look in looks:
            if isinstance(choice, Choice) or self.schedule.counts(choice, look.batch.id):
                self._take_in(look)
        self.schedule.land(choice)

    def _take_in(self, look: Seen) -> None:
        batch_id = look.batch.id
        sight = self.roster.note(look)
        if sight is not None:
            self._learn(sight)
            return
        before = self.roster.overlay(self._watches[batch_id])
        watch = learn(before, look, self._rules).watch
        for each in sights_of(before, look, ended=watch.final):
            self._learn(each)
        if watch.broadcast_id is not None:
            self.roster.place_of(watch.broadcast_id)
        if watch.state is State.OPEN:
            self._watches[batch_id] = watch
            self.roster.put(watch, tried=look.asked)
        else:
            self.roster.drop(batch_id)
            del self._watches[batch_id]

    def _learn(self, sight: Sight) -> None:
        if not self._fixed:
            self.learnt.saw(sight)

    def _batch(self, row: Row) -> Batch:
        return Batch(
            id=row.batch_id,
            status=ACTIVE if row.done else VALIDATING,
            broadcast_id=row.broadcast_id,
            created=self._instant(row.begun),
            size=row.size or 0,
        )

    def _instant(self, now: float) -> datetime:
        return self._begins + timedelta(seconds=now)
