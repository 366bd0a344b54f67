"""The part of the fake store that knows the log as a whole, in memory."""

from tests.fake_deliveries import FakeDeliveries
from watcher.core.model import Recorded
from watcher.core.recovering import Cutoffs, Forgotten
from watcher.ports.log import LogSpan


class FakeLog(FakeDeliveries):
    """The port Log in memory. `forgotten` is the greatest position that was deleted."""

    forgotten = 0

    async def log_span(self) -> LogSpan:
        await self._do("log_span")
        last = max([self.forgotten, *(event.position for event in self.log)])
        span = LogSpan(forgotten=self.forgotten, last=last)
        await self._answer("log_span")
        return span

    async def forget(self, cutoffs: Cutoffs, since: Forgotten, most: int) -> Forgotten:
        before: list[Recorded] = list(self.log)
        forgotten = await super().forget(cutoffs, since, most)
        gone = [event.position for event in before if event not in self.log]
        self.forgotten = max([self.forgotten, *gone])
        return forgotten
