"""Through a proxy: what it does wrong is not the receiver's fault, and the guard covers the way to the proxy only."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trustme

from tests.sockets import Reply, drop, hang, http, listening
from tests.webhooks.house import DELIVERY, NOTHING, Names, answered, endpoint, failed, sending
from watcher.core.endpoint import Attempt, Timings
from watcher.webhooks.connection import tls_context
from watcher.webhooks.guard import Guard

OPENED = Timings(connect=NOTHING)


async def through(*replies: Reply, url: str = "http://receiver.example/hook", timeout: float = 15.0) -> Attempt:
    """What comes of a delivery through a proxy that replies so."""
    async with listening(*replies) as proxy, sending(proxy=proxy.url) as sender:
        return await sender.send(endpoint(url, timeout=timeout), DELIVERY)


async def test_the_proxy_is_asked_for_the_whole_url_and_looks_the_name_up() -> None:
    async with listening(http(200, b"ok")) as proxy, sending(proxy=proxy.url, resolver=Names(OSError())) as sender:
        attempt = await sender.send(endpoint("http://receiver.example/hook"), DELIVERY)
        assert attempt == answered(200, b"ok")
        [heard] = proxy.heard
    assert heard.line == "POST http://receiver.example/hook HTTP/1.1"
    assert heard.headers["host"] == "receiver.example"


async def test_a_login_in_the_proxys_url_is_shown_to_it_each_time_on_one_connection() -> None:
    async with listening(http(200)) as proxy, sending(proxy=proxy.url.replace("//", "//user:word@")) as sender:
        for _ in range(2):
            await sender.send(endpoint("http://receiver.example/hook"), DELIVERY)
        shown = [(heard.connection, heard.headers["proxy-authorization"]) for heard in proxy.heard]
    assert shown == [(1, "Basic dXNlcjp3b3Jk")] * 2


@asynccontextmanager
async def tunnelling(port: int) -> AsyncIterator[str]:
    """A proxy that lets everything through to one port of this machine; its URL."""

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        inner, outer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            await asyncio.gather(pipe(reader, outer), pipe(inner, writer))
        finally:
            for each in (outer, writer):
                each.transport.abort()

    running: list[asyncio.Task[None]] = []
    server = await asyncio.start_server(
        lambda reader, writer: running.append(asyncio.create_task(serve(reader, writer), name="serve")), "127.0.0.1", 0
    )
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def test_tls_goes_through_the_proxy_to_the_receiver() -> None:
    authority = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("receiver.example").configure_cert(serving)
    with authority.cert_pem.tempfile() as file:
        trusting = tls_context(file)
    async with (
        listening(http(200, b"ok"), tls=serving) as receiver,
        tunnelling(receiver.port) as proxy,
        sending(proxy=proxy, tls=trusting) as sender,
    ):
        url = f"https://receiver.example:{receiver.port}/"
        attempts = [await sender.send(endpoint(url), DELIVERY) for _ in range(2)]
        other = await sender.send(endpoint(f"https://other.example:{receiver.port}/"), DELIVERY)
    whole = Timings(connect=NOTHING, tls=NOTHING, first_byte=NOTHING)
    assert attempts == [
        answered(200, b"ok", timings=whole),
        answered(200, b"ok", timings=Timings(first_byte=NOTHING)),
    ]
    assert other.error == "tls"


@pytest.mark.parametrize("url", ["http://receiver.example/", "https://receiver.example/"])
async def test_a_proxy_that_is_not_there_is_its_own_fault(url: str) -> None:
    async with sending(proxy="http://127.0.0.1:9") as sender:
        attempt = await sender.send(endpoint(url), DELIVERY)
    assert attempt == failed("proxy", "the proxy cannot be connected to: Connection refused")


async def test_a_proxy_whose_name_nobody_knows_is_its_own_fault() -> None:
    async with sending(proxy="http://proxy.example:3128", resolver=Names(OSError(None, "no such name"))) as sender:
        attempt = await sender.send(endpoint("http://receiver.example/"), DELIVERY)
    assert attempt == failed("proxy", "the proxy cannot be connected to: no such name")


async def test_a_proxy_whose_name_is_not_looked_up_in_time_is_its_own_fault() -> None:
    async with sending(proxy="http://proxy.example:3128", resolver=Names(None), connect=0.1) as sender:
        attempt = await sender.send(endpoint("http://receiver.example/"), DELIVERY)
    assert attempt == failed("proxy", "the proxy was not connected to in time")


async def test_the_guard_stands_before_the_proxy() -> None:
    async with listening(http(200)) as proxy, sending(proxy=proxy.url, guard=Guard()) as sender:
        attempt = await sender.send(endpoint("http://receiver.example/"), DELIVERY)
        assert proxy.heard == []
    why = "127.0.0.1 is a loopback address; name its network in webhooks.allow_networks if it is meant"
    assert attempt == failed("proxy", f"the proxy cannot be connected to: {why}")


@pytest.mark.parametrize("url", ["http://169.254.169.254/", "https://10.0.0.1/", "http://[::ffff:10.0.0.1]/"])
async def test_no_proxy_is_asked_for_a_literal_address_that_is_refused(url: str) -> None:
    async with listening(http(200)) as proxy, sending(proxy=proxy.url) as sender:
        attempt = await sender.send(endpoint(url), DELIVERY)
        assert (attempt.error, proxy.heard) == ("refused", [])


@pytest.mark.parametrize("url", ["http://receiver.example/", "https://receiver.example/"])
async def test_a_proxy_that_wants_a_login_is_its_own_fault(url: str) -> None:
    attempt = await through(http(407), url=url)
    assert (attempt.code, attempt.error, attempt.detail) == (None, "proxy", "the proxy answered 407")


@pytest.mark.parametrize("code", [400, 403, 500])
async def test_a_proxy_that_makes_no_tunnel_is_its_own_fault(code: int) -> None:
    attempt = await through(http(code), url="https://receiver.example/")
    assert (attempt.code, attempt.error, attempt.detail) == (None, "proxy", f"the proxy answered {code}")


@pytest.mark.parametrize("code", [502, 503, 504])
async def test_a_proxy_that_cannot_reach_the_receiver_says_so(code: int) -> None:
    attempt = await through(http(code), url="https://receiver.example/")
    assert (attempt.error, attempt.detail) == (
        "connect",
        f"the proxy answered {code}: it could not reach the receiver",
    )


@pytest.mark.parametrize("reply", [drop, b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n"])
async def test_a_proxy_that_does_not_talk_sense_is_its_own_fault(reply: Reply) -> None:
    attempt = await through(reply, url="https://receiver.example/")
    assert (attempt.error, attempt.detail) == ("proxy", "the proxy gave no sound answer")


async def test_a_tunnel_that_is_not_made_in_time_is_a_timeout() -> None:
    """Whoever it was that hung: it counts, or it would be tried without end."""
    attempt = await through(hang, url="https://receiver.example/", timeout=1.0)
    assert attempt == failed("timeout", "no answer in time", address="127.0.0.1", timings=OPENED)


async def test_without_tls_what_the_proxy_passes_on_is_the_receivers() -> None:
    assert await through(http(502)) == answered(502)
    dropped = failed("reset", "the receiver closed the connection before it answered", address="127.0.0.1")
    assert await through(drop) == answered(None, error="reset", detail=dropped.detail, timings=OPENED)
