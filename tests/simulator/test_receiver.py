"""The receiver of webhooks: which signatures it takes for good, what its journal shows, and how it fails where it is to."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp
import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from tests.simulator.house import START, STEADY, Hand
from watcher.simulator.receiver import ReceiverConfig, receive

SECRET: Final = "whsec_" + "QUJD" * 8
OTHER_SECRET: Final = "whsec_" + "REVG" * 8
BODY: Final = '{"type":"batch.active","data":{"name":"Zoë"}}'


def signature(*, secret: str = SECRET, number: str = "evt_1", at: float = START, body: str = BODY) -> str:
    """As the official library makes it."""
    return standardwebhooks.Webhook(secret).sign(number, datetime.fromtimestamp(at, UTC), body)


def headers(sign: str | None = None, *, at: float = START) -> dict[str, str]:
    """Those of a good message, or with another signature."""
    return {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(int(at)),
        "webhook-signature": signature(at=at) if sign is None else sign,
    }


@dataclass(slots=True, kw_only=True)
class Post:
    """A receiver, and who sends to it."""

    url: str
    session: aiohttp.ClientSession
    clock: Hand

    async def send(self, told: Mapping[str, str] | None = None, body: str | bytes = BODY) -> aiohttp.ClientResponse:
        async with self.session.post(self.url, headers=headers() if told is None else told, data=body) as response:
            assert await response.read() == b""
            return response

    async def codes(self, times: int) -> list[int]:
        return [(await self.send()).status for _ in range(times)]

    async def journal(self, query: str = "") -> Any:
        async with self.session.get(URL(f"{self.url}journal{query}", encoded=True)) as response:
            return await response.json()

    async def verified(self) -> list[bool]:
        return [each["verified"] for each in (await self.journal())["received"]]


@asynccontextmanager
async def open_post(**config: Any) -> AsyncIterator[Post]:
    clock = Hand()
    async with (
        receive(ReceiverConfig(**{"secret": SECRET, **config}), clock=clock) as url,
        aiohttp.ClientSession() as session,
    ):
        yield Post(url=url, session=session, clock=clock)


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with open_post() as open_one:
        yield open_one


# The journal.


async def test_a_good_message_is_taken_and_kept(post: Post) -> None:
    post.clock.turn(0.5)
    answer = await post.send()
    assert (answer.status, "Retry-After" in answer.headers) == (204, False)
    assert await post.journal() == {
        "received": [
            {
                "id": "evt_1",
                "timestamp": str(int(START)),
                "at": START * 1000 + 500,
                "verified": True,
                "answered": 204,
                "body": json.loads(BODY),
            }
        ],
        "next": 1,
    }


async def test_a_message_without_anything_is_kept_too(post: Post) -> None:
    assert (await post.send({}, b"")).status == 204
    [kept] = (await post.journal())["received"]
    assert kept == {
        "id": None,
        "timestamp": None,
        "at": START * 1000,
        "verified": False,
        "answered": 204,
        "body": None,
    }


@pytest.mark.parametrize("body", [b"hello", b"\xff", b'{"a":', b"[" * 100_000, b"NaN", b"[1e999]"])
async def test_a_body_that_is_no_json_is_kept_as_none(post: Post, body: bytes) -> None:
    await post.send(body=body)
    [kept] = (await post.journal())["received"]
    assert (kept["body"], kept["verified"]) == (None, False)


async def test_a_body_however_deep_leaves_the_journal_readable(post: Post) -> None:
    for depth in range(900, 1000, 3):
        await post.send(body=b"[" * depth + b"]" * depth)
    assert len((await post.journal())["received"]) == 34


async def test_the_journal_is_shown_from_where_it_is_asked_for(post: Post) -> None:
    for number in range(3):
        await post.send(body=str(number))
    for query, bodies, after in (("", [0, 1, 2], 3), ("?since=2", [2], 3), ("?since=3", [], 3), ("?since=9", [], 9)):
        shown = await post.journal(query)
        assert ([each["body"] for each in shown["received"]], shown["next"]) == (bodies, after)


@pytest.mark.parametrize("query", ["?since=-1", "?since=x", "?until=1"])
async def test_a_bad_question_is_refused_with_a_word(post: Post, query: str) -> None:
    answer = await post.journal(query)
    assert set(answer) == {"error"}
    assert answer["error"]


# Signatures.


@pytest.mark.parametrize(
    "sign",
    [
        signature(secret=OTHER_SECRET) + " " + signature(),
        signature() + " " + signature(secret=OTHER_SECRET),
        "v2,AAAA " + signature(),
        "v1,no/base64! " + signature(),
        "v1,é " + signature(),
        "v1a,AAAA v1  " + signature(),
    ],
    ids=["second", "first", "another version", "no base64", "no ASCII", "no signatures"],
)
async def test_one_good_signature_among_several_is_enough(post: Post, sign: str) -> None:
    await post.send(headers(sign))
    assert await post.verified() == [True]


@pytest.mark.parametrize(
    "sign",
    [
        "",
        "v1",
        "v1,",
        "v1,AAAA",
        "v1,no/base64!",
        "v1,é",
        signature(secret=OTHER_SECRET),
        signature(number="evt_2"),
        signature(at=START + 1),
        signature(body=BODY + " "),
        signature().replace("v1,", "v2,"),
        signature().replace("v1,", "V1,"),
        signature().removeprefix("v1,"),
        signature().rstrip("="),
        signature() + "x",
        signature().replace(",", ";"),
        f"{signature(secret=OTHER_SECRET)},{signature()}",
    ],
)
async def test_a_signature_that_is_not_right_is_not_taken(post: Post, sign: str) -> None:
    await post.send(headers(sign))
    assert await post.verified() == [False]


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
async def test_every_header_is_needed(post: Post, name: str) -> None:
    await post.send({key: value for key, value in headers().items() if key != name})
    await post.send({**headers(), name: ""})
    assert await post.verified() == [False, False]


async def test_without_an_id_even_a_fitting_signature_is_not_taken(post: Post) -> None:
    await post.send({**headers(signature(number="")), "webhook-id": ""})
    assert await post.verified() == [False]


@pytest.mark.parametrize(
    ("age", "good"), [(0, True), (299, True), (300, True), (301, False), (-300, True), (-301, False), (1e6, False)]
)
async def test_a_message_that_is_old_or_of_the_future_is_not_taken(post: Post, age: float, good: bool) -> None:
    await post.send(headers(at=START - age))
    assert await post.verified() == [good]


@pytest.mark.parametrize("timestamp", ["now", "-1", "1e9", f"{START}", f"{START * 1000:.0f}", "0" * 13, "²"])
async def test_a_timestamp_is_whole_seconds(post: Post, timestamp: str) -> None:
    await post.send({**headers(), "webhook-timestamp": timestamp})
    assert await post.verified() == [False]


@STEADY
@given(st.text(max_size=20), st.text(alphabet="abcdef_0123456789", min_size=1, max_size=20))
def test_whatever_the_official_library_signs_is_taken(body: str, number: str) -> None:
    async def verified() -> list[bool]:
        async with open_post() as post:
            told = {**headers(signature(number=number, body=body)), "webhook-id": number}
            await post.send(told, body.encode())
            return await post.verified()

    assert asyncio.run(verified()) == [True]


# Failing.


async def test_the_first_ones_fail() -> None:
    async with open_post(fail_first=2) as post:
        assert await post.codes(4) == [503, 503, 204, 204]
        kept = (await post.journal())["received"]
        assert [(each["answered"], each["verified"]) for each in kept] == [
            (503, True),
            (503, True),
            (204, True),
            (204, True),
        ]


async def test_all_fail_for_a_time() -> None:
    async with open_post(fail_for=2.0, fail_code=500) as post:
        codes = []
        for seconds in (0.0, 1.5, 0.5, 10.0):
            post.clock.turn(seconds)
            codes += await post.codes(1)
        assert codes == [500, 500, 204, 204]


@pytest.mark.parametrize(("share", "least", "most"), [(0.0, 0, 0), (0.3, 20, 40), (1.0, 100, 100)])
async def test_a_share_fails(share: float, least: int, most: int) -> None:
    async with open_post(fail_share=share) as post:
        codes = await post.codes(100)
        assert set(codes) <= {204, 503}
        assert least <= codes.count(503) <= most


async def test_the_same_seed_fails_the_same_ones() -> None:
    runs = []
    for seed in (1, 1, 2):
        async with open_post(fail_share=0.5, seed=seed) as post:
            runs.append(await post.codes(30))
    assert runs[0] == runs[1]
    assert runs[0] != runs[2]


async def test_a_pause_is_told_where_it_fails_and_only_there() -> None:
    async with open_post(fail_first=1, fail_code=429, retry_after=7) as post:
        failed, good = await post.send(), await post.send()
        assert (failed.status, failed.headers.get("Retry-After")) == (429, "7")
        assert (good.status, good.headers.get("Retry-After")) == (204, None)
    async with open_post(fail_first=1, fail_code=202, retry_after=7) as post:
        answer = await post.send()
        assert (answer.status, answer.headers.get("Retry-After")) == (202, None)


async def test_a_slow_one_takes_its_time_and_keeps_when_the_message_came() -> None:
    loop = asyncio.get_running_loop()
    async with open_post(slow=0.05) as post:
        began = loop.time()
        assert (await post.send()).status == 204
        assert loop.time() - began > 0.04
        assert [each["at"] for each in (await post.journal())["received"]] == [START * 1000]


async def test_a_secret_may_come_without_its_prefix() -> None:
    async with open_post(secret=SECRET.removeprefix("whsec_")) as post:
        await post.send()
        assert await post.verified() == [True]
