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
from tests.chaos.faults.truth import about_event
from tests.chaos.faults.upstream import FaultyCallFire, Life
from tests.fakes import NOON, FakeClock
from watcher.core.message import instant

NAME = "evt_db_faulty_1_1"
ENDPOINTS = ("hook", "line", "calm")
SHOWN = {
    "account": "faulty",
    "batch_id": 1,
    "broadcast_id": 14,
    "name": "batch 1",
    "size": 101,
    "remaining": 101,
    "enabled": True,
    "labels": {"team": "of faulty"},
}


class Rows:
    """A database that shows these rows."""

    url = ""

    def __init__(self, events: list[Row], deliveries: list[Row], watches: list[Row]) -> None:
        self._rows = [events, deliveries, watches]

    async def read(self, *statements: tuple[str, Sequence[object]]) -> list[list[Row]]:
        return self._rows


def event(number: int = 1, *, owed: int = 3, status: str = "NEW", **data: object) -> Row:
    window = {"after": None, "by": instant(NOON + timedelta(seconds=2))}
    told = {
        "number": number,
        "status": status,
        "previous_status": None,
        "skipped": [],
        "window": window,
        **SHOWN,
        **data,
    }
    body = json.dumps({"data": told}).encode()
    return number, NAME, f"batch.{status.lower()}", "faulty", 1, number, body, None, owed, owed


WATCH = ("faulty", 1, "open", "NEW", 1, 1)
DONE = [(endpoint, "done", NAME) for endpoint in ENDPOINTS]


async def found(events: list[Row], deliveries: list[Row], watches: list[Row]) -> list[str]:
    return (await audited(events, deliveries, watches)).wrong


async def audited(events: list[Row], deliveries: list[Row], watches: list[Row]) -> Audit:
    loop = VirtualLoop()
    loop.close()
    clock = FakeClock(NOON + timedelta(seconds=1))
    upstream = FaultyCallFire(5.0, loop=loop, clock=clock, draw=random.Random(1))
    upstream.add(Life(1, 14, ((0.0, "NEW"), (50.0, "ACTIVE"))))
    upstream.turn()

    async def is_logged(_: str) -> bool:
        return True

    receivers = FaultyReceivers(clock=clock, draw=random.Random(1), is_logged=is_logged)
    receivers.accepted = dict.fromkeys(((endpoint, NAME) for endpoint in ENDPOINTS if endpoint in of(deliveries)), 1)
    receivers.bodies = {NAME: event()[6]}
    rows = Rows(events, deliveries, watches)
    audit = Audit(rows, {"faulty": upstream}, receivers, ENDPOINTS, loop.time)  # type: ignore[arg-type]
    await audit.check()
    return audit


def of(deliveries: list[Row]) -> set[str]:
    return {endpoint for endpoint, *_ in deliveries}


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
        (
            [event(name="another", size=100)],
            DONE,
            [WATCH],
            f"{NAME}, batch.new: it says {{'name': 'another', 'size': 100}}",
        ),
        (
            [event(skipped=["NEW"])],
            DONE,
            [WATCH],
            f"{NAME}, batch.new: it names ['NEW'] as unseen, and it was []",
        ),
        ([event(size=100)], DONE, [WATCH], f"{NAME} was sent otherwise than the log has it"),
    ],
)
async def test_what_is_wrong_is_found(events: list[Row], deliveries: list[Row], watches: list[Row], said: str) -> None:
    assert said in await found(events, deliveries, watches)


async def test_what_is_gone_before_it_was_accepted_is_found() -> None:
    audit = await audited([event()], [*DONE], [WATCH])
    audit._database = Rows([], [*DONE[1:]], [WATCH])  # type: ignore[assignment]
    del audit._receivers.accepted["hook", NAME]
    await audit.check()
    assert audit.wrong == [f"{NAME} is not owed to hook any more", f"('hook', '{NAME}') was done, and is not any more"]
    assert f"{NAME} was not accepted by hook" in audit.owed()


CAME = {"type": "batch.validating", "status": "VALIDATING", "window": {"after": None, "by": instant(NOON)}, **SHOWN}


def later(kind: str, minutes: int) -> dict[str, object]:
    return CAME | {"type": kind, "window": {"after": None, "by": instant(NOON + timedelta(minutes=minutes))}}


@pytest.mark.parametrize(
    ("told", "wrong"),
    [
        ([CAME, later("batch.stuck", 30)], []),
        ([CAME, later("batch.stuck", 29)], ["it is in VALIDATING for 0:29:00 only"]),
        ([CAME, later("batch.stuck", 30), later("batch.stuck", 390)], []),
        ([CAME, later("batch.stuck", 30), later("batch.stuck", 80)], ["it is in VALIDATING for 0:50:00 only"]),
        ([CAME, later("batch.stuck", 30), later("batch.unstuck", 31)], []),
        ([CAME, later("batch.unstuck", 31)], ["it was not told to be stuck"]),
        ([CAME, later("batch.missing", 31)], ["CallFire had said so 2 times in a row"]),
    ],
)
def test_what_is_no_transition_must_be_true_as_well(told: list[dict[str, object]], wrong: list[str]) -> None:
    life = Life(1, 14, ((0.0, "VALIDATING"),), missing=2, missing_most=2)
    assert list(about_event("faulty", life, told)) == wrong


def test_an_account_that_is_asked_more_often_than_it_may_be_is_found() -> None:
    loop = VirtualLoop()
    loop.close()
    upstream = FaultyCallFire(5.0, loop=loop, clock=FakeClock(NOON), draw=random.Random(1))
    for _ in range(6):
        assert list(upstream._over_budget(10.0)) == []
    assert list(upstream._over_budget(10.9)) == ["7 requests within 1 s, at a rate of 5"]
