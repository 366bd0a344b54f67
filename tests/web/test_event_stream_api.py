"""The log as a stream: every event once and in order, from any position on, for whoever may hear it and keeps up."""

import asyncio
from typing import Any

import aiohttp
import pytest

from tests.fake_store import FakeStore
from tests.fakes import NOON, FakeClock, settle_down
from tests.telemetry.every_news import changed
from tests.web.hearing import Hearer, Told, beat, go_on, hearing, until_closed, until_held
from tests.web.house import House, open_house
from watcher.core import news as told
from watcher.core.model import Key
from watcher.core.recovering import Cutoffs, Forgotten
from watcher.core.tokens import Token, digest_of
from watcher.ports import Wish
from watcher.web.auth import ADMISSION
from watcher.web.event_stream import GATHER, GATHER_MOST, PORTION, SLICE

STREAM = "/v1/events/stream"
EVERYTHING = ["batch.new", "batch.validating", "batch.active", "batch.errors"]


async def follow(house: House, *batch_ids: int, account: str = "default", **body: Any) -> None:
    for batch_id in batch_ids:
        answer = await house.ask("PUT", f"/v1/accounts/{account}/batches/{batch_id}", json=body)
        assert answer.status in (200, 201), answer.json


async def log(house: House) -> list[Any]:
    return list((await house.ask("GET", "/v1/events?limit=1000")).json["items"])


def kinds(heard: list[Told]) -> list[str | None]:
    return [each.event for each in heard]


async def test_an_event_comes_as_the_log_shows_it_with_its_position_as_id(house: House) -> None:
    await follow(house, 1)
    async with hearing(house) as hearer:
        assert await hearer.next() == Told(retry=2000, id=0)
        await house.see(1, "NEW", "ACTIVE")
        await go_on(house)
        first, second = await log(house)
        assert await hearer.some(2) == [
            Told(event="batch.new", id=first["position"], data=first),
            Told(event="batch.active", id=second["position"], data=second),
        ]


async def test_the_answer_is_a_stream_that_nobody_keeps(house: House) -> None:
    async with hearing(house) as hearer:
        headers = hearer.response.headers
        assert headers["Content-Type"] == "text/event-stream"
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Accel-Buffering"] == "no"
        assert headers["X-Content-Type-Options"] == "nosniff"
    answer = await house.ask("HEAD", STREAM)
    assert (answer.status, answer.headers["Content-Type"].partition(";")[0]) == (200, "text/event-stream")


async def test_without_a_position_it_begins_now_and_says_where_that_is(house: House) -> None:
    await follow(house, 1)
    await house.see(1, "NEW")
    async with hearing(house) as hearer:
        assert await hearer.next() == Told(retry=2000, id=(await log(house))[-1]["position"])
        await house.see(1, "ACTIVE")
        await go_on(house)
        assert (await hearer.next()).event == "batch.active"


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        ("after={}", {}),
        ("last_event_id={}", {}),
        ("after=0&last_event_id={}", {}),
        ("", {"Last-Event-ID": "{}"}),
        ("after=0", {"Last-Event-ID": "{}"}),
        ("after={}", {"Last-Event-ID": ""}),
    ],
)
async def test_a_client_that_comes_again_gets_what_it_missed_and_then_what_comes(
    house: House, query: str, headers: dict[str, str]
) -> None:
    await follow(house, 1, 2)
    await house.see(1, "NEW", "VALIDATING")
    first = (await log(house))[0]["position"]
    path = f"{STREAM}?{query.format(first)}"
    async with hearing(house, path, {name: value.format(first) for name, value in headers.items()}) as hearer:
        assert await hearer.next() == Told(retry=2000, id=first)
        assert (await hearer.next()).event == "batch.validating"
        await house.see(1, "ACTIVE")
        await house.see(2, "ERRORS")
        await go_on(house)
        assert kinds(await hearer.some(2)) == ["batch.active", "batch.errors"]


async def test_more_is_caught_up_than_is_read_at_once(house: House) -> None:
    batches = list(range(1, 451))
    await follow(house, *batches)
    for batch_id in batches:
        await house.see(batch_id, "ACTIVE")
    async with hearing(house, f"{STREAM}?after=0") as hearer:
        heard = (await hearer.some(451))[1:]
        assert [each.data for each in heard] == await log(house)


