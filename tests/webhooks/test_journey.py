"""Where the time of an attempt went, and which address it went to: the test's own clock goes on at each stretch of the way."""

import asyncio
import socket
import ssl
from datetime import timedelta

import pytest
import trustme
from aiohttp.abc import ResolveResult

from tests.fakes import FakeClock
from tests.sockets import http, listening
from tests.webhooks.house import DELIVERY, LOOPBACK, NOTHING, Names, endpoint, sending
from watcher.core.endpoint import Timings
from watcher.webhooks.connection import tls_context
from watcher.webhooks.guard import AddressInfo, Guard


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


class SlowNames(Names):
    """Takes a second for each look-up, in which others come to wait for it: also where tasks begin at once (Python 3.12)."""

    def __init__(self, clock: FakeClock, *answers: list[str]) -> None:
        super().__init__(*answers)
        self._clock = clock

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        await asyncio.sleep(0)
        self._clock.turn(seconds=1)
        return await super().resolve(host, port, family)


async def test_each_stretch_of_the_way_is_told_apart() -> None:
    clock = FakeClock()

    def slow_socket(candidate: AddressInfo) -> socket.socket:
        clock.turn(seconds=2)
        return socket.socket(*candidate[:3])

    def slow_handshake(*_: object) -> None:
        clock.turn(seconds=4)

    async def slow_answer(writer: asyncio.StreamWriter) -> None:
        clock.turn(seconds=8)
        writer.write(http(200))

    authority = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("receiver.example").configure_cert(serving)
    serving.sni_callback = slow_handshake  # called in the midst of it
    with authority.cert_pem.tempfile() as file:
        trusting = tls_context(file)
    async with (
        listening(slow_answer, tls=serving) as receiver,
        sending(
            clock=clock,
            guard=Guard(LOOPBACK, slow_socket),
            resolver=SlowNames(clock, ["127.0.0.1"]),
            tls=trusting,
        ) as sender,
    ):
        url = f"https://receiver.example:{receiver.port}/"
        first, second = [await sender.send(endpoint(url), DELIVERY) for _ in range(2)]
    assert first.timings == Timings(dns=seconds(1), connect=seconds(2), tls=seconds(4), first_byte=seconds(8))
    assert (first.code, first.took, first.address) == (200, seconds(15), "127.0.0.1")
    assert second.timings == Timings(first_byte=seconds(8))
    assert (second.code, second.took, second.address) == (200, seconds(8), "127.0.0.1")


async def test_the_first_byte_counts_and_not_the_last() -> None:
    clock = FakeClock()

    async def slowly(writer: asyncio.StreamWriter) -> None:
        clock.turn(seconds=1)
        writer.write(b"HTTP/1.1 200 OK\r\n")
        await asyncio.sleep(0.05)
        clock.turn(seconds=1)
        writer.write(b"Content-Length: 2\r\n\r\n")
        await asyncio.sleep(0.05)
        clock.turn(seconds=1)
        writer.write(b"ok")

    async with listening(slowly) as receiver, sending(clock=clock) as sender:
        attempt = await sender.send(endpoint(receiver.url), DELIVERY)
    assert (attempt.timings, attempt.took) == (Timings(connect=NOTHING, first_byte=seconds(1)), seconds(3))


async def test_a_name_that_is_remembered_costs_nothing() -> None:
    clock = FakeClock()
    names = SlowNames(clock, ["127.0.0.1"])
    async with (
        listening(b"HTTP/1.1 204 None\r\nConnection: close\r\n\r\n") as receiver,
        sending(clock=clock, resolver=names) as sender,
    ):
        url = f"http://receiver.example:{receiver.port}/"
        attempts = [await sender.send(endpoint(url), DELIVERY) for _ in range(2)]
    assert [attempt.timings.dns for attempt in attempts] == [seconds(1), NOTHING]
    assert names.asked == ["receiver.example"]


async def test_those_who_wait_for_the_same_look_up_are_told_how_long_it_took() -> None:
    clock = FakeClock()
    names = SlowNames(clock, ["127.0.0.1"])
    async with listening(http(200)) as receiver, sending(clock=clock, resolver=names) as sender:
        url = f"http://receiver.example:{receiver.port}/"
        attempts = await asyncio.gather(*(sender.send(endpoint(url), DELIVERY) for _ in range(3)))
    assert [attempt.timings.dns for attempt in attempts] == [seconds(1)] * 3
    assert names.asked == ["receiver.example"]


async def test_attempts_side_by_side_are_not_mixed_up() -> None:
    """Each is for an address of its own, and only the first is listened at."""
    addresses = [f"127.0.0.{n}" for n in range(1, 20)]

    class Many(Names):
        async def resolve(
            self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
        ) -> list[ResolveResult]:
            return await Names([host.removesuffix(".example")]).resolve(host, port, family)

    async with listening(http(200)) as receiver, sending(resolver=Many()) as sender:
        urls = [f"http://{address}.example:{receiver.port}/" for address in addresses]
        attempts = await asyncio.gather(*(sender.send(endpoint(url), DELIVERY) for url in urls))
    told = [attempt.address if attempt.code else attempt.detail for attempt in attempts]
    assert told == ["127.0.0.1", *(f"{address}: Connection refused" for address in addresses[1:])]


@pytest.mark.parametrize("names", [["127.0.0.2", "127.0.0.1"], ["::1", "127.0.0.1"]])
async def test_of_several_addresses_the_one_that_was_connected_to_is_told(names: list[str]) -> None:
    async with listening(http(200)) as receiver, sending(resolver=Names(names)) as sender:
        attempt = await sender.send(endpoint(f"http://receiver.example:{receiver.port}/"), DELIVERY)
    assert (attempt.code, attempt.address) == (200, "127.0.0.1")


async def test_of_several_addresses_that_fail_each_is_told_once() -> None:
    names = ["127.0.0.3", "127.0.0.2"]
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        async with sending(resolver=Names(names)) as sender:
            attempt = await sender.send(endpoint(f"http://receiver.example:{port}/"), DELIVERY)
    assert (attempt.error, attempt.detail) == ("connect", "127.0.0.3, 127.0.0.2: Connection refused")
