"""From a look to its record: what it shows is learnt, committed, and told. For one account."""

from collections import Counter
from typing import Final

from watcher.core.model import Key, Look, Recorded, Seen, State, Unanswered, Watch
from watcher.core.news import By, Changed, Looked, Result, Tell, UnknownStatus
from watcher.core.roster import Roster
from watcher.core.schedule import Choice
from watcher.core.transitions import Learnt, Rules, is_known, learn
from watcher.ports import Change, Committed, Store, StoreError

TRIES: Final = 5
"""How often a look is learnt from again when somebody else changed the watch meanwhile."""


class Learner:
    """Takes in looks at one account's open watches, and keeps count of the watches that ended."""

    def __init__(self, account: str, *, roster: Roster, rules: Rules, store: Store, tell: Tell) -> None:
        self._account = account
        self._roster = roster
        self._rules = rules
        self._store = store
        self._tell = tell
        self._ended: Counter[str] = Counter()
        self._recount = True

    async def take_in(self, choice: Choice, look: Look) -> None:
        """Learns from the look and records what it shows. After a StoreError nothing of it counts as seen."""
        if isinstance(look, Seen) and self._roster.note(look):
            self.looked(choice.by, "unchanged")
            return
        # Whatever becomes of it, it was asked now: a look that cannot be recorded must not be repeated at once.
        self._roster.attempt(choice.batch_id, look.asked)
        if isinstance(look, Unanswered) and not (look.refused or look.unfit):
            self.looked(choice.by, "unanswered")
            return
        await self._learn(choice, look)

    async def _learn(self, choice: Choice, look: Look) -> None:
        """Learns from a look that shows something new, and records it: compare, swap, and again where somebody was faster."""
        key = Key(self._account, choice.batch_id)
        for _ in range(TRIES):
            stored = await self._store.watch(key)
            if stored is None or stored.state is not State.OPEN:
                self._roster.drop(choice.batch_id)
                self.looked(choice.by, "overtaken")
                return
            watch = self._roster.overlay(stored)
            learnt = learn(watch, look, self._rules)
            if learnt.watch == watch:
                self.looked(choice.by, learnt.result)
                return
            change = Change(watch=learnt.watch, version=stored.version, events=learnt.events)
            committed = await self._store.commit(change)
            if committed is not None:
                self._learnt(choice, look, watch, learnt, committed)
                return
        self.looked(choice.by, "overtaken")

    def _learnt(self, choice: Choice, look: Look, before: Watch, learnt: Learnt, committed: Committed) -> None:
        after = learnt.watch
        if after.state is State.OPEN:
            self._roster.put(after, tried=look.asked)
        else:
            self._roster.drop(after.batch_id)
            self._ended[_label(after.state, after.status)] += 1
        self.looked(choice.by, learnt.result)
        if after.status is not None and after.status != before.status and not is_known(after.status):
            self._tell(UnknownStatus(account=after.account, batch_id=after.batch_id, status=after.status))
        for recorded, deliveries in zip(committed.events, committed.deliveries, strict=True):
            self._tell(_changed(before, after, learnt, recorded, deliveries))

    def looked(self, by: By, result: Result) -> None:
        """Tells of one look."""
        self._tell(Looked(account=self._account, by=by, result=result))

    async def save_looks(self) -> None:
        """Writes down the last looks that the store does not have yet. Where that fails they are kept for the next time."""
        looks = self._roster.take_unsaved()
        if not looks:
            return
        try:
            await self._store.save_looks(self._account, looks)
        except StoreError:
            self._roster.give_back_unsaved(looks)
            raise

    def recount(self) -> None:
        """Somebody else than a look ended or opened a watch: the store is asked for the counts the next time."""
        self._recount = True

    async def by_status(self) -> dict[str, int]:
        """How many watches there are by status; those that ended without one under how they ended."""
        if self._recount:
            self._recount = False
            tally = await self._store.tally(self._account)
            self._ended.clear()
            for (state, status), count in tally.items():
                if state not in _UNCOUNTED:
                    self._ended[_label(state, status)] += count
        return self._roster.by_status() | dict(self._ended)


_UNCOUNTED: Final = frozenset({State.OPEN, State.STOPPED})


def _label(state: str, status: str | None) -> str:
    """Under what a watch that ended is counted: its last status, or how else it ended."""
    return status.lower() if state == State.SETTLED and status is not None else state


def _changed(before: Watch, after: Watch, learnt: Learnt, recorded: Recorded, deliveries: int) -> Changed:
    moved = learnt.result == "changed" and recorded.number == learnt.events[-1].number
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
    )
