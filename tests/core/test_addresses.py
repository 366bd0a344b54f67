"""Which addresses are refused, and what an endpoint's URL may look like."""

import ipaddress
from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from yarl import URL

from watcher.core.addresses import (
    EMBEDDING,
    REMEDY,
    host_of,
    host_refusal,
    is_address,
    refusal,
    url_fault,
    url_refusal,
)

PUBLIC = "93.184.215.14"


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("0.0.0.0", "an address of no host"),
        ("10.1.2.3", "a private address"),
        ("100.64.0.0", "an address of carrier-grade NAT"),
        ("127.0.0.1", "a loopback address"),
        ("168.63.129.16", "a cloud's metadata address"),
        ("169.254.169.254", "a link-local or cloud metadata address"),
        ("172.31.255.255", "a private address"),
        ("192.0.0.8", "an address for protocols' own use"),
        ("192.0.2.1", "a documentation address"),
        ("192.88.99.1", "a 6to4 relay's address"),
        ("192.168.1.1", "a private address"),
        ("198.19.0.1", "a benchmarking address"),
        ("198.51.100.1", "a documentation address"),
        ("203.0.113.1", "a documentation address"),
        ("239.1.1.1", "a multicast address"),
        ("255.255.255.255", "a reserved address"),
        ("::", "the unspecified address"),
        ("::1", "a loopback address"),
        ("::1%lo", "a loopback address"),
        ("::0.0.0.2", "an IPv4-compatible address"),
        ("::ffff:8.8.8.8", "an IPv4-mapped address"),
        ("::ffff:0:8.8.8.8", "a reserved address"),
        ("64:ff9b::8.8.8.8", "a NAT64 address"),
        ("64:ff9b:1::8.8.8.8", "a local NAT64 address"),
        ("64:ff9b:2::8.8.8.8", "a reserved address"),
        ("100::1", "a reserved address"),
        ("2001:0:1::1", "a Teredo address"),
        ("2001:2::1", "a benchmarking address"),
        ("2001:20::1", "an address for protocols' own use"),
        ("2001:db8::1", "a documentation address"),
        ("2002:808:808::1", "a 6to4 address"),
        ("3fff:fff::1", "a documentation address"),
        ("fd00::1", "a unique local address"),
        ("fe80::1%eth0", "a link-local address"),
        ("fec0::1", "a site-local address"),
        ("ff02::1", "a multicast address"),
    ],
)
def test_an_address_that_is_refused_is_told_why_and_what_to_do(address: str, why: str) -> None:
    assert refusal(address, ()) == f"{address} is {why}; {REMEDY}"


@pytest.mark.parametrize(
    "address", [PUBLIC, "1.1.1.1", "100.128.0.1", "172.32.0.1", "192.0.1.1", "2001:200::1", "2600::1", "3ffe::1"]
)
def test_other_addresses_are_not(address: str) -> None:
    assert refusal(address, ()) is None


@pytest.mark.parametrize("text", ["", "receiver.example", "127.1", "1.2.3.4.5", "0x7f.0.0.1", "127.0.0.01", "::g"])
def test_what_is_no_address_is_refused(text: str) -> None:
    why = "its name stands for something that is no IP address; look at how it is resolved"
    assert refusal(text, [ip_network("0.0.0.0/0"), ip_network("::/0")]) == why


