"""What the processes that have one database tell each other, beside the events: that something is to be read again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

WordKind = Literal[
    "followed",
    "stopped",
    "relabelled",
    "broadcast",
    "refresh",
    "refreshed",
    "resume",
    "submission",
    "endpoint",
    "token",
    "freed",
    "ask",
    "answer",
]
"""What is to be known, and what its `body` says of it:

- followed, stopped, relabelled: watches of the account are stored otherwise (`ids` of batches); broadcast: so are some followed
  as a whole (`ids` of broadcasts); submission: so is one (`id`). Whoever polls the account reads them.
- resume: the account is to be asked again. refresh: a batch is to be looked at (`id`; in that `share`, where it is a part), for a
  `question`; refreshed: it was, and whether CallFire `answered`.
- ask: `what` of these `accounts`, or parts of some, only their pollers know, for a `question`, with what else they need; answer:
  what is `given`, by their names.
- endpoint (`id`), token: read again how they are. freed: shares are nobody's now.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One thing to be known; `body` is JSON."""

    kind: WordKind
    account: str = ""
    body: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A word of another replica, and its number among all words."""

    number: int
    replica: str
    word: Word


class Words(Protocol):
    """The words. As with all of the store, a method does all it says, durably, or raises StoreError."""

    async def say(self, words: Sequence[Word]) -> None:
        """The other replicas hear these, in their order."""
        ...

    async def last_word(self) -> int:
        """The number of the last word that was said."""
        ...

    async def heard(self, after: int, limit: int) -> list[Heard]:
        """The next words of other replicas, in the order in which they become visible. They are kept for some minutes."""
        ...

    async def forget_words(self) -> int:
        """Deletes words that are older than ten minutes, some at once; how many these were."""
        ...

    async def noticed(self, seconds: float) -> None:
        """Returns when another replica may have said something, or added to the log, and after so many seconds at most."""
        ...
