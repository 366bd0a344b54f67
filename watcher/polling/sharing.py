"""The worker that has accounts polled here: as many as are this replica's part, each as long as its lease is ours.

What is taken and given back is decided in `watcher.core.sharing`, from what the store says of all shares and replicas.
"""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from math import isfinite
from typing import Final

from watcher.core.clocks import skewed
from watcher.core.news import DividedOtherwise, LeasesMoved, LeasesSeen, Tell
from watcher.core.parts import part_named
from watcher.core.sharing import Share, to_give_back, to_take, unpolled
from watcher.polling.following import Polling
from watcher.polling.holding import Holding, Make, until_loaded
from watcher.polling.leased import NotSure
from watcher.ports import Board, Clock, Lease, LeaseLost, Leases, Standing, Store, StoreError
from watcher.workers import Crew, Team

LOADING: Final = 8
"""Accounts that are loaded at once: the database and the loop have other things to do, too."""
SOON: Final = 0.5
"""Seconds for which loading alone may keep everybody waiting at the start."""
DESCRIBED: Final = 5.0
"""Seconds after which the other replicas are told anew how our accounts stand."""
STAYS: Final = 600.0
"""Seconds for which a share that came back after it was given back stays, however uneven that is, unless replicas come or go."""
GRACE: Final = 20.0
"""Seconds that what flies has to end before a share is given back; longer than an answer of CallFire may take."""


