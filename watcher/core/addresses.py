"""Where a webhook may go: what its URL may look like, and which concrete addresses are refused (webhooks.md, "Addresses"). Pure.

The networks are listed here and not asked of `ipaddress`, whose notion of a global address is another in every version.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

REFUSED: Final[Mapping[Network, str]] = {
    ip_network(network): kind
    for network, kind in (
        ("0.0.0.0/8", "an address of no host"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "an address of carrier-grade NAT"),
        ("127.0.0.0/8", "a loopback address"),
        ("168.63.129.16/32", "a cloud's metadata address"),
        ("169.254.0.0/16", "a link-local or cloud metadata address"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "an address for protocols' own use"),
        ("192.0.2.0/24", "a documentation address"),
        ("192.88.99.0/24", "a 6to4 relay's address"),
        ("192.168.0.0/16", "a private address"),
        ("198.18.0.0/15", "a benchmarking address"),
        ("198.51.100.0/24", "a documentation address"),
        ("203.0.113.0/24", "a documentation address"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
        ("::/128", "the unspecified address"),
        ("::1/128", "a loopback address"),
        ("2001:2::/48", "a benchmarking address"),
        ("2001:db8::/32", "a documentation address"),
        ("2001::/23", "an address for protocols' own use"),
        ("3fff::/20", "a documentation address"),
        ("fc00::/7", "a unique local address"),
        ("fe80::/10", "a link-local address"),
        ("fec0::/10", "a site-local address"),
        ("ff00::/8", "a multicast address"),
    )
}
"""The first that contains an address names it."""

UNICAST: Final = IPv6Network("2000::/3")
"""All of IPv6 that is given out to be reached by everybody; what lies outside is reserved."""

ALL: Final = 0xFFFFFFFF

EMBEDDING: Final[Mapping[IPv6Network, tuple[str, Sequence[tuple[int, int]]]]] = {
    IPv6Network("::ffff:0:0/96"): ("an IPv4-mapped address", [(0, 0)]),
    IPv6Network("2002::/16"): ("a 6to4 address", [(80, 0)]),
    IPv6Network("2001::/32"): (
        "a Teredo address",
        [(64, 0), (0, ALL)],
    ),  # its server, and the client with its bits turned over
    IPv6Network("64:ff9b::/96"): ("a NAT64 address", [(0, 0)]),
    IPv6Network("64:ff9b:1::/48"): ("a local NAT64 address", []),
    IPv6Network("::/96"): ("an IPv4-compatible address", [(0, 0)]),
}
"""The IPv6 networks through whose addresses an IPv4 one is reached, and where it stands inside: its last bit, counted from the
right, and what it is turned over with. Where it stands in a local NAT64 address only the translator knows."""

PLAIN: Final = (IPv6Address("::"), IPv6Address("::1"))
"""Those of ::/96 that hold no IPv4 address."""

URL_LENGTH: Final = 2048
HOST_LENGTH: Final = 253
LABEL: Final = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
"""Underscores are not of the rules for hosts, but of names that people give to machines and containers."""
NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
"""A last label with which systems take a name for an IPv4 address: 2130706433, 0x7f.1, 127.1, 0177.0.0.1."""
URL: Final = re.compile(r"(?i:https?)://(?P<authority>[^/?#]*)(?P<rest>[^#]*)(?P<fragment>#.*)?")
AUTHORITY: Final = re.compile(r"(?:\[(?P<literal>[^\[\]]*)\]|(?P<name>[^:\[\]]*))(?::(?P<port>[0-9]{1,5}))?")
LOWEST_PORT: Final = 1024
LOW_PORTS: Final = (80, 443)

REMEDY: Final = "name its network in webhooks.allow_networks if it is meant"


def refusal(address: str, allowed: Sequence[Network]) -> str | None:
    """Why a concrete address may not be connected to, for people; None where it may.

    One in an `allowed` network may. One that holds an IPv4 address may where its IPv6 form is allowed, and the address inside
    is not refused either: "127.0.0.0/8" alone opens no ::ffff:127.0.0.1, and "64:ff9b::/96" alone opens what is public behind
    NAT64, but no 64:ff9b::127.0.0.1. A zone (fe80::1%eth0) changes nothing.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return "its name stands for something that is no IP address; look at how it is resolved"
    if isinstance(parsed, IPv6Address):
        parsed = IPv6Address(int(parsed))
    kind, inside = _known(parsed)
    if kind is not None and not any(parsed in network for network in allowed):
        return f"{address} is {kind}; {REMEDY}"
    for other in inside:
        why = refusal(str(other), allowed)
        if why is not None:
            return f"{address} leads to an IPv4 address: {why}"
    return None


