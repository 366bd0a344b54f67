"""Which requests faults strike: by condition, chance, count and time, in their order; and how faults are asked for."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulator.house import START, STEADY, House, open_house
from watcher.simulator.faults import MIXED, MIXED_SUBMIT, Fault, Faults, Operation
from watcher.simulator.world import Workload

ADDITION = {"recipients": [{"phoneNumber": "12135551122"}]}


def drawing(*draws: float) -> Callable[[], float]:
    """Chance as the test has it, again and again."""
    at = -1

    def draw() -> float:
        nonlocal at
        at = (at + 1) % len(draws)
        return draws[at]

    return draw


def struck(faults: Faults, times: int, **request: Any) -> list[str | None]:
    """What befalls so many requests, one after the other."""
    given_request = {"account": "default", "operation": "batch", "batch_id": 1, "now": START, **request}
    fates = [faults.strike(**given_request) for _ in range(times)]
    return [None if fault is None else fault.kind for fault in fates]


# Over a socket.


async def test_a_fault_strikes_as_often_as_it_was_asked_to(house: House) -> None:
    number = await house.batch()
    await house.fault("code", code=503, count=2)
    assert [await house.status(number) for _ in range(4)] == [503, 503, 200, 200]
    assert await house.outcomes() == ["503", "503", "200", "200"]


async def test_a_fault_strikes_as_long_as_it_was_asked_to_by_the_clock(house: House) -> None:
    number = await house.batch()
    await house.fault("code", code=503, lasts=2.0)
    codes = []
    for seconds in (0.0, 1.5, 0.5, 10.0):
        house.clock.turn(seconds)
        codes.append(await house.status(number))
    assert codes == [503, 503, 200, 200]


async def test_a_fault_without_an_end_strikes_until_it_is_taken_back(house: House) -> None:
    number = await house.batch()
    first, second = await house.fault("code", code=503), await house.fault("code", code=502)
    assert await house.status(number) == 503
    for fault, code in ((first, 502), (second, 200)):
        answer = await house.control("DELETE", f"/faults/{fault}")
        assert (answer.status, answer.json) == (200, {})
        assert await house.status(number) == code
    again = await house.control("DELETE", f"/faults/{first}")
    assert (again.status, again.json) == (404, {"error": "no such fault"})


async def test_all_faults_can_be_taken_back_at_once(house: House) -> None:
    number = await house.batch()
    await house.fault("code", code=503)
    await house.fault("code", code=502)
    await house.control("POST", "/faults", json={"mixed": 1.0})
    assert (await house.control("DELETE", "/faults")).json == {}
    assert [await house.status(number) for _ in range(10)] == [200] * 10


async def test_a_fault_strikes_its_account_only(house: House) -> None:
    ours, theirs = await house.batch(), await house.batch(account="other")
    await house.fault("code", code=503, account="other")
    assert await house.status(ours) == 200
    assert await house.status(theirs, account="other") == 503


async def test_a_fault_strikes_its_batches_only(house: House) -> None:
    (first, second, third), broadcast = await house.more(count=3, kind="calls", validating_for=0.0)
    await house.fault("code", code=503, batch_ids=[first, third, broadcast])
    assert [await house.status(number) for number in (first, second, third)] == [503, 200, 503]
    assert (await house.ask("GET", f"/calls/broadcasts/{broadcast}/batches")).status == 200


async def test_a_fault_strikes_its_broadcasts_only(house: House) -> None:
    [number], ours = await house.more(kind="calls", validating_for=0.0)
    _, other = await house.more(kind="texts", validating_for=0.0)
    await house.fault("code", code=403, broadcast_ids=[ours, number])
    assert (await house.ask("GET", f"/calls/broadcasts/{ours}/batches")).status == 403
    assert (await house.ask("GET", f"/texts/broadcasts/{other}/batches")).status == 200
    assert await house.status(number) == 200


@pytest.mark.parametrize("code", [400, 403, 404, 405])
async def test_listings_alone_can_be_out_of_order_for_a_while(house: House, code: int) -> None:
    [number], broadcast = await house.more(kind="calls", validating_for=0.0)
    await house.fault("code", code=code, operation="page", lasts=60.0)
    codes = []
    for seconds in (0.0, 59.0, 1.0):
        house.clock.turn(seconds)
        codes.append((await house.ask("GET", f"/calls/broadcasts/{broadcast}/batches")).status)
        assert await house.status(number) == 200
    assert codes == [code, code, 200]


@pytest.mark.parametrize("operation", ["batch", "page", "submit", "enable"])
async def test_a_fault_strikes_its_operation_only(house: House, operation: str) -> None:
    [number], broadcast = await house.more(kind="calls", validating_for=0.0)
    await house.fault("code", code=503, operation=operation)
    codes = {
        "batch": await house.status(number),
        "page": (await house.ask("GET", f"/calls/broadcasts/{broadcast}/batches")).status,
        "submit": (await house.ask("POST", f"/calls/broadcasts/{broadcast}/batches", json=ADDITION)).status,
        "enable": (await house.ask("PUT", f"/campaigns/batches/{number}", json={"enabled": True})).status,
        "none": (await house.ask("GET", "/nowhere")).status,
    }
    assert codes == {"batch": 200, "page": 200, "submit": 200, "enable": 200, "none": 404, operation: 503}


async def test_a_fault_strikes_whoever_asks_where_no_account_is_named(house: House) -> None:
    number = await house.batch()
    await house.fault("code", code=503, count=2)
    assert await house.status(number, account=None) == 503
    assert (await house.ask("GET", "/nowhere")).status == 503


async def test_faults_do_not_change_what_batches_come_nor_batches_whom_faults_strike() -> None:
    """The same seed and the same requests have the same fate, and the same world."""
    fates, worlds = [], []
    for at_start, share in ((0, 0.5), (5, 0.5), (5, 0.0)):
        async with open_house(seed=7, workload=Workload(at_start=at_start)) as house:
            await house.fault("code", code=503, share=share)
            fates.append([await house.status(1) for _ in range(20)])
            await house.more(count=3)
            worlds.append((await house.control("GET", "/truth")).json)
    assert fates[0] == fates[1]
    assert {404, 503} == set(fates[0])
    assert worlds[1] == worlds[2]


async def test_mixed_faults_strike_the_share_asked_for_and_end_when_that_is_none(house: House) -> None:
    number = await house.batch()
    answer = await house.control("POST", "/faults", json={"mixed": 0.0})
    assert (answer.status, answer.json) == (200, {"mixed": 0.0})
    assert [await house.status(number) for _ in range(5)] == [200] * 5
    await house.fault("code", code=418, count=1)
    await house.control("POST", "/faults", json={"mixed": 1.0})
    assert await house.status(number) == 418  # what was asked for goes before what is mixed in
    await house.control("POST", "/faults", json={"mixed": 0.0})
    assert await house.status(number) == 200


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("", "Invalid JSON"),
        ("[]", "object"),
        ("{}", "kind: Field required"),
        ('{"kind": "flood"}', "kind: Input should be"),
        ('{"kind": "code", "colour": 1}', "colour: Extra inputs are not permitted"),
        ('{"kind": "code", "code": 600}', "code: "),
        ('{"kind": "code", "code": 199}', "a code is 200 to 599, or 0 for a lost answer that ends with a reset"),
        ('{"kind": "code", "code": 0}', "a code is 200 to 599"),
        ('{"kind": "lost", "code": 100}', "a code is 200 to 599"),
        ('{"kind": "code", "share": 1.1}', "share: "),
        ('{"kind": "code", "share": NaN}', "share: "),
        ('{"kind": "code", "count": 0}', "count: "),
        ('{"kind": "code", "lasts": 0}', "lasts: "),
        ('{"kind": "slow", "seconds": -1}', "seconds: "),
        ('{"kind": "code", "retry_after": "soon"}', "retry_after."),
        ('{"kind": "code", "retry_after": -1}', "retry_after."),
        ('{"kind": "code", "operation": "walk"}', "operation: "),
        ('{"kind": "code", "batch_ids": ["x"]}', "batch_ids.0: "),
        ('{"kind": "code", "broadcast_ids": 1}', "broadcast_ids: "),
        ('{"kind": "no_status", "rows": 0}', "rows: "),
        ('{"kind": "unknown_status", "word": ""}', "word: "),
        ('{"mixed": 1.5}', "mixed: "),
        ('{"mixed": 0.5, "kind": "code"}', "kind: "),
    ],
)
async def test_a_fault_that_cannot_be_is_refused_with_what_is_wrong(house: House, body: str, word: str) -> None:
    number = await house.batch()
    answer = await house.control("POST", "/faults", data=body)
    assert (answer.status, set(answer.json)) == (400, {"error"})
    assert word in answer.json["error"]
    assert await house.status(number) == 200


# Which one strikes.


def test_the_first_that_fits_and_strikes_decides() -> None:
    faults = Faults(drawing(0.0))
    faults.add(Fault(kind="hang", batch_ids=[2]), START)
    faults.add(Fault(kind="reset", count=1), START)
    faults.add(Fault(kind="cut"), START)
    assert struck(faults, 3) == ["reset", "cut", "cut"]
    assert struck(faults, 1, batch_id=2) == ["hang"]


def test_a_share_strikes_that_share_of_what_fits() -> None:
    faults = Faults(random.Random(1).random)
    faults.add(Fault(kind="cut", share=0.25), START)
    assert struck(faults, 1000, account="?").count("cut") in range(200, 300)


@pytest.mark.parametrize(("share", "fate"), [(0.0, None), (1.0, "cut")])
def test_a_share_of_none_never_strikes_and_one_of_all_always(share: float, fate: str | None) -> None:
    faults = Faults(drawing(0.0, 0.5, 1.0 - 2**-53))
    faults.add(Fault(kind="cut", share=share), START)
    assert struck(faults, 30) == [fate] * 30


def test_a_chance_missed_does_not_count_and_leaves_the_next_one_its_own() -> None:
    faults = Faults(drawing(0.9, 0.9, 0.1, 0.9, 0.1))
    faults.add(Fault(kind="cut", share=0.5, count=1), START)
    faults.add(Fault(kind="reset", share=0.5), START)
    assert struck(faults, 4) == [None, "cut", None, "reset"]


@STEADY
@given(st.integers(min_value=1, max_value=5), st.integers(min_value=0, max_value=10))
def test_a_count_is_never_exceeded(count: int, times: int) -> None:
    faults = Faults(drawing(0.0))
    faults.add(Fault(kind="cut", count=count), START)
    assert struck(faults, times) == (["cut"] * count + [None] * times)[:times]


def test_numbers_are_never_used_twice() -> None:
    faults = Faults(drawing(0.0))
    first = faults.add(Fault(kind="cut"), START)
    assert faults.remove(first)
    assert not faults.remove(first)
    faults.clear()
    assert faults.add(Fault(kind="cut"), START) != first


@pytest.mark.parametrize(("operation", "mixed"), [("batch", MIXED), ("submit", MIXED_SUBMIT)])
def test_every_mixed_fault_strikes_by_its_weight(operation: Operation, mixed: Sequence[tuple[float, Fault]]) -> None:
    weights = sum(weight for weight, _ in mixed)
    assert weights == int(weights)
    drawn: Counter[Fault | None] = Counter()
    for place in range(int(weights)):
        faults = Faults(drawing(0.0, (place + 0.5) / weights))
        faults.mix(0.5)
        drawn[faults.strike("default", operation, 1, START)] += 1
    assert drawn == {fault: weight for weight, fault in mixed}


def test_no_mixed_fault_makes_a_client_take_another_batch_for_the_one_it_added() -> None:
    assert [fault.kind for _, fault in MIXED_SUBMIT if fault.kind == "other_id"] == []
    assert [fault.kind for _, fault in MIXED_SUBMIT if fault.kind == "lost"] == ["lost"] * 3


@STEADY
@given(st.floats(min_value=0.0, max_value=1.0, exclude_max=True))
def test_whatever_is_drawn_a_mixed_fault_strikes(draw: float) -> None:
    faults = Faults(drawing(0.0, draw))
    faults.mix(1.0)
    assert faults.strike("?", None, None, START) in [fault for _, fault in MIXED]


def test_mixed_faults_leave_the_rest_alone() -> None:
    faults = Faults(drawing(0.5))
    faults.mix(0.5)
    assert struck(faults, 3) == [None] * 3
