"""Failed attempts are slowed and counted, by address and in all: with a bound on what is remembered and on who waits."""

from collections import OrderedDict
from typing import Final

from watcher.core.attempts import WITH_ALL, WITH_ONE, Failures, failed, is_beyond, pause_after, retry_after
from watcher.core.news import AuthCalm, AuthFailed, AuthFailure, Tell
from watcher.ports import Clock
from watcher.web.problems import Problem

ADDRESSES_MOST: Final = 1_000
"""Addresses whose failures are remembered; beyond, those are forgotten that failed longest ago."""
WAITING_MOST: Final = 100
"""Answers that are held back at once; beyond, there is no answer but «too many»."""


class Attempts:
    """Remembers who failed. Whoever brings a right token never comes here, and waits for nobody."""

    def __init__(self, *, clock: Clock, tell: Tell) -> None:
        self._clock = clock
        self._tell = tell
        self._by_address: OrderedDict[str, Failures] = OrderedDict()
        self._in_all = Failures()
        self._waiting = 0
        self._lately = 0
        self._before = 0

    async def failed(self, address: str, reason: AuthFailure) -> None:
        """Returns when the answer to an attempt that failed may go out. A Problem where there were too many."""
        self._tell(AuthFailed(reason=reason, address=address))
        self._lately += 1
        now = self._clock.monotonic()
        one = self._by_address[address] = failed(self._by_address.get(address, Failures()), WITH_ONE, now)
        self._by_address.move_to_end(address)
        if len(self._by_address) > ADDRESSES_MOST:
            self._by_address.popitem(last=False)
        self._in_all = failed(self._in_all, WITH_ALL, now)
        if is_beyond(one, WITH_ONE):
            raise _too_many(retry_after(one, WITH_ONE))
        if is_beyond(self._in_all, WITH_ALL) or self._waiting >= WAITING_MOST:
            raise _too_many(retry_after(self._in_all, WITH_ALL))
        self._waiting += 1
        try:
            await self._clock.sleep(pause_after(one))
        finally:
            self._waiting -= 1

    def look_back(self) -> None:
        """Tells that attempts no longer fail, where none did since the last time."""
        if self._before and not self._lately:
            self._tell(AuthCalm(failed=self._before))
            self._before = 0
        self._before += self._lately
        self._lately = 0


def _too_many(seconds: int) -> Problem:
    return Problem(
        429,
        "too-many-attempts",
        "The token is not right, and too many attempts with a wrong one came before. Correct it; a right one is let in at once.",
        headers={"Retry-After": str(seconds)},
    )
