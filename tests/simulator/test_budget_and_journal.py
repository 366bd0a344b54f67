"""The budget of an account in any second, and the journal of every request that came, as the control address shows it."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulator.house import START, STEADY, House, error_object, open_house
from tests.simulator.raw import connect, request
from watcher.simulator.journal import Entry, Journal

MS = START * 1000


async def codes(house: House, *pauses: float, **how: Any) -> list[int]:
    """The codes of looks at a batch that is not there, each so many seconds after the one before."""
    seen = []
    for pause in pauses:
        house.clock.turn(pause)
        seen.append(await house.status(1, **how))
    return seen


# The budget.


async def test_what_is_over_the_budget_in_any_second_is_too_much() -> None:
    async with open_house(budget=2) as house:
        assert await codes(house, 0, 0.5, 0.25, 0.125) == [404, 404, 429, 429]
        assert await codes(house, 5.0, 0.75, 0.25, 0.75, 0.25) == [404, 404, 404, 404, 404]


async def test_a_second_slides_and_what_was_refused_counts_too() -> None:
    async with open_house(budget=1) as house:
        assert await codes(house, 0, 0.75, 0.75, 0.75, 1.0) == [404, 429, 429, 429, 404]


async def test_each_account_has_its_own_budget_and_strangers_none() -> None:
    async with open_house(budget=1) as house:
        assert await codes(house, 0, 0) == [404, 429]
        assert await codes(house, 0, 0, account="other") == [404, 429]
        assert await codes(house, 0, 0, account=None) == [401, 401]


async def test_without_a_budget_anything_goes(house: House) -> None:
    assert await codes(house, *[0.0] * 50) == [404] * 50


@pytest.mark.parametrize(
    ("set_up", "told"), [(1.0, "1"), (2.5, "2.5"), (None, None), ("date", "Mon, 23 Nov 2026 12:00:02 GMT")]
)
async def test_too_much_is_told_with_a_pause_as_set_up(set_up: Any, told: str | None) -> None:
    async with open_house(budget=1, retry_after=set_up) as house:
        await house.status(1)
        answer = await house.ask("GET", "/campaigns/batches/1")
        assert (answer.status, answer.json) == (429, error_object(429, "Too many requests"))
        assert answer.headers.get("Retry-After") == told


async def test_nothing_is_done_over_the_budget() -> None:
    async with open_house(budget=1) as house:
        path = f"/campaigns/batches/{await house.batch()}"
        for _ in range(2):
            await house.ask("PUT", path, json={"enabled": False})
            await house.ask("PUT", path, json={"enabled": True})
        house.clock.turn(1.0)
        assert (await house.ask("GET", path)).json["enabled"] is False


async def test_a_fault_comes_before_the_budget_and_what_it_strikes_is_counted() -> None:
    async with open_house(budget=1) as house:
        await house.fault("code", code=503, count=1)
        assert await codes(house, 0, 0, 1.0) == [503, 429, 404]


@STEADY
@given(st.lists(st.integers(min_value=0, max_value=160), min_size=1, max_size=60))
def test_what_was_spent_is_counted_as_one_would_by_hand(pauses: list[int]) -> None:
    """Moments are in 64ths of a second, which floats hold exactly."""
    journal, moments, seen = Journal(), [], []
    at = START
    for pause in pauses:
        at += pause / 64
        moments.append(at)
        entry = Entry(at=at, account="a", method="GET", path="/", batch_id=None)
        seen.append(journal.arrived(entry))
        assert journal.entries[-1] is entry
    by_hand = [sum(now - 1 < each <= now for each in moments[: place + 1]) for place, now in enumerate(moments)]
    assert seen == by_hand
    spent = journal.spent["a"]
    assert (spent.total, spent.most) == (len(moments), max(by_hand))
    assert spent.most_at == moments[by_hand.index(spent.most)]


# What the control address tells of it.


async def test_what_was_spent_is_told_for_each_account(house: House) -> None:
    assert (await house.control("GET", "/budget")).json == {}
    await codes(house, 0, 0.5, 0.25, 2.0)
    await codes(house, 0, account="other")
    await codes(house, 0, account=None)
    assert (await house.control("GET", "/budget")).json == {
        "default": {"total": 4, "most_in_a_second": 3, "at": MS + 750},
        "other": {"total": 1, "most_in_a_second": 1, "at": MS + 2750},
        "?": {"total": 1, "most_in_a_second": 1, "at": MS + 2750},
    }


async def test_every_request_is_in_the_journal(house: House) -> None:
    [number], broadcast = await house.more(kind="calls", validating_for=0.0)
    page, batch = f"/calls/broadcasts/{broadcast}/batches", f"/campaigns/batches/{number}"
    await house.ask("GET", batch + "?fields=id")
    house.clock.turn(0.5)
    await house.ask("GET", page)
    await house.ask("POST", page, json={}, account="other")
    await house.ask("PUT", batch, json={"enabled": True}, account=None)
    await house.ask("GET", "/campaigns/batches/x")
    await house.ask("DELETE", "/nowhere")
    expected = [
        (MS, "default", "GET", batch, number, "200"),
        (MS + 500, "default", "GET", page, None, "200"),
        (MS + 500, "other", "POST", page, None, "404"),
        (MS + 500, "?", "PUT", batch, number, "401"),
        (MS + 500, "default", "GET", "/campaigns/batches/x", None, "404"),
        (MS + 500, "default", "DELETE", "/nowhere", None, "404"),
    ]
    keys = ("at", "account", "method", "path", "batch_id", "outcome")
    shown = [dict(zip(keys, (*each[:3], "/v2" + each[3], *each[4:]), strict=True)) for each in expected]
    assert (await house.control("GET", "/requests")).json == {"requests": shown, "next": 6}
    assert (await house.control("GET", "/requests?since=4")).json == {"requests": shown[4:], "next": 6}


async def test_a_journal_asked_beyond_its_end_is_empty(house: House) -> None:
    await house.status(1)
    assert (await house.control("GET", "/requests?since=1")).json == {"requests": [], "next": 1}
    assert (await house.control("GET", "/requests?since=9")).json == {"requests": [], "next": 9}


async def test_a_request_that_has_not_come_whole_is_pending(house: House) -> None:
    _, writer = await connect(house)
    whole = request("PUT", "/campaigns/batches/1", b'{"enabled": true}')
    writer.write(whole[:-1])
    await house.happened("pending")
    writer.write(whole[-1:])
    await house.happened("404")
    writer.close()


async def test_a_request_is_judged_by_the_moment_at_which_it_has_come_whole(house: House) -> None:
    """It counts for the budget when it began."""
    number = await house.batch(new_for=2.0, validating_for=2.0)
    reader, writer = await connect(house)
    whole = request("GET", f"/campaigns/batches/{number}?fields=status", b"x")
    writer.write(whole[:-1])
    await house.happened("pending")
    house.clock.turn(3.0)
    writer.write(whole[-1:])
    async with asyncio.timeout(60):
        assert (await reader.read()).endswith(b'{"status":"VALIDATING"}')
    writer.close()
    assert (await house.control("GET", "/requests")).json["requests"][0]["at"] == MS


@pytest.mark.parametrize("path", ["/requests", "/truth"])
@pytest.mark.parametrize(
    ("query", "word"),
    [
        ("since=-1", "'-1' is not a number from 0 to 9223372036854775807"),
        ("since=", "'' is not a number"),
        ("since=1.5", "'1.5' is not a number"),
        ("since=%D9%A1", "'١' is not a number"),
        ("since=%C2%B2", "'²' is not a number"),
        (f"since={2**63}", "is not a number"),
        ("since=" + "9" * 5000, f"'{'9' * 40}' is not a number"),
        ("from=1", "the only parameter is since"),
        ("since=1&limit=2", "the only parameter is since"),
    ],
)
async def test_a_bad_question_is_refused_with_a_word(house: House, path: str, query: str, word: str) -> None:
    answer = await house.control("GET", f"{path}?{query}")
    assert (answer.status, set(answer.json)) == (400, {"error"})
    assert word in answer.json["error"]


@pytest.mark.parametrize("number", ["x", "-1", "1e3", str(2**63)])
async def test_a_fault_is_taken_back_by_its_number(house: House, number: str) -> None:
    answer = await house.control("DELETE", f"/faults/{number}")
    assert (answer.status, answer.json) == (400, {"error": f"'{number}' is not a number from 0 to 9223372036854775807"})
