"""Stands between aiohttp and every connection: no socket is made for an address that is refused.

It is asked for the concrete address of each candidate, at the time of connecting; so a literal address, a name, and a name that
stands for something else at the second look-up are all the same to it. Through a proxy it sees the proxy's address only.
"""

import socket
from collections.abc import Callable, Sequence
from typing import Any

from watcher.core.addresses import Network, refusal
from watcher.webhooks.journey import JOURNEY

AddressInfo = tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[Any, ...]]
"""As `socket.getaddrinfo` has them."""


class AddressRefused(OSError):
    """The address may not be connected to; its text says why."""


def make_socket(candidate: AddressInfo) -> socket.socket:
    return socket.socket(*candidate[:3])


class Guard:
    """A socket factory for aiohttp's connector. `allowed` are the networks that the operator opens (webhooks.allow_networks)."""

    def __init__(
        self, allowed: Sequence[Network] = (), make: Callable[[AddressInfo], socket.socket] = make_socket
    ) -> None:
        self.allowed = tuple(allowed)
        self._make = make

    def __call__(self, candidate: AddressInfo) -> socket.socket:
        address = str(candidate[4][0])
        why = refusal(address, self.allowed)
        journey = JOURNEY.get()
        if journey is not None:
            journey.note_candidate(address, why)
        if why is not None:
            raise AddressRefused(why)
        return self._make(candidate)
