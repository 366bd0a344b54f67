"""Each fault as a client sees it on the wire, and what was done in spite of it; and right answers, packed or not."""

import asyncio
import gzip
import json
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final, cast, get_args

import pytest
from aiohttp import web

from tests.simulator.house import PATIENCE, START, House, error_object, open_house
from tests.simulator.raw import NOTHING_BUT_A_RESET, Bytes, connect, heard, request
from watcher.simulator.answers import Answer
from watcher.simulator.faults import INSTEAD, Fault, FaultKind
from watcher.simulator.sending import HTML, suffer

MEBIBYTE: Final = 2**20
DISABLING: Final = b'{"enabled": false}'
ADDITION: Final = b'{"name": "lost", "contactListId": 1}'


async def struck(house: House, **fault: Any) -> tuple[Bytes, Bytes]:
    """The right answer about a batch, and the one that the fault strikes."""
    path = f"/campaigns/batches/{await house.batch()}"
    right = await heard(house, "GET", path)
    await house.fault(**fault, count=1)
    return right, await heard(house, "GET", path)


def lasting(answer: Bytes) -> tuple[int | None, dict[str, str], bytes, bool]:
    """All of it but when it was sent."""
    return answer.code, {**answer.headers, "date": ""}, answer.body, answer.reset


# Answers instead of what was asked for.


async def test_a_code_is_an_error_of_callfires(house: House) -> None:
    _, answer = await struck(house, kind="code", code=429)
    assert (answer.code, answer.headers["content-type"]) == (429, "application/json")
    assert json.loads(answer.body) == error_object(429, "Too many requests")


@pytest.mark.parametrize(
    ("body", "content_type", "sent"),
    [("html", "text/html", HTML), ("empty", "application/json", b"")],
)
async def test_a_code_may_be_a_proxys_page_or_nothing(house: House, body: str, content_type: str, sent: bytes) -> None:
    _, answer = await struck(house, kind="code", code=502, body=body, retry_after=7)
    assert (answer.code, answer.headers["content-type"], answer.body) == (502, content_type, sent)
    assert answer.headers["retry-after"] == "7"


async def test_a_redirect_leads_elsewhere(house: House) -> None:
    _, answer = await struck(house, kind="redirect", retry_after=1)
    assert (answer.code, answer.headers["location"], answer.headers["retry-after"]) == (302, "/elsewhere", "1")


async def test_a_reset_comes_before_any_byte(house: House) -> None:
    _, answer = await struck(house, kind="reset")
    assert answer == NOTHING_BUT_A_RESET


@pytest.mark.parametrize("kind", ["code", "redirect", "reset"])
async def test_nothing_is_done_where_something_else_comes_instead(house: House, kind: str) -> None:
    path = f"/campaigns/batches/{await house.batch()}"
    await house.fault(kind, count=1)
    await heard(house, "PUT", path, DISABLING)
    assert (await house.ask("GET", path)).json["enabled"] is True


async def test_a_hang_brings_nothing_does_nothing_and_ends_when_the_client_goes(house: House) -> None:
    path = f"/campaigns/batches/{await house.batch()}"
    await house.fault("hang", count=1)
    await house.outcomes()  # the connection that is kept for asking has its task from here on
    before = asyncio.all_tasks()
    reader, writer = await connect(house)
    writer.write(request("PUT", path, DISABLING))
    await house.happened("hang")
    answering = asyncio.all_tasks() - before
    await house.outcomes()
    assert not all(task.done() for task in answering)
    assert not reader.at_eof()
    writer.close()
    _, unfinished = await asyncio.wait(answering, timeout=PATIENCE)
    assert unfinished == set()
    assert (await house.ask("GET", path)).json["enabled"] is True


async def test_a_hang_ends_with_the_simulator() -> None:
    async with open_house() as house:
        await house.fault("hang")
        reader, writer = await connect(house)
        writer.write(request("GET", "/campaigns/batches/1"))
        await house.happened("hang")
    async with asyncio.timeout(PATIENCE):
        assert await reader.read() == b""
    writer.close()


# What was asked is done, and the answer to it goes wrong.


async def test_what_was_asked_is_done_and_the_answer_lost(house: House) -> None:
    [number], broadcast = await house.more(kind="calls", validating_for=0.0)
    page = f"/calls/broadcasts/{broadcast}/batches"
    await house.fault("lost", code=0, count=1)
    assert await heard(house, "PUT", f"/campaigns/batches/{number}", DISABLING) == NOTHING_BUT_A_RESET
    await house.fault("lost", code=504, count=1, retry_after=2)
    answer = await heard(house, "POST", page, ADDITION)
    assert (answer.code, answer.headers["retry-after"]) == (504, "2")
    assert json.loads(answer.body) == error_object(504, "Internal error")
    items = (await house.ask("GET", f"{page}?fields=items(name,enabled)")).json["items"]
    assert items == [{"name": f"API {number}", "enabled": False}, {"name": "lost", "enabled": True}]
    assert await house.outcomes() == ["lost", "lost", "200"]