@pytest.mark.parametrize(
    ("allowed", "opened", "closed"),
    [
        ("10.1.0.0/16", ["10.1.2.3"], ["10.2.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "2002:a01:203::"]),
        ("127.0.0.1/32", ["127.0.0.1"], ["127.0.0.2", "::1", "::127.0.0.1"]),
        ("::1/128", ["::1", "::1%lo"], ["127.0.0.1", "::2"]),
        ("fe80::/10", ["fe80::1", "fe80::1%eth0"], ["fec0::1"]),
        ("::ffff:0:0/96", ["::ffff:8.8.8.8"], ["::ffff:127.0.0.1", "::8.8.8.8"]),
        ("64:ff9b::/96", ["64:ff9b::8.8.8.8"], ["64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254"]),
        ("64:ff9b:1::/48", ["64:ff9b:1::8.8.8.8", "64:ff9b:1::127.0.0.1"], ["64:ff9b::8.8.8.8"]),
        ("2002::/16", ["2002:808:808::1"], ["2002:7f00:1::1"]),
        ("2001::/32", ["2001:0:808:808::f7f7:f7f7"], ["2001:0:7f00:1::f7f7:f7f7", "2001:0:808:808::80ff:fffe"]),
        ("::/96", ["::8.8.8.8"], ["::10.0.0.1"]),
        ("0.0.0.0/0", ["127.0.0.1", "255.255.255.255"], ["::1", "::ffff:127.0.0.1"]),
    ],
)
def test_an_allowed_network_opens_what_is_in_it_and_nothing_else(
    allowed: str, opened: list[str], closed: list[str]
) -> None:
    network = ip_network(allowed)
    assert {address: refusal(address, [network]) for address in opened} == dict.fromkeys(opened)
    assert [address for address in closed if refusal(address, [network]) is None] == []


@pytest.mark.parametrize(
    ("network", "address"),
    [
        ("::ffff:0:0/96", "::ffff:10.1.2.3"),
        ("2002::/16", "2002:a01:203::"),
        ("2001::/32", "2001:0:a01:203::f7f7:f7f7"),
        ("2001::/32", "2001:0:808:808::f5fe:fdfc"),
        ("64:ff9b::/96", "64:ff9b::a01:203"),
        ("::/96", "::10.1.2.3"),
    ],
)
def test_of_an_address_within_another_the_one_inside_is_told(network: str, address: str) -> None:
    outer, inner = ip_network(network), ip_network("10.1.2.3/32")
    why = f"10.1.2.3 is a private address; {REMEDY}"
    assert refusal(address, [outer]) == f"{address} leads to an IPv4 address: {why}"
    assert refusal(address, [outer, inner]) is None


@given(st.integers(0, 2**32 - 1).map(IPv4Address))
def test_no_ipv4_address_is_let_through_that_python_does_not_think_global(address: IPv4Address) -> None:
    if refusal(str(address), ()) is None:
        assert address.is_global
        assert not address.is_multicast


@given(st.integers(0, 2**128 - 1).map(IPv6Address))
def test_no_ipv6_address_is_let_through_that_python_does_not_think_global(address: IPv6Address) -> None:
    if refusal(str(address), ()) is None:
        assert address.is_global
        assert not address.is_multicast
        assert (address.ipv4_mapped, address.sixtofour, address.teredo) == (None, None, None)


@given(st.sampled_from(sorted(EMBEDDING, key=str)), st.integers(0, 2**128 - 1))
def test_no_address_that_holds_another_is_let_through(network: ipaddress.IPv6Network, bits: int) -> None:
    address = IPv6Address(int(network.network_address) | bits & int(network.hostmask))
    assert refusal(str(address), ()) is not None


# URLs.

SOUND = [
    "https://receiver.example",
    "https://receiver.example/",
    "HTTPS://Receiver.Example/Hook?token=a%20b&c",
    "http://receiver.example:80/",
    "https://receiver.example:443",
    "https://receiver.example:8443/x",
    "https://receiver.example:65535/x",
    "https://receiver.example.:1024/x",
    "https://my_receiver:8080/x",
    "https://a-b.c--d.example/",
    "https://bücher.example/",
    "https://例え.テスト/受け取る",
    "https://xn--bcher-kva.example/",
    "https://0x7f.example/",
    "https://127.0.0.1.example/",
    "https://1password.example/@who",
    f"https://{PUBLIC}/",
    f"https://{PUBLIC}:8443/x?y=z:@/",
    "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/",
    "https://[2600::1]:8443/",
    "https://receiver.example?x",
    "https://receiver.example/" + "x" * (2048 - 25),
    f"https://{'a.' * 126}a/",
]


@pytest.mark.parametrize("url", SOUND)
def test_a_sound_url(url: str) -> None:
    assert url_refusal(url, ()) is None


SHAPE = "write it as https://HOST[:PORT]/PATH"
CHARACTERS = "holds white space, a backslash or an invisible character; write it percent-encoded"
PORT = "webhooks go to port 80, 443, or one from 1024"
NUMBERS = "has a host of numbers that is no plain IPv4 address; write four decimal numbers, without leading zeros"
LOGIN = "holds a login; take out what stands before the @, and give it as the endpoint's credentials"
ZONE = "has a zone (%…) in its address, which means something on one machine only; use an address without one"
SCHEME = f"is not a URL that starts with https:// or http://; {SHAPE}"


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("https://receiver.example/" + "x" * (2048 - 24), "is longer than 2048 characters; use a shorter one"),
        ("https://receiver.example/a b", CHARACTERS),
        ("https://receiver.example/\ta", CHARACTERS),
        ("https://receiver.example\r\n/", CHARACTERS),
        ("https://receiver.example\x00/", CHARACTERS),
        ("https://receiver.example\u00ad/", CHARACTERS),
        ("https://receiver.example\u2028/", CHARACTERS),
        ("https://receiver.example/\ud800", CHARACTERS),
        ("https://receiver.example\\@other.example/", CHARACTERS),
        ("", SCHEME),
        ("receiver.example", SCHEME),
        ("ftp://receiver.example/", SCHEME),
        ("https:/receiver.example/", SCHEME),
        ("https:receiver.example/", SCHEME),
        ("//receiver.example/", SCHEME),
        ("https://user@receiver.example/", LOGIN),
        ("https://user:word@receiver.example/", LOGIN),
        ("https://@receiver.example/", LOGIN),
        ("https://receiver.example/#", "has a fragment (#…), which is never sent; take it out"),
        ("https://receiver.example#part", "has a fragment (#…), which is never sent; take it out"),
        ("https://", f"has no sound host; {SHAPE}"),
        ("https:///hook", f"has no sound host; {SHAPE}"),
        ("https://:8080/", f"has no sound host; {SHAPE}"),
        ("https://./", f"has no sound host; {SHAPE}"),
        ("https://a..example/", f"has no sound host; {SHAPE}"),
        ("https://a.example../", f"has no sound host; {SHAPE}"),
        ("https://-a.example/", f"has no sound host; {SHAPE}"),
        ("https://a-.example/", f"has no sound host; {SHAPE}"),
        ("https://a*b.example/", f"has no sound host; {SHAPE}"),
        (f"https://{'a' * 64}.example/", f"has no sound host; {SHAPE}"),
        (f"https://{'a.' * 126}ab/", f"has no sound host; {SHAPE}"),
        ("https://receiver.example:/", f"has no sound host and port; {SHAPE}"),
        ("https://receiver.example:https/", f"has no sound host and port; {SHAPE}"),
        ("https://receiver.example:１２３４/", f"has no sound host and port; {SHAPE}"),
        ("https://2600::1/", f"has no sound host and port; {SHAPE}"),
        ("https://[2600::1/", f"has no sound host and port; {SHAPE}"),
        ("https://[2600::1]x/", f"has no sound host and port; {SHAPE}"),
        ("https://receiver.example:0/", f"uses port 0; {PORT}"),
        ("https://receiver.example:22/", f"uses port 22; {PORT}"),
        ("https://receiver.example:1023/", f"uses port 1023; {PORT}"),
        ("https://receiver.example:65536/", f"uses port 65536; {PORT}"),
        ("https://[]/", "has no IPv6 address in its brackets; write https://[ADDRESS]/PATH"),
        ("https://[127.0.0.1]/", "has no IPv6 address in its brackets; write https://[ADDRESS]/PATH"),
        ("https://[v1.x]/", "has no IPv6 address in its brackets; write https://[ADDRESS]/PATH"),
        ("https://[fe80::1%25eth0]/", ZONE),
        ("https://[fe80::1%eth0]/", ZONE),
        ("https://receiver%2eexample/", "has a percent-encoded host; write the host in plain characters"),
        ("https://2130706433/", NUMBERS),
        ("https://0x7f000001/", NUMBERS),
        ("https://0X7F.1/", NUMBERS),
        ("https://127.1/", NUMBERS),
        ("https://0177.0.0.1/", NUMBERS),
        ("https://127.0.0.1./", NUMBERS),
        ("https://bücher.123/", NUMBERS),
        ("https://bücher.１２３/", NUMBERS),
        (
            "https://１２７.０.０.１/",
            "writes its host with characters that only look like others; write it in plain ones",
        ),
        (
            "https://ｒeceiver.example/",
            "writes its host with characters that only look like others; write it in plain ones",
        ),
        ("https://a。example/", "writes its host with characters that only look like others; write it in plain ones"),
        (f"https://{'ü' * 64}.example/", "has a host that cannot be a name; check its letters"),
        ("https://ü..example/", "has a host that cannot be a name; check its letters"),
    ],
)
def test_a_url_with_a_fault_is_told_which_and_what_to_do(url: str, fault: str) -> None:
    assert (url_fault(url), url_refusal(url, ())) == (fault, fault)


