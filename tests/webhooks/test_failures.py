"""Failures over a real socket: of what kind they are, and the word for people. And the one that is mended at once: a connection
that the receiver had closed while it was idle."""

import asyncio
import errno
import socket
import ssl
from dataclasses import replace
from datetime import timedelta

import pytest
import trustme

from tests.fakes import FakeClock
from tests.sockets import Reply, drop, hang, http, listening, reset
from tests.webhooks.house import (
    DELIVERY,
    LOOPBACK,
    NOTHING,
    REUSED,
    Names,
    answered,
    endpoint,
    failed,
    send_to,
    sending,
)
from watcher.core.endpoint import Attempt, Timings
from watcher.webhooks.connection import tls_context
from watcher.webhooks.guard import Guard

BEFORE = "the receiver closed the connection before it answered"
WITHIN = "the receiver closed the connection in the middle of its answer"
DROPPED = failed("reset", BEFORE, address="127.0.0.1", timings=Timings(connect=NOTHING))
DROPPED_AGAIN = replace(DROPPED, timings=Timings())
ENOUGH = 1.0
"""Seconds in which a request reaches a receiver here also on a busy machine. So long lasts what runs out of time after that."""
PATIENCE = 60.0


async def test_a_closed_port_is_connect() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        async with sending() as sender:
            attempt = await sender.send(endpoint(f"http://127.0.0.1:{unused.getsockname()[1]}"), DELIVERY)
    assert attempt == failed("connect", "127.0.0.1: Connection refused")


async def test_where_no_file_is_left_for_a_socket_nobody_is_blamed() -> None:
    guard = Guard(LOOPBACK, make=lambda _: no_socket())
    async with sending(guard=guard) as sender:
        attempt = await sender.send(endpoint("http://127.0.0.1:8080"), DELIVERY)
    assert attempt == failed("files", "no file is left for a connection")


def no_socket() -> socket.socket:
    raise OSError(errno.EMFILE, "Too many open files")


async def test_a_tls_handshake_that_takes_too_long_is_connect() -> None:
    """The port is open, but nobody is behind it."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        async with sending(connect=ENOUGH) as sender, asyncio.timeout(PATIENCE):
            attempt = await sender.send(endpoint(f"https://127.0.0.1:{mute.getsockname()[1]}"), DELIVERY)
    expected = failed("connect", "127.0.0.1: the TLS handshake was not done in time", address="127.0.0.1")
    assert attempt == replace(expected, timings=Timings(connect=NOTHING))


async def test_a_connection_that_takes_too_long_is_connect() -> None:
    """A queue of connections that is full lets nobody in."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as mute:
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(mute.getsockname())
        async with sending(connect=0.1) as sender, asyncio.timeout(PATIENCE):
            attempt = await sender.send(endpoint(f"http://127.0.0.1:{mute.getsockname()[1]}"), DELIVERY)
        for each in waiting:
            each.close()
    assert attempt == failed("connect", "127.0.0.1: not connected in time")


async def test_a_name_nobody_knows_is_dns() -> None:
    async with sending(resolver=Names(OSError(None, "no such name"))) as sender:
        attempt = await sender.send(endpoint("https://receiver.invalid/"), DELIVERY)
    assert attempt == failed("dns", "the name cannot be looked up: no such name")


async def test_a_look_up_without_end_is_dns() -> None:
    async with sending(resolver=Names(None), connect=0.1) as sender, asyncio.timeout(PATIENCE):
        attempt = await sender.send(endpoint("https://receiver.invalid/"), DELIVERY)
    assert attempt == failed("dns", "the name was not looked up in time")


async def test_a_certificate_nobody_vouches_for_is_tls() -> None:
    authority = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(serving)
    async with listening(http(200), tls=serving) as receiver:
        async with sending() as sender:
            attempt = await sender.send(endpoint(receiver.url), DELIVERY)
            assert attempt.error == "tls"
            assert attempt.detail == "the certificate is not trusted: unable to get local issuer certificate"
            assert attempt.address == "127.0.0.1"
        assert receiver.heard == []
        with authority.cert_pem.tempfile() as file:
            async with sending(tls=tls_context(file)) as sender:
                attempt = await sender.send(endpoint(receiver.url), DELIVERY)
    assert attempt == answered(200, timings=Timings(connect=NOTHING, tls=NOTHING, first_byte=NOTHING))


async def test_a_certificate_for_another_name_is_tls_and_says_for_which_it_is_not() -> None:
    authority = trustme.CA()
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("other.example").configure_cert(serving)
    with authority.cert_pem.tempfile() as file:
        async with (
            listening(http(200), tls=serving) as receiver,
            sending(tls=tls_context(file), resolver=Names(["127.0.0.1"])) as sender,
        ):
            attempt = await sender.send(endpoint(f"https://receiver.example:{receiver.port}"), DELIVERY)
            assert receiver.heard == []
    expected = "Hostname mismatch, certificate is not valid for 'receiver.example'."
    assert (attempt.error, attempt.detail) == ("tls", f"the certificate is not trusted: {expected}")