async def test_a_lost_answer_does_not_excuse_bad_requests(house: House) -> None:
    _, broadcast = await house.more(kind="calls", validating_for=0.0)
    await house.fault("lost", code=0, count=1)
    assert await heard(house, "POST", f"/calls/broadcasts/{broadcast}/batches", b"{}") == NOTHING_BUT_A_RESET
    assert (await house.ask("GET", f"/calls/broadcasts/{broadcast}/batches")).json["totalCount"] == 1


@pytest.mark.parametrize(
    "kind",
    sorted({*get_args(FaultKind)} - {*INSTEAD, "lost"}),
)
async def test_an_answer_that_goes_wrong_undoes_nothing(house: House, kind: str) -> None:
    path = f"/campaigns/batches/{await house.batch()}"
    await house.fault(kind, count=1, seconds=0.0)
    answer = await heard(house, "PUT", path, DISABLING)
    assert (answer.code, answer.reset) == (200, False)
    assert (await house.ask("GET", path)).json["enabled"] is False


@pytest.mark.parametrize(("kind", "body"), [("not_json", b"{ status: maybe"), ("empty", b"")])
async def test_a_body_is_no_json_or_none(house: House, kind: str, body: bytes) -> None:
    right, answer = await struck(house, kind=kind)
    length = str(len(body))
    assert lasting(answer) == (200, {**right.headers, "date": "", "content-length": length}, body, False)
    with pytest.raises(ValueError, match=r"Expecting"):
        json.loads(answer.body)


async def test_a_huge_body_is_over_a_mebibyte(house: House) -> None:
    _, answer = await struck(house, kind="huge")
    assert len(answer.body) == int(answer.headers["content-length"]) > MEBIBYTE
    assert "status" not in json.loads(answer.body)


async def test_a_bomb_is_small_until_it_is_unpacked(house: House) -> None:
    _, answer = await struck(house, kind="bomb")
    assert answer.headers["content-encoding"] == "gzip"
    assert len(answer.body) < 10_000
    assert len(gzip.decompress(answer.body)) > MEBIBYTE


async def test_bad_gzip_is_none_though_it_says_so(house: House) -> None:
    right, answer = await struck(house, kind="bad_gzip")
    assert lasting(answer) == (200, {**right.headers, "date": "", "content-encoding": "gzip"}, right.body, False)
    with pytest.raises(gzip.BadGzipFile):
        gzip.decompress(answer.body)


async def test_a_cut_answer_ends_in_the_middle_of_its_body(house: House) -> None:
    right, answer = await struck(house, kind="cut")
    assert (answer.code, answer.reset, answer.headers["content-type"]) == (200, False, "application/json")
    assert right.body.startswith(answer.body)
    assert 0 < len(answer.body) < len(right.body) < int(answer.headers["content-length"])


async def test_a_wrong_length_is_less_than_there_is(house: House) -> None:
    right, answer = await struck(house, kind="wrong_length", retry_after=3)
    assert (answer.code, answer.body, answer.reset) == (200, right.body, False)
    assert (int(answer.headers["content-length"]), answer.headers["retry-after"]) == (len(right.body) - 10, "3")


async def test_a_slow_answer_is_the_right_one_later(house: House) -> None:
    loop = asyncio.get_running_loop()
    number = await house.batch()
    right = await heard(house, "GET", f"/campaigns/batches/{number}")
    await house.fault("slow", seconds=0.05, retry_after=4)
    began = loop.time()
    answer = await heard(house, "GET", f"/campaigns/batches/{number}")
    assert loop.time() - began > 0.04
    assert lasting(answer) == (200, {**right.headers, "date": "", "retry-after": "4"}, right.body, False)


