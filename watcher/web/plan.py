"""`/v1/accounts/{account}/plan`: what the account's budget buys it, played with its present load."""

from dataclasses import asdict
from typing import Annotated, Final

from aiohttp import web
from pydantic import Field

from watcher.ports import Following, Planned, Planning, Unplanned
from watcher.web.models import Given, Instant
from watcher.web.operations import Operation, gives
from watcher.web.paths import account_of
from watcher.web.problems import Problem
from watcher.web.shown import answer
from watcher.web.visible import accounts_of

AGAIN: Final = 15
"""Seconds after which what could not be played may be asked for again."""
STATUSES: Final = {"nothing-to-plan": 409, "plan-under-way": 503, "plan-failed": 503, "stopping": 503}

Delay = Annotated[
    float | None, Field(description="Seconds from an end to its notice; null where the rate does not keep up.")
]


class LoadShown(Given):
    """The load that was played. Of a large one only a part is, with as much of the rate."""

    in_flight: int = Field(description="Batches on their way: followed, not settled, and not stuck.")
    arrivals: float = Field(description="New batches a second that keep their number, from how long they take.")
    duration: float = Field(description="Seconds that one takes in the mean.")
    learnt: bool = Field(description="Whether durations and sizes are the account's own; else they are the usual ones.")
    over: float = Field(description="Seconds of virtual time that were played.")
    part: float = Field(description="Share of the load that was played, 1 where it was all.")


class PointShown(Given):
    """How late ends are noticed at a rate: half of them within `p50` seconds, 95 % within `p95`."""

    rate: float = Field(description="Requests a second.")
    p50: Delay
    p95: Delay


class PlanShown(Given):
    """What an account's budget buys it, as of a moment."""

    account: str
    at: Instant
    load: LoadShown = Field(description="What was played.")
    rate: float = Field(
        description="Requests a second that the settings allow the account; one of the points is for it."
    )
    points: list[PointShown] = Field(description="From the smallest rate to the largest.")


class Plans:
    """The handler that has plans made."""

    def __init__(self, *, planning: Planning, following: Following) -> None:
        self._planning = planning
        self._following = following

    def operations(self) -> list[Operation]:
        return [
            Operation(
                method="GET",
                path="/v1/accounts/{account}/plan",
                handler=self.read,
                scope="read",
                tag="accounts",
                gives=gives(PlanShown),
                problems=("unknown-account", *STATUSES),
            )
        ]

    async def read(self, request: web.Request) -> web.Response:
        """What the account's budget buys it: how late ends of its batches are noticed, at its rate and at less and more. Its
        present load is played in virtual time, as `watcher plan` does, which takes some seconds to two minutes; the answer is
        kept for ten minutes, unless the load changes."""
        account = account_of(request, accounts_of(request, self._following))
        planned = await self._planning.plan(account)
        if isinstance(planned, Unplanned):
            raise _problem(planned)
        return answer(_shown(planned))


def _shown(planned: Planned) -> PlanShown:
    bought = planned.bought
    return PlanShown(
        account=planned.account,
        at=planned.at,
        load=LoadShown(**asdict(bought.load)),
        rate=bought.rate,
        points=[PointShown(**asdict(each)) for each in bought.points],
    )


def _problem(unplanned: Unplanned) -> Problem:
    status = STATUSES[unplanned.kind]
    detail = unplanned.detail[:1].upper() + unplanned.detail[1:]
    headers = {"Retry-After": str(AGAIN)} if status == 503 else {}
    return Problem(status, unplanned.kind, f"{detail}.", headers=headers)
