"""Planning that plays nothing: it says what a test told it to."""

from tests.fakes import NOON
from watcher.core.plan import Bought, Load, Point
from watcher.ports import Planned, Unplanned

BOUGHT = Bought(
    load=Load(in_flight=300, arrivals=3.224, duration=93.06, learnt=True, over=279.2, part=0.6667),
    rate=5.0,
    points=[Point(rate=2.5, p50=None, p95=None), Point(rate=5.0, p50=0.6872, p95=2.125)],
)


class FakePlanning:
    """The same for every account, but for what stands in the way."""

    def __init__(self) -> None:
        self.obstacle: Unplanned | None = None
        self.asked: list[str] = []

    async def plan(self, account: str) -> Planned | Unplanned:
        self.asked.append(account)
        return self.obstacle or Planned(account=account, at=NOON, bought=BOUGHT)
