"""What one holder of a token may have of what there is only so much of: places at streams, places to wait, rows of pages."""

import asyncio
from contextlib import AsyncExitStack

import aiohttp
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import NOON, StillClock
from tests.web.hearing import hearing, until_closed
from tests.web.house import Answered, House, bearer, open_house
from tests.web.test_waiting_api import come_to, prefer
from watcher.core.tokens import Grant, Token, digest_of
from watcher.web.auth import ADMISSION, LOOPBACK
from watcher.web.page_stream import ROWS_IN_ALL
from watcher.web.shares import Shares
from watcher.web.stream_models import ROWS_MOST

MASTER = "correct-horse-battery"
STREAM = "/v1/events/stream"


def reader(name: str) -> Grant:
    return Grant(holder=name, scopes=frozenset({"read"}))


async def tokens(house: House, *names: str) -> None:
    """Of each name a token that may read, and one of the settings that may do everything."""
    for name in names:
        token = Token(
            id=f"tok_{name}", name=name, digest=digest_of(name), scopes=frozenset({"read", "write"}), created=NOON
        )
        await house.app[ADMISSION].make(token)


def test_the_first_token_gets_half_the_next_half_of_the_rest_and_admin_all_there_is() -> None:
    shares = Shares(100)
    for name, gets in (("a", 50), ("b", 25), ("c", 13), ("d", 6)):
        assert [shares.take(reader(name)) for _ in range(gets + 1)] == [True] * gets + [False]
        assert (shares.of(reader(name)), shares.fits(reader(name))) == (gets, False)
    assert (shares.taken, shares.free) == (94, 6)
    assert [shares.take(LOOPBACK) for _ in range(7)] == [True] * 6 + [False]
    shares.give_back(LOOPBACK, 6)
    shares.give_back(reader("a"), 50)
    assert (shares.of(reader("a")), shares.free) == (0, 56)
    assert not shares.take(reader("a"), 57)
    assert shares.take(reader("a"), 56)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 8), st.booleans())), st.integers(1, 40))
def test_nobody_takes_what_others_could_not_have_as_much_of(asked: list[tuple[str, int, bool]], most: int) -> None:
    """Whatever is taken and given back: whoever took something last left as much as they had before it, or more."""
    shares, had = Shares(most), dict.fromkeys("abcd", 0)
    for name, much, takes in asked:
        if takes:
            taken = shares.take(reader(name), much)
            assert taken is (had[name] + much <= most - sum(had.values()))
            had[name] += much if taken else 0
        elif had[name] >= much:
            shares.give_back(reader(name), much)
            had[name] -= much
        assert {each: shares.of(reader(each)) for each in had} == had
        assert shares.free == most - sum(had.values())


async def test_two_tokens_leave_streams_for_others_and_the_page_and_probes_are_answered_when_all_are_taken() -> None:
    async with open_house(token=MASTER, places=8) as house, AsyncExitStack() as listening:
        await tokens(house, "one", "two", "three")
        for name, gets, free in (("one", 4, 4), ("two", 2, 2)):
            for number in range(gets):
                path = f"/v1/stream?limit={number + 1}" if number % 2 else STREAM
                await listening.enter_async_context(hearing(house, path, bearer(name)))
            for path in (STREAM, "/v1/stream"):
                refused = await house.ask("GET", path, headers=bearer(name))
                assert (refused.status, refused.headers["Retry-After"]) == (503, "10")
                assert refused.json["detail"] == (
                    f"{gets} clients listen already with this token, and what is free ({free}) is for others. Try again later."
                )
        await listening.enter_async_context(hearing(house, STREAM, bearer("three")))
        await listening.enter_async_context(hearing(house, STREAM, bearer(MASTER)))
        full = await house.ask("GET", STREAM, headers=bearer(MASTER))
        assert full.json["detail"] == "8 clients listen already (http.streams). Try again later."
        for path in ("/livez", "/readyz", "/", "/page/main.js", "/v1/watches", "/metrics"):
            assert (await house.ask("GET", path, headers=bearer("one"))).status == 200, path
        await listening.aclose()
        await until_closed(house, 8)
        async with hearing(house, headers=bearer("one")) as again:
            assert (await again.next()).retry == 2000


async def test_what_is_shown_to_one_token_leaves_room_for_pages_of_others() -> None:
    """Who looks at what somebody else looks at too needs none; and what nobody looks at any more is room again."""
    most = ROWS_IN_ALL // ROWS_MOST // 2
    async with open_house(token=MASTER, places=8 * most) as house, AsyncExitStack() as listening:
        await tokens(house, "one", "two")
        session = await listening.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))

        async def look(name: str, number: int) -> int:
            there = session.get(f"{house.url}/v1/stream?limit={ROWS_MOST}&q=autumn{number}", headers=bearer(name))
            return (await listening.enter_async_context(there)).status

        assert [await look("one", number) for number in range(most + 1)] == [200] * most + [503]
        refused = await house.ask("GET", f"/v1/stream?limit={ROWS_MOST}&q=winter", headers=bearer("one"))
        assert (refused.status, refused.json["type"]) == (503, "/problems/too-many-streams")
        assert refused.json["detail"] == (
            "So many rows are shown already that there is no room for those of another view. Try again later."
        )
        assert (await look("one", 0), await look("two", 0), await look("two", most)) == (200, 200, 200)
        await listening.aclose()
        await until_closed(house, most + 3)
        async with hearing(house, f"/v1/stream?limit={ROWS_MOST}&q=winter", bearer("one")) as again:
            assert (await again.next()).retry == 2000


async def test_one_token_leaves_places_to_wait_for_others() -> None:
    async with open_house(token=MASTER, places=4, clock=StillClock()) as house, asyncio.TaskGroup() as group:
        await tokens(house, "one", "two")
        path = "/v1/accounts/default/batches/13"
        assert (await house.ask("PUT", path, headers=bearer("one"))).status == 201
        waiting: list[asyncio.Task[Answered]] = []
        for name in ("one", "one", "two"):
            count = len(waiting) + 1
            waiting.append(group.create_task(house.ask("GET", path, headers=prefer() | bearer(name))))
            await come_to(lambda count=count: house.waiters.count == count)  # type: ignore[misc] # how many there are by then
        refused = await house.ask("GET", path, headers=prefer() | bearer("one"))
        assert (refused.status, refused.json["type"], refused.headers["Retry-After"]) == (
            429,
            "/problems/too-many-waiting",
            "5",
        )
        assert refused.json["detail"] == (
            "2 requests with this token wait already. Ask without Prefer: wait, or again in a few seconds."
        )
        waiting.append(group.create_task(house.ask("GET", path, headers=prefer() | bearer(MASTER))))
        await come_to(lambda: house.waiters.count == 4)
        full = await house.ask("GET", path, headers=prefer() | bearer(MASTER))
        assert full.json["detail"] == ("4 requests wait already. Ask without Prefer: wait, or again in a few seconds.")
        house.waiters.let_go()
        assert [(await each).status for each in waiting] == [200] * 4
