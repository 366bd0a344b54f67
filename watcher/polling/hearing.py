"""What other replicas do, as this one hears of it: events of the log, and words.

Both are read by their numbers, so what nobody is notified of is only read later. On a database that one process has alone there
is nobody to hear.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import product
from typing import Any, Final

from watcher.core.model import Recorded
from watcher.core.news import AccountTold, Changed, EndpointTold, Following, News, Tell
from watcher.polling.answering import answered
from watcher.polling.catching_up import catch_up, know, know_broadcast
from watcher.polling.following import Polling
from watcher.polling.poller import Errand, Poller
from watcher.ports import Clock, EventQuery, Heard, Store, StoreError, WatchQuery, Word, WordKind

EVERY: Final = 1.0
"""Seconds after which it is read whether somebody said something, where nobody was notified."""
GATHER: Final = 0.02
"""Seconds between two readings at least: what happens meanwhile is read at once."""
TIDY: Final = 60.0
"""Seconds after which it is looked whether there are old words to delete."""
PORTION: Final = 500
"""Events, words, and watches that are read at once."""
FORGOTTEN: Final = timedelta(minutes=5)
"""Words are kept for longer than that; who did not read any for so long may have missed some."""

Heed = Callable[[], Awaitable[None] | None]
WHAT: Final[Mapping[WordKind, Any]] = {"followed": "created", "stopped": "stopped", "relabelled": "relabelled"}
"""What is told of a watch that another replica had stored otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Up to where all was said: the position of the last event, and the number of the last word."""

    event: int
    word: int


async def ends_of(store: Store) -> Ends:
    """The ends of the log and of the words as they are now. What is loaded after that has it. Raises StoreError."""
    word = await store.last_word()
    return Ends(event=(await store.log_span()).last, word=word)


class Hearing:
    """The worker. `begin` is from before anything was loaded that words may change; `told` hears all news of this process.

    What is heard is told to those alone who `listen`: to whoever waits for it here. In metrics and logs it counts where it
    happened. After a time in which words may have been missed all is heeded that may be, and pollers compare themselves with the
    store.
    """

    name: Final = "hearing"

    def __init__(
        self,
        polling: Polling,
        *,
        store: Store,
        clock: Clock,
        errand: Errand,
        begin: Ends,
    ) -> None:
        self._polling = polling
        self._store = store
        self._clock = clock
        self._errand = errand
        self._listeners: list[Tell] = []
        self._heeds: dict[WordKind, Heed] = {}
        self._position = begin.event
        self._word = begin.word
        self._own: set[int] = set()
        self._looking: set[object] = set()  # questions of others for looks that are under way
        self._read = self._paused = self._tidied = clock.monotonic()
        self._since = clock.now()

    def listen(self, listener: Tell) -> None:
        """Somebody is told what happens elsewhere."""
        self._listeners.append(listener)

    def heed(self, kind: WordKind, heed: Heed) -> None:
        """When words of that kind were heard this is called, once for many."""
        self._heeds[kind] = heed

    def told(self, news: News) -> None:
        """What this process appended to the log need not be read."""
        if isinstance(news, Changed | AccountTold | EndpointTold) and news.position > self._position:
            self._own.add(news.position)

    async def step(self) -> None:
        await self._store.noticed(EVERY)
        await self._clock.sleep(max(self._paused + GATHER - self._clock.monotonic(), 0.0))
        self._paused = self._clock.monotonic()
        with suppress(StoreError):  # which the store tells of; nothing is lost by reading later
            await self.read()
            if self._paused - self._tidied >= TIDY and not await self._store.forget_words():
                self._tidied = self._paused

    async def read(self) -> None:
        """Takes in what is new. Raises StoreError; then it is read the next time."""
        away = max(self._clock.monotonic() - self._read, (self._clock.now() - self._since).total_seconds())
        kinds = await self._read_words()
        if away >= FORGOTTEN.total_seconds():
            kinds = set(self._heeds)
            for share, poller in self._polling.here():
                self._errand(f"catch up {share}", catch_up(poller, self._store))
        for kind, heed in self._heeds.items():
            if kind in kinds and (heeded := heed()) is not None:
                await heeded
        await self._read_events()
        self._read, self._since = self._clock.monotonic(), self._clock.now()
        await self._polling.questions.say_again()

    # Events

    async def _read_events(self) -> None:
        while True:
            while self._position + 1 in self._own:
                self._position += 1
                self._own.discard(self._position)
            found = await self._store.events(EventQuery(after=self._position, limit=PORTION))
            for event in found:
                self._position = event.position
                if event.position in self._own:
                    self._own.discard(event.position)
                else:
                    self._tell(_news_of(event))
            if len(found) < PORTION:
                return

    def _tell(self, news: News) -> None:
        for listener in self._listeners:
            listener(news)

    # Words

    async def _read_words(self) -> set[WordKind]:
        """The kinds of those that were heard."""
        kinds: set[WordKind] = set()
        end = await self._store.last_word()
        while self._word < end:
            heard = await self._store.heard(self._word, PORTION)
            for each in heard:
                kinds.add(each.word.kind)
                self._word = each.number  # what cannot be made sense of is not heard again and again
                try:
                    await self._heard(each)
                except StoreError:
                    self._word = each.number - 1
                    raise
            if len(heard) < PORTION:
                self._word = max(end, self._word)  # the others up to there are our own
        return kinds

    async def _heard(self, heard: Heard) -> None:
        word = heard.word
        match word.kind:
            case "followed" | "stopped" | "relabelled":
                await self._watches(word)
            case "refreshed":
                self._polling.questions.looked(word.body)
            case "answer":
                self._polling.questions.answered(word.body)
            case "ask":
                self._asked(word.body)
            case "submission":
                await self._submission(word)
            case "broadcast" | "resume":
                for poller in self._polling.places.here(word.account):
                    await self._to(poller, word)
            case "refresh":
                asked = self._polling.pollers.get(str(word.body.get("share", word.account)))
                if asked is not None:
                    self._refresh(asked, word)

    async def _to(self, poller: Poller, word: Word) -> None:
        """Something that only the account's pollers heed."""
        if word.kind == "broadcast":
            for broadcast in await self._store.broadcasts(word.account, _ids(word)):
                know_broadcast(poller, broadcast)
        else:
            self._errand(f"resume {word.account}", poller.resume())

    async def _watches(self, word: Word) -> None:
        account, ids = word.account, _ids(word)
        here = self._polling.places.here(account)
        if here:
            for start in range(0, len(ids), PORTION):
                some = ids[start : start + PORTION]
                query = WatchQuery(accounts=[account], among={account: some}, limit=len(some))
                found = {watch.batch_id: watch for watch in await self._store.find(query)}
                for batch_id, poller in product(some, here):
                    if batch_id in found:
                        know(poller, found[batch_id], anew=word.kind == "followed")
                    elif batch_id in poller.roster:  # what nobody follows is not found
                        poller.drop(batch_id)
        for batch_id in ids:
            self._tell(Following(account=account, batch_id=batch_id, what=WHAT[word.kind]))

    async def _submission(self, word: Word) -> None:
        """One was handed in elsewhere, or is settled."""
        submission_id = str(word.body["id"])
        self._polling.settled(submission_id)
        for poller in self._polling.places.here(word.account):
            await poller.submitter.cases.take_up(submission_id)

    def _refresh(self, poller: Poller, word: Word) -> None:
        """Somebody waits elsewhere for a look. Nobody waits here: it may never come."""
        body = word.body
        if body["question"] in self._looking:  # it was asked for again
            return
        self._looking.add(body["question"])
        look = poller.refreshes.ask(int(str(body["id"])))
        say = partial(self._looked, poller, word)
        if look is None:
            self._errand("refreshed", say(seen=False))
        else:
            look.add_done_callback(
                lambda done: self._errand("refreshed", say(seen=not done.cancelled() and done.result()))
            )

    async def _looked(self, poller: Poller, word: Word, *, seen: bool) -> None:
        """What was seen is in the store before it is told."""
        self._looking.discard(word.body["question"])
        await poller.learner.save_looks()
        body = {"question": word.body["question"], "answered": seen}
        await self._store.say([Word(kind="refreshed", account=word.account, body=body)])

    def _asked(self, question: Mapping[str, Any]) -> None:
        pollers = {name: self._polling.pollers[name] for name in question["accounts"] if name in self._polling.pollers}
        if pollers:
            self._errand(f"answer {question['what']}", self._answer(pollers, question))

    async def _answer(self, pollers: Mapping[str, Poller], question: Mapping[str, Any]) -> None:
        given = {name: await answered(poller, question) for name, poller in pollers.items()}
        await self._store.say([Word(kind="answer", body={"question": question["question"], "given": given})])


def _ids(word: Word) -> list[int]:
    ids: Any = word.body["ids"]
    return list(ids)


def _news_of(event: Recorded) -> News:
    """What whoever waits for events is told of one: that it is there, where, and that somebody may be owed it."""
    if event.endpoint is not None:
        return EndpointTold(endpoint=event.endpoint, type=event.type, position=event.position, deliveries=1)
    if event.batch_id is None:
        return AccountTold(account=event.account, type=event.type, position=event.position, deliveries=1)
    return Changed(
        account=event.account,
        batch_id=event.batch_id,
        type=event.type,
        number=event.number,
        position=event.position,
        status=None,
        previous=None,
        at=event.at,
        deliveries=1,
        size=len(event.body),
    )