async def test_what_does_not_speak_tls_is_tls() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(http(400))
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server, sending() as sender:
        attempt = await sender.send(endpoint(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"), DELIVERY)
    assert (attempt.error, attempt.detail) == ("tls", "TLS failed: wrong version number")


async def test_certificates_are_verified_whatever_is_given() -> None:
    lax = ssl.create_default_context()
    lax.check_hostname = False
    blind = ssl.create_default_context()
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    for context in (lax, blind):
        with pytest.raises(ValueError, match="always verified"):
            async with sending(tls=context):
                pass


async def test_no_answer_in_time_is_a_timeout() -> None:
    expected = failed("timeout", "no answer in time", address="127.0.0.1", timings=Timings(connect=NOTHING))
    assert await send_to(hang, timeout=ENOUGH) == expected


@pytest.mark.parametrize("lose", [drop, reset])
async def test_a_new_connection_that_drops_is_a_reset_and_not_tried_again(lose: Reply) -> None:
    async with listening(lose) as receiver, sending() as sender:
        attempt = await sender.send(endpoint(receiver.url), DELIVERY)
    assert attempt == DROPPED
    assert len(receiver.heard) == 1


async def test_what_is_not_http_is_a_bad_answer() -> None:
    attempt = await send_to(b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n")
    assert attempt == answered(None, error="bad_answer", detail=attempt.detail)
    assert (attempt.detail or "").startswith("the answer is not sound HTTP")
    assert "SSH" not in (attempt.detail or "")


async def test_an_acceptance_cut_short_is_a_bad_answer() -> None:
    async def cut(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok")
        writer.close()

    detail = "the answer ended too early, or was not framed as it should be"
    assert await send_to(cut) == answered(None, b"ok", error="bad_answer", detail=detail)


async def test_a_detail_is_one_line_of_no_more_than_200_characters() -> None:
    async with sending(resolver=Names(OSError(None, "no\r\nsuch\tname " + "x" * 500))) as sender:
        attempt = await sender.send(endpoint("https://receiver.invalid/"), DELIVERY)
    assert attempt.detail == ("the name cannot be looked up: no such name " + "x" * 500)[:200]


# A reused connection that drops.


async def second_of(
    *replies: Reply, clock: FakeClock | None = None, timeout: float = 15.0
) -> tuple[Attempt, list[int]]:
    """What comes of a second delivery over the connection of the first, and on which connections requests arrived."""
    async with listening(http(200), *replies) as receiver, sending(clock=clock) as sender:
        await sender.send(endpoint(receiver.url), DELIVERY)
        attempt = await sender.send(endpoint(receiver.url, timeout=timeout), DELIVERY)
        assert len({heard.headers["webhook-id"] for heard in receiver.heard}) == 1
        return attempt, [heard.connection for heard in receiver.heard]


@pytest.mark.parametrize("lose", [drop, reset])
async def test_it_is_sent_again_at_once(lose: Reply) -> None:
    assert await second_of(lose, http(200, b"ok")) == (answered(200, b"ok"), [1, 1, 2])


async def test_it_is_sent_again_only_once() -> None:
    assert await second_of(drop, drop, http(200)) == (DROPPED, [1, 1, 2])


async def test_it_is_not_sent_again_when_the_drop_took_longer() -> None:
    clock = FakeClock()

    async def drop_late(writer: asyncio.StreamWriter) -> None:
        clock.turn(seconds=1)
        writer.close()

    attempt, connections = await second_of(drop_late, http(200), clock=clock)
    assert (attempt, connections) == (replace(DROPPED_AGAIN, took=timedelta(seconds=1)), [1, 1])


async def test_it_is_not_sent_again_when_an_answer_had_begun() -> None:
    async def begin(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 2")
        writer.close()

    assert await second_of(begin, http(200)) == (replace(DROPPED_AGAIN, detail=WITHIN, timings=REUSED), [1, 1])


async def test_it_is_not_sent_again_when_it_is_only_slow() -> None:
    attempt, connections = await second_of(hang, http(200), timeout=ENOUGH)
    expected = failed("timeout", "no answer in time", address="127.0.0.1")
    assert (attempt, connections) == (expected, [1, 1])


async def test_the_second_try_has_only_the_time_that_is_left() -> None:
    """By the clock of the test the first took all the rest."""
    clock = FakeClock()

    async def drop_late(writer: asyncio.StreamWriter) -> None:
        clock.turn(seconds=0.99)
        writer.close()

    timeout = ENOUGH + 0.99
    began = asyncio.get_running_loop().time()
    attempt, connections = await second_of(drop_late, hang, clock=clock, timeout=timeout)
    assert asyncio.get_running_loop().time() - began < timeout
    expected = failed("timeout", "no answer in time", address="127.0.0.1", timings=Timings(connect=NOTHING))
    assert (attempt, connections) == (replace(expected, took=timedelta(seconds=0.99)), [1, 1, 2])
