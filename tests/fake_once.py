"""The part of the fake store that keeps answers that are given once, in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.fake_deliveries import FakeDeliveries
from tests.fakes import FakeClock
from watcher.core.endpoint import Endpoint
from watcher.ports import Begun, KeptAnswer
from watcher.ports.once import KEPT_FOR


@dataclass(slots=True, kw_only=True)
class FakeRequest:
    """A request with a key, and what was answered to it, None while it is under way. `unclear`: the process that worked on it
    has ended."""

    fingerprint: bytes
    at: datetime
    answer: KeptAnswer | None = None
    unclear: bool = False


class FakeOnce(FakeDeliveries):
    """The port Once in memory."""

    def __init__(self, clock: FakeClock, endpoints: Sequence[Endpoint] = ()) -> None:
        super().__init__(clock, endpoints)
        self.requests: dict[tuple[str, str], FakeRequest] = {}

    def restart(self) -> None:
        """Another process goes on with what is kept."""
        for request in self.requests.values():
            request.unclear = request.answer is None

    async def begin(
        self, holder: str, key: str, fingerprint: bytes, now: datetime, *, again: bool = True
    ) -> Begun | KeptAnswer:
        await self._do("begin_once")
        request = self.requests.get((holder, key))
        begun: Begun | KeptAnswer = "fresh"
        if request is None or request.at <= now - KEPT_FOR:
            self.requests[holder, key] = FakeRequest(fingerprint=fingerprint, at=now)
        elif request.fingerprint != fingerprint:
            begun = "other"
        elif request.unclear and again:
            self.requests[holder, key] = FakeRequest(fingerprint=fingerprint, at=now)
        else:
            begun = request.answer or ("unclear" if request.unclear else "under-way")
        await self._answer("begin_once")
        return begun

    async def finish(self, holder: str, key: str, answer: KeptAnswer) -> None:
        await self._do("finish_once")
        request = self.requests.get((holder, key))
        if request is not None and request.answer is None and not request.unclear:
            request.answer = answer
        await self._answer("finish_once")

    async def abandon(self, holder: str, key: str) -> None:
        await self._do("abandon_once")
        request = self.requests.get((holder, key))
        if request is not None and request.answer is None and not request.unclear:
            del self.requests[holder, key]
        await self._answer("abandon_once")
