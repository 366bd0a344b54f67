"""Where the log of events begins and ends."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSpan:
    """Up to and including `forgotten` events may have been deleted (0: none was); `last` is the position given out last, also
    where its event is deleted by now (0: none yet)."""

    forgotten: int
    last: int


class Log(Protocol):
    """What is known of the log as a whole. As with all of the store, durably, or StoreError."""

    async def log_span(self) -> LogSpan:
        """Whoever has read up to a position from `forgotten` on has missed nothing that was deleted; every event up to `last` is
        visible."""
        ...
