"""What this replica asks those that poll an account, by a word, and the answers that it waits for."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from watcher.ports import Clock, NotAnswered, Store, Word

WITHIN: Final = 2.0
"""Seconds in which a question is answered, or is not."""
AGAIN: Final = 5.0
"""Seconds after which a look is asked for again: whoever polls the account now may not have heard of it, or is gone."""
PATIENCE: Final = 120.0
"""Seconds after which nobody waits for a look any more."""

What = Literal["explanation", "looks", "broadcasts", "overdue", "soonest", "switch", "withdraw"]
"""What may be asked: what of an account only its poller knows, or can do."""


@dataclass(slots=True, kw_only=True)
class _Asked:
    """A question about these accounts, and what was answered so far."""

    accounts: frozenset[str]
    given: dict[str, Any] = field(default_factory=dict)
    over: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True, kw_only=True)
class _Look:
    """A look that another replica was asked for by this word, since when, and when it was asked last."""

    word: Word
    since: float
    said: float
    answered: "asyncio.Future[bool]"


class Questions:
    """Those that are open. `answered` and `looked` hand in the answers that were heard."""

    def __init__(self, *, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._count = 0
        self._asked: dict[str, _Asked] = {}
        self._looks: dict[str, _Look] = {}

    def __len__(self) -> int:
        return len(self._asked) + len(self._looks)

    async def ask(self, what: What, account: str, *, within: float = WITHIN, **more: object) -> Any:
        """What the poller of the account, or of that part of one, answers. NotAnswered where it did not in time; StoreError where
        it cannot be asked."""
        given = await self.ask_all(what, [account], within=within, **more)
        if account not in given:
            raise NotAnswered(f"whoever polls account {account!r} did not answer within {within:g} s")
        return given[account]

    async def ask_all(
        self, what: What, accounts: Sequence[str], *, within: float = WITHIN, **more: object
    ) -> Mapping[str, Any]:
        """What the pollers of these accounts answer, by account: those that did in time."""
        name, asked = self._name(), _Asked(accounts=frozenset(accounts))
        self._asked[name] = asked
        try:
            body = {"question": name, "what": what, "accounts": list(accounts), **more}
            await self._store.say([Word(kind="ask", account=accounts[0] if len(accounts) == 1 else "", body=body)])
            await self._clock.wait(asked.over, within)
        finally:
            del self._asked[name]
        return asked.given

    async def look(self, account: str, batch_id: int, share: str) -> "asyncio.Future[bool]":
        """Has the batch looked at by whoever polls that share of its account; the future tells whether CallFire answered."""
        name = self._name()
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        body = {"question": name, "id": batch_id} | ({} if share == account else {"share": share})
        word, now = Word(kind="refresh", account=account, body=body), self._clock.monotonic()
        self._looks[name] = _Look(word=word, since=now, said=now, answered=future)
        future.add_done_callback(lambda _: self._looks.pop(name, None))
        try:
            await self._store.say([word])
        except BaseException:
            future.cancel()
            raise
        return future

    def answered(self, body: Mapping[str, Any]) -> None:
        """Another replica answered a question, which may be somebody else's."""
        asked = self._asked.get(body["question"])
        if asked is not None:
            asked.given |= {account: given for account, given in body["given"].items() if account in asked.accounts}
            if len(asked.given) == len(asked.accounts):
                asked.over.set()

    def looked(self, body: Mapping[str, Any]) -> None:
        """Another replica looked at a batch that somebody asked for."""
        look = self._looks.get(body["question"])
        if look is not None and not look.answered.done():
            look.answered.set_result(body["answered"])

    async def say_again(self) -> None:
        """Asks again for looks that did not come; those that did not come for long, will not. Raises StoreError."""
        now = self._clock.monotonic()
        waited = [look for look in self._looks.values() if not look.answered.done()]
        for look in waited:
            if now - look.since >= PATIENCE:
                look.answered.set_result(False)
        late = [look for look in waited if not look.answered.done() and now - look.said >= AGAIN]
        for look in late:
            look.said = now
        if late:
            await self._store.say([look.word for look in late])

    def _name(self) -> str:
        """What the next question is called: no other replica has one of that name."""
        self._count += 1
        return f"{self._store.replica} {self._count}"
