"""What is seen of one request on its way: which addresses were tried, which refused, and when each stretch ended.

aiohttp's tracing would tell less (not where TLS begins, nor the address) and costs a sixth of a whole POST; so the parts that
are on the way anyway (the guard, the TLS handshake, the connection) note it here. They find the request they work for by a
context variable, for they run in tasks and callbacks that aiohttp starts on its behalf.
"""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

from watcher.core.endpoint import Timings


@dataclass(slots=True, kw_only=True)
class Journey:
    """All times are of `clock`, in seconds. `named` is whether a name had to be looked up, `reused` whether the connection had
    served another request before. `address` is the one at the other end of the connection."""

    clock: Callable[[], float]
    began: float
    named: bool
    reused: bool = False
    address: str | None = None
    tried: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    resolved: float | None = None
    connected: float | None = None
    handshaking: float | None = None
    opened: float | None = None
    asked: float | None = None
    heard: float | None = None

    def note_candidate(self, address: str, refusal: str | None) -> None:
        """An address is about to be connected to, or is refused: what the host is called is known."""
        if self.resolved is None:
            self.resolved = self.clock()
        if refusal is None:
            self.tried.append(address)
        else:
            self.refused.append(refusal)

    def note_handshake(self) -> None:
        """TCP is connected, TLS begins. Where several addresses are tried in turn it may begin anew."""
        self.handshaking = self.clock()
        if self.connected is None:
            self.connected = self.handshaking
        self.address = self.tried[-1] if self.tried else None

    def note_open(self, address: str | None) -> None:
        """The connection can be used. Through a proxy this happens twice where TLS follows."""
        self.opened = self.clock()
        if self.connected is None:
            self.connected = self.opened
        self.address = address

    def note_request(self, address: str | None, *, reused: bool) -> None:
        """The request is sent over this connection."""
        self.asked, self.heard = self.clock(), None
        self.address, self.reused = address, reused

    def note_answer(self) -> None:
        """Bytes came; the first of them count."""
        if self.heard is None:
            self.heard = self.clock()

    def timings(self) -> Timings:
        return Timings(
            dns=_between(self.began, self.resolved) if self.named else None,
            connect=_between(self.resolved, self.connected),
            tls=_between(self.handshaking, self.opened),
            first_byte=_between(self.asked, self.heard),
        )


JOURNEY: Final[ContextVar[Journey | None]] = ContextVar("journey", default=None)
"""The request that the running code works for."""


def _between(start: float | None, end: float | None) -> timedelta | None:
    return None if start is None or end is None or end < start else timedelta(seconds=end - start)