@pytest.mark.parametrize(
    ("kind", "change", "elsewhere"),
    [
        ("no_status", lambda shown: {key: value for key, value in shown.items() if key != "status"}, 0),
        ("other_id", lambda shown: {**shown, "id": shown["id"] + 1}, 1),  # on a page, of another broadcast
        ("unknown_status", lambda shown: {**shown, "status": "PONDERING"}, 0),
    ],
)
async def test_a_batch_or_every_item_of_a_page_makes_no_sense_or_makes_another(
    house: House, kind: str, change: Any, elsewhere: int
) -> None:
    right, answer = await struck(house, kind=kind)
    assert (answer.code, json.loads(answer.body)) == (200, change(json.loads(right.body)))
    _, broadcast = await house.more(count=3, kind="texts", validating_for=0.0)
    path = f"/texts/broadcasts/{broadcast}/batches"
    page = (await house.ask("GET", path)).json
    changed = [{**change(item), "broadcastId": broadcast + elsewhere} for item in page["items"]]
    for rows, items in ((None, changed), (1, [*changed[:1], *page["items"][1:]]), (7, changed)):
        await house.fault(kind, count=1, rows=rows)
        assert (await house.ask("GET", path)).json == {**page, "items": items}


async def test_a_page_of_other_ids_tells_no_broadcast_that_was_not_asked_for(house: House) -> None:
    [number], broadcast = await house.more(kind="calls", validating_for=0.0)
    await house.fault("other_id", operation="page")
    page = await house.ask("GET", f"/calls/broadcasts/{broadcast}/batches?fields=items(id,size)")
    assert page.json == {"items": [{"id": number + 1, "size": 1000}]}


async def test_the_unknown_status_is_the_word_asked_for(house: House) -> None:
    _, answer = await struck(house, kind="unknown_status", word="ÜBERPRÜFT")
    assert json.loads(answer.body)["status"] == "ÜBERPRÜFT"


@pytest.mark.parametrize("kind", ["no_status", "other_id", "unknown_status", "slow"])
async def test_an_error_stays_one_whatever_befalls_it(house: House, kind: str) -> None:
    await house.fault(kind, seconds=0.0)
    answer = await house.ask("GET", "/campaigns/batches/1")
    assert (answer.status, answer.json) == (404, error_object(404, "Entity not found"))


# Retry-After.


@pytest.mark.parametrize(("asked", "told"), [(0, "0"), (1, "1"), (1.5, "1.5"), (10, "10"), (0.25, "0.25"), (1e-9, "0")])
async def test_a_pause_is_told_in_seconds(house: House, asked: float, told: str) -> None:
    _, answer = await struck(house, kind="code", retry_after=asked)
    assert answer.headers["retry-after"] == told


async def test_a_pause_is_told_as_a_date_two_seconds_ahead(house: House) -> None:
    _, answer = await struck(house, kind="code", retry_after="date")
    told = answer.headers["retry-after"]
    assert told.endswith(" GMT")
    assert parsedate_to_datetime(told) == datetime.fromtimestamp(START, UTC) + timedelta(seconds=2)


async def test_no_pause_is_told_unless_asked_for(house: House) -> None:
    right, answer = await struck(house, kind="code")
    assert "retry-after" not in {*right.headers, *answer.headers}


# Right answers.


@pytest.mark.parametrize(
    ("accepted", "count", "encoding"),
    [("gzip", 20, "gzip"), ("deflate, GZIP", 20, "gzip"), ("gzip", 1, None), ("deflate", 20, None)],
)
async def test_an_answer_is_packed_where_that_is_taken_and_worth_it(
    house: House, accepted: str, count: int, encoding: str | None
) -> None:
    _, broadcast = await house.more(count=count, kind="calls", validating_for=0.0)
    path = f"/calls/broadcasts/{broadcast}/batches"
    plain, answer = await heard(house, "GET", path), await heard(house, "GET", path, Accept_Encoding=accepted)
    assert ("content-encoding" in plain.headers, answer.headers.get("content-encoding")) == (False, encoding)
    assert (gzip.decompress(answer.body) if encoding else answer.body) == plain.body


async def test_answers_take_as_long_as_they_are_set_up_to() -> None:
    async with open_house(latency=0.001) as house:
        assert await house.status(await house.batch()) == 200


async def test_one_connection_serves_many_requests(house: House) -> None:
    number = await house.batch()
    reader, writer = await connect(house)
    writer.write(request("GET", f"/campaigns/batches/{number}", Connection="keep-alive"))
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
    writer.write(request("GET", "/nowhere"))
    assert b"HTTP/1.1 404 " in await reader.read()
    writer.close()


# Clients that have gone.


class Gone:
    """A request whose client went while it was being answered."""

    transport = None


@pytest.mark.parametrize("kind", ["reset", "cut", "wrong_length"])
async def test_a_client_that_has_gone_is_left_alone(kind: FaultKind) -> None:
    response = await suffer(cast(web.Request, Gone()), Fault(kind=kind), Answer(200, b"{}"), START)
    assert (response.status, response.body) == (200, None)