async def test_what_happens_while_a_client_is_caught_up_comes_once() -> None:
    """The loop goes on for those who are here; the one that comes reads up to where the loop is, and joins it there."""
    store = FakeStore(FakeClock())
    async with open_house(store=store) as house, aiohttp.ClientSession() as session:
        await follow(house, 1, 2, 3)
        async with hearing(house) as present:
            await present.next()
            await house.see(1, "ACTIVE")
            await go_on(house)
            store.gates["events"] = gate = asyncio.Event()
            asked = asyncio.ensure_future(session.get(f"{house.url}{STREAM}?after=0"))
            await until_held(store, "events")
            await house.see(2, "ACTIVE")
            await go_on(house)
            gate.set()
            async with await asked as response:
                late = Hearer(response)
                await late.some(2)
                await house.see(3, "ACTIVE")
                await go_on(house)
                positions = [event["position"] for event in await log(house)]
                assert [each.id for each in await late.some(2)] == positions[1:]
                assert [each.id for each in await present.some(3)] == positions


async def test_a_position_that_the_loop_has_not_come_to_is_not_written_twice(house: House) -> None:
    """Somebody reads the list, and goes on from there with the stream, before the loop has heard of it."""
    await follow(house, 1)
    async with hearing(house) as present:
        await present.next()
        await house.see(1, "NEW", "ACTIVE")
        last = (await log(house))[-1]["position"]
        async with hearing(house, f"{STREAM}?after={last}") as hearer:
            assert await hearer.next() == Told(retry=2000, id=last)
            await go_on(house)
            await beat(house)
            assert await hearer.next() == Told(comment="alive", id=last)
            assert kinds(await present.some(2)) == ["batch.new", "batch.active"]


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("type=batch.active&type=batch.errors", [2, 3]),
        ("type=batch.*", [0, 1, 2, 3]),
        ("type=account.*", []),
        ("batch_id=2", [3]),
        ("account=default&batch_id=1", [0, 1, 2]),
        ("account=default", [0, 1, 2, 3]),
        ("broadcast=14", [0, 1, 2]),
        ("broadcast=15", [3]),
        ("label=team:north", [0, 1, 2]),
        ("label=team:north&label=city:", [0, 1, 2]),
        ("label=team:south", []),
        ("broadcast=14&type=batch.new", [0]),
    ],
)
@pytest.mark.parametrize("live", [False, True])
async def test_events_are_filtered_when_caught_up_and_when_they_come(
    house: House, query: str, wanted: list[int], *, live: bool
) -> None:
    async def happen() -> None:
        await house.see(1, "NEW", "VALIDATING", "ACTIVE", broadcast_id=14)
        await house.see(2, "ERRORS", broadcast_id=15)

    await follow(house, 1, labels={"team": "north", "city": ""})
    await follow(house, 2)
    if not live:
        await happen()
    async with hearing(house, f"{STREAM}?{query}&after=0") as hearer:
        assert (await hearer.next()).id == 0
        if live:
            await happen()
            await go_on(house)
        events = await log(house)
        assert [(await hearer.next()).data for _ in wanted] == [events[place] for place in wanted]
        await beat(house)
        # What was filtered out moves the position on all the same: whoever comes again need not read it again.
        assert await hearer.next() == Told(comment="alive", id=events[-1]["position"])


async def test_older_events_that_are_not_kept_any_more_are_told_as_a_gap(house: House) -> None:
    await follow(house, 1)
    await house.see(1, "NEW", "VALIDATING", "ACTIVE")
    first, second, third = [event["position"] for event in await log(house)]
    cutoffs = Cutoffs(events=NOON.replace(second=5), deliveries=NOON, broadcasts=NOON)
    assert (await house.store.forget(cutoffs, Forgotten(), 100)).events == 2
    async with hearing(house, f"{STREAM}?after=0") as hearer:
        assert await hearer.next() == Told(retry=2000, id=0)
        assert await hearer.next() == Told(event="gap", id=0, data={"from": first, "to": second})
        assert (await hearer.next()).id == third
    async with hearing(house, f"{STREAM}?after={second}") as hearer:
        assert [each.id for each in await hearer.some(2)] == [second, third]


