"""How much of an account's budget was used lately, and how many looks a request brought. Counted by the slot, in memory."""

from typing import Final

SLOT: Final = 5.0
"""Seconds that are counted together."""
MINUTE: Final = 12
SLOTS: Final = 60
"""Slots of the last minute, and of the last five: all that are kept."""


class Usage:
    """The counts of one account. All times are epoch seconds; none is before the one that came last but for an instant."""

    __slots__ = ("_began", "_slots")

    def __init__(self, now: float) -> None:
        self._began = now
        self._slots: list[list[int]] = []  # number of the slot, requests, those of them that ask for looks, looks

    def sent(self, now: float) -> None:
        """A request went out, whatever for."""
        self._slot(now)[1] += 1

    def polled(self, now: float) -> None:
        """It asks for a batch, or for a page of them."""
        self._slot(now)[2] += 1

    def looked(self) -> None:
        """CallFire told of one batch: that counts with the last request, for this is called very often."""
        if self._slots:
            self._slots[-1][3] += 1

    def used(self, now: float) -> float:
        """Requests a second over the last minute, or since the beginning where that is less."""
        number = int(now // SLOT)
        begin = max((number - MINUTE + 1) * SLOT, self._began)
        return sum(slot[1] for slot in self._slots if slot[0] > number - MINUTE) / max(now - begin, SLOT)

    def looks_per_request(self, now: float) -> float | None:
        """Looks for each request that asked for any, over the last five minutes; None where none did."""
        number = int(now // SLOT)
        recent = [slot for slot in self._slots if slot[0] > number - SLOTS]
        requests = sum(slot[2] for slot in recent)
        return sum(slot[3] for slot in recent) / requests if requests else None

    def _slot(self, now: float) -> list[int]:
        number = int(now // SLOT)
        if not self._slots or self._slots[-1][0] < number:
            self._slots.append([number, 0, 0, 0])
            del self._slots[:-SLOTS]
        return self._slots[-1]
