"""Stand-ins for stores of several replicas on one database, in memory: what one stores the others have, and words are heard."""

from collections.abc import Mapping, Sequence
from copy import copy
from datetime import datetime
from typing import Any, Self, TypeVar

from tests.fake_store import FakeStore
from tests.fakes import FakeClock
from watcher.core.model import Key, Watch
from watcher.core.submissions import Submission
from watcher.core.wishes import UNSET, BroadcastWish, FollowedBroadcast, Unset
from watcher.ports import Change, Committed, Followed, Heard, Wish, Word
from watcher.store.postgres_saying import moved, words_of

T = TypeVar("T")


class TalkingStore(FakeStore):
    """A fake store that says what one on PostgreSQL says; `beside` gives that of another replica."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.replica = "one"
        self.said: list[tuple[str, Word]] = []
        self.is_held = False
        self.quick = False
        self.tidied = 0

    def beside(self, replica: str) -> Self:
        """The same database, as another replica has it."""
        other = copy(self)
        other.replica = replica
        return other

    def held(self, lease: Any) -> Self:
        view = copy(self)
        view.is_held = True
        return view

    def words(self, *kinds: str) -> list[Word]:
        """What was said, of these kinds where some are named."""
        return [word for _, word in self.said if not kinds or word.kind in kinds]

    async def say(self, words: Sequence[Word]) -> None:
        await self._do("say")
        self.said += [(self.replica, word) for word in words]

    async def last_word(self) -> int:
        await self._do("last_word")
        return len(self.said)

    async def heard(self, after: int, limit: int) -> list[Heard]:
        others = [
            Heard(number=number, replica=replica, word=word)
            for number, (replica, word) in enumerate(self.said, start=1)
            if number > after and replica != self.replica
        ]
        return others[:limit]

    async def forget_words(self) -> int:
        self.tidied += 1
        return self.tidied % 2  # there was one

    async def noticed(self, seconds: float) -> None:
        self._clock.turn(seconds=0.0 if self.quick else seconds)

    async def follow(self, wishes: Sequence[Wish], now: datetime) -> list[Followed]:
        return self._said("follow", (wishes, now), await super().follow(wishes, now))

    async def commit(self, change: Change) -> Committed | None:
        committed = await super().commit(change)
        if committed is not None and change.moves:
            self.said.append((self.replica, moved(change.watch.account, change.watch.batch_id)))
        return committed

    async def stop(self, key: Key) -> bool:
        return self._said("stop", (key,), await super().stop(key))

    async def relabel(
        self, key: Key, labels: Mapping[str, str | None] | None, correlation_id: str | Unset | None = UNSET
    ) -> Watch | None:
        return self._said("relabel", (key,), await super().relabel(key, labels, correlation_id))

    async def follow_broadcast(self, wish: BroadcastWish, now: datetime) -> FollowedBroadcast:
        return self._said("follow_broadcast", (wish,), await super().follow_broadcast(wish, now))

    async def stop_broadcast(self, account: str, broadcast_id: int) -> bool:
        return self._said(
            "stop_broadcast", (account, broadcast_id), await super().stop_broadcast(account, broadcast_id)
        )

    async def intend(self, submission: Submission) -> Submission:
        return self._said("intend", (submission,), await super().intend(submission))

    async def change_submission(self, submission: Submission) -> Submission | None:
        return self._said("change_submission", (submission,), await super().change_submission(submission))

    async def accept_submission(self, submission: Submission, now: datetime) -> tuple[Submission, Followed] | None:
        outcome = await super().accept_submission(submission, now)
        self._said("accept_submission", (submission,), outcome)
        return outcome

    def _said(self, operation: str, args: Sequence[Any], result: T) -> T:
        self.said += [(self.replica, word) for word in words_of(operation, args, result, held=self.is_held)]
        return result