def url_refusal(url: str, allowed: Sequence[Network]) -> str | None:
    """What is wrong with an endpoint's URL, and what to do, worded to follow its name ("has a fragment, …; take it out");
    None where it may be one. The URL is never quoted, it may hold a password; but a literal address in it is."""
    return url_fault(url) or host_refusal(url, allowed)


def url_fault(url: str) -> str | None:
    """As `url_refusal`, but for where the address of its host leads to."""
    if len(url) > URL_LENGTH:
        return f"is longer than {URL_LENGTH} characters; use a shorter one"
    if not url.isprintable() or " " in url or "\\" in url:
        return "holds white space, a backslash or an invisible character; write it percent-encoded"
    match = URL.fullmatch(url)
    if match is None:
        return "is not a URL that starts with https:// or http://; write it as https://HOST[:PORT]/PATH"
    if "@" in match["authority"]:
        return "holds a login; take out what stands before the @, and give it as the endpoint's credentials"
    if match["fragment"] is not None:
        return "has a fragment (#…), which is never sent; take it out"
    authority = AUTHORITY.fullmatch(match["authority"])
    if authority is None:
        return "has no sound host and port; write it as https://HOST[:PORT]/PATH"
    if authority["port"] is not None and not _may_be_port(int(authority["port"])):
        return f"uses port {authority['port']}; webhooks go to port 80, 443, or one from {LOWEST_PORT}"
    return _literal_fault(authority["literal"]) if authority["name"] is None else _name_fault(authority["name"])


def host_refusal(url: str, allowed: Sequence[Network]) -> str | None:
    """As `url_refusal` for a URL without a fault: where its host is an address, or this machine itself, whether it may be
    connected to. Other names are known only when they are looked up."""
    host = host_of(url)
    if is_address(host):
        why = refusal(host, allowed)
        return None if why is None else f"leads to an address that is refused: {why}"
    if host == "localhost" or host.endswith(".localhost"):
        whys = [refusal(address, allowed) for address in ("127.0.0.1", "::1")]
        if None not in whys:
            return f"leads to this machine itself: {whys[0]}"
    return None


def host_of(url: str) -> str:
    """The host of a URL without a fault: in small letters, without brackets and without the dot at its end."""
    match = URL.fullmatch(url)
    assert match is not None
    authority = AUTHORITY.fullmatch(match["authority"])
    assert authority is not None
    return (authority["literal"] or authority["name"]).lower().removesuffix(".")


def is_address(host: str) -> bool:
    """Whether the host of a URL without a fault is an address, and not a name."""
    return ":" in host or NUMBER.fullmatch(host.rpartition(".")[2]) is not None


def _known(address: Address) -> tuple[str | None, Sequence[IPv4Address]]:
    """What kind of address that must not be reached it is, if any, and the IPv4 addresses inside."""
    if isinstance(address, IPv6Address) and address not in PLAIN:
        for holder, (kind, places) in EMBEDDING.items():
            if address in holder:
                return kind, [IPv4Address((int(address) >> shift & ALL) ^ turned) for shift, turned in places]
    for network, kind in REFUSED.items():
        if address in network:
            return kind, ()
    return ("a reserved address" if isinstance(address, IPv6Address) and address not in UNICAST else None), ()


def _may_be_port(port: int) -> bool:
    return port in LOW_PORTS or LOWEST_PORT <= port <= 65535


def _literal_fault(literal: str) -> str | None:
    if "%" in literal:
        return "has a zone (%…) in its address, which means something on one machine only; use an address without one"
    try:
        IPv6Address(literal)
    except ValueError:
        return "has no IPv6 address in its brackets; write https://[ADDRESS]/PATH"
    return None


def _name_fault(name: str) -> str | None:
    if "%" in name:
        return "has a percent-encoded host; write the host in plain characters"
    if not name.isascii():
        if unicodedata.normalize("NFKC", name).replace("。", ".").isascii():
            return "writes its host with characters that only look like others; write it in plain ones"
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError:
            return "has a host that cannot be a name; check its letters"
    labels = name.removesuffix(".").split(".")
    if len(name) > HOST_LENGTH or not all(LABEL.fullmatch(label) for label in labels):
        return "has no sound host; write it as https://HOST[:PORT]/PATH"
    if NUMBER.fullmatch(labels[-1]) and not _is_ipv4(name):
        return "has a host of numbers that is no plain IPv4 address; write four decimal numbers, without leading zeros"
    return None


def _is_ipv4(name: str) -> bool:
    try:
        IPv4Address(name)
    except ValueError:
        return False
    return True
