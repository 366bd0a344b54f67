"""Every address that must not be reached, in every way it can be spelt: by a table of addresses times a table of spellings. What
is tried by hand, and what is let through, is in test_guard.py. Nothing is connected to: names and sockets are the test's."""

import socket
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final

import pytest

from tests.webhooks.house import DELIVERY, Names, endpoint, sending
from tests.webhooks.test_guard import ADDRESSES, PUBLIC, PUBLIC_6, Sockets, attempt_at
from watcher.core.addresses import refusal, url_refusal
from watcher.webhooks.guard import AddressInfo, AddressRefused, Guard

INSIDE: Final = tuple(address for address in ADDRESSES if ":" not in address)
"""IPv4 addresses that must not be reached."""
FULL_WIDTH: Final = str.maketrans("0123456789.", "０１２３４５６７８９．")


def _octal(address: IPv4Address) -> str:
    return ".".join(f"0{part:o}" for part in address.packed)


def _hexadecimal(address: IPv4Address) -> str:
    return ".".join(f"0x{part:x}" for part in address.packed)


def _short(address: IPv4Address, parts: int) -> str:
    """The last of fewer parts stands for all that are missing."""
    head, rest = address.packed[: parts - 1], address.packed[parts - 1 :]
    return ".".join([*map(str, head), str(int.from_bytes(rest, "big"))])


IPV4_SPELLINGS: Final[Mapping[str, Callable[[IPv4Address], str]]] = {
    "plain": str,
    "with a dot at its end": lambda address: f"{address}.",
    "one number": lambda address: str(int(address)),
    "one octal number": lambda address: f"0{int(address):o}",
    "one hexadecimal number": lambda address: f"0x{int(address):x}",
    "one hexadecimal number in capitals": lambda address: f"0X{int(address):X}",
    "octal": _octal,
    "hexadecimal": _hexadecimal,
    "octal and decimal": lambda address: f"0{address.packed[0]:o}." + ".".join(map(str, address.packed[1:])),
    "zeros before": lambda address: ".".join(f"{part:04d}" for part in address.packed),
    "three parts": lambda address: _short(address, 3),
    "two parts": lambda address: _short(address, 2),
    "more than 32 bits": lambda address: str(int(address) + (1 << 32)),
    "letters that only look so": lambda address: str(address).translate(FULL_WIDTH),
    "another dot": lambda address: str(address).replace(".", "。"),
    "half a dot": lambda address: str(address).replace(".", "｡"),
    "percent-encoded": lambda address: "".join(f"%{ord(letter):02x}" for letter in str(address)),
    "a percent-encoded dot": lambda address: str(address).replace(".", "%2e"),
    "behind a login": lambda address: f"good.example@{address}",
    "before one": lambda address: f"{address}@good.example",
    "behind a name and a backslash": lambda address: f"good.example\\@{address}",
    "behind a fragment": lambda address: f"good.example#@{address}",
    "with a tab": lambda address: str(address).replace(".", ".\t", 1),
    "with a soft hyphen": lambda address: str(address).replace(".", ".\u00ad", 1),
    "with a joiner": lambda address: f"{address}\u200d",
    "in brackets": lambda address: f"[{address}]",
    "mapped": lambda address: f"[::ffff:{address}]",
    "mapped, in hexadecimal": lambda address: f"[{IPv6Address(0xFFFF << 32 | int(address))}]",
    "mapped, in full": lambda address: f"[{IPv6Address(0xFFFF << 32 | int(address)).exploded}]",
    "compatible": lambda address: f"[::{address}]",
    "translated": lambda address: f"[::ffff:0:{address}]",
    "6to4": lambda address: f"[{IPv6Address(0x2002 << 112 | int(address) << 80 | 1)}]",
    "NAT64": lambda address: f"[64:ff9b::{address}]",
    "a NAT64 of one's own": lambda address: f"[64:ff9b:1::{address}]",
    "Teredo's server": lambda address: f"[{IPv6Address(0x20010000 << 96 | int(address) << 64 | 0xF7F7F7F7)}]",
    "Teredo's client": lambda address: (
        f"[{IPv6Address(0x20010000 << 96 | 0x08080808 << 64 | int(address) ^ 0xFFFFFFFF)}]"
    ),
    "ISATAP": lambda address: f"[{IPv6Address(0xFE80 << 112 | 0x5EFE << 32 | int(address))}]",
    "with a zone": lambda address: f"[::ffff:{address}%25lo]",
}


