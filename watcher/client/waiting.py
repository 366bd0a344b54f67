"""Waiting until batches have come to a status: told by the stream of events, and asked for in rounds where that does not flow."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol, TypeVar

from watcher.client.errors import NotThere, TryLater, Unreachable, WatcherError, as_if_alone
from watcher.client.patience import Patience
from watcher.client.watches import Account, Event, Key, Outcome, Row, Watch

AT_ONCE: Final = 50
"""Batches that one round asks about."""
REFUSED_ROUNDS: Final = 3
"""Rounds for which an account may stand as refused: longer than a watcher with a new password takes to find out."""
FINAL: Final = ("ACTIVE", "ERRORS", "SOURCE_ERROR")
ORDER: Final = ("NEW", "VALIDATING")
"""What a batch has passed that is in a status of the end."""

Told = Callable[[Event], None]
Answered = TypeVar("Answered")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How each batch ended: its status, or `gone` (it is not known, or not followed any more), `refused` (its account is; why is
    in `refusals`), or `timeout`. Those in `reached` came to the status that was waited for, or had passed it."""

    how: Mapping[Key, str]
    reached: frozenset[Key] = frozenset()
    refusals: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds before the first round of questions, from which the pause doubles; between two rounds; and between two while the
    stream flows, which says nothing of a batch that somebody follows no more. So long is waited for an answer, too, where no
    stream flows."""

    first: float = 0.1
    poll: float = 1.0
    calm: float = 15.0


class Asked(Protocol):
    """What is asked: a watcher, as a client knows it."""

    async def watch(
        self, batch_id: int, *, account: str | None = None, wait: float | None = None, etag: str | None = None
    ) -> Watch: ...

    def follow_many(self, rows: Sequence[Row]) -> AsyncIterator[Sequence[Outcome]]: ...

    def events(
        self, *, after: int = 0, account: str | None = None, batch_id: int | None = None
    ) -> AsyncIterator[Event]: ...

    def flow(self, account: str | None) -> AsyncGenerator[Event | None, None]:
        """Events from now on, first None as soon as they flow; ends where they do not any more."""
        ...

    async def all_accounts(self) -> Sequence[Account]: ...


class Vigil:
    """What is known of the batches that are waited for."""

    def __init__(self, asked: Asked, keys: Sequence[Key], *, until: Collection[str], told: Told) -> None:
        self._asked = asked
        self._keys = list(dict.fromkeys(keys))
        self._until = frozenset(until)
        self._tell = told
        self._told: dict[Key, int] = {}
        self._positions = dict.fromkeys(self._keys, 0)
        self._etags: dict[Key, str | None] = {}
        self._ended: dict[Key, str] = {}
        self._reached: set[Key] = set()
        self._turn = 0
        self._refused_rounds = 0
        self.refusals: dict[str, str] = {}
        self.behind = len(self._keys)

    async def begin(self) -> None:
        """Follows what is not followed, and tells where each batch stands."""
        unknown = []
        for key in self._keys:
            if key in self._told:
                continue  # of a beginning that broke
            try:
                watch = await self._asked.watch(key.batch_id, account=key.account)
            except NotThere as error:
                if error.kind != "not-followed":
                    raise
                unknown.append(key)
                continue
            if watch.state in ("missing", "expired"):
                unknown.append(key)  # somebody hopes that it is there now
            else:
                self._told[key] = max((t.number for t in watch.transitions), default=1) - 1
                await self._learn(key, watch)
        rows = [Row(account=key.account, batch_id=key.batch_id) for key in unknown]
        async for _ in self._asked.follow_many(rows):
            pass
        self._told |= dict.fromkeys(unknown, 0)

    async def round(self, hold: float | None = None) -> None:
        """Asks about some of the batches that have not ended, each in its turn, and whether the account is refused. Where one
        alone is left, what is asked about that is answered as soon as it changes, or after `hold` seconds."""
        waiting = [key for key in self._keys if key not in self._ended]
        if not waiting:
            return
        first = self._turn % len(waiting)
        turn = (waiting[first:] + waiting[:first])[:AT_ONCE]
        self._turn = first + len(turn)
        for key in turn:
            try:
                await self._learn(key, await self._watch(key, hold if len(waiting) == 1 else None))
            except NotThere:
                self._ended[key] = "gone"
        self.behind = max(0, self.behind - len(turn))
        await self._heed_accounts()

    async def hear(self, event: Event) -> None:
        """An event of the stream: most tell all that is to be known."""
        key = event.key
        if event.type == "account.refused":
            self.missed()  # whether that is for good the next rounds tell
        if key is None or key not in self._told:
            return
        number = event.data["number"]
        if number > self._told[key] + 1:
            self.missed()
        elif number == self._told[key] + 1:
            self._told[key] = number
            self._tell(event)
            self._judge(key, _state(event.type), event.data.get("status"), bool(event.data.get("final")))

    def missed(self) -> None:
        """Something may have happened that nobody told: the next rounds ask about all."""
        self.behind = len(self._keys)

    @property
    def account(self) -> str | None:
        """The account that they are all of, where there is one."""
        names = {key.account for key in self._keys}
        return names.pop() if len(names) == 1 else None

    def over(self, *, any_: bool) -> bool:
        return len(self._ended) >= min(len(self._keys), 1 if any_ else len(self._keys))

    @property
    def wary(self) -> bool:
        """Whether something is to be looked into soon."""
        return bool(self.behind or self._refused_rounds)

    def ended(self) -> Ended:
        return Ended(
            how={key: self._ended.get(key, "timeout") for key in self._keys},
            reached=frozenset(self._reached),
            refusals=self.refusals,
        )

    async def _watch(self, key: Key, hold: float | None) -> Watch:
        """The watch; where it cannot be waited for (too many do, or what is between cuts long answers off), as it is now."""
        if hold:
            with suppress(TryLater, Unreachable):
                return await self._asked.watch(key.batch_id, account=key.account, wait=hold, etag=self._etags.get(key))
        return await self._asked.watch(key.batch_id, account=key.account)

    async def _learn(self, key: Key, watch: Watch) -> None:
        self._etags[key] = watch.etag
        newest = max((transition.number for transition in watch.transitions), default=0)
        if self._told[key] < newest:
            after = self._positions[key]
            async for event in self._asked.events(after=after, account=key.account, batch_id=key.batch_id):
                self._positions[key] = event.position
                if event.data["number"] > self._told[key]:
                    self._told[key] = event.data["number"]
                    self._tell(event)
        self._judge(key, watch.state, watch.status, watch.final)

    def _judge(self, key: Key, state: str, status: str | None, final: bool) -> None:
        if key in self._ended:
            return
        passed = {status, *(ORDER if final else ORDER[: ORDER.index(status)] if status in ORDER else ())}
        reached = status is not None and not self._until.isdisjoint(passed)
        if status is not None and (reached or final):
            self._ended[key] = status
            self._reached |= {key} if reached else set()
        elif state not in ("open", "settled"):
            self._ended[key] = "gone"

    async def _heed_accounts(self) -> None:
        accounts = {account.name: account for account in await self._asked.all_accounts()}
        refused = [
            key
            for key in self._keys
            if key.account in accounts and accounts[key.account].condition == "refused" and key not in self._ended
        ]
        self._refused_rounds = self._refused_rounds + 1 if refused else 0
        if self._refused_rounds >= REFUSED_ROUNDS:
            self._ended |= dict.fromkeys(refused, "refused")
            self.refusals |= {key.account: accounts[key.account].reason for key in refused}


class Ears:
    """Listens to the stream, and opens it again where it ends. `flows` while it tells everything."""

    def __init__(self, asked: Asked, account: str | None, again: Callable[[int], Awaitable[object]]) -> None:
        self._asked = asked
        self._account = account
        self._again = again
        self._heard: list[Event | None] = []
        self._turned = asyncio.Event()
        self.flows = False

    async def listen(self) -> None:
        """For ever."""
        dry = 0
        while True:
            dry += 1
            with suppress(WatcherError):  # the rounds meet it too, and bear it or not
                async with aclosing(self._asked.flow(self._account)) as flow:
                    async for event in flow:
                        self.flows, dry = True, 0
                        self._heard.append(event)
                        self._turned.set()
            self.flows = False
            await self._again(dry)

    async def heard(self, within: float) -> list[Event | None]:
        """What came, as soon as something did; nothing after so many seconds. None: from here on it tells everything."""
        try:
            async with asyncio.timeout(max(within, 0)):
                await self._turned.wait()
        except TimeoutError:
            pass
        self._turned.clear()
        heard, self._heard = self._heard, []
        return heard


async def wait(
    asked: Asked,
    vigil: Vigil,
    *,
    any_: bool = False,
    timeout: float | None = None,
    patience: Patience,
    pace: Pace = Pace(),
) -> Ended:
    """Until all (or any) have ended, or so many seconds are over. Raises what questions raise, once patience is at its end."""
    with as_if_alone():
        try:
            async with asyncio.timeout(timeout), asyncio.TaskGroup() as group:
                await borne(vigil.begin, patience)
                if not vigil.over(any_=any_):
                    ears = Ears(asked, vigil.account, patience.again)
                    listening = group.create_task(ears.listen(), name="stream of events")
                    await _attend(vigil, ears, any_, patience, pace)
                    listening.cancel()
        except TimeoutError:
            pass
    return vigil.ended()


async def _attend(vigil: Vigil, ears: Ears, any_: bool, patience: Patience, pace: Pace) -> None:
    """Hears what the stream tells, and makes a round where one is due."""
    now = asyncio.get_running_loop().time
    pause = pace.first
    due = now() + pause
    while not vigil.over(any_=any_):
        for event in await ears.heard(due - now()):
            if event is None:
                vigil.missed()
            else:
                await vigil.hear(event)
        if vigil.wary:
            due = min(due, now() + pause)
        if now() >= due and not vigil.over(any_=any_):
            await borne(partial(vigil.round, None if ears.flows or vigil.wary else pace.calm), patience)
            pause = min(pause * 2, pace.poll)
            due = now() + (pace.calm if ears.flows and not vigil.wary else pause)


async def borne(question: Callable[[], Awaitable[Answered]], patience: Patience) -> Answered:
    """Asked again and again until it is answered."""
    while True:
        try:
            answer = await question()
        except WatcherError as error:
            await patience.bear(error)
        else:
            patience.answered()
            return answer


def _state(event_type: str) -> str:
    """What the watch is after such an event."""
    return {"batch.missing": "missing", "watch.expired": "expired"}.get(event_type, "open")
