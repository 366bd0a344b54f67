"""Failures that go on: each is logged when it begins, now and then while it lasts, and when it ends; not every time it comes."""

from dataclasses import dataclass
from typing import Final

from watcher.ports import Clock

SAY_AGAIN: Final = 600.0
"""Seconds after which a failure that goes on is logged once more."""


@dataclass(slots=True)
class Trouble:
    """Its kind, when it was last logged and when it last came (monotonic seconds), and how often it came since it was logged."""

    kind: str
    logged: float
    last: float
    times: int = 0


class Troubles:
    """The failures of some workers, accounts or the like, each by its name."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._troubles: dict[str, Trouble] = {}

    def again(self, who: str, error: str) -> int | None:
        """How often the failure came since it was last logged, this time included; None where it need not be logged now.

        It is logged when it begins, when it is of another kind than before, and every ten minutes while it lasts.
        """
        kind = error.partition(":")[0]
        now = self._clock.monotonic()
        trouble = self._troubles.get(who)
        if trouble is None or trouble.kind != kind:
            self._troubles[who] = Trouble(kind=kind, logged=now, last=now)
            return 1
        trouble.times += 1
        trouble.last = now
        if now - trouble.logged < SAY_AGAIN:
            return None
        times, trouble.times, trouble.logged = trouble.times, 0, now
        return times

    def over(self, who: str) -> None:
        """It has ended."""
        self._troubles.pop(who, None)

    def over_after(self, who: str, seconds: float) -> bool:
        """Whether it ends now, for it has not come for so long."""
        trouble = self._troubles.get(who)
        if trouble is None or self._clock.monotonic() - trouble.last < seconds:
            return False
        del self._troubles[who]
        return True

    def all_over(self) -> None:
        """All of them have ended."""
        self._troubles.clear()


def times(again: int | None) -> dict[str, int]:
    """How often it came since it was last logged, said where that is more than once."""
    return {"times": again} if again is not None and again > 1 else {}
