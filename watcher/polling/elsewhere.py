"""What may be seen of accounts that another replica polls: from what the store has, and from what their owners let others see."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from types import MappingProxyType
from typing import Final

from watcher.core.expecting import Expectation, expectations
from watcher.core.hazard import Hazard, scale_free
from watcher.core.learnt import LearntHazard
from watcher.core.lengths import Eta, Lengths, lengths
from watcher.core.model import Key, Watch
from watcher.core.parts import part_named
from watcher.core.ranking import Pace
from watcher.core.streamrank import Meter, StreamRank
from watcher.polling.shown import Shown, from_json, together
from watcher.ports import AccountView, Clock, Store

FRESH: Final = 1.0
"""Seconds for which it is good enough what owners said of their accounts."""
STALE: Final = timedelta(seconds=20)
"""An owner that is there says something more often than that."""
LEARNT_FRESH: Final = 60.0
"""Seconds for which it is good enough what was learnt of durations: it is kept as often."""
REMEMBERED: Final = 20_000
"""Watches of which it is remembered what is expected of them, those that were shown last."""
UNPOLLED: Final = "unpolled"
"""The condition of an account that no replica polls at the moment."""
NO_PARTS: Final[Mapping[str, Shown]] = MappingProxyType({})
NOBODY: Final = "no replica polls it now: one that can takes it over within seconds"


class Elsewhere:
    """The accounts that are not polled here. `rates` are the settings' requests a second, of all accounts there are."""

    def __init__(self, rates: Mapping[str, float], *, pace: Pace, store: Store, clock: Clock) -> None:
        self._rates = rates
        self._pace = pace
        self._store = store
        self._clock = clock
        self._shown: Mapping[str, Mapping[str, str]] = {}
        self._read: float | None = None
        self._reading = asyncio.Lock()
        self._hazards: dict[str, tuple[float, Hazard]] = {}
        self._expected: OrderedDict[Key, Expectation] = OrderedDict()

    def know(self, rates: Mapping[str, float]) -> None:
        """These are the accounts there are from now on."""
        self._rates = rates

    async def shown(self, account: str, here: Mapping[str, Shown] = NO_PARTS) -> Shown:
        """The account as its owners said last, by parts or as a whole; what there is to say where it has none. `here` are the
        parts that this replica polls itself."""
        await self._read_shown()
        said = {share: from_json(text) for share, text in self._shown.get(account, {}).items() if share not in here}
        parts = [shown for shown in said.values() if shown is not None]
        now = self._clock.now()
        there = [*here.values(), *(shown for shown in parts if now - shown.at < STALE)]
        if there:
            return together([replace(shown, view=replace(shown.view, name=account)) for shown in there])
        return Shown(at=now, view=self._unpolled(account, max(parts, key=lambda shown: shown.at, default=None)))

    async def lengths(self, account: str) -> Lengths:
        """What the account has learnt of durations, as it was kept last."""
        record = await self._store.learnt(account)
        if record is None:
            return Lengths(ends=0)
        return lengths(LearntHazard.from_record(record, self._clock.now().timestamp()))

    async def streamrank(self, account: str) -> StreamRank:
        """The account's figures, as they were kept last."""
        record = await self._store.rank(account)
        return (Meter() if record is None else Meter.from_record(record)).rank()

    async def acquaint(self, watches: Sequence[Watch]) -> None:
        """Works out what is expected of these, for `eta` and `next_look`."""
        now = self._clock.now()
        for account, some in groupby(sorted(watches, key=lambda watch: watch.key), key=lambda watch: watch.account):
            hazard = await self._hazard(account)
            until = (await self.shown(account)).view.until
            found = expectations(list(some), hazard, self._pace, now)
            for batch_id, each in found.items():
                key = Key(account, batch_id)
                self._expected[key] = _not_before(each, until)
                self._expected.move_to_end(key)
        while len(self._expected) > REMEMBERED:
            self._expected.popitem(last=False)

    def eta(self, key: Key) -> Eta | None:
        """When the watch's batch will have ended, as far as one was acquainted with it."""
        expected = self._expected.get(key)
        return None if expected is None else expected.eta

    def next_look(self, key: Key) -> datetime | None:
        """Roughly when it will be looked at, likewise."""
        expected = self._expected.get(key)
        return None if expected is None else expected.next_look

    async def _read_shown(self) -> None:
        async with self._reading:
            if self._read is not None and self._clock.monotonic() - self._read < FRESH:
                return
            by_account: dict[str, dict[str, str]] = {}
            for share, text in (await self._store.shown()).items():
                by_account.setdefault(part_named(share).account, {})[share] = text
            self._shown, self._read = by_account, self._clock.monotonic()

    async def _hazard(self, account: str) -> Hazard:
        now = self._clock.monotonic()
        known = self._hazards.get(account)
        if known is None or now - known[0] >= LEARNT_FRESH:
            record = await self._store.learnt(account)
            seconds = self._clock.now().timestamp()
            hazard = scale_free() if record is None else LearntHazard.from_record(record, seconds).hazard
            known = self._hazards[account] = now, hazard
        return known[1]

    def _unpolled(self, account: str, last: Shown | None) -> AccountView:
        rate = self._rates.get(account, 1.0)
        return AccountView(
            name=account,
            condition=UNPOLLED,
            reason=NOBODY,
            until=None,
            rate=rate,
            effective_rate=rate,
            in_flight=0,
            open=0 if last is None else last.view.open,
            overdue=0 if last is None else last.view.overdue,
            last_step=None if last is None else last.view.last_step,
            change_percentage=None if last is None else last.view.change_percentage,
        )


def _not_before(expected: Expectation, until: datetime | None) -> Expectation:
    """The account may not be asked before."""
    if until is None or expected.next_look >= until:
        return expected
    return replace(expected, next_look=until)
