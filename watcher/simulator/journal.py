"""Every request that came, and how many came in any second: the truth about what was spent."""

from collections import deque
from dataclasses import dataclass

PENDING = "pending"


@dataclass(slots=True, kw_only=True)
class Entry:
    """One request. `at` is when it arrived, seconds since 1970; `outcome` the code of the answer, or the fault's name."""

    at: float
    account: str
    method: str
    path: str
    batch_id: int | None
    outcome: str = PENDING


@dataclass(slots=True)
class Spent:
    """What one account spent: requests in all, and the most in any second, which ended at `most_at`."""

    total: int = 0
    most: int = 0
    most_at: float = 0.0


class Journal:
    """Entries in the order of arrival; only ever longer."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.spent: dict[str, Spent] = {}
        self._last_second: dict[str, deque[float]] = {}

    def arrived(self, entry: Entry) -> int:
        """Keeps a request; how many of its account there were in the second that ends with it, this one included.

        A second holds its end and not its beginning: of two requests exactly one second apart each has its own.
        """
        self.entries.append(entry)
        window = self._last_second.setdefault(entry.account, deque())
        window.append(entry.at)
        while entry.at - window[0] >= 1.0:
            window.popleft()
        spent = self.spent.setdefault(entry.account, Spent())
        spent.total += 1
        if len(window) > spent.most:
            spent.most, spent.most_at = len(window), entry.at
        return len(window)
