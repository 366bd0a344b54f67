"""Whether a request failed for want of a file."""

import errno
import os
import resource
import socket
import ssl

import pytest
from aiohttp import ClientConnectorDNSError, ClientConnectorError, ClientProxyConnectionError
from aiohttp.client_reqrep import ConnectionKey

from watcher.http.files import may_open, next_number, no_file_left

KEY = ConnectionKey("receiver.example", 443, True, True, None, None, None)
NONE = OSError(errno.EMFILE, os.strerror(errno.EMFILE))
OF_THE_MACHINE = OSError(errno.ENFILE, os.strerror(errno.ENFILE))
REFUSED = OSError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED))
UNKNOWN = ClientConnectorDNSError(KEY, socket.gaierror(socket.EAI_NONAME, "Name or service not known"))


@pytest.mark.parametrize(
    ("error", "lacking"),
    [
        (ClientConnectorError(KEY, NONE), True),
        (ClientConnectorError(KEY, OF_THE_MACHINE), True),
        (ClientProxyConnectionError(KEY, NONE), True),
        (NONE, True),
        (ClientConnectorError(KEY, REFUSED), False),
        (ssl.SSLError(1, "no"), False),
        (ValueError("no URL"), False),
        (UNKNOWN, False),
    ],
)
def test_what_the_system_says_tells_it(error: BaseException, lacking: bool) -> None:
    assert no_file_left(error) is lacking


def test_a_name_that_is_not_found_where_no_file_is_left_is_not_blamed() -> None:
    assert no_file_left(UNKNOWN, lambda: False)


def test_whether_one_more_may_be_open_is_tried() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert may_open()
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, before[1]))
    try:
        assert not may_open()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_another_failure_than_too_many_is_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "devnull", "/not/there")
    with pytest.raises(FileNotFoundError):
        next_number()
    assert may_open()
