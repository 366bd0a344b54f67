"""Waiting for a watch to change, and for a look that was asked for."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes import NOON, FakeClock, StillClock
from tests.web.house import Answered, House, open_house
from watcher.core.model import Key
from watcher.core.news import Changed, Following, Stopping
from watcher.web.preferring import applied

ONE = "/v1/accounts/default/batches/13"
LOOK = ONE + "/refresh"
KEY = Key("default", 13)


class BlinkingClock(FakeClock):
    """Time that stands still for those who wait; they look up again and again."""

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        await asyncio.sleep(0)


def changed(batch_id: int = 13, account: str = "default") -> Changed:
    return Changed(
        account=account,
        batch_id=batch_id,
        type="batch.new",
        number=1,
        position=1,
        status="NEW",
        previous=None,
        at=NOON,
    )


def prefer(wait: object = 30, **more: str) -> dict[str, str]:
    return {"Prefer": f"wait={wait}"} | more


async def come_to(reached: Callable[[], bool]) -> None:
    """Lets everything run until it is so."""
    async with asyncio.timeout(60):
        while not reached():  # noqa: ASYNC110 # the other end of a socket is waited for
            await asyncio.sleep(0)


async def waiting(house: House, group: asyncio.TaskGroup, *, path: str = ONE, **headers: str) -> asyncio.Task[Answered]:
    """A request that is on its way and waits."""
    there = house.waiters.count
    method = "POST" if path == LOOK else "GET"
    task = group.create_task(house.ask(method, path, headers=prefer() | headers))
    await come_to(lambda: house.waiters.count == there + 1)
    return task


@pytest.mark.parametrize("path", [ONE, LOOK])
async def test_who_waits_with_a_token_that_is_removed_meanwhile_is_told_nothing(path: str) -> None:
    master = {"Authorization": "Bearer correct-horse-battery"}
    async with open_house(clock=StillClock(), token="correct-horse-battery") as house, asyncio.TaskGroup() as group:
        made = (await house.ask("POST", "/v1/tokens", json={"name": "ci", "scopes": ["admin"]}, headers=master)).json
        await house.ask("PUT", ONE, headers=master)
        look = house.following.looks[KEY] = asyncio.get_running_loop().create_future()
        asked = await waiting(house, group, path=path, Authorization=f"Bearer {made['token']}")
        assert (await house.ask("DELETE", f"/v1/tokens/{made['id']}", headers=master)).status == 204
        await house.see(13, "NEW")
        look.set_result(True)
        house.waiters.hear(changed())
        answer = await asked
        assert (answer.status, answer.json["type"]) == (401, "/problems/token-wrong")


async def test_who_waits_is_answered_as_soon_as_the_watch_changes() -> None:
    async with open_house(clock=StillClock()) as house, asyncio.TaskGroup() as group:
        await house.ask("PUT", ONE)
        asked = await waiting(house, group)
        house.waiters.hear(changed(14))
        house.waiters.hear(changed(13, "other"))
        house.waiters.hear(Following(account="default", batch_id=13, what="relabelled"))  # which changed nothing
        for _ in range(100):
            await asyncio.sleep(0)
        assert not asked.done()
        await house.see(13, "NEW")
        house.waiters.hear(changed())
        answer = await asked
        assert (answer.status, answer.json["status"], answer.headers["Preference-Applied"]) == (200, "NEW", "wait=30")
        assert house.waiters.count == 0


async def test_who_waits_with_an_old_tag_is_answered_at_once_and_with_the_newest_waits() -> None:
    async with open_house(clock=StillClock()) as house, asyncio.TaskGroup() as group:
        await house.ask("PUT", ONE)
        old = (await house.ask("GET", ONE)).headers["ETag"]
        await house.see(13, "NEW")
        at_once = await house.ask("GET", ONE, headers=prefer(**{"If-None-Match": old}))
        assert (at_once.status, at_once.json["status"]) == (200, "NEW")
        asked = await waiting(house, group, **{"If-None-Match": at_once.headers["ETag"]})
        await house.see(13, "ACTIVE")
        house.waiters.hear(changed())
        assert (await asked).json["status"] == "ACTIVE"


@pytest.mark.parametrize(("wait", "slept"), [(30, 30.0), ("30", 30.0), (0, 0.0), (3600, 60.0)])
async def test_a_watch_that_does_not_change_is_answered_as_it_is_when_the_time_is_over(
    house: House, wait: object, slept: float
) -> None:
    made = await house.ask("PUT", ONE)
    before = sum(house.clock.slept)
    answer = await house.ask("GET", ONE, headers=prefer(wait))
    assert (answer.status, answer.json) == (200, made.json)
    assert answer.headers["Preference-Applied"] == f"wait={slept:g}"
    assert sum(house.clock.slept) - before == slept
    known = await house.ask("GET", ONE, headers=prefer(wait, **{"If-None-Match": answer.headers["ETag"]}))
    assert (known.status, known.body, known.headers["Preference-Applied"]) == (304, b"", f"wait={slept:g}")


@pytest.mark.parametrize(
    "preference", ["wait", "wait=", "wait=-1", "wait=x", "wait=1.5", "respond-async", "", "wait=9999999999"]
)
async def test_a_preference_that_nobody_understands_is_not_heeded(house: House, preference: str) -> None:
    await house.ask("PUT", ONE)
    answer = await house.ask("GET", ONE, headers={"Prefer": preference})
    assert (answer.status, answer.headers.get("Preference-Applied")) == (200, None)
    assert house.clock.slept == []


@pytest.mark.parametrize("preference", ['respond-async, wait="5"', "Wait = 5 ; x=y, wait=7", "handling=lenient,wait=5"])
async def test_a_preference_is_found_among_others(house: House, preference: str) -> None:
    await house.ask("PUT", ONE)
    answer = await house.ask("GET", ONE, headers={"Prefer": preference})
    assert answer.headers["Preference-Applied"] == "wait=5"
    assert sum(house.clock.slept) == 5


async def test_a_watch_that_is_stopped_while_one_waits_is_not_there() -> None:
    async with open_house(clock=StillClock()) as house, asyncio.TaskGroup() as group:
        await house.ask("PUT", ONE)
        asked = await waiting(house, group)
        await house.ask("DELETE", ONE)
        house.waiters.hear(Following(account="default", batch_id=13, what="stopped"))
        assert (await asked).json["type"] == "/problems/not-followed"


async def test_so_many_wait_and_no_more() -> None:
    async with open_house(clock=StillClock()) as house, asyncio.TaskGroup() as group:
        await house.ask("PUT", ONE)
        for _ in range(3):
            await waiting(house, group)
        refused = await house.ask("GET", ONE, headers=prefer())
        assert (refused.status, refused.headers["Retry-After"]) == (429, "5")
        assert refused.json == {
            "type": "/problems/too-many-waiting",
            "title": "Too many requests wait",
            "status": 429,
            "detail": "3 requests wait already. Ask without Prefer: wait, or again in a few seconds.",
        }
        assert (await house.ask("GET", ONE)).status == 200
        await house.see(13, "NEW")
        house.waiters.hear(changed())


async def test_when_the_daemon_is_asked_to_stop_nobody_waits_any_longer() -> None:
    async with open_house(clock=StillClock()) as house, asyncio.TaskGroup() as group:
        await house.ask("PUT", ONE)
        house.following.looks[KEY] = asyncio.get_running_loop().create_future()
        asked = [await waiting(house, group), await waiting(house, group, path=LOOK)]
        house.waiters.hear(Stopping(reason="SIGTERM"))
        assert [(await each).status for each in asked] == [200, 202]
        assert (await house.ask("GET", ONE, headers=prefer())).status == 200


async def test_who_waits_is_answered_before_the_interface_closes() -> None:
    async with asyncio.TaskGroup() as group, open_house(clock=StillClock()) as house:
        await house.ask("PUT", ONE)
        asked = await waiting(house, group)
        await house.waiters.end(house.app)
        assert (await asked).status == 200


async def test_whose_client_is_gone_waits_no_longer() -> None:
    async with open_house(clock=BlinkingClock()) as house:
        await house.ask("PUT", ONE)
        port = int(house.url.rpartition(":")[2])
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {ONE} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nPrefer: wait=30\r\n\r\n".encode())
        await come_to(lambda: house.waiters.count == 1)
        writer.transport.abort()
        await come_to(lambda: house.waiters.count == 0)


# Looking now


async def test_a_look_that_was_asked_for_is_waited_for_and_shown() -> None:
    async with open_house(clock=StillClock()) as house, asyncio.TaskGroup() as group:
        await house.ask("PUT", ONE)
        look = house.following.looks[KEY] = asyncio.get_running_loop().create_future()
        asked = await waiting(house, group, path=LOOK)
        await house.see(13, "ACTIVE")
        house.waiters.hear(changed())  # it is the look that is waited for, and not any change
        for _ in range(100):
            await asyncio.sleep(0)
        assert not asked.done()
        look.set_result(True)
        answer = await asked
        assert (answer.status, answer.json["status"], answer.headers["Preference-Applied"]) == (
            200,
            "ACTIVE",
            "wait=30",
        )
        assert house.following.refreshed == [KEY]


async def test_a_look_that_callfire_did_not_answer_is_no_look(house: House) -> None:
    await house.ask("PUT", ONE)
    look = house.following.looks[KEY] = asyncio.get_running_loop().create_future()
    look.set_result(False)
    answer = await house.ask("POST", LOOK)
    assert (answer.status, answer.json) == (202, (await house.ask("GET", ONE)).json)
    assert house.clock.slept == []


@pytest.mark.parametrize(("headers", "slept"), [({}, 10.0), (prefer(2), 2.0), (prefer(0), 0.0)])
async def test_a_look_that_does_not_come_in_time_is_told_of_and_when_it_will(
    house: House, headers: dict[str, str], slept: float
) -> None:
    await house.ask("PUT", ONE)
    house.following.looks[KEY] = asyncio.get_running_loop().create_future()
    house.following.next[KEY] = NOON + timedelta(hours=1)
    answer = await house.ask("POST", LOOK, headers=headers)
    assert (answer.status, answer.json["next_look"]) == (202, "2026-11-23T13:00:00.000Z")
    assert sum(house.clock.slept) == slept


@pytest.mark.parametrize("condition", ["refused", "paused"])
async def test_no_look_is_waited_for_where_none_can_come_soon(house: House, condition: str) -> None:
    await house.ask("PUT", ONE)
    house.following.looks[KEY] = asyncio.get_running_loop().create_future()
    house.following.held = {"condition": condition}
    assert (await house.ask("POST", LOOK)).status == 202
    assert (house.following.refreshed, house.clock.slept) == ([KEY], [])


async def test_what_has_ended_is_not_looked_at_again(house: House) -> None:
    await house.ask("PUT", ONE)
    await house.see(13, "ACTIVE")
    answer = await house.ask("POST", LOOK)
    assert (answer.status, answer.json["type"], answer.json["state"]) == (409, "/problems/not-open", "settled")
    assert house.following.refreshed == []


async def test_what_is_just_beginning_to_be_followed_is_said_so(house: House) -> None:
    await house.ask("PUT", ONE)
    answer = await house.ask("POST", LOOK)
    assert (answer.status, answer.json["state"]) == (409, "open")
    assert "begins or ends to be followed just now" in answer.json["detail"]


@pytest.mark.parametrize(
    ("path", "how", "expected"),
    [
        (LOOK, {}, (404, "not-followed")),
        ("/v1/accounts/nobody/batches/13/refresh", {}, (404, "unknown-account")),
        ("/v1/accounts/default/batches/x/refresh", {}, (422, "bad-batch-id")),
        (LOOK, {"json": {"x": 1}}, (422, "bad-body")),
    ],
)
async def test_what_cannot_be_looked_at_is_refused(
    house: House, path: str, how: dict[str, Any], expected: tuple[int, str]
) -> None:
    answer = await house.ask("POST", path, **how)
    assert (answer.status, answer.json["type"]) == (expected[0], f"/problems/{expected[1]}")
    assert house.following.refreshed == []


def test_nothing_is_said_to_be_heeded_that_was_not_asked_for() -> None:
    assert (applied(None), applied(0.0)) == ({}, {"Preference-Applied": "wait=0"})
