"""What is easily done wrong with the client: it is understood all the same, or the error says what to do."""

import pytest

from tests.client.house import made, shown
from tests.web.house import open_house
from watcher.client import Key, Watcher

ACCOUNTS = shown({"items": [], "next": None})


async def test_asking_before_it_is_open_says_how_it_is_opened() -> None:
    watcher = Watcher("http://127.0.0.1:8080")
    with pytest.raises(AttributeError, match="open it with `async with Watcher"):
        await watcher.watch(13)
    assert not hasattr(watcher, "acounts")


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "localhost", "", "ftp://a"])
def test_an_address_without_http_is_refused_at_once(url: str) -> None:
    with pytest.raises(ValueError, match=r"write it as http://HOST:PORT$"):
        Watcher(url)


@pytest.mark.parametrize("token", ["secret\n", " secret "])
async def test_a_token_may_come_from_a_file_with_the_end_of_its_line(token: str) -> None:
    async with made(ACCOUNTS, token=token) as here:
        await here.watcher.accounts.list()
    assert here.asked[0].headers["Authorization"] == "Bearer secret"


async def test_one_status_and_one_type_need_no_list() -> None:
    async with open_house() as house, Watcher(house.url) as watcher:
        await watcher.follow(13)
        await house.see(13, "NEW", "ACTIVE")
        ended = await watcher.wait([13], until="ACTIVE")
        assert ended.reached == {Key("default", 13)}
        assert [event.type async for event in watcher.events(types="batch.active")] == ["batch.active"]
