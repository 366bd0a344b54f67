"""The audit of a walk finds what is wrong, whichever of the promises it breaks."""

import json
import random
from collections.abc import Sequence
from datetime import timedelta

import pytest

from tests.chaos.faults.auditing import Audit
from tests.chaos.faults.databases import Row
from tests.chaos.faults.receiving import FaultyReceivers
from tests.chaos.faults.times import VirtualLoop
from tests.chaos.faults.upstream import FaultyCallFire, Life
from tests.fakes import NOON, FakeClock
from watcher.core.message import instant

NAME = "evt_db_faulty_1_1"


class Rows:
    """A database that shows these rows."""

    url = ""

    def __init__(self, events: list[Row], deliveries: list[Row], watches: list[Row]) -> None:
        self._rows = [events, deliveries, watches]

    async def read(self, *statements: tuple[str, Sequence[object]]) -> list[list[Row]]:
        return self._rows


def event(number: int = 1, *, owed: int = 3, status: str = "NEW", **data: object) -> Row:
    window = {"after": None, "by": instant(NOON + timedelta(seconds=2))}
    told = {"number": number, "status": status, "previous_status": None, "skipped": [], "window": window, **data}
    body = json.dumps({"data": told}).encode()
    return number, NAME, f"batch.{status.lower()}", "faulty", 1, number, body, None, owed, owed


WATCH = ("faulty", 1, "open", "NEW", 1, 1)
DONE = [(endpoint, "done", NAME) for endpoint in ("hook", "line", "calm")]


async def found(events: list[Row], deliveries: list[Row], watches: list[Row]) -> list[str]:
    loop = VirtualLoop()
    loop.close()
    clock = FakeClock(NOON + timedelta(seconds=1))
    upstream = FaultyCallFire(5.0, loop=loop, clock=clock, draw=random.Random(1))
    upstream.add(Life(1, 14, ((0.0, "NEW"), (50.0, "ACTIVE"))))
    upstream.turn()

    async def is_logged(_: str) -> bool:
        return True

    receivers = FaultyReceivers(clock=clock, draw=random.Random(1), is_logged=is_logged)
    receivers.accepted = dict.fromkeys((("hook", NAME), ("line", NAME), ("calm", NAME)), 1)
    audit = Audit(Rows(events, deliveries, watches), {"faulty": upstream}, receivers, 3)  # type: ignore[arg-type]
    await audit.check()
    return audit.wrong


async def test_what_is_in_order_is_not_complained_of() -> None:
    assert await found([event()], [*DONE], [WATCH]) == []


@pytest.mark.parametrize(
    ("events", "deliveries", "watches", "said"),
    [
        ([event(owed=2)], DONE, [WATCH], f"{NAME} is owed 2 times to 2 endpoints"),
        ([], [], [WATCH], "faulty/1 has the number 1, and 0 events"),
        ([event(2)], DONE, [WATCH], f"{NAME} is the number 1 of its batch"),
        ([event()], [("shop", "done", NAME)], [WATCH], f"('shop', '{NAME}') is done, and was not accepted"),
        ([event()], DONE, [("faulty", 1, "open", "ACTIVE", 1, 1)], "faulty/1 is ACTIVE, and ['NEW'] were told"),
        ([event(status="ACTIVE")], DONE, [], f"{NAME}, batch.active: it never was ACTIVE, only ['NEW']"),
        (
            [event(window={"after": None, "by": instant(NOON)})],
            DONE,
            [WATCH],
            f"{NAME}, batch.new: told before it was true: by {NOON}, and since {NOON + timedelta(seconds=1)}",
        ),
        (
            [event(previous_status="VALIDATING")],
            DONE,
            [WATCH],
            f"{NAME}, batch.new: it names VALIDATING as the status before, and None was told",
        ),
    ],
)
async def test_what_is_wrong_is_found(events: list[Row], deliveries: list[Row], watches: list[Row], said: str) -> None:
    assert said in await found(events, deliveries, watches)
