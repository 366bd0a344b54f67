"""Whose turn it is to ask CallFire about accounts, for a process that does so for a moment only, and takes no part in sharing."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final

from watcher.ports import Board, Clock, Lease, Store, StoreError

TRY: Final = 0.5
"""Seconds between two tries to have what somebody else has."""


class Turn:
    """The leases of some accounts, kept as long as this worker steps."""

    name: Final = "turn"

    def __init__(self, store: Store, leases: Sequence[Lease], sure_until: float, *, clock: Clock, every: float) -> None:
        self.leases = leases
        self._store = store
        self._sure_until = sure_until
        self._clock = clock
        self._every = every

    def is_sure(self) -> bool:
        """Whether nobody else can have the accounts at this moment."""
        return self._clock.monotonic() < self._sure_until

    async def step(self) -> None:
        await self._clock.sleep(self._every)
        with suppress(StoreError):  # the store has told of it
            board = await self._store.board([])
            if self.is_sure():  # or somebody may have taken them meanwhile, and then they are that one's
                self._sure_until = board.sure_until


@asynccontextmanager
async def in_turn(
    store: Store, accounts: Sequence[str], lease: timedelta, clock: Clock, in_use: Callable[[str], None]
) -> AsyncIterator[Turn]:
    """All of the accounts, as soon as no process polls any of them; `in_use` is told once who does."""
    board = await store.board(accounts)  # once: the others reckon with whoever asks for some
    told = False
    while True:
        leases = await store.take(accounts)
        board_now = await store.board([])  # we take no part: nobody has to give us anything
        if len(leases) == len(accounts):
            break
        await store.give_back(leases)
        if not told:
            in_use(_who(board, {each.share for each in leases}))
            told = True
        await clock.sleep(TRY)
    every = lease.total_seconds() / 4
    try:
        yield Turn(store, leases, board_now.sure_until, clock=clock, every=every)
    finally:
        with suppress(StoreError):
            await store.give_back(leases)


def _who(board: Board, ours: set[str]) -> str:
    names = {replica.id: replica.name for replica in board.replicas}
    others = {held.share: names.get(held.replica or "", "another process") for held in board.shares}
    return ", ".join(f"{share} is polled by {who}" for share, who in others.items() if share not in ours)
