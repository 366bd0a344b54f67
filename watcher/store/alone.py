"""The leases and the words of a store that only one process can have: all shares are its own, and there is nobody to talk to."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, Self

from watcher.ports import Board, Heard, Held, Lease, Replica, Standing, Word

ME: Final = Replica(id="alone", name="this process")
EPOCH: Final = 1


class Alone:
    """The ports `Leases` and `Words`, where the database itself refuses a second process."""

    replica: str = ME.id

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._shown: dict[str, str] = {}

    def held(self, lease: Lease) -> Self:  # noqa: ARG002 -- no lease is ever lost
        return self

    async def board(self, shares: Sequence[str]) -> Board:
        held = [Held(share=each, epoch=EPOCH, replica=ME.id if each in self._taken else None) for each in shares]
        return Board(me=ME.id, replicas=[ME], shares=held)

    async def take(self, shares: Sequence[str]) -> list[Lease]:
        free = [share for share in shares if share not in self._taken]
        self._taken.update(free)
        return [Lease(share=share, epoch=EPOCH) for share in free]

    async def give_back(self, leases: Sequence[Lease]) -> None:
        self._taken.difference_update(lease.share for lease in leases)

    async def describe(self, standings: Mapping[Lease, Standing]) -> None:
        self._shown |= {lease.share: standing.shown for lease, standing in standings.items()}

    async def shown(self) -> Mapping[str, str]:
        return dict(self._shown)

    async def say(self, words: Sequence[Word]) -> None:
        pass

    async def last_word(self) -> int:
        return 0

    async def heard(self, after: int, limit: int) -> list[Heard]:  # noqa: ARG002 -- nobody says anything
        return []

    async def forget_words(self) -> int:
        return 0

    async def noticed(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
