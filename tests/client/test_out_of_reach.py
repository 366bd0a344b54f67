"""Watchers that cannot be reached, in ways that no server of a test's can be: what is said, and what is asked again."""

import socket
import ssl
from unittest.mock import Mock

import aiohttp
import pytest
import trustme
from aiohttp.client_reqrep import ConnectionKey

from tests.odd_answers import odd_answers
from tests.sockets import http, listening
from watcher.client import TryLater, Unreachable, Watcher, WatcherError

URL = "http://watcher.test:8080"
PATH = "/v1/x"
KEY = ConnectionKey(
    host="watcher.test",
    port=8080,
    is_ssl=False,
    ssl=True,
    proxy=None,
    proxy_auth=None,
    proxy_headers_hash=None,
)
OURS = {"Server": "watcher"}


async def ask(slept: list[float] | None = None) -> object:
    """One question to a watcher there, by a client that waits for nothing."""

    async def sleep(seconds: float) -> None:
        if slept is not None:
            slept.append(seconds)

    async with Watcher(URL, sleep=sleep) as watcher:
        return await watcher.ask("GET", PATH)


async def failed(slept: list[float]) -> WatcherError:
    """What the question ended in."""
    with pytest.raises(WatcherError) as caught:
        await ask(slept)
    return caught.value


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (aiohttp.ConnectionTimeoutError(), "it does not accept connections"),
        (
            aiohttp.ClientConnectorError(KEY, OSError(113, "Connect call failed ('192.0.2.1', 8080)")),
            "No route to host",
        ),
        (
            aiohttp.ClientConnectorDNSError(KEY, socket.gaierror(socket.EAI_NONAME, "Name or service not known")),
            "Name or service not known",
        ),
        (aiohttp.ClientConnectorDNSError(KEY, OSError(None, "no such name")), "no such name"),
        (
            aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number")),
            "[SSL: WRONG_VERSION_NUMBER] wrong version number",
        ),
    ],
)
async def test_a_watcher_that_cannot_be_reached_is_said_to_be_and_not_asked_again(
    failure: Exception, said: str
) -> None:
    slept: list[float] = []
    with odd_answers(URL + PATH, {"exception": failure}, {"payload": {"items": []}, "headers": OURS}) as asked:
        error = await failed(slept)
    assert (type(error), str(error)) == (Unreachable, f"no daemon answers at {URL} ({said})")
    assert (slept, len(asked)) == ([], 1)


async def test_a_certificate_that_is_not_trusted_is_said_to_be() -> None:
    """This one a server of a test's can have."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    said = r" \(the certificate is not trusted: unable to get local issuer certificate\)$"
    async with listening(http(200), tls=context) as server, Watcher(server.url) as watcher:
        with pytest.raises(Unreachable, match=said):
            await watcher.ask("GET", PATH)
    assert server.heard == []


@pytest.mark.parametrize(
    "failure",
    [
        aiohttp.ClientPayloadError("Response payload is not completed"),
        aiohttp.ClientOSError(104, "Connection reset by peer"),
        aiohttp.ClientResponseError(Mock(), (), status=400, message="Bad status line"),
    ],
)
async def test_an_answer_that_is_lost_on_its_way_is_asked_for_again(failure: Exception) -> None:
    slept: list[float] = []
    with odd_answers(URL + PATH, {"exception": failure}, {"payload": {"items": [1]}, "headers": OURS}) as asked:
        assert await ask(slept) == {"items": [1]}
    assert (slept, len(asked)) == ([0.2], 2)


async def test_a_watcher_that_falls_silent_is_not_asked_again_at_once() -> None:
    slept: list[float] = []
    with odd_answers(URL + PATH, {"exception": aiohttp.SocketTimeoutError()}) as asked:
        error = await failed(slept)
    assert (type(error), slept, len(asked)) == (TryLater, [], 1)


async def test_each_try_has_the_time_for_all_of_it_five_seconds_to_connect_and_follows_no_redirect() -> None:
    lost, answer = aiohttp.ServerDisconnectedError(), {"payload": {"items": []}, "headers": OURS}
    with odd_answers(URL + PATH, {"exception": lost}, answer) as asked:
        await ask()
    assert [(how["timeout"], how["allow_redirects"]) for how in asked] == [
        (aiohttp.ClientTimeout(total=60.0, sock_connect=5.0), False)
    ] * 2
