"""The corpus: addresses that must not be reached, and tricks with URLs and names to reach them all the same. Each goes through
the real sender; names are resolved and sockets made by the test, so that nothing ever leaves."""

import asyncio
import socket
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Final

import pytest

from tests.sockets import http, listening
from tests.webhooks.house import DELIVERY, LOOPBACK, Names, answered, endpoint, sending
from watcher.core.addresses import Network
from watcher.core.endpoint import Attempt
from watcher.webhooks.connection import CANDIDATES_MOST
from watcher.webhooks.guard import AddressInfo, AddressRefused, Guard

PUBLIC: Final = "93.184.215.14"
PUBLIC_6: Final = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"

ADDRESSES: Final = (
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.0",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",  # a cloud's metadata
    "100.127.255.255",
    "127.0.0.1",
    "127.0.0.53",
    "127.255.255.255",
    "168.63.129.16",  # a cloud's metadata
    "169.254.0.1",
    "169.254.169.254",  # clouds' metadata
    "169.254.170.2",  # credentials of a container
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.0.192",  # a cloud's metadata
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "198.19.255.255",
    "198.51.100.1",
    "203.0.113.255",
    "224.0.0.1",
    "233.252.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:10.0.0.1",
    "::ffff:8.8.8.8",
    "::ffff:0:127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b::8.8.8.8",
    "64:ff9b:1::10.0.0.1",
    "64:ff9b:1:ffff::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",  # Teredo
    "2001:0:7f00:1:0:0:80ff:fffe",  # Teredo, to and from loopback
    "2001:2::1",
    "2001:10::1",
    "2001:db8::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "2002:808:808::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",  # a cloud's metadata
    "fd20:ce::254",  # a cloud's metadata
    "fe80::1",
    "fe80::1%eth0",
    "febf:ffff::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
    "::1%lo",
)

BAD_URLS: Final = (
    "http://2130706433/",  # 127.0.0.1 as one decimal number
    "http://017700000001/",
    "http://0x7f000001/",
    "http://0x7F.1/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://0177.0.0.0x1/",
    "http://127.1/",
    "http://127.0.1/",
    "http://0/",
    "http://00000127.0.0.1/",
    "http://127.0.0.1./",
    "http://127.0.0.256/",
    "http://1.2.3.4.5/",
    "http://4294967295/",
    "http://18446744073709551617/",
    "http://receiver.example.0x7f/",
    "http://１２７.０.０.１/",
    "http://①②⑦.⓪.⓪.①/",
    "http://127。0。0。1/",
    "http://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "http://bücher.１２７/",
    "http://127.0.0.1%2e/",
    "http://%31%32%37.0.0.1/",
    "http://localhost%00.example/",
    "http://[127.0.0.1]/",
    "http://[::1%25lo]/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[::ffff:127.0.0.1/",
    "http://[v1.::1]/",
    "http://[]/",
    "http://[::1]extra/",
    "http://good.example@127.0.0.1/",
    "http://127.0.0.1@good.example/",
    "http://user:word@good.example/",
    "http://:@good.example/",
    "http://good.example\\@127.0.0.1/",
    "http:\\\\127.0.0.1/",
    "http:/127.0.0.1/",
    "http:127.0.0.1/",
    "//127.0.0.1/",
    "http:///127.0.0.1/",
    "http://good.example#@127.0.0.1/",
    "http://127.0.0.1/#",
    "http://good.example /",
    "http://good.example\t.other/",
    "http://good.example\r\nHost: 127.0.0.1/",
    " http://127.0.0.1/",
    "http://127.0.0.1\u200b/",
    "http://.127.0.0.1/",
    "http://good..example/",
    "http://-good.example/",
    "http://good.example:22/",
    "http://good.example:0/",
    "http://good.example:65536/",
    "http://good.example:/",
    "http://good.example:80:80/",
    "http://good.example:8o/",
    "http://good.example:+80/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "unix:///var/run/docker.sock",
    "javascript:alert(1)",
    "",
    "http://good.example/" + "x" * 2048,
)

REFUSED_URLS: Final = (
    *(f"http://[{address}]:8080/" if ":" in address else f"https://{address}/x?y" for address in ADDRESSES),
    "http://localhost/",
    "http://LocalHost:8080/",
    "http://localhost./",
    "http://app.localhost/",
    "HTTP://127.0.0.1/",
    "https://127.0.0.1:443/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::FFFF:7F00:1]/",
    "http://[0000:0000:0000:0000:0000:ffff:127.0.0.1]/",
)


@dataclass
class Sockets:
    """A socket factory that makes none, and knows for which addresses it was asked."""

    asked: list[str] = field(default_factory=list)

    def __call__(self, candidate: AddressInfo) -> socket.socket:
        self.asked.append(str(candidate[4][0]))
        raise OSError(113, "this test lets nothing out")


async def attempt_at(url: str, *answers: list[str], allowed: tuple[Network, ...] = ()) -> tuple[Attempt, list[str]]:
    """What comes of a delivery to the URL, every name being resolved so, and for which addresses a socket was to be made."""
    sockets = Sockets()
    async with sending(guard=Guard(allowed, sockets), resolver=Names(*(answers or [["127.0.0.1"]]))) as sender:
        attempt = await sender.send(endpoint(url), DELIVERY)
    return attempt, sockets.asked


def test_the_corpus_is_as_large_as_promised() -> None:
    assert len({*ADDRESSES}) >= 60
    assert len({*BAD_URLS, *REFUSED_URLS}) >= 60