@pytest.mark.parametrize("spelling", IPV4_SPELLINGS)
def test_no_spelling_of_an_address_that_must_not_be_reached_makes_a_url(spelling: str) -> None:
    let_through = [
        url
        for address in INSIDE
        for url in (
            f"{scheme}://{IPV4_SPELLINGS[spelling](IPv4Address(address))}{rest}"
            for scheme in ("http", "HTTPS")
            for rest in ("", "/", ":8080/x", "?x", "/?url=https://good.example/")
        )
        if url_refusal(url, ()) is None
    ]
    assert let_through == []


@pytest.mark.parametrize(
    "spelling", ["one number", "octal", "mapped", "6to4", "NAT64", "Teredo's client", "behind a login"]
)
async def test_a_spelling_leads_nowhere_where_it_is_sent_to_all_the_same(spelling: str) -> None:
    """As one would be that was kept by a version which knew less."""
    url = f"http://{IPV4_SPELLINGS[spelling](IPv4Address('169.254.169.254'))}:8080/latest/meta-data/"
    attempt, asked = await attempt_at(url, [PUBLIC])
    assert (attempt.code, attempt.error in ("refused", "bad_url"), asked) == (None, True, [])


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_a_name_stands_for_is_refused_in_each_form_that_a_resolver_may_give(address: str) -> None:
    bare = ip_address(address.partition("%")[0])
    given = {address, str(bare), bare.exploded, str(bare).upper()}
    if isinstance(bare, IPv4Address):
        given |= {
            f"::ffff:{bare}",
            f"::FFFF:{bare}",
            f"64:ff9b::{bare}",
            f"0{bare}",
            f"{bare}\x00",
            f" {bare}",
            f"{bare}/8",
        }
    else:
        given |= {f"{bare}%1", f"{bare}%eth0", f"[{bare}]"}
    assert [each for each in given if refusal(each, ()) is None] == []


@pytest.mark.parametrize("flips", [1, 2, 5])
async def test_a_name_that_changes_at_each_look_up_is_looked_at_for_each_connection(flips: int) -> None:
    """Good and bad in turn, and several at a time: a socket is made for good ones alone, whenever it was asked."""
    answers = [
        [PUBLIC],
        ["127.0.0.1"],
        [PUBLIC_6, "169.254.169.254"],
        ["::1", "10.0.0.1"],
        ["::ffff:127.0.0.1", PUBLIC],
    ] * flips
    sockets, names = Sockets(), Names(*answers)
    async with sending(guard=Guard((), sockets), resolver=names) as sender:
        attempts = [
            await sender.send(endpoint(f"http://name{number}.example/"), DELIVERY) for number in range(len(answers))
        ]
    assert [attempt.error for attempt in attempts] == ["connect", "refused", "connect", "refused", "connect"] * flips
    assert set(sockets.asked) == {PUBLIC, PUBLIC_6}


@pytest.mark.parametrize(
    "answer", ["", "name.example", "127.1", "0x7f.0.0.1", "0177.0.0.1", "2130706433", "１２７.0.0.1", "::1::", "%lo"]
)
def test_what_a_resolver_gives_and_is_no_address_gets_no_socket(answer: str) -> None:
    """The system would read some of them as one."""
    candidate: AddressInfo = (socket.AF_INET, socket.SOCK_STREAM, 0, "", (answer, 80))
    sockets = Sockets()
    with pytest.raises(AddressRefused):
        Guard((), sockets)(candidate)
    assert sockets.asked == []
