"""What is small on its way and large when it is read: for the interface, from CallFire, from receivers. It is refused as what it
is, and nobody else waits for it."""

import asyncio
import gzip
import json
import tracemalloc
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from typing import Final

import aiohttp
import pytest

from tests.sockets import http, listening
from tests.web.house import House
from tests.webhooks.house import DELIVERY, endpoint, sending
from watcher.callfire.bodies import MAX_BODY, Nonsense, batch_shown, page_shown, unpacked
from watcher.core.model import PageRef
from watcher.core.news import RequestFailed
from watcher.web.bodies import MAX_BODY as MOST_TAKEN

DEEP: Final = 200_000
PAGE: Final = PageRef(broadcast_id=14, kind="call", offset=0, limit=100)
JSON_BOMBS: Final[Mapping[str, bytes]] = {
    "lists in lists": b"[" * DEEP + b"]" * DEEP,
    "lists without an end": b"[" * DEEP,
    "objects in objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "objects in a label": b'[{"batch_id": 1, "labels": ' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}]",
    "a number of a million digits": b"[" + b"9" * 1_000_000 + b"]",
    "an exponent": b"[1e999999999, -1e999999999]",
    "an exponent as an id": b'[{"batch_id": 1e308}]',
    "a long fraction": b'[{"batch_id": 1.5' + b"0" * 1_000_000 + b"}]",
    "a key again and again": b"[{" + b'"batch_id": 1,' * 100_000 + b'"batch_id": 2}]',
    "keys that are many": b"[{" + b",".join(b'"k%d": 1' % n for n in range(100_000)) + b"}]",
    "no numbers": b'[NaN, Infinity, {"batch_id": NaN}]',
    "escapes": b'["' + b"\\ud800" * 100_000 + b'"]',
    "no text": b"\xff\xfe[\x00]\x00",
    "rows that are empty": b"[" + b"0," * 1_000_000 + b"0]",
}


@contextmanager
def within(most: int) -> Iterator[None]:
    """What is done here takes no more bytes of memory at any moment."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < most


@pytest.mark.parametrize("name", JSON_BOMBS)
@pytest.mark.parametrize("packed", [False, True])
async def test_no_json_brings_the_interface_to_a_fault_or_to_do_anything(house: House, name: str, packed: bool) -> None:
    body = JSON_BOMBS[name]
    headers = {"Content-Encoding": "gzip"} if packed else {}
    data = gzip.compress(body, 1) if packed else body
    for method, path, media in (
        ("POST", "/v1/watches", "application/json"),
        ("POST", "/v1/watches", "application/x-ndjson"),
        ("PUT", "/v1/accounts/default/batches/13", "application/json"),
    ):
        answer = await house.ask(method, path, data=BytesIO(data), headers={"Content-Type": media, **headers})
        assert answer.status in (200, 400, 413, 422), answer.json
        if answer.status == 200:  # of rows each is answered by itself
            assert (answer.json["created"], answer.json["refused"]) == (0, len(answer.json["items"])), answer.json
        assert len(answer.body) < 100_000
    assert house.ear.of(RequestFailed) == []
    assert house.following.known == {}


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_of_a_packed_bomb_no_more_is_unpacked_than_may_be_sent(house: House, encoding: str) -> None:
    """While it is read others are answered."""
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    bomb = pack(b" " * (64 * 1024 * 1024))
    assert len(bomb) < MOST_TAKEN / 10
    headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
    with within(4 * MOST_TAKEN):
        refused, other = await asyncio.gather(
            house.ask("POST", "/v1/watches", data=bomb, headers=headers), house.ask("GET", "/v1/watches")
        )
    assert (refused.status, refused.json["type"]) == (413, "/problems/body-too-large")
    assert other.status == 200


async def test_two_packings_in_one_another_and_other_tricks_are_not_unpacked(house: House) -> None:
    inner = gzip.compress(b"[]")
    for encoding, body in (
        ("gzip, gzip", gzip.compress(inner)),
        ("gzip", b"\x1f\x8b" + bytes(100)),
        ("deflate", inner),
        ("compress", inner),
    ):
        headers = {"Content-Encoding": encoding, "Content-Type": "application/json"}
        try:
            answer = await house.ask("POST", "/v1/watches", data=body, headers=headers)
        except aiohttp.ClientConnectionError:
            continue  # it was refused before all of it was read
        assert answer.status in (400, 415), (encoding, answer.json)
    assert house.ear.of(RequestFailed) == []


@pytest.mark.parametrize("name", JSON_BOMBS)
def test_no_json_of_callfires_is_taken_for_an_answer(name: str) -> None:
    body = JSON_BOMBS[name]
    for read in (lambda: batch_shown(13, body), lambda: page_shown(PAGE, body)):
        with pytest.raises(Nonsense) as refused:
            read()
        assert len(str(refused.value)) < 300
        assert str(refused.value).isprintable()


def test_no_packed_answer_of_callfires_is_unpacked_beyond_its_bound() -> None:
    bomb = gzip.compress(bytes(64 * 1024 * 1024))
    twice = gzip.compress(bomb)
    with within(4 * MAX_BODY), pytest.raises(Nonsense, match="over 1 MiB when unpacked"):
        unpacked({"Content-Encoding": "gzip"}, bomb)
    assert len(unpacked({"Content-Encoding": "gzip"}, twice)) < MAX_BODY  # and no JSON: it is not unpacked again
    with pytest.raises(Nonsense):
        batch_shown(13, unpacked({"Content-Encoding": "gzip"}, twice))


@pytest.mark.parametrize("name", ["lists in lists", "a number of a million digits", "a key again and again"])
async def test_what_a_receiver_answers_is_not_read_as_json(name: str) -> None:
    """Some of it is kept as it came."""
    body = JSON_BOMBS[name]
    async with listening(http(200, body, Content_Type="application/json")) as receiver, sending() as sender:
        attempt = await sender.send(endpoint(receiver.url), DELIVERY)
    assert (attempt.code, attempt.error) == (200, None)
    assert attempt.answer == body[: len(attempt.answer)]
    assert len(attempt.answer) <= 16 * 1024


def test_the_bombs_are_ones() -> None:
    """For a reader without bounds."""
    with pytest.raises(RecursionError):
        json.loads(JSON_BOMBS["objects in objects"])