async def test_a_position_of_another_log_is_told_as_a_gap_and_the_stream_begins_now(house: House) -> None:
    """The database was restored from an older copy, or is new: waiting for that position would miss everything until then."""
    await follow(house, 1)
    await house.see(1, "NEW")
    here = (await log(house))[-1]["position"]
    async with hearing(house, f"{STREAM}?after=5000") as hearer:
        assert await hearer.next() == Told(retry=2000, id=here)
        assert await hearer.next() == Told(event="gap", id=here, data={"from": 5001, "to": here})
        await house.see(1, "ACTIVE")
        await go_on(house)
        assert (await hearer.next()).event == "batch.active"


@pytest.mark.parametrize(
    ("query", "headers", "parameter"),
    [
        ("after=-1", {}, "after"),
        (f"after={2**63}", {}, "after"),
        ("last_event_id=x", {}, "last_event_id"),
        ("label=team", {}, "label"),
        ("label=:x", {}, "label"),
        ("type=batch.gone", {}, "type"),
        ("broadcast=0", {}, "broadcast"),
        ("limit=1", {}, "limit"),
        ("", {"Last-Event-ID": "x"}, "Last-Event-ID"),
        ("", {"Last-Event-ID": str(2**63)}, "Last-Event-ID"),
        ("", {"Last-Event-ID": "-1"}, "Last-Event-ID"),
    ],
)
async def test_a_query_that_is_not_right_is_refused_before_the_stream_begins(
    house: House, query: str, headers: dict[str, str], parameter: str
) -> None:
    answer = await house.ask("GET", f"{STREAM}?{query}", headers=headers)
    assert (answer.status, answer.json["type"]) == (422, "/problems/bad-query")
    assert [error["parameter"] for error in answer.json["errors"]] == [parameter]


async def test_an_account_there_is_not_is_refused(house: House) -> None:
    answer = await house.ask("GET", f"{STREAM}?account=north")
    assert (answer.status, answer.json["type"]) == (404, "/problems/unknown-account")


async def test_more_clients_than_there_may_be_are_asked_to_come_later(house: House) -> None:
    async with hearing(house), hearing(house), hearing(house) as third:
        await third.next()
        answer = await house.ask("GET", STREAM)
        assert (answer.status, answer.json["type"]) == (503, "/problems/too-many-streams")
        assert answer.headers["Retry-After"] == "10"
    await until_closed(house, 3)
    async with hearing(house) as again:
        assert (await again.next()).retry == 2000


async def test_who_goes_away_is_noticed_at_once(house: House) -> None:
    async with hearing(house) as hearer:
        await hearer.next()
    await until_closed(house, 1)
    await settle_down()
    assert house.streams.events._joined == {}
    assert house.ear.of(told.StreamOpened, told.StreamClosed) == [
        told.StreamOpened(stream="events"),
        told.StreamClosed(stream="events", reason="left"),
    ]
    assert not house.ear.of(told.RequestFailed)


async def test_when_the_daemon_is_asked_to_stop_streams_end_with_a_reason_and_none_begins(house: House) -> None:
    async with hearing(house) as hearer:
        await hearer.next()
        house.streams.hear(told.Stopping(reason="SIGTERM"))
        last = await hearer.next()
        assert (last.event, last.data["type"], last.data["status"]) == ("error", "/problems/stopping", 503)
        assert await hearer.at_end()
    answer = await house.ask("GET", STREAM)
    assert (answer.status, answer.json["type"]) == (503, "/problems/stopping")
    assert house.ear.of(told.StreamClosed) == [told.StreamClosed(stream="events", reason="stopping")]


async def test_what_happens_right_after_something_was_written_is_gathered_for_a_moment(house: House) -> None:
    async with hearing(house) as hearer:
        await hearer.next()
        house.clock.turn(seconds=1)
        house.clock.slept.clear()
        await go_on(house)
        await go_on(house)
        assert house.clock.slept == pytest.approx([0, GATHER], rel=0.01)


async def test_a_store_that_fails_loses_no_client_and_no_event() -> None:
    clock = FakeClock()
    store = FakeStore(clock)
    async with open_house(store=store) as house:
        await follow(house, 1)
        async with hearing(house) as hearer:
            await hearer.next()
            await house.see(1, "ACTIVE")
            store.failing.add("events")
            await go_on(house)
            store.failing.clear()
            before = house.clock.monotonic()
            await house.streams.events.step()
            assert (await hearer.next()).event == "batch.active"
            assert house.clock.monotonic() - before <= GATHER_MOST


