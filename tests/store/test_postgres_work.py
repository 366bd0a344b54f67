"""Work that asks one question after another, over a connection that makes nobody wait."""

import asyncio
from functools import partial

import pytest

from watcher.store.postgres_work import Placed, _wait, doing, placed, spelled


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT 1", Placed("SELECT 1", [], gives=True)),
        (
            "DELETE FROM t WHERE a = :a AND b = :b AND c = :a",
            Placed("DELETE FROM t WHERE a = $1 AND b = $2 AND c = $1", ["a", "b"], gives=False),
        ),
        ("UPDATE t SET a = ':b' RETURNING a", Placed("UPDATE t SET a = ':b' RETURNING a", [], gives=True)),
        (
            "SELECT a FROM t WHERE (:state IS NULL OR state = :state)",
            Placed("SELECT a FROM t WHERE ($1::text IS NULL OR state = $1)", ["state"], gives=True),
        ),
    ],
)
def test_names_become_numbers(statement: str, expected: Placed) -> None:
    assert placed(statement) == expected


async def _double(number: int) -> int:
    await asyncio.sleep(0)
    if number < 0:
        raise ValueError(number)
    return number * 2


async def test_work_gets_its_answers_one_after_another() -> None:
    assert await doing(lambda: [_wait(_double(number)) for number in (1, 2, 3)]) == [2, 4, 6]


async def test_work_that_asks_nothing_is_done_at_once() -> None:
    assert await doing(lambda: 3) == 3


async def test_what_a_question_raises_the_work_may_catch() -> None:
    def work() -> int:
        try:
            return _wait(_double(-1))
        except ValueError:
            return _wait(_double(4))

    assert await doing(work) == 8


async def test_what_the_work_raises_is_raised() -> None:
    def work() -> int:
        return _wait(_double(-1))

    with pytest.raises(ValueError, match="-1"):
        await doing(work)


async def test_work_that_is_cancelled_ends_where_it_is() -> None:
    reached: list[str] = []
    asked = asyncio.Event()

    async def question() -> None:
        asked.set()
        await asyncio.Event().wait()

    def work() -> None:
        try:
            _wait(question())
        finally:
            reached.append("end")

    task = asyncio.create_task(doing(work))
    await asked.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert reached == ["end"]


async def test_works_beside_each_other_do_not_mix() -> None:
    def work(number: int) -> list[int]:
        return [_wait(_double(number + step)) for step in range(5)]

    results = await asyncio.gather(*(doing(partial(work, number)) for number in range(10)))
    assert results == [[2 * (number + step) for step in range(5)] for number in range(10)]


def test_a_statement_with_its_values_in_it_says_the_same() -> None:
    said = spelled("SELECT :name, ':name', :count, CAST(:count AS BIGINT)", {"name": "it's", "count": 7})
    assert said == "SELECT 'it''s', ':name', 7, CAST(7 AS BIGINT)"
