"""The part of the fake store that keeps what StreamRank counts, in memory."""

from collections.abc import Mapping, Sequence

from tests.fake_deliveries import FakeDeliveries
from tests.fakes import FakeClock
from watcher.core.endpoint import Endpoint


class FakeRanks(FakeDeliveries):
    """The port Ranks in memory."""

    def __init__(self, clock: FakeClock, endpoints: Sequence[Endpoint] = ()) -> None:
        super().__init__(clock, endpoints)
        self.rank_records: dict[str, bytes] = {}

    async def save_ranks(self, records: Mapping[str, bytes]) -> None:
        await self._do("save_ranks")
        self.rank_records |= records
        await self._answer("save_ranks")

    async def rank(self, account: str) -> bytes | None:
        await self._do("rank")
        return self.rank_records.get(account)
