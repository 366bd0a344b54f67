"""The daemon as a process of its own, when the machine has no more of something for it: it goes on, and is well again."""

import json
import resource
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.chaos.campaign import Campaign, campaign, http
from tests.chaos.faults.alone import code_of, until

PATIENCE = 60.0


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Campaign]:
    """A daemon that follows batches which will end while it is in trouble."""
    with campaign(tmp_path, rate=50) as ours:
        ours.start()
        ours.follow(ours.add(5, new_for=0.0, validating_for=1.5, end="ACTIVE"))
        yield ours


def limit(ours: Campaign, what: int, most: int) -> tuple[int, int]:
    """From now on the daemon may have that much; what it might before."""
    assert ours.daemon is not None
    before = resource.prlimit(ours.daemon.pid, what)
    resource.prlimit(ours.daemon.pid, what, (most, before[1]))
    return before


def failing(ours: Campaign) -> list[str]:
    """Of what /readyz checks, what is not well."""
    try:
        return [each["name"] for each in http(f"{ours.url}/readyz")["checks"] if not each["ok"]]
    except urllib.error.HTTPError as error:
        with error:
            return [each["name"] for each in json.loads(error.read())["checks"] if not each["ok"]]


def told(ours: Campaign, event: str) -> int:
    return sum(json.loads(line)["event"] == event for line in ours.log().splitlines())


def test_a_full_disk_is_said_once_and_over_by_itself_with_nothing_lost(ours: Campaign) -> None:
    before = limit(ours, resource.RLIMIT_FSIZE, 4096)
    until(lambda: failing(ours) == ["store"], PATIENCE, "the store is said to fail")
    late = ours.add(1, new_for=0.0, validating_for=0.1, end="ERRORS")
    with pytest.raises(urllib.error.HTTPError, match="503"):
        ours.follow(late)
    assert told(ours, "store.failed") == 1
    resource.prlimit(ours.daemon.pid, resource.RLIMIT_FSIZE, before)  # type: ignore[union-attr]
    until(lambda: failing(ours) == [], PATIENCE, "all is well")
    ours.follow(late)
    ours.finish(PATIENCE)
    assert (told(ours, "store.failed"), told(ours, "store.recovered")) == (1, 1)


def test_no_descriptor_is_left_and_what_is_followed_is_told_all_the_same(ours: Campaign) -> None:
    """Connections that stand are used; new ones wait until there is room. It is said once, and that it is over."""
    assert ours.daemon is not None
    until(lambda: len(ours.received()) >= 5, PATIENCE, "webhooks came")  # connections stand, also those to the receiver
    before = limit(ours, resource.RLIMIT_NOFILE, 8)
    assert len(list(Path(f"/proc/{ours.daemon.pid}/fd").iterdir())) > 8
    until(lambda: told(ours, "files.few") == 1, PATIENCE, "it says that files are few")
    resource.prlimit(ours.daemon.pid, resource.RLIMIT_NOFILE, before)
    until(lambda: told(ours, "files.recovered") == 1, PATIENCE, "it says that it is over")
    assert failing(ours) == []
    ours.finish(PATIENCE)
    assert told(ours, "files.few") == 1


def test_nobody_is_blamed_where_no_descriptor_is_left_for_the_first_connection(tmp_path: Path) -> None:
    """Neither CallFire nor the receiver was asked: no account is down, no attempt is used up, and it goes on soon after."""
    with campaign(tmp_path, rate=50) as ours:
        ours.start()
        talking = http_client(ours)
        before = limit(ours, resource.RLIMIT_NOFILE, 8)
        wishes = [{"batch_id": number} for number in ours.add(5, new_for=0.0, validating_for=0.1, end="ACTIVE")]
        talking.request("POST", "/v1/watches", json.dumps(wishes), {"Content-Type": "application/json"})
        assert talking.getresponse().read()
        until(lambda: told(ours, "files.few") == 1, PATIENCE, "it says that files are few")
        asked = http(f"{ours.control}/state")["requests"]
        resource.prlimit(ours.daemon.pid, resource.RLIMIT_NOFILE, before)  # type: ignore[union-attr]
        until(lambda: told(ours, "files.recovered") == 1, PATIENCE, "it says that it is over")
        ours.finish(PATIENCE)
        talking.close()
        blamed = ("account.down", "delivery.retried", "endpoint.failing", "endpoint.open")
        assert (asked, [told(ours, each) for each in blamed]) == (0, [0] * len(blamed))


def http_client(ours: Campaign) -> HTTPConnection:
    """A connection that stands."""
    client = HTTPConnection(urlsplit(ours.url).netloc, timeout=PATIENCE)
    client.request("GET", "/livez")
    client.getresponse().read()
    return client


def test_clients_that_take_all_descriptors_keep_no_probe_out(ours: Campaign) -> None:
    """Those that listen to streams are let be; on the last connections probes alone are answered."""
    assert ours.daemon is not None
    limit(ours, resource.RLIMIT_NOFILE, 96)
    to = urlsplit(ours.url)
    with ExitStack() as stack:
        for _ in range(90):
            client = stack.enter_context(socket.create_connection((to.hostname, to.port), timeout=PATIENCE))
            with suppress(OSError):  # those that there is no room for
                client.sendall(f"GET /v1/events/stream HTTP/1.1\r\nHost: {to.netloc}\r\n\r\n".encode())
        until(lambda: told(ours, "files.few") == 1, PATIENCE, "it says that files are few")
        until(lambda: code_of(f"{ours.url}/readyz") == 200, PATIENCE, "it is ready")
        assert [code_of(f"{ours.url}{path}") for path in ("/readyz", "/metrics", "/v1/accounts")] == [200, 200, 503]
    until(lambda: told(ours, "files.recovered") == 1, PATIENCE, "it says that it is over")
    ours.finish(PATIENCE)