async def test_where_the_store_fails_before_the_stream_begins_it_is_a_problem() -> None:
    store = FakeStore(FakeClock())
    async with open_house(store=store) as house:
        store.failing.add("log_span")
        answer = await house.ask("GET", STREAM)
        assert (answer.status, answer.json["type"]) == (503, "/problems/store-unavailable")


async def test_a_client_of_http_1_0_gets_the_events_as_they_are(house: House) -> None:
    await follow(house, 1)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(house.url.rpartition(":")[2]))
    host = house.url.removeprefix("http://").encode()
    writer.write(b"GET /v1/events/stream HTTP/1.0\r\nHost: %b\r\n\r\n" % host)
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"Transfer-Encoding" not in head
    assert await reader.readuntil(b"\n\n") == b"retry: 2000\nid: 0\n\n"
    await house.see(1, "ACTIVE")
    await go_on(house)
    event = await reader.readuntil(b"\n\n")
    assert event.startswith(b"id: 1\nevent: batch.active\ndata: {")
    writer.close()
    await writer.wait_closed()


async def test_a_stream_ends_at_the_next_sign_of_life_when_its_token_is_good_no_longer() -> None:
    async with open_house(token="correct-horse-battery") as house:
        made = Token(
            id="tok_1", name="reader", digest=digest_of("wat_reader"), scopes=frozenset({"read"}), created=NOON
        )
        await house.app[ADMISSION].make(made)
        async with hearing(house, headers={"Authorization": "Bearer wat_reader"}) as hearer:
            await hearer.next()
            await beat(house)
            assert (await hearer.next()).comment == "alive"
            headers = {"Authorization": "Bearer correct-horse-battery"}
            assert (await house.ask("DELETE", "/v1/tokens/tok_1", headers=headers)).status == 204
            await beat(house)
            last = await hearer.next()
            assert (last.event, last.data["type"], last.data["status"]) == ("error", "/problems/token-wrong", 401)
            assert await hearer.at_end()
    assert house.ear.of(told.StreamClosed) == [told.StreamClosed(stream="events", reason="token")]


async def test_a_store_that_fails_while_a_client_is_caught_up_ends_its_stream_and_it_may_come_again() -> None:
    store = FakeStore(FakeClock())
    async with open_house(store=store) as house:
        await follow(house, 1)
        await house.see(1, "ACTIVE")
        store.failing.add("events")
        async with hearing(house, f"{STREAM}?after=0") as hearer:
            await hearer.next()
            last = await hearer.next()
            assert (last.event, last.data["type"]) == ("error", "/problems/store-unavailable")
            assert await hearer.at_end()


async def test_what_happens_while_the_last_client_leaves_is_written_to_nobody() -> None:
    """And whoever comes next begins where the log is then."""
    store = FakeStore(FakeClock())
    async with open_house(store=store) as house:
        await follow(house, 1)
        async with hearing(house) as hearer:
            await hearer.next()
            await house.see(1, "NEW")
            store.gates["events"] = gate = asyncio.Event()
            house.streams.hear(changed())
            step = asyncio.ensure_future(house.streams.events.step())
            await until_held(store, "events")
        await until_closed(house, 1)
        gate.set()
        await step
        async with hearing(house) as again:
            assert (await again.next()).id == 1
            await house.see(1, "ACTIVE")
            await go_on(house)
            assert (await again.next()).event == "batch.active"


async def test_who_joins_while_others_are_written_to_misses_nothing() -> None:
    """It has read up to where the loop was: that the loop has gone on is known before a byte is written."""
    store = FakeStore(FakeClock())
    async with asyncio.timeout(60), open_house(store=store) as house, aiohttp.ClientSession() as session:
        await follow(house, 1, 2)
        async with hearing(house) as present:
            await present.next()
            await house.see(1, "NEW")
            await go_on(house)
            store.gates["events"] = gate = asyncio.Event()
            asked = asyncio.ensure_future(session.get(f"{house.url}{STREAM}?after=0"))
            await until_held(store, "events")

            async def read() -> None:
                gate.set()

            store.meanwhile["events"] = read  # as soon as the loop has read what it then writes
            await house.see(1, "ACTIVE")
            await go_on(house)
            async with await asked as response:
                late = Hearer(response)
                await late.next()
                await house.see(2, "ACTIVE")
                await go_on(house)
                assert [each.id for each in await late.some(3)] == [1, 2, 3]
                assert [each.id for each in await present.some(3)] == [1, 2, 3]


