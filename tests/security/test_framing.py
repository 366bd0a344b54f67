"""Requests as no client sends them, over a raw socket: nobody can hide a second request in a first one (smuggling), reach a file
beside the page's, or have a part of what they send come back as a header."""

import asyncio
import gzip
import json
import re
from typing import Final

import pytest

from tests.web.house import House, open_house
from watcher.core.news import RequestFailed

HIDDEN: Final = b"DELETE /v1/session HTTP/1.1\r\nHost: h\r\n\r\n"
"""What a request behind a careless proxy would be led past it with."""
LAST: Final = b"GET /livez HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
"""After which the connection is over, so that it can be read to its end."""
LENGTH: Final = str(len(HIDDEN)).encode()


async def said(house: House, sent: bytes, last: bytes = LAST) -> list[tuple[int, bytes]]:
    """All answers on one connection, until the other end closes it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(house.url.rpartition(":")[2]))
    writer.write(sent + last)
    whole = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    found = re.split(rb"(?=HTTP/1\.[01] \d{3} )", whole)
    assert found[0] == b"", whole
    return [(int(each[9:12]), each) for each in found[1:]]


def post(*headers: bytes, body: bytes = b"", path: bytes = b"/v1/watches") -> bytes:
    lines = [b"POST " + path + b" HTTP/1.1", b"Host: h", b"Content-Type: application/json", *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@pytest.mark.parametrize(
    "sent",
    [
        post(b"Content-Length: 4", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + HIDDEN),
        post(b"Transfer-Encoding: chunked", b"Content-Length: 5", body=b"0\r\n\r\n" + HIDDEN),
        post(b"Content-Length: 0", b"Content-Length: " + LENGTH, body=HIDDEN),
        post(b"Content-Length: " + LENGTH, b"Content-Length: 0", body=HIDDEN),
        post(b"Content-Length: 0, " + LENGTH, body=HIDDEN),
        post(b"Content-Length: +0", body=HIDDEN),
        post(b"Content-Length: -1", body=HIDDEN),
        post(b"Content-Length: 0x0", body=HIDDEN),
        post(b"Content-Length: 0 0", body=HIDDEN),
        post(b"Content-Length: ", body=HIDDEN),
        post(b"Content-Length: \xd9\xa0".ljust(20), body=HIDDEN),
        post(b"Content-Length : 0", body=HIDDEN),
        post(b" Content-Length: 0", body=HIDDEN),
        post(b"Content-Length\x0b: 0", body=HIDDEN),
        post(b"Content-Length:\x000", body=HIDDEN),
        post(b"Content-Length: 99999999999999999999", body=HIDDEN),
        post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n" + HIDDEN),
        post(b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n" + HIDDEN),
        post(b"Transfer-Encoding: identity, chunked, chunked", body=b"0\r\n\r\n" + HIDDEN),
        post(b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=b"0\r\n\r\n" + HIDDEN),
        post(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n" + HIDDEN),
        post(b"X: y\r\n Transfer-Encoding: chunked", body=b"0\r\n\r\n" + HIDDEN),
        post(b"Transfer-Encoding:\r\n chunked", body=b"0\r\n\r\n" + HIDDEN),
        post(b"X: y\rTransfer-Encoding: chunked", body=b"0\r\n\r\n" + HIDDEN),
        post(b"X: y\nContent-Length: 0", body=HIDDEN),
        post(b"X: y\x00", body=HIDDEN),
        post(b"Transfer-Encoding: chunked", body=b"0x0\r\n\r\n" + HIDDEN),
        post(b"Transfer-Encoding: chunked", body=b"-0\r\n\r\n" + HIDDEN),
        post(b"Transfer-Encoding: chunked", body=b"+0\r\n\r\n" + HIDDEN),
        post(b"Transfer-Encoding: chunked", body=b"0_0\r\n\r\n" + HIDDEN),
        post(b"Transfer-Encoding: chunked", body=b" 0\r\n\r\n" + HIDDEN),
        post(b"Transfer-Encoding: chunked", body=b"0\n\n" + HIDDEN),
        post(b"Transfer-Encoding: chunked", body=b"2;x=\n\r\n[]\r\n0\r\n\r\n" + HIDDEN),
        post(b"Transfer-Encoding: chunked", body=b"2\r\n[]XX0\r\n\r\n" + HIDDEN),
        post(b"Transfer-Encoding: chunked", body=b"FFFFFFFFFFFFFFFFF\r\n" + HIDDEN),
        post(b"Transfer-Encoding: chunked", body=b"\r\n\r\n" + HIDDEN),
        b"GET /livez HTTP/1.1\nHost: h\n\n" + HIDDEN,
        b"GET /livez HTTP/1.1\r\nHost: h\r\nX\r\n\r\n" + HIDDEN,
        b"GET /livez HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n" + HIDDEN,
        b"GET /livez HTTP/1.1\r\nHost: h\r\nHost: other\r\n\r\n" + HIDDEN,
        b"GET /livez HTTP/1.1 \r\nHost: h\r\n\r\n" + HIDDEN,
        b"GET /livez HTTP/1.10\r\nHost: h\r\n\r\n" + HIDDEN,
        b"GET /livez HTTP/2.0\r\nHost: h\r\n\r\n" + HIDDEN,
        b"GET /li\x00vez HTTP/1.1\r\nHost: h\r\n\r\n" + HIDDEN,
        b"G\xc3\x89T /livez HTTP/1.1\r\nHost: h\r\n\r\n" + HIDDEN,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + HIDDEN,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + HIDDEN,
    ],
)  # fmt: skip
async def test_a_request_that_two_could_read_in_two_ways_is_refused_and_nothing_after_it_is_read(sent: bytes) -> None:
    async with open_house(token="correct-horse-battery") as house:
        answers = await said(house, sent)
        assert [status for status, _ in answers] in ([400], [401, 400], [505]), answers
        last = answers[-1][1]
        assert b"watcher" in last
        assert b"DELETE" not in last
        assert house.ear.of(RequestFailed) == []


async def test_what_is_well_framed_is_answered_one_by_one() -> None:
    """Else the test above would show nothing: the hidden request is one that is answered."""
    async with open_house(token="correct-horse-battery") as house:
        for sent in (
            post(b"Content-Length: 2", body=b"[]"),
            post(b"Content-Length: 2", b"Content-Encoding: identity", body=b"[]"),
            post(b"Transfer-Encoding: chunked", body=b"2\r\n[]\r\n0\r\n\r\n"),
            post(b"Transfer-Encoding: chunked", body=b"1;a=b\r\n[\r\n1\r\n]\r\n0\r\nX-Trailer: y\r\n\r\n"),
        ):
            assert [status for status, _ in await said(house, sent + HIDDEN)] == [401, 204, 200], sent


@pytest.mark.parametrize("header", [b"Content-Length: 0", b"Transfer-Encoding: chunked", b"Authorization: Bearer x"])
async def test_what_comes_after_a_body_is_no_header_of_the_next_request(header: bytes) -> None:
    """Trailers are not mixed with headers: nobody signs in with one."""
    async with open_house(token="correct-horse-battery") as house:
        trailer = b"Authorization: Bearer correct-horse-battery\r\n" + header
        sent = post(b"Transfer-Encoding: chunked", body=b"2\r\n[]\r\n0\r\n" + trailer + b"\r\n\r\n")
        answers = await said(house, sent)
        assert answers[0][0] in (400, 401)


@pytest.mark.parametrize(
    "target",
    [
        *(f"/page/{up}{name}" for up in ("../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "..\\", ".%2e/", "%252e%252e/",
            "..;/", "....//", "%c0%ae%c0%ae/", "%uff0e%uff0e/", "..%00/", "./../", "main.js/../", "%2e/%2e%2e/")
            for name in ("page_files.py", "../store/queries.sql", "../../../../../../etc/passwd")),
        *("/page//etc/passwd", "/page/%2fetc/passwd", "/page/file:///etc/passwd", "/page/main.js%00", "/page/main.js%0a",
          "/page/main.js%20", "/page/main.js/", "/page/main.js::$DATA", "/page/MAIN.JS", "/page/.", "/page/..", "/page/",
          "/page/%2e%2e", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/\\etc\\passwd", "/.git/config",
          "/watcher.db", "/page/index.html", "/docs/../page_files.py", "/problems/../../x", "/problems/%2e%2e%2fx",
          "/problems/..%2f..%2fdocs.css", "/docs.css/../x", "/openapi.json%00", "/page/dom.js%3f", "/page/../..",
          "http://127.0.0.1/etc/passwd", "http://evil.example/page/../x", "file:///etc/passwd"),
    ],
)  # fmt: skip
async def test_no_path_leads_to_a_file_that_is_not_of_the_page(house: House, target: str) -> None:
    """As it is, without a client that would tidy it up before."""
    port = house.url.rpartition(":")[2]
    request = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()
    [(status, answer)] = await said(house, request, b"")
    assert status in (400, 404), answer
    body = answer.partition(b"\r\n\r\n")[2]
    assert json.loads(body)["type"] in ("/problems/unknown-path", "/problems/bad-request", "/problems/unknown-problem")
    for inside in (b"root:", b"import ", b"SELECT", b"SQLite"):
        assert inside not in body.replace(target.encode(), b"")


@pytest.mark.parametrize(
    "evil",
    [
        *("%0d%0aX-Evil:%20yes", "%0aX-Evil:%20yes", "%0dX-Evil:%20yes", "%E5%98%8A%E5%98%8DX-Evil:%20yes", "%00X-Evil:yes"),
        *("%e2%80%a8X-Evil:yes", "%c2%85X-Evil:yes", "%0d%0a%0d%0a<script>alert(1)</script>", "%1b[2J", "%e2%80%aex"),
    ],
)  # fmt: skip
async def test_nothing_of_a_request_becomes_a_header_of_the_answer_or_of_the_page(house: House, evil: str) -> None:
    port = house.url.rpartition(":")[2]
    for target in (
        f"/{evil}",
        f"/page/{evil}",
        f"/problems/{evil}",
        f"/v1/accounts/{evil}",
        f"/v1/accounts/default/batches/{evil}",
        f"/v1/endpoints/{evil}",
        f"/v1/watches?cursor={evil}&{evil}=1",
        f"/v1/events/stream?after={evil}",
    ):
        heads = (
            f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX-Request-Id: a\tb{evil}\r\nConnection: close\r\n\r\n"
        )
        [(status, answer)] = await said(house, heads.encode(), b"")
        head, _, body = answer.partition(b"\r\n\r\n")
        assert status in (400, 404, 422), target
        assert b"x-evil" not in b"".join(line.partition(b":")[0].lower() for line in head.split(b"\n")), target
        assert b"Content-Type: application/problem+json" in head, target
        assert re.search(rb"\r\nX-Request-Id: [0-9a-f]{32}(\r\n|$)", head), target
        assert not set(body.rstrip(b"\n")) & set(b"\x00\x1b\r\n"), target


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "GET"])
async def test_a_bomb_is_not_unpacked_for_whoever_has_no_token(method: str) -> None:
    """Nor are two in one another."""
    once = gzip.compress(bytes(8 * 1024 * 1024))
    for encoding, body in (("gzip", once), ("gzip, gzip", gzip.compress(once)), ("deflate", once), ("br", once)):
        async with open_house(token="correct-horse-battery") as house:
            head = f"{method} /v1/watches HTTP/1.1\r\nHost: h\r\nContent-Encoding: {encoding}\r\nConnection: close\r\n"
            answers = await said(house, f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body, b"")
            assert answers[0][0] in (400, 401, 405), answers
            assert house.ear.of(RequestFailed) == []