@pytest.mark.parametrize(
    ("url", "allowed", "refused"),
    [
        (
            "http://127.0.0.1:8080/",
            "127.0.0.0/8",
            "leads to an address that is refused: 127.0.0.1 is a loopback address",
        ),
        ("http://[::1]/", "::1/128", "leads to an address that is refused: ::1 is a loopback address"),
        ("http://[FD00::1]/", "fd00::/8", "leads to an address that is refused: fd00::1 is a unique local address"),
        ("http://localhost:8080/", "127.0.0.0/8", "leads to this machine itself: 127.0.0.1 is a loopback address"),
        ("http://LOCALHOST/", "::1/128", "leads to this machine itself: 127.0.0.1 is a loopback address"),
        ("http://app.localhost./", "127.0.0.1/32", "leads to this machine itself: 127.0.0.1 is a loopback address"),
    ],
)
def test_a_url_to_a_literal_address_or_this_machine_is_refused_unless_that_is_allowed(
    url: str, allowed: str, refused: str
) -> None:
    assert url_fault(url) is None
    assert url_refusal(url, ()) == f"{refused}; {REMEDY}"
    assert url_refusal(url, [ip_network(allowed)]) is None


def test_other_names_are_known_only_when_they_are_looked_up() -> None:
    assert host_refusal("http://localhost.example/", ()) is None
    assert host_refusal("http://metadata.google.internal/", ()) is None


@pytest.mark.parametrize(
    ("host", "address"),
    [("127.0.0.1", True), ("::1", True), ("receiver.example", False), ("receiver1", False), ("1.example", False)],
)
def test_an_address_is_told_from_a_name(host: str, address: bool) -> None:  # a column of the table
    assert is_address(host) is address


PIECES = st.sampled_from(
    [
        *"0127.:/?#@[]%\\ xXaf-_ü１。",
        "http://",
        "https://",
        "localhost",
        "127.0.0.1",
        "::1",
        "[::ffff:",
        "example",
        "%2e",
    ]
)


@given(st.lists(PIECES, max_size=12).map(lambda pieces: "https://" + "".join(pieces)))
@example("https://a.example/")
def test_the_client_takes_a_sound_url_for_the_same_host(url: str) -> None:
    """A host that we see in one way and the client in another would be a way around the check."""
    if url_fault(url) is None and url.isascii():
        host = host_of(url)
        theirs = URL(url)
        assert str(theirs.host).rstrip(".") == (str(IPv6Address(host)) if ":" in host else host)
        assert (theirs.user, theirs.scheme) == (None, "https")
