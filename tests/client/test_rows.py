"""Very many rows: in portions, with what became of each."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from aiohttp import web

from tests.client.house import made, shown
from watcher.client import Outcome, Row
from watcher.client.rows import Raw


def taking(bodies: list[list[Any]]) -> Any:
    async def answer(request: web.Request) -> web.Response:
        rows = [json.loads(line) for line in (await request.read()).splitlines()]
        bodies.append(rows)
        items = [
            {"row": n, "result": "created", "account": "a", "batch_id": row["batch_id"]}
            if row["batch_id"] != 13
            else {"row": n, "error": {"detail": "Not that."}}
            for n, row in enumerate(rows)
        ]
        return web.json_response({"items": items}, headers={"Server": "watcher"})

    return answer


async def test_rows_are_sent_in_portions_that_the_daemon_takes() -> None:
    bodies: list[list[Any]] = []
    sent: list[int] = []
    rows = [Row(batch_id=n, where=str(n)) for n in range(1, 10_002)]
    large = [Row(batch_id=n, labels={"x": "y" * 1_700_000}, where=str(n)) for n in range(20_001, 20_004)]
    async with made(taking(bodies)) as here:
        outcomes = [
            each async for some in here.watcher.follow_many([*rows, *large], progress=sent.append) for each in some
        ]
    assert [len(body) for body in bodies] == sent == [10_000, 3, 1]
    assert [outcome.batch_id for outcome in outcomes if outcome.error is None] == [
        row.batch_id for row in [*rows, *large] if row.batch_id != 13
    ]
    assert outcomes[12] == Outcome(where="13", error="Not that.")


async def test_all_that_is_wrong_with_a_row_is_told() -> None:
    errors = [{"pointer": "/batch_id", "message": "Field required"}, {"pointer": "/batch", "message": "Not known"}]
    items = [
        {"row": number, "error": {"detail": "Field required, at /batch_id; and more", "errors": errors[:count]}}
        for number, count in enumerate((1, 2))
    ]
    async with made(shown({"items": items})) as here:
        outcomes = [each async for some in here.watcher.follow_many([Row(batch_id=1)] * 2) for each in some]
    assert [outcome.error for outcome in outcomes] == [
        "Field required, at /batch_id; and more",
        "Field required, at /batch_id; Not known, at /batch",
    ]


async def test_rows_may_come_as_they_are_made_and_only_what_is_given_is_said() -> None:
    async def slowly() -> AsyncIterator[Row | Raw]:
        yield Row(batch_id=1, account="a", labels={}, correlation_id="c", broadcast_id=2, expires_in="12h", where="w")
        yield Raw(where="x", body={"batch_id": 2, "colour": "blue"})

    bodies: list[list[Any]] = []
    async with made(taking(bodies)) as here:
        outcomes = [each async for some in here.watcher.follow_many(slowly()) for each in some]
    full = {"batch_id": 1, "account": "a", "labels": {}, "correlation_id": "c", "broadcast_id": 2, "expires_in": "12h"}
    assert bodies == [[full, {"batch_id": 2, "colour": "blue"}]]
    assert outcomes[1] == Outcome(where="x", result="created", account="a", batch_id=2)


async def test_no_more_than_a_portion_is_read_before_it_is_sent() -> None:
    read = 0

    def counted() -> Iterator[Row]:
        nonlocal read
        for number in range(100, 30_100):
            read = number - 99
            yield Row(batch_id=number)

    async with made(taking([])) as here:
        async for _ in here.watcher.follow_many(counted()):
            break
    assert read == 10_001