async def test_what_is_committed_while_the_first_client_comes_is_told_at_once() -> None:
    """Nobody was there when it was heard of: else it would be told at the next sign of life."""
    store = FakeStore(FakeClock())
    async with open_house(store=store) as house:
        await follow(house, 1)

        async def happen() -> None:
            await house.see(1, "ACTIVE")
            await go_on(house)

        store.meanwhile["log_span"] = happen
        async with hearing(house) as hearer:
            assert (await hearer.next()).id == 0
            before = house.clock.monotonic()
            await house.streams.events.step()
            assert (await hearer.next()).event == "batch.active"
            assert house.clock.monotonic() - before <= GATHER_MOST


async def happened(house: House, batches: int, labels: dict[str, str] | None = None) -> None:
    """So many batches were seen, each once."""
    for batch_id in range(1, batches + 1):
        await house.store.follow([Wish(key=Key("default", batch_id), labels=labels)], house.clock.now())
        await house.see(batch_id, "ACTIVE")


async def test_events_that_are_deleted_while_a_client_is_caught_up_are_told_as_a_gap() -> None:
    store = FakeStore(FakeClock())
    async with open_house(store=store) as house:
        await happened(house, PORTION + 50)
        cutoffs = Cutoffs(events=store.log[PORTION + 30].at, deliveries=NOON, broadcasts=NOON)
        store.meanwhile["events"] = lambda: store.forget(cutoffs, Forgotten(), 10_000)
        async with hearing(house, f"{STREAM}?after=0") as hearer:
            heard = (await hearer.some(1 + PORTION + 1 + 20))[1:]
        gap = Told(event="gap", id=PORTION, data={"from": PORTION + 1, "to": PORTION + 30})
        assert heard[PORTION] == gap
        assert [each.id for each in heard if each != gap] == [
            *range(1, PORTION + 1),
            *range(PORTION + 31, PORTION + 51),
        ]


async def test_a_gap_is_told_once_also_to_who_wants_few_events(house: House) -> None:
    await follow(house, 1)
    await house.see(1, "NEW", "VALIDATING", "ACTIVE")
    first, second, third = [event["position"] for event in await log(house)]
    cutoffs = Cutoffs(events=NOON.replace(second=5), deliveries=NOON, broadcasts=NOON)
    await house.store.forget(cutoffs, Forgotten(), 100)
    async with hearing(house, f"{STREAM}?after=0&type=batch.active") as hearer:
        assert await hearer.next() == Told(retry=2000, id=0)
        assert await hearer.next() == Told(event="gap", id=0, data={"from": first, "to": second})
        assert (await hearer.next()).id == third


async def test_a_client_that_wants_nothing_of_a_long_log_sees_that_it_is_gone_through() -> None:
    """Else it would take the silence for a broken connection, and begin again where it was."""
    async with open_house(store=FakeStore(FakeClock())) as house:
        await happened(house, PORTION + 1)
        async with hearing(house, f"{STREAM}?after=0&label=team:north") as hearer:
            assert await hearer.some(2) == [Told(retry=2000, id=0), Told(comment="alive", id=PORTION)]
            await beat(house)
            assert await hearer.next() == Told(comment="alive", id=PORTION + 1)


async def test_when_the_last_client_leaves_while_it_is_written_to_the_log_is_read_no_further() -> None:
    store = FakeStore(FakeClock())
    async with open_house(store=store) as house:
        async with hearing(house) as hearer:
            await hearer.next()
            await happened(house, 60, labels={"large": "x" * SLICE})  # so that each is written by itself

            async def leave() -> None:
                house.streams.hear(told.Stopping(reason="SIGTERM"))

            store.meanwhile["events"] = leave
            await go_on(house)
        await until_closed(house, 1)
        read = store.done["events"]
        await go_on(house)
        assert store.done["events"] == read
