"""What every answer has in common: the request's id, its size on the way, and all that is wrong with a question at once."""

import gzip
import json
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from multidict import CIMultiDict

from tests.web.house import House, open_house
from watcher.core.news import RequestFailed
from watcher.web.compressing import takes_gzip, varies_by
from watcher.web.cursors import cursor_of

ONE = "/v1/accounts/default/batches/13"


# Request ids


async def test_every_answer_bears_an_id_of_its_own(house: House) -> None:
    asked = [await house.ask("GET", path) for path in ("/v1/watches", "/v1/watches", "/nowhere", "/livez", "/metrics")]
    ids = {each.headers["X-Request-Id"] for each in asked}
    assert len(ids) == 5
    assert all(len(each) == 32 for each in ids)


@pytest.mark.parametrize("given", ["order-77:1", "x" * 128, "a.b_c~d/e+f=g@h"])
async def test_a_clients_own_id_is_taken_over(house: House, given: str) -> None:
    for path in ("/v1/watches", "/nowhere"):
        assert (await house.ask("GET", path, headers={"X-Request-Id": given})).headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a\tb", "ä", '"', "<b>"])
async def test_an_id_that_would_have_to_be_quoted_somewhere_is_not_taken_over(house: House, given: str) -> None:
    answer = await house.ask("GET", "/v1/watches", headers={"X-Request-Id": given})
    assert (answer.status, len(answer.headers["X-Request-Id"])) == (200, 32)


async def test_two_ids_are_none(house: House) -> None:
    headers = CIMultiDict([("X-Request-Id", "a"), ("X-Request-Id", "b")])
    assert len((await house.ask("GET", "/v1/watches", headers=headers)).headers["X-Request-Id"]) == 32


async def test_a_problem_and_our_log_repeat_the_id() -> None:
    class Broken:
        def __getattr__(self, name: str) -> Any:
            async def method(*_: object) -> list[object]:
                if name in ("tokens", "sessions"):
                    return []
                raise KeyError(name)

            return method

    async with open_house(store=Broken()) as house, aiohttp.ClientSession() as session:
        async with session.get(house.url + ONE, headers={"X-Request-Id": "r-7"}) as response:
            assert (response.status, (await response.json(content_type=None))["request_id"]) == (500, "r-7")
        (news,) = house.ear.of(RequestFailed)
        assert isinstance(news, RequestFailed)
        assert news.request_id == "r-7"


# Size


async def raw(house: House, path: str, accepts: str | None) -> tuple[Any, bytes]:
    """The answer with its body as it came."""
    async with aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=["Accept-Encoding"]) as session:
        headers = {} if accepts is None else {"Accept-Encoding": accepts}
        async with session.get(house.url + path, headers=headers) as response:
            return response.headers, await response.read()


@pytest.mark.parametrize("rows", [10, 1000])
async def test_a_large_answer_comes_compressed_to_who_takes_that(house: House, rows: int) -> None:
    await house.ask("POST", "/v1/watches", json=[{"batch_id": number} for number in range(1, rows + 1)])
    path = f"/v1/watches?limit={rows}"
    plain_headers, plain = await raw(house, path, None)
    headers, body = await raw(house, path, "br, gzip")
    assert (headers["Content-Encoding"], headers["Content-Length"]) == ("gzip", str(len(body)))
    assert gzip.decompress(body) == plain
    assert len(body) < len(plain) / 4
    assert "Content-Encoding" not in plain_headers
    assert headers["Vary"] == plain_headers["Vary"] == "Accept-Encoding"


async def test_a_small_answer_comes_as_it_is(house: House) -> None:
    headers, body = await raw(house, "/v1/accounts", "gzip")
    assert "Content-Encoding" not in headers
    assert json.loads(body)["items"]


async def test_a_tag_is_the_same_however_the_answer_comes(house: House) -> None:
    await house.ask("PUT", ONE, json={"labels": {f"l{number}": "x" * 100 for number in range(20)}})
    tags = [(await raw(house, ONE, accepts))[0]["ETag"] for accepts in (None, "gzip")]
    assert tags[0] == tags[1]


@pytest.mark.parametrize(
    ("accepts", "takes"),
    [
        ("gzip", True),
        ("GZIP;q=0.5", True),
        ("deflate, *", True),
        ("*;q=0", False),
        ("gzip; q=0", False),
        ("gzip;q=0.000, *", False),
        ("identity", False),
        ("", False),
        ("gzip;q=1.0", True),
    ],
)
def test_what_a_client_takes_is_what_it_says(accepts: str, takes: bool) -> None:
    assert takes_gzip(accepts) is takes


def test_what_an_answer_depends_on_is_said_once() -> None:
    response = web.Response()
    for name in ("Cookie", "Accept-Encoding", "cookie"):
        varies_by(response, name)
    assert response.headers["Vary"] == "Cookie, Accept-Encoding"


# All faults at once


async def test_all_that_is_wrong_with_a_query_is_said_at_once(house: House) -> None:
    query = "?limit=0&limit=1&final=perhaps&x=1&status=&label=team&since=yesterday"
    answer = await house.ask("GET", "/v1/watches" + query)
    assert (answer.status, answer.json["type"]) == (422, "/problems/bad-query")
    assert [error["parameter"] for error in answer.json["errors"]] == [
        "limit",
        "limit",
        "status",
        "final",
        "label",
        "since",
        "x",
    ]
    assert answer.json["detail"].startswith("It is given 2 times; give it once, at limit; and 6 more: see errors")


async def test_all_that_is_wrong_with_a_row_is_said_at_once(house: House) -> None:
    rows = [{"batch_id": 1}, {"batch_id": 0, "labels": {"a": 1}, "expires_in": "1s", "x": 1}]
    answer = await house.ask("POST", "/v1/watches", json=rows)
    error = answer.json["items"][1]["error"]
    assert {each["pointer"] for each in error["errors"]} == {"/batch_id", "/labels/a", "/expires_in", "/x"}
    (bounds,) = (each["message"] for each in error["errors"] if each["pointer"] == "/expires_in")
    assert bounds == "It must be from 60 to 31622400 seconds"
    assert answer.json["created"] == 1


# Pages


async def test_a_cursor_is_for_its_own_list_and_filters(house: House) -> None:
    cursor = cursor_of(5, ["deliveries", None, None, None, ["dead", "held"]])
    assert (await house.ask("GET", f"/v1/deliveries?state=held&state=dead&state=held&cursor={cursor}")).status == 200
    for path in ("/v1/deliveries?state=dead&", "/v1/deliveries?", "/v1/endpoints?", "/v1/tokens?", "/v1/watches?"):
        answer = await house.ask("GET", f"{path}cursor={cursor}")
        assert (answer.status, answer.json["type"]) == (422, "/problems/bad-cursor"), path


async def test_endpoints_page_by_their_links(house: House) -> None:
    for endpoint_id in ("a", "b", "c"):
        made = await house.ask("POST", "/v1/endpoints", json={"id": endpoint_id, "url": "https://example.com/hook"})
        assert made.status == 201
    found: list[str] = []
    path: str | None = "/v1/endpoints?limit=1"
    while path is not None:
        answer = await house.ask("GET", path)
        found += [item["id"] for item in answer.json["items"]]
        path = answer.headers.get("Link", "").removeprefix("<").removesuffix('>; rel="next"') or None
    assert found == ["a", "b", "c"]