@pytest.mark.parametrize("address", ADDRESSES)
async def test_no_name_leads_to_an_address_that_must_not_be_reached(address: str) -> None:
    attempt, asked = await attempt_at("http://receiver.example/", [address])
    assert (attempt.code, attempt.error, asked) == (None, "refused", [])
    assert attempt.detail
    assert address in attempt.detail


@pytest.mark.parametrize("url", [url for url in REFUSED_URLS if "%" not in url])
async def test_no_url_names_an_address_that_must_not_be_reached(url: str) -> None:
    attempt, asked = await attempt_at(url)
    assert (attempt.code, attempt.error, asked) == (None, "refused", [])


@pytest.mark.parametrize("url", [*BAD_URLS, *(url for url in REFUSED_URLS if "%" in url)])
async def test_no_trick_with_a_url_leads_anywhere(url: str) -> None:
    attempt, asked = await attempt_at(url)
    assert (attempt.code, attempt.error, asked) == (None, "bad_url", [])


@pytest.mark.parametrize("address", [PUBLIC, PUBLIC_6, "1.1.1.1", "100.63.255.255", "172.32.0.1", "2a00::1"])
async def test_other_addresses_are_let_through(address: str) -> None:
    """Else the tests above would prove nothing."""
    literal = f"https://[{address}]/" if ":" in address else f"https://{address}/"
    detail = f"{address}: No route to host"
    for url in (literal, "https://receiver.example/", "https://Bücher.example./"):
        attempt, asked = await attempt_at(url, [address])
        assert (attempt.error, attempt.detail, asked) == ("connect", detail, [address])


@pytest.mark.parametrize("names", [[PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC], ["::1", PUBLIC, "10.0.0.1"]])
async def test_of_a_name_with_good_and_bad_addresses_only_the_good_one_is_tried(names: list[str]) -> None:
    attempt, asked = await attempt_at("http://receiver.example/", names)
    assert set(asked) == {PUBLIC}
    assert attempt.error == "connect"
    assert attempt.detail
    assert attempt.detail.startswith(f"{PUBLIC}: not connected; and ")


async def test_a_name_with_bad_addresses_only_is_refused() -> None:
    attempt, asked = await attempt_at("http://receiver.example/", ["10.0.0.1", "::1", "127.0.0.1"])
    assert (attempt.error, asked) == ("refused", [])


async def test_of_a_name_with_thousands_of_addresses_a_few_are_looked_at() -> None:
    guarded: list[AddressInfo] = []

    class Counting(Guard):
        def __call__(self, candidate: AddressInfo) -> socket.socket:
            guarded.append(candidate)
            return super().__call__(candidate)

    resolver = Names([f"10.0.{n // 256}.{n % 256}" for n in range(4000)])
    async with sending(guard=Counting(), resolver=resolver) as sender:
        attempt = await sender.send(endpoint("http://receiver.example/"), DELIVERY)
    assert attempt.error == "refused"
    assert len({candidate[4][0] for candidate in guarded}) == CANDIDATES_MOST
    assert len(guarded) <= CANDIDATES_MOST**2


async def test_a_name_that_stands_for_another_address_at_the_second_look_is_refused_then() -> None:
    """The answer was remembered for no time at all: the second delivery looks it up again, and so does its connection."""
    sockets, names = Sockets(), Names([PUBLIC], ["127.0.0.1"])
    async with sending(guard=Guard((), sockets), resolver=names) as sender:
        first = await sender.send(endpoint("http://one.example/"), DELIVERY)
        second = await sender.send(endpoint("http://two.example/"), DELIVERY)
    assert (first.error, second.error) == ("connect", "refused")
    assert set(sockets.asked) == {PUBLIC}


async def test_a_redirect_leads_nowhere() -> None:
    """To the metadata of a cloud, as the receiver would like it."""
    asked: list[str] = []

    def recording(candidate: AddressInfo) -> socket.socket:
        asked.append(str(candidate[4][0]))
        return socket.socket(*candidate[:3])

    location = "http://169.254.169.254/latest/meta-data/"
    async with listening(http(307, location=location)) as receiver, sending(guard=Guard(LOOPBACK, recording)) as sender:
        attempt = await sender.send(endpoint(receiver.url), DELIVERY)
    assert attempt == answered(307, location=location)
    assert asked == ["127.0.0.1"]


async def test_an_allowed_network_opens_what_is_in_it_and_nothing_else() -> None:
    opened = (ip_network("10.1.0.0/16"), ip_network("64:ff9b::/96"))
    for address, error in [
        ("10.1.2.3", "connect"),
        ("10.2.2.3", "refused"),
        ("64:ff9b::8.8.8.8", "connect"),
        ("64:ff9b::10.1.2.3", "connect"),
        ("64:ff9b::127.0.0.1", "refused"),
        ("::ffff:10.1.2.3", "refused"),
    ]:
        attempt, asked = await attempt_at("http://receiver.example/", [address], allowed=opened)
        assert (address, attempt.error, asked) == (address, error, [address] if error == "connect" else [])


async def test_this_machine_is_reached_where_it_is_allowed() -> None:
    async with listening(http(200)) as receiver, sending(resolver=Names(["127.0.0.1"])) as sender:
        attempt = await sender.send(endpoint(f"http://localhost:{receiver.port}/"), DELIVERY)
    assert (attempt.code, attempt.address) == (200, "127.0.0.1")


async def test_the_guard_stands_in_the_way_of_others_who_use_the_session_too() -> None:
    candidate: AddressInfo = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 80))
    with pytest.raises(AddressRefused, match=r"127\.0\.0\.1 is a loopback address; name its network in webhooks"):
        await asyncio.to_thread(Guard(), candidate)
