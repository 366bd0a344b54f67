"""Batches added and switched: what is sent, how each answer is called, and that nothing leaves before it may, or twice."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.callfire.test_client import callfire, session
from tests.callfire.test_client_simulated import open_line
from tests.fakes import NOON, Ear
from tests.sockets import Reply, drop, hang, http, listening, reset
from watcher.callfire.client import CallFire
from watcher.core.answers import Kind, SubmitAnswer, SwitchAnswer
from watcher.core.model import Batch
from watcher.core.news import Answered
from watcher.core.submissions import Order, verdict
from watcher.ports import StoreError

ORDER = Order(
    broadcast_id=14,
    kind="call",
    name="Spring [7k3f9x2abc4m]",
    request=b'{"recipients":[{"phone_number":"12135551122","attributes":{"first":"Ad\xc3\xa4"}},{"contact_id":7}],'
    b'"contact_list_id":null,"scrub_duplicates":false}',
    strict=False,
)
LIST = replace(
    ORDER, kind="text", request=b'{"recipients":null,"contact_list_id":7,"scrub_duplicates":true}', strict=True
)
ERROR = b'{"httpStatusCode":400,"message":"no such list"}'
SHORT = timedelta(seconds=0.2)


async def nothing() -> None:
    """It may leave."""


async def submitted(*replies: Reply, whole: timedelta = timedelta(seconds=15)) -> SubmitAnswer:
    """What comes of a batch that is added at a server that replies so."""
    async with listening(*replies) as server, session() as opened:
        return await callfire(opened, server.url, whole=whole).submit(ORDER, nothing)


async def test_a_batch_is_one_request_with_all_it_needs() -> None:
    ear = Ear()
    async with listening(http(201, b'{"id":13}')) as server, session() as opened:
        answer = await callfire(opened, server.url, ear=ear).submit(ORDER, nothing)
    assert answer == SubmitAnswer(asked=NOON, answered=NOON, kind=Kind.SEEN, outcome="201", batch_id=13, size=9)
    [heard] = server.heard
    assert heard.line == "POST /v2/calls/broadcasts/14/batches HTTP/1.1"
    assert heard.headers["content-type"] == "application/json"
    assert heard.headers["authorization"] == "Basic bG9naW46cGFzc3dvcmQ="
    assert json.loads(heard.body) == {
        "name": "Spring [7k3f9x2abc4m]",
        "recipients": [{"phoneNumber": "12135551122", "attributes": {"first": "Adä"}}, {"contactId": 7}],
    }
    assert ear.heard == [Answered(account="default", operation="submit", outcome="201", took=0.0, size=9)]


async def test_a_batch_of_very_many_is_sent_as_a_whole() -> None:
    recipients = [{"phone_number": f"1213{number}"} for number in range(5_550_000, 5_600_000)]
    large = replace(ORDER, request=json.dumps({"recipients": recipients}).encode())
    async with listening(http(201, b'{"id":13}')) as server, session() as opened:
        answer = await callfire(opened, server.url).submit(large, nothing)
    assert answer.batch_id == 13
    [heard] = server.heard
    assert len(json.loads(heard.body)["recipients"]) == 50_000


async def test_a_contact_list_is_sent_to_with_what_was_asked_for() -> None:
    async with listening(http(200, b'{"id":13}')) as server, session() as opened:
        await callfire(opened, server.url).submit(LIST, nothing)
    [heard] = server.heard
    assert heard.line == "POST /v2/texts/broadcasts/14/batches?strictValidation=true HTTP/1.1"
    assert json.loads(heard.body) == {"name": ORDER.name, "contactListId": 7, "scrubDuplicates": True}


@pytest.mark.parametrize(
    ("reply", "outcome", "kind", "expected"),
    [
        (http(200, b'{"id":13}'), "200", Kind.SEEN, "taken"),
        (http(201, b'{"id":0}'), "201", Kind.GARBAGE, "unclear"),
        (http(200, b'{"id":"13"}'), "200", Kind.GARBAGE, "unclear"),
        (http(200, b"{"), "200", Kind.GARBAGE, "unclear"),
        (http(204), "204", Kind.GARBAGE, "unclear"),
        (http(302, location="/elsewhere"), "302", Kind.FAILED, "unclear"),
        (http(400, ERROR), "400", Kind.UNFIT, "refused"),
        (http(400, b"<html>Bad request</html>"), "400", Kind.UNFIT, "unclear"),
        (http(404, b'{"message":""}'), "404", Kind.NOT_FOUND, "unclear"),
        (http(401), "401", Kind.UNAUTHORIZED, "refused"),
        (http(429, retry_after="3"), "429", Kind.THROTTLED, "not taken"),
        (http(503, ERROR), "503", Kind.FAILED, "unclear"),
        (drop, "reset", Kind.FAILED, "unclear"),
        (reset, "reset", Kind.FAILED, "unclear"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{", "timeout", Kind.FAILED, "unclear"),
        (hang, "timeout", Kind.FAILED, "unclear"),
        (b"what is this?\r\n\r\n", "bad_body", Kind.FAILED, "unclear"),
    ],
)
async def test_each_answer_is_called_by_what_is_certain(reply: Reply, outcome: str, kind: Kind, expected: str) -> None:
    answer = await submitted(reply, whole=SHORT if outcome == "timeout" else timedelta(seconds=15))
    assert (answer.outcome, answer.kind, verdict(answer), answer.departed) == (outcome, kind, expected, True)


async def test_a_pause_and_callfires_words_come_with_the_answer() -> None:
    answer = await submitted(http(400, ERROR, retry_after="9"))
    assert (answer.retry_after, answer.detail, answer.explained) == (timedelta(seconds=9), "no such list", True)


async def test_where_nobody_listens_not_a_byte_left() -> None:
    async with listening(http(200)) as server:
        pass
    async with session() as opened:
        answer = await callfire(opened, server.url).submit(ORDER, nothing)
    assert (answer.outcome, answer.departed, verdict(answer)) == ("reset", False, "not taken")


async def test_a_name_that_is_not_known_is_not_sent_to() -> None:
    async with session() as opened:
        answer = await callfire(opened, "http://callfire.invalid").submit(ORDER, nothing)
    assert (answer.outcome, verdict(answer)) == ("dns", "not taken")


async def test_it_leaves_after_it_was_written_down_and_only_then() -> None:
    async with listening(http(200, b'{"id":13}')) as server, session() as opened:
        heard_before: list[int] = []

        async def leave() -> None:
            heard_before.append(len(server.heard))

        await callfire(opened, server.url).submit(ORDER, leave)
    assert heard_before == [0]
    assert len(server.heard) == 1


async def test_what_cannot_be_written_down_does_not_leave() -> None:
    async def full() -> None:
        raise StoreError("the disk is full")

    async with listening(http(200, b'{"id":13}')) as server, session() as opened:
        with pytest.raises(StoreError, match="the disk is full"):
            await callfire(opened, server.url).submit(ORDER, full)
    assert server.heard == []


@pytest.mark.parametrize("lose", [drop, reset])
async def test_a_connection_found_closed_has_no_batch_sent_twice(lose: Reply) -> None:
    async with listening(http(200, b'{"id":13}'), lose, http(200, b'{"id":14}')) as server, session() as opened:
        upstream = callfire(opened, server.url)
        await upstream.submit(ORDER, nothing)
        lost = await upstream.submit(ORDER, nothing)
        assert (lost.outcome, verdict(lost)) == ("reset", "unclear")
        assert len(server.heard) == 2


# Switching.


async def test_a_batch_is_switched_by_one_request() -> None:
    ear = Ear()
    async with listening(http(200)) as server, session() as opened:
        answer = await callfire(opened, server.url, ear=ear).switch(13, enabled=False)
    assert answer == SwitchAnswer(batch_id=13, asked=NOON, answered=NOON, kind=Kind.SEEN, outcome="200", done=True)
    [heard] = server.heard
    assert (heard.line, heard.body) == ("PUT /v2/campaigns/batches/13 HTTP/1.1", b'{"enabled": false}')
    assert ear.heard == [Answered(account="default", operation="switch", outcome="200", took=0.0, size=0)]


@pytest.mark.parametrize(
    ("reply", "outcome", "kind", "detail"),
    [
        (http(404, ERROR), "404", Kind.NOT_FOUND, "no such list"),
        (http(503), "503", Kind.FAILED, None),
        (drop, "reset", Kind.FAILED, "the connection was closed before an answer came"),
    ],
)
async def test_what_was_not_switched_is_called_by_what_came(
    reply: Reply, outcome: str, kind: Kind, detail: str | None
) -> None:
    async with listening(reply) as server, session() as opened:
        answer = await callfire(opened, server.url).switch(13, enabled=True)
    assert (answer.outcome, answer.kind, answer.done, answer.detail) == (outcome, kind, False, detail)


# The simulator.


async def looked_at(upstream: CallFire, batch_id: int) -> Batch:
    answer = await upstream.look(batch_id)
    assert answer.batch is not None
    return answer.batch


async def test_a_believable_callfire_takes_it_shows_it_and_switches_it() -> None:
    async with open_line() as line:
        _, broadcast = await line.house.more(kind="calls")
        order = replace(ORDER, broadcast_id=broadcast)
        answer = await line.callfire.submit(order, nothing)
        assert answer.batch_id is not None
        batch = await looked_at(line.callfire, answer.batch_id)
        assert (batch.name, batch.size, batch.broadcast_id) == (order.name, 2, broadcast)
        page = await line.page("call", broadcast)
        assert [each.name for each in page.items if each.id == answer.batch_id] == [order.name]
        assert (await line.callfire.switch(answer.batch_id, enabled=False)).done
        assert (await looked_at(line.callfire, answer.batch_id)).enabled is False


async def test_a_believable_callfire_refuses_a_bad_number_where_it_is_to_be_strict() -> None:
    async with open_line() as line:
        _, broadcast = await line.house.more(kind="calls")
        bad = replace(ORDER, broadcast_id=broadcast, request=b'{"recipients":[{"phone_number":"1"}]}', strict=True)
        answer = await line.callfire.submit(bad, nothing)
        assert (verdict(answer), answer.detail) == ("refused", "1 of 1 numbers did not pass validation")
        elsewhere = await line.callfire.submit(replace(bad, kind="text"), nothing)
        assert (verdict(elsewhere), elsewhere.outcome) == ("refused", "404")


@pytest.mark.parametrize("fault", [{"kind": "lost", "code": 0}, {"kind": "lost", "code": 503}, {"kind": "cut"}])
async def test_an_answer_that_was_lost_after_the_batch_was_added_is_unclear(fault: dict[str, object]) -> None:
    async with open_line() as line:
        _, broadcast = await line.house.more(kind="calls")
        await line.house.fault(operation="submit", **fault)  # type: ignore[arg-type]
        answer = await line.callfire.submit(replace(ORDER, broadcast_id=broadcast), nothing)
        assert verdict(answer) == "unclear"
        assert [each.name for each in (await line.page("call", broadcast)).items].count(ORDER.name) == 1