class Sharer:
    """`begin` once, and `start` when all is up; then one `step` after another; `leave` at the end, when the crew rests."""

    name: Final = "leases"

    def __init__(
        self,
        shares: Sequence[str],
        *,
        polling: Polling,
        store: Store,
        leases: Leases,
        make: Make,
        crew: Crew,
        clock: Clock,
        tell: Tell,
        every: float,
    ) -> None:
        self._shares = dict.fromkeys(shares)
        self._polling = polling
        self._store = store
        self._leases = leases
        self._make = make
        self._crew = crew
        self._clock = clock
        self._tell = tell
        self._every = every
        self._holdings: dict[str, Holding] = {}
        self._loading = asyncio.Semaphore(LOADING)
        self._wake = asyncio.Event()
        self._started = False
        self._leaving = False
        self._sure_until = float("-inf")
        self._skew = 0.0
        self._looked = float("-inf")
        self._described = float("-inf")
        self._free: dict[str, float] = {}  # shares that nobody has, and since when
        self._gone: dict[str, float] = {}  # shares that were given back, or lost, and when
        self._returning: set[str] = set()
        self._given: list[Lease] = []
        self._divided: dict[str, tuple[str, ...]] = {}  # what others poll of accounts that they divide differently
        self._replicas: list[str] = []
        self._changed = float("-inf")  # when a replica came or went

    @property
    def settled(self) -> bool:
        """Whether it is known whose the accounts are; those that are being loaded can be asked about like anybody else's."""
        return self._clock.monotonic() - self._looked < 4 * self._every

    @property
    def skewed(self) -> str:
        """What is wrong with this machine's clock; nothing where it is good enough."""
        return skewed(self._skew)

    def wake(self) -> None:
        """Somebody gave something back, or is gone: a look at once may be worth it."""
        self._wake.set()

    async def begin(self) -> None:
        """Takes what is to be taken and loads it, before anybody is served; what takes long is loaded while others are polled
        already. Raises StoreError."""
        loads = {asyncio.ensure_future(self._load(holding)): holding for holding in await self._round()}
        together, loaded = asyncio.gather(*loads, return_exceptions=True), asyncio.Event()
        together.add_done_callback(lambda _: loaded.set())
        try:
            await self._clock.wait(loaded, SOON)
            for load in filter(asyncio.Future.done, loads):
                load.result()
        except BaseException:
            together.cancel()
            with suppress(asyncio.CancelledError):
                await together
            raise
        for load, holding in loads.items():
            if not load.done():
                holding.team.errand(f"load {holding.lease.share}", until_loaded(load))

    def start(self) -> None:
        """From now on what is loaded is polled."""
        self._started = True
        for holding in self._holdings.values():
            holding.hire()
        self.wake()

    async def step(self) -> None:
        await self._clock.wait(self._wake, self._every)
        self._wake.clear()
        with suppress(StoreError):  # the store has told of it, and the next look is soon
            for holding in await self._round():
                holding.team.errand(f"load {holding.lease.share}", self._load(holding))
            if self._clock.monotonic() - self._described >= DESCRIBED:
                await self._describe()

    def share_out(self, shares: Sequence[str], outdated: Collection[str] = ()) -> None:
        """These are shared out from now on. What is not among them is given back; so is what is outdated, and taken anew."""
        self._shares = dict.fromkeys(shares)
        for share, holding in self._holdings.items():
            holding.outdated |= share in outdated or share not in self._shares
        self.wake()

    def lost(self, share: str) -> None:
        """A write for the share was refused: another replica has it."""
        holding = self._holdings.get(share)
        if holding is not None:
            self._lose([holding])

    async def leave(self) -> None:
        """Gives everything back, each share as soon as what flies for it has ended, and takes no part any more."""
        self._leaving = True
        with suppress(StoreError):
            asked = self._clock.monotonic()
            board = await self._leases.board(list(self._shares))
            unheard = self._found(board, asked)  # the answer came too late for the last round
            await self._leases.board([])
            if unheard:
                await self._leases.give_back(unheard)
        async with asyncio.TaskGroup() as group:
            for holding in self._here():
                group.create_task(self._hand_over(holding), name=f"give back {holding.lease.share}")

    # One look at how things are shared

    async def _round(self) -> list[Holding]:
        """Looks, drops what is lost, gives back, takes; what was taken is still to be loaded."""
        asked = self._clock.monotonic()
        board = await self._leases.board([*dict.fromkeys((*self._shares, *self._holdings))])
        if self._leaving:
            return []
        self._lose(self._lost(board))
        self._sure_until, self._looked, self._skew = board.sure_until, self._clock.monotonic(), board.skew
        self._tell_of_divisions(board.others)
        for holding in self._here():
            if holding.outdated:
                self._give_back(holding.lease.share)
        shares = [
            Share(held.share, held.replica, held.demand)
            for held in board.shares
            if held.share in self._shares
            and (held.replica is not None or not self._divided or part_named(held.share).account not in self._divided)
        ]
        replicas = [replica.id for replica in board.replicas]
        if replicas != self._replicas:
            self._replicas, self._changed = replicas, asked
        staying = {share for share, at in self._gone.items() if at >= self._changed and asked - at < STAYS}
        unbegun = {holding.lease.share for holding in self._here() if not holding.begun}
        for share in to_give_back(board.me, replicas, shares, staying, board.elsewhere, unbegun):
            self._give_back(share)
        taken = self._found(board, asked)
        wanted = to_take(board.me, replicas, shares, self._waiting(shares, asked), board.elsewhere)
        if wanted:
            taken += await self._leases.take(wanted)
        demands = {share.name: share.demand for share in shares}
        begun = [self._take(lease, demands.get(lease.share, 1.0)) for lease in taken]
        if begun:
            self._moved(LeasesMoved(taken=tuple(lease.share for lease in taken)))
        idle = unpolled(board.me, shares, {each.lease.share for each in self._holdings.values() if each.ready})
        self._tell(LeasesSeen(held=len(self._holdings), replicas=len(replicas), skew=board.skew, unpolled=idle))
        return begun

    def _moved(self, moved: LeasesMoved) -> None:
        """Told where there can be other replicas at all."""
        if isfinite(self._sure_until):
            self._tell(moved)

    def _tell_of_divisions(self, others: Sequence[str]) -> None:
        """Takes in, and tells where it is news, of which accounts somebody polls shares of another division."""
        divided: dict[str, tuple[str, ...]] = {}
        for share in others:
            account = part_named(share).account
            divided[account] = (*divided.get(account, ()), share)
        before, self._divided = self._divided, divided
        for account in sorted(before.keys() ^ divided.keys()):
            self._tell(DividedOtherwise(account=account, shares=divided.get(account, ())))

    def _waiting(self, shares: Iterable[Share], now: float) -> set[str]:
        """Those that were free a whole round ago already."""
        self._free = {share.name: self._free.get(share.name, now) for share in shares if share.owner is None}
        return {share for share, since in self._free.items() if now - since >= self._every}

    def _found(self, board: Board, asked: float) -> list[Lease]:
        """What is ours without our knowing: it was taken, and the answer was lost."""
        return [
            Lease(share=held.share, epoch=held.epoch)
            for held in board.shares
            if held.replica == board.me
            and held.share not in self._holdings
            and held.share not in self._returning
            and self._gone.get(held.share, float("-inf")) < asked
        ]

    def _lost(self, board: Board) -> list[Holding]:
        """What another replica has taken over."""
        ours = {(held.share, held.epoch) for held in board.shares if held.replica == board.me}
        return [each for each in self._here() if (each.lease.share, each.lease.epoch) not in ours]

    def _here(self) -> list[Holding]:
        return [holding for holding in self._holdings.values() if not holding.leaving]

    def _take(self, lease: Lease, demand: float) -> Holding:
        def heed(error: BaseException) -> bool:
            return self._heed(holding, error)

        def sure() -> bool:
            return self._is_sure(holding)

        holding = Holding(
            lease=lease, demand=demand, team=Team(self._crew, heed), sure=sure, since=self._clock.monotonic()
        )
        holding.outdated = lease.share not in self._shares  # it is not any more
        self._holdings[lease.share] = holding
        return holding

    def _is_sure(self, holding: Holding) -> bool:
        """Whether nobody else can have the share at this moment, also where the process stood still for a while."""
        return not holding.over and self._clock.monotonic() < self._sure_until

    async def _load(self, holding: Holding) -> None:
        """Makes the poller, and lets it take in its account: what is said of it from now on reaches it."""
        share = holding.lease.share
        async with self._loading:
            if holding.outdated:
                return  # the settings changed while it was taken: the next look gives it back
            holding.begun = True
            poller = holding.poller = await self._make(holding.lease, holding.sure, holding.team.errand)
            await self._polling.admit(share, poller, self._store.held(holding.lease))
            await poller.load()
        holding.ready = True
        self._described = float("-inf")  # until it is described, the others take it for polled by nobody
        if self._started:
            holding.hire()
            if all(each.ready for each in self._holdings.values()):
                self.wake()

    def _heed(self, holding: Holding, error: BaseException) -> bool:
        """What was raised for a share. One that could not be loaded is tried anew by the next look."""
        if isinstance(error, LeaseLost):
            self._lose([holding])
            return True
        if not holding.ready:
            self._drop(holding)
        return isinstance(error, NotSure)

    # Ways out

    def _lose(self, lost: Iterable[Holding]) -> None:
        """Another replica has them: they are dropped as they are, for nothing more of them can be saved."""
        dropped = [holding for holding in lost if self._drop(holding)]
        if dropped:
            self._moved(LeasesMoved(lost=tuple(holding.lease.share for holding in dropped)))

    def _drop(self, holding: Holding) -> bool:
        """Whether it was here."""
        if holding.over:
            return False
        holding.end()
        self._forget(holding)
        return True

    def _forget(self, holding: Holding) -> None:
        share = holding.lease.share
        holding.over = True
        self._gone[share] = self._clock.monotonic()
        if self._holdings.get(share) is holding:
            del self._holdings[share]
            self._polling.dismiss(share)
        if holding.poller is not None:
            holding.poller.refreshes.give_up()
            holding.poller = None  # with all its watches: whoever is asked whether the share is ours knows the holding

    def _give_back(self, share: str) -> None:
        holding = self._holdings.get(share)
        if holding is not None and (holding.hired or not holding.begun) and not holding.leaving:
            holding.leaving = True  # from now on: it may be named twice in a round
            self._crew.errand(f"give back {share}", self._hand_over(holding))

    async def _hand_over(self, holding: Holding) -> None:
        """Lets end what flies, keeps what is to be kept, and gives the share back."""
        await holding.rest(GRACE)
        if holding.over:
            return
        share = holding.lease.share
        self._returning.add(share)
        try:
            with suppress(StoreError):  # a window gets wider
                await self._polling.keep(share)
            self._forget(holding)
            with suppress(StoreError):  # the lease runs out, or is found to be ours still
                await self._return(holding.lease)
        finally:
            self._forget(holding)
            self._returning.discard(share)

    async def _return(self, lease: Lease) -> None:
        """Gives back what is ready to be at this moment, all together: each time the others are told."""
        self._given.append(lease)
        await asyncio.sleep(0)
        given, self._given = self._given, []
        if given:
            try:
                await self._leases.give_back(given)
            finally:  # in any case they are not polled here any more
                self._moved(LeasesMoved(given_back=tuple(each.share for each in given)))

    # What the others see

    async def _describe(self) -> None:
        """Tells how the accounts that are here stand, and how much work they are."""
        self._described = now = self._clock.monotonic()
        described: dict[Lease, Standing] = {}
        for holding in self._here():
            if holding.ready and holding.poller is not None:
                holding.weigh(now, self._clock.now().timestamp())
                shown = self._polling.shown_of(holding.poller)
                described[holding.lease] = Standing(demand=holding.demand, shown=shown)
        if described:
            await self._leases.describe(described)
