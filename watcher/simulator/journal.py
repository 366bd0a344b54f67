"""Every request that came, and how many came in any second: the truth about what was spent."""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple


class Entry(NamedTuple):
    """One request. `at` is when it arrived, seconds since 1970; `outcome` the code of the answer, or the fault's name."""

    at: float
    account: str
    method: str
    path: str
    batch_id: int | None
    outcome: str


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

    def arrived(self, account: str, at: float) -> int:
        """Counts a request; how many of the account there were in the second that ends now, this one included."""
        window = self._last_second.get(account)
        if window is None:
            window = self._last_second[account] = deque()
            self.spent[account] = Spent()
        window.append(at)
        while at - window[0] >= 1.0:
            window.popleft()
        spent = self.spent[account]
        spent.total += 1
        if len(window) > spent.most:
            spent.most, spent.most_at = len(window), at
        return len(window)

    def write(self, entry: Entry) -> None:
        """Keeps what became of a request."""
        self.entries.append(entry)
